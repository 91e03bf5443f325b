"""Which face the Faces page is about: one of the gallery, a new one, or the reader's own; the address says which."""
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from ae_core import latent, presets
from ae_core.features import align, faces
from ae_core.pictures import reader, sheets
from pages.shared import address, cache, widgets

FIRST = 12                       # of the gallery: the page opens on it
COLUMNS = (10, 5)                # faces in a row of a grid, on a wide screen and on a phone
ROW = COLUMNS[0]
NEW = 30                         # new faces on a sheet, 3 x 10 as published
DRAWN = ("Where real faces lie", "The prior N(0, 1)")
PLACES = ("Real faces", "New faces", "Your own")
NEW_FACE = address.numbers("new", [(0, widgets.DRAWS - 1), (0, NEW - 1), (0.1, 1.5), (0, 1)], None, "new face")


@dataclass(frozen=True)
class Face:
    code: np.ndarray             # (d,)
    name: str                    # in words
    ident: str                   # the same for the same face


def current(served: Any) -> Face:
    """The face that the page is about."""
    codes = cache.gallery(served)[0]
    new = NEW_FACE.read()
    if new:
        seed, place, temperature, drawn = int(new[0]), int(new[1]), new[2], int(new[3])
        code = faces.meet(served, NEW, temperature, seed, source(served, DRAWN[drawn])).codes[place]
        return Face(code, f"new face {place + 1} of draw {seed}", f"new_{seed}_{place}_{temperature:.2f}_{drawn}")
    own = st.session_state.get("own_face")
    if own is not None and "face" not in st.query_params:
        return Face(own, "your own face", f"own_{abs(hash(own.tobytes()))}")
    number = address.whole("face", len(codes) - 1, FIRST, "face").read()
    return Face(codes[number], f"face {number + 1} of the gallery", f"face_{number}")


def take(**where: Any) -> None:
    """A callback: the page is about another face from now on, and shows what can be changed of it."""
    asked = {key: str(value) for key, value in where.items()}
    address.write({"face": None, "new": None, "change": None} | asked)
    st.session_state.section = "Change"


def another(served: Any) -> None:
    """A callback: the next face of the gallery."""
    count = len(cache.gallery(served)[0])
    take(face=(address.whole("face", count - 1, FIRST, "face").read() + 1) % count)


def source(served: Any, drawn: str) -> latent.Gaussian | None:
    """The distribution that new faces are drawn from, after one of DRAWN; None for the prior."""
    return cache.where_codes_lie(served) if drawn == DRAWN[0] else None


def show(served: Any, face: Face) -> None:
    """Faces to choose from: stored codes of real ones, new ones, the reader's own."""
    place = widgets.choose_segment("Which faces", PLACES, "place")
    {"Real faces": _real, "New faces": _new, "Your own": _own}[place](served)


def _real(served):
    _, pictures = cache.gallery(served)
    st.caption("Sixty faces that the model never saw in training, reconstructed from their 200 numbers. Click one to "
               "change it.")
    widgets.picture_grid("gallery", pictures, [f"Face {k + 1}" for k in range(len(pictures))], take,
                         [{"face": k} for k in range(len(pictures))], columns=COLUMNS)
    st.subheader("What 200 numbers keep")
    originals = cache.originals(served, cache.attributes(served).gallery[:ROW])
    if originals is None:
        st.caption("The photos themselves may not be redistributed. If CelebA is on this machine, the originals appear "
                   "here next to their reconstructions.")
        return
    both = sheets.smooth(np.concatenate([originals, pictures[:ROW]]), 2)
    widgets.show(sheets.tile(both, ROW), "Top: held-out photos. Bottom: their reconstructions.",
                 f"{ROW} photos above their reconstructions", "reconstructions", photo=True)


def _new(served):
    left, right = st.columns([3, 1], gap="large", vertical_alignment="bottom")
    with left:
        drawn = widgets.choose_segment("Drawn from", DRAWN, "drawn")
        temperature = widgets.slide("Temperature: how far from the average face", 0.1, 1.5, 0.8, 0.1, "temperature")
    with right:
        seed = widgets.draw_again("draw")
    met = faces.meet(served, NEW, temperature, seed, source(served, drawn))
    st.caption("Decoded from random numbers: nobody's faces. Click one to change it. Many of those from the prior "
               "are only half a face, because real ones fill only part of it.")
    widgets.picture_grid("new", met.pictures, [f"New face {k + 1}" for k in range(NEW)], take,
                         [{"new": f"{seed},{k},{temperature:.1f},{DRAWN.index(drawn)}"} for k in range(NEW)],
                         columns=COLUMNS)
    widgets.download("Download PNG", lambda: sheets.to_png(sheets.tile(sheets.smooth(met.pictures, 2), ROW)),
                     "new_faces.png", "image/png")


def _own(served):
    """The reader's own face, found and aligned; nothing of it is kept but for this visit."""
    controls, shown = st.columns([1, 1], gap="large")
    with controls:
        file = widgets.camera("Your face", "own_camera") if st.toggle("Camera", key="camera") else \
            widgets.uploader("A photo with a face (any size)", widgets.PICTURE_FILES, "own_file")
        st.caption("The photo stays in this server's memory during your visit and is not stored anywhere.")
    with shown:
        found = widgets.kept("own_found", file.file_id, lambda: _find(file)) if file else None
        if isinstance(found, str):
            st.warning(widgets.plain(found))
        if found is None or isinstance(found, str):
            st.info("Choose or take a photo of a face seen from the front.")
            return
        code = served.encode(found.face[None])[0]
        pair = sheets.smooth(np.stack([found.face, served.decode(code)[0]]), 4)
        widgets.show(sheets.tile(pair, 2), "Your face as the model sees it, and what its 200 numbers keep of it."
                     + _remarks(found), "Your face next to its reconstruction", "own_face", photo=True)
        st.button("Change this face", type="primary", icon=":material/face:", on_click=_take_own, args=(code,))


def _find(file):
    """The face in an upload, or a sentence where there is none."""
    with st.spinner("Looking for the face …"):
        try:
            return align.find_face(file.getvalue(), file.name, presets.get(faces.PRESET).shape)
        except reader.BadPicture as error:
            return str(error)


def _remarks(found):
    """What had to be done to the photo, in words."""
    return ((f" {found.count} faces were found; this is the largest." if found.count > 1 else "")
            + (" The photo was rotated upright." if found.turned else "")
            + ("" if found.eyes else " The eyes were not found; the outline of the face was used instead."))


def _take_own(code):
    st.session_state.own_face = code
    take()
