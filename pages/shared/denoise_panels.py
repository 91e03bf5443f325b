"""What Denoise shows below its strip, rising noise and the published figure, and what it says of a level."""
from typing import Any

import numpy as np
import streamlit as st

from ae_core import presets, store
from ae_core.features import denoise
from pages.shared import cache, charts, live, widgets


def show_robustness(model: Any, mean: float, marker: float | None) -> None:
    """A model, all denoisers of its data set and the filters at rising noise; marker: where the strip is."""
    st.markdown("Gaussian noise increases from left to right, on 60 test pictures: this model, all denoisers for its "
                "data set, each filter at its best setting for that level, and the corrupted pictures themselves. "
                "Click a point to see its noise above.")
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
                      marker=marker, height=400, key="curve", on_select=_set_strip)
        if st.session_state.pop("curve:clicked", False):
            st.rerun()                           # all of the page: the strip stands outside this panel


def _set_strip() -> None:
    """The strip goes where the curve was clicked."""
    points = st.session_state.curve.selection.points
    if points:
        st.session_state.noise = "Gaussian"
        live.place("noise_Gaussian", float(points[0]["x"]))
        st.session_state["curve:clicked"] = True


def show_sets(model: Any, mean: float) -> None:
    """The published figure of three sets of nine pictures, at the three strengths of its experiment."""
    sigma = float(widgets.choose_segment("Strength σ", [f"{sigma:g}" for sigma in denoise.SIGMAS], "sets"))
    sheet, error = denoise.sets_of_nine(model, cache.pictures_of(model)[0], sigma, mean)
    widgets.show(sheet, f"Three sets of nine test pictures: originals, with noise of σ {sigma:g}, restored. The "
                 f"squared error of these is {error:.4f}.",
                 "Three sets of nine pictures: original, corrupted, and restored", "sets_of_nine")
    st.caption("The recipe trains on σ 0.5 alone and asks how far it carries: “Digit denoiser, sigma 0.5” is that one, "
               "“Digit denoiser” learned from all strengths up to 1.")


def result(level: str, names: list[str], decibels: np.ndarray) -> str:
    """What a level of noise has come to, in words; decibels (rows,) of each of the rows called `names`."""
    found = dict(zip(names, decibels, strict=True))
    filters = [found[name] for name in denoise.FILTERS if name in found]
    best = f", the best filter {max(filters):.1f}" if filters else ""
    twin = f", one trained on noise {found['Trained on noise']:.1f}" if "Trained on noise" in found else ""
    return f"{level}: {found['Noisy']:.1f} dB noisy; the autoencoder reaches {found['Autoencoder']:.1f}{best}{twin}."


def unseen(preset: presets.Preset, kind: str) -> str:
    """What to say of a kind of noise that a model never saw."""
    if preset.corruption is None:
        return "This model never saw noise: it learned to copy clean pictures."
    return "" if kind in preset.corruption.kinds else "This model never saw this kind of noise."
