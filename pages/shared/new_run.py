"""The form on the Train page in which a model is designed and its run is asked for, and models as zips."""
from typing import Any

import streamlit as st

from ae_core import guard, presets
from ae_core.own import blueprint, bundle, collection, design, jobs, limits, speed
from ae_core.pictures import datasets
from pages.shared import cache, server, widgets

WHOSE = "What you train or load here is yours: other visitors see it only if you share it. A cookie of this browser " \
        "knows you again."
WHOSE_THIS_VISIT = "This browser keeps no cookie for this page, so what you train or load here is yours only until " \
                   "the page is closed. Download what you want to keep, or share it."


FIRST = {"title": "My model", "side": 28, "color": "Gray"}


def show(begin: Any, notes: Any) -> None:
    """All choices; into `begin` the button, which asks for the run, and its seconds; into `notes` what hinders it."""
    starts, first = list(design.starts()), presets.get(design.STORY).title
    st.selectbox("Start from", starts, key="start", on_change=_start_from, index=starts.index(first))
    _restore()
    if "new_dataset" not in st.session_state:
        _start_from()
    title = st.text_input("Name of your model", max_chars=60, key="new_title")
    start, sources = design.starts()[st.session_state.start], design.sources()
    dataset = st.selectbox("Pictures", list(sources), format_func=sources.__getitem__, key="new_dataset")
    own, shape = _pictures_of(dataset, start)
    choices = _choose(title, dataset, shape, own)
    st.session_state.choices |= vars(choices)
    try:
        preset = design.design(choices, start)
    except ValueError as error:
        notes.warning(str(error))
        preset = None
    count = design.count(dataset) if dataset in datasets.DATASETS else len(own.pictures) - own.aside if own else 0
    if preset:
        _show_cost(preset, count)
        _show_carried(preset, start)
    if package := jobs.installing():
        notes.info(f"What training needs is still being installed ({package}). All other pages work already; load this "
                "page again in a minute or two.")
    elif not jobs.can_train():
        notes.info("Training needs TensorFlow, which is not installed here: `pip install -r requirements.txt`")
    touched, st.session_state.touched = "touched" in st.session_state, True      # a first run is only a look
    with begin:
        pressed = st.button("Train", type="primary", icon=":material/play_arrow:", key="go",
                            disabled=not (preset and count and jobs.can_train()))
        st.markdown(f"about **{in_words(speed.seconds(preset, count)[0])}**" if preset and count else
                    "Choose pictures first", width="content")
    if pressed:
        _request(preset, own if own else design.pictures_of(dataset), notes)
    elif touched and preset:
        jobs.warm(preset)
    st.caption(WHOSE if server.is_remembered() else WHOSE_THIS_VISIT)


def _pictures_of(dataset, start):
    """What has to be read for a run, or None, and the shape of its pictures."""
    if dataset == design.OWN:
        return _own_pictures()
    drawings = None
    if dataset not in datasets.DATASETS:
        with widgets.sentences():
            drawings = cache.drawings(dataset.removeprefix(collection.DRAWINGS))
            st.caption(widgets.plain(" ".join([f"{len(drawings.pictures):,} drawings.", *drawings.notes])))
    return drawings, design.shape_of(dataset, start)


def _show_carried(preset, start):
    """What the run has of the model that it starts from, beside what is on the controls."""
    kept = design.carried(preset)
    if kept:
        st.caption(f"Carried along from “{start.title}”: {'; '.join(kept)}.")


def _start_from():
    """Fill the controls from the shipped preset that was chosen."""
    values = design.choices_of(design.starts()[st.session_state.start])
    if values["dataset"] not in design.sources():
        values["dataset"] = design.OWN
    for key, value in values.items():
        st.session_state[f"new_{key}"] = value


def _restore():
    """Streamlit forgets a control that is not on the page; what it was set to comes back with it."""
    for key, value in st.session_state.setdefault("choices", dict(FIRST)).items():
        if key not in ("shape", "classes"):
            st.session_state.setdefault(f"new_{key}", value)


def _choose(title, dataset, shape, own):
    """The controls of the network and of its training."""
    kind = st.selectbox("Kind", design.KINDS, key="new_kind")
    chosen = {key: st.session_state[f"new_{key}"] for key in ("network", "units", "filters", "convolutions", "beta",
                                                              "mean", "sigma", "penalty", "loss")}
    if kind != "Conditional VAE":
        if chosen["network"] not in design.networks(kind):
            st.session_state.new_network = design.networks(kind)[0]
        chosen["network"] = st.segmented_control("Network", design.networks(kind), required=True, key="new_network")
    code = st.select_slider("Code size: how many numbers a picture becomes", design.CODES, key="new_code")
    if "VAE" in kind:
        chosen["beta"] = st.select_slider("Beta: the weight of the KL term", design.BETAS, key="new_beta")
    if kind == "Denoiser":
        chosen["sigma"] = st.slider("Noise: sigma, drawn between", 0.0, 1.5, step=0.05, key="new_sigma")
        chosen["mean"] = st.slider("Noise: its mean", 0.0, 1.0, step=0.05, key="new_mean")
    if kind == design.SPARSE:
        chosen["penalty"] = st.select_slider("Penalty on the code", design.PENALTIES, key="new_penalty")
    epochs = st.slider("Epochs", 1, 100, key="new_epochs")
    with st.expander("More settings", icon=":material/tune:"):
        chosen["loss"] = st.segmented_control("Loss", list(design.LOSSES), format_func=design.LOSSES.get, required=True,
                                              key="new_loss")
        chosen |= _choose_layers(kind, chosen["network"], shape)
        batch = st.select_slider("Batch size", design.BATCHES, key="new_batch_size")
        rate = st.select_slider("Learning rate", design.RATES, key="new_learning_rate")
    classes = len(datasets.DATASETS[dataset].classes) if dataset in datasets.DATASETS else \
        len(own.classes) if own and own.labeled else 0
    return design.Choices(title, dataset, shape, kind, code=code, epochs=epochs, batch_size=batch, learning_rate=rate,
                         classes=classes, **chosen)


