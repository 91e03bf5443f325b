"""Six live components: what is dragged or drawn shows at once, with no call to the server.

- `pad`: a point on a latent plane; the browser blends the four nearest pictures of an atlas.
- `filmstrip`: a value along a row of frames; the browser cross-fades between two of them.
- `mixer`: several such rows that change one picture together, each along its own direction.
- `threshold`: a line to drag across a histogram; what lies beyond it is counted at once.
- `divider`: a line to drag across a picture and another beneath it; it has nothing to report.
- `sketchpad`: a small drawing surface.

The others report once, when the reader lets go, and then Streamlit reruns the page. The JavaScript
lies in `live/`. This module knows pictures (uint8 arrays) and numbers; it knows no model.

How the data flows: everything heavy (atlas, dots, thumbnails) travels as one message of its own,
the *parts*. Streamlit sends a message that did not change only once, so a rerun after a release
costs a few kilobytes, whatever the size of the atlas.
"""

import base64
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any, NamedTuple

import cv2
import numpy as np
import streamlit as st

ASSETS = Path(__file__).with_suffix("")
NORMAL = NormalDist()
BACKDROPS = ("plain", "grid", "points", "both")
PICTURE_SIDE = 420  # CSS pixels of the large picture, where the page has room for it
MAX_NEIGHBORS = 4000  # all distances are measured again in every frame
SKETCH_DETAIL = 4  # pixels of the returned drawing for each logical pixel

# Ten class colors that color-blind readers can tell apart (M. A. Petroff, "Accessible color
# sequences for data visualization", 2021).
PALETTE = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip


# --- Pictures on their way to the browser ---------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """Pictures of one size side by side in one encoded image. Made by `encode_grid` and `encode_strip`."""

    url: str  # data URL of the image, (rows * height, columns * width) pixels
    rows: int
    columns: int
    height: int  # of one picture, in pixels
    width: int
    channels: int  # 1 (gray) or 3 (RGB)
    count: int  # pictures in the sheet; the last places of a strip may be empty
    digest: str


class Neighbors(NamedTuple):
    """Real pictures with their places on the plane, for the one nearest to the pointer."""

    points: Any  # (n, 2) float, latent units
    pictures: Any  # uint8 (n, h, w) or (n, h, w, 3), or the Sheet that encode_strip made of them
    labels: Any = None  # (n,) class numbers, or None


def encode_grid(tiles: np.ndarray, quality: int | None = None) -> Sheet:
    """Encode a grid of pictures as one sheet. Cache the result: it takes 10 to 300 ms.

    Args:
        tiles: uint8 (rows, columns, h, w) or (rows, columns, h, w, 3). Row 0 is the top row.
        quality: None encodes without loss (PNG); 1 to 100 is lossy WebP (95: about 47 dB and
            0.4 of the size), for large color atlases.

    Raises:
        ValueError: the array has another type or shape.
    """
    tiles = np.asarray(tiles)
    _expect_pictures(tiles, "tiles", leading=2, wanted="(rows, columns, h, w[, 3])")
    return _encode(tiles, count=tiles.shape[0] * tiles.shape[1], quality=quality)


def encode_strip(pictures: np.ndarray, quality: int | None = None) -> Sheet:
    """Encode a sequence of pictures as one, nearly square, sheet. Cache the result.

    Args:
        pictures: uint8 (n, h, w) or (n, h, w, 3).
        quality: as for `encode_grid`.

    Raises:
        ValueError: the array has another type or shape.
    """
    pictures = np.asarray(pictures)
    _expect_pictures(pictures, "pictures", leading=1, wanted="(n, h, w[, 3])")
    count = len(pictures)
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    grid = np.zeros((rows * columns, *pictures.shape[1:]), np.uint8)
    grid[:count] = pictures
    return _encode(grid.reshape(rows, columns, *pictures.shape[1:]), count, quality)


