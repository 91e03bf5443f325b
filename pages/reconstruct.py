"""Reconstruct: pictures over what codes of rising size can rebuild of them."""
import zlib

import numpy as np
import streamlit as st

from ae_core import metrics
from ae_core.features import reconstruct
from ae_core.pictures import datasets, sheets
from pages.shared import cache, frame, number_panel, reconstruct_panels, widgets

COUNT = 5                        # pictures over their copies
DENSE = "Fashion, dense"
MOSAIC, ROWS = "3 x 5 mosaic", "Two rows of 25"


def choose_models():
    """The chosen model, as the row of the dense ones of all code sizes where it is one of these."""
    here = widgets.offered("reconstruct")
    dense = [name for name in reconstruct.DENSE_SIZES if name in here.values()]
    titles = ({DENSE: ""} if dense else {}) | {title: name for title, name in here.items() if name not in dense}
    name = widgets.choose_model(titles)
    return [name] if name else dense


def show_many(model):
    """The published mosaic of 3x5 over 3x5, or two rows of 25, of other test pictures."""
    view = widgets.choose_segment("View", [MOSAIC, ROWS], "view")
    pictures, labels = cache.pictures_of(model)
    seed = widgets.draw_again("many", "Draw other pictures")
    chosen = reconstruct.choose(labels, None, 15 if view == MOSAIC else 25, seed=seed)
    result = reconstruct.run(model, pictures[chosen], labels[chosen] if model.preset.labels else None)
    if view == MOSAIC:
        sheet = sheets.stack(sheets.label(sheets.tile(result.originals, 5, scale=4), "Original"),
                             sheets.label(sheets.tile(result.rebuilt, 5, scale=4), "Reconstruction"))
    else:
        sheet = sheets.tile(np.concatenate([result.originals, result.rebuilt]), 25, scale=2)
    widgets.show(sheet, f"Top: originals. Bottom: reconstructed from {model.preset.code} numbers each, by "
                 f"“{widgets.plain(model.preset.title)}”. Squared error {result.mse.mean():.4f}.",
                 f"Original pictures and their reconstructions from {model.preset.code} numbers", "many")


def show_errors(result, classes, labels):
    """The error of each picture as a table, and as a download."""
    names = ["yours"] * len(result.mse) if labels is None else [classes[label] for label in labels]
    rows = [{"Picture": k + 1, "Class": name, "MSE": float(error), "PSNR (dB)": float(metrics.psnr(error))}
            for k, (name, error) in enumerate(zip(names, result.mse, strict=True))]
    st.dataframe(rows, hide_index=True, height=240)
    widgets.download("Download CSV", widgets.table_csv(rows), "errors.csv", "text/csv")


def choose_labels(preset, picked):
    """The classes that a conditional model is given: those of test pictures, or what the reader says of others."""
    if not preset.labels or picked.labels is not None:
        return picked.labels if preset.labels else None
    classes = datasets.about(preset.dataset).classes
    label = classes.index(st.selectbox("The class given to the model", classes, key=f"label_{preset.dataset}"))
    return np.full(len(picked.pictures), label)


frame.open_page("reconstruct")
row, picture = frame.controls(), st.container()
with row:
    source = widgets.choose_source("Pictures", list(reconstruct_panels.SOURCES), "reconstruct_source",
                                   label_visibility="collapsed", format_func=reconstruct_panels.SOURCES.get)
    more = st.popover("More", icon=":material/tune:")
with more:
    models = [widgets.served(name) for name in choose_models()]
model = reconstruct_panels.shown(models)
preset, about, runs = model.preset, datasets.about(model.preset.dataset), widgets.in_browser(model)
with more if source == "Test pictures" else picture:
    picked = widgets.pick_pictures("reconstruct", preset, COUNT, cache.test_errors(model), lambda key, preset: (
        reconstruct_panels.draw(key, preset, runs)), source)
    labels = choose_labels(preset, picked)
    if source == "Upload":
        reconstruct_panels.show_camera(preset, runs)
with more:
    with_pca = widgets.switch("PCA as a third row", "pca")
    widgets.take_along(model, lambda: reconstruct.take_along(model, None if labels is None else int(labels[0])))
with picture:
    reconstruct_panels.show_film(models, picked, labels, with_pca, DENSE if len(models) > 1 else preset.title)
result = reconstruct.run(model, picked.pictures, labels)

if "view" in st.query_params:    # older links
    st.session_state.setdefault("panel_many", True)
widgets.panel("Many at once", lambda: show_many(model), "grid_view", "many")
widgets.panel("The error of each picture", lambda: show_errors(result, about.classes, picked.labels), "table", "errors")
widgets.panel("The code of each picture", lambda: reconstruct_panels.show_codes(model, result, picked.labels),
              "data_array", "codes")
if not preset.labels:
    widgets.panel("Turn the numbers of the first picture", lambda: number_panel.show(
        model, runs, result.codes[0], str(zlib.crc32(picked.pictures[0].tobytes())), "the first picture"), "tune",
        "numbers")
if preset.sparsity:
    reconstruct_panels.show_units(model, result.codes[0])
with widgets.sentences():
    if about.drawings:
        reconstruct_panels.show_lines(result.originals[:1])
    else:
        widgets.panel("How small can the code be?", lambda: reconstruct_panels.show_sizes(
            preset.code if len(models) > 1 else None), "show_chart", "sizes")
widgets.panel("The network", lambda: reconstruct_panels.show_network(model), "lan", "network")
widgets.explain("reconstruct", [preset], reconstruct.run, reconstruct.run_pca)
