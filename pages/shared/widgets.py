"""What the pages are made of: pick pictures, show a sheet with its download, explain, show the code.

Every function draws in the place where it is called and returns plain values; the pages put them together.
"""
import contextlib
import inspect
import io
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ae_core import model
from ae_core.features import reconstruct
from ae_core.pictures import collections, datasets, quickdraw, reader, sheets
from pages.shared import cache, live

PICTURE_FILES = ("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff")


@dataclass(frozen=True)
class Picked:
    pictures: np.ndarray         # (n, h, w, 1)
    labels: np.ndarray | None    # (n,), None of a reader's own pictures
    source: str                  # "Test pictures", "Upload" or "Drawing"


def offered(keep):
    """{title: name} of the presets that `keep` accepts and that have weights; where there are none the page stops."""
    wanted = [preset for preset in model.store.offered().values() if keep(preset)]
    here = {preset.title: preset.name for preset in wanted if model.store.present(preset.name)}
    if not here:
        st.warning(f"None of the models of this page has weights here. Train one with: "
                   f"`python -m ae_core train {wanted[0].name}`")
        st.stop()
    return here


def served(name):
    """The served model; a sentence and the end of the page where its weights are missing or damaged."""
    return opened(cache.served, name)


def opened(load, source):
    """load(source), of weights; a sentence and the end of the page where they are missing or damaged."""
    try:
        return load(source)
    except (model.store.WeightsMissing, model.store.WeightsDamaged) as error:
        st.warning(str(error))
        st.stop()


def choose_one(label, options, key, index=0, **arguments):
    """A selectbox kept in the page's address; an unknown value there falls back to option `index` with a sentence."""
    _check_address(label, options, options[index], key)
    return st.selectbox(label, options, index, key=key, bind="query-params", **arguments)


def choose_segment(label, options, key, default=None, **arguments):
    """The same as a row of buttons, of which always one is on."""
    default = options[0] if default is None else default
    _check_address(label, options, default, key)
    return st.segmented_control(label, options, default=default, required=True, key=key, bind="query-params",
                                **arguments)


def _check_address(label, options, default, key):
    """Before a control appears, refuse what the address asks for if it is no option; later, what is none any more."""
    if key in st.session_state:
        if st.session_state[key] not in options:
            st.session_state[key] = default
        return
    asked = st.query_params.get(key)
    if asked is not None and asked not in options:
        st.info(f"This address asks for a “{label}” that is not here; showing {default} in its place.")
        del st.query_params[key]


def slide(label, lowest, highest, default, step, key):
    """A slider of one number, or of two ends, kept in the address; anything else there falls back with a sentence."""
    asked = st.query_params.get_all(key)
    if asked and key not in st.session_state:
        count = len(default) if isinstance(default, tuple) else 1
        address_numbers(key, [(lowest, highest)] * count, default, f"a value of “{label}”", ",".join(asked))
    return st.slider(label, lowest, highest, default, step, key=key, bind="query-params")


def address_numbers(key, ranges, default, what, asked=None):
    """The numbers that the page's address keeps under a key, one within each (lowest, highest) of `ranges`.

    A sentence and `default` where there is anything else, such as nan, 1e9, too few numbers or no numbers at all.
    `asked` is what the address says, where that is not one text.
    """
    asked = asked or st.query_params.get(key)
    if asked is None:
        return default
    with contextlib.suppress(ValueError):
        numbers = tuple(float(text) for text in asked.split(","))
        if all(low <= number <= high for number, (low, high) in zip(numbers, ranges, strict=True)):
            return numbers
    st.info(f"This address asks for {what} that is not here; showing another in its place.")
    del st.query_params[key]
    return default


def pick_pictures(key, preset, count, errors=None):
    """Controls for test pictures, an upload or a drawing, all as the preset sees pictures.

    errors: of every test picture, to choose the best and the worst by.
    """
    source = st.segmented_control("Pictures", ["Test pictures", "Upload", "Drawing"], default="Test pictures",
                                  required=True, key=f"{key}_source")
    if source == "Upload":
        pictures = uploaded(key, preset, count)
    elif source == "Drawing":
        pictures = drawn(key, preset)
    else:
        pictures = None
    if pictures is not None:
        return Picked(pictures, None, source)
    return _test_pictures(key, preset, count, errors, quiet=source != "Test pictures")


def _test_pictures(key, preset, count, errors, quiet):
    """A choice of test pictures; without its controls (`quiet`) until the reader's own picture has arrived."""
    pictures, labels = cache.samples(preset.dataset, preset.shape)
    order, class_name, everything = "random", None, "All classes"
    seed = st.session_state.setdefault(f"{key}_seed", 0)
    if not quiet:
        classes = datasets.about(preset.dataset).classes
        class_name = st.selectbox("Class", [everything, *classes], key=f"{key}_class_{preset.dataset}")
        if errors is not None:
            order = st.segmented_control("Which", ["random", "best", "worst"], default="random", required=True,
                                         format_func={"random": "Random", "best": "Best rebuilt",
                                                      "worst": "Worst rebuilt"}.get, key=f"{key}_order")
        if order == "random" and st.button("Draw other pictures", icon=":material/casino:", key=f"{key}_again"):
            seed = st.session_state[f"{key}_seed"] = seed + 1
        class_name = None if class_name == everything else classes.index(class_name)
    chosen = reconstruct.choose(labels, errors, count, order, class_name, seed)
    return Picked(pictures[chosen], labels[chosen], "Test pictures")


