"""A wall of pictures with intruders: click those that do not belong, then see them sorted by a score."""
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pages.shared.live import sheet, state

HUNT = state.component("hunt")


class Hunted(NamedTuple):
    shown: bool                  # the answer
    line: int                    # so many of the highest scores lie beyond the line
    marked: list[int]            # what the reader clicked, as indices of the pictures


def hunt(
    key: str,
    pictures: np.ndarray | sheet.Sheet,          # uint8 (n, h, w[, 3]), or what encode_strip made of them
    scores: np.ndarray,                          # (n,) finite numbers, higher is odder
    intruder: np.ndarray,                        # (n,) bool
    *,
    names: tuple[str, str],                      # of a regular picture and of an intruder
    on_change: Callable[[], None] | None = None,
) -> Hunted:
    """Show the wall; return what was marked, whether the answer is shown, and where its line stands.

    Clicking marks a picture. The answer sorts the wall, the oddest first, and a line that can be dragged runs through
    it, which opens behind as many pictures as there are intruders. It is reported when the answer is asked for, and
    when the line is let go. Other pictures need another key.
    """
    pictures = sheet.as_sheet(pictures, sheet.encode_strip)
    count, hidden = len(scores), int(np.sum(intruder))
    if pictures.count != count or len(intruder) != count or not np.isfinite(scores).all():
        raise ValueError(f"{pictures.count} pictures, {count} scores and {len(intruder)} flags: give one finite score "
                         "and one flag a picture.")
    now = state.current(key, None)
    found = _checked(now.at, count, hidden)
    order = np.argsort(-np.asarray(scores), kind="stable")
    data = now.sent([int(found.shown), found.line, *found.marked]) | sheet.look(pictures, None) | {
        "order": order.tolist(), "intruder": np.flatnonzero(intruder).tolist(), "names": list(names),
        "colors": [sheet.PALETTE[0], sheet.PALETTE[2]]}
    return _checked(state.mount(HUNT, key, data, {"pictures": pictures}, on_change), count, hidden)


def _checked(at, count, hidden):
    """What a browser reported, in bounds."""
    if not isinstance(at, (list, tuple)) or not 2 <= len(at) <= count + 2 or not all(type(part) is int for part in at):
        return Hunted(False, hidden, [])
    return Hunted(bool(at[0]), min(max(at[1], 0), count), sorted({row for row in at[2:] if 0 <= row < count}))
