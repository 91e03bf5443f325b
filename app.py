"""Autoencoder Lab: streamlit run app.py"""
import streamlit as st

from pages.shared import server

app = st.App("pages/shared/router.py", middleware=server.MIDDLEWARE)
