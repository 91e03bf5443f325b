"""Quick, Draw! files as bitmaps: 32x32, white ink on black, from any of the three published formats.

    .bin      simplified strokes, 15 bytes of header a drawing: key, country, recognized or not, time
    .ndjson   a JSON object a line; simplified strokes (0..255), or raw ones with times and any coordinates
    .npy      ready bitmaps, uint8 (n, 784)

Files are read one drawing at a time, whatever their size. Strokes are drawn as the published bitmaps were, so that the
same drawing looks the same from every format. Formats: github.com/googlecreativelab/quickdraw-dataset.
"""
import json
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ae_core import files
from ae_core.pictures import convert, reader

SIDE = 32                        # of a bitmap; the published 28 with 2 black pixels around
BITMAP = 28
INK = 16                         # width of a stroke on the published canvas of 256, which has 24 more on every side
CANVAS = 256 + 3 * INK
DETAIL = 4                       # drawn so many times finer, then averaged: the second half of the anti-aliasing
MOST_NAMED = 20                  # of the drawings of a file that were left out
MAX_LINE = 3 * 2**20             # bytes; the longest published raw drawing has a third of it
MAX_POINTS, MAX_STROKES = 100_000, 5_000         # of one drawing; nobody draws so much in twenty seconds
MAX_BLANK = 1000                 # empty lines of a file
TOO_MUCH = f"it has more than {MAX_STROKES:,} strokes or {MAX_POINTS:,} points"
_HEADER = struct.Struct("<Q2sbIH")           # key, country, recognized, time; and the number of strokes
_COUNT = struct.Struct("<H")


class BadDrawing(reader.BadPicture):
    """A file that is not in the published format; the message names the drawing and the byte."""


@dataclass(frozen=True)
class Drawing:
    key: int
    country: str
    recognized: bool
    strokes: tuple               # of float64 (2, n): x to the right and y downwards


def load(path: str | Path, limit: int = 100_000, report: Callable[[float], None] | None = None,
         skipped: list[str] | None = None) -> np.ndarray:
    """The first drawings of a file of any format, uint8 (n, 32, 32); a kilobyte each, so `limit` bounds the memory.

    report(share): called with the share of the work done, now and then; it may raise to stop. A drawing that breaks the
    format is left out and named in `skipped`; BadDrawing where no other is there.
    """
    bitmaps, skipped = [], [] if skipped is None else skipped
    for bitmap, share in _bitmaps(Path(path), limit, skipped):
        bitmaps.append(bitmap)
        if report and len(bitmaps) % 500 == 0:
            report(max(share, len(bitmaps) / limit))
        if len(bitmaps) == limit:
            break
    if not bitmaps:
        raise BadDrawing(skipped[0] if skipped else f"{Path(path).name} holds no drawing.")
    return np.stack(bitmaps)


def drawings(path: str | Path, skipped: list[str] | None = None) -> Iterator[tuple[Drawing, float]]:
    """The drawings of a .bin or .ndjson file, one after the other, each with the share of the file that is read.

    skipped: gets a sentence on the first of those that break the format.
    """
    path = Path(path)
    size = max(path.stat().st_size, 1)
    with path.open("rb") as file:
        for drawing in READERS[path.suffix.lower()](file, path.name):
            if isinstance(drawing, Drawing):
                yield drawing, file.tell() / size
            elif skipped is not None and len(skipped) < MOST_NAMED:
                skipped.append(str(drawing))


def rasterize(strokes: Sequence[np.ndarray]) -> np.ndarray:
    """Strokes [(2, n), ...] as an anti-aliased bitmap uint8 (32, 32), scaled to fill it and centered."""
    corners = np.concatenate(strokes, axis=1) if strokes else np.zeros((2, 1))
    low, extent = corners.min(axis=1, keepdims=True), np.ptp(corners, axis=1)
    scale = BITMAP / CANVAS * 255 / max(extent.max(), 1e-6) if extent.max() > 0 else 0.0
    shift = (SIDE - scale * extent[:, None]) / 2
    fine = np.zeros((SIDE * DETAIL, SIDE * DETAIL), np.uint8)
    lines = [np.round(((points[:, [*range(points.shape[1]), -1]] - low) * scale + shift) * DETAIL * 16)
             .astype(np.int32).T[:, None] for points in strokes]    # the last point twice: a single one is a dot
    cv2.polylines(fine, lines, False, 255, round(INK * BITMAP / CANVAS * DETAIL), cv2.LINE_AA, shift=4)
    return convert.resize(fine, (SIDE, SIDE))[..., 0]


