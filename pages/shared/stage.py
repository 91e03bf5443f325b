"""Stage mode: larger type, no sidebar, pages turned by keys or a presenter's clicker, a pointer of light, and a tour.

A tour is a list of links with a sentence each, which a speaker edits: docs/tour.md, or the file that AE_TOUR names.
"""
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import streamlit as st

from ae_core import store

LINE = re.compile(r"\s*(?:[-*]|\d+\.)\s+\[([^]]+)\]\(/?([^)?\s]*)\??([^)\s]*)\):?\s*(.*)")
STYLE = """<style>
html { font-size: clamp(17px, 1.4vmin + 5px, 28px) !important; }
.stMainBlockContainer { padding-bottom: 5.5rem !important; }
.st-key-stage { position: fixed; inset: auto 0 0; z-index: 100; padding: 0.25rem 1rem; gap: 0.25rem 1rem !important;
  background: light-dark(#fff, #0e1117); border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.st-key-stage > :has(> .stMarkdown) { flex: 1 1 20rem; }
.st-key-stage .stMarkdown p { line-height: 1.35; }
.st-key-next { display: none; }
</style>"""
# What a clicker sends turns the page wherever the focus is; arrows only where nothing has it that they would move.
KEYS = """
const TURNS = { PageDown: "next", ArrowRight: "next", PageUp: "back", ArrowLeft: "back", Escape: "leave" };
export default function ({ data: { on } }) {
  document.documentElement.toggleAttribute("data-stage", on);
  if (window.__aeStage) return;
  const light = window.__aeStage = document.createElement("div");
  light.style.cssText = "position: fixed; width: 22px; height: 22px; margin: -11px; border-radius: 50%; z-index: 1e6;" +
    "pointer-events: none; background: radial-gradient(#fff 8%, #f22 35%, #f220 70%)";
  const onStage = () => document.documentElement.hasAttribute("data-stage");
  addEventListener("pointermove", ({ clientX, clientY, pointerType }) => {
    if (!onStage() || pointerType === "touch") return light.remove();
    light.style.translate = `${clientX}px ${clientY}px`;
    document.body.append(light);
  }, true);
  addEventListener("keydown", (event) => {
    if (!onStage() || event.ctrlKey || event.altKey || event.metaKey) return;
    const [focused] = event.composedPath();
    const writes = focused.matches?.("input, textarea, [contenteditable=true]");
    const free = focused.matches?.("html, body, .stMain, .st-key-stage *");
    if (event.key === "f" && !writes) {
      if (document.fullscreenElement) return void document.exitFullscreen();
      return void document.documentElement.requestFullscreen();
    }
    const turn = TURNS[event.key];
    const target = turn && document.querySelector(`.st-key-stage_${turn} :is(a, button)`);
    if (!target || writes || (event.key.startsWith("Arrow") && !free)) return;
    event.preventDefault();
    event.stopPropagation();
    target.click();
  }, true);
}
"""
_KEYS = st.components.v2.component("autoencoder_lab_stage", js=KEYS)


@dataclass(frozen=True)
class Step:
    """One link of a tour."""
    title: str
    page: str                    # its name in the page table
    query: dict[str, str]        # what its address asks for
    sentence: str


def tour(names: Collection[str]) -> tuple[Step, ...]:
    """The steps of the tour through pages of these names; ValueError names the line that is none."""
    path = Path(os.environ.get("AE_TOUR") or store.ROOT / "docs" / "tour.md")
    steps = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not (match := LINE.fullmatch(line)):
            continue             # a heading, a note
        title, page, query, sentence = match.groups()
        if (page or "home") not in names:
            raise ValueError(f"Line {number} of {path.name} links to /{page}, which is no page. There are: "
                             f"/ and /{', /'.join(name for name in names if name != 'home')}.")
        steps.append(Step(title, page or "home", dict(parse_qsl(query)), sentence))
    if not steps:
        raise ValueError(f"{path.name} has no step. Write lines such as: - [Title](/denoise?level=0.8): A sentence.")
    return tuple(steps)


def state() -> tuple[bool, int]:
    """Whether the app is on stage, and at which step of the tour, the first being 1; 0: without one.

    The address says it first, then what this visit remembers: links between pages leave the address behind.
    """
    kept = st.session_state
    asked = st.query_params.get("tour", "")
    if asked.isdecimal() and len(asked) < 4:
        kept["stage:step"] = int(asked)
    kept["stage:on"] = bool(kept.get("stage:on") or kept.get("stage:step") or st.query_params.get("stage") == "1")
    return kept["stage:on"], kept.get("stage:step", 0)


def listen(on: bool) -> None:
    """Keys and the pointer of light, from now on or no more."""
    _KEYS(key="stage:keys", data={"on": on})
    if on:
        st.html(STYLE)


def enter(step: int = 0) -> None:
    """Go on stage, with the tour at a step; a widget's callback."""
    st.session_state["stage:on"], st.session_state["stage:step"] = True, step


def leave() -> None:
    """Leave the stage; a widget's callback."""
    st.session_state["stage:on"], st.session_state["stage:step"] = False, 0
    for key in ("stage", "tour"):
        st.query_params.pop(key, None)


def bar(back: Any, text: str, forward: Any) -> None:
    """The line at the foot of the screen: `back` and `forward` draw a link each."""
    with st.container(horizontal=True, vertical_alignment="center", key="stage"):
        with st.container(key="stage_back", width="content"):
            back()
        st.markdown(text)
        with st.container(key="stage_next", width="content"):
            forward()
        with st.container(key="stage_leave", width="content"):
            st.button("Exit stage mode", icon=":material/close:", on_click=leave, type="tertiary")
