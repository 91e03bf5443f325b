"""What the Train page shows of a run: one that goes on, one that ended early, and a finished one as a film."""
from typing import Any

import streamlit as st

from ae_core import presets, store
from ae_core.own import blueprint, design, jobs, limits, story
from ae_core.pictures import convert, sheets
from pages.shared import cache, charts, frame, live, new_run, server, widgets

# The picture of a run that goes on is as large as a finished one's.
FRAME = "<style>.st-key-main_frame img { width: min(100%, calc((100dvh - 17rem) * 2.4)) !important; }" \
        ".st-key-main_frame * { width: 100%; }</style>"


# --- a run that is not done ----------------------------------------------------------------------------------

def watch(ident: str) -> None:
    """A run that goes on: where it is, its buttons, its pictures and its curves. Runs anew every second."""
    job = jobs.read(ident, server.owner())
    if job is None or job.state not in jobs.GOING_ON:
        st.rerun()
    widgets.attempt(jobs.start)
    show_progress(job)
    recorded = jobs.story_of(job)
    show_frame(recorded or story.blank(job.preset), job.preset,
               "" if recorded else "What the untrained network makes of the pictures appears here in a moment.")
    show_curves(job.history(), job.preset, f"live_{ident}")


def show_progress(job: jobs.Job) -> None:
    """Where a run is, in a bar and words, and its buttons."""
    status, epochs = job.status, job.preset.epochs
    epoch, left = status.get("epoch", 0) + 1, status.get("seconds_left")
    if job.state == jobs.WAITING and (ahead := jobs.ahead(job)):
        text = f"Waiting for {ahead} other run{'s' * (ahead > 1)} to finish"
    elif job.state == jobs.WAITING or "epoch" not in status:
        text = "Starting the trainer …"
    elif job.state == jobs.PAUSED:
        text = f"Paused in epoch {epoch} of {epochs}"
    elif left is None:
        text = f"Epoch {epoch} of {epochs} …"
    else:
        text = f"Epoch {min(epoch, epochs)} of {epochs}, {new_run.in_words(left)} left"
    st.progress(min(status.get("share", 0.0), 1.0), text)
    live.announce("run", f"{job.preset.title}: {job.state}")
    row = st.container(horizontal=True)
    if job.state == jobs.PAUSED:
        resume_button(row, job)
    else:
        row.button("Pause", icon=":material/pause:", on_click=widgets.attempt, args=(jobs.steer, job, "pause"),
                   key="hold", disabled=job.state == jobs.WAITING)
    stop_button(row, job)


def resume_button(row: Any, job: jobs.Job) -> None:
    """In the place of Pause and with its key, so that it is the same button to the browser, and keeps the focus."""
    row.button("Resume", icon=":material/play_arrow:", on_click=widgets.attempt, args=(jobs.resume, job),
               key="hold")


def stop_button(row: Any, job: jobs.Job) -> None:
    """The end of a run, whose best epoch stays."""
    row.button("Stop and keep the best", icon=":material/stop:", on_click=widgets.attempt,
               args=(jobs.steer, job, "stop"), key="stop")


def show_ended(job: jobs.Job) -> None:
    """A run that did not get to its end: why, and what can be done."""
    history = job.history()
    live.announce("run", f"{job.preset.title}: {job.state}")
    st.warning({jobs.INTERRUPTED: f"This run was interrupted after {len(history)} of {job.preset.epochs} epochs. "
                                  "It can resume from there with exactly the same numbers."}.get(
                                      job.state) or job.status.get("error", ""))
    row = st.container(horizontal=True)
    resume_button(row, job)
    if job.state == jobs.INTERRUPTED and history:
        stop_button(row, job)
    row.button("Remove", icon=":material/delete:", on_click=widgets.attempt, args=(jobs.remove, job),
               key="forget")
    recorded = jobs.story_of(job)
    if recorded is not None:
        show_frame(recorded, job.preset)
        show_curves(history, job.preset, f"ended_{job.ident}")


def show_frame(recorded: story.Story, preset: presets.Preset, instead: str = "") -> None:
    """The latest pictures of a run, and its plane; `instead`: what to say where there are none yet."""
    after = f"after {recorded.epochs[-1]:.3g} epochs" if recorded.epochs[-1] else "untrained"
    st.html(FRAME)
    with st.container(key="main_frame"):
        widgets.image(story.frames(recorded, live.PALETTE, most=1)[-1],
                      instead or f"Pictures and their reconstructions, {after}")
    st.caption(instead or f"{after.capitalize()}. {describe(recorded, preset)}")


def describe(recorded: story.Story, preset: presets.Preset) -> str:
    """What the parts of a run's picture are."""
    noise = "noisy pictures" if preset.corruption else "pictures"
    reach = "" if recorded.codes is None else f"{story.reach(recorded.codes):.0f}"
    plane = f" Right: the codes of {len(recorded.labels):,} of them on the plane, each number from −{reach} to " \
            f"{reach}; colors are classes." if reach else ""
    return f"Left: {noise} held out from training. Middle: reconstructions.{plane}"


