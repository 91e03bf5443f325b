"""A small surface to draw on, white ink on black, and beside it what a model in the browser makes of the drawing."""
import base64
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pages.shared.live import sheet, state

SKETCHPAD = state.component("sketchpad")
DETAIL = 4                                       # pixels of the returned drawing for each logical pixel


class Through(NamedTuple):
    """A model in the browser that every point of a stroke goes through, and how it sees a drawing."""
    model: str | None                            # id, of `live.model`; None where no browser runs it
    shape: tuple[int, int, int]                  # of its pictures
    room: dict[str, Any]                         # where the drawing lies in them; see placing.js
    names: tuple[str, str]                       # of the picture it sees and of the one it decodes
    label: Sequence[float] | None = None         # of a conditional model, a weight a class
    noise: tuple[np.ndarray, np.ndarray, bool] | None = None    # (h, w, c) what the picture is multiplied by, and what
                                                 # is added; and whether it is clipped then

    def sent(self) -> dict[str, Any]:
        noise = self.noise and [*(sheet.packed(part.astype("<f4")) for part in self.noise[:2]), self.noise[2]]
        return self._asdict() | {"noise": noise}


def sketchpad(
    key: str,
    *,
    label: str,                                  # name of the control, spoken by a screen reader
    alt: str = "Your drawing, white on black",   # what the drawing shows, in words
    size: int = 28,                              # side in logical pixels, those that the model sees
    display: int = 280,                          # largest side on the screen in CSS pixels; it shrinks with the page
    brush: float = 2.4,                          # width of the pen in logical pixels
    drawing: np.ndarray | None = None,           # what it opens with, float (size * 4, size * 4) in 0..1
    through: Through | None = None,
    on_change: Callable[[], None] | None = None,
) -> np.ndarray | None:
    """Show a surface to draw on; return float32 (size * 4, size * 4) in 0..1, 0 is black; None while there is no ink.

    The drawing is four times finer than `size`, so that whoever shrinks it can center it first. It is reported once a
    stroke, and once for each undo and clear. `through`: what a model makes of it is shown meanwhile, where it runs.
    """
    if min(size, display) < 1 or not 0 < brush < math.inf:
        raise ValueError(f"size {size}, display {display} and brush {brush} must be positive.")
    side = int(size) * DETAIL
    now = state.current(key, drawing)
    ink = _ink(now.at, side)
    data = now.sent(None if ink is None else sheet.packed(np.round(ink * 255).astype(np.uint8))) | {
        "label": label,
        "alt": alt,
        "size": int(size),
        "side": side,
        "display": int(display),
        "brush": float(brush),
        "through": through and through.sent(),
    }
    return _ink(state.mount(SKETCHPAD, key, data, on_change=on_change, default=drawing), side)


def _ink(value: Any, side: int) -> np.ndarray | None:
    """A drawing as float32 (side, side) in 0..1; what is none, or has no ink, becomes None."""
    if isinstance(value, str):
        value = _decoded(value, side)
    if not isinstance(value, np.ndarray) or value.shape != (side, side):
        return None
    if value.dtype.kind != "f" or not np.isfinite(value).all() or not value.any():
        return None
    return np.clip(value, 0, 1).astype(np.float32)


def _decoded(text: str, side: int) -> np.ndarray | None:
    """The browser's drawing: base64 of side * side bytes."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    if len(raw) != side * side:
        return None
    return np.frombuffer(raw, np.uint8).reshape(side, side).astype(np.float32) / 255
