"""Rows of pictures that move together along a strip, each with a note of the place where the strip stands."""
from collections.abc import Callable, Sequence

import numpy as np

from pages.shared.live import sheet, state

ROWS = state.component("rows")


def rows(
    key: str,
    frames: np.ndarray | sheet.Sheet,            # uint8 (places * rows, columns, h, w[, 3]), or that by encode_grid
    names: Sequence[str],                        # of the rows
    notes: Sequence[Sequence[str]],              # beside the name of each row, at each place
    words: Sequence[str],                        # the result at each place
    values: Sequence[float],                     # of the places, rising
    *,
    value: float,                                # where the strip opens: at the nearest place
    label: str,                                  # name of the strip, spoken by a screen reader
    alt: str,                                    # what the pictures show, in words
    ends: Sequence[str],                         # under the strip, from its start to its end
    thumbnail: int = 1,                          # the row whose first picture is small on the strip
    warning: str = "",                           # said in the frame at every place
    beside: bool = False,                        # names beside the rows where there is room, else above them
    flips: bool = False,                         # the first two pictures of a column change places while it is held
    on_change: Callable[[], None] | None = None,
) -> float:
    """Show rows of pictures over each other; return the value of the place of the strip, one of `values`."""
    frames = sheet.as_sheet(frames, sheet.encode_grid)
    if len(values) < 2 or not len(values) == len(notes) == len(words) or frames.rows != len(values) * len(names):
        raise ValueError(f"{len(values)} places, {len(notes)} notes, {len(words)} words, {frames.rows} rows: give one "
                         f"of each for two places or more, and {len(names)} rows a place.")
    now = state.current(key, value)
    data = now.sent(_nearest(now.at, values, value)) | sheet.look(frames, None) | {
        "names": list(names), "notes": [list(line) for line in notes], "words": list(words), "columns": frames.columns,
        "values": [float(each) for each in values], "label": label, "alt": alt, "ends": list(ends),
        "thumbnail": thumbnail, "warning": warning, "beside": beside, "flips": flips}
    reported = state.mount(ROWS, key, data, {"frames": frames}, on_change, value)
    return float(values[_nearest(reported, values, value)])


def held(key: str, values: Sequence[float], value: float) -> float:
    """The value that a strip is about to show: the reader's, else the page's, else the one nearest to `value`."""
    return float(values[_nearest(state.current(key, value).at, values, value)])


def _nearest(value: object, values: Sequence[float], default: float) -> int:
    """The place whose value is the nearest to what a browser or an address sent."""
    found = state.number(value, min(values), max(values), default)
    return int(np.argmin(np.abs(np.asarray(values, float) - found)))
