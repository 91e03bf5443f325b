"""Which face the Faces page is about: one of the gallery, a new one, or the reader's own; the address says which."""
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from ae_core import latent, presets
from ae_core.features import align, faces
from ae_core.pictures import reader, sheets
from pages.shared import address, cache, live, widgets

FIRST = 12                       # of the gallery: the page opens on it
COLUMNS = (10, 5)                # faces in a row of a grid, on a wide screen and on a phone
PICKED = (8, 5)                  # and of the grid that is picked from
ROW = COLUMNS[0]
NEW = 30                         # new faces on a sheet, 3 x 10 as published
DRAWN = ("Where real faces lie", "The prior N(0, 1)")
WARMTH = 0.8                     # temperature of a new face
PLACES = ("Real faces", "New faces")
NEW_FACE = address.numbers("new", [(0, widgets.DRAWS - 1), (0, NEW - 1), (0.1, 1.5), (0, 1)], None, "new face")
RECENT = ("face_17", "face_21", "face_35", "face_43", "face_5")      # in the row before the reader has opened any
KEPT = 9                         # faces of the row


@dataclass(frozen=True)
class Face:
    code: np.ndarray             # (d,)
    name: str                    # in words
    ident: str                   # the same for the same face: face_7, new_5_12_0.70_1, or own_ with a checksum


def named(served: Any, ident: str) -> Face:
    """The face of an ident, or of a number of the gallery; ValueError where there is none."""
    kind, *parts = ident.split("_") if "_" in ident else ("face", ident)
    if kind == "own" and ident in _own_faces():
        return Face(_own_faces()[ident], "your own face", ident)
    if kind == "new":
        seed, place, temperature, drawn = NEW_FACE.parse(",".join(parts))
        if any(number != int(number) for number in (seed, place, drawn)):
            raise ValueError(ident)
        where = source(served, DRAWN[int(drawn)]) or latent.prior(served.preset.code)
        return Face(where.sample(NEW, temperature, int(seed))[int(place)],
                    f"new face {place + 1:.0f} of draw {seed:.0f}",
                    f"new_{seed:.0f}_{place:.0f}_{temperature:.2f}_{drawn:.0f}")
    number, codes = int(parts[0]), cache.gallery(served)[0]
    if kind != "face" or not 0 <= number < len(codes):
        raise ValueError(ident)
    return Face(codes[number], f"face {number + 1} of the gallery", f"face_{number}")


def current(served: Any) -> Face:
    """The face that the page is about."""
    new = NEW_FACE.read()
    if new:
        return named(served, "new_" + "_".join(f"{number:g}" for number in new))
    own = st.session_state.get("own_face")
    if own in _own_faces() and "face" not in st.query_params:
        return named(served, own)
    return named(served, str(address.whole("face", len(cache.gallery(served)[0]) - 1, FIRST, "face").read()))


def _own_faces() -> dict[str, np.ndarray]:
    """The codes of the faces that the reader has brought, for this visit."""
    return st.session_state.setdefault("own_faces", {})


def take(section: str = "Change", **where: Any) -> None:
    """A callback: the page is about another face from now on, and shows what can be changed of it."""
    asked = {key: str(value) for key, value in where.items()}
    address.write({"face": None, "new": None, "change": None} | asked)
    st.session_state.update(section=section, pick=False, own=False)


def take_named(ident: str, section: str = "Change") -> None:
    """A callback: the same, of a face by its ident."""
    kind, rest = ident.split("_", 1)
    if kind == "own":
        st.session_state.own_face = ident
    take(section, **{} if kind == "own" else {kind: rest.replace("_", ",")})


def _another() -> None:
    """A callback: a face of nobody, another one at each click."""
    count = st.session_state.faces_drawn = st.session_state.get("faces_drawn", 0) + 1
    take(new=f"{count % widgets.DRAWS},0,{WARMTH},0")


def choose(served: Any) -> None:
    """The three ways to a face, in the row above it: the reader's own, a new one, one of those that are here."""
    idents = _recent()
    chosen = [idents[k] for k in live.dropped("recent_faces", len(idents))]
    if chosen:
        take_named(chosen[0], ("Change", "Morph")[len(chosen) - 1])
        if len(chosen) > 1:
            address.write({"via": chosen[1].removeprefix("face_")})
    if st.query_params.get("section") == "Meet":         # an older link
        del st.query_params["section"]
        own = st.query_params.get("place") == "Your own"
        st.session_state["own" if own else "pick"] = True
        address.write({"place": None} if own else {})
    with st.popover("Your photo", icon=":material/photo_camera:", on_change="rerun", key="own") as box:
        if box.open:
            _own(served)
    st.button("New face", icon=":material/casino:", on_click=_another)
    with st.popover("Pick", icon=":material/grid_view:", on_change="rerun", key="pick") as box:
        if box.open:
            place = widgets.choose_segment("Which faces", PLACES, "place", label_visibility="collapsed")
            (_real if place == PLACES[0] else _new)(served)


