"""Colorize: gray photos in plausible color at their own size, and the published experiment on CIFAR-10."""
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from ae_core import presets
from ae_core.features import colorize, paint, published_colorizer
from ae_core.pictures import convert, datasets, reader, sheets
from pages.shared import cache, frame, live, widgets

PUBLISHED_IDEA = """
The published colorizer is the plain autoencoder of the other pages with three channels at its end: gray 32 x 32 in,
convolutions with 64, 128 and 256 filters, **256 numbers**, the mirror image, color out, squared error. Taken alone, it
**loses to the gray copy** ({mse:.5f} against {gray_mse:.5f}): squeezing a picture through 256 numbers costs more than
its missing color. What it knows about color shows only once its chroma is joined with the lightness of the input
({mse_own_lightness:.5f}).
"""
VIEWS = ("Photographs", "The published experiment")
LEFT = ("Gray", "True colors")
SCAN = ("Your scan", "Gray")     # of a print in one tone
RIGHT = {"Prediction": "predicted", "Its colors, your lightness": "own_lightness"}
SCORES = {"The gray copy": "gray_mse", "Prediction": "mse", "Its colors, your lightness": "mse_own_lightness"}
COLUMNS, THUMBNAIL = 6, 160
WINDOWS = 100                    # of photographs, where CIFAR-10 is not here: the published sheet is 10 x 10


@dataclass(frozen=True)
class Photo:
    ident: str                   # by which an upload is known again
    name: str
    raw: bytes


# --- photographs ---------------------------------------------------------------------------------------------

def choose_photos():
    """The photos to colorize: the reader's, or a sample for as long as there are none."""
    files = widgets.uploader("Drop one or several photos, of any size", widgets.PICTURE_FILES, "photos",
                             accept_multiple_files=True)
    if st.toggle("Use the camera", key="use_camera"):
        files = [*files, *filter(None, [widgets.camera("Camera", "camera", label_visibility="collapsed")])]
    places = datasets.photographs()
    title = widgets.choose_one("Or look at a sample", list(places), "photo", disabled=bool(files))
    return [Photo(file.file_id, file.name, file.getvalue()) for file in files] or \
        [Photo(title, places[title].name, places[title].read_bytes())]


def look_at(photos):
    """[(photo, look)] of those that can be read, each computed once; a sentence for the others."""
    served = widgets.served(colorize.PRESET)

    def look(photo):
        try:
            return cache.look(served, photo.ident, photo.raw, photo.name)
        except reader.BadPicture as error:
            return str(error)

    def work():
        several = widgets.progress("Colorizing", "colorize") if len(photos) > 1 else nullcontext(lambda share: None)
        with several as report:
            return [(report(k / len(photos)), look(photo))[1] for k, photo in enumerate(photos)]
    found = widgets.kept("looked", (served, *(photo.ident for photo in photos)), work) or []
    sentences = [seen for seen in found if isinstance(seen, str)]
    if sentences:
        st.warning(widgets.plain("\n\n".join(sentences)))
    return [(photo, seen) for photo, seen in zip(photos, found, strict=False) if not isinstance(seen, str)]


def choose_colors():
    """How strong and how warm; neither asks the network again."""
    saturation = widgets.slide("Saturation", 0.0, 2.0, 1.0, 0.05, "saturation")
    warmth = widgets.slide("Warmth", -1.0, 1.0, 0.0, 0.05, "warmth")
    return partial(paint.adjust, saturation=saturation, warmth=warmth), (saturation, warmth)


def show(photo, look, tint, left):
    """The photo beneath the line, and how far its colors are from the true ones where it has any."""
    colored = paint.paint(look.gray, tint)
    before = {"Gray": look.gray, "True colors": look.truth, "Your scan": look.scan}[left]
    live.divider("divider", sheets.to_photo(before), sheets.to_photo(colored), label="Line between before and after",
                 size=look.gray.shape[1::-1], names=(left, "Colorized"),
                 alts=(f"{photo.name}: {left.lower()}", f"{photo.name}: colorized"))
    if look.note:
        st.caption(look.note)
    if look.truth is None:
        tone = " The tone of the print was taken away first." if look.scan is not None else ""
        st.caption("Left of the line: your photo. Right: the same photo in the colors that the network predicts."
                   + tone)
        return
    ours, ratio = colorize.compare(look.truth, colored)
    gray, _ = colorize.compare(look.truth, sheets.to_rgb(look.gray))
    error = f"{ours:.1f} dB against the true colors (the gray copy: {gray:.1f} dB), and "
    st.caption("This photo has colors. They were removed so that you can judge the result: "
               f"{error if photo.ident in datasets.PHOTOGRAPHS else ''}{ratio:.2f} times as colorful.")


def download(photo, look, tint, kind):
    if kind == "JPEG" and look.side > sheets.MAX_JPEG:
        st.warning(f"A JPEG has at most {sheets.MAX_JPEG:,} pixels a side, this photo {look.side:,}. Choose PNG.")
        return
    widgets.download("Download at full size", partial(colorize.render, photo.raw, photo.name, tint, kind),
                     colorize.file_name(photo.name, kind), f"image/{kind.lower()}", type="primary", key="full_size")


def download_all(seen, tinted, settings, kind):
    """A zip of all photos, made when asked for."""
    key = [photo.ident for photo, _ in seen], settings, kind
    if st.button(f"Make a zip of all {len(seen)}", icon=":material/folder_zip:"):
        with widgets.progress("Painting at full size", "zip") as report, widgets.sentences():
            packed, left_out = colorize.archive([(photo.name, photo.raw, tinted(look.tint)) for photo, look in seen],
                                                kind, report)
            st.session_state.zip = key, packed
            if left_out:
                st.warning(widgets.plain("\n\n".join(left_out)))
    ready = st.session_state.get("zip", (None, b""))
    widgets.download("Download zip", ready[1], "colorized.zip", "application/zip", disabled=ready[0] != key)


