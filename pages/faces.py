"""Faces: take a face, drag what it looks like, and melt it into another."""
import base64
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from ae_core import latent, presets
from ae_core.features import align, faces
from ae_core.pictures import convert, datasets, reader, sheets
from pages.shared import cache, frame, live, widgets

NAME = faces.PRESET
FORMULA = (r"z' = z + \sum_k \alpha_k\, d_k, \qquad \mathcal{L} = \beta \cdot \text{reconstruction}(x, D(z)) + "
           r"D_{KL}\big(q(z \mid x)\,\|\,\mathcal{N}(0, 1)\big)")
IDEA = """
A variational autoencoder keeps a face of 64 x 64 pixels as a **code** of 200 numbers $z$. It was never told what a
smile is. But the codes of the training faces that smile lie, on average, to one side of those that do not. So for each
of the 40 **attributes** that people noted for these pictures there is a **direction** $d_k$: from the mean code
without it to the mean code with it, or the direction that logistic regression tells the two apart by, whichever tells
better on faces that neither has seen. Adding $\\alpha$ of it to any face's code makes that face smile; $\\alpha$ = 1 is
as far as the mean codes of smiling and serious faces are apart. Directions add up, and so does what they do.

Why the **reconstruction is weighted** with a large $\\beta$: the two terms of the loss pull against each other. With a
small weight the codes are perfectly normal and all faces come out as the same brown average; with a large one faces
are sharp, but their codes leave the normal distribution, and what is drawn from it is no face any more. *Look inside*
shows how close to N(0, 1) the codes have stayed. Part of the reconstruction term is **structural similarity**, which
minds texture where the squared error minds only brightness.

**New faces** are random codes. What N(0, 1) draws is often no face, because the codes of real ones fill only a part of
it. So a normal distribution with all its 200 x 200 covariances is fitted to them afterwards, and new faces are drawn
from that (Ghosh et al., 2020).
"""
BIAS = ("These directions know only CelebA: pictures of celebrities, most of them young, light-skinned and posing, "
        "labeled by strangers. Whatever came together in those pictures moves together here. So a smile may "
        "bring make-up or a younger skin along; that is a fact about the pictures, not about people.")
FIRST, SECOND = 12, 17           # of the gallery: the page opens on the one, and a morph leads to the other
COLUMNS = 10                     # faces in a row of a grid
NEW = 30                         # new faces on a sheet, 3 x 10 as published
FILM_SCALE = 7
MOST_STOPS = 8                   # faces of a morph
SHEET_FACES = [17, 21, 35, 43]   # of the gallery, below the current one
ENTANGLED = ("Smiling", "Mouth_Slightly_Open", "Eyeglasses", "Young", "Male", "No_Beard", "Heavy_Makeup",
             "Wearing_Lipstick", "Attractive", "Blond_Hair", "Black_Hair", "Pale_Skin")
DRAWN = ("Where real faces lie", "The prior N(0, 1)")
PLACES = ("Real faces", "New faces", "Your own")
# A grid of buttons, each with its face: it stays a grid on a phone, and keyboards and screen readers can choose, too.
GRID = """<style>
[class*=st-key-grid_] { display: grid !important; grid-template-columns: repeat(10, minmax(0, 1fr)); gap: 0.3rem; }
[class*=st-key-grid_] > div, [class*=st-key-grid_] button { width: 100% !important; }
[class*=st-key-grid_] button { padding: 0.15rem; min-height: 0; border-radius: 0.4rem; }
[class*=st-key-grid_] button :is(div, span, p) { display: block; width: 100%; }
[class*=st-key-grid_] button img { width: 100%; max-height: none !important; height: auto; margin: 0; display: block;
                                   border-radius: 0.25rem; object-fit: fill; }
@media (max-width: 640px) { [class*=st-key-grid_] { grid-template-columns: repeat(5, minmax(0, 1fr)); } }
</style>"""


