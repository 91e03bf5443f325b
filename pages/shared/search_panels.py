"""What Search shows beside its results: how often they are right, where they lie, and how to search more of them."""
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from ae_core import presets
from ae_core.features import search
from ae_core.pictures import convert, datasets, sheets
from pages.shared import address, cache, charts, live, widgets

RULERS = {"The angle of 32 whitened numbers": search.ANGLE, "The straight distance, as published": search.STRAIGHT}
TRAIL = 6                        # queries that are kept in view
# The two sides stand beside each other wherever a sidebar leaves room; names stand on the pictures.
ROOM = "calc(100dvh - 9.5rem)"   # of a window's height, for the results
STYLE = """<style>
.st-key-sides { display: grid !important; grid-template-columns: minmax(0, 1fr) min(64%, ROOM); gap: 1rem 1.5rem; }
.st-key-sides > div { width: auto !important; min-width: 0; }
.st-key-query_side { gap: 0.5rem; }
.st-key-compare * { width: 100% !important; }
.st-key-compare img { max-height: calc(100dvh - 20rem); object-fit: contain; }
.st-key-words p { font-size: 1.35rem; line-height: 1.3; }
.st-key-grid_result button { padding: 0; overflow: hidden; }
.st-key-grid_result button p { position: relative; isolation: isolate; aspect-ratio: 1; justify-content: flex-end;
  color: #fff; background: #000;
  text-shadow: 1px 1px #000, -1px 1px #000, 1px -1px #000, -1px -1px #000, 0 0 4px #000; }
.st-key-grid_result button img { position: absolute; inset: 0; z-index: -1; border-radius: 0; }
@media (max-width: 640px) {
  .st-key-sides { grid-template-columns: minmax(0, 1fr); }
  .st-key-compare img { max-height: 12rem; }
}
</style>""".replace("ROOM", ROOM)


@dataclass(frozen=True)
class Indexed:
    """What is searched."""
    key: str                     # which knows it again
    index: search.Index
    pictures: np.ndarray         # (n, h, w, c) as the model sees them, uint8 or in 0..1
    shown: np.ndarray            # (n, h', w', c') as the reader knows them, uint8 or in 0..1
    names: list[str]
    labels: np.ndarray | None    # (n,) None of a reader's own pictures

    @property
    def place(self) -> address.Field:
        """The field of the address that says which of them is the query."""
        return address.whole("picture", len(self.names) - 1, 0, "picture")


def fashion(served: Any) -> Indexed:
    """Search Fashion-MNIST, the training pictures where they are here."""
    ruler = RULERS[widgets.choose_one("Compare by", list(RULERS), "ruler")]
    here = datasets.find("fashion_mnist") and search.path_of(served, "train", ruler).is_file()
    split = "train" if here else "test"
    if not here:
        show_how_to_index(ruler)
    pictures, labels = cache.searched(split)
    classes = datasets.DATASETS["fashion_mnist"].classes
    return Indexed(split, cache.index(served, split, ruler), pictures, pictures, [classes[label] for label in labels],
                   labels)


def own(served: Any) -> Indexed | None:
    """Search a reader's own pictures; None while there are none."""
    collected = widgets.collect("search", served.preset)
    if collected is None or len(collected.names) < 2:
        count = -1 if collected is None else len(collected.names)
        st.info({-1: "Drop pictures here, or a zip of them.", 0: "None of these files is a picture; choose others.",
                 1: "One picture alone has nothing to be compared with; add more."}[count]
                + " Until then, Fashion-MNIST is searched.")
        return None
    return widgets.kept("own_index", widgets.files_of("search"), lambda: Indexed(
        str(widgets.files_of("search")), search.build(served, collected.floats()), collected.pictures,
        collected.thumbnails, list(collected.names), None))


def sides() -> tuple[Any, Any]:
    """The query's side and that of what was found, in one row."""
    st.html(STYLE)
    with st.container(key="sides"):
        return st.container(key="query_side"), st.container()


