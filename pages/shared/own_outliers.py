"""Outliers of a reader's own collection, with no labels."""
import numpy as np
import streamlit as st

from ae_core import presets
from ae_core.features import outliers
from ae_core.pictures import convert, sheets
from pages.shared import widgets

COLUMNS = 8                      # pictures in a row
SHOWN = 24                       # pictures beyond the threshold that are shown
SECONDS = {"Use the codes (at once)": 0, "Train on them for 15 seconds": 15, "Train on them for a minute": 60}


def show() -> None:
    """A reader's own pictures: the odd ones out, with no labels."""
    picture, controls = st.columns([5, 3], gap="medium")
    with controls:
        collected = widgets.collect("outliers", presets.get(outliers.ENCODER))
        seconds = SECONDS[st.selectbox("How", list(SECONDS), key="own_how")]
        share = st.slider("Share to show, %", 1, 50, 10, key="own_share") / 100
    with picture:
        if collected is None:
            st.info(f"Drop {outliers.LEAST} pictures or more, or a zip of them; those least like the rest come first.")
            return
        try:
            outliers.enough(collected.names)
        except ValueError as error:
            st.info(str(error))
            return
        scored = widgets.kept("own_scored", (widgets.files_of("outliers"), seconds),
                              lambda: _score(collected, seconds))
        if scored is None:
            st.info("Training was stopped. Choose another way to score the pictures.")
            return
        order = np.argsort(-scored.scores, kind="stable")
        shown = order[:max(1, round(share * len(order)))]
        widgets.show(sheets.tile(convert.as_pictures(collected.thumbnails[shown[:SHOWN]]), COLUMNS),
                     "The highest score first: "
                     f"{widgets.plain(', '.join(collected.names[row] for row in shown[:SHOWN]))}.",
                     f"The {len(shown[:SHOWN])} highest scores of {len(order)} pictures", "odd_ones")
        download_csv(scored.scores, len(shown), {"file": np.array(collected.names)})


def _score(collected, seconds):
    if not seconds:
        return outliers.run(widgets.served(outliers.ENCODER), collected.floats())
    with widgets.progress("Training on your pictures", "own_training") as report:
        return outliers.fit(collected.floats(), seconds, report)


def download_csv(scores: np.ndarray, beyond: int, columns: dict[str, np.ndarray]) -> None:
    """The ranking of pictures as a table."""
    widgets.download("Download CSV", widgets.table_csv(outliers.ranking(scores, beyond, columns)), "outliers.csv",
                     "text/csv", key=f"csv_{len(columns)}")
