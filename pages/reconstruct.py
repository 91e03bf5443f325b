"""Reconstruct: pictures beside what their code can rebuild."""
import contextlib

import numpy as np
import streamlit as st

from ae_core import metrics, presets, store
from ae_core.features import reconstruct
from ae_core.pictures import datasets, sheets
from pages.shared import cache, frame, widgets

FORMULA = (r"\hat x = D(E(x)), \qquad \mathrm{MSE} = \frac{1}{N}\sum_{i=1}^{N} (x_i - \hat x_i)^2"
           r"\quad\text{over the } N \text{ pixels}")
IDEA = """
An **encoder** turns the pixels of a picture into a **code** of a few numbers, and a **decoder** turns the code back
into a picture. Both are trained together to make the copy like the original. The code is too small to hold every
pixel, so the network must learn what pictures of this kind have in common, and keep only what tells one from the other.

**PCA** is the honest baseline: the best that any *linear* encoder and decoder can do with as many numbers.
A deep autoencoder earns its keep only where its curve lies below that of PCA. Both are clipped to 0..1, as every
picture here is, which makes PCA a little better than it is usually printed.
"""
DENSE = "Fashion, dense"


def models():
    """Titles to names, the five dense code sizes under one title."""
    here = widgets.offered(lambda preset: not preset.corruption and datasets.has_samples(preset.dataset)
                           and (not preset.labels or preset.name in store.own()))
    dense = [name for name in here.values() if name in reconstruct.DENSE_SIZES]
    others = {title: name for title, name in here.items() if name not in dense}
    return ({DENSE: dense[0]} if dense else {}) | others, dense


def choose_model(titles, dense):
    """The name of the chosen model; with the dense ones, a control for the code size."""
    name = titles[widgets.choose_one("Model", list(titles), "model")]
    if name in dense:
        sizes = {presets.get(size).code: size for size in reconstruct.DENSE_SIZES if size in dense}
        asked = st.select_slider("Code size: how many numbers a picture may keep", list(sizes), max(sizes), key="size",
                                 bind="query-params")
        name = sizes[asked]
    return name


def sheet(result, view):
    """The published mosaic of 3x5 over 3x5, two rows of 25, or a reader's own pictures enlarged."""
    if view == "own":
        scale = 10 if len(result.originals) < 3 else 5
        return sheets.tile(np.concatenate([result.originals, result.rebuilt]), len(result.originals), scale=scale)
    if view == "3 x 5 mosaic":
        return sheets.stack(sheets.label(sheets.tile(result.originals, 5, scale=4), "Original"),
                            sheets.label(sheets.tile(result.rebuilt, 5, scale=4), "Reconstruction"))
    return sheets.tile(np.concatenate([result.originals, result.rebuilt]), 25, scale=2)


def show_numbers(result, model, size_error):
    row = st.container(horizontal=True)
    row.metric("Error of these", f"{result.mse.mean():.4f}", help="Mean squared error of the pictures shown.")
    row.metric("All test pictures", f"{size_error:.4f}", help="Mean squared error of all test pictures.")
    baseline = pca_error(model.preset)
    row.metric("PCA, same size", "–" if baseline is None else f"{baseline:.4f}",
               help="The best linear code with as many numbers, on the same test pictures.")
    row.metric("Compression", f"{reconstruct.compression_ratio(model.preset):.3g} : 1",
                 help="Numbers in the picture for one number in its code.")


def pca_error(preset):
    name = {"fashion_mnist": "fashion_pca", "mnist": "digits_pca", "quickdraw_cats": "cats_pca"}.get(preset.dataset)
    if name is None or preset.shape != presets.get(name).shape or preset.code > presets.get(name).code:
        return None
    with contextlib.suppress(store.WeightsMissing, store.WeightsDamaged):
        return cache.pca_error(cache.served(name), preset.code)
    return None


def told_labels(preset, picked):
    """What a conditional model is told: the classes of test pictures, and what the reader says of others."""
    if not preset.labels or picked.labels is not None:
        return picked.labels if preset.labels else None
    classes = datasets.about(preset.dataset).classes
    label = classes.index(st.selectbox("The class that the model is told", classes, key=f"told_{preset.dataset}"))
    return np.full(len(picked.pictures), label)


