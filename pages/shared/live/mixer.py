"""One picture with a strip for each direction that changes it; the picture holds all changes at once."""
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pages.shared.live import sheet, state

MIXER = state.component("mixer")


def mixer(
    key: str,
    frames: np.ndarray | sheet.Sheet,            # uint8 (strips, n, h, w[, 3]), n >= 2, or encode_grid's sheet of them
    labels: Sequence[str],                       # name of each strip, spoken by a screen reader
    *,
    values: Sequence[float],                     # where the strips open; ask `mixed` for them before making the frames
    exact: np.ndarray,                           # uint8 (h, w[, 3]), the true picture at the values
    alt: str,                                    # what the picture shows, in words
    caption: str = "",                           # one text under the picture
    start: float = -1.0,                         # value of the first frame of every strip
    stop: float = 1.0,                           # value of the last frame
    smooth: bool = False,                        # interpolate between enlarged pixels, in place of sharp squares
    scale: int | None = None,                    # largest whole factor that enlarges; None: about 420 pixels
    decoder: state.Decoder | None = None,        # what decodes the value in the browser, in place of the blend
    original: np.ndarray | None = None,          # uint8 like `exact`: what the picture is a copy of, shown above it
    words: str = "",                             # with an original: said of the copy; {error} is its squared error
    ends: Sequence[tuple[str, str]] | None = None,           # words at both ends of each strip, in place of its name
    hatch: float = 0.0,                          # share of each half of a strip that is hatched, at its end
    ball: dict[str, Any] | None = None,          # see below
    on_change: Callable[[], None] | None = None,
) -> tuple[float, ...]:
    """Show a picture and its strips; return one value a strip, finite and between start and stop.

    Row k of the frames is the picture along strip k, with every other strip at its value. While a strip is dragged, the
    browser cross-fades between its two frames around the value. The values are reported once, on release; the page
    then sends frames that hold them all. Another picture or other strips need another key.

    ball: with it no strip goes to where the sum of all is farther from a middle than its `radius`, and each shows where
    the others carry the picture along it. own: the squared distance of the picture with no strip moved; along (k,) and
    gram (k, k): the products of the directions with its place, and with each other; words: said where it holds a strip.
    """
    frames = sheet.as_sheet(frames, sheet.encode_grid)
    if not labels or len(labels) != frames.rows or frames.columns < 2:
        raise ValueError(f"frames has {frames.rows} rows of {frames.columns} for {len(labels)} labels: give one row a "
                         "label, of two frames or more.")
    here = mixed(key, values, start, stop)
    data = state.current(key, values).sent(list(here)) | sheet.look(frames, scale) | {
        "start": float(start),
        "stop": float(stop),
        "labels": [str(label) for label in labels],
        "alt": alt,
        "decoder": decoder and decoder.sent(),
        "caption": caption,
        "smooth": bool(smooth),
        "exact": sheet.exact(exact, frames),
        "original": None if original is None else sheet.exact(original, frames),
        "words": words,
        "ends": None if ends is None else [list(pair) for pair in ends],
        "hatch": float(hatch),
        "ball": ball,
    }
    state.mount(MIXER, key, data, {"frames": frames}, on_change)
    return here


def mixed(key: str, values: Sequence[float], start: float = -1.0, stop: float = 1.0) -> tuple[float, ...]:
    """The values that a mixer is about to show: the reader's, else the page's, else `values`."""
    now = state.current(key, values).at
    if not isinstance(now, (list, tuple)) or len(now) != len(values):
        now = values
    return tuple(state.number(value, start, stop, state.number(default, start, stop, start))
                 for value, default in zip(now, values, strict=True))
