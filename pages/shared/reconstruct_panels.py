"""What Reconstruct shows beside its pictures: the camera, the blurry lines of drawings, the units of a sparse code."""
import base64
from typing import Any

import numpy as np
import streamlit as st

from ae_core import presets, store
from ae_core.features import reconstruct
from ae_core.own import blueprint
from ae_core.pictures import convert, datasets, sheets
from pages.shared import cache, charts, live, widgets

MOST_CODES = 10                  # pictures whose codes are listed


def seen(preset: presets.Preset, runs: str | None) -> live.Through:
    """What a model shows of a drawing or of the camera, live; a conditional one is given the class chosen here."""
    classes, label = datasets.about(preset.dataset).classes, None
    if preset.labels:
        label = classes.index(st.session_state.get(f"label_{preset.dataset}", classes[0]))
    return widgets.through(preset, runs, label)


def show_camera(preset: presets.Preset, runs: str | None, place: Any) -> None:
    """The camera, live, for whoever asks for it."""
    if st.toggle("The camera, live", key="camera_live", help="Hold up a digit, a shoe, a drawing: the model "
                 "reconstructs what it sees. Nothing leaves the browser."):
        with place:
            live.canvas_note("reconstruct_note", "This browser protects the canvas: what the camera sees would be "
                             "noise. Allow this site to read it (the picture sign in the address bar).")
            live.camera("reconstruct_camera", seen(preset, runs), datasets.about(preset.dataset).photo)


def show_sizes(marker: int | None) -> None:
    """The error of dense codes of every size beside PCA's; marker: the size that is shown."""
    sizes, dense, pca = cache.size_curve()
    charts.curves({"Dense autoencoder": (sizes, dense), "PCA": (sizes, pca)}, "Numbers in the code",
                  "Test error (MSE)", "Test error against code size: the dense autoencoder lies below PCA at small "
                  "codes", marker=marker)


def show_network(served: Any) -> None:
    """The layers from picture to code to picture, drawn and as a table, and what the chapter's loss was."""
    charts.network(blueprint.of_card(served.card["layers"]))
    st.caption(f"{widgets.architecture(served.card):,} parameters. {widgets.plain(served.preset.description)} Height: "
               "how many numbers a layer outputs, on a logarithmic scale.")
    printed = reconstruct.PRINTED
    if served.preset.name in printed:
        names = [name for name in printed if store.present(name)]
        st.dataframe([{"Model": presets.get(name).title, "Printed loss": printed[name],
                       "Test error here": round(float(cache.test_errors(cache.served(name)).mean()), 4)}
                      for name in names], hide_index=True)
        st.caption("Sigmoids and wide first weights in TensorFlow, or ReLU and a linear output in Keras: the chapter "
                   "trains the same layers twice, and the second copy errs a seventeenth as much.")


def show_codes(served: Any, result: reconstruct.Reconstructed, labels: np.ndarray | None) -> None:
    """Under each picture its numbers and its class; training pictures beside the test pictures, where they are here."""
    classes, dataset = datasets.about(served.preset.dataset).classes, served.preset.dataset
    names = ["yours"] * len(result.codes) if labels is None else [classes[label] for label in labels]
    here = labels is not None and dataset in datasets.DATASETS and datasets.find(dataset)
    tables = st.columns(2, gap="medium") if here else [st.container()]
    with tables[0]:
        _show_code_table("Test pictures" if labels is not None else "Your pictures", result, names)
    if here:
        seen = cache.training_pictures(dataset, served.preset.shape, MOST_CODES)
        copies = reconstruct.run(served, *seen[:1 + bool(served.preset.labels)])
        with tables[1]:
            _show_code_table("Training pictures", copies, [classes[label] for label in seen[1]])
        st.caption(f"Squared error of these {min(MOST_CODES, len(result.mse))} test pictures "
                   f"{result.mse[:MOST_CODES].mean():.4f}, of {len(copies.mse)} that the network was trained on "
                   f"{copies.mse.mean():.4f}: what it has learned by heart would be far better.")
    widgets.download("Download CSV", widgets.table_csv(reconstruct.code_rows(result.codes, names)), "codes.csv",
                     "text/csv")