def _recent() -> list[str]:
    """The idents of the faces in the row, the newest first."""
    return st.session_state.get("recent", list(RECENT))


def show_recent(served: Any, face: Face) -> None:
    """The faces that the reader has seen, in a row."""
    if face.ident not in _recent():
        st.session_state.recent = [face.ident, *_recent()][:KEPT]
    shown = [named(served, ident) for ident in _recent()]
    live.recent("recent_faces", cache.recent_faces(served, np.stack([each.code for each in shown])),
                [each.name.capitalize() for each in shown])
    st.caption("Click a face to open it. Drag one onto another to morph between the two (by keyboard: M on the one, "
               "Enter on the other).")


def source(served: Any, drawn: str) -> latent.Gaussian | None:
    """The distribution that new faces are drawn from, after one of DRAWN; None for the prior."""
    return cache.where_codes_lie(served) if drawn == DRAWN[0] else None


def _real(served):
    _, pictures = cache.gallery(served)
    rows = cache.good_faces(served).tolist()
    st.caption(f"{len(rows)} faces that the model never saw in training, reconstructed from their {served.preset.code} "
               "numbers.")
    widgets.picture_grid("gallery", pictures[rows], [f"Face {k + 1}" for k in rows], take, [{"face": k} for k in rows],
                         columns=PICKED)


def show_kept(served: Any) -> None:
    """Photos beside their reconstructions, where they are here."""
    originals = cache.originals(served, cache.attributes(served).gallery[:ROW])
    if originals is None:
        st.caption("The photos themselves may not be redistributed. If CelebA is on this machine, the originals appear "
                   "here next to their reconstructions.")
        return
    both = sheets.smooth(np.concatenate([originals, cache.gallery(served)[1][:ROW]]), 2)
    widgets.show(sheets.tile(both, ROW), "Top: held-out photos. Bottom: their reconstructions.",
                 f"{ROW} photos above their reconstructions", "reconstructions", photo=True)


def _new(served):
    drawn = widgets.choose_segment("Drawn from", DRAWN, "drawn")
    temperature = widgets.slide("Temperature: how far from the average face", 0.1, 1.5, WARMTH, 0.1, "temperature")
    seed = widgets.draw_again("draw")
    met = faces.meet(served, NEW, temperature, seed, source(served, drawn))
    st.caption("Decoded from random numbers: nobody's faces. Many of those from the prior "
               "are only half a face, because real ones fill only part of it.")
    widgets.picture_grid("new", met.pictures, [f"New face {k + 1}" for k in range(NEW)], take,
                         [{"new": f"{seed},{k},{temperature:.1f},{DRAWN.index(drawn)}"} for k in range(NEW)],
                         columns=PICKED)
    widgets.download("Download PNG", lambda: sheets.to_png(sheets.tile(sheets.smooth(met.pictures, 2), ROW)),
                     "new_faces.png", "image/png")


def _own(served):
    """The reader's own face, found and aligned; nothing of it is kept but for this visit."""
    file = widgets.camera("Your face", "own_camera") if st.toggle("Camera", key="camera") else \
        widgets.uploader("A photo with a face (any size)", widgets.PICTURE_FILES, "own_file")
    st.caption("The photo stays in this server's memory during your visit and is not stored anywhere.")
    found = widgets.kept("own_found", file.file_id, lambda: _find(file)) if file else None
    if isinstance(found, str):
        st.warning(widgets.plain(found))
    if found is None or isinstance(found, str):
        st.info("Choose or take a photo of a face seen from the front.")
        return
    code = served.encode(found.face[None])[0]
    st.button("Change this face", type="primary", icon=":material/face:", on_click=_take_own, args=(code,))
    pair = sheets.smooth(np.stack([found.face, served.decode(code)[0]]), 3)
    widgets.show(sheets.tile(pair, 2), "Your face as the model sees it, and what its 200 numbers keep of it."
                 + _remarks(found), "Your face next to its reconstruction", "own_face", photo=True)


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
    ident = f"own_{hashlib.sha1(code.tobytes(), usedforsecurity=False).hexdigest()[:12]}"
    _own_faces()[ident] = code
    take_named(ident)
