"""Search: the sixteen pictures most like a picture, by their codes."""
import base64

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ae_core import presets
from ae_core.features import search
from ae_core.pictures import convert, datasets, sheets
from pages.shared import cache, frame, live, widgets

FORMULA = (r"\operatorname{nearest}(x) = \operatorname*{arg\,min}_{k} \lVert \varphi(E(x)) - \varphi(E(x_k)) \rVert, "
           r"\qquad \varphi(z) = \frac{\Lambda^{-1/4} U^\top (z - \mu)}{\lVert \Lambda^{-1/4} U^\top (z - \mu) \rVert}")
IDEA = """
Nobody told the autoencoder what a sandal is. But to copy pictures through a few numbers, it has to give like pictures
like codes. So the codes can be searched: the **nearest codes** belong to the likest pictures. The published way takes a
code of 32 numbers and measures the straight distance from the query to every code, one by one, in a Python loop; here
**faiss** does the same hundreds of times faster, and beyond 100,000 pictures walks a graph (**HNSW**) in place of the
list.

A better search needs no other network, only another ruler. The first principal directions $U$ of the codes vary much
more than the rest and drown them out; divided by the square root of their standard deviation ($\\Lambda$ holds the
variances) and compared by **angle**, the same 32 numbers find more of the same class: 0.826 in place of 0.818 among all
60,000 training pictures, where raw pixels get 0.795. The same ruler helps plain PCA, too, as the chart shows.

**Precision at 16** is the share of the sixteen results that belong to the class of the query.
"""
RULERS = {"The angle of 32 whitened numbers": search.ANGLE, "The straight distance, as published": search.STRAIGHT}
PLACES = ("Fashion-MNIST", "Your pictures")
SOURCES = ("A picture of the index", "Upload", "Drawing")
# The mosaic stays 4 x 4 on a phone; each picture is a button, so keyboards and screen readers can go on from it, too.
MOSAIC = """<style>
.st-key-mosaic { display: grid !important; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 0.4rem; }
.st-key-mosaic { max-width: 660px; }
.st-key-mosaic > div, .st-key-mosaic button { width: 100% !important; }
.st-key-mosaic button { padding: 0.2rem; min-height: 0; border-radius: 0.4rem; }
.st-key-mosaic button p { display: flex; flex-direction: column; gap: 0.1rem; font-size: 0.8rem; line-height: 1.25; }
.st-key-mosaic button img { width: 100%; max-height: none !important; height: auto; margin: 0; }
.st-key-mosaic button img { image-rendering: pixelated; }
</style>"""


def fashion():
    """Search Fashion-MNIST: the index, its pictures, and a word for each."""
    ruler = RULERS[widgets.choose_one("Compare by", list(RULERS), "ruler")]
    served = widgets.served(search.PRESET)
    here = datasets.find("fashion_mnist") and search.path_of(served, "train", ruler).is_file()
    split = "train" if here else "test"
    pictures, labels = cache.searched(split)
    classes = datasets.DATASETS["fashion_mnist"].classes
    return served, cache.index(served, split, ruler), pictures, [classes[label] for label in labels], split


def own():
    """Search a reader's own pictures; None while there are none."""
    served = widgets.served(search.PRESET)
    collected = widgets.collect("search", served.preset)
    if collected is None or not len(collected.names):
        st.info("Drop pictures here, or a zip of them. Until then, Fashion-MNIST is searched.")
        return None
    if st.session_state.get("own_index", (None,))[0] is not collected:
        st.session_state.own_index = collected, search.build(served, collected.pictures)
    return served, st.session_state.own_index[1], collected.pictures, collected.names, collected


def choose_query(served, names, key):
    """The query: a place in the index or None, and a picture of the reader's own or None."""
    source = st.segmented_control("Query", SOURCES, default=SOURCES[0], required=True, key="source")
    if source == "Upload":
        own_picture = widgets.uploaded("query", served.preset)
    elif source == "Drawing":
        own_picture = widgets.drawn("query", served.preset)
    else:
        own_picture = None
    if own_picture is not None and st.session_state.get("clicked_from") != own_picture.tobytes():
        return None, own_picture[0]
    if source == SOURCES[0] and st.button("Another picture", icon=":material/casino:"):
        go_on(key, int(np.random.default_rng().integers(len(names))))
    return place(key, len(names)), None


def place(key, count):
    """The place of the query in the index, kept in the address."""
    asked, = widgets.address_numbers("picture", [(0, count - 1)], (FIRST.get(key, 0),), "a picture")
    return int(asked)