@dataclass(frozen=True)
class Face:
    code: np.ndarray             # (d,)
    name: str                    # in words
    ident: str                   # the same for the same face


# --- which face ------------------------------------------------------------------------------------------

def current_face(served):
    """The face that the page is about: the reader's own, a new one, or one of the gallery; the address says which."""
    codes = cache.gallery(cache.served(NAME))[0]
    if "new" in st.query_params:
        asked = widgets.address_numbers("new", [(0, 9999), (0, NEW - 1), (0.1, 1.5), (0, 1)], None, "a new face")
        if asked:
            seed, place, temperature, drawn = int(asked[0]), int(asked[1]), asked[2], int(asked[3])
            code = faces.meet(served, NEW, temperature, seed, source(DRAWN[drawn])).codes[place]
            return Face(code, f"new face {place + 1} of draw {seed}", f"new_{seed}_{place}_{temperature:.2f}_{drawn}")
    own = st.session_state.get("own_face")
    if own is not None and "face" not in st.query_params:
        return Face(own, "your own face", f"own_{abs(hash(own.tobytes()))}")
    number = int(widgets.address_numbers("face", [(0, len(codes) - 1)], (FIRST,), "a face")[0])
    return Face(codes[number], f"face {number + 1} of the gallery", f"face_{number}")


def take(**where):
    """A callback: the page is about another face from now on, and shows what can be changed of it."""
    for key in ("face", "new", "change"):
        st.query_params.pop(key, None)
    for key, value in where.items():
        st.query_params[key] = value
    st.session_state.section = "Change"


def changed(face):
    """The code of the current face with the changes that the reader has made to it."""
    changes = changes_of(face)
    directions = cache.attributes(cache.served(NAME)).of(changes)
    return faces.change(face.code, directions, list(changes.values())) if changes else face.code


def changes_of(face):
    """{attribute: alpha} of the changes to a face: those of this visit, else those in the address."""
    ident, changes = st.session_state.get("changes", (None, {}))
    return changes if ident == face.ident else asked_changes()


def asked_changes():
    """The changes that the address asks for, as Smiling:1.50,Young:-1.00; a sentence where it asks for others."""
    asked = st.query_params.get("change", "")
    names = cache.attributes(cache.served(NAME)).names
    try:
        pairs = [part.split(":") for part in asked.split(",") if part]
        changes = {name: float(alpha) for name, alpha in pairs}
        if all(name in names and abs(alpha) <= faces.REACH for name, alpha in changes.items()):
            return changes
    except ValueError:
        pass
    st.info("This address asks for a change that is not here; showing the face without it in its place.")
    del st.query_params["change"]
    return {}


def data_address(picture):
    """A picture (h, w, 3) as an address that a button's label can show."""
    return f"data:image/webp;base64,{base64.b64encode(sheets.to_webp(picture[None])).decode()}"


def show_grid(key, pictures, names, on_click, arguments):
    """Faces as buttons; a click calls on_click(**arguments[k])."""
    with st.container(key=f"grid_{key}"):
        for k, (picture, name) in enumerate(zip(pictures, names, strict=True)):
            st.button(f"![{name}]({data_address(picture)})", key=f"{key}_{k}", on_click=on_click, kwargs=arguments[k])


def enlarged(pictures, factor):
    """Faces (n, h, w, 3) between whose pixels is interpolated: square ones would hide the face."""
    return np.stack([convert.resize(picture, [factor * side for side in picture.shape[:2]]) for picture in pictures])


def spoken(name):
    return name.replace("_", " ")


# --- meet ------------------------------------------------------------------------------------------------

def show_meet(served, face):
    """Faces to choose from: stored codes of real ones, new ones, the reader's own."""
    place = widgets.choose_segment("Which faces", PLACES, "place")
    {"Real faces": meet_real, "New faces": meet_new, "Your own": meet_own}[place](served)