def judge(names: Sequence[str], wanted: str | None) -> tuple[str, list[str], list[str]]:
    """What the classes of the results say, in words; a sign before each of them and a color around it.

    wanted: the class of the query; None: it is not known.
    """
    if wanted is None:
        name, count = Counter(names).most_common(1)[0]
        return f"**{count} of {len(names)}** are one class: {name}.", [""] * len(names), [""] * len(names)
    right = [name == wanted for name in names]
    return (f"**{sum(right)} of {len(names)}** are of the same class.", ["✓ " if each else "✗ " for each in right],
            [live.PALETTE[0] if each else live.PALETTE[2] for each in right])


def mosaic(pictures: np.ndarray, query: np.ndarray) -> bytes:
    """The published mosaic as one picture, for a slide: the query beside the results."""
    sheet = sheets.tile(pictures, 4, scale=max(1, 112 // pictures.shape[1]))
    large = sheets.enlarge(convert.to_uint8(query), sheet.shape[0] // query.shape[0])
    canvas = np.full((sheet.shape[0], large.shape[1] + 8, 3), 255, np.uint8)
    canvas[:large.shape[0], :large.shape[1]] = large
    return sheets.to_png(np.concatenate([canvas, sheets.to_rgb(sheet)], axis=1))


def show_trail(where: str, query: tuple[int | None, np.ndarray], go_back: Callable[..., None]) -> None:
    """The queries before this one as buttons; go_back(row, picture) makes one of them the query again.

    query: its row and its picture; where: the collection. The strokes of a drawing are one query.
    """
    trail = st.session_state.setdefault("trail", [])
    entry = where, *query
    same = [k for k, each in enumerate(trail) if each[:2] == entry[:2] and np.array_equal(each[2], entry[2])]
    for k in reversed(same):
        del trail[k]
    if trail and query[0] is None and trail[-1][1] is None and not same:
        del trail[-1]
    trail.append(entry)
    del trail[:-TRAIL - 1]
    earlier = [each for each in trail[:-1] if each[0] == where and each[2].shape == query[1].shape][::-1]
    if earlier:
        widgets.picture_grid("trail", convert.as_pictures(np.stack([each[2] for each in earlier])),
                             [f"Earlier query {k + 1}" for k in range(len(earlier))], go_back,
                             [{"row": each[1], "picture": each[2]} for each in earlier], columns=(TRAIL, TRAIL))


def show_map(served: Any, searched: Any, found: search.Found, query: np.ndarray) -> None:
    """Where the query and its results lie among all that is searched."""
    points, spot = searched.index.plane(served.encode(query[None]))
    classes = ["Your pictures"] if searched.labels is None else datasets.DATASETS["fashion_mnist"].classes
    charts.places(points, searched.labels, classes, {"Results": points[found.ids], "Query": spot},
                  f"The query and its {len(found.ids)} results among all pictures, on the plane of their codes")
    st.caption("The first two principal components of the numbers that are compared. Pictures close in all of these "
               "numbers are close here; pictures that are close here may differ in the others.")


def show_how_to_index(ruler: str) -> None:
    """How whoever runs the lab makes all training pictures searchable."""
    command = f"python -m ae_core index {search.PRESET}{f' --by {ruler}' * (ruler != search.ANGLE)}"
    st.caption("The 10,000 test pictures are searched. To search all 60,000 training pictures, get them once "
               f"(`python -m ae_core data --download fashion_mnist`) and index them: `{command}`")


def show_precision(served: Any) -> None:
    """Precision at 16 by class: ours, those of other models, and what needs no network."""
    classes = datasets.DATASETS["fashion_mnist"].classes
    labels = cache.searched("test")[1][:1000]
    titles, scores = {ruler: title for title, ruler in RULERS.items()}, cache.search_precision(served)
    models = {name: presets.get(name).title for pair in search.CLEAN.items() for name in pair}
    titles |= {search.named(name, search.ANGLE): f"{title}, by angle" for name, title in models.items()}
    charts.bars({f"{titles.get(name, name)}: {hits.mean():.3f}":
                 [hits.mean(), *(hits[labels == label].mean() for label in range(len(classes)))]
                 for name, hits in scores.items()},
                ["All", *classes], "Precision at 16", [0.3, 1], "Precision at 16 by class for each code and baseline")
    st.caption("1,000 test pictures, each searched among all the others. The numbers are means over all classes.")
    if claim := search.claim(scores, models):
        st.markdown("Does it help to search with the codes of a **denoiser**, as the *Deep Learning Cookbook* says? "
                    f"{claim}.")
