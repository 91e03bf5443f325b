"""Search: the sixteen pictures most similar to a picture, by their codes."""
import functools

import numpy as np
import streamlit as st

from ae_core import presets
from ae_core.features import search
from ae_core.pictures import convert, sheets
from pages.shared import address, frame, search_panels, widgets

PLACES = ("Fashion-MNIST", "Your pictures")
SOURCES = ("A picture", "Upload", "Drawing")


def choose_query(served, searched, source):
    """The query: its row in the index, its picture, and the reader's own picture; the row is None where that is it."""
    pick = {SOURCES[1]: widgets.uploaded, SOURCES[2]: lambda key, preset: widgets.drawn(
        key, preset, widgets.through(preset, widgets.in_browser(served)))}.get(source)
    picked = pick("query", served.preset) if pick else None
    recalled = st.session_state.get("recalled")
    if picked is not None and st.session_state.get("clicked_from") != picked.tobytes():
        return None, picked[0], picked
    if recalled is not None:
        return None, recalled, picked
    row = searched.place.read()
    return row, convert.as_pictures(searched.pictures[[row]])[0], picked


def go_on(row, picture=None, before=None):
    """Make a row of the index, else a picture, the query, in place of a reader's own picture `before`."""
    if row is not None:
        address.write({"picture": str(row)})
    st.session_state.recalled = picture if row is None else None
    st.session_state.clicked_from = None if before is None else before.tobytes()


def show_found(searched, found, row, shown, before):
    """The results as buttons; where the class of the query is known, framed by whether it is theirs."""
    names = [searched.names[each] for each in found.ids]
    said, signs, colors = search_panels.judge(names, None if row is None else searched.names[row]) \
        if searched.labels is not None else ("", [""] * len(names), ())
    results = convert.as_pictures(searched.shown[found.ids])
    widgets.picture_grid("result", results, [f"Result {k + 1}" for k in range(len(names))], go_on,
                         [{"row": int(each), "before": before} for each in found.ids], columns=(4, 4), frames=colors,
                         words=[f"{sign}{name} · {distance:.2f}" for sign, name, distance
                                in zip(signs, names, found.distances, strict=True)])
    return said, lambda: search_panels.mosaic(results, shown)


frame.open_page("search")
with frame.controls():
    source = widgets.choose_source("Query", SOURCES, "source", label_visibility="collapsed")
    again = source == SOURCES[0] and st.button("Another picture", icon=":material/casino:")
    mapped = widgets.switch("On the map", "map")
    more = st.popover("More", icon=":material/tune:")
left, right = search_panels.sides()
served = widgets.served(search.PRESET)
with more:
    where = widgets.choose_segment("Search in", PLACES, "where")
with left:
    mine = search_panels.own(served) if where == PLACES[1] else None
with more:
    searched = mine or search_panels.fashion(served)
with left:
    if again:
        go_on(int(np.random.default_rng().integers(len(searched.names))))
    row, query, picked = choose_query(served, searched, source)
    found = search.like(searched.index, served, query, but=row)
    shown = query if row is None else convert.as_pictures(searched.shown[[row]])[0]
    if row is not None or source != SOURCES[2]:
        caption = "The query, as the model sees it" if row is None else f"The query: {searched.names[row]}"
        with st.container(key="compare"):
            widgets.image(sheets.enlarge(convert.to_uint8(shown), 672 // len(shown)), caption, widgets.plain(caption))
    words = st.container(key="words")
    search_panels.show_trail(searched.key, (row, shown), functools.partial(go_on, before=picked))
with right:
    if mapped:
        with st.container(key="main_compare"):
            search_panels.show_map(served, searched, found, query)
    else:
        with st.container(key="main_compare"):
            said, save = show_found(searched, found, row, shown, picked)
        words.markdown(said)
        st.caption(f"The {len(found.ids)} nearest of {len(searched.index):,}, with their distances. Click one to "
                   "search from it.")
        widgets.download("Download PNG", save, "search.png", "image/png")
if not mine:
    widgets.panel("How often is the class right?", lambda: search_panels.show_precision(served), "bar_chart",
                  "precision")
widgets.explain("search", [presets.get(search.PRESET)], search.like, search.Index.search, search.leave_one_out)
