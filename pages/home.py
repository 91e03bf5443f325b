"""Home: a picture in eight numbers to drag, and the way to every page and model."""
import numpy as np
import streamlit as st

from ae_core import model, presets
from ae_core.features import home
from ae_core.pictures import convert
from pages.shared import cache, frame, live, widgets

PIECES = {"sneaker": 9, "bag": 18, "shirt": 7, "sandal": 8, "boot": 0, "dress": 13, "trousers": 2}    # test pictures
TILES = """<style>
.st-key-tiles { display: grid !important; grid: auto-flow 1fr / repeat(3, minmax(0, 1fr)); gap: 0.75rem; }
.st-key-tiles > div { width: auto !important; height: 100%; }
.st-key-tiles [class*=st-key-tile_] { position: relative; height: 100%; display: grid !important; align-items: center;
  grid-template-columns: 2fr 3fr; gap: 0.75rem; border: 1px solid color-mix(in srgb, currentColor 18%, transparent);
  border-radius: 0.5rem; padding: 0.5rem; }
.st-key-tiles [class*=st-key-tile_]:hover { border-color: var(--st-primary-color, Highlight); }
.st-key-tiles [class*=st-key-tile_] > div { width: auto !important; }
.st-key-tiles img { width: 100%; aspect-ratio: 4 / 3; object-fit: contain; background: #000; border-radius: 0.25rem;
  image-rendering: auto; }
.st-key-tiles a::after { content: ""; position: absolute; inset: 0; border-radius: 0.5rem; }
@media (max-width: 900px) { .st-key-tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (max-width: 640px) { .st-key-tiles { grid-template-columns: 1fr; } }
</style>"""


def show_numbers(served):
    """A garment, its copy, and the eight numbers between them."""
    with frame.controls():
        name = widgets.choose_segment("A garment", list(PIECES), "piece", label_visibility="collapsed")
    picture = cache.pictures_of(served)[0][PIECES[name]]
    reach = cache.reach(served)
    opening = reach.shares(served.encode(picture[None]))[0]
    key = f"numbers_{name}"
    shares = np.array(live.mixed(key, opening, 0, 1))
    pictures = convert.to_uint8(home.strips(served, reach, shares))[..., 0]
    count = len(shares)
    live.mixer(key, pictures, [str(k + 1) for k in range(count)], values=opening, start=0, stop=1,
               exact=convert.to_uint8(served.decode(reach.codes(shares[None])))[0, ..., 0],
               original=convert.to_uint8(picture)[..., 0],
               words=f"{picture.size} pixels → {count} numbers → {picture.size} pixels. Squared error: {{error}}",
               decoder=live.Decoder(widgets.in_browser(served), (reach.low, np.diag(reach.high - reach.low))),
               alt=f"A {name}, reconstructed from {count} numbers")
    st.caption("The first picture is the original, the second is made from the numbers alone. Each strip runs from the "
               "lowest to the highest value of its number among real clothing, but for the rarest percent at each end.")


def tile(page):
    """One page of the lab: a picture made by its models, its name, and its sentence; all of it is the link."""
    with st.container(key=f"tile_{page.name}"):
        try:
            widgets.image(*cache.home_picture(page))
        except (model.store.WeightsMissing, model.store.WeightsDamaged) as error:
            st.caption(str(error))
        with st.container():
            frame.link(page.name, f"**{page.title}**")
            st.caption(page.sentence)


frame.open_page("home")
try:
    show_numbers(cache.served(home.MODEL))
except (model.store.WeightsMissing, model.store.WeightsDamaged) as error:
    st.caption(str(error))
st.html(TILES)
with st.container(key="tiles"):
    for page in frame.PAGES.values():
        if page.name != "home":
            tile(page)

here = [preset.name for preset in presets.PRESETS.values() if model.store.present(preset.name)]
widgets.panel(f"All {len(here)} models", lambda: st.dataframe([
    {"Here": preset.name in here, "Name": preset.name, "Model": preset.title, "Numbers": preset.code,
     "What it is": preset.description, "Recipe": preset.recipe} for preset in presets.PRESETS.values()],
    hide_index=True), "list", "models")
