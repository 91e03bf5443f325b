"""The page table, and what every page begins with.

Streamlit runs a page file alone when its address is opened cold (/denoise), without the router in app.py. So a page
never relies on the router: `open_page` sets the title and draws the navigation in both cases.
"""
import contextlib
import functools
import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from ae_core import presets, store
from ae_core.features import (
    colorize,
    denoise,
    digits,
    faces,
    latent_map,
    outliers,
    published_colorizer,
    reconstruct,
    search,
)
from ae_core.own import design
from ae_core.pictures import convert, datasets, sheets
from pages.shared import address, cache, stage

Picture = tuple[np.ndarray, str]         # a uint8 sheet and its alt text


def nothing(preset: presets.Preset) -> bool:
    """Of pages that are about one model of their own."""
    return False


@dataclass(frozen=True)
class Home:
    """The picture of a page on Home, drawn by a model of that page."""
    model: str                   # its name
    draw: Callable[[Any], Picture]


@dataclass(frozen=True)
class Page:
    """All that the app knows of a page."""
    name: str                    # of its files: pages/<name>.py, <name>.md with "How this works"; and its address
    title: str
    icon: str
    group: str                   # its heading in the navigation
    sentence: str                # what to do here
    home: Home | None = None     # its picture there
    shows: Callable[[presets.Preset], bool] = nothing    # which models can be chosen on it
    query: str = "model"         # where its address keeps the title of the chosen model
    models: tuple[str, ...] = () # those that it is made of, beside what can be chosen

    @property
    def file(self) -> str:
        return f"pages/{self.name}.py"


# --- the pictures on Home ------------------------------------------------------------------------------------

def _reconstruct(served: Any) -> Picture:
    pictures = cache.samples("fashion_mnist")[0][[0, 2, 8, 18]]
    result = reconstruct.run(served, pictures)
    return sheets.stack(sheets.tile(pictures, 4, scale=3), sheets.tile(result.rebuilt, 4, scale=3), gap=2), \
        "Four pieces of clothing above their reconstructions from 256 numbers"


def _denoise(served: Any) -> Picture:
    pictures = cache.samples("mnist")[0][[0, 1, 2, 4]]
    noisy = denoise.corrupt(pictures, "Gaussian", seed=1, sigma=0.6, mean=0.5)
    result = denoise.run(served, pictures, noisy)
    return sheets.stack(sheets.tile(noisy, 4, scale=3), sheets.tile(result.restored, 4, scale=3), gap=2), \
        "Four digits under heavy noise, above the same digits restored"


def _latent_map(served: Any) -> Picture:
    pictures = latent_map.sheet(served, cache.plane(served), 13, -2, 2)[:13 * 6]
    return sheets.tile(pictures, 13, gap=0), "A sheet of digits that morph into one another"


def _digits(served: Any) -> Picture:
    lines = digits.write(served, "2026", digits.tour(4, 10)[[0, 5]])
    return sheets.tile(lines, 1, scale=3), "The year 2026 in two handwriting styles"


def _faces(served: Any) -> Picture:
    stored, codes = cache.attributes(served), cache.codes(served).mean
    strip = faces.sheet(served, codes[stored.gallery[12:13]], stored.of(["Smiling"])[0])
    return sheets.tile(strip, 7), "One face in seven steps from serious to smiling"


def _colorize(served: Any) -> Picture:
    path = datasets.photographs()["China"]
    look = cache.look(served, "China", path.read_bytes(), path.name)
    return colorize.beside(look, 300), "A gray photo of temples beside its colorized version"


def _outliers(served: Any) -> Picture:
    mixed = datasets.mix(*cache.samples("fashion_mnist"), 5, 0)
    order = np.argsort(-outliers.run(served, mixed.pictures).scores)[:12]
    framed = sheets.frame(mixed.pictures[order], [outliers.RED if odd else (0, 0, 0) for odd in mixed.intruder[order]])
    return sheets.tile(framed, 6, scale=2), \
        "The twelve highest outlier scores among 1,010 sandals; red frames mark the T-shirts"


def _search(served: Any) -> Picture:
    pictures = cache.searched("test")[0]
    found = search.like(cache.index(served, "test"), served, pictures[4], 10, but=4)
    return sheets.tile(pictures[[4, *found.ids]], 11, scale=2), "A shirt and the ten most similar pictures"


