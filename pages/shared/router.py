"""The router over the page table; what `app.py` runs for every visitor."""
from typing import Any

import streamlit as st

from ae_core import store
from pages.shared import frame


def address(name: str) -> dict[str, Any]:
    """The first page answers at /, every other at its own name."""
    return {"default": True} if name == "home" else {"url_path": name}


st.navigation([st.Page(store.ROOT / page.file, title=page.title, **address(name))
               for name, page in frame.PAGES.items()], position="hidden").run()
