"""Home: what the lab holds, with one live picture a page, and which models are here."""
import numpy as np
import streamlit as st

from ae_core import model, presets
from ae_core.features import colorize, denoise, digits, faces, latent_map, outliers, reconstruct, search
from ae_core.own import design
from ae_core.pictures import datasets, sheets
from pages.shared import cache, frame


def reconstruct_picture():
    served = cache.served("fashion_conv")
    pictures = cache.samples("fashion_mnist")[0][[0, 2, 8, 18]]
    result = reconstruct.run(served, pictures)
    return sheets.stack(sheets.tile(pictures, 4, scale=3), sheets.tile(result.rebuilt, 4, scale=3), gap=2), \
        "Four pieces of clothing over their copies from 256 numbers"


def denoise_picture():
    pictures = cache.samples("mnist")[0][[0, 1, 2, 4]]
    noisy = denoise.corrupt(pictures, "Gaussian", seed=1, sigma=0.6, mean=0.5)
    result = denoise.run(cache.served("digits_denoiser"), pictures, noisy)
    return sheets.stack(sheets.tile(noisy, 4, scale=3), sheets.tile(result.restored, 4, scale=3), gap=2), \
        "Four digits under heavy noise over what the denoiser makes of them"


def latent_map_picture():
    served = cache.served("digits_vae")
    pictures = latent_map.sheet(served, cache.plane(served), 13, -2, 2)[:13 * 6]
    return sheets.tile(pictures, 13, gap=0), "A sheet of digits that turn into each other"


def digits_picture():
    styles = digits.tour(4, 10)
    lines = digits.write(cache.served("digits_cvae"), "2026", styles[[0, 5]])
    return sheets.tile(lines, 1, scale=3), "The year 2026 in two handwritings"


def colorize_picture():
    path = datasets.photographs()["China"]
    look = cache.look(cache.served(colorize.PHOTO), "China", path.read_bytes(), path.name)
    return colorize.beside(look, 300), "A gray photograph of temples beside the same in color"


def faces_picture():
    served = cache.served(faces.PRESET)
    stored, codes = cache.attributes(served), cache.codes(served).mean
    strip = faces.sheet(served, codes[stored.gallery[12:13]], stored.of(["Smiling"])[0])
    return sheets.tile(strip, 7), "One face in seven steps from serious to smiling"


def outliers_picture():
    pictures, labels = cache.samples("fashion_mnist")
    mixed = datasets.mix(pictures, labels, 5, 0)
    order = np.argsort(-outliers.run(cache.served(outliers.ENCODER), mixed.pictures).scores)[:12]
    colors = [(0.74, 0.11, 0.0) if odd else (0.0, 0.0, 0.0) for odd in mixed.intruder[order]]
    return sheets.tile(sheets.frame(mixed.pictures[order], colors), 6, scale=2), \
        "The twelve oddest of 1,010 sandals; red frames mark the T-shirts among them"


def search_picture():
    served, pictures = cache.served(search.PRESET), cache.searched("test")[0]
    found = search.like(cache.index(served, "test"), served, pictures[4], 10, but=4)
    return sheets.tile(pictures[[4, *found.ids]], 11, scale=2), "A shirt and the ten pictures that are most like it"


def train_picture():
    told = cache.story_of(cache.served(design.STORY))[0]
    return np.concatenate([sheets.tile(datasets.as_pictures(told.rebuilt[k][:4]), 4, scale=3) for k in (0, 1, -1)]), \
        "Four pieces of clothing as a network rebuilds them untrained, after one epoch and after twenty"


PICTURES = {                     # page -> its live picture and alt text
    "reconstruct": reconstruct_picture, "denoise": denoise_picture, "latent_map": latent_map_picture,
    "digits": digits_picture, "faces": faces_picture, "colorize": colorize_picture, "outliers": outliers_picture,
    "search": search_picture, "train": train_picture}


def card(name):
    """One page of the lab: its name, its sentence, and a picture computed now by its model."""
    with st.container(border=True):
        frame.link(name, bold=True)
        try:
            sheet, alt = PICTURES[name]()
            st.image(sheets.to_png(sheet), alt=alt, width="content")
        except (model.store.WeightsMissing, model.store.WeightsDamaged) as error:
            st.caption(str(error))
        st.markdown(frame.PAGES[name].sentence)


frame.open_page("home")
for start in range(0, len(PICTURES), 2):
    for column, name in zip(st.columns(2), list(PICTURES)[start:start + 2], strict=False):
        with column:
            card(name)

st.subheader("The models")
here = [preset.name for preset in presets.PRESETS.values() if model.store.present(preset.name)]
st.markdown(f"**{len(here)} of {len(presets.PRESETS)}** models are trained and stored here; every one follows a "
            "published recipe.")
with st.expander("All models", icon=":material/list:"):
    st.dataframe([{"Here": preset.name in here, "Name": preset.name, "Model": preset.title, "Numbers": preset.code,
                   "What it is": preset.description, "Recipe": preset.recipe} for preset in presets.PRESETS.values()],
                 hide_index=True)
