"""Latent map: drag a point across the plane that a model lays its pictures out on."""
import numpy as np
import streamlit as st

from ae_core import latent, store
from ae_core.features import latent_map
from ae_core.pictures import datasets, sheets
from pages.shared import address, cache, charts, cloud_panel, frame, live, map_panels, number_panel, widgets

KINDS, BOTH = ("VAE", "Plain autoencoder"), "Both"
WHOLE = "20 x 20, all"
VIEWS = {"Points over grid": ("both", False), "Points": ("points", False), "Grid": ("grid", False),
         "Probability": ("both", True)}                   # name -> (the pad's backdrop, axes through the normal CDF?)
PROBABILITIES = (0.005, 0.995, 0.005, 0.995)
FRAMES = 24                      # of a path
BEYOND = 0.5                     # of its length, where it is followed past its ends
PAIRS = 100                      # pairs of pictures that a path can join


def choose_models():
    """The names of the chosen models: one, or two of the same data."""
    name = widgets.choose_model(titles, on_change=forget_point, label_visibility="collapsed", width=270)
    beside = address.Field("with", "model to compare with", None, lambda title: titles[comparable(name, title)], str)
    names = [name, *filter(None, [beside.read()])]
    for twin in counterpart(name):
        st.session_state.kind = BOTH if len(names) > 1 else kind_of(name)
        st.segmented_control("Kind", [*KINDS, BOTH], required=True, key="kind", label_visibility="collapsed",
                             on_change=change_kind, args=(name, twin))
    return names


def comparable(name, title):
    """A title, if its model can stand beside another; else ValueError."""
    if title not in titles or titles[title] == name or not all(map(is_flat, (name, titles[title]))) \
            or not same_data(name, titles[title]):
        raise ValueError(title)
    return title


def kind_of(name):
    return KINDS[not store.preset(name).variational]


def change_kind(name, twin):
    """Show a model, its counterpart or both; a point of one plane means nothing on another."""
    chosen, title = st.session_state.kind, next(title for title, each in titles.items() if each == twin)
    if chosen not in (BOTH, kind_of(name)):
        st.session_state.model = title
        address.write({"at": None})
    address.write({"with": title if chosen == BOTH else None, "at2": None})


def forget_point():
    """A point of one plane means nothing on another, and its companion may be of other data."""
    address.write({"at": None, "at2": None, "with": None})


def is_flat(name):
    return store.preset(name).code == 2


def same_data(name, other):
    return store.preset(name).dataset == store.preset(other).dataset


@st.fragment
def show_pads(names, view, grid):
    """The planes side by side; dragging on one reruns no more than this."""
    for column, name, key in zip(st.columns(len(names), gap="medium"), names, ("at", "at2"), strict=False):
        with column:
            show_pad(name, view, grid, key, linked=len(names) > 1)


def show_pad(name, view, grid, key, linked):
    """The live plane of one model; the point is kept in the address under `key`. Two of them are linked."""
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
        f"pad_{name}", lambda: cache.atlas(served, bounds, tiles, probability), bounds=bounds, warp=probability,
        point=point.read(), backdrop=backdrop, grid=cache.atlas(served, bounds, n, probability, centers=True),
        dots=plane.points, dot_labels=codes.label, classes=datasets.about(served.preset.dataset).classes,
        neighbors=live.Neighbors(plane.points[:pictures.count], pictures, codes.label[:pictures.count]),
        exact=lambda *at: latent_map.decode_point(served, plane, at), axes=plane.names, linked=linked,
        decoder=live.Decoder(runs[name], (plane.origin, plane.axes)), title=served.preset.title if linked else "",
        label=f"Latent plane of {served.preset.title}", alt="The picture decoded at the point on the plane"))


# --- sections: only the chosen one is computed -----------------------------------------------------------