def _train(served: Any) -> Picture:
    rebuilt = cache.story_of(served)[0].rebuilt
    return np.concatenate([sheets.tile(convert.as_pictures(rebuilt[k][:4]), 4, scale=3) for k in (0, 1, -1)]), \
        "Four pieces of clothing as a network reconstructs them untrained, after one epoch, and after twenty"


# --- the table -----------------------------------------------------------------------------------------------

def _writes_digits(preset: presets.Preset) -> bool:
    return preset.labels == 10 and preset.code == 2 and datasets.has_samples(preset.dataset) and \
        datasets.about(preset.dataset).classes == digits.DIGITS


def _lies_on_a_map(dataset: str) -> bool:
    """An own model that came without its pictures can still show its own copies of them."""
    return datasets.has_samples(dataset) or dataset not in datasets.DATASETS


PAGES = {page.name: page for page in (
    Page("home", "Autoencoder Lab", ":material/home:", "",
         "A picture becomes a few numbers, and the numbers a picture again. Drag one."),
    Page("reconstruct", "Reconstruct", ":material/compare:", "See",
         "Drag along the code sizes: how few numbers still hold a picture?",
         Home("fashion_conv", _reconstruct),
         lambda preset: not preset.corruption and datasets.has_samples(preset.dataset)),
    Page("denoise", "Denoise", ":material/blur_on:", "See",
         "Drag the noise level and watch the autoencoder restore the pictures.",
         Home("digits_denoiser", _denoise),
         lambda preset: not preset.labels and not preset.output and datasets.has_samples(preset.dataset)),
    Page("latent_map", "Latent map", ":material/map:", "Explore",
         "Drag the point across the plane: every position decodes to a picture.",
         Home("digits_vae", _latent_map),
         lambda preset: preset.mapped and not preset.labels and _lies_on_a_map(preset.dataset),
         models=design.BETA_PRESETS),
    Page("digits", "Digits", ":material/pin:", "Explore",
         "Drag through handwriting styles: all ten digits follow.",
         Home("digits_cvae", _digits), _writes_digits),
    Page("faces", "Faces", ":material/face:", "Explore",
         "Drag a strip to make the face smile, age, or wear glasses.",
         Home(faces.PRESET, _faces), models=(faces.PRESET, faces.SHARP)),
    Page("colorize", "Colorize", ":material/palette:", "Use",
         "Drop in a black-and-white photo, drag the line across it, and download it in color.",
         Home(colorize.PRESET, _colorize), models=(colorize.PRESET, published_colorizer.PRESET)),
    Page("outliers", "Outliers", ":material/search_insights:", "Use",
         "Find the ten pictures that do not belong with the rest, then see what the machine finds.",
         Home(outliers.ENCODER, _outliers), models=(outliers.ENCODER, outliers.PUBLISHED)),
    Page("search", "Search", ":material/image_search:", "Use",
         "Choose or draw a picture, see the sixteen most similar, and click one to continue from it.",
         Home(search.PRESET, _search), models=(search.PRESET,)),
    Page("train", "Train", ":material/model_training:", "Make",
         "Choose pictures and a network, press Train, and watch it learn epoch by epoch.",
         Home(design.STORY, _train)),
)}


def pages_for(preset: presets.Preset) -> list[str]:
    """The pages on which a model can be chosen."""
    return [name for name, page in PAGES.items() if page.shows(preset)]


def shown_on(preset: presets.Preset) -> list[str]:
    """The pages on which a model can be seen, chosen or not."""
    return [name for name, page in PAGES.items() if page.shows(preset) or preset.name in page.models]


# --- what every page begins with -----------------------------------------------------------------------------

