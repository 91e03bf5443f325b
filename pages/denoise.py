"""Denoise: corrupt pictures, restore them, and compare with the filters people would use instead."""
import numpy as np
import streamlit as st

from ae_core import denoise, images, presets
from pages.shared import cache, frame, widgets

FORMULA = r"\tilde x \sim q(\tilde x \mid x), \qquad \mathcal{L} = \lVert x - D(E(\tilde x)) \rVert^2"
IDEA = """
A **denoising autoencoder** never sees a clean picture at its input. In training every picture $x$ is corrupted to
$\\tilde x$, with fresh noise each time, and the network is asked for the clean one. Copying would be wrong, so it has to
learn what the pictures of this kind look like and project the noisy one back onto them (Vincent et al., 2008).

That is also its limit: it restores what it has learnt. A filter knows nothing and smooths anything; the
autoencoder knows digits or clothing and paints *one of those*, even where noise has left nothing to go by.
**PSNR** (in dB, higher is better) measures the squared error, **SSIM** (up to 1) how alike the structure is.
"""
COUNT = 8                        # pictures in a row
SLIDERS = {                      # noise kind -> keyword of the corruption: label, lowest, highest, first, step
    "Gaussian": {"sigma": ("Strength σ", 0.0, 1.2, 0.5, 0.05), "mean": ("Mean", 0.0, 0.5, 0.5, 0.05)},
    "Salt and pepper": {"share": ("Share of pixels hit", 0.0, 0.8, 0.25, 0.05)},
    "Speckle": {"sigma": ("Strength σ", 0.0, 1.2, 0.6, 0.05)},
    "Hidden patch": {"side": ("Side of the patch, pixels", 0, 20, 10, 1)},
}


def choose_noise():
    """The kind of noise and its levels."""
    kind = widgets.choose_one("Noise", list(SLIDERS), "noise")
    levels = {name: st.slider(label, lowest, highest, first, step, key=f"{kind}_{name}")
              for name, (label, lowest, highest, first, step) in SLIDERS[kind].items()}
    return kind, levels


def restored_rows(model, pictures, noisy, filters):
    """Named results in the order they are shown: the autoencoder, then each chosen filter at its best setting."""
    rows = {model.preset.title: denoise.run(model, pictures, noisy)}
    for name in filters:
        restored, setting = denoise.best_filter(name, pictures, noisy)
        rows[f"{name} (best setting: {setting})"] = denoise.measure(pictures, noisy, restored)
    return rows


def show_rows(pictures, noisy, rows):
    """Original, corrupted and every restored row, each over its numbers; one download for all."""
    corrupted = denoise.measure(pictures, noisy, noisy)
    table = {"Original": (pictures, "Original"), "Corrupted": (noisy, f"Corrupted · {numbers(corrupted)}")}
    table |= {name: (result.restored, f"{name} · {numbers(result)}") for name, result in rows.items()}
    scale = 3 if len(pictures) > 3 else 6
    for name, (row, caption) in table.items():
        st.image(images.to_png(images.tile(row, COUNT, scale=scale)), caption=caption, width="content",
                 alt=f"{name}: {len(row)} pictures")
    sheets = [images.label(images.tile(row, COUNT, scale=6), name.split(" (")[0]) for name, (row, _) in table.items()]
    st.download_button("Download PNG", images.to_png(images.stack(*sheets)), "denoised.png", "image/png",
                       icon=":material/download:", on_click="ignore")


def numbers(result):
    return f"PSNR {result.psnr.mean():.1f} dB · SSIM {result.ssim.mean():.2f}"


frame.open_page("denoise")
titles = widgets.offered(lambda preset: preset.corruption and not preset.labels)
picture, controls = st.columns([5, 3], gap="medium")
with controls:
    model = widgets.served(titles[widgets.choose_one("Model", list(titles), "model")])
    kind, levels = choose_noise()
    if st.button("Draw other noise", icon=":material/casino:"):
        st.session_state.noise_seed = st.session_state.get("noise_seed", 0) + 1
    filters = st.multiselect("Filters beside it", list(denoise.FILTERS), ["Median filter", "Non-local means"])
    picked = widgets.pick_pictures("denoise", model.preset, COUNT)
noisy = denoise.corrupt(picked.pictures, kind, st.session_state.get("noise_seed", 0), **levels)
with picture:
    show_rows(picked.pictures, noisy, restored_rows(model, picked.pictures, noisy, filters))

st.subheader("How far does it hold?")
st.markdown("Gaussian noise rises from left to right, on 100 test pictures: all denoisers of this data set, every filter "
            "at its best setting for that level, and the corrupted pictures as they are.")
rivals = tuple(name for name in titles.values() if presets.get(name).dataset == model.preset.dataset)
mean = levels.get("mean", 0.5)
widgets.curve(cache.robustness(rivals, mean), np.round(denoise.CURVE_SIGMAS, 2), "Strength σ of the noise", "PSNR (dB)",
              "PSNR against noise strength for denoisers, filters and the corrupted pictures",
              marker=levels.get("sigma") if kind == "Gaussian" else None, height=380)

widgets.explain(IDEA, FORMULA, model.preset.recipe)
widgets.code(denoise.run, denoise.gaussian, denoise.best_filter)
