"""The charts of all pages, in one palette and with one set of margins."""
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from ae_core import latent
from ae_core.features import latent_map
from ae_core.own import blueprint
from pages.shared import live

BLUE, RED, ORANGE = live.PALETTE[0], live.PALETTE[2], live.PALETTE[6]
GRAY = "#888"                    # of what is behind, in either scheme
MOST_POINTS = 3000               # of a scatter
Curve = tuple[Iterable[float], Iterable[float]]


def show(figure: go.Figure, alt: str, height: int, top: int = 8, bar: bool = False, **arguments: Any) -> Any:
    """A figure with the margins of all; `bar`: with Plotly's own tools above it."""
    figure.update_layout(height=height, margin={"l": 8, "r": 8, "t": top, "b": 8})
    config = {"displaylogo": False, "scrollZoom": True} if bar else {"displayModeBar": False}
    return st.plotly_chart(figure, alt=alt, config=config, **arguments)


def curves(lines: dict[str, Curve], x_title: str, y_title: str, alt: str, *, marker: float | None = None,
           point: tuple[str, float, float] | None = None, height: int = 320, markers: bool = True,
           title: str = "", x_range: Sequence[float] | None = None, ghosts: dict[str, Curve] | None = None,
           **arguments: Any) -> None:
    """A line chart {name: (x, y)}; `marker`: a vertical line, `point`: a named ring, where the reader's setting is;
    ghosts: gray curves behind the others.
    """
    figure = go.Figure([go.Scatter(x=list(x), y=list(y), name=name, mode="lines+markers" if markers else "lines",
                                   line={"color": color})
                        for (name, (x, y)), color in zip(lines.items(), live.PALETTE, strict=False)])
    for name, (x, y) in (ghosts or {}).items():
        figure.add_scatter(x=list(x), y=list(y), name=name, mode="lines", line={"color": GRAY, "dash": "dot"})
    figure.data = figure.data[len(lines):] + figure.data[:len(lines)]
    if marker is not None:
        figure.add_vline(marker, line_dash="dot")
    if point is not None:
        figure.add_scatter(x=point[1:2], y=point[2:], name=point[0], mode="markers",
                           marker={"size": 12, "color": RED, "symbol": "circle-open", "line": {"width": 3}})
    figure.update_layout(title=title, yaxis_title=y_title, legend={"orientation": "h", "y": -0.3})
    figure.update_xaxes(title=x_title, range=x_range)
    show(figure, alt, height, top=32 if title else 8, **arguments)


def bars(groups: dict[str, Sequence[float]], x: Sequence[str], y_title: str, y_range: Sequence[float],
         alt: str) -> None:
    """Bars side by side, {name: a value for each of x}."""
    figure = go.Figure([go.Bar(x=x, y=values, name=name, marker_color=color)
                        for (name, values), color in zip(groups.items(), live.PALETTE, strict=False)])
    figure.update_layout(yaxis_title=y_title, yaxis_range=y_range, legend={"orientation": "h", "y": -0.2})
    show(figure, alt, 420)


def scatter(plane: latent_map.Plane, labels: np.ndarray, classes: Sequence[str], key: str,
            characters: bool = False) -> list[int]:
    """Points of a plane, a color a class, to select from; returns the rows that are selected.

    characters: each is written as the name of its class, as published of digits.

    Drawn as SVG, as virtual desktops have no WebGL: no more of them than a browser moves easily, drawn by seed.
    """
    order = np.sort(np.random.default_rng(0).permutation(len(labels))[:MOST_POINTS])
    of_class = [order[labels[order] == index] for index in range(len(classes))]
    figure = go.Figure(layout={"dragmode": "select", "xaxis_title": plane.names[0], "yaxis_title": plane.names[1],
                               "legend_itemsizing": "constant"})
    for index, (name, rows) in enumerate(zip(classes, of_class, strict=True)):
        color = live.PALETTE[index % len(live.PALETTE)]
        figure.add_scatter(
            x=plane.points[rows, 0], y=plane.points[rows, 1], customdata=rows[:, None], name=name,
            mode="text" if characters else "markers", text=name if characters else None,
            textfont={"color": color, "size": 11}, marker={"color": color, "size": 4},
            unselected={"textfont": {"color": "rgba(128, 128, 128, 0.2)"}} if characters else
            {"marker": {"opacity": 0.15}},
            hovertemplate=f"<b>{name}</b><br>%{{x:.2f}}, %{{y:.2f}}<br>test picture %{{customdata[0]}}<extra></extra>")
    event = show(figure, f"The codes of {len(order):,} test pictures, colored by class", 440, top=28, bar=True,
                 on_select="rerun", key=key)
    return [int(of_class[point["curve_number"]][point["point_index"]]) for point in event.selection.points]


