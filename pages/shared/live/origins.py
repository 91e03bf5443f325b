"""Pictures beside the plane, each with the place that it was decoded from: whoever points at one sees the other."""
import numpy as np

from pages.shared.live import pad, sheet, state

ORIGINS = state.component("origins")


def origins(
    key: str,
    pictures: np.ndarray | sheet.Sheet,          # uint8 (n, h, w[, 3])
    points: np.ndarray,                          # (n, 2), latent units
    *,
    bounds: pad.Bounds,                          # the edges of the plane; a place beyond them stands at the edge
    label: str,                                  # what the plane is, spoken by a screen reader
    far: np.ndarray | None = None,               # (n,) bool: those in a hole, far from every real picture
    dots: np.ndarray | None = None,              # (n, 2) latent points of real pictures
    dot_labels: np.ndarray | None = None,        # (n,) class numbers of the dots
    axes: tuple[str, str] = ("z₁", "z₂"),
) -> None:
    """Show pictures with their two numbers beside the plane with their places; it reports nothing."""
    pictures, points = sheet.as_sheet(pictures, sheet.encode_strip), np.asarray(points, float)
    if points.shape != (pictures.count, 2) or not np.isfinite(points).all():
        raise ValueError(f"points is {points.shape} for {pictures.count} pictures: give one finite x, y a picture.")
    data = sheet.look(pictures, None) | {
        "points": points.tolist(),
        "far": [bool(each) for each in (np.zeros(len(points)) if far is None else far)],
        "bounds": [float(edge) for edge in bounds],
        "palette": list(sheet.PALETTE),
        "axes": list(axes),
        "label": label,
    }
    state.mount(ORIGINS, key, data, {"pictures": pictures} | pad.dot_parts(dots, dot_labels, bounds))
