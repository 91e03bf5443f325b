"""What the pages are made of: choose, pick pictures, show a sheet with its download, explain, show the code.

Every function draws in the place where it is called and returns plain values; the pages put them together.
"""
import base64
import contextlib
import csv
import inspect
import io
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import streamlit as st

from ae_core import browser, guard, model, presets
from ae_core.features import reconstruct
from ae_core.pictures import collections, convert, datasets, heavy, quickdraw, reader, sheets
from pages.shared import address, cache, frame, live, server

PICTURE_FILES = tuple(suffix[1:] for suffix in reader.SUFFIXES)
NOT_SHARED = ", or one that its maker does not share"
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")       # what a formula of a spreadsheet may begin with
MARKUP = re.compile(r"([\\`*\[\]<~$&|]|(?<![^\W_])_|_(?![^\W_]))")        # characters that mean something in Markdown
APART = re.compile(r"(?im)^(?=[ \t#>+\-=\d])|(?<=:)(?=\S)|(?<=www)(?=\.)|(?<=@)|(?<=-)(?=[->])|(?<=[<>])(?=[-=])")
FIRST_SECONDS = 3                # of reading many pictures, before it is asked whether to go on
SOURCES = ("Test pictures", "Upload", "Drawing")
DRAWS = 10_000                   # seeds that "Draw again" counts through
# A grid of buttons with pictures: it stays a grid on a phone, and keyboards and screen readers can choose, too.
GRID = """<style>
.st-key-grid_KEY { display: grid !important; grid-template-columns: repeat(WIDE, minmax(0, 1fr)); gap: 0.35rem; }
.st-key-grid_KEY > div, .st-key-grid_KEY button { width: 100% !important; }
.st-key-grid_KEY button { padding: 0.15rem; min-height: 0; border-radius: 0.4rem; }
.st-key-grid_KEY button :is(div, span) { display: block; width: 100%; }
.st-key-grid_KEY button p { display: flex; flex-direction: column; gap: 0.1rem; font-size: 0.8rem; line-height: 1.25; }
.st-key-grid_KEY button img { width: 100%; max-height: none !important; height: auto; margin: 0; display: block;
                              border-radius: 0.25rem; object-fit: fill; image-rendering: RENDERING; }
@media (max-width: 640px) { .st-key-grid_KEY { grid-template-columns: repeat(NARROW, minmax(0, 1fr)); } }
</style>"""


@dataclass(frozen=True)
class Picked:
    pictures: np.ndarray         # (n, h, w, c)
    labels: np.ndarray | None    # (n,), None of a reader's own pictures
    source: str                  # of SOURCES


# --- models --------------------------------------------------------------------------------------------------

def offered(page: str) -> dict[str, str]:
    """{title: name} of the models that a page shows, that the visitor sees and that have weights; else the page stops.
    """
    wanted = [preset for preset in model.store.offered(server.owner()).values() if frame.PAGES[page].shows(preset)]
    here = told_apart({preset.name: preset.title for preset in wanted if model.store.present(preset.name)})
    if not here:
        st.warning(f"None of the models of this page has weights here. Train one with: "
                   f"`python -m ae_core train {wanted[0].name}`")
        st.stop()
    return here


def told_apart(titles: dict[str, str]) -> dict[str, str]:
    """{title: name} of {name: title}; where two visitors chose the same title, the second with its name behind it."""
    found: dict[str, str] = {}
    for name, title in titles.items():
        found[f"{title} ({name})" if title in found else title] = name
    return found


def choose_model(titles: dict[str, str], **arguments: Any) -> str:
    """The name of the chosen one of {title: name}; a link to it may have come from somebody who sees other models."""
    return titles[choose_one("Model", list(titles), "model", hidden=NOT_SHARED, **arguments)]


def served(name: str) -> Any:
    """The served model; a sentence and the end of the page where its weights are missing or damaged."""
    return opened(cache.served, name)


