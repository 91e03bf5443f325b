"""Reconstruct: pictures beside what their code can rebuild."""
import zlib

import numpy as np
import streamlit as st

from ae_core import metrics, presets
from ae_core.features import reconstruct
from ae_core.pictures import datasets, sheets
from pages.shared import cache, frame, number_panel, reconstruct_panels, widgets

DENSE = "Fashion, dense"
MOSAIC, ROWS = "3 x 5 mosaic", "Two rows of 25"


def choose_model():
    """The chosen model's name, and the names of the dense ones here, whose code sizes are offered under one title."""
    here = widgets.offered("reconstruct")
    dense = {presets.get(name).code: name for name in reconstruct.DENSE_SIZES if name in here.values()}
    titles = ({DENSE: ""} if dense else {}) | {title: name for title, name in here.items()
                                               if name not in dense.values()}
    name = widgets.choose_model(titles)
    if not name:
        name = dense[st.select_slider("Code size: how many numbers store a picture", list(dense), max(dense),
                                      key="size", bind="query-params")]
    return name, list(dense.values())


def sheet(result, view):
    """The published mosaic of 3x5 over 3x5, two rows of 25, or a reader's own pictures enlarged."""
    both, count = np.concatenate([result.originals, result.rebuilt]), len(result.originals)
    if view == MOSAIC:
        return sheets.stack(sheets.label(sheets.tile(result.originals, 5, scale=4), "Original"),
                            sheets.label(sheets.tile(result.rebuilt, 5, scale=4), "Reconstruction"))
    return sheets.tile(both, 25, scale=2) if view == ROWS else sheets.tile(both, max(count, 2), scale=5)


def show_numbers(result, model, size_error):
    row = st.container(horizontal=True)
    row.metric("Error of these", f"{result.mse.mean():.4f}", help="Mean squared error of the pictures shown.")
    row.metric("All test pictures", f"{size_error:.4f}", help="Mean squared error of all test pictures.")
    baseline = reconstruct.baseline(model.preset)
    pca = cache.served(baseline) if baseline and model.preset.code <= presets.get(baseline).code else None
    row.metric("PCA, same size", f"{cache.pca_error(pca, model.preset.code):.4f}" if pca else "–",
               help="The best linear code of the same size, on the same test pictures.")
    row.metric("Compression", f"{reconstruct.compression_ratio(model.preset):.3g} : 1",
               help="Numbers in the picture for each number in its code.")


def show_errors(result, classes, labels):
    """The error of each picture as a table, and as a download."""
    names = ["yours"] * len(result.mse) if labels is None else [classes[label] for label in labels]
    rows = [{"Picture": k + 1, "Class": name, "MSE": float(error), "PSNR (dB)": float(metrics.psnr(error))}
            for k, (name, error) in enumerate(zip(names, result.mse, strict=True))]
    st.dataframe(rows, hide_index=True, height=240)
    widgets.download("Download CSV", widgets.table_csv(rows), "errors.csv", "text/csv")


def draw(key, preset):
    """The sketchpad, where the page has room for what the model makes of a drawing meanwhile."""
    with picture:
        return widgets.drawn(key, preset, reconstruct_panels.seen(preset, runs))


def choose_labels(preset, picked):
    """The classes that a conditional model is given: those of test pictures, or what the reader says of others."""
    if not preset.labels or picked.labels is not None:
        return picked.labels if preset.labels else None
    classes = datasets.about(preset.dataset).classes
    label = classes.index(st.selectbox("The class given to the model", classes, key=f"label_{preset.dataset}"))
    return np.full(len(picked.pictures), label)


frame.open_page("reconstruct")
wide = st.container()            # two rows of 25 take the whole width
picture, controls = st.columns([5, 3], gap="medium")
with controls:
    name, dense = choose_model()
    model = widgets.served(name)
    preset, errors = model.preset, cache.test_errors(model)
    about = datasets.about(preset.dataset)
    runs = widgets.in_browser(model)
    reconstruct_panels.show_camera(preset, runs, picture)
    view = widgets.choose_segment("View", [MOSAIC, ROWS], "view")
    picked = widgets.pick_pictures("reconstruct", preset, 15 if view == MOSAIC else 25, errors, draw)
    labels = choose_labels(preset, picked)
result = reconstruct.run(model, picked.pictures, labels)

view = "own" if picked.source != "Test pictures" else view
first, second = ("Left", "Right") if len(result.originals) == 1 else ("Top", "Bottom")
source = "yours, as the model sees it" if view == "own" else "originals"
with wide if view == ROWS else picture:
    widgets.show(sheet(result, view), f"{first}: {source}"
                 f". {second}: reconstructed from {preset.code} numbers each, by “{widgets.plain(preset.title)}”.",
                 f"Original pictures and their reconstructions from {preset.code} numbers", "reconstructions")
with controls:
    widgets.take_along(model, lambda: reconstruct.take_along(model, None if labels is None else int(labels[0])))
with picture:
    show_numbers(result, model, errors.mean())
    widgets.panel("The error of each picture", lambda: show_errors(result, about.classes, picked.labels), "table",
                  "errors")

widgets.panel("The code of each picture", lambda: reconstruct_panels.show_codes(model, result, picked.labels),
              "data_array", "codes")
if not preset.labels:
    widgets.panel("Turn the numbers of the first picture", lambda: number_panel.show(
        model, runs, result.codes[0], str(zlib.crc32(picked.pictures[0].tobytes())), "the first picture"), "tune",
        "numbers")
if preset.sparsity:
    reconstruct_panels.show_units(model, result.codes[0])
left, right = st.columns(2, gap="large")
with left, widgets.sentences():
    if about.drawings:
        reconstruct_panels.show_lines(result.originals[:1])
    else:
        widgets.panel("How small can the code be?", lambda: reconstruct_panels.show_sizes(
            preset.code if name in dense else None), "show_chart", "sizes")
with right:
    widgets.panel("The network", lambda: reconstruct_panels.show_network(model), "lan", "network")
widgets.explain("reconstruct", [preset], reconstruct.run, reconstruct.run_pca)
