"""What the Faces page says of attributes and codes, in its panels and in its section "Look inside"."""
from typing import Any

import numpy as np
import streamlit as st

from ae_core.features import faces
from pages.shared import cache, charts, face_picker, widgets

BIAS = ("These directions know only CelebA: pictures of celebrities, most of them young, light-skinned, and posing, "
        "labeled by strangers. Whatever occurred together in those pictures moves together here. So a smile may bring "
        "makeup or younger skin along; that is a fact about the pictures, not about people.")
SHEET_FACES = [17, 21, 35, 43]   # of the gallery, below the current one
ENTANGLED = ("Smiling", "Mouth_Slightly_Open", "Eyeglasses", "Young", "Male", "No_Beard", "Heavy_Makeup",
             "Wearing_Lipstick", "Attractive", "Blond_Hair", "Black_Hair", "Pale_Skin")


def spoken(name: str) -> str:
    return name.replace("_", " ")


def show_sheet(served: Any, face: face_picker.Face) -> None:
    """The published sheet: some faces down, alpha across, of one attribute."""
    sheet, controls = st.columns([2.6, 1], gap="large")
    stored = cache.attributes(served)
    with controls:
        name = widgets.choose_one("Attribute", stored.names, "attribute", index=stored.names.index(faces.USUAL[0]),
                                  format_func=spoken)
        row = stored.names.index(name)
        st.caption(f"Found by {stored.kinds[row]}. On 500 held-out faces, the position along this direction predicts "
                   f"the attribute with an AUC of {stored.auc[row]:.2f}; guessing gets 0.5.")
        st.markdown(BIAS)
    with sheet:
        codes = np.concatenate([face.code[None], cache.gallery(served)[0][SHEET_FACES]])
        widgets.show(cache.face_sheet(served, codes, row),
                     f"{spoken(name)} from alpha −3 to 3; in the middle, the face as it is.",
                     f"{len(codes)} faces, each in seven steps of {spoken(name)}", f"sheet_{name}", photo=True)


def show_inside(served: Any, face: face_picker.Face) -> None:
    st.subheader("What 200 numbers keep")
    face_picker.show_kept(served)
    _show_normality(served)


def _show_normality(served):
    normal = cache.normality(served)
    worst, spread = normal.worst, normal.spread
    st.subheader("Are the codes normal?")
    st.markdown(f"One sample of the code of each of 500 held-out faces, in the first 50 of its {len(spread.std)} "
                f"numbers. The worst of all is **number {worst + 1}**: its Kolmogorov-Smirnov distance from N(0, 1), "
                f"the largest gap between the two cumulative curves, is **{normal.distance[worst]:.3f}**, and its "
                f"standard deviation is {spread.std[worst]:.2f}. The median over all is {np.median(spread.std):.2f}.")
    charts.histograms(spread, range(50), "Histograms of the first 50 latent numbers beside the normal distribution",
                      columns=10, distance=normal.distance)
    st.caption("Bars: the samples. Line: N(0, 1), the prior. In orange: the worst of these 50.")


def show_entanglement(served: Any, face: face_picker.Face) -> None:
    """The cosines between the directions of some attributes: what the marks on the strips come from."""
    stored = cache.attributes(served)
    chosen = st.multiselect("Attributes", stored.names, [name for name in ENTANGLED if name in stored.names],
                            key="entangled", format_func=spoken)
    matrix, words = st.columns([2, 1], gap="large")
    with words:
        name = widgets.choose_one("Moving", stored.names, "moving", index=stored.names.index(faces.USUAL[0]),
                                  format_func=spoken)
        moved = faces.most_entangled(faces.entanglement(stored.directions), stored.names, name)
        also = ", ".join(f"{spoken(other)} ({cosine:+.2f})" for other, cosine in moved)
        st.markdown(f"Moving **{spoken(name)}** also moves {also}.")
        st.markdown(BIAS)
        st.dataframe([{"Attribute": spoken(each), "AUC": round(float(area), 3), "Found by": kind} for each, area, kind
                      in zip(stored.names, stored.auc, stored.kinds, strict=True)], hide_index=True, height=240)
    with matrix:
        if len(chosen) < 2:
            st.info("Choose at least two attributes.")
            return
        charts.cosines(faces.entanglement(stored.of(chosen)), [spoken(each) for each in chosen],
                       f"The cosines between the directions of {len(chosen)} attributes")
        st.caption("The cosine between two directions: 1 the same, 0 unrelated, −1 opposite.")