def _choose_layers(kind, network, shape):
    """How many layers there are, and how wide: {field: value} of those that the network has."""
    if kind == "Conditional VAE" or design.has_units(network):
        return {"units": st.selectbox("Units of the encoder's layers", design.UNITS, key="new_units",
                                      format_func=lambda widths: ", then ".join(map(str, widths)) or "none: one layer")}
    if not design.has_filters(network):
        return {}
    possible = design.convolutions(shape)
    if st.session_state.new_convolutions not in possible:
        st.session_state.new_convolutions = possible[-1]
    return {"convolutions": st.segmented_control("Convolutions, each of which halves the picture", possible,
                                                 required=True, key="new_convolutions"),
            "filters": st.select_slider("Filters of the first one; each further one has twice as many", design.FILTERS,
                                        key="new_filters")}


def _own_pictures():
    """The reader's own pictures, or None while there are none, and their size and color."""
    row = st.columns(2)
    side = row[0].segmented_control("Pixels per side", design.SIDES, required=True, key="new_side")
    color = row[1].segmented_control("Colors", ["Gray", "Color"], required=True, key="new_color")
    st.session_state.choices |= {"side": side, "color": color}
    shape = (side, side, 3 if color == "Color" else 1)

    def read(files, report, seconds):
        try:
            return collection.read(files, shape, report, seconds)
        except ValueError as error:
            return str(error)
    got = widgets.gather("train", shape, read)
    days = limits.most("AE_KEEP_DAYS")
    st.caption(f"Kept here: all of them while the model trains, and for {days:g} days if it stops early; then one in "
               "ten, to show what the model does, until you delete it. Other visitors see these only if you share the "
               "model. Whoever runs the server can read all files.")
    if got is None or isinstance(got, str):
        st.info(got or f"Choose a zip of pictures, many files, or an array (.npz, .npy): {collection.FEWEST} to "
                f"{collection.MOST:,}. The folders in a zip, or the labels of an array, become the classes.")
        return None, shape
    of_classes = f" of {len(got.classes)} classes: {', '.join(got.classes[:8])}" if got.labeled else ""
    st.caption(widgets.plain(f"{len(got.pictures):,} pictures{of_classes}. " + " ".join(got.notes)))
    return got, shape


def _show_cost(preset, count):
    """What a run will cost, before it is started."""
    parameters = f"**{blueprint.parameters(preset):,} parameters**"
    if not count:
        st.markdown(parameters)
        return
    seconds, measured = speed.seconds(preset, count)
    st.markdown(f"{parameters}, {count:,} pictures, about **{in_words(seconds)}**")
    how = "measured on this machine" if measured else "a rough estimate until this machine has trained once"
    st.caption(f"The time is {how}. You can pause any run, and stopping keeps the best epoch.")


def in_words(seconds: float) -> str:
    """75 -> "1 min 15 s", 7500 -> "2 h 5 min"."""
    minutes, hours = int(seconds) // 60, int(seconds) // 3600
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {int(seconds) % 60} s" if minutes else f"{max(int(seconds), 1)} s"


def _request(preset, pictures, notes):
    try:
        job = jobs.request(preset, collection=pictures, owner=server.owner())
        jobs.start(jobs.idle())
    except (ValueError, datasets.DataMissing) as error:
        notes.warning(str(error))
        return
    st.session_state.run = f"job {job.ident}"


def download_model(served: cache.Served) -> None:
    """A model as the zip that `load_model` takes; a visitor's own pictures are in it only where asked for."""
    name = served.preset.name
    pictures = bundle.shows_own_pictures(served.card) and st.checkbox(
        "With test pictures", key="with_pictures",
        help="Whoever gets the zip can then see them. Without them it opens on fewer pages, and without its film.")
    widgets.download("Download the model (zip)", lambda: bundle.pack(name, pictures), f"{name}.zip",
                     "application/zip", key="zip")


def load_model() -> Any:
    """A model from a zip that this page wrote, here or elsewhere."""
    with st.expander("Load a model from a zip", icon=":material/upload_file:"):
        file = widgets.uploader("A zip downloaded from this page", ["zip"], "model_zip")
        if file is None or st.session_state.get("loaded") == file.file_id:
            return
        try:
            stored = bundle.unpack(file.getvalue(), server.owner())
        except guard.Refused as error:
            st.warning(widgets.plain(str(error)))
            return
        st.session_state.loaded, st.session_state.run = file.file_id, stored.preset.name
        st.toast(f"“{widgets.plain(stored.preset.title)}” was loaded.")
