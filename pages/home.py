"""Home: what the lab holds, with one live picture a page, and which models are here."""
import streamlit as st

from ae_core import model, presets
from pages.shared import cache, frame, widgets


def card(page):
    """One page of the lab: its name, a picture computed now by its models, and its sentence."""
    with st.container(border=True):
        frame.link(page.name, bold=True)
        try:
            widgets.image(*cache.home_picture(page))
        except (model.store.WeightsMissing, model.store.WeightsDamaged) as error:
            st.caption(str(error))
        st.markdown(page.sentence)


frame.open_page("home")
pages = [page for page in frame.PAGES.values() if page.name != "home"]
for start in range(0, len(pages), 2):
    for column, page in zip(st.columns(2), pages[start:start + 2], strict=False):
        with column:
            card(page)

st.subheader("The models")
here = [preset.name for preset in presets.PRESETS.values() if model.store.present(preset.name)]
st.markdown(f"**{len(here)} of {len(presets.PRESETS)}** models are trained and stored here; each follows a published "
            "recipe.")
widgets.panel("All models", lambda: st.dataframe([
    {"Here": preset.name in here, "Name": preset.name, "Model": preset.title, "Numbers": preset.code,
     "What it is": preset.description, "Recipe": preset.recipe} for preset in presets.PRESETS.values()],
    hide_index=True), "list", "models")
