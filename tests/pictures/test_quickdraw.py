"""Quick Draw files: what is written in each format is read back, and a damaged file is a sentence."""
import json
import re
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ae_core.pictures import quickdraw

COORDINATES = st.integers(0, 255)
STROKES = st.lists(st.lists(st.tuples(COORDINATES, COORDINATES), min_size=1, max_size=12), min_size=1, max_size=5)
DRAWINGS = st.lists(st.tuples(st.integers(0, 2**64 - 1), st.sampled_from(["US", "DE", "JP"]), st.booleans(), STROKES),
                    min_size=1, max_size=4)
RAW = st.lists(st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)), min_size=1, max_size=9), min_size=1,
               max_size=4)


def as_bin(drawings):
    parts = []
    for key, country, recognized, strokes in drawings:
        parts.append(struct.pack("<Q2sbIH", key, country.encode(), recognized, 1_488_000_000, len(strokes)))
        for stroke in strokes:
            xs, ys = zip(*stroke, strict=True)
            parts.append(struct.pack(f"<H{2 * len(stroke)}B", len(stroke), *xs, *ys))
    return b"".join(parts)


def as_ndjson(drawings, times=False):
    def lists(stroke):
        columns = [list(column) for column in zip(*stroke, strict=True)]
        return [*columns, list(range(len(stroke)))] if times else columns
    rows = [{"key_id": str(key), "word": "cat", "countrycode": country, "recognized": recognized,
             "timestamp": "2017-03-01 20:41:36.70725 UTC", "drawing": [lists(stroke) for stroke in strokes]}
            for key, country, recognized, strokes in drawings]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_npy(bitmaps, path):
    np.save(path, np.asarray(bitmaps, np.uint8).reshape(len(bitmaps), 784))
    return path.read_bytes()


