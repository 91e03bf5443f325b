"""Train: make a model of one's own and watch it learn."""
import plotly.graph_objects as go
import streamlit as st

from ae_core import presets, store
from ae_core.own import blueprint, bundle, design, jobs, story
from ae_core.pictures import datasets, sheets
from pages.shared import cache, frame, live, widgets

FORMULA = (r"\theta \leftarrow \theta - \eta\, \nabla_\theta\, \frac{1}{B} \sum_{i=1}^{B} \Big("
           r" \mathcal{L}(x_i, \hat x_i) + \beta\, D_{KL}\big(q(z \mid x_i)\,\|\,\mathcal{N}(0, 1)\big) \Big)")
IDEA = """
Training repeats one step: take a **batch** of $B$ pictures, rebuild them, measure the **loss**, and move every
parameter $\\theta$ a little against its gradient; how far, the **learning rate** $\\eta$ says. Once all pictures have
been seen, an **epoch** is over. Some pictures are kept aside and only measured: where their **validation** loss rises
while the training loss still falls, the network learns its pictures by heart. The epoch with the lowest validation
loss is kept.

The second term is a VAE's alone. **Beta** is its weight (Higgins et al., 2017): with too little of it the codes scatter
far and leave holes that decode to nothing; with too much of it every code is the same and decodes to one average
picture.

The trainer is a process of its own. It writes down every epoch, so that a run survives a closed tab, a pause and even
a power cut, and goes on with the very same numbers.
"""
LIVE = (jobs.WAITING, jobs.RUNNING, jobs.PAUSED)
CHART = {"height": 260, "margin": {"l": 8, "r": 8, "t": 32, "b": 8}, "legend": {"orientation": "h", "y": -0.4}}


# --- a new run ----------------------------------------------------------------------------------------------

def start_from():
    """Fill the controls from the shipped preset that was chosen."""
    values = design.choices_of(design.starts()[st.session_state.start])
    if values["dataset"] not in design.sources():
        values["dataset"] = design.OWN
    for key, value in values.items():
        st.session_state[f"new_{key}"] = value


def keep_choices(choices=None):
    """Streamlit forgets a control that is not on the page; what it was set to comes back with it."""
    kept = st.session_state.setdefault("choices", {"title": "My model"})
    if choices:
        kept |= vars(choices)
    for key, value in kept.items():
        if choices is None and key not in ("shape", "classes"):
            st.session_state.setdefault(f"new_{key}", value)


def new_run():
    """All choices, what they cost, and the button; asks for the run and shows it when that is pressed."""
    st.subheader("A new run")
    st.selectbox("Start from", list(design.starts()), key="start", on_change=start_from,
                 index=list(design.starts()).index(presets.get(design.STORY).title))
    keep_choices()
    if "new_dataset" not in st.session_state:
        start_from()
    title = st.text_input("Name of your model", max_chars=60, key="new_title")
    sources = design.sources()
    dataset = st.selectbox("Pictures", list(sources), format_func=sources.get, key="new_dataset")
    own, shape = own_pictures() if dataset == design.OWN else (None, design.SOURCES[dataset][0])
    choices = choose(title, dataset, shape, own)
    keep_choices(choices)
    try:
        preset = design.design(choices)
    except ValueError as error:
        st.warning(str(error))
        preset = None
    count = design.count(dataset) if dataset != design.OWN else len(own.own.split()[0].pictures) if own else 0
    if preset:
        show_cost(preset, count)
    if not jobs.can_train():
        st.info("Training needs TensorFlow, which is not installed here: `pip install -r requirements.txt`")
    if st.button("Train", type="primary", icon=":material/play_arrow:", key="go", width="stretch",
                 disabled=not (preset and count and jobs.can_train())):
        ask_for(preset, own.own if own else design.pictures_of(dataset))


