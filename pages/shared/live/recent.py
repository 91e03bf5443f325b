"""A row of pictures: a click opens one, and one that is dropped on another makes a morph of the two."""
from collections.abc import Callable, Sequence

import streamlit as st

from pages.shared.live import sheet, state

RECENT = state.component("recent")


def recent(
    key: str,
    pictures: sheet.Sheet,                       # as `encode_strip` made it
    names: Sequence[str],                        # of each picture, spoken by a screen reader
    *,
    on_open: Callable[[int], None],              # called with the index of a picture
    on_morph: Callable[[int, int], None],        # and with that of a picture and of the one that it was dropped on
) -> None:
    """Show the row; call one of the two when the reader clicks a picture, or drops one on another.

    By keyboard, M picks a picture up, and Enter on another drops it there.
    """
    if pictures.count != len(names):
        raise ValueError(f"{pictures.count} pictures and {len(names)} names: give one name a picture.")

    def chosen():
        at = state.current(key, None).at
        if isinstance(at, list) and len(at) in (1, 2) and all(type(k) is int and 0 <= k < len(names) for k in at):
            (on_open if len(at) == 1 else on_morph)(*at)
        st.session_state.pop(key, None)
    data = state.current(key, None).sent(None) | sheet.look(pictures, None) | {"names": list(names)}
    state.mount(RECENT, key, data, {"pictures": pictures}, chosen)
