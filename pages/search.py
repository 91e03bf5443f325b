"""Search: the sixteen pictures most similar to a picture, by their codes."""
from dataclasses import dataclass

import numpy as np
import streamlit as st

from ae_core import presets
from ae_core.features import search
from ae_core.pictures import convert, datasets, sheets
from pages.shared import address, cache, frame, search_panels, widgets

RULERS = {"The angle of 32 whitened numbers": search.ANGLE, "The straight distance, as published": search.STRAIGHT}
PLACES = ("Fashion-MNIST", "Your pictures")
SOURCES = ("A picture from the index", "Upload", "Drawing")
FIRST = {"test": 4}              # a shirt, which is the hardest class
GRID = 660                       # pixels across


@dataclass(frozen=True)
class Indexed:
    """What is searched."""
    key: str
    index: search.Index
    pictures: np.ndarray         # (n, h, w, c) as the model sees them, uint8 or in 0..1
    shown: np.ndarray            # (n, h', w', c') as the reader knows them, uint8 or in 0..1
    names: list[str]

    @property
    def place(self):
        """The field of the address that says which of them is the query."""
        return address.whole("picture", len(self.names) - 1, FIRST.get(self.key, 0), "picture")


def fashion(served):
    """Search Fashion-MNIST, the training pictures where they are here."""
    ruler = RULERS[widgets.choose_one("Compare by", list(RULERS), "ruler")]
    here = datasets.find("fashion_mnist") and search.path_of(served, "train", ruler).is_file()
    split = "train" if here else "test"
    if not here:
        search_panels.show_how_to_index(ruler)
    pictures, labels = cache.searched(split)
    classes = datasets.DATASETS["fashion_mnist"].classes
    return Indexed(split, cache.index(served, split, ruler), pictures, pictures, [classes[label] for label in labels])


def own(served):
    """Search a reader's own pictures; None while there are none."""
    collected = widgets.collect("search", served.preset)
    if collected is None or len(collected.names) < 2:
        st.info({None: "Drop pictures here, or a zip of them.", 0: "None of these files is a picture; choose others.",
                 1: "One picture has no others to be compared with; add some."}[collected and len(collected.names)]
                + " Until then, Fashion-MNIST is searched.")
        return None
    return widgets.kept("own_index", widgets.files_of("search"), lambda: Indexed(
        "own", search.build(served, collected.floats()), collected.pictures, collected.thumbnails,
        list(collected.names)))


def choose_query(served, searched):
    """The query: its row in the index and its picture; the row is None for a picture of the reader's own."""
    source = widgets.choose_source("Query", SOURCES, "source")
    pick = {SOURCES[1]: widgets.uploaded, SOURCES[2]: lambda key, preset: widgets.drawn(
        key, preset, widgets.through(preset, widgets.in_browser(served)))}.get(source)
    picked = pick("query", served.preset) if pick else None
    if picked is not None and st.session_state.get("clicked_from") != picked.tobytes():
        return None, picked
    if source == SOURCES[0] and st.button("Another picture", icon=":material/casino:"):
        go_on(int(np.random.default_rng().integers(len(searched.names))))
    return searched.place.read(), picked


def go_on(row, before=None):
    """Make a row of the index the query, in place of a reader's own picture `before`."""
    address.write({"picture": str(row)})
    st.session_state.clicked_from = before


def mosaic(pictures, query):
    """The published mosaic as one picture, for a slide: the query beside the results."""
    sheet = sheets.tile(pictures, 4, scale=max(1, 112 // pictures.shape[1]))
    large = sheets.enlarge(convert.to_uint8(query), sheet.shape[0] // query.shape[0])
    canvas = np.full((sheet.shape[0], large.shape[1] + 8, 3), 255, np.uint8)
    canvas[:large.shape[0], :large.shape[1]] = large
    return sheets.to_png(np.concatenate([canvas, sheets.to_rgb(sheet)], axis=1))


frame.open_page("search")
left, right = st.columns([2, 3], gap="large")
with left:
    query_place = st.container()
    where = widgets.choose_segment("Search in", PLACES, "where")
    served = widgets.served(search.PRESET)
    mine = own(served) if where == PLACES[1] else None
    searched = mine or fashion(served)
    row, picked = choose_query(served, searched)
query, shown = (picked[0], picked[0]) if row is None else (
    convert.as_pictures(each[[row]])[0] for each in (searched.pictures, searched.shown))
found = search.like(searched.index, served, query, but=row)
results = convert.as_pictures(searched.shown[found.ids])
with query_place:
    caption = "The query, as the model sees it" if row is None else f"The query: {searched.names[row]}"
    widgets.image(sheets.enlarge(convert.to_uint8(shown), 300 // len(shown)), caption, widgets.plain(caption))
with right:
    before = None if picked is None else picked.tobytes()
    widgets.picture_grid("result", results, [f"Result {k + 1}" for k in range(len(found.ids))], go_on,
                         [{"row": int(each), "before": before} for each in found.ids], columns=(4, 4), width=GRID,
                         words=[f"{searched.names[each]} · {distance:.2f}"
                                for each, distance in zip(found.ids, found.distances, strict=True)])
    st.caption(f"The {len(found.ids)} nearest of {len(searched.index):,}, with their distances. Click one to search "
               "from it.")
    widgets.download("Download PNG", lambda: mosaic(results, shown), "search.png", "image/png")
if not mine:
    widgets.panel("How often is the class right?", lambda: search_panels.show_precision(served, RULERS), "bar_chart",
                  "precision")
widgets.explain("search", [presets.get(search.PRESET)], search.like, search.Index.search, search.leave_one_out)
