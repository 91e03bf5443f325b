"""What a file says about its picture: which way is up, how large it is on paper, who took it and when.

EXIF and TIFF are one structure, a chain of directories of tags. It is read tag by tag, and what makes no sense is left
out: no tag decides whether pixels are read.
"""
import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAKE, MODEL, DATE_TIME, ARTIST, COPYRIGHT, DATE_ORIGINAL, DATE_DIGITIZED = 271, 272, 306, 315, 33432, 36867, 36868
ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, DETAILS = 274, 282, 283, 296, 34665
KEPT = (MAKE, MODEL, DATE_TIME, ARTIST, COPYRIGHT)               # never where it was taken
KEPT_DETAILS = (DATE_ORIGINAL, DATE_DIGITIZED)
TEXT = (2, 129)                  # ASCII, and EXIF 3's UTF-8
MAX_TEXT = 8_000                 # bytes of one tag; an EXIF block of a JPEG has at most 65,533
MAX_DIRECTORIES = 256
MAX_TAGS = 300                   # of a directory; a camera's raw file has a hundred
MAX_DENSITY = 30_000             # dots per inch; a JPEG has 16 bits for it
CENTIMETERS = 2.54               # an inch
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8, 129: 1}
CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
LAYOUTS = {                      # signature -> byte order, count of entries, entry, offset; the first offset's place
    b"II*\0": ("<", "H", "HHI4s", "I", 4), b"MM\0*": (">", "H", "HHI4s", "I", 4),
    b"II+\0": ("<", "Q", "HHQ8s", "Q", 8), b"MM\0+": (">", "Q", "HHQ8s", "Q", 8)}


@dataclass(frozen=True)
class Tag:
    kind: int                    # as TIFF numbers types
    count: int
    view: memoryview             # of the file: thousands of tags may claim all of it
    order: str                   # "<" or ">"

    @property
    def raw(self) -> bytes:
        return bytes(self.view)

    def numbers(self, most: int | None = None) -> tuple[float, ...]:
        """Its values, or the first of them; none where it holds no numbers."""
        count = self.count if most is None else min(most, self.count)
        if self.kind in (5, 10):
            parts = struct.unpack_from(f"{self.order}{2 * count}{'I' if self.kind == 5 else 'i'}", self.view)
            return tuple(top / bottom for top, bottom in zip(parts[::2], parts[1::2], strict=True) if bottom)
        return struct.unpack_from(f"{self.order}{count}{CODES[self.kind]}", self.view) if self.kind in CODES else ()


@dataclass(frozen=True)
class Kept:
    """What is passed on to a picture made from another."""
    exif: bytes = b""            # camera, author and dates, as an EXIF block; empty where there are none
    density: tuple[float, float] | None = None       # dots per inch, across and down


NOTHING = Kept()


def directories(raw: bytes) -> Iterator[dict[int, Tag]]:
    """The directories of an EXIF block or a TIFF file, one after the other; none where it is neither."""
    layout = LAYOUTS.get(bytes(raw[:4]))
    if layout is None:
        return
    order, _, _, pointer, first = layout
    offset, seen = _unpack(order + pointer, raw, first), set[int]()
    while offset and offset not in seen and len(seen) < MAX_DIRECTORIES:
        seen.add(offset)
        tags, offset = _directory(raw, layout, offset)
        yield tags


def first(raw: bytes) -> dict[int, Tag]:
    """The first directory of an EXIF block or a TIFF file."""
    return next(directories(raw), {})


def at(raw: bytes, offset: int) -> dict[int, Tag]:
    """The directory at a place that a tag points to."""
    return _directory(raw, LAYOUTS[bytes(raw[:4])], offset)[0]


def number(tags: dict[int, Tag], tag: int, default: float = 0) -> float:
    """The first number of a tag, or `default`."""
    return next(iter(tags[tag].numbers(1)), default) if tag in tags else default


def orientation(tags: dict[int, Tag]) -> int:
    """How the pixels are turned, 1 to 8; 1 is upright."""
    value = number(tags, ORIENTATION, 1)
    return int(value) if value in range(1, 9) else 1


def density(tags: dict[int, Tag]) -> tuple[float, float] | None:
    """Dots per inch, across and down, where they are told."""
    factor = {2: 1.0, 3: CENTIMETERS}.get(int(number(tags, RESOLUTION_UNIT, 2)), 0.0)
    return dots(number(tags, X_RESOLUTION), number(tags, Y_RESOLUTION), factor)


def dots(across: float, down: float, factor: float = 1) -> tuple[float, float] | None:
    """A density in dots per inch, None where it makes no sense."""
    both = across * factor, down * factor
    return both if all(1 < value <= MAX_DENSITY for value in both) else None


def kept(raw: bytes, tags: dict[int, Tag]) -> bytes:
    """An EXIF block of what is passed on of another, tag by tag: texts, byte for byte."""
    main = _texts(tags, KEPT)
    details = _texts(at(raw, int(number(tags, DETAILS))), KEPT_DETAILS) if DETAILS in tags else {}
    if not main and not details:
        return b""
    if not details:
        return b"MM\0*\0\0\0\x08" + _write(main, 8)
    inner = 8 + len(_write({**main, DETAILS: 0}, 8))
    return b"MM\0*\0\0\0\x08" + _write({**main, DETAILS: inner}, 8) + _write(details, inner)


def _texts(tags, wanted):
    """{tag: (type, bytes)} of those that are texts without control characters."""
    found = {}
    for tag in wanted:
        known = tag in tags and tags[tag].kind in TEXT and len(tags[tag].view) < 2**16
        text = tags[tag].raw.rstrip(b"\0 ") if known else b""
        if 0 < len(text) <= MAX_TEXT and all(byte >= 32 or byte in b"\0\t\n\r" for byte in text):
            found[tag] = tags[tag].kind, text + b"\0"
    return found


def _write(tags, start):
    """A directory at byte `start` of a block: texts (type, bytes), or the place of another directory."""
    entries, rest = b"", b""
    after = start + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        kind, text = (4, struct.pack(">I", value)) if isinstance(value, int) else value
        place = text.ljust(4, b"\0") if len(text) <= 4 else struct.pack(">I", after + len(rest))
        entries += struct.pack(">HHI4s", tag, kind, 1 if kind == 4 else len(text), place)
        rest += b"" if len(text) <= 4 else text + bytes(len(text) % 2)
    return struct.pack(">H", len(tags)) + entries + bytes(4) + rest


def _directory(raw, layout, offset):
    """The tags of the directory at a place, and where the next one is; what lies outside the file is left out."""
    order, count, entry, pointer, _ = layout
    entry, width = order + entry, struct.calcsize(order + entry)
    start = offset + struct.calcsize(count)
    claimed = _unpack(order + count, raw, offset)
    tags, whole = {}, memoryview(raw)
    for at in itertools.islice(range(start, len(raw) - width + 1, width), min(claimed, MAX_TAGS)):
        tag, kind, many, place = struct.unpack_from(entry, raw, at)
        size = SIZES.get(kind, 0) * many
        if size > len(place):
            begin = struct.unpack(order + pointer, place)[0]
            place = whole[begin:begin + size]
        if size and len(place) >= size and tag not in tags:
            tags[tag] = Tag(kind, many, memoryview(place)[:size], order)
    return tags, _unpack(order + pointer, raw, start + claimed * width)


def _unpack(form, raw, at):
    """A number at a place; 0 outside the file."""
    return struct.unpack_from(form, raw, at)[0] if 0 <= at <= len(raw) - struct.calcsize(form) else 0
