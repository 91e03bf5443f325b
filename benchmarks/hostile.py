"""Uploads of every kind that mean harm, through the functions that the pages call: each is read or refused in words.

Good files of every format are broken by seed (bits, numbers, cuts, copies), and beside them stand those made by hand to
take all memory or time. `worst_mb` is what one upload adds to the server and to the process that decodes for it,
`worst_s` the seconds on the clock until the page has its answer; what is too long is tried again, as machines are
shared. Linux only.
"""
import contextlib
import dataclasses
import io
import json
import os
import struct
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ae_core import guard, presets, store
from ae_core.features import align, colorize, faces, paint, search
from ae_core.own import bundle, collection
from ae_core.pictures import collections, containers, datasets, reader
from benchmarks import formats
from pages.shared import cache, widgets

MOST_SECONDS, MOST_MB = 6.0, 700.0
TRIES = 3
BROKEN = 3_000                   # beside those made by hand
GRAY, COLOR = presets.get(search.PRESET), presets.get(faces.PRESET)
MODELS = ("digits_plane", "digits_vae_denoiser")
SKETCH = presets.get("cats_vae")
INTERESTING = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]


@dataclasses.dataclass(frozen=True)
class Upload:
    door: str                    # of DOORS
    name: str
    raw: bytes


# --- the doors -----------------------------------------------------------------------------------------------

def colored(raw: bytes, name: str) -> None:
    """As Colorize shows an upload."""
    cache.look(cache.served(colorize.PRESET), str(time.monotonic_ns()), raw, name)


def fitted(picture: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    return datasets.fit(picture, GRAY.dataset, shape)


def searched(raw: bytes, name: str) -> None:
    """As Search reads pictures until the first of them can be searched in."""
    read = collections.read([(name, raw)], GRAY.shape, fit=fitted, seconds=widgets.FIRST_SECONDS)
    read.notes()
    if len(read.names) > 1:
        search.build(cache.served(search.PRESET), read.floats())


def opened(raw: bytes, name: str) -> None:
    store.remove(bundle.unpack(raw).preset.name)


DOORS: dict[str, Callable[[bytes, str], Any]] = {
    "digit": lambda raw, name: cache.found(raw, name, GRAY.dataset, GRAY.shape, False, (0, 100), (0, 100)),
    "photo": lambda raw, name: cache.fitted(raw, name, COLOR.dataset, COLOR.shape),
    "face": lambda raw, name: align.find_face(raw, name, COLOR.shape),
    "color": colored,
    "full size": lambda raw, name: colorize.render(raw, name, paint.even(colorize.MEAN_CHROMA)),   # at another click
    "search": searched,
    "train": lambda raw, name: collection.read([(name, raw)], (64, 64, 3), seconds=widgets.FIRST_SECONDS),
    "sketch": lambda raw, name: widgets.sketches(raw, name, SKETCH.shape, 15),
    "model": opened}
SINGLE, SEVERAL = ("digit", "photo", "face", "color", "full size", "search", "train"), ("search", "train")
SENTENCES: dict[str, type[Exception]] = {"train": ValueError}    # what a page shows in place of guard.Refused


# --- what is measured ----------------------------------------------------------------------------------------

def processes() -> list[int]:
    """This process and those that decode for it."""
    found = [os.getpid()]
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):       # a thread that has just ended
            found += map(int, path.read_text("ascii").split())
    return found


def memory() -> float:
    """Megabytes that they hold now, all together."""
    pages = 0
    for pid in processes():
        with contextlib.suppress(OSError):       # it has just ended
            pages += int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextlib.contextmanager
def watched() -> Iterator[list[float]]:
    """Gives a list of what is held, looked at every few milliseconds, beyond what was held before."""
    before, done = memory(), threading.Event()
    seen = [0.0]

    def look() -> None:
        while not done.wait(0.004):
            seen.append(memory() - before)
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        seen.append(memory() - before)
        done.set()
        thread.join()


