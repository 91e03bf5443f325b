"""Latent map: drag a point across the plane that a model lays its pictures out on."""
import numpy as np
import streamlit as st

from ae_core import latent, store
from ae_core.features import latent_map
from ae_core.pictures import datasets, sheets
from pages.shared import address, cache, charts, frame, live, widgets

NOTHING = "Nothing"
WHOLE = "20 x 20, all"
CUSTOM = "My own"
VIEWS = {"Points over grid": ("both", False), "Points": ("points", False), "Grid": ("grid", False),
         "Probability": ("both", True)}                   # name -> (the pad's backdrop, axes through the normal CDF?)
PROBABILITIES = (0.005, 0.995, 0.005, 0.995)
SHOWN = 40                       # pictures of a selection
FRAMES = 24                      # of a path
PAIRS = 100                      # pairs of pictures that a path can join


def choose_models(titles):
    """The names of the chosen models: one, or two of the same data."""
    name = widgets.choose_model(titles, on_change=forget_point)
    others = [title for title, other in titles.items()
              if other != name and is_flat(name) and is_flat(other) and same_data(name, other)]
    beside = widgets.choose_one("Compare with", [NOTHING, *others], "with", disabled=not others,
                                on_change=lambda: address.write({"at2": None}))
    return [name] if beside == NOTHING else [name, titles[beside]]


def forget_point():
    """A point of one plane means nothing on another, and its companion may be of other data."""
    address.write({"at": None, "at2": None})
    st.session_state["with"] = NOTHING


def is_flat(name):
    return store.preset(name).code == 2


def same_data(name, other):
    return store.preset(name).dataset == store.preset(other).dataset


@st.fragment
def show_pads(names, view, grid):
    """The planes side by side; dragging on one reruns no more than this."""
    for column, name, key in zip(st.columns(len(names), gap="medium"), names, ("at", "at2"), strict=False):
        with column:
            if len(names) > 1:
                st.markdown(f"**{widgets.plain(store.preset(name).title)}**")
            show_pad(name, view, grid, key)


def show_pad(name, view, grid, key):
    """The live plane of one model; the point is kept in the address under `key`."""
    served = widgets.served(name)
    plane, codes = widgets.opened(cache.plane, served), cache.codes(served)
    backdrop, probability = VIEWS[view]
    n, low, high = latent_map.SHEETS.get(grid, (20, None, None))
    window = plane.bounds if low is None else (low, high, low, high)
    bounds = PROBABILITIES if probability else window
    tiles = latent_map.PROBABILITY_TILES if probability else latent_map.TILES
    pictures = cache.neighbors(served)
    reach = [(min(plane.bounds[k], -4), max(plane.bounds[k + 1], 4)) for k in (0, 2)]     # of any view
    point = address.numbers(key, reach, tuple(plane.points[0].tolist()), "point")
    point.write(live.pad(
        f"pad_{name}", cache.atlas(served, bounds, tiles, probability), bounds=bounds, warp=probability,
        point=point.read(), backdrop=backdrop, grid=cache.atlas(served, bounds, n, probability, centers=True),
        dots=plane.points, dot_labels=codes.label, classes=datasets.about(served.preset.dataset).classes,
        neighbors=live.Neighbors(plane.points[:pictures.count], pictures, codes.label[:pictures.count]),
        exact=lambda *at: latent_map.decode_point(served, plane, at), axes=plane.names, size=560,
        decoder=live.Decoder(runs[name], (plane.origin, plane.axes)),
        label=f"Latent plane of {served.preset.title}", alt="The picture decoded at the point on the plane"))


# --- sections: only the chosen one is computed -----------------------------------------------------------

def choose_of(names):
    """Of two models side by side, the one to look closer at."""
    if len(names) == 1:
        return widgets.served(names[0])
    titles = [store.preset(name).title for name in names]
    return widgets.served(names[titles.index(widgets.choose_segment("Model shown", titles, "of"))])


