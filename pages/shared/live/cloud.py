"""One row from a picture to its cloud on the plane to pictures: what an encoder says of it, and what may come back."""
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pages.shared.live import pad, sheet, state

CLOUD = state.component("cloud")
WIDEST = 2.0                     # latent units, of a deviation
COUNT, DRAWS = 6, 40             # pictures drawn at a time, and how often anew before they come again
NOISE = np.random.default_rng(0).standard_normal((DRAWS, COUNT, 2)).astype(np.float32)


class Cloud(NamedTuple):
    """A normal distribution on the plane; deviations of 0 are the one point of a plain autoencoder."""
    mean: tuple[float, float]
    deviation: tuple[float, float]
    draw: int                    # which row of NOISE

    def samples(self) -> np.ndarray:
        """The COUNT places (n, 2) that are drawn from it."""
        return (np.array(self.mean) + NOISE[self.draw] * self.deviation).astype(np.float32)


def cloud(
    key: str,
    own: Cloud,                                  # what the encoder says of the picture
    *,
    picture: np.ndarray,                         # uint8 (h, w[, 3])
    decoded: np.ndarray | sheet.Sheet,           # uint8 (COUNT, h, w[, 3]): the samples of `held`, for old browsers
    bounds: pad.Bounds,                          # the edges of the plane
    label: str,                                  # name of the plane, spoken by a screen reader
    decoder: state.Decoder | None,               # what decodes a place in the browser
    at: Sequence[float] | None = None,           # where it opens, as `sent` writes it; None: at `own`
    follows: bool = False,                       # whether it shows the drawing of a sketchpad of the same model
    dots: np.ndarray | None = None,              # (n, 2) latent points of real pictures
    dot_labels: np.ndarray | None = None,        # (n,) class numbers of the dots
    axes: tuple[str, str] = ("z₁", "z₂"),
) -> Cloud:
    """Show a picture, its cloud and pictures drawn from it; return the cloud as the reader left it.

    Mean and deviations are dragged, or moved by the keys; every picture follows. They are reported once, on release.
    """
    here = held(key, own, bounds, at)
    decoded = sheet.as_sheet(decoded, sheet.encode_strip)
    data = state.current(key, None if at is None else list(at)).sent(sent(here)) | sheet.look(decoded, None) | {
        "own": sent(own),
        "picture": sheet.exact(picture, decoded),
        "bounds": [float(edge) for edge in bounds],
        "widest": WIDEST if any(own.deviation) else 0.0,
        "noise": sheet.packed(NOISE),
        "count": COUNT,
        "palette": list(sheet.PALETTE),
        "axes": list(axes),
        "label": label,
        "follows": bool(follows),
        "decoder": decoder and decoder.sent(),
    }
    state.mount(CLOUD, key, data, {"decoded": decoded} | pad.dot_parts(dots, dot_labels, bounds))
    return here


def held(key: str, own: Cloud, bounds: pad.Bounds, at: Sequence[float] | None = None) -> Cloud:
    """The cloud that is about to be shown: the reader's, else the page's, else the picture's own."""
    now = state.current(key, at).at
    if not isinstance(now, (list, tuple)) or len(now) != 5:
        now = at if at is not None and len(at) == 5 else sent(own)
    widest = WIDEST if any(own.deviation) else 0.0
    limits = [bounds[:2], bounds[2:], (0.0, widest), (0.0, widest), (0, DRAWS - 1)]
    x, y, across, up, draw = (state.number(value, low, high, default) for value, (low, high), default
                              in zip(now, limits, sent(own), strict=True))
    return Cloud((x, y), (across, up), math.floor(draw))


def sent(cloud: Cloud) -> list[Any]:
    """Five numbers: the mean, the deviations, and the draw."""
    return [*map(float, cloud.mean), *map(float, cloud.deviation), int(cloud.draw)]
