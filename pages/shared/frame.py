"""The page table, and what every page begins with.

Streamlit runs a page file alone when its address is opened cold (/denoise), without the router in app.py. So a page
never relies on the router: `open_page` sets the title and draws the navigation in both cases.
"""
import contextlib
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError


@dataclass(frozen=True)
class Page:
    file: str
    title: str
    icon: str
    group: str
    sentence: str                # what to do here, in one sentence


PAGES = {
    "home": Page("pages/home.py", "Autoencoder Lab", ":material/home:", "",
                 "Squeeze pictures into a few numbers, build them up again, and see what survives."),
    "reconstruct": Page("pages/reconstruct.py", "Reconstruct", ":material/compare:", "See",
                        "Choose a model and a code size, and compare every picture with what its code can rebuild."),
    "denoise": Page("pages/denoise.py", "Denoise", ":material/blur_on:", "See",
                    "Drag the noise up and watch the autoencoder paint the clean picture from what is left."),
    "latent_map": Page("pages/latent_map.py", "Latent map", ":material/map:", "Explore",
                       "Drag the point across the plane: every place on it is a picture."),
    "digits": Page("pages/digits.py", "Digits", ":material/pin:", "Explore",
                   "Choose a digit, then drag through the handwriting styles it can be written in."),
    "faces": Page("pages/faces.py", "Faces", ":material/face:", "Explore",
                  "Drag a strip and watch the face smile, age or put on glasses."),
    "colorize": Page("pages/colorize.py", "Colorize", ":material/palette:", "Use",
                     "Drop a black-and-white photograph, drag the line across it, and take it home in color."),
    "outliers": Page("pages/outliers.py", "Outliers", ":material/search_insights:", "Use",
                     "Hide a few intruders among a thousand pictures, drag the threshold, and see which are found."),
    "search": Page("pages/search.py", "Search", ":material/image_search:", "Use",
                   "Choose a picture or draw one, see its sixteen likest, and click one of them to go on from there."),
    "train": Page("pages/train.py", "Train", ":material/model_training:", "Make",
                  "Choose pictures and a network, press Train, and watch it learn epoch by epoch."),
}


TAB_ICON = Path(__file__).with_name("icon.png")    # Streamlit would fetch a material icon for the tab from the network
SIDEBAR = 220                    # pixels
# Streamlit's margins cost a third of a projector's width; the picture gets it instead.
STYLE = """<style>
.stMainBlockContainer { padding: 2.5rem clamp(1rem, 2.5vw, 3rem) 4rem; }
.stMainBlockContainer h1 { padding: 0.5rem 0 0; }
/* What was made stays as it is until what follows is ready; a line on top says that something is being computed. */
[data-stale="true"] { opacity: 1 !important; }
.stApp[data-test-script-state="running"]::before { content: ""; position: fixed; inset: 0 0 auto; height: 3px;
  z-index: 1e6; background: Highlight; transform-origin: 0; animation: ae-working 8s ease-out 0.3s both; }
@keyframes ae-working { from { opacity: 0; transform: scaleX(0); } 5% { opacity: 1; } to { transform: scaleX(0.9); } }
</style>"""


def open_page(name):
    """Set the browser tab, draw the navigation and the heading of a page of the table."""
    page = PAGES[name]
    tab = page.title if name == "home" else f"{page.title} · Autoencoder Lab"
    st.set_page_config(page_title=tab, page_icon=TAB_ICON, layout="wide", initial_sidebar_state=SIDEBAR)
    st.html(STYLE)
    with st.sidebar:
        group = ""
        for other, entry in PAGES.items():
            if entry.group != group:
                group = entry.group
                st.caption(group)
            link(other)
    st.title(page.title)
    st.markdown(page.sentence)


def link(name, bold=False, query=None):
    """A link to a page of the table; none where a page runs on its own in a test and has no neighbors."""
    page = PAGES[name]
    with contextlib.suppress(StreamlitPageNotFoundError):
        st.page_link(page.file, label=f"**{page.title}**" if bold else page.title, icon=page.icon,
                     query_params=query)
