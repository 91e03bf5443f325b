"""A row of pictures: a click opens one, and one that is dropped on another makes a morph of the two."""
from collections.abc import Sequence

from pages.shared.live import sheet, state

RECENT = state.component("recent")


def recent(
    key: str,
    pictures: sheet.Sheet,                       # as `encode_strip` made it
    names: Sequence[str],                        # of each picture, spoken by a screen reader
) -> None:
    """Show the row; `dropped` says what the reader did with it.

    By keyboard, M picks a picture up, and Enter on another drops it there.
    """
    if pictures.count != len(names):
        raise ValueError(f"{pictures.count} pictures and {len(names)} names: give one name a picture.")
    data = state.current(key, None).sent(None) | sheet.look(pictures, None) | {"names": list(names)}
    state.mount(RECENT, key, data, {"pictures": pictures})


def dropped(key: str, count: int) -> list[int]:
    """What was chosen in a row of `count` pictures since this was last asked: [k] a click, [k, other] a drop; or []."""
    at = state.current(key, None).at
    if at is None:
        return []
    state.place(key, None)
    good = isinstance(at, (list, tuple)) and len(at) in (1, 2) and all(type(k) is int and 0 <= k < count for k in at)
    return list(at) if good else []