def _expect_pictures(array: np.ndarray, name: str, leading: int, wanted: str) -> None:
    good_shape = array.ndim == leading + 2 or (array.ndim == leading + 3 and array.shape[-1] == 3)
    if array.dtype != np.uint8 or not good_shape or 0 in array.shape:
        raise ValueError(
            f"{name} is {array.dtype} {array.shape}, but must be uint8 {wanted} with nothing empty: "
            "multiply pictures in 0..1 by 255, round them, and drop a last axis of 1."
        )


def _encode(tiles: np.ndarray, count: int, quality: int | None) -> Sheet:
    rows, columns, height, width = tiles.shape[:4]
    sheet = tiles.swapaxes(1, 2).reshape(rows * height, columns * width, *tiles.shape[4:])
    if sheet.ndim == 3:
        sheet = sheet[..., ::-1]  # OpenCV writes BGR
    kind, options = ("png", [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if quality is not None:
        kind, options = ("webp", [cv2.IMWRITE_WEBP_QUALITY, int(quality)])
    _, encoded = cv2.imencode(f".{kind}", np.ascontiguousarray(sheet), options)
    return Sheet(
        url=f"data:image/{kind};base64,{_base64(encoded)}",
        rows=rows,
        columns=columns,
        height=height,
        width=width,
        channels=3 if tiles.ndim == 5 else 1,
        count=count,
        digest=hashlib.sha1(encoded.tobytes(), usedforsecurity=False).hexdigest(),
    )


def _scale(scale: int | None, sheet: Sheet) -> int:
    return int(scale or max(1, PICTURE_SIDE // max(sheet.height, sheet.width)))


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


# --- Components -----------------------------------------------------------------------------------


def _component(name: str) -> Callable[..., Any]:
    """Register `live/<name>.js`, with what all components share in front of it."""
    script = [(ASSETS / file).read_text("utf-8") for file in ("common.js", f"{name}.js")]
    return st.components.v2.component(
        f"autoencoder_lab_{name}",
        css=(ASSETS / "live.css").read_text("utf-8"),
        js="\n".join(script),
    )


# Registered once, when this module is imported. Streamlit registers them anew where it must
# (a second server or an AppTest in the same process).
_PARTS = _component("parts")
_PAD = _component("pad")
_FILMSTRIP = _component("filmstrip")
_MIXER = _component("mixer")
_THRESHOLD = _component("threshold")
_DIVIDER = _component("divider")
_SKETCHPAD = _component("sketchpad")


def _mount(
    component: Callable[..., Any],
    key: str,
    data: dict[str, Any],
    parts: dict[str, Any] | None = None,
    on_change: Callable[[], None] | None = None,
) -> Any:
    """Show a component (and its parts) and return what it reported last, unchecked, or None."""
    with st.container(gap=None):
        if parts is not None:
            data = data | {"parts": _digest(parts)}
            _PARTS(key=f"{key}:parts", data={"id": data["parts"], "parts": _plain(parts)})
        result = component(
            key=key, data=data | {"key": key}, on_value_change=on_change or (lambda: None)
        )
    return result.get("value")


def _plain(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: asdict(part) if isinstance(part, Sheet) else part for name, part in parts.items()}


def _digest(parts: dict[str, Any]) -> str:
    names = {name: part.digest if isinstance(part, Sheet) else part for name, part in parts.items()}
    return hashlib.sha1(json.dumps(names).encode(), usedforsecurity=False).hexdigest()


# --- The value of a component ---------------------------------------------------------------------
# A component reports {"at": value, "turn": how many reports before, "epoch": which placement it
# has seen}. The turn tells the browser whether an answer is about the point it shows; the epoch
# makes a placement by the page win over what the browser still holds.


def place(key: str, value: Any) -> None:
    """Set the value of a component from the page, for example behind a button.

    Call it before the component is shown in this run, or in a callback.

    Args:
        key: the component's key.
        value: (x, y) for a pad, a number for a filmstrip; for a sketchpad a float picture in 0..1
            (square, `size * 4` pixels a side) or None, which clears it.
    """
    _, epoch = st.session_state.get(f"{key}:placed", (None, 0))
    st.session_state[f"{key}:placed"] = (value, epoch + 1)
    st.session_state.pop(key, None)


class _Value(NamedTuple):
    at: Any  # unchecked
    turn: int | None  # None: the reader has not touched it since it was placed
    epoch: int


def _current(key: str, default: Any) -> _Value:
    """The value before the component is shown: the reader's, else the page's, else the default."""
    return _read(st.session_state.get(key), key, default)


def _read(state: Any, key: str, default: Any) -> _Value:
    placed, epoch = st.session_state.get(f"{key}:placed", (default, 0))
    value = state.get("value") if isinstance(state, dict) else None
    if value is None:
        return _Value(placed, None, epoch)
    if not isinstance(value, dict):  # a bare value, as an AppTest sets it
        return _Value(value, None, epoch)
    if value.get("epoch") != epoch:  # reported before the page placed another value
        return _Value(placed, None, epoch)
    turn = value.get("turn")
    return _Value(value.get("at"), turn if type(turn) is int else None, epoch)


def _number(value: Any, low: float, high: float, default: float) -> float:
    """A finite number within [low, high], whatever a browser or an address sent."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    return min(max(default if math.isnan(number) else number, low), high)


# --- Pad ------------------------------------------------------------------------------------------


def pad(
    key: str,
    atlas: np.ndarray | Sheet,
    *,
    bounds: tuple[float, float, float, float],
    label: str,
    alt: str,
    point: tuple[float, float] = (0.0, 0.0),
    backdrop: str = "points",
    grid: np.ndarray | Sheet | None = None,
    dots: np.ndarray | None = None,
    dot_labels: np.ndarray | None = None,
    classes: Sequence[str] = (),
    palette: Sequence[str] = PALETTE,
    neighbors: Neighbors | None = None,
    exact: Callable[[float, float], np.ndarray] | np.ndarray | None = None,
    warp: bool = False,
    axes: tuple[str, str] = ("z₁", "z₂"),
    size: int = 480,
    scale: int | None = None,
    on_change: Callable[[], None] | None = None,
) -> tuple[float, float]:
    """Show a plane to drag on, with the decoded picture large beside it; return the point.

    While the reader drags, the browser blends the four atlas pictures around the pointer. On
    release it reports the point once. The y axis points up.

    Args:
        key: unique on the page. Another model or plane needs another key, or keeps its point.
        atlas: uint8 (rows, columns, h, w[, 3]), or the Sheet that `encode_grid` made of it.
            Picture (r, c) is the decoding of x = linspace(x0, x1, columns)[c] and
            y = linspace(y1, y0, rows)[r]: row 0 is the top row, the corners are the bounds.
        bounds: (x0, x1, y0, y1), the edges of the plane.
        label: name of the control, spoken by a screen reader.
        alt: what the large picture shows, in words.
        point: where the plane opens, latent units; out of bounds or not finite is put right.
        backdrop: "plain", "grid" (decoded pictures beneath), "points" (the dots) or "both".
        grid: pictures for the backdrop, uint8 (rows, columns, h, w[, 3]) or a Sheet. They fill the
            plane as equal cells, so picture (r, c) is the decoding of its cell's center. None
            draws the atlas, each picture centered on its point.
        dots: (n, 2) latent points of real pictures. Those out of bounds are not drawn.
        dot_labels: (n,) class numbers of the dots.
        classes: class names. Each gets a legend entry that switches its dots off and on.
        palette: CSS colors, class by class.
        neighbors: real pictures; the one nearest to the pointer is shown while dragging.
        exact: the true decoding of the current point, uint8 (h, w[, 3]), or a function (x, y) that
            makes it. It replaces the blend once the pointer rests.
        warp: the probability view. `bounds` are then probabilities strictly within 0..1, and the
            axes (also those of atlas and grid) are the normal CDF of the latent. `point`, `dots`,
            `neighbors` and the returned point stay in latent units.
        axes: names of the two coordinates.
        size: largest side of the plane in CSS pixels; it shrinks with the page.
        scale: largest whole factor that enlarges the picture. None: about 420 pixels.
        on_change: called when the reader has set another point, before the page reruns.

    Returns:
        (x, y) in latent units, always finite and within the bounds.

    Raises:
        ValueError: an array has another shape than its neighbors ask for, or bad bounds.
    """
    _expect_bounds(bounds, warp)
    _expect_one_of(backdrop, BACKDROPS, "backdrop")
    atlas = _as_sheet(atlas, encode_grid)
    value = _current(key, point)
    here = _point(value.at, bounds, warp, point)
    parts = {"atlas": atlas, "grid": None if grid is None else _as_sheet(grid, encode_grid)}
    parts |= _dot_parts(dots, dot_labels, bounds, warp) | _neighbor_parts(neighbors)
    data = {
        "at": _to_plane(here, warp),
        "turn": value.turn,
        "epoch": value.epoch,
        "bounds": [float(edge) for edge in bounds],
        "warp": bool(warp),
        "backdrop": backdrop,
        "classes": [str(name) for name in classes],
        "palette": list(palette),
        "axes": list(axes),
        "label": label,
        "alt": alt,
        "size": int(size),
        "tile": [atlas.height, atlas.width, atlas.channels],
        "scale": _scale(scale, atlas),
        "hasDots": dots is not None,
        "hasNearest": neighbors is not None,
        "exact": _exact_part(exact, here, atlas),
    }
    reported = _mount(_PAD, key, data, parts, on_change)
    return _point(_read({"value": reported}, key, point).at, bounds, warp, point)


def _expect_bounds(bounds: tuple[float, float, float, float], warp: bool) -> None:
    edges = [_number(edge, -math.inf, math.inf, math.nan) for edge in bounds]
    ordered = len(edges) == 4 and edges[0] < edges[1] and edges[2] < edges[3]
    low, high = (0.0, 1.0) if warp else (-math.inf, math.inf)
    if not ordered or not all(low < edge < high for edge in edges):
        range_ = " strictly between 0 and 1 (they are probabilities)" if warp else ""
        raise ValueError(f"bounds is {bounds}, but must be x0 < x1, y0 < y1, finite{range_}.")


def _expect_one_of(value: str, allowed: Sequence[str], name: str) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}, but must be one of {', '.join(allowed)}.")


def _as_sheet(pictures: np.ndarray | Sheet, encode: Callable[[np.ndarray], Sheet]) -> Sheet:
    return pictures if isinstance(pictures, Sheet) else encode(pictures)


def _latent_bounds(bounds: tuple[float, float, float, float], warp: bool) -> list[float]:
    return [NORMAL.inv_cdf(edge) if warp else float(edge) for edge in bounds]


def _point(
    value: Any, bounds: tuple[float, float, float, float], warp: bool, default: Any
) -> tuple[float, float]:
    """A point within the bounds, latent units; what is not a point becomes the default."""
    x0, x1, y0, y1 = _latent_bounds(bounds, warp)
    safe = _pair(default) or (0.0, 0.0)
    x, y = _pair(value) or safe
    safe_x, safe_y = _number(safe[0], x0, x1, 0.0), _number(safe[1], y0, y1, 0.0)
    return _number(x, x0, x1, safe_x), _number(y, y0, y1, safe_y)


def _pair(value: Any) -> tuple[Any, Any] | None:
    value = value.tolist() if isinstance(value, np.ndarray) else value
    return tuple(value) if isinstance(value, (list, tuple)) and len(value) == 2 else None


def _to_plane(point: tuple[float, float], warp: bool) -> list[float]:
    return [NORMAL.cdf(value) if warp else value for value in point]


def _dot_parts(dots: Any, labels: Any, bounds: Any, warp: bool) -> dict[str, str]:
    """Dots as 16-bit positions on the plane and 8-bit classes: four bytes and one a dot."""
    if dots is None:
        return {}
    dots = _as_points(dots, "dots")
    labels = _as_labels(labels, len(dots), "dot_labels")
    if warp:
        dots = np.vectorize(NORMAL.cdf, otypes=[float])(dots)
    x0, x1, y0, y1 = bounds
    share = (dots - [x0, y0]) / [x1 - x0, y1 - y0]
    inside = ((share >= 0) & (share <= 1)).all(axis=1)  # also drops what is not a number
    places = np.round(share[inside] * 65535).astype("<u2")
    return {"dots": _base64(places), "dotClasses": _base64(labels[inside])}


def _neighbor_parts(neighbors: Neighbors | None) -> dict[str, Any]:
    if neighbors is None:
        return {}
    points = _as_points(neighbors.points, "neighbors.points")
    pictures = _as_sheet(neighbors.pictures, encode_strip)
    if pictures.count != len(points) or len(points) > MAX_NEIGHBORS:
        raise ValueError(
            f"neighbors has {len(points)} points and {pictures.count} pictures, but needs one "
            f"picture a point and at most {MAX_NEIGHBORS}: cut both to the same length."
        )
    parts = {"nearPictures": pictures, "nearPoints": _base64(points.astype("<f4"))}
    if neighbors.labels is not None:
        parts["nearClasses"] = _base64(
            _as_labels(neighbors.labels, len(points), "neighbors.labels")
        )
    return parts


def _as_points(points: Any, name: str) -> np.ndarray:
    points = np.asarray(points, float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"{name} has shape {points.shape}, but must be (n, 2): one x, y a row.")
    return points


def _as_labels(labels: Any, count: int, name: str) -> np.ndarray:
    labels = np.zeros(count, int) if labels is None else np.asarray(labels)
    good = labels.shape == (count,) and labels.dtype.kind in "iu"
    if not good or (count and not 0 <= labels.min() <= labels.max() < 256):
        raise ValueError(
            f"{name} is {labels.dtype} {labels.shape}, but must be ({count},) whole class numbers "
            "from 0 to 255, one a point."
        )
    return labels.astype(np.uint8)


def _exact_part(exact: Any, here: tuple[float, float], atlas: Sheet) -> str | None:
    if exact is None:
        return None
    picture = np.asarray(exact(*here) if callable(exact) else exact)
    wanted = (atlas.height, atlas.width) + ((3,) if atlas.channels == 3 else ())
    if picture.dtype != np.uint8 or picture.shape != wanted:
        raise ValueError(
            f"exact is {picture.dtype} {picture.shape}, but must be uint8 {wanted} as the atlas is."
        )
    return _base64(picture)


# --- Filmstrip ------------------------------------------------------------------------------------


def filmstrip(
    key: str,
    frames: np.ndarray | Sheet,
    *,
    label: str,
    alt: str,
    value: float = 0.0,
    start: float = 0.0,
    stop: float = 1.0,
    digits: int | None = None,
    captions: Sequence[str] | None = None,
    ends: tuple[str, str] = ("", ""),
    loop: bool = False,
    autoplay: bool = False,
    fps: float = 12.0,
    smooth: bool = False,
    scale: int | None = None,
    on_change: Callable[[], None] | None = None,
) -> float:
    """Show frames along a line with a slider and a play button; return the value on that line.

    While the reader drags or plays, the browser cross-fades between the two frames around the
    value. The value is reported once: on release, or when playing is paused.

    Args:
        key: unique on the page. Other frames keep the value unless the key changes, too.
        frames: uint8 (n, h, w[, 3]), n >= 2, or the Sheet that `encode_strip` made of them.
        label: name of the control, spoken by a screen reader.
        alt: what the picture shows, in words.
        value: where the strip opens; out of range or not finite is put right.
        start: value of the first frame.
        stop: value of the last frame; may be smaller than start.
        digits: decimals of the value that is shown. None: as many as the line is fine.
        captions: one text a frame, shown under the picture and spoken.
        ends: words under the two ends of the track.
        loop: play from the first frame again after the last; else back and forth.
        autoplay: begin to play, unless the reader's system asks for reduced motion.
        fps: frames a second while playing.
        smooth: interpolate between the pixels of the enlarged picture, in place of square ones.
        scale: largest whole factor that enlarges the picture. None: about 420 pixels.
        on_change: called when the reader has set another value, before the page reruns.

    Returns:
        The value, always finite and between start and stop.

    Raises:
        ValueError: fewer than two frames, another number of captions, start equals stop.
    """
    frames = _as_sheet(frames, encode_strip)
    _expect_line(frames, captions, start, stop)
    low, high = sorted((float(start), float(stop)))
    opening = _number(value, low, high, float(start))
    now = _current(key, opening)
    data = {
        "at": _number(now.at, low, high, opening),
        "turn": now.turn,
        "epoch": now.epoch,
        "start": float(start),
        "stop": float(stop),
        "digits": digits,
        "captions": None if captions is None else [str(text) for text in captions],
        "ends": list(ends),
        "loop": bool(loop),
        "autoplay": bool(autoplay),
        "fps": _number(fps, 0.5, 60.0, 12.0),
        "smooth": bool(smooth),
        "label": label,
        "alt": alt,
        "tile": [frames.height, frames.width, frames.channels],
        "scale": _scale(scale, frames),
    }
    reported = _mount(_FILMSTRIP, key, data, {"frames": frames}, on_change)
    return _number(_read({"value": reported}, key, opening).at, low, high, opening)


def _expect_line(frames: Sheet, captions: Any, start: float, stop: float) -> None:
    if frames.count < 2:
        raise ValueError(f"frames has {frames.count} picture, but a strip needs two or more.")
    if captions is not None and len(captions) != frames.count:
        raise ValueError(
            f"captions has {len(captions)} texts for {frames.count} frames: give one a frame."
        )
    if not math.isfinite(start) or not math.isfinite(stop) or start == stop:
        raise ValueError(f"start {start} and stop {stop} must be two different finite numbers.")


# --- Mixer ----------------------------------------------------------------------------------------


def mixer(
    key: str,
    frames: np.ndarray | Sheet,
    labels: Sequence[str],
    *,
    values: Sequence[float],
    exact: np.ndarray,
    alt: str,
    caption: str = "",
    start: float = -1.0,
    stop: float = 1.0,
    smooth: bool = False,
    scale: int | None = None,
    on_change: Callable[[], None] | None = None,
) -> tuple[float, ...]:
    """Show one picture with a strip for each direction that changes it; return the value of each.

    While a strip is dragged, the browser cross-fades between its two frames around the value. The
    values are reported once, on release; the page then sends frames that hold them all.

    Args:
        key: unique on the page. Another picture or other strips need another key.
        frames: uint8 (strips, n, h, w[, 3]), n >= 2, or the Sheet that `encode_grid` made of them.
            Row k is the picture along strip k, with every other strip at its value.
        labels: name of each strip, spoken by a screen reader.
        values: where the strips open. Ask `mixed` for them before making the frames.
        exact: uint8 (h, w[, 3]), the true picture at the values.
        alt: what the picture shows, in words.
        caption: one text under the picture.
        start: value of the first frame of every strip.
        stop: value of the last frame.
        smooth: interpolate between the pixels of the enlarged picture, in place of square ones.
        scale: largest whole factor that enlarges the picture. None: about 420 pixels.
        on_change: called when the reader has set other values, before the page reruns.

    Returns:
        One value a strip, always finite and between start and stop.

    Raises:
        ValueError: another number of rows or values than labels, or too few frames.
    """
    frames = _as_sheet(frames, encode_grid)
    if not labels or len(labels) != frames.rows or frames.columns < 2:
        raise ValueError(
            f"frames has {frames.rows} rows of {frames.columns} for {len(labels)} labels: give "
            "one row a label, of two frames or more."
        )
    here = mixed(key, values, start, stop)
    now = _current(key, values)
    data = {
        "at": list(here),
        "turn": now.turn,
        "epoch": now.epoch,
        "start": float(start),
        "stop": float(stop),
        "labels": [str(label) for label in labels],
        "alt": alt,
        "caption": caption,
        "tile": [frames.height, frames.width, frames.channels],
        "scale": _scale(scale, frames),
        "smooth": bool(smooth),
        "exact": _exact_part(exact, here, frames),
    }
    _mount(_MIXER, key, data, {"frames": frames}, on_change)
    return here


def mixed(
    key: str, values: Sequence[float], start: float = -1.0, stop: float = 1.0
) -> tuple[float, ...]:
    """The values that a mixer is about to show: the reader's, else the page's, else `values`."""
    now = _current(key, values).at
    if not isinstance(now, (list, tuple)) or len(now) != len(values):
        now = values
    return tuple(
        _number(value, start, stop, _number(default, start, stop, start))
        for value, default in zip(now, values, strict=True)
    )


# --- Threshold ------------------------------------------------------------------------------------


def threshold(
    key: str,
    scores: np.ndarray,
    wanted: np.ndarray | None = None,
    *,
    label: str,
    value: float,
    names: tuple[str, str] = ("regular", "intruders"),
    bins: int = 120,
    height: int = 220,
    on_change: Callable[[], None] | None = None,
) -> float:
    """Show a histogram of scores with a line to drag across it; return where the line stands.

    While the reader drags, the browser counts what lies at or beyond the line. The heights are
    logarithmic, so that a single picture among thousands can be seen. It reports once, on release.

    Args:
        key: unique on the page. Other scores keep the line unless the key changes, too.
        scores: (n,) finite numbers.
        wanted: (n,) bool, those to be found; they get their own color and counts. None: unknown.
        label: name of the control, spoken by a screen reader.
        value: where the line opens.
        names: of the others and of the wanted, in the plural.
        bins: columns of the histogram.
        height: of the histogram in CSS pixels.
        on_change: called when the reader has moved the line, before the page reruns.

    Returns:
        The value, finite and within the scores (a hair above the highest at most).

    Raises:
        ValueError: no scores, or one that is not finite.
    """
    scores = np.asarray(scores, float)
    if scores.ndim != 1 or not len(scores) or not np.isfinite(scores).all():
        raise ValueError(f"scores is {scores.shape}, but must be one or more finite numbers.")
    low, high = float(scores.min()), float(scores.max())
    high += max((high - low) * 0.01, 1e-9)
    wanted = np.zeros(len(scores), bool) if wanted is None else np.asarray(wanted, bool)
    now = _current(key, value)
    data = {
        "at": _number(now.at, low, high, value),
        "turn": now.turn,
        "epoch": now.epoch,
        "low": low,
        "high": high,
        "label": label,
        "names": list(names),
        "known": bool(wanted.any()),
        "height": int(height),
        "bins": int(bins),
    }
    parts = {
        name: _base64(np.sort(scores[rows]).astype("<f8"))
        for name, rows in (("others", ~wanted), ("wanted", wanted))
    }
    reported = _mount(_THRESHOLD, key, data, parts, on_change)
    return _number(_read({"value": reported}, key, value).at, low, high, value)


# --- Divider --------------------------------------------------------------------------------------


def divider(
    key: str,
    left: bytes,
    right: bytes,
    *,
    label: str,
    size: tuple[int, int],
    names: tuple[str, str],
    alts: tuple[str, str],
    height: int = 560,
    pixels: bool = False,
) -> None:
    """Show a picture left of a line and another one right of it; the reader drags the line.

    It never calls the server: where the line stands matters to the eye alone. New pictures come
    under the line where it stands.

    Args:
        key: unique on the page.
        left, right: JPEG or PNG bytes of two pictures of one size, no larger than they are shown.
        label: name of the control, spoken by a screen reader.
        size: (width, height) of both in pixels; their place is kept free before they arrive.
        names: of the two, shown in their corners.
        alts: what each shows, in words.
        height: most CSS pixels down; it shrinks with the page.
        pixels: whether enlarged pixels stay sharp squares.

    Raises:
        ValueError: a side of `size` is not positive.
    """
    if min(size) < 1:
        raise ValueError(f"size is {size}, but must be two positive numbers, width and height.")
    data = {
        "label": label,
        "size": [int(side) for side in size],
        "names": list(names),
        "alts": list(alts),
        "height": int(height),
        "pixels": bool(pixels),
    }
    parts = {
        name: base64.b64encode(picture).decode("ascii")
        for name, picture in (("left", left), ("right", right))
    }
    _mount(_DIVIDER, key, data, parts)


# --- Sketchpad ------------------------------------------------------------------------------------


def sketchpad(
    key: str,
    *,
    label: str,
    alt: str = "Your drawing, white on black",
    size: int = 28,
    display: int = 280,
    brush: float = 2.4,
    drawing: np.ndarray | None = None,
    on_change: Callable[[], None] | None = None,
) -> np.ndarray | None:
    """Show a surface to draw on, white ink on black; return the drawing.

    The drawing is four times finer than `size`, so that whoever shrinks it can center it first.
    It is reported once a stroke, and once for each undo and clear.

    Args:
        key: unique on the page.
        label: name of the control, spoken by a screen reader.
        alt: what the drawing shows, in words.
        size: side in logical pixels, those that the model sees.
        display: largest side on the screen in CSS pixels; it shrinks with the page.
        brush: width of the pen in logical pixels.
        drawing: what it opens with, float (size * 4, size * 4) in 0..1. None: empty.
        on_change: called when the drawing has changed, before the page reruns.

    Returns:
        float32 (size * 4, size * 4) in 0..1, 0 is black; None while there is no ink.

    Raises:
        ValueError: size, display or brush is not positive.
    """
    if min(size, display) < 1 or not 0 < brush < math.inf:
        raise ValueError(f"size {size}, display {display} and brush {brush} must be positive.")
    side = int(size) * SKETCH_DETAIL
    value = _current(key, drawing)
    ink = _ink(value.at, side)
    data = {
        "at": None if ink is None else _base64(np.round(ink * 255).astype(np.uint8)),
        "turn": value.turn,
        "epoch": value.epoch,
        "label": label,
        "alt": alt,
        "size": int(size),
        "side": side,
        "display": int(display),
        "brush": float(brush),
    }
    reported = _mount(_SKETCHPAD, key, data, on_change=on_change)
    return _ink(_read({"value": reported}, key, drawing).at, side)


def _ink(value: Any, side: int) -> np.ndarray | None:
    """A drawing as float32 (side, side) in 0..1; what is none, or has no ink, becomes None."""
    if isinstance(value, str):
        value = _decoded(value, side)
    if not isinstance(value, np.ndarray) or value.shape != (side, side):
        return None
    if value.dtype.kind != "f" or not np.isfinite(value).all() or not value.any():
        return None
    return np.clip(value, 0, 1).astype(np.float32)


def _decoded(text: str, side: int) -> np.ndarray | None:
    """The browser's drawing: base64 of side * side bytes."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    if len(raw) != side * side:
        return None
    return np.frombuffer(raw, np.uint8).reshape(side, side).astype(np.float32) / 255