def _show_code_table(title: str, result: reconstruct.Reconstructed, names: list[str]) -> None:
    """Pictures, copies, classes and codes: two numbers as a pair, more as bars."""
    rows, flat, reach = [], result.codes.shape[1] == 2, float(np.abs(result.codes).max()) or 1.0
    for picture, copy, name, code in list(zip(result.originals, result.rebuilt, names, result.codes,
                                              strict=True))[:MOST_CODES]:
        pair = f"{code[0]:.2f}, {code[1]:.2f}".replace("-", "−")
        rows.append({"Picture": _small(picture), "Copy": _small(copy), "Class": name,
                     "Code": pair if flat else code.round(3).tolist()})
    bars = st.column_config.BarChartColumn(f"Code: {result.codes.shape[1]:,} numbers", y_min=-reach, y_max=reach)
    st.markdown(f"**{title}**")
    st.dataframe(rows, hide_index=True, row_height=56, column_config={
        "Picture": st.column_config.ImageColumn(width="small"), "Copy": st.column_config.ImageColumn(width="small"),
        "Code": st.column_config.TextColumn("Code: z₁, z₂") if flat else bars})


def _small(picture: np.ndarray) -> str:
    raw = sheets.to_png(sheets.enlarge(convert.to_uint8(picture), 2))
    return f"data:image/png;base64,{base64.b64encode(raw).decode()}"


def show_lines(drawing: np.ndarray) -> None:
    """Why the lines of drawings blur, measured on one of those shown, and what a sharper loss does about it."""
    st.subheader("Why are the lines blurry?")
    shifted, blurred = reconstruct.wrong_answers(drawing)
    answers = {"The drawing": drawing, "One pixel off": shifted, "Blurred": blurred}
    answers |= {presets.get(name).title: reconstruct.run(cache.served(name), drawing).rebuilt
                for name in ("cats_sketch", "cats_sharp") if store.present(name)}
    widgets.show(sheets.tile(np.concatenate(list(answers.values())), len(answers), scale=4),
                 " | ".join(answers), "One drawing and four answers to it", "lines")
    st.dataframe([{"Answer": name, "Cross-entropy": round(reconstruct.pixel_bce(drawing, answer), 3),
                   "Grayness": round(reconstruct.undecided(answer), 3)} for name, answer in answers.items()],
                 hide_index=True)
    st.caption("The sharp drawing, one pixel off, costs far more cross-entropy than a blurred one. So a network that "
               "is not certain to the pixel where a line runs does best to blur it. “Cats, sharp lines” is penalized "
               "for gray: its lines are thinner, and wrong with more confidence. Grayness is the mean of 4p(1 − p).")


def show_units(model: Any, code: np.ndarray) -> None:
    """Of a sparse model: which of its units are active for a picture, and what each of them draws."""
    count = reconstruct.active_units(code[None])[0]
    strongest, atoms = reconstruct.atoms(model, code, 12)
    st.subheader("The few active units")
    st.markdown(f"For the first picture, **{count} of {model.preset.code:,} units** are active. The map shows them "
                "all; next to it is what each of the twelve strongest draws on its own.")
    left, right = st.columns(2)
    with left:
        widgets.show(sheets.tile((code / code.max()).reshape(1, 32, 32, 1), 1, scale=9),
                     "All units; the brighter, the stronger.",
                     f"A map of {model.preset.code} code units, {count} of them bright", "units")
    with right:
        widgets.show(sheets.tile(atoms, 4, scale=3), f"What units {', '.join(map(str, strongest))} draw.",
                     "Twelve strokes and dots that single units of the sparse code draw", "atoms")
