"""Pictures in: whatever people bring, as its author saw it. The one door through which files become pixels.

The bytes say what a file is, not its name. Pixels come out in sRGB and upright; what a file says about itself is
carried along and decides nothing else.
"""
import dataclasses
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from ae_core import guard
from ae_core.pictures import color, containers, convert, decoders, heavy, metadata, tiff

MAX_BYTES = 100 * 2**20
LARGEST = 2048                   # pixels of the longer side of what `read` gives: 50 MB
MAX_SIDE = 100_000               # pixels; longer strips take minutes to show
HEAVY = 8_000_000                # pixels beyond which a picture is decoded in a process of its own
BEGINNING = 64                   # bytes that tell what a file is
TURNS: dict[int, Callable] = {   # EXIF's orientation -> what makes the pixels upright
    2: lambda pixels: pixels[:, ::-1], 3: lambda pixels: pixels[::-1, ::-1], 4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1), 6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1), 8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1)}


class BadPicture(guard.Refused):
    """An upload that cannot be used; the message is meant for the person who uploaded it."""


@dataclass(frozen=True)
class Format:
    title: str
    suffixes: tuple[str, ...]
    beginning: re.Pattern
    decode: Callable | None      # None: it is known by name only


@dataclass(frozen=True)
class Photo:
    pixels: np.ndarray           # (h, w, 1 or 3) uint8 or uint16, sRGB, upright
    kept: metadata.Kept = metadata.NOTHING
    note: str = ""               # a sentence on what of the file this is, where that is not all of it


def _format(title, suffixes, beginning, decode=None):
    return Format(title, tuple(suffixes.split()), re.compile(beginning, re.DOTALL), decode)


FORMATS = (
    _format("JPEG", ".jpg .jpeg .jpe .jfif .mpo", rb"\xff\xd8\xff", decoders.jpeg),
    _format("PNG", ".png", rb"\x89PNG\r\n\x1a\n", decoders.png),
    _format("TIFF", ".tif .tiff", rb"II[*+]\0|MM\0[*+]", tiff.decode),
    _format("WebP", ".webp", rb"RIFF....WEBP", decoders.webp),
    _format("AVIF", ".avif", rb"....ftyp(avi[fs]|m[is]f1.*avi[fs])", decoders.avif),
    _format("HEIC", ".heic .heif", rb"....ftyp(he[iv]|m[is]f1)", decoders.heic),
    _format("JPEG 2000", ".jp2 .j2k .j2c .jpf .jpx", rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", decoders.jpeg2000),
    _format("GIF", ".gif", rb"GIF8[79]a", decoders.gif),
    _format("BMP", ".bmp .dib", rb"BM....\0\0\0\0", decoders.bmp),
)
OTHERS = tuple(_format(title, "", beginning) for title, beginning in {
    "a PDF document": rb"%PDF", "a Photoshop document": rb"8BPS", "a PostScript file": rb"%!PS|\xc5\xd0\xd3\xc6",
    "a JPEG XL picture": rb"\xff\x0a|\0\0\0\x0cJXL ", "an OpenEXR picture": rb"v/1\x01", "an icon": rb"\0\0[\1\2]\0",
    "a portable pixmap": rb"P[1-7]\s", "a zip archive": rb"PK", "a gzip archive": rb"\x1f\x8b",
    "a camera's raw file": rb"....ftypcrx |FUJIFILMCCD-RAW|IIRO|IIU\0", "an array of NumPy": rb"\x93NUMPY",
    "an SVG drawing": rb"\s*(<\?xml.*)?<svg",
    "a web page": rb"(?i)\s*<(!doctype )?html", "a film": rb"....ftyp|\x1a\x45\xdf\xa3",
}.items())
SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)         # what every uploader takes


def read(raw: bytes, name: str = "The file", largest: int = LARGEST, scale: tiff.Range | None = None,
         budget: guard.Budget | None = None) -> np.ndarray:
    """The picture (h, w, c) float32 in 0..1 in the bytes of a file; see `photo`.

    largest: pixels of the longer side that are enough; a larger one is shrunk, which bounds the memory.
    """
    return as_picture(photo(raw, name, largest, scale, budget, largest), largest)