def opened(load: Callable, source: Any) -> Any:
    """load(source), of weights; a sentence and the end of the page where they are missing or damaged."""
    try:
        return load(source)
    except (model.store.WeightsMissing, model.store.WeightsDamaged) as error:
        st.warning(str(error))
        st.stop()


# --- controls kept in the address ----------------------------------------------------------------------------

def choose_one(label: str, options: Sequence[str], key: str, index: int = 0, hidden: str = "", **arguments: Any) -> str:
    """A selectbox kept in the page's address; an unknown value there falls back to option `index` with a sentence.

    hidden: why the value may be unknown only here.
    """
    _check_address(label, options, options[index], key, hidden)
    return st.selectbox(label, options, index, key=key, bind="query-params", **arguments)


def choose_segment(label: str, options: Sequence[str], key: str, default: str | None = None, **arguments: Any) -> str:
    """The same as a row of buttons, of which always one is on."""
    default = options[0] if default is None else default
    _check_address(label, options, default, key)
    return st.segmented_control(label, options, default=default, required=True, key=key, bind="query-params",
                                **arguments)


def _check_address(label, options, default, key, hidden=""):
    """Before a control appears, refuse what the address asks for if it is no option; later, what is none any more."""
    if key in st.session_state:
        if st.session_state[key] not in options:
            st.session_state[key] = default
    elif key in st.query_params and st.query_params[key] not in options:
        address.refuse(key, f"“{label}”{hidden}", default)


def switch(label: str, key: str, help: str | None = None) -> bool:
    """A switch that is off at first, kept in the address."""
    return st.toggle(label, False, key=key, bind="query-params", help=help)


def slide(label: str, lowest: float, highest: float, default: Any, step: float, key: str) -> Any:
    """A slider of one number, or of two ends, kept in the address; anything else there falls back with a sentence."""
    asked = st.query_params.get_all(key)
    if asked and key not in st.session_state:
        count = len(default) if isinstance(default, tuple) else 1
        try:
            address.numbers(key, [(lowest, highest)] * count, None, "").parse(",".join(asked))
        except ValueError:
            address.refuse(key, f"“{label}”")
    return st.slider(label, lowest, highest, default, step, key=key, bind="query-params")


def draw_again(key: str, label: str = "Draw again", icon: str = "casino", count: int = DRAWS, first: int = 0) -> int:
    """A number to draw by, kept in the address, and the button that moves on to the next."""
    field = address.whole(key, count - 1, first, "draw")
    number = field.read()
    if st.button(label, icon=f":material/{icon}:", key=f"{key}_again"):
        number = (number + 1) % count
    field.write(number)
    return number


# --- pictures ------------------------------------------------------------------------------------------------

def pick_pictures(key: str, preset: presets.Preset, count: int, errors: np.ndarray | None = None,
                  draw: Callable[[str, presets.Preset], np.ndarray | None] | None = None,
                  source: str | None = None) -> Picked:
    """Controls for test pictures, an upload or a drawing, all as the preset sees pictures.

    errors: of every test picture, to choose the best and the worst by; draw: where a page has a `drawn` of its own;
    source: which of SOURCES, where it was chosen elsewhere.
    """
    source = source or choose_source("Pictures", SOURCES, f"{key}_source")
    own = {"Upload": lambda: uploaded(key, preset, count), "Drawing": lambda: (draw or drawn)(key, preset)}
    pictures = own[source]() if source in own else None
    if pictures is not None:
        return Picked(pictures, None, source)
    return _test_pictures(key, preset, count, errors, quiet=source != "Test pictures")


def choose_source(label: str, options: Sequence[str], key: str, **arguments: Any) -> str:
    """Where pictures come from, as a row of buttons; after a visit to another page the one that was on is on again."""
    st.session_state.setdefault(key, st.session_state.get(f"{key}:left", options[0]))
    source = st.segmented_control(label, options, required=True, key=key, **arguments) or options[0]
    st.session_state[f"{key}:left"] = source
    return source


