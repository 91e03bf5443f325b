"""Latent map: drag a point across the plane that a model lays its pictures out on."""
import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from ae_core import latent, store
from ae_core.features import latent_map
from ae_core.pictures import datasets, sheets
from pages.shared import cache, frame, live, widgets

FORMULA = (r"\mathcal{L} = \underbrace{-\log p(x \mid z)}_{\text{reconstruction}} + \underbrace{\tfrac12\sum_j\left("
           r"\sigma_j^2 + \mu_j^2 - 1 - \log\sigma_j^2\right)}_{\text{KL divergence from } \mathcal{N}(0, 1)},"
           r"\qquad z = \mu + \sigma\varepsilon,\quad \varepsilon \sim \mathcal{N}(0, 1)")
IDEA = """
Here a picture is kept as **two numbers**, so all pictures lie on a plane, the **latent space**, and every place of the
plane decodes to a picture. The colors are classes; no model on this page was ever told them.

A plain **autoencoder** puts its codes wherever copying is easiest: far from 0, in clusters of any size, with gaps that
decode to nothing in particular. A **variational autoencoder** (VAE) turns a picture into a small cloud
$N(\\mu, \\sigma)$ instead of a point, and pays for clouds that stray from the standard normal $N(0, 1)$, the **prior**.
Neighbors must then decode alike, the gaps close, and a point drawn from the prior is a believable new picture.

The **probability view** sends both axes through the normal distribution function: equal areas then hold equal shares
of the prior, so a good VAE fills the square evenly. Of a model with more than two numbers the pad shows the plane of
their first two **principal components**; t-SNE, under Scatter, keeps neighbors together but has no way back.
"""
NOTHING = "Nothing"
WHOLE = "20 x 20, all"
CUSTOM = "My own"
VIEWS = {"Points over grid": ("both", False), "Points": ("points", False), "Grid": ("grid", False),
         "Probability": ("both", True)}                   # name -> (the pad's backdrop, axes through the normal CDF?)
PROBABILITIES = (0.005, 0.995, 0.005, 0.995)
SHOWN = 40                       # pictures of a selection
FRAMES = 24                      # of a path
CHART = {"height": 440, "margin": {"l": 8, "r": 8, "t": 28, "b": 8}}


def choose_models(titles):
    """The names of the chosen models: one, or two of the same data."""
    name = titles[widgets.choose_one("Model", list(titles), "model", on_change=forget_point)]
    others = [title for title, other in titles.items()
              if other != name and is_flat(name) and is_flat(other) and same_data(name, other)]
    beside = widgets.choose_one("Beside it", [NOTHING, *others], "with", disabled=not others,
                                on_change=lambda: st.query_params.pop("at2", None))
    return [name] if beside == NOTHING else [name, titles[beside]]


def forget_point():
    """A point of one plane means nothing on another, and its companion may be of other data."""
    for key in ("at", "at2"):
        st.query_params.pop(key, None)
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
                st.markdown(f"**{store.preset(name).title}**")
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
    x, y = live.pad(
        f"pad_{name}", cache.atlas(served, bounds, tiles, probability), bounds=bounds, warp=probability,
        point=widgets.address_numbers(key, reach(plane.bounds), tuple(plane.points[0].tolist()), "a point"),
        backdrop=backdrop, grid=cache.atlas(served, bounds, n, probability, centers=True),
        dots=plane.points, dot_labels=codes.label, classes=datasets.about(served.preset.dataset).classes,
        neighbors=live.Neighbors(plane.points[:pictures.count], pictures, codes.label[:pictures.count]),
        exact=lambda *point: latent_map.decode_point(served, plane, point), axes=plane.names, size=560,
        label=f"Latent plane of {served.preset.title}", alt="The picture decoded from the point on the plane")
    st.query_params[key] = f"{x:.3f},{y:.3f}"


def reach(bounds):
    """((lowest, highest) of x, of y) that any view of a plane shows: its bounds, or the published -4..4."""
    return [(min(bounds[k], -4), max(bounds[k + 1], 4)) for k in (0, 2)]


# --- sections: only the chosen one is computed -----------------------------------------------------------

def choose_of(names):
    """Of two models side by side, the one to look closer at."""
    if len(names) == 1:
        return names[0]
    titles = [store.preset(name).title for name in names]
    return names[titles.index(widgets.choose_segment("Model shown", titles, "of"))]


