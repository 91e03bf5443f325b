"""What Reconstruct shows: pictures over their copies along code sizes, drawings, the camera, the units of a code."""
import base64
import math
from typing import Any

import numpy as np
import streamlit as st

from ae_core import presets, store
from ae_core.features import reconstruct
from ae_core.own import blueprint
from ae_core.pictures import convert, datasets, sheets
from pages.shared import address, cache, charts, live, widgets

MOST_CODES = 10                  # pictures whose codes are listed
SOURCES = {"Test pictures": "Our pictures", "Drawing": "Your drawing", "Upload": "Your photo"}


def _strip(models: list[Any]) -> tuple[str, list[int], address.Field]:
    """Of models of rising code size: the key of their strip, its places, and where the address keeps its own."""
    sizes = [*(model.preset.code for model in models), math.prod(models[0].preset.shape)]
    key = f"sizes_{models[0].preset.name}"
    return key, sizes, address.whole("size" if len(models) > 1 else key, max(sizes), sizes[0], "code size")


def shown(models: list[Any]) -> Any:
    """The one at which the strip stands; where that shows the pictures themselves, the last."""
    key, sizes, field = _strip(models)
    return dict(zip(sizes, models, strict=False)).get(int(live.held_rows(key, sizes, field.read())), models[-1])


def show_film(models: list[Any], picked: widgets.Picked, labels: np.ndarray | None, with_pca: bool, title: str) -> None:
    """Pictures over their copies from codes of rising size, and at last themselves."""
    key, sizes, field = _strip(models)
    baseline = reconstruct.baseline(models[0].preset)
    pca = cache.served(baseline) if baseline else None
    with_pca = with_pca and pca is not None
    film, sheet = cache.size_film(tuple(models), pca, picked.pictures, labels, with_pca)
    names = ["Original", "Copy", *(["PCA"] if with_pca else [])]
    notes = [["", *([f"from {size:,} numbers"] * (len(names) - 1))] for size in sizes]
    words = [_result(film, place) for place in range(len(sizes))]
    value = live.rows(key, sheet, names, notes, words, sizes, value=field.read(),
                      label="Code size: how many numbers store a picture", flips=True,
                      ends=[*(f"{size:,}" for size in sizes[:-1]), "the original"],
                      alt="Original pictures over their reconstructions. Hold to swap the two.")
    field.write(int(value))
    own = "Yours, as the model sees it," if picked.labels is None else "Originals"
    st.caption(f"{own} over copies by “{widgets.plain(title)}”. Hold a pair to swap its two pictures.")
    widgets.download("Download PNG", lambda: sheets.to_png(_labeled(film, sizes.index(int(value)), names)),
                     "reconstructions.png", "image/png")


def _result(film: reconstruct.Film, place: int) -> str:
    """What a place of the strip has come to, in words."""
    size, pixels = film.sizes[place], film.sizes[-1]
    if place == len(film.sizes) - 1:
        return f"{pixels:,} numbers: the pictures themselves."
    ratio = f"{pixels / size:.0f} times smaller" if pixels >= 2 * size else "hardly smaller" if pixels > size else \
        "no smaller"
    linear = film.linear_errors[place]
    return (f"{pixels:,} numbers → {size:,}: {ratio}. Squared error {film.errors[place]:.4f}"
            + (f", PCA’s {linear:.4f}." if np.isfinite(linear) else "."))


def _labeled(film: reconstruct.Film, place: int, names: list[str]) -> np.ndarray:
    """What a place of the strip shows, as a sheet with the name of each row."""
    rows = [film.rebuilt[-1], film.rebuilt[place], film.linear[place]]
    return sheets.stack(*(sheets.label(sheets.tile(pictures, max(len(pictures), 2), scale=5), name)
                          for name, pictures in zip(names, rows, strict=False)))


def draw(key: str, preset: presets.Preset, runs: str | None) -> np.ndarray | None:
    """The sketchpad, and beside it live what the model makes of a drawing; one of clothing makes clothing of it."""
    digits = presets.get("digits_conv").title
    if datasets.about(preset.dataset).subject == "garment" and \
            digits in widgets.offered("reconstruct"):
        line = st.container(horizontal=True, vertical_alignment="center")
        line.markdown("This model has only seen clothing, and turns whatever you draw into clothing.", width="content")
        line.button("Switch to a model of digits", icon=":material/pin:", on_click=st.session_state.update,
                    args=({"model": digits},))
    return widgets.drawn(key, preset, seen(preset, runs))


def seen(preset: presets.Preset, runs: str | None) -> live.Through:
    """What a model shows of a drawing or of the camera, live; a conditional one is given the class chosen here."""
    classes, label = datasets.about(preset.dataset).classes, None
    if preset.labels:
        label = classes.index(st.session_state.get(f"label_{preset.dataset}", classes[0]))
    return widgets.through(preset, runs, label)


def show_camera(preset: presets.Preset, runs: str | None) -> None:
    """The camera, live, for whoever asks for it."""
    if st.toggle("The camera, live", key="camera_live", help="Hold up a digit, a shoe, a drawing: the model "
                 "reconstructs what it sees. Nothing leaves the browser."):
        live.canvas_note("reconstruct_note", "This browser protects the canvas: what the camera sees would be noise. "
                         "Allow this site to read it (the picture sign in the address bar).")
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
