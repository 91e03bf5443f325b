"""Digits: drag through handwriting styles, and see all ten digits and a number in each."""
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
HAND = 4                         # at first
RANGES = {"−1.5 … 1.5": (-1.5, 1.5), "−2.5 … 2.5": (-2.5, 2.5), "−3.5 … 3.5": (-3.5, 3.5)}
WEIGHT = address.numbers("weight", [(0, 1)], (0.5,), "weight")


def choose():
    """The row of controls: the digit under the point, the number, a hand drawn at random; and what is under "More"."""
    with frame.controls():
        digit = int(widgets.choose_segment("Digit", digits.DIGITS, "digit", "8", label_visibility="collapsed"))
        number = st.text_input("Number", "2026", max_chars=MAX_NUMBER, key="number", bind="query-params", width=110,
                               label_visibility="collapsed", placeholder="A number").strip()
        hand = widgets.draw_again("hand", "Another hand", "ink_pen", first=HAND)
        more = st.popover("More", icon=":material/tune:")
    if not number or set(number) - set(digits.DIGITS):
        st.info("Only the digits 0 to 9 can be written; showing 2026 instead.")
        number = "2026"
    before = st.session_state.setdefault("hand_shown", hand if "at" in st.query_params else HAND)
    if hand != before:
        st.session_state.hand_shown = hand
        live.place("style", digits.draw_style(hand).tolist())
    return digit, number, hand, more


def show_styles(served, runs, digit, number, view):
    """The plane of styles, beside it all digits, the number, and the chosen digit with the real one nearest to it."""
    codes, plane = widgets.opened(cache.codes, served), cache.plane(served)
    rows = np.flatnonzero(codes.label == digit)
    near = live.Neighbors(codes.mean[rows], cache.class_strip(served, digit), codes.label[rows]) if len(rows) else None
    point = address.numbers("at", [plane.bounds[:2], plane.bounds[2:]], (0.6, -0.4), "style")
    style = live.pad(
        "style", lambda: cache.styles(served, digit, plane.bounds, digits.TILES), bounds=plane.bounds,
        point=point.read(), backdrop=VIEWS[view],
        grid=cache.styles(served, digit, plane.bounds, GRID, centers=True),
        dots=plane.points[rows], dot_labels=codes.label[rows], neighbors=near,
        exact=lambda *at: digits.decode_style(served, digit, at), within=latent.oval(codes.mean, digits.REAL),
        chorus=live.Chorus([f"The digit {name} in this style" for name in digits.DIGITS],
                           lambda *at: digits.decode_all(served, at), digit, [int(each) for each in number],
                           f"The number {number} in this style"),
        decoder=live.Decoder(runs, (np.zeros(2), np.eye(2)), (np.eye(10)[digit], np.zeros((2, 10)))),
        label=f"Handwriting styles of the digit {digit}", alt=f"The digit {digit} in the style of the point")
    point.write(style)
    return style


def show_downloads(served, digit, number, hand, style):
    codes = cache.codes(served)
    widgets.take_along(served, lambda: latent_map.take_along(served, codes, cache.coded_pictures(served), digit))
    download_png("Download this digit", digits.write(served, str(digit), style)[0], f"digit_{digit}", 20)
    download_png("Download PNG", digits.write(served, number, style)[0], f"number_{number}", 8)
    widgets.download("Download GIF in many hands", lambda: sheets.to_gif(
        digits.write(served, number, digits.tour(hand, 40)), scale=4), f"number_{number}.gif", "image/gif")


def show_blend(served, runs, style):
    """Two digits and a weight, as a filmstrip."""
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


def show_sheet(served):
    """Every digit down, one latent dimension across."""
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
digit, number, hand, more = choose()
with more:
    cvae = widgets.served(next(iter(titles.values())) if len(titles) == 1 else widgets.choose_model(titles))
    view = widgets.choose_one("Under the point", list(VIEWS), "view")
runs = widgets.in_browser(cvae)
style = show_styles(cvae, runs, digit, number, view)
with more:
    show_downloads(cvae, digit, number, hand, style)
st.caption("Each point of the plane is a handwriting style that all ten digits share. Few real styles are in the dark: "
           f"{digits.REAL:.0%} are inside the line.")
asked = "Sheet" if {"across", "range"} & set(st.query_params) else "Blend"      # older links know no sections
if widgets.choose_segment("Look closer", ["Blend", "Sheet"], "section", asked) == "Blend":
    show_blend(cvae, runs, style)
else:
    show_sheet(cvae)
widgets.explain("digits", [cvae.preset], digits.blend, digits.style_sheet, digits.write)