def as_picture(photo: Photo, largest: int = LARGEST) -> np.ndarray:
    """A photo as a picture (h, w, c), float32 in 0..1, whose longer side has at most `largest` pixels."""
    values = photo.pixels
    if max(values.shape[:2]) > largest:
        values = convert.scale(values, largest)
    return values / np.float32(np.iinfo(values.dtype).max)


def pixels(raw: bytes, name: str = "The file", least: int | None = None) -> np.ndarray:
    """The pixels (h, w, c), uint8 or uint16, in the bytes of a file; see `photo`."""
    return photo(raw, name, least).pixels


def photo(raw: bytes, name: str = "The file", least: int | None = None, scale: tiff.Range | None = None,
          budget: guard.Budget | None = None, largest: int | None = None) -> Photo:
    """The picture in the bytes of a file, in sRGB and upright, c = 1 or 3, and what is passed on of its metadata.

    Beyond 8 bits it has 16; transparent pixels lie on white; of several pages the largest counts, of an animation the
    first picture. Where `least` pixels on the longer side are enough, a JPEG is decoded smaller, which takes a fraction
    of the time; beyond `largest` every picture is shrunk. `scale` is the range of a whole set of files (`range_of`),
    `budget` that of a whole reading. A large picture is decoded in a process of its own, two at a time (`heavy`).
    Raises BadPicture where it is empty, cut off, too large or no picture, guard.Refused where the budget is spent.
    """
    kind = _kind(raw, name)
    try:
        return _decode(kind, raw, name, least, scale, largest, budget)
    except _Heavy:
        ends = (scale.black, scale.white) if scale else None
        said, body = _apart({"least": least, "scale": ends, "largest": largest}, raw, name, budget)
    pixels = np.frombuffer(body, said["dtype"]).reshape(said["shape"])
    density = tuple(said["density"]) if said["density"] else None
    return Photo(pixels, metadata.Kept(bytes.fromhex(said["exif"]), density), said["note"])


def range_of(raw: bytes, name: str = "The file", budget: guard.Budget | None = None) -> tiff.Range | None:
    """What stands for black and white in a file that does not say; None where its format does. Raises as `photo`."""
    kind = _kind(raw, name)
    if kind.decode is not tiff.decode:
        return None
    try:
        return _guarded(kind, name, lambda begin: tiff.range_of(raw, begin), budget)
    except _Heavy:
        said, _ = _apart({"range": True}, raw, name, budget)
        return tiff.Range(*said["range"]) if said["range"] else None


# --- in a process of its own ---------------------------------------------------------------------------------

class _Heavy(Exception):
    """A picture that is decoded elsewhere."""


def _apart(question, raw, name, budget):
    """What `_answer` says in another process."""
    try:
        said, body = heavy.ask(__name__, question | {"name": name}, raw, name)
    except heavy.GivenUp as error:
        raise BadPicture(str(error)) from None
    if budget:
        budget.charge(said["seconds"])
    if "refused" in said:
        raise BadPicture(said["refused"])
    return said, body


def _answer(question, raw):
    """A photo or a range as a header and bytes; the other half of `_apart`."""
    name = question["name"]
    kind = _kind(raw, name)
    try:
        if "range" in question:
            found = _guarded(kind, name, lambda begin: tiff.range_of(raw, begin), apart=True)
            return {"range": (found.black, found.white) if found else None}, b""
        scale = tiff.Range(*question["scale"]) if question["scale"] else None
        done = _decode(kind, raw, name, question["least"], scale, question["largest"], apart=True)
    except guard.Refused as error:
        return {"refused": str(error)}, b""
    return {"shape": done.pixels.shape, "dtype": done.pixels.dtype.name, "density": done.kept.density,
            "exif": done.kept.exif.hex(), "note": done.note}, memoryview(np.ascontiguousarray(done.pixels)).cast("B")


# --- in this one ---------------------------------------------------------------------------------------------

def _decode(kind, raw, name, least, scale, largest, budget=None, apart=False):
    options = {"scale": scale} if kind.decode is tiff.decode else {}

    def work(begin):
        done = _finish(kind.decode(raw, least, begin, **options))
        return dataclasses.replace(done, pixels=convert.scale(done.pixels, largest)) \
            if largest and max(done.pixels.shape[:2]) > largest else done
    return _guarded(kind, name, work, budget, apart)