def read(folder, name, raw):
    path = folder / name
    path.write_bytes(raw)
    return [drawing for drawing, _ in quickdraw.drawings(path)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("quickdraw")


@given(DRAWINGS)
@settings(max_examples=60, deadline=None)
def test_binary_and_simplified_drawings_read_back(folder, drawings):
    for name, raw in (("cat.bin", as_bin(drawings)), ("cat.ndjson", as_ndjson(drawings))):
        back = read(folder, name, raw)
        assert [(d.key, d.country, d.recognized) for d in back] == [d[:3] for d in drawings]
        for drawing, (*_, strokes) in zip(back, drawings, strict=True):
            assert [stroke.T.tolist() for stroke in drawing.strokes] == [[list(p) for p in s] for s in strokes]


@given(RAW)
@settings(max_examples=60, deadline=None)
def test_raw_drawings_of_any_size_become_whole_bitmaps(folder, strokes):
    (drawing,) = read(folder, "raw.ndjson", as_ndjson([(1, "US", True, strokes)], times=True))
    np.testing.assert_allclose(np.concatenate(drawing.strokes, axis=1).T, [p for s in strokes for p in s])
    bitmap = quickdraw.rasterize(drawing.strokes)
    assert bitmap.shape == (32, 32) and bitmap.dtype == np.uint8 and bitmap.max() > 60
    assert not bitmap[0].any() and not bitmap[:, -1].any()


@given(st.lists(st.binary(min_size=784, max_size=784), min_size=1, max_size=3))
@settings(max_examples=20, deadline=None)
def test_bitmaps_read_back_in_a_black_border(folder, bitmaps):
    as_npy([np.frombuffer(raw, np.uint8) for raw in bitmaps], folder / "cat.npy")
    back = quickdraw.load(folder / "cat.npy")
    assert [picture[2:30, 2:30].tobytes() for picture in back] == bitmaps and not back[:, :2].any()


def test_a_drawing_looks_the_same_from_both_vector_formats(folder):
    drawing = [(1, "US", True, [[(0, 0), (255, 200)], [(30, 90), (90, 30)]])]
    (folder / "a.bin").write_bytes(as_bin(drawing))
    (folder / "a.ndjson").write_bytes(as_ndjson(drawing))
    assert np.array_equal(quickdraw.load(folder / "a.bin"), quickdraw.load(folder / "a.ndjson"))


def test_lines_are_anti_aliased_and_a_dot_is_seen():
    diagonal = quickdraw.rasterize([np.array([[0, 255], [0, 200]], float)])
    assert len(np.unique(diagonal)) > 10
    assert quickdraw.rasterize([np.array([[7.0], [7.0]])]).max() > 100


@pytest.mark.parametrize(("name", "raw", "words"), [
    ("cat.bin", as_bin([(1, "US", True, [[(1, 2), (3, 4)]])])[:-1], "drawing 1, at byte 22"),
    ("cat.bin", b"\0" * 10, "drawing 1, at byte 10"),
    ("cat.ndjson", b"{broken\n", "drawing 1, at byte 0"),
    ("cat.ndjson", b'{"drawing": [[[1, NaN], [1, 2]]]}\n', "drawing 1, at byte 0"),
    ("cat.ndjson", b'{"word": "cat"}\n', "there is no 'drawing'"),
    ("cat.npy", b"\x93NUMPY\x01\x00\x02\x00{}", "byte 0"),
    ("cat.txt", b"meow", "published formats"),
    ("cat.bin", b"", "holds no drawing")])
def test_a_broken_file_is_named_by_drawing_and_byte(folder, name, raw, words):
    (folder / name).write_bytes(raw)
    with pytest.raises(quickdraw.BadDrawing, match=words):
        quickdraw.load(folder / name)


ONE = [(1, "US", True, [[(1, 2), (30, 40)]])]
EMPTY = [(2, "US", True, [])]


@pytest.mark.parametrize(("name", "raw", "words", "left"), [
    ("cat.ndjson", as_ndjson(ONE + EMPTY + ONE), r"drawing 2, at byte \d+, .*it has no stroke", 2),
    ("cat.ndjson", as_ndjson(ONE, True) + b"{broken\n" + as_ndjson(ONE), "drawing 2, at byte", 2),
    ("CAT.NDJSON", as_ndjson(EMPTY + ONE), "drawing 1, at byte 0", 1),
    ("cat.bin", as_bin(ONE + EMPTY + ONE), "drawing 2, at byte .* has no stroke", 2),
    ("cat.BIN", as_bin(ONE * 2)[:-3], "is cut off in drawing 2, at byte", 1),
    ("cat.bin", as_bin(ONE) + b"\xff" * 40, "drawing 2, at byte .* has a bad header", 1)])
def test_a_broken_drawing_costs_itself_and_is_named(folder, name, raw, words, left):
    (folder / name).write_bytes(raw)
    skipped = []
    assert len(quickdraw.load(folder / name, skipped=skipped)) == left
    assert len(skipped) == 1 and re.search(words, skipped[0])


@pytest.mark.soak
def test_ten_thousand_mutated_files_are_errors_or_pictures(folder):
    """Bytes are changed, cut, doubled or swapped; nothing may crash, hang or give anything but bitmaps."""
    rng = np.random.default_rng(0)
    drawings = [(k, "US", True, [[(10, 20), (200, 90), (30, 40)], [(0, 0), (255, 255)]]) for k in range(2)]
    seeds = [("f.bin", as_bin(drawings)), ("f.ndjson", as_ndjson(drawings)), ("f.ndjson", as_ndjson(drawings, True)),
             ("f.npy", as_npy(np.zeros((2, 784)), folder / "seed.npy"))]
    outcomes = {"picture": 0, "error": 0}
    for k in range(10_000):
        name, raw = seeds[k % len(seeds)]
        raw = bytearray(raw)
        for _ in range(rng.integers(1, 4)):
            place, kind = int(rng.integers(len(raw))), rng.integers(4)
            if kind == 0:
                raw[place] = rng.integers(256)
            elif kind == 1:
                del raw[place:place + int(rng.integers(1, 40))]
            elif kind == 2:
                raw[place:place] = raw[place:place + int(rng.integers(1, 40))]
            else:
                raw[place:place + 4] = rng.bytes(4)
            raw = raw or bytearray(b"\0")
        (folder / name).write_bytes(raw)
        try:
            bitmaps = quickdraw.load(folder / name, limit=20)
            assert bitmaps.dtype == np.uint8 and bitmaps.shape[1:] == (32, 32)
            outcomes["picture"] += 1
        except quickdraw.BadDrawing:
            outcomes["error"] += 1
    assert min(outcomes.values()) > 100


def test_a_large_file_is_read_in_a_stream(folder):
    """A limit ends the reading early, and the progress is told on the way."""
    (folder / "many.bin").write_bytes(as_bin([(1, "US", True, [[(0, 0), (255, 255)]])]) * 3000)
    shares = []
    assert quickdraw.load(folder / "many.bin", limit=1000, report=shares.append).shape == (1000, 32, 32)
    assert shares == sorted(shares) and shares[-1] == 1
    assert len(quickdraw.load(folder / "many.bin")) == 3000


def test_stopping_works_from_the_progress(folder):
    def stop(share):
        raise InterruptedError
    (folder / "many.bin").write_bytes(as_bin([(1, "US", True, [[(0, 0), (255, 255)]])]) * 1000)
    with pytest.raises(InterruptedError):
        quickdraw.load(folder / "many.bin", report=stop)


def one_stroke(points):
    return struct.pack("<Q2sbIHH", 1, b"DE", 1, 0, 1, points) + bytes(2 * points)


@pytest.mark.parametrize("name, raw", [
    ("a.bin", struct.pack("<Q2sbIH", 1, b"DE", 1, 0, 700) + (struct.pack("<H", 65_000) + bytes(130_000)) * 700),
    ("b.bin", struct.pack("<Q2sbIH", 1, b"DE", 1, 0, 60_000) + struct.pack("<H2B", 1, 7, 7) * 60_000),
    ("c.ndjson", b'{"drawing": [' + b",".join([b"[[1],[2]]"] * 60_000) + b"]}\n"),
    ("d.ndjson", b'{"drawing": [[[' + b",".join([b"7"] * 400_000) + b"],[" + b",".join([b"7"] * 400_000) + b"]]]}\n"),
], ids=["points", "strokes", "strokes as JSON", "points as JSON"])
def test_a_drawing_that_nobody_drew_is_refused_before_it_is_drawn(tmp_path, monkeypatch, name, raw):
    """One of 95 MB took 1.9 GB and 50 seconds."""
    monkeypatch.setattr(quickdraw, "rasterize", lambda _: pytest.fail("it was drawn"))
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(quickdraw.BadDrawing, match="more than 5,000 strokes or 100,000 points"):
        quickdraw.load(tmp_path / name, 1)


def test_the_longest_drawing_is_read(tmp_path):
    (tmp_path / "a.bin").write_bytes(one_stroke(60_000))
    assert quickdraw.load(tmp_path / "a.bin").shape == (1, 32, 32)