def show_scatter(names):
    """All codes as a chart to select from, and the pictures that were selected."""
    name = choose_of(names)
    served = widgets.served(name)
    codes, plane = cache.codes(served), cache.plane(served)
    if not is_flat(name) and widgets.choose_segment("Layout", ["PCA", "t-SNE"], "layout") == "t-SNE":
        bar = st.progress(0.0, "t-SNE lays the codes out anew; this is done once.")
        plane = cache.tsne(served, lambda share: bar.progress(share, f"t-SNE: {share:.0%} done"))
        bar.empty()
    chart, pictures = st.columns([3, 2], gap="large")
    with chart:
        event = st.plotly_chart(scatter(plane, codes.label, datasets.about(served.preset.dataset).classes),
                                on_select="rerun", key=f"scatter_{name}_{plane.names[0]}",
                                config={"displaylogo": False, "scrollZoom": True},
                                alt=f"The codes of {len(plane.points):,} test pictures, colored by class")
    chosen = [np.flatnonzero(codes.label == point["curve_number"])[point["point_index"]]
              for point in event.selection.points[:SHOWN]]
    with pictures:
        real = cache.coded_pictures(served)
        shown = chosen or latent_map.nearest(plane.points, plane.points[0], SHOWN)
        caption = f"{len(event.selection.points):,} selected; the first {len(shown)} of them." if chosen else \
            "Drag a box over the chart, or take the lasso above it. Until then: the neighbors of test picture 0."
        widgets.show(sheets.tile(real[shown], 8, scale=2), caption, f"{len(shown)} real test pictures", "selected")


def scatter(plane, labels, classes):
    """A Plotly scatter with one trace a class, in their order; customdata is the number of the test picture."""
    figure = go.Figure(layout={**CHART, "dragmode": "select", "xaxis_title": plane.names[0],
                               "yaxis_title": plane.names[1], "legend_itemsizing": "constant"})
    for index, name in enumerate(classes):
        rows = np.flatnonzero(labels == index)
        figure.add_scattergl(
            x=plane.points[rows, 0], y=plane.points[rows, 1], customdata=rows[:, None], name=name, mode="markers",
            marker={"color": live.PALETTE[index % len(live.PALETTE)], "size": 4},
            unselected={"marker": {"opacity": 0.15}},
            hovertemplate=f"<b>{name}</b><br>%{{x:.2f}}, %{{y:.2f}}<br>test picture %{{customdata[0]}}<extra></extra>")
    return figure


def show_new(names):
    """Pictures that nobody drew: of the chosen model, and of its counterpart of the same data."""
    names = names if len(names) > 1 else [names[0], *counterpart(names[0])]
    seed = int(widgets.address_numbers("seed", [(0, 9999)], (0,), "a draw")[0])
    if st.button("Draw others", icon=":material/casino:"):
        seed = (seed + 1) % 10_000
    st.query_params["seed"] = str(seed)
    for column, name in zip(st.columns(2, gap="large"), names, strict=False):
        served = widgets.served(name)
        codes = widgets.opened(cache.codes, served)
        drawn = latent_map.draw(served, codes.mean, SHOWN, seed)
        with column:
            widgets.show(sheets.tile(drawn.pictures, 8, scale=2),
                         f"{served.preset.title}: decoded from codes drawn from {drawn.rule}.",
                         f"{SHOWN} new pictures decoded by {served.preset.title}", f"new_{name}")
    st.markdown("A VAE was trained so that its codes fill the prior: what is drawn from it is likely to be a picture. "
                "A plain autoencoder has no such distribution, so one can only guess within the box around its codes, "
                "and often hits a gap.")


def counterpart(name):
    """[name] of the autoencoder of the same data for a VAE, or the other way round; [] where none is here."""
    preset = store.preset(name)
    return [title_name for title_name in TITLES.values() if is_flat(name) and is_flat(title_name)
            and same_data(name, title_name) and store.preset(title_name).variational != preset.variational][:1]


def show_path(names):
    """From one real picture to another."""
    name = choose_of(names)
    served = widgets.served(name)
    codes = cache.codes(served)
    every = datasets.about(served.preset.dataset).classes
    classes = [every[label] for label in np.unique(codes.label)]
    film, controls = st.columns([2, 1], gap="large")
    with controls:
        first = widgets.choose_one("From", classes, f"{served.preset.dataset}_from")
        last = widgets.choose_one("To", classes, f"{served.preset.dataset}_to", index=min(7, len(classes) - 1))
        number = int(widgets.address_numbers("pair", [(0, 99)], (0,), "a pair of pictures")[0])
        if st.button("Other pictures", icon=":material/casino:"):
            number = (number + 1) % 100
        st.query_params["pair"] = str(number)
        sphere = not is_flat(name) and st.toggle(
            "Along a sphere", True, key="sphere", bind="query-params",
            help="In many dimensions the prior lies near a sphere; a straight line cuts through its empty inside.")
    rows = [np.flatnonzero(codes.label == every.index(name)) for name in (first, last)]
    ends = [row[(number + shift) % len(row)] for shift, row in enumerate(rows)]
    pictures = latent_map.path(served, *codes.mean[ends], FRAMES, sphere)
    with film:
        live.filmstrip("path", latent.tiles(pictures, FRAMES)[0], label="Way from one picture to the other",
                       alt=f"A picture on the way from {first} to {last}", value=0.5, ends=(first, last))
    with controls:
        real = cache.coded_pictures(served)[ends]
        st.image(sheets.to_png(sheets.tile(real, 2, scale=3)), caption="The real pictures at both ends.",
                 width="content", alt=f"Two real pictures: {first} and {last}")
        st.download_button("Download GIF", lambda: sheets.to_gif(latent.there_and_back(pictures), scale=8),
                           "path.gif", "image/gif", icon=":material/download:", on_click="ignore")


