"""A plane to drag on, with the decoded picture large beside it."""
import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from ae_core import latent
from pages.shared.live import sheet, state

PAD = state.component("pad")
NORMAL = NormalDist()
BACKDROPS = ("plain", "grid", "points", "both")
MAX_NEIGHBORS = 4000                             # all distances are measured again in every frame

Tiles = np.ndarray | sheet.Sheet                 # uint8 (rows, columns, h, w[, 3]), or what encode_grid made of it
Bounds = tuple[float, float, float, float]       # x0, x1, y0, y1
Point = tuple[float, float]


class Neighbors(NamedTuple):
    """Real pictures with their places on the plane, for the one nearest to the pointer."""
    points: np.ndarray                           # (n, 2), latent units
    pictures: np.ndarray | sheet.Sheet           # uint8 (n, h, w[, 3]), or what encode_strip made of them
    labels: np.ndarray | None = None             # (n,) class numbers


class Chorus(NamedTuple):
    """All classes of a conditional model at one point, and a word that is written with them."""
    names: Sequence[str]                         # of the pictures, in words
    pictures: Callable[[float, float], np.ndarray]    # uint8 (classes, h, w[, 3]) at a point
    chosen: int                                  # the class that the rest of the pad shows
    word: Sequence[int]                          # classes
    alt: str                                     # what the word is

    def sent(self, point: Point) -> dict[str, Any]:
        return {"names": list(self.names), "exact": sheet.packed(self.pictures(*point)), "chosen": self.chosen,
                "word": list(self.word), "alt": self.alt}


def pad(
    key: str,
    atlas: Tiles | Callable[[], Tiles],          # what is blended where no decoder runs, or what makes it then
    *,
    bounds: Bounds,                              # the edges of the plane
    label: str,                                  # name of the control, spoken by a screen reader
    alt: str,                                    # what the large picture shows, in words
    point: Point = (0.0, 0.0),                   # where it opens, latent units; put right if out of bounds
    backdrop: str = "points",                    # "plain", "grid" (pictures beneath), "points" (the dots) or "both"
    grid: Tiles | None = None,                   # pictures for the backdrop, each of its cell's center; None: atlas
    dots: np.ndarray | None = None,              # (n, 2) latent points of real pictures
    dot_labels: np.ndarray | None = None,        # (n,) class numbers of the dots
    classes: Sequence[str] = (),                 # each gets a legend entry that switches its dots off and on
    palette: Sequence[str] = sheet.PALETTE,      # CSS colors, class by class
    neighbors: Neighbors | None = None,          # the one nearest to the pointer is shown while dragging
    exact: Callable[[float, float], np.ndarray] | np.ndarray | None = None,    # uint8 (h, w[, 3]), or what makes it
    warp: bool = False,                          # the probability view
    axes: tuple[str, str] = ("z₁", "z₂"),
    title: str = "",                             # below the plane
    size: int = 1200,                            # largest side of the plane in CSS pixels; it shrinks with the page
    scale: int | None = None,                    # largest whole factor that enlarges; None: about 420 pixels
    decoder: state.Decoder | None = None,        # what decodes the value in the browser, in place of the blend
    within: latent.Oval | None = None,           # outside it the plane is dark, and no point stays there
    chorus: Chorus | None = None,                # what else is decoded at the point
    linked: bool = False,                        # to other pads of the same real pictures: their points go along
    on_change: Callable[[], None] | None = None,
) -> Point:
    """Show a plane to drag on; return the point, latent units, finite and within the bounds.

    While the reader drags, the browser blends the four atlas pictures around the pointer: picture (r, c) is the
    decoding of x = linspace(x0, x1, columns)[c] and y = linspace(y1, y0, rows)[r], so row 0 is the top and the corners
    are the bounds. On release it reports the point once, and the exact decoding replaces the blend. Another model or
    plane needs another key, or keeps its point. With a decoder, an atlas to be made is made and sent only once the
    browser says that the model does not run there; until it runs, the grid is blended.

    With `warp` the bounds are probabilities strictly within 0..1, and the axes (also those of atlas and grid) are the
    normal CDF of the latent. Point, dots, neighbors and the returned point stay in latent units.
    """
    _expect_bounds(bounds, warp)
    if backdrop not in BACKDROPS:
        raise ValueError(f"backdrop is {backdrop!r}, but must be one of {', '.join(BACKDROPS)}.")
    grid = None if grid is None else sheet.as_sheet(grid, sheet.encode_grid)
    if callable(atlas) and grid is not None and state.runs_there(decoder):
        tiles, shown = None, grid
    else:
        tiles = shown = sheet.as_sheet(atlas() if callable(atlas) else atlas, sheet.encode_grid)
    now = state.current(key, point)
    here = _point(now.at, bounds, warp, point, within)
    picture = exact(*here) if callable(exact) else exact
    parts = {"atlas": tiles, "grid": grid} | dot_parts(dots, dot_labels, bounds, warp) | _neighbor_parts(neighbors)
    data = now.sent(_to_plane(here, warp)) | sheet.look(shown, scale) | {
        "bounds": [float(edge) for edge in bounds],
        "warp": bool(warp),
        "backdrop": backdrop,
        "classes": [str(name) for name in classes],
        "palette": list(palette),
        "axes": list(axes),
        "label": label,
        "alt": alt,
        "decoder": decoder and decoder.sent(),
        "leftOut": tiles is None,
        "size": int(size),
        "hasDots": dots is not None,
        "hasNearest": neighbors is not None,
        "exact": None if picture is None else sheet.exact(picture, shown),
        "within": within and {"center": within.center.tolist(), "inverse": within.inverse.tolist()},
        "chorus": chorus and chorus.sent(here),
        "linked": bool(linked),
        "title": title,
    }
    return _point(state.mount(PAD, key, data, parts, on_change, point), bounds, warp, point, within)