def show_lines(model, result):
    """Of drawings: why their lines blur, measured on one of those shown, and what a sharper loss does about it."""
    st.subheader("Why are the lines blurry?")
    drawing = result.originals[:1]
    shifted, blurred = reconstruct.wrong_answers(drawing)
    answers = {"The drawing": drawing, "One pixel off": shifted, "Smeared": blurred}
    answers |= {presets.get(name).title: reconstruct.run(cache.served(name), drawing).rebuilt
                for name in ("cats_sketch", "cats_sharp") if store.present(name)}
    widgets.show(sheets.tile(np.concatenate(list(answers.values())), len(answers), scale=4),
                 " | ".join(answers), "One drawing and four answers to it", "lines")
    st.dataframe([{"Answer": name, "Cross-entropy": round(reconstruct.pixel_bce(drawing, answer), 3),
                   "Grayness": round(reconstruct.undecided(answer), 3)} for name, answer in answers.items()],
                 hide_index=True)
    st.caption("The sharp drawing one pixel off costs far more cross-entropy than a smeared one. So a network that is "
               "not sure to a pixel where a line runs does best to smear it. “Cats, sharp lines” is fined for gray: "
               "its lines are thinner, and wrong more boldly. Grayness is the mean of 4p(1 − p).")


def show_units(model, result):
    """Of a sparse model: which of its units fire for the first picture, and what each of them draws."""
    count = reconstruct.active_units(result.codes[:1])[0]
    strongest, atoms = reconstruct.atoms(model, result.codes[0], 12)
    st.subheader("The few units that fire")
    st.markdown(f"For the first picture **{count} of {model.preset.code:,} units** fire. "
                "The map shows them all; beside it stands what each of the twelve strongest draws on its own.")
    left, right = st.columns(2)
    with left:
        level = result.codes[0] / result.codes[0].max()
        widgets.show(sheets.tile(level.reshape(1, 32, 32, 1), 1, scale=9), "All units; the brighter, the stronger.",
                     f"A map of {model.preset.code} code units, {count} of them bright", "units")
    with right:
        widgets.show(sheets.tile(atoms, 4, scale=3), f"What units {', '.join(map(str, strongest))} draw.",
                     "Twelve strokes and dots that single units of the sparse code draw", "atoms")


def show_sizes(current):
    st.subheader("How small may the code be?")
    sizes, dense, pca = cache.size_curve()
    widgets.curve({"Dense autoencoder": dense, "PCA": pca}, sizes, "Numbers in the code", "Test error (MSE)",
                  "Test error against code size: the dense autoencoder lies below PCA at small codes",
                  marker=current if current in sizes else None)


frame.open_page("reconstruct")
titles, dense_here = models()
wide = st.container()            # two rows of 25 take the whole width
picture, controls = st.columns([5, 3], gap="medium")
with controls:
    model = widgets.served(choose_model(titles, dense_here))
    errors = cache.test_errors(model)
    view = widgets.choose_segment("View", ["3 x 5 mosaic", "Two rows of 25"], "view")
    picked = widgets.pick_pictures("reconstruct", model.preset, 15 if view == "3 x 5 mosaic" else 25, errors)
    if model.preset.dataset == "quickdraw_cats" and not datasets.find("quickdraw_cats"):
        st.caption("Quick, Draw!'s cats are not shipped; these are drawn by rule. Put `full_numpy_bitmap_cat.npy` into "
                   "`quickdraw` in the folder that `AE_DATA_DIR` names, upload a file of drawings, or draw your own.")
    labels = told_labels(model.preset, picked)
result = reconstruct.run(model, picked.pictures, labels)

view = "own" if picked.source != "Test pictures" else view
with wide if view == "Two rows of 25" else picture:
    where = "yours, as the model sees them" if view == "own" else "the originals"
    widgets.show(sheet(result, view), f"Above: {where}. Below: their reconstructions from {model.preset.code} numbers "
                 f"each, by “{model.preset.title}”.",
                 f"Original pictures and their reconstructions from {model.preset.code} numbers", "reconstructions")
with picture:
    show_numbers(result, model, errors.mean())
    with st.expander("The error of each picture", icon=":material/table:"):
        classes = datasets.about(model.preset.dataset).classes
        rows = [{"Picture": k + 1, "Class": classes[picked.labels[k]] if picked.labels is not None else "yours",
                 "MSE": float(error), "PSNR (dB)": float(metrics.psnr(error))} for k, error in enumerate(result.mse)]
        st.dataframe(rows, hide_index=True, height=240)
        st.download_button("Download CSV", widgets.table_csv(rows), "errors.csv", "text/csv", on_click="ignore")

if model.preset.sparsity:
    show_units(model, result)
left, right = st.columns(2, gap="large")
with left, widgets.sentences():
    if model.preset.dataset == "quickdraw_cats":
        show_lines(model, result)
    else:
        show_sizes(model.preset.code if model.preset.name in dense_here else None)
with right:
    st.subheader("The network")
    total = widgets.architecture(model.card)
    st.caption(f"{total:,} parameters. {model.preset.description}")

widgets.explain(IDEA, FORMULA, model.preset.recipe)
widgets.code(reconstruct.run, reconstruct.run_pca)
