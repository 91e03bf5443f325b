"""Home: what the lab holds, with one live picture a page, and which models are here."""
import streamlit as st

from ae_core import model, presets
from ae_core.pictures import sheets
from pages.shared import frame


def card(page):
    """One page of the lab: its name, a picture computed now by its models, and its sentence."""
    with st.container(border=True):
        frame.link(page.name, bold=True)
        try:
            sheet, alt = page.picture()
            st.image(sheets.to_png(sheet), alt=alt, width="content")
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
with st.expander("All models", icon=":material/list:"):
    st.dataframe([{"Here": preset.name in here, "Name": preset.name, "Model": preset.title, "Numbers": preset.code,
                   "What it is": preset.description, "Recipe": preset.recipe} for preset in presets.PRESETS.values()],
                 hide_index=True)
