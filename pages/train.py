"""Train: make a model of your own and watch it learn."""
import streamlit as st

from ae_core import presets, store
from ae_core.own import design, jobs, limits, story
from pages.shared import frame, new_run, run_panels, server, widgets


def runs():
    """{key: text} of what the visitor can look at: runs that are not done, own models, the shipped run.

    The text of a run does not say whether it waits, trains or rests: the browser would keep it while that changes.
    """
    going = [] if limits.public() else jobs.every(server.owner())
    unfinished = {f"job {job.ident}": f"{job.preset.title} (not finished)"
                  for job in reversed(going) if job.state != jobs.DONE}
    shipped = {design.STORY: f"{presets.get(design.STORY).title} (shipped)"} if store.present(design.STORY) else {}
    models = {name: preset.title for name, preset in store.own(server.owner()).items()}
    return {key: text for text, key in widgets.told_apart(unfinished | models | shipped).items()}


def choose_run():
    """The run to look at: one that is going on, else the newest model; what has just been done stays in view."""
    options = runs()
    if sentences := store.damaged():
        st.warning(widgets.plain("\n\n".join(sentences)))
    chosen = st.session_state.get("run")
    if chosen and chosen not in options:
        job = jobs.read(chosen.removeprefix("job "), server.owner())
        st.session_state.run = job.preset.name if job and job.preset.name in options else next(iter(options), None)
    if not options:
        st.warning(f"There is no run to show yet. Start one, or train the shipped one: "
                   f"`python -m ae_core train {design.STORY}`")
        return None
    return st.selectbox("Run", list(options), format_func=options.get, key="run", label_visibility="collapsed")


def choose_beside(shown):
    """Another finished run under the same strip, or None; only those with a film of their own."""
    films = {key: text for key, text in runs().items() if key != shown and not key.startswith("job ")
             and story.FILE in store.card(key)["sha256"]}
    if not films or story.FILE not in store.card(shown)["sha256"]:
        return None
    key = st.selectbox("Under the same strip", [None, *films], key="beside",
                       format_func=lambda key: films.get(key, "no other run"))
    return widgets.served(key) if key else None


frame.open_page("train")
with frame.controls():
    begin = st.container(horizontal=True, width="content", vertical_alignment="center")
    chosen = st.container(width=280)
    settings = st.popover("Settings", icon=":material/tune:") if not limits.public() else None
    more = st.popover("More", icon=":material/more_horiz:")
notes = st.container()
jobs.tidy()
if settings is None:
    notes.info(limits.CLOSED)
else:
    with settings:
        new_run.show(begin, notes)
    with more:
        new_run.load_model()
with chosen:
    shown = choose_run()
job = jobs.read(shown.removeprefix("job "), server.owner()) if shown and shown.startswith("job ") else None
if job and job.state in jobs.GOING_ON:
    st.fragment(run_panels.watch, run_every=1.0)(job.ident)
elif job:
    run_panels.show_ended(job)
elif shown:
    with more:
        beside = choose_beside(shown)
    run_panels.show_model(shown, beside)
if shown:
    card = {} if job else store.card(shown)
    run_panels.show_plan(job.preset if job else store.preset(shown), job.seed if job else card["training"]["seed"],
              job.about if job else card.get("data"))
widgets.explain("train", [presets.get(design.STORY)], design.design, jobs.request, story.curves)