def meet_real(served):
    _, pictures = cache.gallery(cache.served(NAME))
    st.caption("Sixty faces that the model never saw in training, rebuilt from their 200 numbers. Click one to change "
               "it.")
    show_grid("gallery", pictures, [f"Face {k + 1}" for k in range(len(pictures))], take,
              [{"face": k} for k in range(len(pictures))])
    rows = cache.attributes(cache.served(NAME)).gallery[:COLUMNS]
    originals = cache.original_faces(rows)
    st.subheader("What 200 numbers keep")
    if originals is None:
        st.caption("The photographs themselves may not be passed on. With CelebA on this machine the originals stand "
                   "here beside their reconstructions.")
        return
    both = np.concatenate([originals, pictures[:COLUMNS]])
    widgets.show(sheets.tile(enlarged(both, 2), COLUMNS), "Above: held-out photographs. Below: their reconstructions.",
                 f"{COLUMNS} photographs over their reconstructions", "reconstructions")


def source(drawn):
    """The distribution that new faces are drawn from, after one of DRAWN; None for the prior."""
    return cache.where_codes_lie(cache.served(NAME)) if drawn == DRAWN[0] else None


def meet_new(served):
    seed = int(widgets.address_numbers("draw", [(0, 9999)], (0,), "a draw")[0])
    left, right = st.columns([3, 1], gap="large", vertical_alignment="bottom")
    with left:
        drawn = widgets.choose_segment("Drawn from", DRAWN, "drawn")
        temperature = widgets.slide("Temperature: how far from the average face", 0.1, 1.5, 0.8, 0.1, "temperature")
    with right:
        if st.button("Draw others", icon=":material/casino:"):
            seed = (seed + 1) % 10_000
    st.query_params["draw"] = str(seed)
    met = faces.meet(served, NEW, temperature, seed, source(drawn))
    st.caption("Faces of nobody: decoded from random numbers. Click one to change it. Drawn from the prior many are "
               "half a face, for real ones fill only a part of it.")
    show_grid("new", met.pictures, [f"New face {k + 1}" for k in range(NEW)], take,
              [{"new": f"{seed},{k},{temperature:.1f},{DRAWN.index(drawn)}"} for k in range(NEW)])
    st.download_button("Download PNG", lambda: sheets.to_png(sheets.tile(enlarged(met.pictures, 2), COLUMNS)),
                       "new_faces.png", "image/png", icon=":material/download:", on_click="ignore")


def meet_own(served):
    """The reader's own face, found and aligned; nothing of it is kept but for this visit."""
    controls, shown = st.columns([1, 1], gap="large")
    with controls:
        camera = st.toggle("Camera", key="camera")
        file = st.camera_input("Your face", key="own_camera") if camera else \
            st.file_uploader("A photo with a face (any size)", widgets.PICTURE_FILES, key="own_file")
        st.caption("The photo stays in this server's memory for the time of your visit and is stored nowhere.")
    with shown:
        found = find_own(file) if file else None
        if found is None:
            st.info("Choose a photo of a face seen from the front, or take one.")
            return
        code = served.encode(found.face[None])[0]
        widgets.show(sheets.tile(enlarged(np.stack([found.face, served.decode(code)[0]]), 4), 2),
                     "Your face as the model sees it, and what its 200 numbers keep of it." + remarks(found),
                     "Your face beside its reconstruction", "own_face")
        st.button("Change this face", type="primary", icon=":material/face:", on_click=take_own, args=(code,))


def find_own(file):
    """The face in an upload, looked for once; None with a sentence where there is none."""
    if st.session_state.get("own_found", (None,))[0] != file.file_id:
        st.session_state.own_found = file.file_id, None, ""
        with st.spinner("Looking for the face …"):
            try:
                found, problem = align.find_face(file.getvalue(), file.name, presets.get(NAME).shape), ""
            except reader.BadPicture as error:
                found, problem = None, str(error)
        st.session_state.own_found = file.file_id, found, problem
    _, found, problem = st.session_state.own_found
    if problem:
        st.warning(problem)
    return found


