"""Digits: choose which digit, drag through how it is written."""
import numpy as np
import streamlit as st

from ae_core import latent
from ae_core.features import digits, latent_map
from ae_core.pictures import convert, sheets
from pages.shared import address, cache, frame, live, widgets

VIEWS = {"Styles": "grid", "Real digits as points": "points", "Both": "both"}
GRID = 13                        # pictures a side under the pad
FRAMES = 33                      # of a blend; the middle one is half and half
MAX_NUMBER = 12                  # digits that still fit a phone
RANGES = {"−1.5 … 1.5": (-1.5, 1.5), "−2.5 … 2.5": (-2.5, 2.5), "−3.5 … 3.5": (-3.5, 3.5)}
WEIGHT = address.numbers("weight", [(0, 1)], (0.5,), "weight")
# The digits are the page's main control, so they are as large as keys of a till.
BIG_BUTTONS = """<style>
.st-key-digit, .st-key-digit .stButtonGroup { width: 100%; }
.st-key-digit [role=radiogroup] { display: grid; grid-template-columns: repeat(2, 1fr); gap: 0.4rem; max-width: none; }
.st-key-digit button { min-height: 3.4rem; margin: 0; border-radius: 0.5rem !important; }
.st-key-digit button[aria-checked=false] { border-color: color-mix(in srgb, currentColor 20%, transparent) !important; }
.st-key-digit button p { font-size: 1.7rem; font-weight: 600; }
@media (max-width: 1100px) { .st-key-digit [role=radiogroup] { grid-template-columns: repeat(5, 1fr); } }
</style>"""


def show_styles(served, runs):
    """The digit buttons and the style pad beside them; returns the style."""
    buttons, pad = st.columns([1, 3.4], gap="large")
    with buttons:
        st.html(BIG_BUTTONS)
        digit = int(widgets.choose_segment("Digit", digits.DIGITS, "digit", "8"))
        view = widgets.choose_one("Under the point", list(VIEWS), "view")
        downloads = st.container()
        st.caption("Every point on the plane is a handwriting style; the digit stays the one you chose.")
    codes, plane = widgets.opened(cache.codes, served), cache.plane(served)
    rows = np.flatnonzero(codes.label == digit)
    near = live.Neighbors(codes.mean[rows], cache.class_strip(served, digit), codes.label[rows]) if len(rows) else None
    point = address.numbers("at", [plane.bounds[:2], plane.bounds[2:]], (0.6, -0.4), "style")
    with pad:
        style = live.pad(
            "style", lambda: cache.styles(served, digit, plane.bounds, digits.TILES), bounds=plane.bounds,
            point=point.read(), backdrop=VIEWS[view],
            grid=cache.styles(served, digit, plane.bounds, GRID, centers=True),
            dots=plane.points[rows], dot_labels=codes.label[rows], neighbors=near,
            exact=lambda *at: digits.decode_style(served, digit, at), size=520,
            decoder=live.Decoder(runs, (np.zeros(2), np.eye(2)), (np.eye(10)[digit], np.zeros((2, 10)))),
            label=f"Handwriting styles of the digit {digit}", alt=f"The digit {digit} in the style of the point")
    point.write(style)
    with downloads:
        widgets.take_along(served, lambda: latent_map.take_along(served, codes, cache.coded_pictures(served), digit))
        download_png("Download this digit", digits.write(served, str(digit), style)[0], f"digit_{digit}", 20)
    return style


def show_blend(served, runs, style):
    """Two digits and a weight, as a filmstrip."""
    st.subheader("Blend two digits")
    film, controls = st.columns([2, 1], gap="large")
    with controls:
        first = int(widgets.choose_one("From", digits.DIGITS, "from", index=8))
        second = int(widgets.choose_one("Into", digits.DIGITS, "into", index=3))
        mixed = digits.blend(served, first, second, style, FRAMES)
        widgets.show(sheets.tile(mixed.pictures[[0, FRAMES // 2, -1]], 3, scale=3),
                     f"{first}, half and half, and {second}, in the style chosen above.",
                     f"The digits {first} and {second} with their half-and-half blend between", "blend")
        download_gif(latent.there_and_back(mixed.pictures), f"blend_{first}_{second}", 8)
    with film:
        one, other = np.eye(len(digits.DIGITS))[[first, second]]
        weight = live.filmstrip(
            f"blend_{first}_{second}", latent.tiles(mixed.pictures, FRAMES)[0], scale=13,
            value=WEIGHT.read()[0], ends=(str(first), str(second)),
            captions=[f"{1 - share:.0%} {first} and {share:.0%} {second}" for share in mixed.shares],
            decoder=live.Decoder(runs, (style, np.zeros((1, 2))), (one, [other - one])),
            label=f"Weight of the {second}", alt=f"A digit between {first} and {second}")
    WEIGHT.write((weight,))


def show_number(served):
    """A number in one handwriting, which can be dragged on into others."""
    st.subheader("Write a number")
    film, controls = st.columns([2, 1], gap="large")
    with controls:
        number = st.text_input("Number", "2026", max_chars=MAX_NUMBER, key="number", bind="query-params").strip()
        if not number or set(number) - set(digits.DIGITS):
            st.info("Only the digits 0 to 9 can be written; showing 2026 instead.")
            number = "2026"
        hand = widgets.draw_again("hand", "Another style", "ink_pen", first=4)
    styles = digits.tour(hand, 40)
    lines = digits.write(served, number, styles)
    with film:
        share = live.filmstrip(f"number_{number}_{hand}", latent.tiles(lines, len(lines))[0], label="Handwriting",
                               alt=f"The number {number} in one handwriting style", loop=True, scale=8,
                               ends=("this style", "and back to it"))
    with controls:
        line = digits.write(served, number, digits.at(styles, share))[0]
        download_png("Download PNG", line, f"number_{number}", 8)
        download_gif(lines, f"number_{number}", 4)


def show_sheet(served):
    """Every digit down, one latent dimension across."""
    st.subheader("One style, every digit")
    sheet, controls = st.columns([2, 1], gap="large")
    with controls:
        names = ["z₁", "z₂"]
        name = widgets.choose_segment("Across", names, "across")
        reach = widgets.choose_one("Range", list(RANGES), "range")
        st.caption("What changes from left to right changes the same way in every row: it is the handwriting, not the "
                   "digit.")
    with sheet:
        pictures = digits.style_sheet(served, names.index(name), *RANGES[reach], 10)
        widgets.show(sheets.axes(sheets.tile(pictures, 10, scale=2), (*RANGES[reach], 10), None, ("", "")),
                     f"Digits down, {name} across from {reach}; the other number is 0.",
                     f"A sheet of ten digits in ten styles along {name}", "styles")


def download_png(label, picture, file, scale):
    widgets.download(label, sheets.to_png(sheets.enlarge(convert.to_uint8(picture), scale)), f"{file}.png", "image/png")


def download_gif(pictures, file, scale):
    """Encoded at the click: a GIF takes longer than all the rest of the page."""
    widgets.download("Download GIF", lambda: sheets.to_gif(pictures, scale=scale), f"{file}.gif", "image/gif")


frame.open_page("digits")
titles = widgets.offered("digits")
cvae = widgets.served(next(iter(titles.values())) if len(titles) == 1 else widgets.choose_model(titles))
runs = widgets.in_browser(cvae)
style = show_styles(cvae, runs)
show_blend(cvae, runs, style)
show_number(cvae)
show_sheet(cvae)
widgets.explain("digits", [cvae.preset], digits.blend, digits.style_sheet, digits.write)
