"""Outliers: hunt for intruders against the machine; score a collection, drag the threshold, look at the odd ones."""
import numpy as np
import streamlit as st

from ae_core import presets
from ae_core.features import outliers
from ae_core.pictures import convert, datasets
from pages.shared import cache, frame, live, outlier_experiment, own_outliers, widgets

HUNT, EXPERIMENT, OWN = "Hunt", "The published experiment", "Your pictures"
WALLS = 100                      # that "Another wall" counts through


def hunt(row):
    """A wall of pictures with intruders among them, for the reader and for the machine."""
    with row:
        level = widgets.choose_segment("How hard", list(outliers.LEVELS), "level", label_visibility="collapsed")
        seed = widgets.draw_again("wall", "Another wall", "grid_view", WALLS)
    regular, intruder = outliers.LEVELS[level]
    classes = datasets.DATASETS["fashion_mnist"].classes
    served = widgets.served(outliers.ENCODER)
    mixed, scores = cache.odd_ones(served, classes.index(regular), classes.index(intruder))
    wall = outliers.wall(scores, mixed.intruder, seed)
    hunted = live.hunt(f"hunt_{level}_{seed}", convert.to_uint8(mixed.pictures[wall.rows])[..., 0], wall.scores,
                       wall.intruder, names=(regular.lower(), intruder.lower()))
    if hunted.shown:
        st.caption(f"Sorted by how far each picture’s code of {served.preset.code} numbers lies from the bulk of "
                   f"{len(mixed.rows):,} codes, the oddest first. A red frame: {intruder} among {regular}; a white "
                   "one: yours. Drag the line: the machine calls odd what lies before it.")
        own_outliers.download_csv(wall.scores, hunted.line, {
            "test_picture": mixed.rows[wall.rows], "class": np.array(classes)[mixed.labels[wall.rows]],
            "intruder": wall.intruder, "marked": np.isin(np.arange(len(wall.rows)), hunted.marked)})


frame.open_page("outliers")
row = frame.controls()
asked = EXPERIMENT if set(outlier_experiment.KEYS) & set(st.query_params) else HUNT     # older links know no sections
with row:
    section = widgets.choose_segment("What to do", [HUNT, EXPERIMENT, OWN], "section", asked,
                                     label_visibility="collapsed")
if section == HUNT:
    hunt(row)
elif section == EXPERIMENT:
    outlier_experiment.show()
else:
    own_outliers.show()
widgets.explain("outliers", [presets.get(name) for name in frame.PAGES["outliers"].models], outliers.code_distance,
                outliers.run, outliers.judge)