def remarks(found):
    """What had to be done to the photo, in words."""
    return ((f" {found.count} faces were found; this is the largest." if found.count > 1 else "")
            + (" The photo was turned upright." if found.turned else "")
            + ("" if found.eyes else " The eyes were not found; the face's outline was used in their place."))


def take_own(code):
    st.session_state.own_face = code
    take()


# --- change ----------------------------------------------------------------------------------------------

@st.fragment
def show_change(served, face):
    """The face with a strip for each chosen attribute; dragging reruns no more than this."""
    stored, asked = cache.attributes(cache.served(NAME)), changes_of(face)
    chosen = st.session_state.get("attributes") or list(dict.fromkeys([*faces.USUAL, *asked]))
    key = f"mixer_{face.ident}_{'_'.join(str(stored.names.index(name)) for name in chosen)}"
    opening = [asked.get(name, 0.0) for name in chosen]
    alphas = live.mixed(key, opening, -faces.REACH, faces.REACH)
    strips, now = cache.strips(cache.served(NAME), face.code, tuple(chosen), alphas)
    live.mixer(key, strips, [spoken(name) for name in chosen], values=opening, exact=now, start=-faces.REACH,
               stop=faces.REACH, smooth=True, scale=FILM_SCALE, alt=f"{face.name}, with the changes of the strips",
               caption=f"{face.name.capitalize()}. Drag the strips; double-click one to take its change back.")
    keep_changes(face, dict(zip(chosen, alphas, strict=True)))
    past = steps_of(key, alphas)
    row = st.container(horizontal=True)
    row.button("Undo", icon=":material/undo:", disabled=len(past) < 2, on_click=undo, args=(key, past))
    row.button("Reset", icon=":material/restart_alt:", disabled=not any(alphas), on_click=live.place,
               args=(key, [0.0] * len(alphas)))
    row.button("Another face", icon=":material/casino:", on_click=another, args=(face,))
    row.download_button("Download PNG",
                        lambda: sheets.to_png(sheets.tile(enlarged(datasets.as_pictures(now[None]), 6), 1)),
                        "face.png", "image/png", icon=":material/download:", on_click="ignore")
    st.multiselect("Attributes to change", stored.names, chosen, key="attributes", format_func=spoken,
                   placeholder="The usual six")


def keep_changes(face, changes):
    """Remember the changes for the other sections and in the address."""
    st.session_state.changes = face.ident, {name: alpha for name, alpha in changes.items() if alpha}
    text = ",".join(f"{name}:{alpha:.2f}" for name, alpha in changes.items() if alpha)
    if text:
        st.query_params["change"] = text
    else:
        st.query_params.pop("change", None)


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


def another(face):
    """A callback: the next face of the gallery."""
    number = int(st.query_params.get("face", FIRST))
    take(face=(number + 1) % len(cache.gallery(cache.served(NAME))[0]))


def show_sheet(served, face):
    """The published sheet: some faces down, alpha across, of one attribute."""
    st.subheader("The same change on other faces")
    sheet, controls = st.columns([2.6, 1], gap="large")
    stored = cache.attributes(cache.served(NAME))
    with controls:
        name = widgets.choose_one("Attribute", stored.names, "attribute", index=stored.names.index(faces.USUAL[0]),
                                  format_func=spoken)
        row = stored.names.index(name)
        st.caption(f"Found by {stored.kinds[row]}. On 500 held-out faces the place along this direction tells who has "
                   f"the attribute with an AUC of {stored.auc[row]:.2f}; guessing gets 0.5.")
        st.markdown(BIAS)
    with sheet:
        codes = np.concatenate([face.code[None], cache.gallery(cache.served(NAME))[0][SHEET_FACES]])
        pictures = faces.sheet(served, codes, stored.directions[row])
        widgets.show(sheets.tile(enlarged(pictures, 2), 7, ground=255),
                     f"{spoken(name)} from alpha −3 to 3 across; in the middle, the face as it is.",
                     f"{len(codes)} faces, each in seven steps of {spoken(name)}", f"sheet_{name}")