def choose(title, dataset, shape, own):
    """The controls of the network and of its training."""
    kind = st.selectbox("Kind", design.KINDS, key="new_kind")
    network, beta, noise = (st.session_state[f"new_{key}"] for key in ("network", "beta", "noise"))
    units, filters = st.session_state.new_units, st.session_state.new_filters
    if kind != "Conditional VAE":
        network = st.segmented_control("Network", list(design.NETWORKS), required=True, key="new_network")
    code = st.select_slider("Code size: how many numbers a picture becomes", design.CODES, key="new_code")
    if "VAE" in kind:
        beta = st.select_slider("Beta: the weight of the KL term", design.BETAS, key="new_beta")
    if kind == "Denoiser":
        noise = st.slider("Noise: the largest sigma", 0.1, 1.5, step=0.05, key="new_noise")
    epochs = st.slider("Epochs", 1, 100, key="new_epochs")
    with st.expander("More settings", icon=":material/tune:"):
        if network == "Dense" or kind == "Conditional VAE":
            units = st.selectbox("Units of the encoder's layers", design.UNITS, key="new_units",
                                 format_func=lambda widths: ", then ".join(map(str, widths)))
        else:
            filters = st.select_slider("Filters of the first layer", design.FILTERS, key="new_filters")
        batch = st.select_slider("Batch size", design.BATCHES, key="new_batch_size")
        rate = st.select_slider("Learning rate", design.RATES, key="new_learning_rate")
    classes = len(datasets.DATASETS[dataset].classes) if dataset != design.OWN else \
        len(own.own.classes) if own and own.labeled else 0
    return design.Choices(title, dataset, shape, kind, network, code, units, filters, beta, noise, epochs, batch, rate,
                         classes)


def own_pictures():
    """The size and color of own pictures and the pictures themselves, or None while there are none."""
    row = st.columns(2)
    side = row[0].segmented_control("Pixels a side", design.SIDES, default=28, required=True, key="new_side")
    color = row[1].segmented_control("Colors", ["Gray", "Color"], default="Gray", required=True, key="new_color")
    shape = (side, side, 3 if color == "Color" else 1)

    def read(files, report):
        try:
            return design.read(files, shape, report)
        except ValueError as error:
            return str(error)
    got = widgets.gather("train", shape, read)
    if got is None or isinstance(got, str):
        st.info(got or f"Give a zip of pictures, or many files: {jobs.FEWEST} to {design.MOST:,}. Pictures in folders "
                "of a zip have the folder for a class.")
        return None, shape
    of_classes = f" of {len(got.own.classes)} classes: {', '.join(got.own.classes[:8])}" if got.labeled else ""
    st.caption(f"{len(got.own.pictures):,} pictures{of_classes}. " + " ".join(got.notes))
    return got, shape


def show_cost(preset, count):
    """What a run will cost, before it is started."""
    seconds, measured = jobs.seconds(preset, count)
    how = "measured on this machine" if measured else "a rough figure, until this machine has trained once"
    st.markdown(f"**{blueprint.parameters(preset):,} parameters**, {count:,} pictures, about "
                f"**{in_words(seconds)}**" if count else f"**{blueprint.parameters(preset):,} parameters**")
    if count:
        st.caption(f"The time is {how}. The longest run is one click away from a pause, and stopping keeps the best.")


def ask_for(preset, own):
    try:
        job = jobs.request(preset, own=own)
    except (ValueError, datasets.DataMissing) as error:
        st.warning(str(error))
        return
    jobs.start()
    st.session_state.run = f"job {job.ident}"


def load_model():
    """A model from a zip that this page wrote, here or elsewhere."""
    with st.expander("Load a model from a zip", icon=":material/upload_file:"):
        file = st.file_uploader("A zip that this page wrote", type=["zip"], key="model_zip")
        if file is None or st.session_state.get("loaded") == file.file_id:
            return
        try:
            stored = bundle.unpack(file.getvalue())
        except bundle.BadBundle as error:
            st.warning(str(error))
            return
        st.session_state.loaded, st.session_state.run = file.file_id, stored.preset.name
        st.toast(f"“{stored.preset.title}” is here.")


# --- runs ---------------------------------------------------------------------------------------------------