def choose_of(names):
    """Of two models side by side, the one to look closer at."""
    if len(names) == 1:
        return widgets.served(names[0])
    titles = [store.preset(name).title for name in names]
    return widgets.served(names[titles.index(widgets.choose_segment("Model shown", titles, "of"))])


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
        beyond = BEYOND * widgets.switch("Beyond both ends", "beyond", "Follow the line past both pictures: what is "
                                         "more of a boot than a boot?")
    rows = [np.flatnonzero(codes.label == every.index(name)) for name in (first, last)]
    ends = [row[(number + shift) % len(row)] for shift, row in enumerate(rows)]
    pictures = latent_map.path(served, *codes.mean[ends], FRAMES, sphere, beyond)
    with film:
        start, stop = codes.mean[ends]
        live.filmstrip(f"path_{bool(beyond)}", latent.tiles(pictures, FRAMES)[0], start=-beyond, stop=1 + beyond,
                       label="Path from one picture to the other",
                       decoder=None if sphere else live.Decoder(runs[served.preset.name], (start, [stop - start])),
                       alt=f"A picture on the path from {first} to {last}", value=0.5,
                       ends=(f"beyond {first}", f"beyond {last}") if beyond else (first, last))
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


def show_cloud(names):
    """One picture, the cloud that the encoder makes of it, and what is drawn from that."""
    flat = [name for name in names if is_flat(name)]
    if not flat:
        st.info("A cloud is drawn on the plane of a model of two numbers; this one has more. Choose such a model "
                "above, or turn its numbers one by one under “Numbers”.")
        return
    served = choose_of(flat)
    cloud_panel.show(served, runs[served.preset.name])


def show_numbers(names):
    """One real picture, and every number of its code on a strip."""
    served = choose_of(names)
    codes = cache.codes(served)
    row = widgets.draw_again("picture", "Another picture", count=len(codes.mean))
    number_panel.show(served, runs[served.preset.name], codes.mean[row], f"test_{row}", f"test picture {row}")


def show_new(names):
    """Pictures that nobody drew: of the chosen model, and of its counterpart of the same data."""
    map_panels.show_new(names if len(names) > 1 else [names[0], *counterpart(names[0])])


SECTIONS = {"New pictures": show_new, "Cloud": show_cloud, "Numbers": show_numbers, "Path": show_path,
            "Draw": show_drawing, "Scatter": lambda names: map_panels.show_scatter(choose_of(names)),
            "Sheet": lambda names: map_panels.show_sheet(choose_of(names)), "Dimensions": show_dimensions,
            "Beta": lambda names: map_panels.show_beta()}

frame.open_page("latent_map")
offered = widgets.offered("latent_map")
titles = dict(sorted(offered.items(),
                     key=lambda entry: (not is_flat(entry[1]), not store.preset(entry[1]).variational)))
with frame.controls():
    names = choose_models()
    more = st.popover("More", icon=":material/tune:")
with more:
    views = list(VIEWS)[:4 if all(map(is_flat, names)) else 3]
    view = widgets.choose_one("View", views, "view")
    grid = widgets.choose_one("Grid", [WHOLE, *latent_map.SHEETS], "grid", disabled=VIEWS[view][1])
    first = widgets.served(names[0])
    widgets.take_along(first, lambda: latent_map.take_along(first, cache.codes(first), cache.coded_pictures(first)))
runs = {name: widgets.in_browser(widgets.served(name)) for name in names}
show_pads(names, view, grid)
if len(names) > 1:
    st.caption("Drag in one plane: the point in the other moves to the code of the same nearest real picture.")

section = widgets.choose_segment("Look closer", list(SECTIONS), "section")
SECTIONS[section](names)
known = min(cache.neighbors(widgets.served(name)).count for name in names)
here = all(cache.has_pictures(store.preset(name).dataset) for name in names)
st.caption(" ".join(widgets.plain(store.preset(name).description) for name in names) +
           f" The nearest real picture is found among the first {known:,} test pictures" +
           ("." if here else ", which are not here; the model’s copies of them are shown instead."))
widgets.explain("latent_map", [store.preset(name) for name in names], latent_map.atlas, latent_map.draw,
                latent.spherical)
