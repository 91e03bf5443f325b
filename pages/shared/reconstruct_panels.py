"""What Reconstruct shows beside its pictures: the camera, the blurry lines of drawings, the units of a sparse code."""
from typing import Any

import numpy as np
import streamlit as st

from ae_core import presets, store
from ae_core.features import reconstruct
from ae_core.pictures import datasets, sheets
from pages.shared import cache, live, widgets


def seen(preset: presets.Preset, runs: str) -> live.Through:
    """What a model shows of a drawing or of the camera, live; a conditional one is given the class chosen here."""
    classes, label = datasets.about(preset.dataset).classes, None
    if preset.labels:
        label = classes.index(st.session_state.get(f"label_{preset.dataset}", classes[0]))
    return widgets.through(preset, runs, label)


def show_camera(preset: presets.Preset, runs: str, place: Any) -> None:
    """The camera, live, for whoever asks for it."""
    if st.toggle("The camera, live", key="camera_live", help="Hold up a digit, a shoe, a drawing: the model "
                 "reconstructs what it sees. Nothing leaves the browser."):
        with place:
            live.canvas_note("reconstruct_note", "This browser protects the canvas: what the camera sees would be "
                             "noise. Allow this site to read it (the picture sign in the address bar).")
            live.camera("reconstruct_camera", seen(preset, runs), datasets.about(preset.dataset).photo)


def show_lines(drawing: np.ndarray) -> None:
    """Why the lines of drawings blur, measured on one of those shown, and what a sharper loss does about it."""
    st.subheader("Why are the lines blurry?")
    shifted, blurred = reconstruct.wrong_answers(drawing)
    answers = {"The drawing": drawing, "One pixel off": shifted, "Blurred": blurred}
    answers |= {presets.get(name).title: reconstruct.run(cache.served(name), drawing).rebuilt
                for name in ("cats_sketch", "cats_sharp") if store.present(name)}
    widgets.show(sheets.tile(np.concatenate(list(answers.values())), len(answers), scale=4),
                 " | ".join(answers), "One drawing and four answers to it", "lines")
    st.dataframe([{"Answer": name, "Cross-entropy": round(reconstruct.pixel_bce(drawing, answer), 3),
                   "Grayness": round(reconstruct.undecided(answer), 3)} for name, answer in answers.items()],
                 hide_index=True)
    st.caption("The sharp drawing, one pixel off, costs far more cross-entropy than a blurred one. So a network that "
               "is not certain to the pixel where a line runs does best to blur it. “Cats, sharp lines” is penalized "
               "for gray: its lines are thinner, and wrong with more confidence. Grayness is the mean of 4p(1 − p).")


def show_units(model: Any, code: np.ndarray) -> None:
    """Of a sparse model: which of its units are active for a picture, and what each of them draws."""
    count = reconstruct.active_units(code[None])[0]
    strongest, atoms = reconstruct.atoms(model, code, 12)
    st.subheader("The few active units")
    st.markdown(f"For the first picture, **{count} of {model.preset.code:,} units** are active. The map shows them "
                "all; next to it is what each of the twelve strongest draws on its own.")
    left, right = st.columns(2)
    with left:
        widgets.show(sheets.tile((code / code.max()).reshape(1, 32, 32, 1), 1, scale=9),
                     "All units; the brighter, the stronger.",
                     f"A map of {model.preset.code} code units, {count} of them bright", "units")
    with right:
        widgets.show(sheets.tile(atoms, 4, scale=3), f"What units {', '.join(map(str, strongest))} draw.",
                     "Twelve strokes and dots that single units of the sparse code draw", "atoms")
