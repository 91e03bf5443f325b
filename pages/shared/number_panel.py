"""Every number of a code on a strip of its own, live: eight at a time, those first that change the picture most."""
from typing import Any

import numpy as np
import streamlit as st

from ae_core.features import faces
from pages.shared import address, cache, live

SHOWN = 8                        # strips at a time
WILD = 1.2                       # standard deviation of what "Random" draws, in deviations of the codes


@st.fragment
def show(served: Any, runs: str | None, code: np.ndarray, ident: str, name: str) -> None:
    """The picture of a code (d,) with a strip for each of some of its numbers; dragging reruns no more than this.

    runs: the model's id in the browser; ident: the same for the same code; name: what it is the code of, in words.
    Conditional models have none of this.
    """
    order, deviation, effect = cache.sway(served)
    names = [f"z{k + 1}" for k in range(len(code))]      # as one can type them
    sorted_names = [names[k] for k in order]
    changes = _changes_of(ident, names)
    chosen = _chosen([*changes, *(each for each in sorted_names if each not in changes)], served.preset.name)
    rows = [names.index(each) for each in chosen]
    key = f"numbers_{served.preset.name}_{ident}_{'_'.join(map(str, rows))}"
    opening = [changes.get(each, 0.0) for each in chosen]
    alphas = live.mixed(key, opening, -faces.REACH, faces.REACH)
    others = {each: alpha for each, alpha in changes.items() if each not in chosen}
    directions = np.diag(deviation)
    base = faces.change(code, directions[[names.index(each) for each in others]], list(others.values())) if others \
        else code.astype(np.float32)
    strips, now = cache.number_strips(served, base, tuple(rows), alphas)
    labels = [f"{each} (deviation {deviation[row]:.2f})" for each, row in zip(chosen, rows, strict=True)]
    live.mixer(key, strips, labels, values=opening, exact=now, start=-faces.REACH, stop=faces.REACH,
               smooth=min(now.shape[:2]) >= 64, alt=f"{name}, with the changes of the strips",
               decoder=live.Decoder(runs, (base, directions[rows])),
               caption=f"{name.capitalize()}. 0 is its own code; a step is one deviation of the test pictures' codes.")
    changed = others | {each: alpha for each, alpha in zip(chosen, alphas, strict=True) if alpha}
    st.session_state.numbers = ident, changed
    _field(names).write(changed)
    _buttons(key, ident, chosen, changed, sorted_names, served.preset.name)
    st.caption(f"Sorted by how much one deviation changes the picture: {sorted_names[0]} by {effect[order[0]]:.3f} on "
               f"average, where black and white differ by 1; the last of all {len(code):,} by {effect[order[-1]]:.3f}.")


def _chosen(sorted_names, model):
    """The numbers that are shown: the first ones, until the reader searches or goes on."""
    key = f"shown_numbers_{model}"
    st.session_state.setdefault(key, sorted_names[:SHOWN])
    return st.multiselect("Numbers on a strip (type to search)", sorted_names, key=key, max_selections=SHOWN,
                          placeholder="Those that change most") or sorted_names[:SHOWN]


def _buttons(key, ident, chosen, changed, sorted_names, model):
    row = st.container(horizontal=True)
    row.button("Reset", icon=":material/restart_alt:", disabled=not changed, on_click=_set, key="numbers_reset",
               args=(key, ident, {}, [0.0] * len(chosen)))
    row.button("Random", icon=":material/casino:", on_click=_randomize, args=(key, ident, chosen, changed),
               key="numbers_random")
    row.button(f"The next {SHOWN}", icon=":material/arrow_forward:", on_click=_next, args=(chosen, sorted_names, model),
               disabled=len(sorted_names) <= SHOWN, key="numbers_next")


def _set(key, ident, changes, values):
    st.session_state.numbers = ident, changes
    live.place(key, values)


def _randomize(key, ident, chosen, changed):
    """Other values for the strips that are shown, drawn by how often that was asked."""
    count = st.session_state.numbers_drawn = st.session_state.get("numbers_drawn", 0) + 1
    drawn = np.random.default_rng(count).normal(0, WILD, len(chosen)).clip(-faces.REACH, faces.REACH).round(2)
    values = drawn.tolist()
    _set(key, ident, changed | dict(zip(chosen, values, strict=True)), values)


def _next(chosen, sorted_names, model):
    last = max(map(sorted_names.index, chosen)) + 1
    start = 0 if last >= len(sorted_names) else min(last, len(sorted_names) - SHOWN)
    st.session_state[f"shown_numbers_{model}"] = sorted_names[start:start + SHOWN]


def _changes_of(ident, names):
    """{number: deviations} of the changes to a code: those of this visit, else those in the address."""
    known, changes = st.session_state.get("numbers", (None, {}))
    if known == ident:
        return changes
    return _field(names).read() if known is None else {}


def _field(names):
    """The changes in the address, as z5:1.20,z17:-0.40."""
    return address.Field("numbers", "change of a number", {}, lambda text: faces.parse_changes(text, names),
                         faces.format_changes)