def _test_pictures(key, preset, count, errors, quiet):
    """A choice of test pictures; without its controls (`quiet`) until the reader's own picture has arrived."""
    pictures, labels = cache.samples(preset.dataset, preset.shape)
    order, row, seed = "random", None, 0
    if not quiet:
        classes = ["All classes", *datasets.about(preset.dataset).classes]
        row = classes.index(st.selectbox("Class", classes, key=f"{key}_class_{preset.dataset}")) - 1
        if errors is not None:
            names = {"random": "Random", "best": "Lowest error", "worst": "Highest error"}
            order = st.segmented_control("Which", list(names), default="random", required=True, format_func=names.get,
                                         key=f"{key}_order")
        if order == "random":
            seed = draw_again("draw", "Draw other pictures")
    chosen = reconstruct.choose(labels, errors, count, order, None if row in (None, -1) else row, seed)
    return Picked(pictures[chosen], labels[chosen], "Test pictures")


def uploaded(key: str, preset: presets.Preset, count: int = 1) -> np.ndarray | None:
    """A reader's own pictures (n, h, w, c) as the preset sees them, or None; for drawings, Quick Draw files, too."""
    drawings = quickdraw.SUFFIXES if datasets.about(preset.dataset).drawings else ()
    files = uploader(f"Your pictures (any size, gray or color){' or a Quick, Draw! file' * bool(drawings)}",
                     [*PICTURE_FILES, *(suffix[1:] for suffix in drawings)], f"{key}_upload",
                     accept_multiple_files=count > 1)
    files = files if isinstance(files, list) else [files] if files else []
    if len(files) > count:
        st.info(f"Only the first {count} of your {len(files)} pictures are shown.")
    pictures: list[np.ndarray] = []
    for file in files[:count]:
        with sentences():
            if drawings and file.name.lower().endswith(drawings):
                pictures += list(sketches(file.getvalue(), file.name, preset.shape, count))
            elif datasets.about(preset.dataset).photo:
                pictures.append(cache.fitted(file.getvalue(), file.name, preset.dataset, preset.shape))
            else:
                pictures.append(_found(f"{key}_{file.file_id}", file, preset, open_=file is files[0]))
    return np.stack(pictures[:count]) if pictures else None