TAB_ICON = Path(__file__).with_name("icon.png")    # Streamlit would fetch a material icon for the tab from the network
SIDEBAR = 220                    # pixels
# Streamlit's margins cost a third of a projector's width; the picture gets it instead.
STYLE = """<style>
.stMainBlockContainer { padding: 0.75rem clamp(1rem, 2.5vw, 3rem) 3rem; }
.stMainBlockContainer > .stVerticalBlock { gap: 0.75rem; }
/* The heading is one line, where Streamlit has an empty bar with its menu at the right, and what opens the sidebar. */
.stAppHeader { background: none !important; pointer-events: none; }
.stAppHeader :is(button, a) { pointer-events: auto; }
[data-testid=stExpandSidebarButton] { background: light-dark(#fff, #0e1117) !important; }
.st-key-heading { min-height: 2.75rem; padding-right: 3rem; gap: 0.25rem 1.25rem !important; }
.st-key-heading h1 { font-size: 1.75rem; line-height: 2.25rem; padding: 0; white-space: nowrap; }
.st-key-heading p { font-size: 1.05rem; line-height: 1.35; }
.stApp:has(.stSidebar[aria-expanded=false]) .st-key-heading { padding-left: 2.5rem; }
@media (max-width: 768px) { .stApp .st-key-heading { padding: 0; } .st-key-heading h1 { padding-left: 2.25rem; } }
/* The one row of controls above the picture: large enough for a finger, and to be seen from the last row. */
.st-key-controls { align-items: flex-end; gap: 0.5rem 1.25rem !important; }
.st-key-controls :is(button, input, [data-baseweb=select] > div) { min-height: 44px; }
@media (max-width: 640px) { .st-key-controls { gap: 0.5rem !important; } }
.st-key-next a { border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: 0.5rem;
  padding: 0.75rem 1rem; }
/* What was made stays as it is until what follows is ready; a line on top says that something is being computed. */
[data-stale="true"] { opacity: 1 !important; }
.stApp[data-test-script-state="running"]::before { content: ""; position: fixed; inset: 0 0 auto; height: 3px;
  z-index: 1e6; background: Highlight; transform-origin: 0; animation: ae-working 8s ease-out 0.3s both; }
@keyframes ae-working { from { opacity: 0; transform: scaleX(0); } 5% { opacity: 1; } to { transform: scaleX(0.9); } }
[class*=st-key-address], [class*=st-key-menu], [class*=st-key-said], [class*=st-key-runs] { display: none; }
/* What is written smaller or on blue is read from the last row, too: contrast of 4.5 to 1 at least. */
[data-testid=stCaptionContainer], [data-testid=stCaptionContainer] :is(p, li) { opacity: 1 !important;
  color: light-dark(#5f5e5c, #b4b2ae) !important; }
.stMultiSelect [data-tag], .stMultiSelect [data-tag] *, [data-testid^=stBaseButton-primary],
[data-testid^=stBaseButton-primary] :is(p, span) { color: light-dark(#fff, #0d1520) !important; }
/* Where the keyboard is: Streamlit shows it neither on the link of the page one is on, nor on a tag. */
.stApp :is(a, [data-tag], [data-tag] *):focus-visible { outline: 2px solid light-dark(#0b6bcb, #5aa9ff) !important;
  outline-offset: -2px; }
/* Nothing is cut off: a column that is too narrow for its controls goes below the others; rows and long words wrap. */
.stHorizontalBlock { flex-wrap: wrap; }
.stColumn { min-width: min(100%, 12rem); }
.stButtonGroup [role=radiogroup] { flex-wrap: wrap; }
@media (max-width: 1100px) {
  .stColumn { min-width: min(100%, 18rem); }
  .stButtonGroup [role=radiogroup] { gap: 0.3rem; }
  .stButtonGroup button { margin: 0; padding-inline: 0.7rem; border-radius: 0.5rem !important; }
  .stButtonGroup button[aria-checked=false] {
    border-color: color-mix(in srgb, currentColor 20%, transparent) !important; }
}
[data-testid=stMultiSelectTagsContainer] { flex-wrap: wrap; }
.stMarkdownEllipsis, .stMarkdownEllipsis p, .stFileUploader section span, .st-key-next a * {
  white-space: normal !important; }
@media print { .stSidebar, .stAppHeader { display: none !important; } .stMain { position: static; } }
</style>"""


# Streamlit closes its own navigation on a phone; ours would go on covering the page that was chosen. What is on the
# first screen is marked, where a container of Streamlit's is the picture, its control, or what is compared.
SCRIPT = """
const MARKS = { "data-main": "[class*=st-key-main]", "data-control": "[class*=st-key-control]",
  "data-compare": "[class*=-compare], [class*=_compare]" };
const mark = () => Object.entries(MARKS).forEach(([name, selector]) => {
  document.querySelectorAll(`[${name}]:not(:is(${selector}))`).forEach((element) => element.removeAttribute(name));
  document.querySelectorAll(`:is(${selector}):not([${name}])`).forEach((element) => element.setAttribute(name, ""));
});
export default function () {
  if (window.__aeMenuCloses) return;
  window.__aeMenuCloses = true;
  mark();
  new MutationObserver(mark).observe(document.body, { childList: true, subtree: true });
  document.addEventListener("click", ({ target }) => {
    if (!matchMedia("(max-width: 768px)").matches || !target.closest?.("[data-testid=stSidebar] a")) return;
    setTimeout(() => document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click());
  });
}
"""
_SCRIPT = st.components.v2.component("autoencoder_lab_menu", js=SCRIPT)