def _kind(raw, name):
    """The format of a file, by its first bytes."""
    if not raw:
        raise BadPicture(f"{name} is empty. {_choose()}")
    if len(raw) > MAX_BYTES:
        raise BadPicture(f"{name} has {len(raw) / 2**20:.0f} MB; at most {MAX_BYTES // 2**20} MB can be read. "
                         "Save it smaller and try again.")
    beginning = bytes(raw[:BEGINNING])
    kind = next((each for each in FORMATS if each.beginning.match(beginning)), None)
    if kind is None:
        other = next((f"but {each.title}" for each in OTHERS if each.beginning.match(beginning)), "")
        raise BadPicture(f"{name} is not a picture that can be read here{', ' + other if other else ''}. {_choose()}")
    return kind


def _guarded(kind, name, work, budget=None, apart=False):
    """What work(begin) gives, or a sentence; _Heavy where that is too much for this process."""
    suffix = PurePath(name).suffix.lower()
    title = f"{name}, in truth a {kind.title} file," if suffix in SUFFIXES and suffix not in kind.suffixes else name
    try:
        return work(functools.partial(_begin, budget, apart))
    except (guard.Refused, _Heavy):              # by the budget, in its own words
        raise
    except containers.Refused as error:
        raise BadPicture(f"{title} {error}") from None
    except MemoryError:
        raise BadPicture(f"{title} takes more memory than there is. Save it smaller and try again.") from None
    except Exception as error:                   # whatever a damaged file makes a decoder raise
        raise BadPicture(f"{title} is cut off or damaged: its pixels cannot be decoded. Export it again.") from error


def _begin(budget, apart, size, most=decoders.MAX_PIXELS):
    """Refused where a picture of (width, height) is too large to be worked on, _Heavy where it is for this process."""
    width, height = size
    if min(size) < 1:
        raise containers.Refused("is cut off or damaged: it has no pixels. Export it again.")
    if width * height > most:
        raise containers.Refused(f"has {width} x {height} pixels; at most {most // 10**6} megapixels can be read. "
                                 "Save it smaller and try again.")
    if max(size) > MAX_SIDE:
        raise containers.Refused(f"has {width} x {height} pixels; at most {MAX_SIDE:,} a side can be read. "
                                 "Cut it into parts.")
    if budget:
        budget.spend(width * height)
    if width * height > HEAVY and not apart:
        raise _Heavy


def _finish(decoded):
    """Samples as they are stored -> sRGB, on white, upright."""
    values = color.to_srgb(decoded.values, decoded.profile)
    if decoded.alpha is not None:
        values = _on_white(values, decoded.alpha, decoded.premultiplied)
    tags = metadata.first(decoded.exif) if decoded.tags is None else decoded.tags
    turn = 1 if decoded.turned else metadata.orientation(tags)
    density = decoded.density or metadata.density(tags)
    if turn in TURNS:
        values = np.ascontiguousarray(TURNS[turn](values))
        density = density[::-1] if density and turn >= 5 else density
    return Photo(np.ascontiguousarray(values), metadata.Kept(metadata.kept(decoded.exif, tags), density), decoded.note)


def _on_white(values, alpha, premultiplied):
    """Colors (h, w, 1 or 3) with alpha (h, w), laid on white: (h, w, 3)."""
    top = np.iinfo(values.dtype).max
    values = convert.to_three(values)
    if alpha.min() == top:
        return values
    answer = np.empty(values.shape, values.dtype)
    wide = np.uint16 if top == 255 else np.uint32                # holds the product of two levels
    for rows in convert.bands(values.shape):
        share = alpha[rows][..., None].astype(wide)
        missing = share - np.minimum(values[rows], share) if premultiplied else \
            ((top - values[rows]) * share + top // 2) // top
        answer[rows] = top - missing
    return answer


def _choose():
    titles = [each.title for each in FORMATS]
    return f"Choose a {', '.join(titles[:-1])} or {titles[-1]} file."


if __name__ == "__main__":                       # what `heavy.ask` starts
    heavy.serve(_answer)