def measure(upload: Upload) -> tuple[str, float, float]:
    """How it ended ("read", "refused" or the error), its seconds, and its megabytes."""
    start = time.monotonic()
    with watched() as seen:
        try:
            DOORS[upload.door](upload.raw, upload.name)
            outcome = "read"
        except SENTENCES.get(upload.door, guard.Refused) as error:
            said = str(error)
            outcome = "refused" if said.endswith((".", ")")) else f"no sentence: {said!r}"
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
    return outcome, time.monotonic() - start, max(seen)


def run(uploads: int = BROKEN, seed: int = 0) -> dict[str, Any]:
    """Counts of all uploads, and the most that one of them took; what is not as it should be is named beside them."""
    if sys.platform != "linux":
        raise SystemExit("What an upload takes is read from /proc: run this on Linux.")
    counts = dict.fromkeys(("tried", "refused", "read", "uncaught", "over_time", "over_memory"), 0)
    worst_mb = worst_s = 0.0
    with tempfile.TemporaryDirectory() as folder, _environment(folder):
        for upload in (*by_hand(), *broken(uploads, np.random.default_rng(seed))):
            outcome, seconds, megabytes = measure(upload)
            for _ in range(TRIES - 1):
                if seconds > MOST_SECONDS:
                    outcome, seconds, megabytes = min(measure(upload), (outcome, seconds, megabytes),
                                                      key=lambda measured: measured[1])
            counts["tried"] += 1
            counts[outcome if outcome in ("read", "refused") else "uncaught"] += 1
            counts["over_time"] += seconds > MOST_SECONDS
            counts["over_memory"] += megabytes > MOST_MB
            worst_mb, worst_s = max(worst_mb, megabytes), max(worst_s, seconds)
            if outcome not in ("read", "refused") or seconds > MOST_SECONDS or megabytes > MOST_MB:
                print(f"{upload.door}: {upload.name[:80]!r}: {outcome[:200]}, {seconds:.1f} s, {megabytes:.0f} MB",
                      file=sys.stderr)
    return counts | {"worst_mb": round(worst_mb, 1), "worst_s": round(worst_s, 2)}


def options(parser: Any) -> None:
    parser.add_argument("--uploads", type=int, default=BROKEN, help="files broken by seed, beside those made by hand")
    parser.add_argument("--seed", type=int, default=0)


@contextlib.contextmanager
def _environment(folder: str) -> Iterator[None]:
    """A store of its own, and everything that is opened once is open."""
    before = os.environ.get("AE_MODELS_DIR")
    os.environ["AE_MODELS_DIR"] = folder
    for door, upload in {upload.door: upload for upload in good()}.items():
        with contextlib.suppress(ValueError):    # too few to train on, no face
            DOORS[door](upload.raw, upload.name)
    reader.pixels(blank_png(3000, 3000))         # which starts the process that decodes
    try:
        yield
    finally:
        os.environ.pop("AE_MODELS_DIR")
        os.environ |= {"AE_MODELS_DIR": before} if before else {}


# --- good files ----------------------------------------------------------------------------------------------

