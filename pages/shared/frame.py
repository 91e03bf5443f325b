"""The page table, and what every page begins with.

Streamlit runs a page file alone when its address is opened cold (/denoise), without the router in app.py. So a page
never relies on the router: `open_page` sets the title and draws the navigation in both cases.
"""
from dataclasses import dataclass

import streamlit as st


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
                    "Turn up the noise and watch the autoencoder paint the clean picture from what is left."),
}


def open_page(name):
    """Set the browser tab, draw the navigation and the heading of a page of the table."""
    page = PAGES[name]
    tab = page.title if name == "home" else f"{page.title} · Autoencoder Lab"
    st.set_page_config(page_title=tab, page_icon=page.icon, layout="wide")
    with st.sidebar:
        group = ""
        for other in PAGES.values():
            if other.group != group:
                group = other.group
                st.caption(group)
            st.page_link(other.file, label=other.title, icon=other.icon)
    st.title(page.title)
    st.markdown(page.sentence)