# --- morph -----------------------------------------------------------------------------------------------

def show_morph(served, face):
    """From the current face through others; more than two make a loop."""
    codes, pictures = cache.gallery(cache.served(NAME))
    via = asked_stops(len(codes))
    stops = [changed(face), *codes[via]]
    film, controls = st.columns([1.6, 1], gap="large")
    with controls:
        shown = served.decode(np.stack(stops))
        way = ", ".join([face.name, *(f"face {k + 1}" for k in via)]) + (" and back" if len(via) > 1 else "")
        st.image(sheets.to_png(sheets.tile(shown, min(4, len(shown)), ground=255)), width="content",
                 caption=f"The way: {way}.", alt=f"The {len(stops)} faces that the way passes")
        row = st.container(horizontal=True)
        row.button("Take the last away", icon=":material/backspace:", disabled=len(via) < 2, on_click=set_stops,
                   args=(via[:-1],))
        row.button("Start over", icon=":material/restart_alt:", on_click=set_stops, args=(via[:1],),
                   disabled=len(via) < 2)
        sphere = st.toggle("Along a sphere", True, key="sphere", bind="query-params",
                           help="In 200 dimensions the prior lies near a sphere; a straight line, the published way, "
                                "cuts through its empty inside, where all faces look alike.")
    with film:
        frames = faces.morph(served, np.stack(stops), along_sphere=sphere)
        loop = len(stops) > 2
        live.filmstrip(f"morph_{face.ident}_{via}", live.encode_strip(convert.to_uint8(frames), quality=92), value=0.5,
                       label="Way from face to face", alt="A face on the way from one to the next", loop=loop,
                       smooth=True, scale=FILM_SCALE, ends=(face.name, "and back" if loop else f"face {via[0] + 1}"))
    with controls:
        film_downloads(frames if loop else latent.there_and_back(frames))
    st.caption(f"Click faces to add them to the way, up to {MOST_STOPS - 1}.")
    add = [{"via": [*via, k]} for k in range(len(codes))]
    show_grid("stops", pictures, [f"Add face {k + 1}" for k in range(len(codes))], set_stops, add)


def asked_stops(count):
    """The gallery's faces that the way passes, kept in the address."""
    asked = st.query_params.get("via", "")
    ranges = [(0, count - 1)] * min(max(asked.count(",") + 1, 1), MOST_STOPS - 1)
    return [int(number) for number in widgets.address_numbers("via", ranges, (SECOND,), "a way")]


def set_stops(via):
    st.query_params["via"] = ",".join(map(str, via[:MOST_STOPS - 1]))


def film_downloads(frames):
    """Encoded at the click."""
    row = st.container(horizontal=True)
    for kind, encode in (("GIF", sheets.to_gif), ("WebP", sheets.to_webp)):
        row.download_button(f"Download {kind}", lambda encode=encode: encode(enlarged(frames, 4)),
                            f"morph.{kind.lower()}", f"image/{kind.lower()}", icon=":material/download:",
                            on_click="ignore", key=f"morph_{kind}")


# --- look inside -----------------------------------------------------------------------------------------

def show_inside(served, face):
    show_normality()
    show_entanglement()


def show_normality():
    normal = cache.normality(cache.served(NAME))
    worst, spread = normal.worst, normal.spread
    st.subheader("Are the codes normal?")
    st.markdown(f"One sample of the code of each of 500 held-out faces, in its first 50 of {len(spread.std)} numbers. "
                f"The worst of all is **number {worst + 1}**: its Kolmogorov-Smirnov distance from N(0, 1) is "
                f"**{normal.distance[worst]:.3f}**, the largest gap between their two cumulative curves; its standard "
                f"deviation is {spread.std[worst]:.2f}. The median over all is {np.median(spread.std):.2f}.")
    st.plotly_chart(histograms(normal), config={"displayModeBar": False},
                    alt="Histograms of the first 50 latent numbers beside the normal distribution")
    st.caption("Bars: the samples. Line: N(0, 1), which new faces are drawn from. In orange: the worst of these 50.")


