"""What Latent map shows of a model beside its plane: a chart of all codes, new pictures with their places, sheets."""
from collections.abc import Sequence
from typing import Any

import streamlit as st

from ae_core import latent, store
from ae_core.features import latent_map
from ae_core.own import design
from ae_core.pictures import datasets, sheets
from pages.shared import cache, charts, live, widgets

CUSTOM = "My own"
SHOWN = 40                       # pictures of a selection
NEW = 18                         # new pictures of each model


def show_scatter(served: Any) -> None:
    """All codes as a chart to select from, and the pictures that were selected."""
    name, codes, plane = served.preset.name, cache.codes(served), cache.plane(served)
    classes = datasets.about(served.preset.dataset).classes
    if served.preset.code > 2 and widgets.choose_segment("Layout", ["PCA", "t-SNE"], "layout") == "t-SNE":
        bar = st.progress(0.0, "t-SNE is arranging the codes; this is done once.")

        def report(share: float) -> None:
            bar.progress(share, f"t-SNE: {share:.0%} done")
        plane = cache.tsne(served, report)
        bar.empty()
    characters = all(len(each) == 1 for each in classes) and widgets.switch("Digits as characters", "characters")
    chart, pictures = st.columns([3, 2], gap="large")
    with chart:
        selected = charts.scatter(plane, codes.label, classes, f"scatter_{name}_{plane.names[0]}", characters)
    with pictures:
        shown = selected[:SHOWN] or latent_map.nearest(plane.points, plane.points[0], SHOWN)
        caption = f"{len(selected):,} selected; the first {len(shown)} are shown." if selected else \
            f"The chart shows {min(charts.MOST_POINTS, len(codes.label)):,} test pictures. Drag a box over it, or " \
            "use the lasso above it. Until then: the neighbors of test picture 0."
        widgets.show(sheets.tile(cache.coded_pictures(served)[shown], 8, scale=2), caption,
                     f"{len(shown)} real test pictures", "selected")


def show_new(names: Sequence[str]) -> None:
    """Pictures that nobody drew, of one model or of two of the same data, beside the places that they come from."""
    seed = widgets.draw_again("seed")
    for column, name in zip(st.columns(len(names), gap="large"), names, strict=True):
        with column:
            _show_origins(widgets.served(name), seed)
    st.markdown("Point at a picture to see its place, or at a place to see its picture. A VAE is trained so that its "
                "codes fill the prior: a sample from it is likely to be a picture. A plain autoencoder has no such "
                "distribution, so the best one can do is sample the box around its codes, which often hits a **hole** "
                "(dashed): farther from every real picture than 99 % of these from each other.")


def _show_origins(served: Any, seed: int) -> None:
    codes, plane = widgets.opened(cache.codes, served), cache.plane(served)
    drawn = latent_map.draw(served, codes.mean, NEW, seed)
    far, title = latent_map.holes(codes.mean, drawn.codes), widgets.plain(served.preset.title)
    points = (drawn.codes - plane.origin) @ plane.axes.T
    low, high = points.min(axis=0), points.max(axis=0)
    x0, x1, y0, y1 = plane.bounds
    bounds = (min(x0, low[0]), max(x1, high[0]), min(y0, low[1]), max(y1, high[1]))
    st.markdown(f"**{title}**: {NEW} codes drawn from {drawn.rule}, {int(far.sum())} of them in a hole.")
    live.origins(f"origins_{served.preset.name}", latent.tiles(drawn.pictures, NEW)[0], points, bounds=bounds, far=far,
                 dots=plane.points, dot_labels=codes.label, axes=plane.names,
                 label=f"The plane of {served.preset.title}, with the places of {NEW} new pictures")
    widgets.download("Download PNG", lambda: sheets.to_png(sheets.tile(drawn.pictures, 6, scale=2)),
                     f"new_{served.preset.name}.png", "image/png")


def show_beta() -> None:
    """Three sizes of beta side by side, as far around 0 as the reader drags."""
    missing = [name for name in design.BETA_PRESETS if not store.present(name)]
    if missing:
        st.warning(f"This part needs another model. Train it with: `python -m ae_core train {missing[0]}`")
        return
    reaches = design.BETA_REACHES
    where = ("where new pictures come from", "farther than the prior reaches")
    live.filmstrip("beta", cache.betas(tuple(map(widgets.served, design.BETA_PRESETS))), label="How far around 0",
                   scale=1, value=reaches.index(2) / (len(reaches) - 1), ends=("near 0", "far out"),
                   captions=[f"Codes from −{reach:g} to {reach:g}: {where[reach > 3]}" for reach in reaches],
                   alt="Three planes of clothing: with beta too small, just right, and too large")
    st.markdown("A small VAE of clothing, its KL term weighted by a thousandth, one, and a hundred (the outer two "
                "with a quarter as many units). New pictures are drawn from codes around 0, mostly from −2 to 2. With "
                "beta **too small** there is a hole there: the clothes lie much farther out. With beta **1** the plane "
                "is full where pictures are drawn from. With beta **too large** no code says anything, and every point "
                "is one average picture.")


def show_sheet(served: Any) -> None:
    """n x n pictures over a range, as the books print them or as the reader asks, with the values at their sides."""
    plane = cache.plane(served)
    sheet, controls = st.columns([2, 1], gap="large")
    with controls:
        choice = widgets.choose_one("Sheet", [*latent_map.SHEETS, CUSTOM], "sheet")
        n, low, high = latent_map.SHEETS.get(choice, (0, 0, 0))
        if choice == CUSTOM:
            n = widgets.slide("Pictures per side", 2, 40, 15, 1, "side")
            low, high = widgets.slide("Range of both numbers", -10.0, 10.0, (-3.0, 3.0), 0.5, "range")
    high = max(high, low + 0.5)
    with sheet:
        pictures = latent_map.sheet(served, plane, n, low, high)
        tiled = sheets.tile(pictures, n, gap=0 if n > 15 else 1, scale=max(1, 900 // (n * pictures.shape[1])))
        named = tuple(name.translate(DIGITS) for name in plane.names)
        widgets.show(sheets.axes(tiled, (low, high, n), (low, high, n), named),
                     f"{n} x {n} pictures: {plane.names[0]} increases to the right, {plane.names[1]} upward.",
                     f"A sheet of {n} by {n} decoded pictures, both numbers from {low:g} to {high:g}",
                     f"{served.preset.name}_{n}x{n}")


DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")      # the font of pictures has no small ones
