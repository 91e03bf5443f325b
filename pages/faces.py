"""Faces: take a face, drag what it looks like, and morph it into another."""
import numpy as np
import streamlit as st

from ae_core import latent, presets
from ae_core.features import faces
from ae_core.pictures import convert, sheets
from pages.shared import address, cache, charts, face_picker, frame, live, number_panel, widgets

BIAS = ("These directions know only CelebA: pictures of celebrities, most of them young, light-skinned, and posing, "
        "labeled by strangers. Whatever occurred together in those pictures moves together here. So a smile may bring "
        "makeup or younger skin along; that is a fact about the pictures, not about people.")
SECOND = 17                      # of the gallery: a morph leads to it
FILM_SCALE = 7
MOST_STOPS = 8                   # faces of a morph
SHEET_FACES = [17, 21, 35, 43]   # of the gallery, below the current one
ENTANGLED = ("Smiling", "Mouth_Slightly_Open", "Eyeglasses", "Young", "Male", "No_Beard", "Heavy_Makeup",
             "Wearing_Lipstick", "Attractive", "Blond_Hair", "Black_Hair", "Pale_Skin")


def spoken(name):
    return name.replace("_", " ")


# --- change ----------------------------------------------------------------------------------------------

def changes_field(names):
    """The changes in the address, as Smiling:1.50,Young:-1.00."""
    return address.Field("change", "change", {}, lambda text: faces.parse_changes(text, names), faces.format_changes)


def changes_of(face, names):
    """{attribute: alpha} of the changes to a face: those of this visit, else those in the address."""
    ident, changes = st.session_state.get("changes", (None, {}))
    return changes if ident == face.ident else changes_field(names).read()


@st.fragment
def show_change(served, face):
    """The face with a strip for each chosen attribute; dragging reruns no more than this."""
    stored = cache.attributes(served)
    asked = changes_of(face, stored.names)
    chosen = st.session_state.get("attributes") or list(dict.fromkeys([*faces.USUAL, *asked]))
    key = f"mixer_{face.ident}_{'_'.join(str(stored.names.index(name)) for name in chosen)}"
    opening = [asked.get(name, 0.0) for name in chosen]
    alphas = live.mixed(key, opening, -faces.REACH, faces.REACH)
    strips, now = cache.strips(served, face.code, tuple(chosen), alphas)
    live.mixer(key, strips, [spoken(name) for name in chosen], values=opening, exact=now, start=-faces.REACH,
               stop=faces.REACH, smooth=True, scale=FILM_SCALE,
               decoder=live.Decoder(widgets.in_browser(served), (face.code, stored.of(chosen))),
               alt=f"{face.name}, with the changes of the strips",
               caption=f"{face.name.capitalize()}. Drag the strips; double-click one to undo its change.")
    changes = {name: alpha for name, alpha in zip(chosen, alphas, strict=True) if alpha}
    st.session_state.changes = face.ident, changes           # for the other sections, too
    changes_field(stored.names).write(changes)
    past = steps_of(key, alphas)
    row = st.container(horizontal=True)
    row.button("Undo", icon=":material/undo:", disabled=len(past) < 2, on_click=undo, args=(key, past))
    row.button("Reset", icon=":material/restart_alt:", disabled=not any(alphas), on_click=live.place,
               args=(key, [0.0] * len(alphas)))
    row.button("Another face", icon=":material/casino:", on_click=face_picker.another, args=(served,))
    with row:
        widgets.download("Download PNG", lambda: sheets.to_png(sheets.tile(
            sheets.smooth(convert.as_pictures(now[None]), 6), 1)), "face.png", "image/png")
    with row:
        widgets.take_along(served, lambda: faces.take_along(served, face.code, stored.of(chosen), chosen, list(alphas)))
    st.multiselect("Attributes to change", stored.names, chosen, key="attributes", format_func=spoken,
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


def show_sheet(served, face):
    """The published sheet: some faces down, alpha across, of one attribute."""
    st.subheader("The same change on other faces")
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


# --- morph -----------------------------------------------------------------------------------------------

def show_morph(served, face):
    """From the current face through others; more than two make a loop."""
    codes, pictures = cache.gallery(served)
    via = stops_field(len(codes)).read()
    stored, changes = cache.attributes(served), changes_of(face, cache.attributes(served).names)
    first = faces.change(face.code, stored.of(changes), list(changes.values())) if changes else face.code
    stops, loop = np.stack([first, *codes[via]]), len(via) > 1
    film, controls = st.columns([1.6, 1], gap="large")
    with controls:
        names = ", ".join([face.name, *(f"face {k + 1}" for k in via)]) + " and back" * loop
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
                       smooth=True, scale=FILM_SCALE, ends=(face.name, "and back" if loop else f"face {via[0] + 1}"))
    with controls:
        film_downloads(frames if loop else latent.there_and_back(frames))
    st.caption(f"Click faces to add them to the path, up to {MOST_STOPS - 1}.")
    widgets.picture_grid("stops", pictures, [f"Add face {k + 1}" for k in range(len(codes))], set_stops,
                         [{"via": [*via, k]} for k in range(len(codes))], columns=face_picker.COLUMNS)


def stops_field(count):
    """The gallery's faces that the path passes, in the address."""
    def parse(text):
        return [int(number) for number in address.numbers("via", [(0, count - 1)] * min(
            text.count(",") + 1, MOST_STOPS - 1), None, "").parse(text)]
    return address.Field("via", "path", [SECOND], parse, lambda via: ",".join(map(str, via)))


def set_stops(via):
    stops_field(0).write(via[:MOST_STOPS - 1])


def film_downloads(frames):
    """Encoded at the click."""
    with st.container(horizontal=True):
        for kind, encode in (("GIF", sheets.to_gif), ("WebP", sheets.to_webp)):
            widgets.download(f"Download {kind}", lambda encode=encode: encode(sheets.smooth(frames, 4)),
                             f"morph.{kind.lower()}", f"image/{kind.lower()}")


# --- look inside -----------------------------------------------------------------------------------------

def show_numbers(served, face):
    """The face with a strip for each of some of its 200 numbers, which mean nothing alone."""
    number_panel.show(served, widgets.in_browser(served), face.code, face.ident, face.name)


def show_inside(served, face):
    show_normality(served)
    show_entanglement(cache.attributes(served))


def show_normality(served):
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


def show_entanglement(stored):
    st.subheader("What moves together?")
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


SECTIONS = {"Meet": face_picker.show, "Change": show_change, "Morph": show_morph, "Numbers": show_numbers,
            "Look inside": show_inside}

frame.open_page("faces")
model = widgets.served(faces.PRESET)
widgets.opened(cache.attributes, model)
section = widgets.choose_segment("What to do", list(SECTIONS), "section", "Change")
face = face_picker.current(model)
SECTIONS[section](model, face)
if section == "Change":
    show_sheet(model, face)
widgets.explain("faces", [presets.get(faces.PRESET)], faces.strips, faces.change, faces.morph)