def show_sheet(names):
    """n x n pictures over a range, as the books print them or as the reader asks."""
    name = choose_of(names)
    sheet, controls = st.columns([2, 1], gap="large")
    with controls:
        choice = widgets.choose_one("Sheet", [*latent_map.SHEETS, CUSTOM], "sheet")
        n, low, high = latent_map.SHEETS.get(choice, (0, 0, 0))
        if choice == CUSTOM:
            n = widgets.slide("Pictures a side", 2, 40, 15, 1, "side")
            low, high = widgets.slide("Range of both numbers", -10.0, 10.0, (-3.0, 3.0), 0.5, "range")
    with sheet:
        served = widgets.served(name)
        plane = cache.plane(served)
        pictures = latent_map.sheet(served, plane, n, low, max(high, low + 0.5))
        widgets.show(sheets.tile(pictures, n, gap=0 if n > 15 else 1, scale=max(1, 900 // (n * pictures.shape[1]))),
                     f"{n} x {n} pictures: {plane.names[0]} grows to the right, {plane.names[1]} upwards.",
                     f"A sheet of {n} by {n} decoded pictures", f"{name}_{n}x{n}")


def show_dimensions(names):
    """The distribution of each latent dimension against the prior."""
    for name in names:
        spread = latent.distribution(widgets.opened(cache.codes, widgets.served(name)).mean)
        if len(names) > 1:
            st.markdown(f"**{store.preset(name).title}**")
        if not is_flat(name):
            st.markdown(f"**{len(spread.active)} of {len(spread.std)} dimensions are in use**; an unused one stays at "
                        "0, where it costs nothing. Sorted by their width, eight at a time:")
            first = 1 if len(spread.std) <= 8 else widgets.slide(
                "From dimension", 1, len(spread.std) - 7, 1, 1, "from_dimension")
        order = np.arange(2) if is_flat(name) else np.argsort(-spread.std)[first - 1:first + 7]
        st.plotly_chart(histograms(spread, order), config={"displayModeBar": False}, key=f"dimensions_{name}",
                        alt=f"Histograms of {len(order)} latent dimensions of {name} beside the normal distribution")
    st.caption("Bars: the mean codes of the test pictures. Line: N(0, 1), which a VAE is drawn toward. The means of a "
               "VAE are a little narrower than it, because every picture is a cloud around its mean.")


def histograms(spread, order):
    rows, columns = -(-len(order) // 4), min(4, len(order))
    middles = (spread.edges[1:] + spread.edges[:-1]) / 2
    figure = make_subplots(rows, columns, subplot_titles=[
        f"z<sub>{k + 1}</sub>: mean {spread.mean[k]:.2f}, std {spread.std[k]:.2f}" for k in order])
    for place, k in enumerate(order):
        cell = {"row": place // columns + 1, "col": place % columns + 1}
        figure.add_bar(x=middles, y=spread.density[k], marker_color=live.PALETTE[0], name="codes", **cell)
        figure.add_scatter(x=middles, y=spread.normal, mode="lines", line={"color": live.PALETTE[6], "width": 3},
                           name="N(0, 1)", **cell)
    return figure.update_layout(height=260 * rows + 40, margin=CHART["margin"], showlegend=False, bargap=0)


SECTIONS = {"New pictures": show_new, "Path": show_path, "Scatter": show_scatter, "Sheet": show_sheet,
            "Dimensions": show_dimensions}

frame.open_page("latent_map")
offered = widgets.offered(lambda preset: preset.mapped and not preset.labels and datasets.has_samples(preset.dataset))
TITLES = dict(sorted(offered.items(),
                     key=lambda entry: (not is_flat(entry[1]), not store.preset(entry[1]).variational)))
pads, controls = st.columns([3.4, 1], gap="large")
with controls:
    names = choose_models(TITLES)
    views = list(VIEWS)[:4 if all(map(is_flat, names)) else 3]
    view = widgets.choose_one("View", views, "view")
    grid = widgets.choose_one("Grid", [WHOLE, *latent_map.SHEETS], "grid", disabled=VIEWS[view][1])
    st.caption(" ".join(store.preset(name).description for name in names))
    known = min(cache.neighbors(widgets.served(name)).count for name in names)
    st.caption(f"The nearest real picture is looked for among the first {known:,} test pictures.")
    if not all(cache.has_pictures(store.preset(name).dataset) for name in names):
        st.caption("Quick, Draw! may not be shipped: in place of its drawings stand this model's copies of them.")
with pads:
    show_pads(names, view, grid)

section = widgets.choose_segment("Look closer", list(SECTIONS), "section")
SECTIONS[section](names)

widgets.explain(IDEA, FORMULA, store.preset(names[0]).recipe)
widgets.code(latent_map.atlas, latent_map.draw, latent.spherical)
