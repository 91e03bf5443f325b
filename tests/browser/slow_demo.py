"""A page that takes its time after a click: what test_waiting.py looks at while it is computed."""
import time

import streamlit as st

from pages.shared import frame

st.set_page_config("Slow", layout="wide")
st.html(frame.STYLE)
pressed = st.button("Compute")
st.text("Made before")
if pressed:
    time.sleep(4)
st.text(f"pressed={pressed}")
