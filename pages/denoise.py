"""Denoise: corrupt pictures, restore them, and compare with the filters people would use instead."""
import numpy as np
import streamlit as st

from ae_core import store
from ae_core.features import denoise
from ae_core.pictures import convert, sheets
from pages.shared import address, cache, denoise_panels, frame, live, widgets

COUNT = 7                        # pictures in a row
LEVELS = {                       # noise kind -> the level that is dragged: keyword, label, highest, first, frames
    "Gaussian": ("sigma", "Strength σ of the noise", 1.2, 0.5, 25),
    "Salt and pepper": ("share", "Share of corrupted pixels", 0.8, 0.25, 17),
    "Speckle": ("sigma", "Strength σ of the speckle", 1.2, 0.6, 25),
    "Hidden patch": ("side", "Side of the hidden patch in pixels", 20, 10, 21),
}


def choose_noise(preset):
    """The kind of noise and the numbers that are not dragged."""
    kind = widgets.choose_one("Noise", list(LEVELS), "noise", on_change=lambda: address.write({"level": None}))
    if kind != "Gaussian":
        return kind, {}
    trained = preset.corruption
    mean = widgets.slide("Mean of the noise", 0.0, 0.5, trained.mean[1] if trained else denoise.MEAN, 0.05,
                         f"mean_{preset.name}")
    if trained is None:
        st.caption("This model **never saw noise**: it learned to copy clean pictures. Noise takes it to places of its "
                   "code that no picture has; that is why denoisers are trained on noise.")
        return kind, {"mean": mean, "clip": True}
    st.caption(f"This model was trained on Gaussian noise with mean {span(trained.mean)} and σ {span(trained.sigma)}"
               f"{'' if trained.clip else ', not clipped to 0..1'}. Beyond that range it has to guess.")
    return kind, {"mean": mean, "clip": trained.clip}


def span(ends):
    """A range in words; one number where both ends are the same."""
    return f"{ends[0]:g}" if ends[0] == ends[1] else f"{ends[0]:g} to {ends[1]:g}"


def drag(model, pictures, kind, others, seed):
    """The live strip: the level follows the pointer in the browser; returns the value on release."""
    level, label, highest, first, count = LEVELS[kind]
    values = np.linspace(0, highest, count)
    film = cache.noise_film(model, pictures, kind, level, tuple(values), seed, others)
    field = level_field(kind)
    value = live.filmstrip(f"noise_{kind}", film, label=label,
                           captions=[f"{label}: {value:.3g}" for value in values], value=field.read()[0], stop=highest,
                           scale=3, ends=("clean", "all noise"),
                           alt="Three rows: the original pictures, the same corrupted, and restored")
    field.write((value,))
    return value


def level_field(kind):
    """Where the address keeps the dragged level of a kind of noise."""
    _, _, highest, first, _ = LEVELS[kind]
    return address.numbers("level", [(0, highest)], (first,), "noise level")


def draw(key, preset):
    """The sketchpad, with the noise of this page on what is drawn."""
    level, _, highest, _, _ = LEVELS[kind]
    value = live.held(f"noise_{kind}", level_field(kind).read()[0], stop=highest)
    noise = denoise.affine(kind, preset.shape, seed, **{level: value}, **others)
    with picture:
        return widgets.drawn(key, preset, widgets.through(preset, widgets.in_browser(model), noise=noise))


def show_filter(name, pictures, noisy):
    """One row: a classical filter at its best setting for these pictures, and its numbers."""
    restored, setting = cache.filtered(name, pictures, noisy)
    result = denoise.measure(pictures, noisy, restored)
    widgets.image(sheets.tile(restored, min(COUNT, len(restored)), scale=3),
                  f"The same pictures restored by the {name}",
                  f"{name} at its best setting for this noise ({setting}): {numbers(result)}")
    return result


def numbers(result):
    return f"PSNR {result.psnr.mean():.1f} dB, SSIM {result.ssim.mean():.2f}"


def labeled(results):
    """All rows as one sheet for a slide."""
    columns = min(COUNT, len(results["Original"].restored))
    return sheets.stack(*(sheets.label(sheets.tile(result.restored, columns, scale=6), name)
                          for name, result in results.items()))


frame.open_page("denoise")
titles = widgets.offered("denoise")
titles = dict(sorted(titles.items(), key=lambda entry: store.preset(entry[1]).corruption is None))    # denoisers first
picture, controls = st.columns([2, 1], gap="medium")
with controls:
    model = widgets.served(widgets.choose_model(titles))
    kind, others = choose_noise(model.preset)
    seed = widgets.draw_again("noise_draw", "Draw other noise")
    filters = st.multiselect("Filters to compare with", list(denoise.FILTERS), ["Median filter", "Non-local means"])
    picked = widgets.pick_pictures("denoise", model.preset, COUNT, draw=draw)
with picture:
    value = drag(model, picked.pictures, kind, others, seed)
    noisy = denoise.corrupt(picked.pictures, kind, seed, **{LEVELS[kind][0]: value}, **others)
    results = {"Original": denoise.measure(picked.pictures, noisy, picked.pictures),
               "Corrupted": denoise.measure(picked.pictures, noisy, noisy),
               model.preset.title: denoise.run(model, picked.pictures, noisy)}
    st.caption(f"First row: originals. Second row: corrupted ({numbers(results['Corrupted'])}). "
               f"Third row: restored from the second ({numbers(results[model.preset.title])}).")
    denoise_panels.show_taught(model, picked.pictures, noisy, results[model.preset.title])
    with st.container(horizontal_alignment="center"):
        results |= {name: show_filter(name, picked.pictures, noisy) for name in filters}
with controls:
    widgets.download("Download PNG", lambda: sheets.to_png(labeled(results)), "denoised.png", "image/png")

mean = others.get("mean", denoise.MEAN)
widgets.panel("How much noise is too much?", lambda: denoise_panels.show_robustness(
    model, mean, value if kind == "Gaussian" else None), "show_chart", "robustness")
widgets.panel("Three sets of nine, as published", lambda: denoise_panels.show_sets(model, mean), "grid_on", "sets")
widgets.explain("denoise", [model.preset], denoise.run, denoise.sweep, convert.add_gaussian, denoise.best_filter)