def uploaded(key, preset, count=1):
    """A reader's own pictures (n, h, w, 1) as the preset sees them, or None; for drawings, Quick Draw files, too."""
    drawings = quickdraw.SUFFIXES if preset.dataset.startswith("quickdraw") else ()
    files = st.file_uploader("Your pictures (any size; gray or color)" + (" or a Quick Draw file" if drawings else ""),
                             accept_multiple_files=count > 1, key=f"{key}_upload",
                             type=[*PICTURE_FILES, *(suffix[1:] for suffix in drawings)])
    files = files if isinstance(files, list) else [files] if files else []
    if len(files) > count:
        st.info(f"The first {count} of your {len(files)} pictures are shown; this page has no room for more.")
    pictures = []
    for file in files[:count]:
        with sentences():
            if drawings and file.name.endswith(drawings):
                pictures += list(_sketches(file, preset.shape, count))
            else:
                pictures.append(cache.fitted(file.getvalue(), file.name, preset.dataset, preset.shape))
    return np.stack(pictures[:count]) if pictures else None


def _sketches(file, shape, count):
    """The first drawings of an uploaded Quick Draw file."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, Path(file.name).name)
        path.write_bytes(file.getvalue())
        return datasets.pad(datasets.as_pictures(quickdraw.load(path, count)), shape)


def drawn(key, preset):
    """A reader's drawing (1, h, w, 1) as the preset sees it, or None."""
    ink = live.sketchpad(f"{key}_sketch", label="Draw here with mouse, finger or keyboard")
    if ink is None:
        return None
    return datasets.fit(ink[..., None], preset.dataset, preset.shape)[None]


def collect(key, preset):
    """Controls for a reader's own collection as the preset sees it, read once; None while there is none.

    Whatever had to be left out is named.
    """
    collected = gather(key, None, lambda files, report: collections.read(
        files, preset.shape, datasets.DATASETS[preset.dataset].margin, report))
    if collected is None:
        return None
    st.caption(f"{len(collected.names)} pictures read, {len(collected.skipped)} left out.")
    if collected.skipped:
        st.warning("\n\n".join(collected.skipped[:20]) + (" …" if len(collected.skipped) > 20 else ""))
    return collected


def gather(key, how, read):
    """Controls for files, zips of them or a folder; what read(files, report) made of them, None while there are none.

    It is read once; again where the files or `how` it is to be read have changed.
    """
    whole_folder = st.toggle("A whole folder", key=f"{key}_folder", help="Off: single files, or zip archives of them.")
    files = st.file_uploader("Your pictures", type=[*PICTURE_FILES, "zip"], key=f"{key}_files_{whole_folder}",
                             accept_multiple_files="directory" if whole_folder else True)
    ident, place = (how, *(file.file_id for file in files)), f"{key}_collected"
    if not files:
        return None
    if st.session_state.get(place, (None,))[0] != ident:
        st.session_state[place] = ident, None    # a run that is stopped does not begin again
        with progress("Reading your pictures", key) as report:
            done = read([(file.name, file.getvalue()) for file in files], report)
        st.session_state[place] = ident, done
    if st.session_state[place][1] is None:
        st.info("Reading was stopped. Choose pictures again to go on.")
    return st.session_state[place][1]


@contextlib.contextmanager
def progress(text, key):
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
def sentences():
    """Show what is wrong with an upload or with weights in its own sentence, and go on."""
    try:
        yield
    except (reader.BadPicture, model.store.WeightsMissing, model.store.WeightsDamaged) as error:
        st.warning(str(error))


def show(sheet, caption, alt, file, key=None):
    """A uint8 sheet at its own size with its caption and a PNG download."""
    png = sheets.to_png(sheet)
    st.image(png, caption=caption, alt=alt, width="content")
    st.download_button("Download PNG", png, f"{file}.png", "image/png", icon=":material/download:",
                       on_click="ignore", key=key or f"download_{file}")


def curve(lines, x, x_title, y_title, alt, marker=None, height=320):
    """A line chart {name: y values}, with a vertical line at `marker` where the reader's setting is."""
    figure = go.Figure([go.Scatter(x=list(x), y=y, name=name, mode="lines+markers", line={"color": color})
                        for (name, y), color in zip(lines.items(), live.PALETTE, strict=False)])
    if marker is not None:
        figure.add_vline(marker, line_dash="dot")
    figure.update_layout(height=height, margin={"l": 8, "r": 8, "t": 8, "b": 8}, yaxis_title=y_title,
                         legend={"orientation": "h", "y": -0.3})
    figure.update_xaxes(title=x_title)
    st.plotly_chart(figure, alt=alt, config={"displayModeBar": False})


def architecture(card):
    """The layers of encoder and decoder: name, kind, output shape, parameters."""
    rows = [{"Part": part, "Layer": layer["layer"], "Kind": layer["kind"],
             "Output shape": " x ".join(map(str, layer["shape"])), "Parameters": layer["parameters"]}
            for part, layers in card["layers"].items() for layer in layers]
    st.dataframe(rows, hide_index=True, height=280)
    return sum(row["Parameters"] for row in rows)


def explain(text, formula, recipe):
    """The closed panel "How this works": the idea, the formula in LaTeX, the published recipe."""
    with st.expander("How this works", icon=":material/school:"):
        st.markdown(text)
        st.latex(formula)
        st.caption(f"Recipe: {recipe}.")


def code(*functions):
    """The closed panel "The code": the real source of the functions behind the page."""
    with st.expander("The code", icon=":material/code:"):
        for function in functions:
            st.caption(f"`{function.__module__}.{function.__qualname__}`")
            st.code(inspect.getsource(function), "python")


def table_csv(rows):
    """CSV bytes of a list of dicts with the same keys."""
    import csv

    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