def saved(kind: str, size: tuple[int, int] = (96, 64), mode: str = "RGB", **options: Any) -> bytes:
    """A smooth picture as a file of a format."""
    across, down = np.linspace(0, 200, size[0]), np.linspace(0, 55, size[1])
    pixels = (across[None] + down[:, None]).astype(np.uint8)
    image = Image.fromarray(pixels).convert(mode) if mode != "I;16" else \
        Image.fromarray(pixels.astype(np.uint16) * 257)
    buffer = io.BytesIO()
    if kind == "HEIF":
        return formats.magick_made(np.asarray(image), "heic", "-quality", "80")
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def zipped(files: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return buffer.getvalue()


def drawing(strokes: int = 3, points: int = 9) -> bytes:
    """A drawing as it stands in a .bin file."""
    stroke = struct.pack("<H", points) + bytes(k * 37 % 256 for k in range(2 * points))
    return struct.pack("<Q2sbIH", 7, b"DE", 1, 1_488_000_000, strokes) + strokes * stroke


def array(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def good() -> list[Upload]:
    """A whole file of every format for each door that takes it."""
    exif = Image.Exif()
    exif[274], exif[315] = 6, "Ann"
    pictures = {
        "a.jpg": saved("JPEG", exif=exif, icc_profile=reader.color.srgb(), dpi=(300, 300)),
        "b.jpg": saved("JPEG", progressive=True), "c.jpg": saved("JPEG", mode="CMYK"), "d.png": saved("PNG"),
        "e.png": saved("PNG", mode="RGBA"), "f.png": saved("PNG", mode="I;16"), "g.png": saved("PNG", mode="P"),
        "h.tif": saved("TIFF"), "i.tif": saved("TIFF", compression="tiff_lzw"), "j.tif": saved("TIFF", mode="F"),
        "k.tif": saved("TIFF", compression="jpeg"), "l.webp": saved("WEBP"), "m.webp": saved("WEBP", lossless=True),
        "n.avif": saved("AVIF", speed=10), "o.heic": saved("HEIF"), "p.jp2": saved("JPEG2000"), "q.gif": saved("GIF"),
        "r.bmp": saved("BMP"), "s.png": saved("PNG", size=(3100, 3000))}
    found = [Upload(door, name, raw) for name, raw in pictures.items() for door in SINGLE]
    several = zipped({f"{k % 3}/{k}{name}": raw for k in range(2) for name, raw in pictures.items() if name != "s.png"})
    found += [Upload(door, "all.zip", several) for door in SEVERAL for _ in range(8)]
    lines = b'{"word":"cat","key_id":"5","recognized":true,"drawing":[[[1,90,9],[7,8,200]],[[5],[6]]]}\n' * 9
    sketches = {"a.bin": 9 * drawing(), "b.ndjson": lines, "c.npy": array(np.full((9, 784), 128, np.uint8))}
    found += [Upload("sketch", name, raw) for name, raw in sketches.items() for _ in range(8)]
    return found + [Upload("model", f"{name}.zip", bundle.pack(name)) for name in MODELS for _ in range(8)]


# --- broken by seed ------------------------------------------------------------------------------------------

def broken(count: int, rng: np.random.Generator) -> Iterator[Upload]:
    """Good files with bits flipped, numbers replaced, parts cut out, doubled or swapped with those of others."""
    whole = good()
    for k in range(count):
        upload = whole[rng.integers(len(whole))]
        inside = upload.name.endswith(".zip") and rng.random() < 0.7         # where the zip's own checksums do not help
        raw = _within(upload.raw, rng) if inside else \
            mutate(upload.raw, rng, whole[rng.integers(len(whole))].raw)
        yield Upload(upload.door, f"{k}_{upload.name}", raw)


def _within(raw: bytes, rng: np.random.Generator) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = list(files)[rng.integers(len(files))]
    text = name.endswith(".json") and rng.random() < 0.7
    files[name] = _other_card(files[name], rng) if text else mutate(files[name], rng, raw)
    return zipped(files)


def _other_card(raw: bytes, rng: np.random.Generator) -> bytes:
    """A card in which a value somewhere is another."""
    strange: list[Any] = [None, "", "\ud800", "x" * 10**5, -1, 0, 10**30, 1e308, float("nan"), [], {}, [[]], True, "![a](http://b)",
               ["a", 3], {"a": 1}, 2.5, "own_../../x"]
    card = json.loads(raw)
    inner: Any = card
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = keys[rng.integers(len(keys))]
        if not isinstance(inner[key], (dict, list)) or not inner[key] or rng.random() < 0.3:
            break
        inner = inner[key]
    inner[key] = strange[rng.integers(len(strange))]
    return json.dumps(card).encode()


def mutate(raw: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """A file with one to eight mistakes, most of them near its beginning, where formats keep their numbers."""
    changed = bytearray(raw)
    for _ in range(rng.integers(1, 9)):
        if not changed:
            break
        span = min(len(changed), 256) if rng.random() < 0.6 else len(changed)
        at = int(rng.integers(span))
        match rng.integers(6):
            case 0:
                changed[at] ^= 1 << int(rng.integers(8))
            case 1:
                changed[at] = rng.integers(256)
            case 2:
                number = INTERESTING[rng.integers(len(INTERESTING))]
                form = ("<B", "<H", ">H", "<I", ">I")[rng.integers(5)]
                written = struct.pack(form, number & 256 ** struct.calcsize(form) - 1)
                changed[at:at + len(written)] = written
            case 3:
                del changed[at:at + int(rng.integers(1, 1 + len(changed) // 4))]
            case 4:
                changed[at:at] = changed[at:at + int(rng.integers(1, 500))]
            case _:
                changed[at:at + 64] = other[at:at + 64]
    return bytes(changed)


# --- made by hand --------------------------------------------------------------------------------------------

def blank_png(width: int, height: int, depth: int = 1, kind: int = 0) -> bytes:
    """A PNG of zeros, written without ever being in memory."""
    row = b"\0" + bytes((width * depth * {0: 1, 2: 3, 4: 2, 6: 4}[kind] + 7) // 8)
    packer = zlib.compressobj(1)
    many = max(1, 2**16 // len(row))
    body = b"".join([packer.compress(row * min(many, height - k)) for k in range(0, height, many)] + [packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return containers.PNG_SIGNATURE + b"".join(map(containers.chunk, (b"IHDR", b"IDAT", b"IEND"), (header, body, b"")))


def scans(side: int, count: int) -> bytes:
    """A progressive JPEG that passes over its pixels so many times more."""
    raw = saved("JPEG", (side, side), "L", progressive=True)
    at = raw.rfind(b"\xff\xda")
    return raw[:-2] + raw[at:-2] * count + raw[-2:]


def tiff(tags: dict[int, int], body: bytes = b"", more: bytes = b"", count: int = 0) -> bytes:
    """A TIFF of one page with these tags (long numbers), its pixels and further entries."""
    start = 8 + len(body)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<I", start) + body + struct.pack("<H", len(tags) + count) + entries + more + bytes(4)


def by_hand() -> Iterator[Upload]:
    """What somebody made to take all memory, all time or another's files."""
    pixels = {256: 16, 257: 16, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 16, 279: 256}
    claims = b"".join(struct.pack("<HHII", 300 + k, 7, 10**6, 8) for k in range(2000))
    text = containers.chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(16 * 2**20), 9))
    small = saved("PNG", (9, 9))
    pictures = {
        "scans_500.jpg": scans(900, 500), "scans_80.jpg": scans(3500, 80), "scans_15.jpg": scans(7000, 10),
        "tile.tif": tiff(pixels | {322: 16_000, 323: 16_000, 324: 8, 325: 256}, bytes(256)),
        "strips.tif": tiff(pixels | {256: 7000, 257: 7000, 278: 1}, bytes(256)),
        "deflated.tif": tiff(pixels | {259: 8, 279: 60_000}, zlib.compress(bytes(60 * 2**20), 9)[:60_000]),
        "claims.tif": tiff({}, bytes(10**6), claims, 2000),
        "widths.tif": tiff({}, bytes(4 * 10**6), struct.pack("<HHII", 256, 4, 10**6, 8), 1),
        "texts.png": small[:33] + 200 * text + small[33:], "line.png": blank_png(1, 3_000_000),
        "strip.png": blank_png(100_000, 1), "tall.png": blank_png(1, 100_000), "wide.png": blank_png(99_999, 400, 8, 2),
        "huge.png": blank_png(200_000, 200_000 // 400), "bits.png": blank_png(7000, 7000),
        "gray.png": blank_png(7000, 7000, 8, 0), "rgb.png": blank_png(7000, 7000, 8, 2),
        "rgba.png": blank_png(7000, 7000, 8, 6), "deep.png": blank_png(7000, 7000, 16, 2),
        "deep_alpha.png": blank_png(7000, 7000, 16, 6), "canvas.webp": saved("WEBP", (7000, 7000)),
        "large.jpg": saved("JPEG", (7000, 7000)), "cmyk.jpg": saved("JPEG", (7000, 7000), "CMYK"),
        "large.gif": saved("GIF", (7000, 7000), "L"), "large.bmp": saved("BMP", (5500, 5500)),
        "large.heic": saved("HEIF", (4000, 4000)), "large.avif": saved("AVIF", (3500, 3500), speed=10),
        "large.jp2": saved("JPEG2000", (4800, 4800)), "too_large.avif": saved("AVIF", (5000, 5000), speed=10),
        "large.tif": saved("TIFF", (7000, 7000), compression="tiff_lzw"), "empty.png": b"", "mark.jpg": b"\xff\xd8\xff",
        "floats.tif": saved("TIFF", (7000, 7000), "F"), "ones.jpg": b"\xff\xd8" + b"\xff\xe0\0\2" * 10**6,
        "bang.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "x" * 300 + ".png": small,
        "=cmd()\u202e\n.png": small[:40]}
    for k, (name, raw) in enumerate(pictures.items()):
        for door in SINGLE if len(raw) < 10**5 else (SINGLE[k % len(SINGLE)], "color", "full size"):
            yield Upload(door, name, raw)
    canvas = saved("WEBP", (7000, 7000))
    archives = {
        "ones.zip": zipped({f"{k}.png": saved("PNG", (1, 1)) for k in range(19_000)}),
        "canvases.zip": zipped({f"{k}.webp": canvas for k in range(20)}),
        "bits.zip": zipped({f"{k}.png": blank_png(7000, 7000) for k in range(20)}),
        "many.zip": zipped({f"{k}": b"" for k in range(25_000)}), "zeros.zip": zipped({"a.png": bytes(150 * 2**20)}),
        "bzip2.zip": zipped({"a.png": bytes(30 * 2**20)}, zipfile.ZIP_BZIP2),
        "lzma.zip": zipped({"a.png": bytes(30 * 2**20)}, zipfile.ZIP_LZMA),
        "nested.zip": zipped({"b.zip": zipped({"a.png": small})}), "slip.zip": zipped({"../../a.png": small}),
        "long.zip": zipped({"d/" * 500 + "a" * 5000 + ".png": small})}
    for name, raw in archives.items():
        for door in (*SEVERAL, "model"):
            yield Upload(door, name, raw)
    long = b",".join([b"7"] * 700_000)
    sketches = {
        "points.bin": drawing(700, 65_000), "strokes.bin": drawing(65_000, 1), "empty.bin": drawing(0) * 500_000,
        "strokes.ndjson": b'{"drawing":[' + b",".join([b"[[1],[2]]"] * 300_000) + b"]}\n",
        "points.ndjson": b'{"drawing":[[[' + long + b"],[" + long + b"]]]}\n", "deep.ndjson": b"[" * 10**6,
        "digits.ndjson": b'{"drawing":[[[' + b"9" * 10**6 + b"],[1]]]}\n", "lines.ndjson": b"\n" * 10**7,
        "header.npy": array(np.zeros((1, 784), np.uint8)).replace(b"(1, 784)", b"(9" + b"9" * 5 + b",784)"),
        "objects.npy": b"\x93NUMPY\1\0\x76\0{'descr': '|O', 'fortran_order': False, 'shape': (1, 784), }".ljust(128)}
    for name, raw in sketches.items():
        yield Upload("sketch", name, raw)
    yield from _graphs()


def _graphs() -> Iterator[Upload]:
    """Models whose graphs are too much."""
    import onnx
    whole = bundle.pack("digits_plane")
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}

    def changed(change: Callable[[Any], None]) -> bytes:
        graph = onnx.load_model_from_string(files["decoder.onnx"])
        change(graph.graph)
        return zipped(files | {"decoder.onnx": graph.SerializeToString()})

    def crowded(graph):
        one = onnx.numpy_helper.from_array(np.zeros(1, np.float32), "")
        for k in range(80_000):
            one.name = f"n{k}"
            graph.initializer.add().CopyFrom(one)

    def long(graph):
        for k in range(20_000):
            graph.node.add().CopyFrom(onnx.helper.make_node("Relu", [f"r{k}"], [f"r{k + 1}"]))
    yield Upload("model", "initializers.zip", changed(crowded))
    yield Upload("model", "nodes.zip", changed(long))
    yield Upload("model", "card.zip", zipped(files | {"preset.json": b"[" * 900_000}))
    yield Upload("model", "codes.zip", zipped(files | {"latents.npz": zipped(
        {"mean.npy": array(np.zeros((10_000, 2), np.float16)), "label.npy": bytes(190 * 2**20)})}))
