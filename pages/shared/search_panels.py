"""What Search shows beside its results: how often they are right, and how to search more of them."""
from collections.abc import Mapping
from typing import Any

import streamlit as st

from ae_core import presets
from ae_core.features import search
from ae_core.pictures import datasets
from pages.shared import cache, charts


def show_how_to_index(ruler: str) -> None:
    """How whoever runs the lab makes all training pictures searchable."""
    command = f"python -m ae_core index {search.PRESET}{f' --by {ruler}' * (ruler != search.ANGLE)}"
    st.caption("The 10,000 test pictures are searched. To search all 60,000 training pictures, get them once "
               f"(`python -m ae_core data --download fashion_mnist`) and index them: `{command}`")


def show_precision(served: Any, rulers: Mapping[str, str]) -> None:
    """Precision at 16 by class: ours, those of other models, and what needs no network; rulers: {title: ruler}."""
    classes = datasets.DATASETS["fashion_mnist"].classes
    labels = cache.searched("test")[1][:1000]
    titles, scores = {ruler: title for title, ruler in rulers.items()}, cache.search_precision(served)
    models = {name: presets.get(name).title for pair in search.CLEAN.items() for name in pair}
    titles |= {search.named(name, search.ANGLE): f"{title}, by angle" for name, title in models.items()}
    charts.bars({f"{titles.get(name, name)}: {hits.mean():.3f}":
                 [hits.mean(), *(hits[labels == label].mean() for label in range(len(classes)))]
                 for name, hits in scores.items()},
                ["All", *classes], "Precision at 16", [0.3, 1], "Precision at 16 by class for each code and baseline")
    st.caption("1,000 test pictures, each searched among all the others. The numbers are means over all classes.")
    if claim := search.claim(scores, models):
        st.markdown("Does it help to search with the codes of a **denoiser**, as the *Deep Learning Cookbook* says? "
                    f"{claim}.")
