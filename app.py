"""The router of Autoencoder Lab: streamlit run app.py"""
import streamlit as st

from pages.shared import frame


def address(name):
    """The first page answers at /, every other at its own name."""
    return {"default": True} if name == "home" else {"url_path": name}


st.navigation([st.Page(page.file, title=page.title, **address(name))
               for name, page in frame.PAGES.items()], position="hidden").run()