FIRST = {"test": 4}                              # a shirt, which is the hardest class


def go_on(key, row, own_picture=None):
    """Make a place of the index the query."""
    st.query_params["picture"] = str(row)
    st.session_state.clicked_from = own_picture


def show_query(picture, caption):
    st.image(sheets.to_png(sheets.enlarge(convert.to_uint8(picture), 300 // len(picture))), caption=caption,
             alt=f"The query: {caption}", width="content")


def show_mosaic(found, pictures, names, own_picture):
    """The results as sixteen buttons, each with its picture, its word and its distance."""
    with st.container(key="mosaic"):
        for rank, (row, distance) in enumerate(zip(found.ids, found.distances, strict=True)):
            png = sheets.to_png(sheets.enlarge(convert.to_uint8(pictures[row]), max(1, 112 // len(pictures[row]))))
            address = f"data:image/png;base64,{base64.b64encode(png).decode()}"
            name = str(names[row]).replace("[", "(").replace("]", ")")
            st.button(f"![Result {rank + 1}]({address}) {name} · {distance:.2f}", key=f"result_{rank}", on_click=go_on,
                      args=(None, int(row), None if own_picture is None else own_picture[None].tobytes()))


def show_precision():
    """Precision at 16 by class, ours against what needs no network."""
    st.subheader("How often is the class right?")
    classes = datasets.DATASETS["fashion_mnist"].classes
    labels = cache.searched("test")[1][:1000]
    titles = {ruler: title for title, ruler in RULERS.items()}
    precision = cache.search_precision(widgets.served(search.PRESET))
    bars = {titles.get(name, name): hits for name, hits in precision.items()}
    figure = go.Figure([go.Bar(x=["All", *classes], name=f"{title}: {hits.mean():.3f}", marker_color=color,
                               y=[hits.mean(), *(hits[labels == label].mean() for label in range(len(classes)))])
                        for (title, hits), color in zip(bars.items(), live.PALETTE, strict=False)])
    figure.update_layout(height=420, margin={"l": 8, "r": 8, "t": 8, "b": 8}, yaxis_title="Precision at 16",
                         yaxis_range=[0.3, 1], legend={"orientation": "h", "y": -0.2})
    st.plotly_chart(figure, alt="Precision at 16 by class for each code and each baseline",
                    config={"displayModeBar": False})
    st.caption("1,000 test pictures, each searched among all the others. The numbers are means over all classes.")


def show_pictures(found, pictures, names, query):
    """The published mosaic as one picture, for a slide."""
    sheet = sheets.tile(pictures[found.ids], 4, scale=max(1, 112 // pictures.shape[1]))
    factor = sheet.shape[0] // query.shape[0]
    large = sheets.enlarge(convert.to_uint8(query), factor)
    canvas = np.full((sheet.shape[0], large.shape[1] + 8, 3), 255, np.uint8)
    canvas[:large.shape[0], :large.shape[1]] = large
    both = np.concatenate([canvas, sheets.to_rgb(sheet)], axis=1)
    st.download_button("Download PNG", sheets.to_png(both), "search.png", "image/png",
                       icon=":material/download:", on_click="ignore")


frame.open_page("search")
st.html(MOSAIC)
left, right = st.columns([2, 3], gap="large")
with left:
    query_place = st.container()
    where = widgets.choose_segment("Search in", PLACES, "where")
    mine = own() if where == PLACES[1] else None
    served, index, pictures, names, ident = mine or fashion()
    key = ident if isinstance(ident, str) else "own"
    row, own_picture = choose_query(served, names, key)
query = pictures[row] if own_picture is None else own_picture
found = search.like(index, served, query, but=row)
shown = datasets.as_pictures(ident.thumbnails) if mine else pictures
with query_place:
    show_query(shown[row] if own_picture is None else own_picture,
               f"The query: {names[row]}" if own_picture is None else "The query, as the model sees it")
with right:
    show_mosaic(found, shown, names, own_picture)
    st.caption(f"The {len(found.ids)} nearest of {len(index):,}, with their distances. Click one to search on from it.")
    show_pictures(found, shown, names, shown[row] if own_picture is None else own_picture)
if not mine:
    show_precision()
widgets.explain(IDEA, FORMULA, presets.get(search.PRESET).recipe)
widgets.code(search.like, search.Index.search, search.leave_one_out)