def runs():
    """{key: text} of what can be looked at: runs that are not done, own models, and the shipped run.

    The text of a run does not say whether it waits, trains or rests: the browser would keep it while that changes.
    """
    unfinished = {f"job {job.ident}": f"{job.preset.title} (not finished)"
                  for job in reversed(jobs.every()) if job.state != jobs.DONE}
    shipped = {design.STORY: f"{presets.get(design.STORY).title} (shipped)"} if store.present(design.STORY) else {}
    return unfinished | {name: preset.title for name, preset in store.own().items()} | shipped


def choose_run():
    """The run to look at: one that is going on, else the newest model; what has just been done stays in view."""
    options = runs()
    chosen = st.session_state.get("run")
    if chosen and chosen not in options:
        job = jobs.read(chosen.removeprefix("job "))
        st.session_state.run = job.preset.name if job and job.preset.name in options else next(iter(options), None)
    if not options:
        st.warning(f"No run is here to look at. Start one, or train the shipped one: "
                   f"`python -m ae_core train {design.STORY}`")
        return None
    return st.selectbox("Run", list(options), format_func=options.get, key="run")


def watch(ident):
    """A run that goes on: where it is, its buttons, its pictures and its curves. Runs anew every second."""
    job = jobs.read(ident)
    if job is None or job.state not in LIVE:
        st.rerun()
    jobs.start()
    show_progress(job)
    told = jobs.told(job)
    show_frame(told or story.blank(job.preset), job.preset)
    show_curves(job.history(), job.preset.epochs, f"live_{ident}")


def show_progress(job):
    status = job.status
    share, left = min(status.get("share", 0.0), 1.0), status.get("seconds_left")
    if job.state == jobs.WAITING:
        others = [other for other in jobs.every() if other.state in (jobs.RUNNING, jobs.PAUSED)]
        text = f"Waiting for “{others[0].preset.title}” to end" if others else "The trainer is starting …"
    elif job.state == jobs.PAUSED:
        text = f"Paused in epoch {status.get('epoch', 0) + 1} of {job.preset.epochs}"
    elif left is None:
        text = f"Epoch {status.get('epoch', 0) + 1} of {job.preset.epochs} …"
    else:
        text = f"Epoch {min(status['epoch'] + 1, job.preset.epochs)} of {job.preset.epochs}, {in_words(left)} left"
    st.progress(share, text)
    row = st.container(horizontal=True)
    if job.state == jobs.PAUSED:
        row.button("Go on", icon=":material/play_arrow:", on_click=jobs.resume, args=(job,), key="resume")
    else:
        row.button("Pause", icon=":material/pause:", on_click=jobs.steer, args=(job, "pause"), key="pause",
                   disabled=job.state == jobs.WAITING)
    row.button("Stop and keep the best", icon=":material/stop:", on_click=jobs.steer, args=(job, "stop"), key="stop")


def show_ended(job):
    """A run that did not get to its end: why, and what can be done."""
    done = len(job.history())
    st.warning({jobs.INTERRUPTED: f"This run was interrupted after {done} of {job.preset.epochs} epochs; it can go on "
                                  "from there with the same numbers."}.get(job.state) or job.status.get("error", ""))
    row = st.container(horizontal=True)
    row.button("Go on", icon=":material/play_arrow:", on_click=jobs.resume, args=(job,), key="resume")
    if job.state == jobs.INTERRUPTED and done:
        row.button("Stop and keep the best", icon=":material/stop:", on_click=jobs.steer, args=(job, "stop"),
                   key="stop")
    row.button("Forget it", icon=":material/delete:", on_click=jobs.remove, args=(job,), key="forget")
    told = jobs.told(job)
    if told is not None:
        show_frame(told, job.preset)
        show_curves(job.history(), job.preset.epochs, f"ended_{job.ident}")


def show_frame(told, preset):
    """The latest pictures of a run, and its plane."""
    st.image(sheets.to_png(story.frames(told, live.PALETTE, most=1)[-1]), width="content",
             caption=f"After {told.epochs[-1]} epochs. {describe(told, preset)}",
             alt=f"Pictures and what the network makes of them after {told.epochs[-1]} epochs")


