"""What Denoise shows below its strip: rising noise, the published figure, and what learning from noise is good for."""
from typing import Any

import numpy as np
import streamlit as st

from ae_core import presets, store
from ae_core.features import denoise
from pages.shared import cache, charts, widgets


def show_robustness(model: Any, mean: float, marker: float | None) -> None:
    """A model, all denoisers of its data set and the filters at rising noise; marker: where the strip is."""
    st.markdown("Gaussian noise increases from left to right, on 60 test pictures: this model, all denoisers for its "
                "data set, each filter at its best setting for that level, and the corrupted pictures themselves.")
    title = model.preset.title
    together = denoise.compared(model.preset.dataset) or [model.preset.name]
    clean = {presets.get(name).title for name in together if not store.preset(name).corruption} - {title}
    with widgets.sentences():
        measured = cache.robustness(tuple(map(cache.served, together)), mean)
        lines = {name: decibels for name, decibels in measured.items() if name not in clean}
        if title not in lines:
            lines[widgets.plain(title)] = cache.robustness_of(model, mean)
        sigmas = np.round(denoise.CURVE_SIGMAS, 2)
        charts.curves({name: (sigmas, decibels) for name, decibels in lines.items()}, "Strength σ of the noise",
                      "PSNR (dB)", "PSNR against noise strength for denoisers, filters, and the corrupted pictures",
                      marker=marker, height=400)


def show_sets(model: Any, mean: float) -> None:
    """The published figure of three sets of nine pictures, at the three strengths of its experiment."""
    sigma = float(widgets.choose_segment("Strength σ", [f"{sigma:g}" for sigma in denoise.SIGMAS], "sets"))
    sheet, error = denoise.sets_of_nine(model, cache.pictures_of(model)[0], sigma, mean)
    widgets.show(sheet, f"Three sets of nine test pictures: originals, with noise of σ {sigma:g}, restored. The "
                 f"squared error of these is {error:.4f}.",
                 "Three sets of nine pictures: original, corrupted, and restored", "sets_of_nine")
    st.caption("The recipe trains on σ 0.5 alone and asks how far it carries: “Digit denoiser, sigma 0.5” is that one, "
               "“Digit denoiser” learned from all strengths up to 1.")


def show_taught(model: Any, pictures: np.ndarray, noisy: np.ndarray, own: denoise.Denoised) -> None:
    """Of a model that never saw noise: what one of its kind that did makes of the same pictures."""
    name = denoise.taught(model.preset)
    if name:
        other = denoise.run(cache.served(name), pictures, noisy)
        st.markdown(f"“{presets.get(name).title}”, a network of the same kind that learned from noise, restores these "
                    f"pictures to **{other.psnr.mean():.1f} dB**; this one to **{own.psnr.mean():.1f} dB**.")