def histograms(normal):
    spread = normal.spread
    middles = (spread.edges[1:] + spread.edges[:-1]) / 2
    figure = make_subplots(5, 10, shared_xaxes=True, shared_yaxes=True, horizontal_spacing=0.005,
                           vertical_spacing=0.01)
    worst = int(np.argmax(normal.distance[:50]))
    for k in range(50):
        cell = {"row": k // 10 + 1, "col": k % 10 + 1}
        figure.add_bar(x=middles, y=spread.density[k], marker_color=live.PALETTE[1 if k == worst else 0],
                       name=f"z{k + 1}", hovertemplate=f"z{k + 1}, KS distance {normal.distance[k]:.3f}<extra></extra>",
                       **cell)
        figure.add_scatter(x=middles, y=spread.normal, mode="lines", hoverinfo="skip",
                           line={"color": live.PALETTE[2], "width": 1.5}, **cell)
    figure.update_xaxes(showticklabels=False, range=[-3.5, 3.5])
    figure.update_yaxes(showticklabels=False, range=[0, 1.2 * spread.density[:50].max()])
    return figure.update_layout(height=520, margin={"l": 8, "r": 8, "t": 8, "b": 8}, showlegend=False, bargap=0)


def show_entanglement():
    st.subheader("What moves together?")
    stored = cache.attributes(cache.served(NAME))
    chosen = st.multiselect("Attributes", stored.names, [name for name in ENTANGLED if name in stored.names],
                            key="entangled", format_func=spoken)
    matrix, words = st.columns([2, 1], gap="large")
    with words:
        name = widgets.choose_one("Moving", stored.names, "moving", index=stored.names.index(faces.USUAL[0]),
                                  format_func=spoken)
        everything = faces.entanglement(stored.directions)
        moved = faces.most_entangled(everything, stored.names, name)
        also = ", ".join(f"{spoken(other)} ({cosine:+.2f})" for other, cosine in moved)
        st.markdown(f"Moving **{spoken(name)}** also moves {also}.")
        st.markdown(BIAS)
        st.dataframe([{"Attribute": spoken(each), "AUC": round(float(area), 3), "Found by": kind} for each, area, kind
                      in zip(stored.names, stored.auc, stored.kinds, strict=True)], hide_index=True, height=240)
    with matrix:
        if len(chosen) < 2:
            st.info("Choose two attributes or more.")
            return
        st.plotly_chart(cosines(faces.entanglement(stored.of(chosen)), [spoken(each) for each in chosen]),
                        config={"displayModeBar": False},
                        alt=f"The cosines between the directions of {len(chosen)} attributes")
        st.caption("The cosine between two directions: 1 the same way, 0 nothing to do with each other, −1 opposite.")


def cosines(matrix, names):
    figure = go.Figure(go.Heatmap(z=matrix, x=names, y=names, zmin=-1, zmax=1, colorscale="RdBu_r",
                                  texttemplate="%{z:.1f}" if len(names) <= 16 else None,
                                  hovertemplate="%{y} and %{x}: %{z:.2f}<extra></extra>", showscale=False))
    figure.update_yaxes(autorange="reversed")
    return figure.update_layout(height=max(320, 34 * len(names) + 130), margin={"l": 8, "r": 8, "t": 8, "b": 8})


SECTIONS = {"Meet": show_meet, "Change": show_change, "Morph": show_morph, "Look inside": show_inside}

frame.open_page("faces")
st.html(GRID)
model = widgets.served(NAME)
widgets.opened(cache.attributes, model)
section = widgets.choose_segment("What to do", list(SECTIONS), "section", "Change")
face = current_face(model)
SECTIONS[section](model, face)
if section == "Change":
    show_sheet(model, face)
widgets.explain(IDEA, FORMULA, presets.get(NAME).recipe)
widgets.code(faces.strips, faces.change, faces.morph)