@functools.cache
def _spare_the_collector() -> None:
    """Once per server, when the first page has imported all it needs: what stays forever is never looked at again."""
    gc.collect()
    gc.freeze()


def open_page(name: str) -> None:
    """Set the browser tab, draw the navigation and the heading of a page of the table."""
    _spare_the_collector()
    page = PAGES[name]
    tab = page.title if name == "home" else f"{page.title} · Autoencoder Lab"
    st.set_page_config(page_title=tab, page_icon=TAB_ICON, layout="wide", initial_sidebar_state=SIDEBAR)
    st.html(STYLE)
    address.replace_history()
    _SCRIPT(key="menu:closes")
    on, step = stage.state()
    stage.listen(on)
    if on:
        _show_stage(name, step)
    else:
        with st.sidebar:
            _show_menu()
    with st.container(horizontal=True, vertical_alignment="center", key="heading"):
        st.title(page.title, width="content")
        st.markdown(page.sentence, width="content")
    address.make_room()


def _show_menu() -> None:
    """All pages by their groups, and the way to the stage."""
    group = ""
    for name, page in PAGES.items():
        if page.group != group:
            group = page.group
            st.caption(group)
        link(name)
    st.caption("Present")
    st.button("Stage mode", icon=":material/co_present:", key="to_stage", on_click=stage.enter, type="tertiary",
              help="Larger, without this menu. Page Up and Page Down turn pages, F fills the screen, Escape leaves.")
    first = (_steps() or (stage.Step("", "home", {}, ""),))[0]
    link(first.page, "Tour", query=first.query | {"tour": "1"}, icon=":material/route:")


def _steps() -> tuple[stage.Step, ...]:
    """The tour's; a sentence and none where its file is amiss."""
    try:
        return stage.tour(PAGES)
    except (OSError, ValueError) as error:
        st.warning(str(error))
        return ()


def _show_stage(name: str, step: int) -> None:
    """The line at the foot of the stage: along the tour, or from page to page."""
    steps = _steps() if step else ()
    places = [(each.page, each.query | {"tour": str(k)}) for k, each in enumerate(steps, 1)] or \
        [(page, {"stage": "1"}) for page in PAGES]
    here = min(step, len(steps)) - 1 if steps else list(PAGES).index(name)
    words = f" · **{steps[here].title}** · {steps[here].sentence}" if steps else ""

    def to(number: int, label: str, icon: str) -> None:
        if 0 <= number < len(places):
            page, query = places[number]
            link(page, label, query=query, icon=f":material/{icon}:")
    stage.bar(lambda: to(here - 1, "Back", "arrow_back"), f"{here + 1} of {len(places)}{words}",
              lambda: to(here + 1, "Next", "arrow_forward"))


def controls() -> Any:
    """The row of the one or two controls that matter, above the picture."""
    return st.container(horizontal=True, key="controls")


def show_next(name: str) -> None:
    """The way to the next idea, at the end of a page: the pages are one lesson, in the order of the table."""
    names = list(PAGES)
    following = names.index(name) + 1
    with st.container(key="next"):
        if following < len(names):
            entry = PAGES[names[following]]
            link(entry.name, label=f"Next: **{entry.title}** · {entry.sentence}")
        else:
            link("home", label="Back to the start")


def link(name: str, label: str = "", model: presets.Preset | None = None, query: dict[str, str] | None = None,
         icon: str = "") -> None:
    """A link to a page of the table, with a model or more of its address; none where a page runs alone in a test."""
    page = PAGES[name]
    asked = (query or {}) | ({page.query: model.title} if model else {})
    with contextlib.suppress(StreamlitPageNotFoundError):
        st.page_link(store.ROOT / page.file, label=label or page.title, icon=icon or page.icon,
                     query_params=asked or None)


def explanation(name: str) -> str:
    """What "How this works" says on a page, as Markdown."""
    return Path(__file__).parents[1].joinpath(f"{name}.md").read_text("utf-8")
