"""Autoencoder Lab: streamlit run app.py"""
import importlib
import threading

import streamlit as st

from pages.shared import server

# What all pages import is there before the browser has opened.
threading.Thread(target=importlib.import_module, args=("pages.shared.frame",), daemon=True).start()
app = st.App("pages/shared/router.py", middleware=server.MIDDLEWARE, routes=server.ROUTES)