def show_scatter(names):
    """All codes as a chart to select from, and the pictures that were selected."""
    served = choose_of(names)
    name, codes, plane = served.preset.name, cache.codes(served), cache.plane(served)
    if not is_flat(name) and widgets.choose_segment("Layout", ["PCA", "t-SNE"], "layout") == "t-SNE":
        bar = st.progress(0.0, "t-SNE is arranging the codes; this is done once.")
        plane = cache.tsne(served, lambda share: bar.progress(share, f"t-SNE: {share:.0%} done"))
        bar.empty()
    chart, pictures = st.columns([3, 2], gap="large")
    with chart:
        selected = charts.scatter(plane, codes.label, datasets.about(served.preset.dataset).classes,
                                  f"scatter_{name}_{plane.names[0]}")
    with pictures:
        shown = selected[:SHOWN] or latent_map.nearest(plane.points, plane.points[0], SHOWN)
        caption = f"{len(selected):,} selected; the first {len(shown)} are shown." if selected else \
            f"The chart shows {min(charts.MOST_POINTS, len(codes.label)):,} test pictures. Drag a box over it, or " \
            "use the lasso above it. Until then: the neighbors of test picture 0."
        widgets.show(sheets.tile(cache.coded_pictures(served)[shown], 8, scale=2), caption,
                     f"{len(shown)} real test pictures", "selected")


def show_new(names):
    """Pictures that nobody drew: of the chosen model, and of its counterpart of the same data."""
    names = names if len(names) > 1 else [names[0], *counterpart(names[0])]
    seed = widgets.draw_again("seed")
    for column, name in zip(st.columns(2, gap="large"), names, strict=False):
        served = widgets.served(name)
        drawn = latent_map.draw(served, widgets.opened(cache.codes, served).mean, SHOWN, seed)
        with column:
            widgets.show(sheets.tile(drawn.pictures, 8, scale=2),
                         f"{widgets.plain(served.preset.title)}: decoded from codes drawn from {drawn.rule}.",
                         f"{SHOWN} new pictures decoded by {served.preset.title}", f"new_{name}")
    st.markdown("A VAE is trained so that its codes fill the prior: a sample from it is likely to be a picture. "
                "A plain autoencoder has no such distribution, so the best one can do is sample the box around its "
                "codes, which often hits a gap.")


def counterpart(name):
    """[name] of the autoencoder of the same data for a VAE, or the other way round; [] where none is here."""
    return [other for other in titles.values() if is_flat(name) and is_flat(other) and same_data(name, other)
            and store.preset(other).variational != store.preset(name).variational][:1]


def show_path(names):
    """From one real picture to another."""
    served = choose_of(names)
    codes, every = cache.codes(served), datasets.about(served.preset.dataset).classes
    classes = [every[label] for label in np.unique(codes.label)]
    film, controls = st.columns([2, 1], gap="large")
    with controls:
        first = widgets.choose_one("From", classes, f"{served.preset.dataset}_from")
        last = widgets.choose_one("To", classes, f"{served.preset.dataset}_to", index=min(7, len(classes) - 1))
        number = widgets.draw_again("pair", "Other pictures", count=PAIRS)
        sphere = not is_flat(served.preset.name) and st.toggle(
            "Along a sphere", True, key="sphere", bind="query-params",
            help="In many dimensions the prior lies near a sphere; a straight line cuts through its empty inside.")
    rows = [np.flatnonzero(codes.label == every.index(name)) for name in (first, last)]
    ends = [row[(number + shift) % len(row)] for shift, row in enumerate(rows)]
    pictures = latent_map.path(served, *codes.mean[ends], FRAMES, sphere)
    with film:
        start, stop = codes.mean[ends]
        live.filmstrip("path", latent.tiles(pictures, FRAMES)[0], label="Path from one picture to the other",
                       decoder=None if sphere else live.Decoder(runs[served.preset.name], (start, [stop - start])),
                       alt=f"A picture on the path from {first} to {last}", value=0.5, ends=(first, last))
    with controls:
        widgets.image(sheets.tile(cache.coded_pictures(served)[ends], 2, scale=3),
                      f"Two real pictures: {first} and {last}", "The real pictures at both ends.")
        widgets.download("Download GIF", lambda: sheets.to_gif(latent.there_and_back(pictures), scale=8), "path.gif",
                         "image/gif")


