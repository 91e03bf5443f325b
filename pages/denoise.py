"""Denoise: corrupt pictures, restore them, and compare with the filters people would use instead."""
import numpy as np
import streamlit as st

from ae_core import store
from ae_core.features import denoise
from ae_core.pictures import convert, sheets
from pages.shared import cache, frame, live, widgets

FORMULA = r"\tilde x \sim q(\tilde x \mid x), \qquad \mathcal{L} = \lVert x - D(E(\tilde x)) \rVert^2"
IDEA = """
A **denoising autoencoder** never sees a clean picture at its input. In training every picture $x$ is corrupted to
$\\tilde x$, with fresh noise each time, and the network is asked for the clean one. Copying would be wrong, so it has
to learn what the pictures of this kind look like and project the noisy one back onto them (Vincent et al., 2008).

That is also its limit: it restores what it has learned. A filter knows nothing and smooths anything; the
autoencoder knows digits or clothing and paints *one of those*, even where noise has left nothing to go by.
**PSNR** (in dB, higher is better) measures the squared error, **SSIM** (up to 1) how alike the structure is.
"""
COUNT = 7                        # pictures in a row
LEVELS = {                       # noise kind -> the level that is dragged: keyword, label, highest, first, frames
    "Gaussian": ("sigma", "Strength σ of the noise", 1.2, 0.5, 25),
    "Salt and pepper": ("share", "Share of the pixels hit", 0.8, 0.25, 17),
    "Speckle": ("sigma", "Strength σ of the speckle", 1.2, 0.6, 25),
    "Hidden patch": ("side", "Side of the hidden patch in pixels", 20, 10, 21),
}


def span(ends):
    """A range in words; one number where both ends are the same."""
    return f"{ends[0]:g}" if ends[0] == ends[1] else f"{ends[0]:g} to {ends[1]:g}"


def forget_level():
    """A level of one kind of noise means something else in another."""
    st.query_params.pop("level", None)


def frames(model, pictures, kind, others, seed):
    """A sheet for every value of the dragged level: originals over corrupted over restored, and its caption."""
    level, label, highest, _, count = LEVELS[kind]
    values = np.linspace(0, highest, count)
    noisy, restored = denoise.sweep(model, pictures, kind, level, values, seed, **others)
    films = np.stack([np.concatenate([sheets.tile(rows, len(pictures)) for rows in (pictures, *pair)])
                      for pair in zip(noisy, restored, strict=True)])
    return films[..., 0] if films.shape[-1] == 1 else films, [f"{label}: {value:.3g}" for value in values]


def drag(model, pictures, kind, others, seed):
    """The live strip: the level follows the pointer in the browser; returns the value on release."""
    _, label, highest, first, _ = LEVELS[kind]
    film, captions = frames(model, pictures, kind, others, seed)
    asked, = widgets.address_numbers("level", [(0, highest)], (first,), "a noise level")
    value = live.filmstrip(f"noise_{kind}", film, label=label, captions=captions, value=asked, stop=highest, scale=3,
                           ends=("clean", "drowned"), alt="Three rows: the originals, the same corrupted, and restored")
    st.query_params["level"] = f"{value:.3f}"
    return value


def show_filter(name, pictures, noisy):
    """One row: a classical filter at its best setting for these pictures, and its numbers."""
    restored, setting = denoise.best_filter(name, pictures, noisy)
    result = denoise.measure(pictures, noisy, restored)
    st.image(sheets.to_png(sheets.tile(restored, min(COUNT, len(restored)), scale=3)), width="content",
             caption=f"{name}, at its best setting for this noise ({setting}): {numbers(result)}",
             alt=f"The same pictures restored by the {name}")
    return result


def numbers(result):
    return f"PSNR {result.psnr.mean():.1f} dB, SSIM {result.ssim.mean():.2f}"


def download(results):
    """One PNG of all rows, labeled."""
    columns = min(COUNT, len(results["Original"].restored))
    rows = [sheets.label(sheets.tile(result.restored, columns, scale=6), name) for name, result in results.items()]
    st.download_button("Download PNG", sheets.to_png(sheets.stack(*rows)), "denoised.png", "image/png",
                       icon=":material/download:", on_click="ignore")


frame.open_page("denoise")
titles = widgets.offered(lambda preset: preset.corruption and not preset.labels)
picture, controls = st.columns([2, 1], gap="medium")
with controls:
    model = widgets.served(titles[widgets.choose_one("Model", list(titles), "model")])
    kind = widgets.choose_one("Noise", list(LEVELS), "noise", on_change=forget_level)
    others = {}
    if kind == "Gaussian":
        trained = model.preset.corruption
        others["mean"] = widgets.slide("Mean of the noise", 0.0, 0.5, trained.mean[1], 0.05,
                                       f"mean_{model.preset.name}")
        others["clip"] = trained.clip
        st.caption(f"This model was trained on Gaussian noise of mean {span(trained.mean)} and σ {span(trained.sigma)}"
                   f"{'' if trained.clip else ', not clipped to 0..1'}. Beyond that it has to guess.")
    seed = st.session_state.setdefault("noise_seed", 0)
    if st.button("Draw other noise", icon=":material/casino:"):
        seed = st.session_state.noise_seed = seed + 1
    filters = st.multiselect("Filters to compare with", list(denoise.FILTERS), ["Median filter", "Non-local means"])
    picked = widgets.pick_pictures("denoise", model.preset, COUNT)
with picture:
    value = drag(model, picked.pictures, kind, others, seed)
    noisy = denoise.corrupt(picked.pictures, kind, seed, **{LEVELS[kind][0]: value}, **others)
    results = {"Original": denoise.measure(picked.pictures, noisy, picked.pictures),
               "Corrupted": denoise.measure(picked.pictures, noisy, noisy),
               model.preset.title: denoise.run(model, picked.pictures, noisy)}
    st.caption(f"First row: the originals. Second: corrupted ({numbers(results['Corrupted'])}). "
               f"Third: what the autoencoder restores from the second ({numbers(results[model.preset.title])}).")
    with st.container(horizontal_alignment="center"):
        results |= {name: show_filter(name, picked.pictures, noisy) for name in filters}
with controls:
    download(results)

st.subheader("How far does it hold?")
st.markdown("Gaussian noise rises from left to right, on 60 test pictures: all denoisers of this data set, every "
            "filter at its best setting for that level, and the corrupted pictures as they are.")
together = [name for name in titles.values() if store.preset(name).dataset == model.preset.dataset]
# Measuring takes a while at first: what is below stays where it is.
with st.container(height=420, border=False), widgets.sentences():
    curves = cache.robustness(tuple(map(cache.served, together)), others.get("mean", 0.5))
    widgets.curve(curves, np.round(denoise.CURVE_SIGMAS, 2),
                  "Strength σ of the noise", "PSNR (dB)",
                  "PSNR against noise strength for denoisers, filters and the corrupted pictures",
                  marker=value if kind == "Gaussian" else None, height=400)

widgets.explain(IDEA, FORMULA, model.preset.recipe)
widgets.code(denoise.run, denoise.sweep, convert.add_gaussian, denoise.best_filter)
