"""Frames along a line with a slider and a play button: a morph, an attribute, a noise level, a size of the code."""
import math
from collections.abc import Callable, Sequence

import numpy as np

from pages.shared.live import sheet, state

FILMSTRIP = state.component("filmstrip")


def filmstrip(
    key: str,
    frames: np.ndarray | sheet.Sheet,            # uint8 (n, h, w[, 3]), n >= 2, or what encode_strip made of them
    *,
    label: str,                                  # name of the control, spoken by a screen reader
    alt: str,                                    # what the picture shows, in words
    value: float = 0.0,                          # where the strip opens; put right if out of range or not finite
    start: float = 0.0,                          # value of the first frame
    stop: float = 1.0,                           # value of the last frame; may be smaller than start
    digits: int | None = None,                   # decimals shown; None: as many as the line is fine
    captions: Sequence[str] | None = None,       # one text a frame, shown under the picture and spoken
    ends: tuple[str, str] = ("", ""),            # words under the two ends of the track
    loop: bool = False,                          # play from the first frame again after the last; else back and forth
    autoplay: bool = False,                      # unless the reader's system asks for reduced motion
    fps: float = 12.0,                           # frames a second while playing
    smooth: bool = False,                        # interpolate between enlarged pixels, in place of sharp squares
    scale: int | None = None,                    # largest whole factor that enlarges; None: about 420 pixels
    stage: bool = False,                         # the main picture of its page: as large as the window holds
    decoder: state.Decoder | None = None,        # what decodes the value in the browser, in place of the blend
    on_change: Callable[[], None] | None = None,
) -> float:
    """Show frames along a line; return the value on that line, finite and between start and stop.

    While the reader drags or plays, the browser cross-fades between the two frames around the value. The value is
    reported once: on release, or when playing is paused. Other frames keep it unless the key changes, too.
    """
    frames = sheet.as_sheet(frames, sheet.encode_strip)
    _expect_line(frames, captions, start, stop)
    low, high = sorted((float(start), float(stop)))
    opening = state.number(value, low, high, float(start))
    data = state.current(key, opening).sent(held(key, value, start, stop)) | sheet.look(frames, scale) | {
        "start": float(start),
        "stop": float(stop),
        "digits": digits,
        "captions": None if captions is None else [str(text) for text in captions],
        "ends": list(ends),
        "loop": bool(loop),
        "autoplay": bool(autoplay),
        "fps": state.number(fps, 0.5, 60.0, 12.0),
        "smooth": bool(smooth),
        "stage": bool(stage),
        "label": label,
        "alt": alt,
        "decoder": decoder and decoder.sent(),
    }
    reported = state.mount(FILMSTRIP, key, data, {"frames": frames}, on_change, opening)
    return state.number(reported, low, high, opening)


def held(key: str, value: float, start: float = 0.0, stop: float = 1.0) -> float:
    """The value that a strip is about to show: the reader's, else the page's, else `value`."""
    low, high = sorted((float(start), float(stop)))
    opening = state.number(value, low, high, float(start))
    return state.number(state.current(key, opening).at, low, high, opening)


def _expect_line(frames: sheet.Sheet, captions: Sequence[str] | None, start: float, stop: float) -> None:
    if frames.count < 2:
        raise ValueError(f"frames has {frames.count} picture, but a strip needs two or more.")
    if captions is not None and len(captions) != frames.count:
        raise ValueError(f"captions has {len(captions)} texts for {frames.count} frames: give one a frame.")
    if not math.isfinite(start) or not math.isfinite(stop) or start == stop:
        raise ValueError(f"start {start} and stop {stop} must be two different finite numbers.")
