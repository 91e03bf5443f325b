"""Files taken apart before anything is decoded: sizes, profiles and EXIF, and the same file with nothing but pixels.

What a decoder is never shown cannot trip it: neither a broken tag nor a text of a gigabyte.
"""
import re
import struct
import zlib
from dataclasses import dataclass

from ae_core.pictures import color, metadata

MAX_PARTS = 100_000              # segments or chunks of a file
MAX_CHUNK = 16 * 2**20           # bytes of one that is inflated
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
END_OF_JPEG = b"\xff\xd9"
MARKER = re.compile(rb"\xff[\x01\xc0-\xcf\xd8-\xfe]")            # neither a stuffed byte nor a restart
SCAN, APP0, APP14, COMMENT, ALONE = 0xDA, 0xE0, 0xEE, 0xFE, (0x01, 0xD8)
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}               # SOF; the others are tables


class Refused(ValueError):
    """A file that is not decoded; the message follows its name."""


@dataclass(frozen=True)
class Parts:
    body: bytes                  # the same file with nothing in it but pixels
    size: tuple[int, int]        # width, height
    depth: int                   # bits per sample
    coding: int = 0              # of a JPEG: the marker of its frame; of a PNG: its color type
    scans: int = 1               # of a JPEG: passes over the whole picture
    whole: bool = True           # whether its end marker is there
    profile: bytes = b""         # ICC
    exif: bytes = b""
    density: tuple[float, float] | None = None       # dots per inch


def jpeg(raw: bytes) -> Parts:
    """A JPEG without its metadata, as far as its first end marker: of several pictures the first."""
    kept, profile = [raw[:2]], {}
    size, depth, frame, scans, whole, exif, density = (0, 0), 0, 0, 0, False, b"", None
    found = MARKER.search(raw, 2)
    for _ in range(MAX_PARTS):
        if found is None:
            break
        start, marker = found.start(), raw[found.start() + 1]
        if marker == END_OF_JPEG[1]:
            whole = True
            break
        if marker in ALONE:
            found = MARKER.search(raw, start + 2)
            continue
        length = int.from_bytes(raw[start + 2:start + 4], "big")
        body = raw[start + 4:start + 2 + length]
        found = MARKER.search(raw, start + 2 + length)
        end = found.start() if found else len(raw)
        if marker == SCAN:
            scans += 1
            kept.append(raw[start:end])
        elif marker in FRAMES:
            frame, depth = marker, body[0] if body else 0
            size = int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")
            kept.append(raw[start:start + 2 + length])
        elif body.startswith(b"Exif\0") and not exif:
            exif = body[6:]
        elif body.startswith(b"ICC_PROFILE\0"):
            profile[body[12:13]] = body[14:]
        elif body.startswith(b"JFIF\0") and len(body) >= 12:
            units, across, down = struct.unpack(">BHH", body[7:12])
            density = metadata.dots(across, down, {1: 1, 2: metadata.CENTIMETERS}.get(units, 0))
            kept.append(raw[start:start + 2 + length])
        elif marker == APP14 or not APP0 <= marker <= COMMENT:
            kept.append(raw[start:start + 2 + length])
    if not scans or not frame or 0 in size:
        raise Refused("is cut off or damaged: it has no pixels. Export it again.")
    return Parts(b"".join(kept), size, depth, frame, scans, whole, b"".join(profile[key] for key in sorted(profile)),
                 exif, density)


def png(raw: bytes) -> Parts:
    """A PNG without its metadata; what it says of its colors as a profile."""
    chunks: dict[bytes, bytes] = {}
    kept, at = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    for _ in range(MAX_PARTS):
        length, kind = int.from_bytes(raw[at:at + 4], "big"), raw[at + 4:at + 8]
        if kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT"):
            kept.append(raw[at:at + 12 + length])
        if kind == b"IEND" or at + 8 + length >= len(raw):
            break
        if kind != b"IDAT":
            chunks.setdefault(kind, raw[at + 8:at + 8 + length] if length <= MAX_CHUNK else b"")
            if kind == b"zTXt" and raw.startswith(b"Raw profile type ", at + 8):     # how it was done before eXIf
                packed = chunks.pop(kind)
                if b"eXIf" not in chunks:        # each may inflate to megabytes; one is
                    chunks[b"eXIf"] = _raw_profile(packed)
        at += 12 + length
    header = chunks.get(b"IHDR", b"")
    if len(header) != 13:
        raise Refused("is cut off or damaged: its header is missing. Export it again.")
    width, height, depth = struct.unpack(">IIB", header[:9])
    across, down, unit = struct.unpack(">IIB", chunks[b"pHYs"]) if len(chunks.get(b"pHYs", b"")) == 9 else (0, 0, 0)
    return Parts(b"".join(kept) + chunk(b"IEND", b""), (width, height), depth, header[9], profile=_png_profile(chunks),
                 exif=chunks.get(b"eXIf", b""), density=metadata.dots(across, down, 0.0254 * (unit == 1)))


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def webp_size(raw: bytes) -> tuple[int, int]:
    """(width, height) of a WebP, (0, 0) where its header is damaged."""
    kind, head = raw[12:16], raw[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", head[6:10])
    return (width & 0x3FFF, height & 0x3FFF) if kind == b"VP8 " else (0, 0)


def jpeg2000(raw: bytes) -> Parts:
    """What the boxes and the first marker of a JPEG 2000 file say; `body` is the file itself."""
    at = raw.find(b"\xff\x4f\xff\x51")
    if at < 0 or len(raw) < at + 42:
        raise Refused("is cut off or damaged: it has no pixels. Export it again.")
    right, bottom, left, top = struct.unpack(">4I", raw[at + 8:at + 24])
    place = raw.rfind(b"colr", 0, at)
    length = int.from_bytes(raw[place - 4:place], "big") if place >= 4 else 0
    profile = raw[place + 7:place - 4 + length] if length and raw[place + 4] in (2, 3) else b""
    return Parts(raw, (max(0, right - left), max(0, bottom - top)), (raw[at + 42] & 0x7F) + 1, profile=profile)


def _png_profile(chunks):
    """The ICC profile of what a PNG says of its colors; empty where that is sRGB, or nothing."""
    gray = chunks[b"IHDR"][9] in (0, 4)
    if len(chunks.get(b"cICP", b"")) == 4:
        return color.coded(*chunks[b"cICP"][:2], gray)
    if b"iCCP" in chunks:
        name, _, packed = chunks[b"iCCP"].partition(b"\0")
        return _inflate(packed[1:])
    if b"sRGB" in chunks:
        return b""
    gamma, places = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    return color.profile(int.from_bytes(gamma, "big") / 1e5 if len(gamma) == 4 else 0,
                         tuple(value / 1e5 for value in struct.unpack(">8I", places)) if len(places) == 32 else None,
                         gray)


def _raw_profile(body):
    """An EXIF block as hexadecimal digits in a compressed text."""
    name, _, packed = body.partition(b"\0")
    digits = b"".join(_inflate(packed[1:]).split(b"\n")[3:]) if name[17:] in (b"exif", b"APP1") else b""
    try:
        return bytes.fromhex(digits.decode("ascii")).removeprefix(b"Exif\0\0")
    except ValueError:                           # UnicodeDecodeError is one
        return b""


def _inflate(packed):
    """At most MAX_CHUNK bytes of what was deflated; empty where it is damaged."""
    try:
        return zlib.decompressobj().decompress(packed, MAX_CHUNK)
    except zlib.error:
        return b""