def _found(key, file, preset, open_):
    """What the model sees of an upload beside it, and the means to mend what was found in it."""
    with st.expander(f"What the model gets of {plain(file.name)}", expanded=open_):
        before, after, controls = st.columns([2, 2, 3])
        with controls:
            swap = st.toggle("Swap dark and light", key=f"{key}_swap")
            whole = (0, 100)
            across = down = whole
            if st.toggle("Crop by hand", key=f"{key}_crop"):
                across = st.slider("Left and right, in percent", *whole, whole, key=f"{key}_across")
                down = st.slider("Top and bottom, in percent", *whole, whole, key=f"{key}_down")
        picture, outlined, remark = cache.found(file.getvalue(), file.name, preset.dataset, preset.shape, swap, across,
                                                down)
        with before:
            image(outlined, f"{file.name}, the subject in a box", "Yours")
        large = sheets.enlarge(convert.to_uint8(picture), cache.SHOWN // len(picture))
        with after:
            image(large, f"{file.name} as the model gets it", "What the model gets")
        if remark:
            st.warning(plain(remark))
    return picture


def sketches(raw: bytes, name: str, shape: tuple[int, int, int], count: int) -> np.ndarray:
    """The first drawings (n, h, w, c) in the bytes of a Quick Draw file. Raises quickdraw.BadDrawing."""
    with model.store.scratch() as folder:
        path = folder / guard.file_name(name)
        path.write_bytes(raw)
        skipped: list[str] = []
        drawings = quickdraw.load(path, count, skipped=skipped)
    if skipped:
        st.warning(plain("\n\n".join(skipped)))
    return convert.pad(convert.as_pictures(drawings), shape)


def plain(text: str) -> str:
    """A text of a stranger for where Streamlit expects Markdown: it appears character for character.

    So a title or a file name can be neither a link nor a picture that is fetched from elsewhere. Where a backslash does
    not help, as with addresses, icons and arrows, a character of no width stands between those that make one.
    """
    return APART.sub("\u2060", MARKUP.sub(r"\\\1", text))


def drawn(key: str, preset: presets.Preset, seen: live.Through | None = None) -> np.ndarray | None:
    """A reader's drawing (1, h, w, c) as the preset sees it, or None; `seen`: see `through`.

    It is still there when the reader comes back from other pictures or another page.
    """
    left = f"{key}_sketch:left"
    ink = live.sketchpad(f"{key}_sketch", label="Draw here with a mouse, a finger, or the keyboard", through=seen,
                         drawing=st.session_state.get(left))
    st.session_state[left] = ink
    return None if ink is None else datasets.draw(ink, preset.dataset, preset.shape)[None]


def through(preset: presets.Preset, runs: str | None, label: int | None = None,
            noise: tuple[np.ndarray, np.ndarray, bool] | None = None) -> live.Through:
    """What a model in the browser is shown and shows: of each point of a stroke, of each picture of the camera.

    runs: its id there; label: the class that a conditional model is given; noise: see `live.Through`.
    """
    names = ("With noise", "Restored") if noise else ("As the model sees it", f"From {preset.code:,} numbers")
    classes = None if label is None else np.eye(preset.labels)[label].tolist()
    return live.Through(runs, preset.shape, browser.room(preset.dataset, preset.shape), names, classes, noise)


def in_browser(served: Any) -> str | None:
    """Offer a model to the live components of this page, to run in the browser itself; the id that they ask for.

    None where no browser runs it.
    """
    return live.model(server.halves(served)) if cache.runs_in_browser(served) else None


def collect(key: str, preset: presets.Preset) -> collections.Collection | None:
    """Controls for a reader's own collection as the preset sees it, read once; None while there is none.

    Whatever had to be left out is named.
    """
    def fit(picture, shape):
        return datasets.fit(picture, preset.dataset, shape)
    collected = gather(key, None, lambda files, report, seconds: collections.read(
        files, preset.shape, report=report, fit=fit, seconds=seconds))
    if collected is None:
        return None
    st.caption(f"{len(collected.names):,} picture{'s' * (len(collected.names) != 1)} read.")
    if notes := collected.notes():
        st.warning(plain("\n\n".join(notes)))
    return collected


def uploader(label: str, types: Sequence[str], key: str, **options: Any) -> Any:
    """A place to drop files, as `st.file_uploader`; in a frame it says why a file may not arrive and what helps."""
    if st.context.is_embedded:
        alone = st.context.url.split("?")[0] if st.context.url else "."
        st.caption("Inside a page of another site, browsers refuse uploads. "
                   f"[Open this page by itself]({alone}) to use your own files.")
    return st.file_uploader(label, types, key=key, **options)


def camera(label: str, key: str, **options: Any) -> Any:
    """The camera, as `st.camera_input`; it reads a canvas, so it says where the browser would give it noise."""
    live.canvas_note(f"{key}:note", "This browser protects the canvas: a photograph taken here would be noise. "
                     "Allow this site to read it (the picture sign in the address bar), or upload a photograph.")
    return st.camera_input(label, key=key, **options)


def gather(key: str, how: Any, read: Callable) -> Any:
    """Controls for files, zips of them or a folder; what read(files, report, seconds) made of them, None while there
    are none.

    It is read once; again where the files or `how` it is to be read have changed. What takes longer than FIRST_SECONDS
    is read when the reader asks for all of it.
    """
    whole_folder = st.toggle("A whole folder", key=f"{key}_folder",
                             help="Off: single files, zip archives of them, or NumPy arrays (.npz, .npy).")
    files = uploader("Your pictures", [*PICTURE_FILES, *(suffix[1:] for suffix in collections.SEVERAL)],
                     f"{key}_files_{whole_folder}", accept_multiple_files="directory" if whole_folder else True,
                     on_change=st.session_state.pop, args=(f"{key}_collected", None))
    if not files:                                # none are given, or they were on an earlier visit to the page
        ident, before = st.session_state.get(f"{key}_collected", ((None,), None))
        return before if ident[0] == how else None

    idents = tuple(file.file_id for file in files)
    whole = st.session_state.get(f"{key}_whole") == idents

    def work():
        with progress("Reading your pictures", key) as report:
            return read([(file.name, file.getvalue()) for file in files], report, math.inf if whole else FIRST_SECONDS)
    found = kept(f"{key}_collected", (how, *idents, whole), work)
    if found is None:
        st.info("Reading was stopped. Choose the pictures again to restart it.")
    elif unread := getattr(found, "unread", 0):
        row = st.container(horizontal=True, vertical_alignment="center")
        row.caption(f"{unread:,} more files were not read in {FIRST_SECONDS} seconds.")
        row.button("Read all", icon=":material/hourglass:", key=f"{key}_read_all", on_click=st.session_state.update,
                   args=({f"{key}_whole": idents},))
    return found


def files_of(key: str) -> tuple:
    """What a collection was read from, to know again what was made of it."""
    return st.session_state[f"{key}_collected"][0]


def kept(place: str, ident: Any, make: Callable[[], Any]) -> Any:
    """make(), once in a session for as long as `ident` stays the same; None where its run was stopped."""
    if st.session_state.get(place, (None,))[0] != ident:
        st.session_state[place] = ident, None    # a run that is stopped does not begin again
        st.session_state[place] = ident, make()
    return st.session_state[place][1]


@contextlib.contextmanager
def progress(text: str, key: str) -> Iterator[Callable[[float], None]]:
    """A bar with the time left, and a button that stops the work; gives report(share) to call while it is done."""
    bar, stop = st.progress(0.0, f"{text} …"), st.empty()
    stop.button("Stop", icon=":material/stop:", key=f"{key}_stop")    # any click ends the run at its next report
    start, shown = time.monotonic(), 0.0

    def report(share):
        nonlocal shown
        now = time.monotonic()
        if now - shown > 0.2 and share > 0:
            shown = now
            bar.progress(min(share, 1.0), f"{text}: {share:.0%}, {(now - start) * (1 - share) / share:.0f} s left")
    yield report
    bar.empty()
    stop.empty()


@contextlib.contextmanager
def waiting(sentence: str) -> Iterator[Callable[[], None]]:
    """Say what is waited for; the function that it gives ends the wait of a run that was stopped or left."""
    def report():
        with st.spinner(""):                     # what is sent to the browser is where Streamlit ends a run
            pass
    with st.spinner(sentence, show_time=True):
        yield report


heavy.waiting = waiting


def attempt(action: Callable, *arguments: Any) -> None:
    """Do what a click asks for; what cannot be done now gets its sentence."""
    try:
        action(*arguments)
    except guard.Refused as error:
        st.warning(str(error))


@contextlib.contextmanager
def sentences() -> Iterator[None]:
    """Show what is wrong with an upload or with weights in its own sentence, and go on."""
    try:
        yield
    except (guard.Refused, model.store.WeightsMissing, model.store.WeightsDamaged) as error:
        st.warning(plain(str(error)))


# --- what is shown -------------------------------------------------------------------------------------------

def image(sheet: np.ndarray | bytes, alt: str, caption: str | None = None, photo: bool = False) -> None:
    """A uint8 sheet, or its bytes, at its own size and with its own pixels; one of photos as a JPEG."""
    kind: Literal["JPEG", "PNG"] = "JPEG" if photo else "PNG"
    encoded = sheet if isinstance(sheet, bytes) else sheets.to_photo(sheet) if photo else sheets.to_png(sheet)
    st.image(encoded, caption=caption, alt=alt, width="content", output_format=kind)  # else all are made JPEGs anew


def show(sheet: np.ndarray, caption: str, alt: str, file: str, photo: bool = False) -> None:
    """The same with its caption and a PNG download."""
    image(sheet, alt, caption, photo)
    download("Download PNG", lambda: sheets.to_png(sheet), f"{file}.png", "image/png")


@st.fragment
def panel(label: str, draw: Callable[[], object], icon: str, key: str) -> None:
    """A closed panel; draw() makes its content when it is opened, so that nothing is computed or sent before."""
    with st.expander(label, icon=f":material/{icon}:", key=f"panel_{key}", on_change="rerun") as box:
        if box.open:
            draw()


def download(label: str, data: Any, file: str, kind: str, **arguments: Any) -> None:
    """A download that does not run the page again; `data` may be a function, called at the click."""
    st.download_button(label, data, file, kind, icon=":material/download:", on_click="ignore",
                       **{"key": f"download_{file}"} | arguments)


def take_along(served: Any, contents: Callable[[], browser.Contents]) -> None:
    """A download of a model as one HTML file, where the browser runs it; contents(): what it shows."""
    if cache.runs_in_browser(served):
        download("Download as a page", lambda: browser.page(
            model.store.read(served.preset.name), live.ASSETS, contents()).encode(), f"{served.preset.name}.html",
            "text/html", help="One file with the network inside: it needs no server and no internet.")


def picture_grid(key: str, pictures: np.ndarray, alts: Sequence[str], on_click: Callable, arguments: Sequence[dict], *,
                 columns: tuple[int, int], words: Sequence[str] = (), frames: Sequence[str] = ()) -> None:
    """Pictures (n, h, w, c) as buttons; a click calls on_click(**arguments[k]).

    columns: on a wide screen and on a phone; words: below each; frames: a color around each, ""
    around none.
    """
    side = pictures.shape[1]
    rules = {"KEY": key, "WIDE": str(columns[0]), "NARROW": str(columns[1]),
             "RENDERING": "pixelated" if side < 64 else "auto"}
    style = GRID
    for name, value in rules.items():
        style = style.replace(name, value)
    st.html(style + "".join(f"<style>.st-key-{key}_{k} button {{ border: 3px solid {color}; }}</style>"
                            for k, color in enumerate(frames) if color))
    with st.container(key=f"grid_{key}"):
        for k, picture in enumerate(pictures):
            raw = base64.b64encode(sheets.to_webp(picture[None], scale=max(1, 112 // side))).decode()
            word = plain(words[k]) if words else ""
            st.button(f"![{alts[k]}](data:image/webp;base64,{raw}) {word}", key=f"{key}_{k}", on_click=on_click,
                      kwargs=arguments[k])


def architecture(card: dict) -> int:
    """The layers of encoder and decoder: name, kind, output shape, parameters; returns how many of these there are."""
    rows = [{"Part": part, "Layer": layer["layer"], "Kind": layer["kind"],
             "Output shape": " x ".join(map(str, layer["shape"])), "Parameters": layer["parameters"]}
            for part, layers in card["layers"].items() for layer in layers]
    st.dataframe(rows, hide_index=True, height=280)
    return sum(row["Parameters"] for row in rows)


def explain(page: str, models: Sequence[presets.Preset], *functions: Callable) -> None:
    """The closed panels "How this works", with the recipes of the models, and "The code": the source behind a page."""
    def how():
        st.markdown(frame.explanation(page))
        for preset in models:
            st.caption(plain(recipe(preset)))

    def code():
        for function in functions:
            st.caption(f"`{function.__module__}.{function.__qualname__}`")
            st.code(inspect.getsource(function), "python")
    panel("How this works", how, "school", "how")
    panel("The code", code, "code", "code")
    frame.show_next(page)


def recipe(preset: presets.Preset) -> str:
    """The published recipe that a model follows, and how it departs from it."""
    same = "" if preset.family.closed_form else presets.EVERYWHERE
    departs = f"How it departs from that: {preset.departures}" if preset.departures else ""
    return " ".join(filter(None, [f"“{preset.title}” follows: {preset.recipe}.", departs, same]))


def table_csv(rows: Sequence[dict]) -> bytes:
    """CSV bytes of a list of dicts with the same keys.

    A text that a spreadsheet would run as a formula, such as a file name that begins with "=", is marked as a text.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows({key: f"'{value}" if isinstance(value, str) and value[:1] in FORMULAS else value
                      for key, value in row.items()} for row in rows)
    return text.getvalue().encode()