def show_drawing(names):
    """Where on the plane a drawing lies: the point follows the pen."""
    served = choose_of(names)
    st.markdown("Draw, and watch the point wander over the plane above: it stands where the encoder puts the drawing.")
    widgets.drawn("map", served.preset, widgets.through(served.preset, runs[served.preset.name]))


def show_sheet(names):
    """n x n pictures over a range, as the books print them or as the reader asks."""
    served = choose_of(names)
    plane = cache.plane(served)
    sheet, controls = st.columns([2, 1], gap="large")
    with controls:
        choice = widgets.choose_one("Sheet", [*latent_map.SHEETS, CUSTOM], "sheet")
        n, low, high = latent_map.SHEETS.get(choice, (0, 0, 0))
        if choice == CUSTOM:
            n = widgets.slide("Pictures per side", 2, 40, 15, 1, "side")
            low, high = widgets.slide("Range of both numbers", -10.0, 10.0, (-3.0, 3.0), 0.5, "range")
    with sheet:
        pictures = latent_map.sheet(served, plane, n, low, max(high, low + 0.5))
        widgets.show(sheets.tile(pictures, n, gap=0 if n > 15 else 1, scale=max(1, 900 // (n * pictures.shape[1]))),
                     f"{n} x {n} pictures: {plane.names[0]} increases to the right, {plane.names[1]} upward.",
                     f"A sheet of {n} by {n} decoded pictures", f"{served.preset.name}_{n}x{n}")


def show_dimensions(names):
    """The distribution of each latent dimension against the prior."""
    for name in names:
        spread = latent.distribution(widgets.opened(cache.codes, widgets.served(name)).mean)
        if len(names) > 1:
            st.markdown(f"**{widgets.plain(store.preset(name).title)}**")
        first = 1
        if not is_flat(name):
            st.markdown(f"**{len(spread.active)} of {len(spread.std)} dimensions are in use**; an unused one stays at "
                        "0, where it costs nothing. Sorted by width, eight at a time:")
            if len(spread.std) > 8:
                first = widgets.slide("From dimension", 1, len(spread.std) - 7, 1, 1, "from_dimension")
        order = np.arange(2) if is_flat(name) else np.argsort(-spread.std)[first - 1:first + 7]
        charts.histograms(spread, order, f"Histograms of {len(order)} latent dimensions of {name} beside the normal "
                          "distribution", key=f"dimensions_{name}")
    st.caption("Bars: the mean codes of the test pictures. Line: N(0, 1), which a VAE is pulled toward. The means of a "
               "VAE are slightly narrower than it, because every picture is a cloud around its mean.")


SECTIONS = {"New pictures": show_new, "Path": show_path, "Draw": show_drawing, "Scatter": show_scatter,
            "Sheet": show_sheet, "Dimensions": show_dimensions}

frame.open_page("latent_map")
offered = widgets.offered("latent_map")
titles = dict(sorted(offered.items(),
                     key=lambda entry: (not is_flat(entry[1]), not store.preset(entry[1]).variational)))
pads, controls = st.columns([3.4, 1], gap="large")
with controls:
    names = choose_models(titles)
    views = list(VIEWS)[:4 if all(map(is_flat, names)) else 3]
    view = widgets.choose_one("View", views, "view")
    grid = widgets.choose_one("Grid", [WHOLE, *latent_map.SHEETS], "grid", disabled=VIEWS[view][1])
    st.caption(" ".join(widgets.plain(store.preset(name).description) for name in names))
    known = min(cache.neighbors(widgets.served(name)).count for name in names)
    st.caption(f"The nearest real picture is found among the first {known:,} test pictures.")
    if not all(cache.has_pictures(store.preset(name).dataset) for name in names):
        st.caption("The pictures of this model are not here; its copies of them are shown instead.")
    first = widgets.served(names[0])
    widgets.take_along(first, lambda: latent_map.take_along(first, cache.codes(first), cache.coded_pictures(first)))
runs = {name: widgets.in_browser(widgets.served(name)) for name in names}
with pads:
    show_pads(names, view, grid)

section = widgets.choose_segment("Look closer", list(SECTIONS), "section")
SECTIONS[section](names)
widgets.explain("latent_map", store.preset(names[0]).recipe, latent_map.atlas, latent_map.draw, latent.spherical)