def _bitmaps(path, limit, skipped):
    suffix = path.suffix.lower()
    if suffix == ".npy":
        bitmaps = _open_npy(path)[:limit]
        for k, bitmap in enumerate(bitmaps):
            yield np.pad(bitmap.reshape(BITMAP, BITMAP), (SIDE - BITMAP) // 2), (k + 1) / len(bitmaps)
    elif suffix in READERS:
        for drawing, share in drawings(path, skipped):
            yield rasterize(drawing.strokes), share
    else:
        raise BadDrawing(f"{path.name} is none of the published formats .bin, .ndjson and .npy.")


def _read_bin(file, name):
    """Drawings, and a BadDrawing in place of each that is empty or cut off; behind that nothing can be told apart."""
    number = 0
    while head := file.read(_HEADER.size):
        number, start = number + 1, file.tell() - len(head)
        try:
            yield _parse_bin(file, head, f"{name}: drawing {number}, at byte {start:,},")
        except EOFError as error:
            yield BadDrawing(f"{name} is cut off in drawing {number}, at byte {file.tell():,}: {error} is missing.")
            return
        except LookupError:
            yield BadDrawing(f"{name} is no Quick, Draw! file: drawing {number}, at byte {start:,}, has a bad header.")
            return
        except OverflowError:
            yield BadDrawing(f"{name}: drawing {number}, at byte {start:,}, cannot be one: {TOO_MUCH}.")
            return


def _parse_bin(file, head, called):
    """A drawing, or a BadDrawing where it is empty.

    EOFError with what is missing, LookupError at a bad header, OverflowError where it is too large to be one.
    """
    def need(size, what):
        raw = file.read(size)
        if len(raw) < size:
            raise EOFError(what)
        return raw
    if len(head) < _HEADER.size:
        raise EOFError("its header")
    key, country, recognized, _, count = _HEADER.unpack(head)
    if recognized not in (0, 1):
        raise LookupError
    strokes, total = [], 0
    for stroke in range(1, count + 1):
        size, = _COUNT.unpack(need(2, f"the length of stroke {stroke}"))
        total += size
        if total > MAX_POINTS or count > MAX_STROKES:
            raise OverflowError
        if size:
            points = np.frombuffer(need(2 * size, f"a part of stroke {stroke}"), np.uint8)
            strokes.append(points.reshape(2, size).astype(float))
    if not strokes:
        return BadDrawing(f"{called} has no stroke.")
    return Drawing(key, country.decode("latin-1"), bool(recognized), tuple(strokes))


def _read_ndjson(file, name):
    """Drawings, and a BadDrawing in place of each that breaks the format."""
    number, start, blank = 0, 0, 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        try:
            if len(line) > MAX_LINE:
                raise ValueError(f"its line is longer than {MAX_LINE // 2**20} MB")
            if line.count(b"[") > 4 * MAX_STROKES or line.count(b",") > 3 * (MAX_POINTS + MAX_STROKES):
                raise ValueError(TOO_MUCH)       # lists of lists take a hundred times their text
            if line.strip():
                yield _parse(json.loads(line))
            elif (blank := blank + 1) > MAX_BLANK:
                raise ValueError("the lines before it are empty")
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
            yield BadDrawing(f"{name}: drawing {number}, at byte {start:,}, is not in the published format "
                             f"({_reason(error)}).")
            if blank > MAX_BLANK:
                return
        start += len(line)


def _parse(values):
    """A drawing from its JSON object; ValueError, TypeError or KeyError where something is not as published."""
    strokes = tuple(np.array(stroke[:2], float) for stroke in values["drawing"] if len(stroke[0]))
    if not strokes:
        raise ValueError("it has no stroke")
    for points in strokes:
        if points.ndim != 2 or len(points) != 2:
            raise ValueError("a stroke is not two lists of coordinates")
        if not np.abs(points).max() < 1e6:       # also refuses what is not a number
            raise ValueError("a coordinate is not a number or beyond any screen")
    return Drawing(int(values.get("key_id", 0)), str(values.get("countrycode", "")),
                   bool(values.get("recognized", True)), strokes)


def _open_npy(path):
    """Bitmaps (n, 784), memory-mapped; only what is published is accepted."""
    with path.open("rb") as file:
        try:
            shape, by_columns, dtype = files.npy_header(file)
        except ValueError:
            shape, by_columns, dtype = (), False, np.dtype(object)
        start = file.tell()
    if len(shape) != 2 or shape[0] < 1 or shape[1] != BITMAP**2 or by_columns or dtype != np.uint8:
        raise BadDrawing(f"{path.name} is no Quick, Draw! bitmap file: its header (byte 0) is not uint8 (n, 784).")
    count, have = shape[0], path.stat().st_size - start
    if have != count * BITMAP**2:
        raise BadDrawing(f"{path.name} should hold {count:,} drawings of {BITMAP**2} bytes, but drawing "
                         f"{have // BITMAP**2 + 1:,}, at byte {path.stat().st_size:,}, is cut off or one too many.")
    return np.memmap(path, np.uint8, "r", start, shape)


def _reason(error):
    return f"there is no {error.args[0]!r}" if isinstance(error, KeyError) else str(error).splitlines()[0]


READERS = {".bin": _read_bin, ".ndjson": _read_ndjson}
SUFFIXES = (".npy", *READERS)
