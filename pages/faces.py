"""Faces: take a face, drag what it looks like, and morph it into another."""
from functools import partial

import numpy as np
import streamlit as st

from ae_core import latent, presets
from ae_core.features import faces
from ae_core.pictures import convert, sheets
from pages.shared import address, cache, face_panels, face_picker, frame, live, number_panel, widgets

SECOND = "17"                     # of the gallery: a morph leads to it
FILM_SCALE, FACE_SCALE = 7, 16   # at most
MOST_STOPS = 8                   # faces of a morph
HELD = "Held here: no change goes farther from the average face than {} % of real faces, and this one, lie."
STRIPS = ("At 1, a face has moved as far as the average faces with and without the attribute are apart; beyond 1.5, a "
          "strip is hatched. A white mark shows how far the other strips carry the face along this one.")


# --- change ----------------------------------------------------------------------------------------------

def changes_field(names):
    """The changes in the address, as Smiling:1.50,Young:-1.00."""
    return address.Field("change", "change", {}, lambda text: faces.parse_changes(text, names), faces.format_changes)


def changes_of(face, names):
    """{attribute: alpha} of the changes to a face: those of this visit, else those in the address.

    Older links go as far as the published sheets; they are opened at the end of the strip, with a sentence.
    """
    ident, changes = st.session_state.get("changes", (None, {}))
    if ident == face.ident:
        return changes
    asked = changes_field(names).read()
    changes = {name: float(np.clip(alpha, -faces.END, faces.END)) for name, alpha in asked.items()}
    if changes != asked:
        st.info(f"The link goes beyond the end of a strip; showing {faces.END:g} instead.")
    return changes


@st.fragment
def show_change(served, face):
    """The face with a strip for each chosen attribute; dragging reruns no more than this."""
    stored = cache.attributes(served)
    asked = changes_of(face, stored.names)
    chosen = st.session_state.get("attributes") or list(dict.fromkeys([*faces.USUAL, *asked]))
    directions = stored.of(chosen)
    ball = faces.ball(cache.codes(served).mean, face.code, directions)
    key = f"mixer_{face.ident}_{'_'.join(str(stored.names.index(name)) for name in chosen)}"
    opening = ball.hold([asked.get(name, 0.0) for name in chosen])
    alphas = live.mixed(key, opening, -faces.END, faces.END)
    strips, now = cache.strips(served, face.code, tuple(chosen), alphas)
    live.mixer(key, strips, [face_panels.spoken(name) for name in chosen], values=opening, exact=now, start=-faces.END,
               stop=faces.END, smooth=True, scale=FACE_SCALE, hatch=faces.HATCHED,
               ends=[faces.ENDS.get(name, ("without", face_panels.spoken(name))) for name in chosen], ball={
                   "own": ball.own, "along": ball.along.tolist(), "gram": ball.gram.tolist(), "radius": ball.radius,
                   "words": HELD.format(faces.HELD)},
               decoder=live.Decoder(widgets.in_browser(served), (face.code, directions)),
               alt=f"{face.name}, with the changes of the strips",
               caption=f"{face.name.capitalize()}. Drag the strips; double-click one to undo its change.")
    changes = {name: alpha for name, alpha in zip(chosen, alphas, strict=True) if alpha}
    st.session_state.changes = face.ident, changes           # for the other sections, too
    changes_field(stored.names).write(changes)
    past = steps_of(key, alphas)
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button("Undo", icon=":material/undo:", disabled=len(past) < 2, on_click=undo, args=(key, past))
    row.button("Reset", icon=":material/restart_alt:", disabled=not any(alphas), on_click=live.place,
               args=(key, [0.0] * len(alphas)))
    with row:
        widgets.download("Download PNG", lambda: sheets.to_png(sheets.tile(sheets.smooth(
            convert.as_pictures(now[None]), 6), 1)), "face.png", "image/png")
        widgets.take_along(served, lambda: faces.take_along(served, face.code, directions, chosen, list(alphas)))
        st.caption(STRIPS)
    st.multiselect("Attributes to change", stored.names, chosen, key="attributes", format_func=face_panels.spoken,
                   placeholder="The usual six")


def steps_of(key, alphas):
    """The values that a mixer has had, the last ones now."""
    owner, past = st.session_state.get("past", (None, []))
    past = past if owner == key else []
    if not past or past[-1] != alphas:
        past = [*past[-50:], alphas]
    st.session_state.past = key, past
    return past


