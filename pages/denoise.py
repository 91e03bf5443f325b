"""Denoise: corrupt pictures, restore them, and compare with the filters people would use instead."""
import streamlit as st

from ae_core import presets, store
from ae_core.features import denoise
from ae_core.pictures import convert, sheets
from pages.shared import address, cache, denoise_panels, frame, live, widgets

COUNT = 10                       # pictures in a row
LEVELS = {                       # noise kind -> the name of its strip, how a level is said, and the first one
    "Gaussian": ("Strength σ of the noise", "σ {:.2f}", 0.8),
    "Salt and pepper": ("Share of corrupted pixels", "{:.0%} of the pixels", 0.5),
    "Speckle": ("Strength σ of the speckle", "σ {:.2f}", 0.9),
    "Hidden patch": ("Side of the hidden patch in pixels", "{:.0f} pixels wide", 12),
}


def choose_mean(preset):
    """Of Gaussian noise, the numbers that are not dragged."""
    trained = preset.corruption
    mean = widgets.slide("Mean of the noise", 0.0, 0.5, trained.mean[1] if trained else denoise.MEAN, 0.05,
                         f"mean_{preset.name}")
    if trained:
        st.caption(f"This model was trained on Gaussian noise with mean {span(trained.mean)} and σ "
                   f"{span(trained.sigma)}{'' if trained.clip else ', not clipped to 0..1'}. Beyond that it has to "
                   "guess.")
    return {"mean": mean, "clip": trained.clip if trained else True}


def span(ends):
    """A range in words; one number where both ends are the same."""
    return f"{ends[0]:g}" if ends[0] == ends[1] else f"{ends[0]:g} to {ends[1]:g}"


def strip(kind):
    """The key of the strip of a kind of noise, its places, and where the address keeps its own."""
    highest = presets.NOISE[kind][1]
    return f"noise_{kind}", denoise.levels(kind), address.numbers("level", [(0, highest)], LEVELS[kind][2:],
                                                                  "noise level")


def draw(key, preset):
    """The sketchpad, with the noise of this page on what is drawn."""
    strip_key, values, field = strip(kind)
    level = {presets.NOISE[kind][0]: live.held_rows(strip_key, values, field.read()[0])}
    noise = denoise.affine(kind, preset.shape, seed, **level, **others)
    return widgets.drawn(key, preset, widgets.through(preset, widgets.in_browser(model), noise=noise))


def show_rows(pictures):
    """Clean, noisy and restored pictures, which move together; returns the level on release."""
    key, values, field = strip(kind)
    twin = denoise.taught(model.preset)
    names, decibels, sheet = cache.noise_film(model, cache.served(twin) if twin else None, pictures, kind,
                                              tuple(values), seed, tuple(filters), others)
    label, said, _ = LEVELS[kind]
    words = [denoise_panels.result(said.format(level), names, line)
             for level, line in zip(values, decibels, strict=True)]
    notes = [["", *(f"{number:.1f} dB" for number in line[1:])] for line in decibels]
    value = live.rows(key, sheet, names, notes, words, values, value=field.read()[0], label=label,
                      ends=(said.format(values[0]), said.format(values[-1])), beside=True,
                      warning=denoise_panels.unseen(model.preset, kind),
                      alt=f"{len(names)} rows of the same pictures: {', '.join(names).lower()}")
    field.write((value,))
    return value


def labeled(pictures, level):
    """All rows as one sheet for a slide."""
    found = denoise.film({"Autoencoder": model}, pictures, kind, [level], seed, filters, **others)
    return sheets.stack(*(sheets.label(sheets.tile(rows, len(pictures), scale=4), name)
                          for name, rows in zip(found.names, found.pictures[0], strict=True)))


frame.open_page("denoise")
titles = dict(sorted(widgets.offered("denoise").items(), key=lambda entry: denoise.order(store.preset(entry[1]))))
row, picture = frame.controls(), st.container()
with row:
    kind = widgets.choose_segment("Noise", list(LEVELS), "noise", label_visibility="collapsed",
                                  on_change=lambda: address.write({"level": None}))
    seed = widgets.draw_again("noise_draw", "Draw other noise")
    more = st.popover("More", icon=":material/tune:")
with more:
    model = widgets.served(widgets.choose_model(titles))
    others = choose_mean(model.preset) if kind == "Gaussian" else {}
    filters = st.multiselect("Filters to compare with", list(denoise.FILTERS), ["Median filter", "Non-local means"])
    source = widgets.choose_source("Pictures", widgets.SOURCES, "denoise_source")
with more if source == "Test pictures" else picture:
    picked = widgets.pick_pictures("denoise", model.preset, COUNT, draw=draw, source=source)
with picture:
    value = show_rows(picked.pictures)
    widgets.download("Download PNG", lambda: sheets.to_png(labeled(picked.pictures, value)), "denoised.png",
                     "image/png")

mean = others.get("mean", denoise.MEAN)
widgets.panel("How much noise is too much?", lambda: denoise_panels.show_robustness(
    model, mean, value if kind == "Gaussian" else None), "show_chart", "robustness")
widgets.panel("Three sets of nine, as published", lambda: denoise_panels.show_sets(model, mean), "grid_on", "sets")
widgets.explain("denoise", [model.preset], denoise.run, denoise.film, convert.add_gaussian, denoise.best_filter)