def _expect_bounds(bounds: Bounds, warp: bool) -> None:
    edges = [state.number(edge, -math.inf, math.inf, math.nan) for edge in bounds]
    ordered = len(edges) == 4 and edges[0] < edges[1] and edges[2] < edges[3]
    low, high = (0.0, 1.0) if warp else (-math.inf, math.inf)
    if not ordered or not all(low < edge < high for edge in edges):
        limits = " strictly between 0 and 1 (they are probabilities)" if warp else ""
        raise ValueError(f"bounds is {bounds}, but must be x0 < x1, y0 < y1, finite{limits}.")


def _point(value: Any, bounds: Bounds, warp: bool, default: Any, within: latent.Oval | None = None) -> Point:
    """A point within the bounds (and the oval), latent units; what is not a point becomes the default."""
    x0, x1, y0, y1 = [NORMAL.inv_cdf(edge) if warp else float(edge) for edge in bounds]
    safe = _pair(default) or (0.0, 0.0)
    x, y = _pair(value) or safe
    safe_x, safe_y = state.number(safe[0], x0, x1, 0.0), state.number(safe[1], y0, y1, 0.0)
    found = state.number(x, x0, x1, safe_x), state.number(y, y0, y1, safe_y)
    return within.hold(found) if within else found


def _pair(value: Any) -> tuple[Any, Any] | None:
    value = value.tolist() if isinstance(value, np.ndarray) else value
    return tuple(value) if isinstance(value, (list, tuple)) and len(value) == 2 else None


def _to_plane(point: Point, warp: bool) -> list[float]:
    return [NORMAL.cdf(value) if warp else value for value in point]


def dot_parts(dots: np.ndarray | None, labels: np.ndarray | None, bounds: Bounds, warp: bool = False) -> dict[str, Any]:
    """Dots as 16-bit positions on the plane and 8-bit classes; those out of bounds are not drawn."""
    if dots is None:
        return {}
    dots = _as_points(dots, "dots")
    labels = _as_labels(labels, len(dots), "dot_labels")
    if warp:
        dots = np.vectorize(NORMAL.cdf, otypes=[float])(dots)
    x0, x1, y0, y1 = bounds
    share = (dots - [x0, y0]) / [x1 - x0, y1 - y0]
    inside = ((share >= 0) & (share <= 1)).all(axis=1)    # also drops what is not a number
    places = np.round(share[inside] * 65535).astype("<u2")
    return {"dots": sheet.packed(places), "dotClasses": sheet.packed(labels[inside])}


def _neighbor_parts(neighbors: Neighbors | None) -> dict[str, Any]:
    if neighbors is None:
        return {}
    points = _as_points(neighbors.points, "neighbors.points")
    pictures = sheet.as_sheet(neighbors.pictures, sheet.encode_strip)
    if pictures.count != len(points) or len(points) > MAX_NEIGHBORS:
        raise ValueError(f"neighbors has {len(points)} points and {pictures.count} pictures, but needs one picture a "
                         f"point and at most {MAX_NEIGHBORS}: cut both to the same length.")
    parts = {"nearPictures": pictures, "nearPoints": sheet.packed(points.astype("<f4"))}
    if neighbors.labels is not None:
        parts["nearClasses"] = sheet.packed(_as_labels(neighbors.labels, len(points), "neighbors.labels"))
    return parts


def _as_points(points: np.ndarray, name: str) -> np.ndarray:
    points = np.asarray(points, float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"{name} has shape {points.shape}, but must be (n, 2): one x, y a row.")
    return points


def _as_labels(labels: np.ndarray | None, count: int, name: str) -> np.ndarray:
    labels = np.zeros(count, int) if labels is None else np.asarray(labels)
    good = labels.shape == (count,) and labels.dtype.kind in "iu"
    if not good or (count and not 0 <= labels.min() <= labels.max() < 256):
        raise ValueError(f"{name} is {labels.dtype} {labels.shape}, but must be ({count},) whole class numbers from 0 "
                         "to 255, one a point.")
    return labels.astype(np.uint8)