def undo(key, past):
    st.session_state.past = key, past[:-1]
    live.place(key, past[-2])


# --- morph -----------------------------------------------------------------------------------------------

def show_morph(served, face):
    """From the current face through others; more than two make a loop."""
    codes, pictures = cache.gallery(served)
    via = stops_field(served).read()
    others = [face_picker.named(served, ident) for ident in via]
    stored, changes = cache.attributes(served), changes_of(face, cache.attributes(served).names)
    first = faces.change(face.code, stored.of(changes), list(changes.values())) if changes else face.code
    stops, loop = np.stack([first, *(other.code for other in others)]), len(via) > 1
    film, controls = st.columns([1.6, 1], gap="large")
    with controls:
        names = ", ".join(each.name for each in (face, *others)) + " and back" * loop
        widgets.image(sheets.tile(served.decode(stops), min(4, len(stops)), ground=255),
                      f"The {len(stops)} faces along the path", f"The path: {names}.", photo=True)
        row = st.container(horizontal=True)
        row.button("Remove the last", icon=":material/backspace:", disabled=not loop, on_click=set_stops,
                   args=(via[:-1],))
        row.button("Start over", icon=":material/restart_alt:", on_click=set_stops, args=(via[:1],), disabled=not loop)
        sphere = st.toggle("Along a sphere", True, key="sphere", bind="query-params",
                           help="In 200 dimensions the prior lies near a sphere; a straight line, as published, cuts "
                                "through its empty inside, where all faces look alike.")
    frames = faces.morph(served, stops, along_sphere=sphere)
    with film:
        live.filmstrip(f"morph_{face.ident}_{via}", live.encode_strip(convert.to_uint8(frames), quality=92), value=0.5,
                       label="Path from face to face", alt="A face on the path from one to the next", loop=loop,
                       smooth=True, scale=FILM_SCALE, ends=(face.name, "and back" if loop else others[0].name))
    with controls:
        film_downloads(frames if loop else latent.there_and_back(frames))
    st.caption(f"Click faces to add them to the path, up to {MOST_STOPS - 1}.")
    widgets.picture_grid("stops", pictures, [f"Add face {k + 1}" for k in range(len(codes))], set_stops,
                         [{"via": [*via, str(k)]} for k in range(len(codes))], columns=face_picker.COLUMNS)


def stops_field(served):
    """The faces that the path passes, in the address: numbers of the gallery, or idents of other faces."""
    def parse(text):
        via = text.split(",")
        if len(via) >= MOST_STOPS or not all(face_picker.named(served, ident) for ident in via):
            raise ValueError(text)
        return via
    return address.Field("via", "path", [SECOND], parse, ",".join)


def set_stops(via):
    stops_field(None).write(via[:MOST_STOPS - 1])


def film_downloads(frames):
    """Encoded at the click."""
    with st.container(horizontal=True):
        for kind, encode in (("GIF", sheets.to_gif), ("WebP", sheets.to_webp)):
            widgets.download(f"Download {kind}", lambda encode=encode: encode(sheets.smooth(frames, 4)),
                             f"morph.{kind.lower()}", f"image/{kind.lower()}")


def show_numbers(served, face):
    """The face with a strip for each of some of its 200 numbers, which mean nothing alone."""
    number_panel.show(served, widgets.in_browser(served), face.code, face.ident, face.name)


SECTIONS = {"Change": show_change, "Morph": show_morph, "Numbers": show_numbers, "Look inside": face_panels.show_inside}

frame.open_page("faces")
model = widgets.served(faces.PRESET)
widgets.opened(cache.attributes, model)
with frame.controls():
    face_picker.choose(model)
    section = widgets.choose_segment("What to do", list(SECTIONS), "section", "Change", label_visibility="collapsed")
face = face_picker.current(model)
SECTIONS[section](model, face)
face_picker.show_recent(model, face)
if section == "Change":
    for label, icon, draw in (("What moves together", "join", face_panels.show_entanglement),
                              ("The same change on other faces, as published", "grid_on", face_panels.show_sheet)):
        widgets.panel(label, partial(draw, model, face), icon, draw.__name__)
widgets.explain("faces", [presets.get(faces.PRESET)], faces.strips, faces.change, faces.morph)