def describe(told, preset):
    noise = "noisy pictures" if preset.corruption else "pictures"
    reach = "" if told.codes is None else f"{story.reach(told):.0f}"
    plane = f" Right: the codes of {len(told.labels):,} of them on the plane, each number from −{reach} to {reach}; " \
            "a color is a class." if reach else ""
    return f"Left: {noise} that were never trained on. Middle: rebuilt.{plane}"


def show_curves(history, epochs, key):
    """The loss of training and validation; of a VAE reconstruction and KL apart."""
    for column, (name, curves) in zip(st.columns(2), (story.curves(history) or {"Loss": {}}).items(), strict=False):
        figure = go.Figure([go.Scatter(x=list(range(1, len(values) + 1)), y=values, name=line, mode="lines+markers",
                                       line={"color": color}) for (line, values), color
                            in zip(curves.items(), (live.PALETTE[0], live.PALETTE[6]), strict=False)])
        figure.update_layout(title=name, **CHART)
        figure.update_xaxes(title="Epoch", range=[0.5, max(epochs, 2) + 0.5])
        column.plotly_chart(figure, alt=f"{name} of training and validation in each epoch", key=f"{key}_{name}",
                            config={"displayModeBar": False})


def show_model(name):
    """A finished run as a film to drag, its curves, and what can be done with the model."""
    stored = widgets.served(name)
    if story.FILE in stored.card["sha256"]:
        told, history, strip = cache.story_of(stored)
        epochs = told.epochs[story.shown_epochs(told)]
        live.filmstrip(f"film_{name}", strip, label="Epoch", value=epochs[-1], stop=epochs[-1], digits=0,
                       scale=1, captions=[f"After {epoch} epochs" for epoch in epochs], ends=("untrained", "trained"),
                       alt="Pictures, what the network makes of them, and its plane, epoch by epoch")
        st.caption(describe(told, stored.preset))
        show_curves(history, len(history), f"model_{name}")
    else:
        st.info("This model came without the story of its training; the pages below show what it can do.")
    show_use(stored)


def film(told):
    """The bytes of a GIF of a story."""
    return sheets.to_gif(datasets.as_pictures(story.frames(told, live.PALETTE)), fps=4)


def show_use(stored):
    """Where the model can be seen, and its downloads."""
    preset, row = stored.preset, st.container(horizontal=True)
    with row:
        for page in pages_for(preset):
            frame.link(page, query={"model": preset.title})
        st.download_button("Download the model (zip)", lambda: bundle.pack(preset.name), f"{preset.name}.zip",
                           "application/zip", icon=":material/download:", on_click="ignore", key="zip")
        if story.FILE in stored.card["sha256"]:
            told, history, _ = cache.story_of(stored)
            st.download_button("Curves (CSV)", widgets.table_csv(history), f"{preset.name}.csv", "text/csv",
                               icon=":material/download:", on_click="ignore", key="csv")
            st.download_button("Film (GIF)", lambda: film(told), f"{preset.name}.gif", "image/gif",
                               icon=":material/download:", on_click="ignore", key="gif")
        if preset.name in store.own():
            with st.popover("Delete", icon=":material/delete:"):
                st.markdown(f"Delete “{preset.title}” for good?")
                st.button("Yes, delete it", on_click=store.remove, args=(preset.name,), key="delete")


def pages_for(preset):
    """The pages that can show a model."""
    digits = preset.labels == 10 and preset.code == 2 and datasets.about(preset.dataset).classes == tuple("0123456789")
    shown = {"reconstruct": not preset.corruption, "denoise": bool(preset.corruption) and not preset.labels,
             "latent_map": preset.mapped and not preset.labels, "digits": digits}
    return [page for page, shows in shown.items() if shows]