def show_all(seen, tinted):
    """All photos at once, small."""
    thumbnails = [paint.paint(convert.scale(look.gray, THUMBNAIL), tinted(look.tint)) for _, look in seen]
    widgets.show(sheets.tile(np.stack([convert.thumbnail(convert.as_pictures(each[None])[0], THUMBNAIL)
                                       for each in thumbnails]), COLUMNS),
                 f"All {len(seen)} photos.", f"{len(seen)} photos, colorized", "colorized")


def photographs():
    picture, controls = st.columns([5, 2], gap="medium")
    with controls:
        photos = choose_photos()
    with picture:
        canvas, notes = st.container(), st.container()           # whatever is said comes below, so that nothing moves
    with notes:
        seen = look_at(photos)
    if not seen:
        return
    with controls:
        names = [f"{k + 1}. {photo.name}" for k, (photo, _) in enumerate(seen)]
        chosen = st.selectbox("Show", names, key=f"show_{len(seen)}") if len(seen) > 1 else names[0]
        photo, look = seen[names.index(chosen)]
        options = LEFT if look.scan is None else SCAN
        left = st.segmented_control("Left of the line", options, default=options[0], required=True,
                                    key=f"left_{photo.ident}", disabled=look.truth is None and look.scan is None)
        tinted, settings = choose_colors()
        kind = st.segmented_control("File", ("JPEG", "PNG"), default="JPEG", required=True, key="kind",
                                    help="Camera and date are kept; the location is removed.")
        download(photo, look, tinted(look.tint), kind)
        if len(seen) > 1:
            download_all(seen, tinted, settings, kind)
    with canvas:
        show(photo, look, tinted(look.tint), left)
    if len(seen) > 1:
        show_all(seen, tinted)


# --- the published experiment --------------------------------------------------------------------------------

def small_pictures():
    """The published experiment on CIFAR-10 where it is here, else or if asked on pieces of photographs, 32 x 32."""
    served = widgets.served(published_colorizer.PRESET)
    title = datasets.about(served.preset.dataset).title
    sources = [*([title] if cache.has_pictures(served.preset.dataset) else []), "Photographs", "Upload"]
    source = st.segmented_control("Pictures", sources, default=sources[0], required=True, key="small_source")
    if source == title:
        with widgets.sentences():
            return cache.published(served)
    own = shrunk_uploads() if source == "Upload" else []
    return published_colorizer.run(served, np.stack(own) if own else cache.windows(WINDOWS))


def small(raw, name):
    return convert.square(reader.read(raw, name), published_colorizer.SHAPE)


def shrunk_uploads():
    files = widgets.uploader("Your pictures", widgets.PICTURE_FILES, "small_uploads", accept_multiple_files=True)
    pictures = []
    for file in files[:100]:
        with widgets.sentences():
            pictures.append(small(file.getvalue(), file.name))
    return pictures


def show_sheets(result):
    """Truth, gray and prediction as sheets of ten columns, and all three for a slide."""
    columns = min(10, len(result.truth))
    shown = {"True colors": result.truth, "Input: gray": result.gray, "Output": result.predicted}
    shown = {name: sheets.tile(pictures, columns, gap=0, scale=4) for name, pictures in shown.items()}
    for column, (name, sheet) in zip(st.columns(3), shown.items(), strict=True):
        column.image(sheets.to_png(sheet), caption=name, alt=f"{len(result.truth)} small pictures. {name}")
    labeled = sheets.stack(*(sheets.label(sheet, name) for name, sheet in shown.items()))
    widgets.download("Download PNG", sheets.to_png(labeled), "published.png", "image/png")


def published():
    picture, controls = st.columns([5, 2], gap="medium")
    with controls:
        result = small_pictures()
        left = st.segmented_control("Left of the line", LEFT, default="Gray", required=True,
                                    key="small_left")
        right = st.radio("Right of the line", list(RIGHT), key="small_right")
    with picture:
        columns = min(10, len(result.truth))
        halves = [sheets.tile(pictures, columns, gap=0, scale=2)
                  for pictures in (result.gray if left == "Gray" else result.truth, getattr(result, RIGHT[right]))]
        live.divider("small", *map(sheets.to_png, halves), label="Line between before and after",
                     size=halves[0].shape[1::-1], names=(left, right), height=640, pixels=True,
                     alts=(f"Small pictures: {left.lower()}", f"Small pictures: {right.lower()}"))
        st.markdown(PUBLISHED_IDEA.format(**published_colorizer.SCORES))
        st.dataframe([{"Mean squared error of": name, "Here": f"{here:.5f}",
                       "10,000 of CIFAR-10": f"{published_colorizer.SCORES[score]:.5f}"}
                      for (name, score), here in zip(SCORES.items(), published_colorizer.errors(result), strict=True)],
                     hide_index=True)
    show_sheets(result)


frame.open_page("colorize")
if widgets.choose_segment("View", list(VIEWS), "view", label_visibility="collapsed") == VIEWS[0]:
    photographs()
else:
    published()
widgets.explain("colorize", [presets.get(name) for name in (colorize.PRESET, published_colorizer.PRESET)],
                colorize.predict, paint.guided, paint.paint, published_colorizer.run)