def places(points: np.ndarray, labels: np.ndarray | None, classes: Sequence[str], marked: dict[str, np.ndarray],
           alt: str) -> None:
    """Points (n, 2) of a plane, a color and a sign a class, under marked ones {name: (m, 2)} with theirs."""
    figure = go.Figure(layout={"xaxis_visible": False, "yaxis_visible": False, "legend_itemsizing": "constant"})
    order = np.random.default_rng(0).permutation(len(points))[:MOST_POINTS]
    for index, name in enumerate(classes):
        rows = order if labels is None else order[labels[order] == index]
        figure.add_scatter(x=points[rows, 0], y=points[rows, 1], name=name, mode="markers", hoverinfo="name", marker={
            "color": live.PALETTE[index % len(live.PALETTE)], "size": 5, "opacity": 0.55, "symbol": index % 8})
    for (name, spots), sign in zip(marked.items(), ("circle-open", "star"), strict=True):
        figure.add_scatter(x=spots[:, 0], y=spots[:, 1], name=name, mode="markers", hoverinfo="name",
                           marker={"color": RED, "size": 16, "symbol": sign, "line": {"width": 3}})
    show(figure, alt, 520, bar=True)


def histograms(spread: latent.Distribution, order: Sequence[int], alt: str, *, columns: int = 4,
               distance: np.ndarray | None = None, key: str | None = None) -> None:
    """The density of some dimensions of codes, each beside N(0, 1).

    distance (d,): from N(0, 1); then the cells stand close, without axes, and the farthest is orange.
    """
    rows, small = -(-len(order) // columns), distance is not None
    titles = None if small else [f"z<sub>{k + 1}</sub>: mean {spread.mean[k]:.2f}, std {spread.std[k]:.2f}"
                                 for k in order]
    close = {"shared_xaxes": True, "shared_yaxes": True, "horizontal_spacing": 0.005, "vertical_spacing": 0.01}
    figure = make_subplots(rows, min(columns, len(order)), subplot_titles=titles, **(close if small else {}))
    middles = (spread.edges[1:] + spread.edges[:-1]) / 2
    worst = max(order, key=lambda k: distance[k]) if distance is not None else None
    for place, k in enumerate(order):
        cell = {"row": place // columns + 1, "col": place % columns + 1}
        figure.add_bar(x=middles, y=spread.density[k], marker_color=ORANGE if k == worst else BLUE, name=f"z{k + 1}",
                       **cell)
        figure.add_scatter(x=middles, y=spread.normal, mode="lines", line={"color": RED, "width": 2}, name="N(0, 1)",
                           **cell)
    if small:
        figure.update_xaxes(showticklabels=False, range=[-3.5, 3.5])
        figure.update_yaxes(showticklabels=False, range=[0, 1.2 * spread.density[list(order)].max()])
    figure.update_layout(showlegend=False, bargap=0)
    show(figure, alt, 104 * rows if small else 260 * rows + 40, top=8 if small else 28, key=key)


def cosines(matrix: np.ndarray, names: Sequence[str], alt: str) -> None:
    """A square of cosines, from -1 in blue to 1 in red."""
    figure = go.Figure(go.Heatmap(z=matrix, x=names, y=names, zmin=-1, zmax=1, colorscale="RdBu_r", showscale=False,
                                  texttemplate="%{z:.1f}" if len(names) <= 16 else None,
                                  hovertemplate="%{y} and %{x}: %{z:.2f}<extra></extra>"))
    figure.update_yaxes(autorange="reversed")
    show(figure, alt, max(320, 34 * len(names) + 130))


def network(parts: dict[str, list[blueprint.Stage]]) -> None:
    """Layers as bars as high as they are wide (log), around a middle line: the hourglass of an autoencoder."""
    encoder = [stage for stage in parts["encoder"] if stage.kind != "Log-variance"]
    stages = [*encoder, *parts["decoder"][1:]]           # the decoder begins with the code once more
    colors = [BLUE] * (len(encoder) - 1) + [RED] + [ORANGE] * (len(stages) - len(encoder))
    heights = [blueprint.size(stage) for stage in stages]
    sizes = [" x ".join(map(str, stage.shape)) for stage in stages]
    places = list(range(len(stages)))
    figure = go.Figure(go.Bar(
        x=places, y=heights, base=[-height / 2 for height in heights], marker_color=colors,
        customdata=[[stage.kind, size, f"{stage.parameters:,}"] for stage, size in zip(stages, sizes, strict=True)],
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<br>%{customdata[2]} parameters<extra></extra>"))
    figure.update_layout(showlegend=False, bargap=0.15)
    figure.update_yaxes(visible=False, fixedrange=True)
    names = [f"<b>{stage.kind}</b><br>{size}" for stage, size in zip(stages, sizes, strict=True)]
    figure.update_xaxes(tickvals=places, ticktext=names, fixedrange=True, tickangle=0 if len(stages) < 7 else -60)
    show(figure, "The layers of the network: " + ", ".join(f"{stage.kind} {size}" for stage, size
                                                           in zip(stages, sizes, strict=True)), 300, key="network")