def show_plan(preset, seed, about):
    """The network from picture to code to picture, and the lines that train it again."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("The network")
        parts = blueprint.stages(preset)
        st.plotly_chart(diagram(parts), config={"displayModeBar": False}, key="diagram",
                        alt="The layers of the network: " + ", ".join(
                            f"{stage.kind} {by(stage.shape)}" for part in parts.values() for stage in part))
        st.caption(f"{blueprint.parameters(preset):,} parameters. Height: how many numbers a layer gives, on a "
                   f"logarithmic scale. {preset.description}")
    with right:
        st.subheader("The same run in Python")
        st.code(design.lines(preset, seed, about), "python", height=300)


def diagram(parts):
    """Bars as high as the layers are wide (log), around a middle line: the hourglass of an autoencoder."""
    rows = [(stage, color) for part, color in zip(parts.values(), (live.PALETTE[0], live.PALETTE[6]), strict=True)
            for stage in part if stage.kind != "Log-variance"]
    rows = [row for row in rows if row[0].kind not in ("Mean", "Code") or row[1] == live.PALETTE[0]]
    heights = [blueprint.size(stage) for stage, _ in rows]
    figure = go.Figure(go.Bar(
        x=list(range(len(rows))), y=heights, base=[-height / 2 for height in heights],
        marker_color=[live.PALETTE[2] if stage.kind in ("Mean", "Code") else color for stage, color in rows],
        customdata=[[stage.kind, by(stage.shape), f"{stage.parameters:,}"] for stage, _ in rows],
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<br>%{customdata[2]} parameters<extra></extra>"))
    figure.update_layout(height=300, margin=CHART["margin"], showlegend=False, bargap=0.15)
    figure.update_yaxes(visible=False, fixedrange=True)
    figure.update_xaxes(tickvals=list(range(len(rows))), fixedrange=True, tickangle=0 if len(rows) < 7 else -60,
                        ticktext=[f"<b>{stage.kind}</b><br>{by(stage.shape)}" for stage, _ in rows])
    return figure


def by(shape):
    return " x ".join(map(str, shape))


def in_words(seconds):
    """75 -> "1 min 15 s", 7500 -> "2 h 5 min"."""
    minutes, hours = int(seconds) // 60, int(seconds) // 3600
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {int(seconds) % 60} s" if minutes else f"{max(int(seconds), 1)} s"


def show_beta():
    """Three sizes of beta side by side, as far around 0 as the reader drags."""
    st.subheader("Play with beta")
    missing = [name for name in design.BETA_PRESETS if not store.present(name)]
    if missing:
        st.warning(f"This part needs another model. Train it with: `python -m ae_core train {missing[0]}`")
        return
    reaches = design.BETA_REACHES
    planes = cache.betas(tuple(map(widgets.served, design.BETA_PRESETS)))
    live.filmstrip("beta", planes, label="How far around 0", scale=1,
                   value=reaches.index(2) / (len(reaches) - 1),
                   captions=[f"Codes from −{reach:g} to {reach:g}: {far(reach)}" for reach in reaches],
                   ends=("near 0", "far out"),
                   alt="Three planes of clothing: with beta too small, just right, and too large")
    st.markdown("A small VAE of clothing, its KL term weighed a thousandth, once and a hundred times (the outer two "
                "with a quarter as many units). New pictures are drawn from codes around 0, mostly from −2 to 2. With "
                "**too small** a beta there is a hole: the clothes lie much farther out. With beta **1** the plane is "
                "full where one draws from it. With **too large** a beta no code says anything, and every place is "
                "one average picture.")


def far(reach):
    return "where new pictures are drawn from" if reach <= 3 else "farther than the prior reaches"


frame.open_page("train")
stage, controls = st.columns([2, 1], gap="medium")
with controls:
    new_run()
    load_model()
with stage:
    shown = choose_run()
    job = jobs.read(shown.removeprefix("job ")) if shown and shown.startswith("job ") else None
    if job and job.state in LIVE:
        st.fragment(watch, run_every=1.0)(job.ident)
    elif job:
        show_ended(job)
    elif shown:
        show_model(shown)
if shown:
    card = {} if job else store.card(shown)
    show_plan(job.preset if job else store.preset(shown), job.seed if job else card["training"]["seed"],
              job.about if job else card.get("data"))
show_beta()
widgets.explain(IDEA, FORMULA, presets.get(design.STORY).recipe)
widgets.code(design.design, jobs.request, story.curves)