def show_curves(history: list[dict[str, Any]], preset: presets.Preset, key: str) -> None:
    """The loss of training and validation; of a VAE reconstruction and KL apart. Behind them, where it measures the
    same, the validation of the shipped run.
    """
    shipped, ghosts, epochs = presets.get(design.STORY), {}, preset.epochs
    if preset.name != design.STORY and store.present(design.STORY) and \
            (preset.dataset, preset.loss) == (shipped.dataset, shipped.loss):
        ghosts = story.curves(cache.story_of(cache.served(design.STORY))[1])
    for column, (name, curves) in zip(st.columns(2), (story.curves(history) or {"Loss": {}}).items(), strict=False):
        with column:
            charts.curves({line: (range(1, len(values) + 1), values) for line, values in curves.items()}, "Epoch", "",
                          f"{name} of training and validation in each epoch", height=260, title=name,
                          x_range=[0.5, max(epochs, 2) + 0.5], key=f"{key}_{name}", ghosts={
                              f"{shipped.title} (shipped)": (range(1, len(values) + 1), values)
                              for line, values in ghosts.get(name, {}).items() if line == "Validation"})


# --- a finished one ------------------------------------------------------------------------------------------

def show_model(name: str, other: Any) -> None:
    """A finished run as a film to drag, above another one where that is chosen; its curves; what it can be used for."""
    served = widgets.served(name)
    trained, asked = served.card["training"]["epochs"], served.preset.epochs
    live.announce("run", f"{served.preset.title}: " + (f"{trained} of {asked} epochs" if trained < asked else "done"))
    kept = cache.story_of(served) if story.FILE in served.card["sha256"] else None
    if kept:
        recorded, history, strip = kept
        epochs = recorded.epochs[story.shown_epochs(recorded)].tolist()
        if other:
            strip, epochs = cache.pair_of(served, other)
        live.filmstrip(f"film_{name}_{other.preset.name if other else ''}", strip, stage=True, smooth=True,
                       label="Epoch", value=epochs[-1], stop=epochs[-1], digits=0,
                       scale=1, captions=[f"After {epoch} epochs" for epoch in epochs], ends=("untrained", "trained"),
                       alt="Pictures, their reconstructions, and the plane of codes, epoch by epoch")
        above, below = (widgets.plain(each.preset.title) for each in (served, other or served))
        st.caption((f"Above: {above}; below: {below}. " if other else "") + describe(recorded, served.preset))
        widgets.panel("The loss of each epoch", lambda: show_curves(history, served.preset, f"model_{name}"),
                      "show_chart", "losses")
    else:
        st.info("This model comes without a record of its training; the pages below show what it can do.")
    show_use(served, kept)


def show_use(served: Any, kept: Any) -> None:
    """Where the model can be seen, and its downloads."""
    preset = served.preset
    with st.container(horizontal=True):
        for page in frame.pages_for(preset):
            frame.link(page, model=preset)
        new_run.download_model(served)
        if kept:
            recorded, history, _ = kept
            widgets.download("Curves (CSV)", widgets.table_csv(history), f"{preset.name}.csv", "text/csv", key="csv")
            widgets.download("Film (GIF)", lambda: sheets.to_gif(convert.as_pictures(
                story.frames(recorded, live.PALETTE)), fps=4), f"{preset.name}.gif", "image/gif", key="gif")
    if preset.name.startswith(store.OWN):
        show_owner(preset)


def show_owner(preset: presets.Preset) -> None:
    """Whose an own model is; its owner can share and delete it."""
    card, visitor = store.card(preset.name), server.owner()
    if not store.belongs(card, visitor):
        st.caption("This model is shared by another visitor of this server.")
        return
    if not card.get("owner"):
        st.caption("This model belongs to everybody who uses this server.")
        if limits.public():
            return
    with st.container(horizontal=True, vertical_alignment="center"):
        if card.get("owner"):
            st.session_state.share = card.get("shared", False)
            st.toggle("Share with everyone who uses this server", key="share", on_change=store.share,
                      args=(preset.name, not st.session_state.share, visitor),
                      help="Others can then see and download it, and see its test pictures. Only you can delete it.")
        with st.popover("Delete", icon=":material/delete:"):
            st.markdown(f"Delete “{widgets.plain(preset.title)}” permanently?")
            st.button("Yes, delete it", on_click=widgets.attempt, args=(store.remove, preset.name, visitor),
                          key="delete")


def show_plan(preset: presets.Preset, seed: int, about: dict | None) -> None:
    """The network from picture to code to picture, and the lines that train it again."""
    def network():
        charts.network(blueprint.stages(preset))
        st.caption(f"{blueprint.parameters(preset):,} parameters. Height: how many numbers a layer outputs, on a "
                   f"logarithmic scale. {widgets.plain(preset.description)}")
    left, right = st.columns(2, gap="large")
    with left:
        widgets.panel("The network", network, "lan", "network")
    with right:
        widgets.panel("The same run in Python", lambda: st.code(design.lines(preset, seed, about), "python",
                                                                height=300), "code", "lines")
