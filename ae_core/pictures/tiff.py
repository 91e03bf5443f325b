"""TIFF: every depth, sign and order of samples that scanners, cameras and microscopes write."""
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ae_core.pictures import color, containers, convert, decoders, metadata

SUBFILE, OLD_SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, SENSE = 254, 255, 256, 257, 258, 259, 262
STRIPS, SAMPLES, STRIP_ROWS, STRIP_BYTES, COLORS, TILE_WIDTH, TILE_HEIGHT = 273, 277, 278, 279, 320, 322, 323
TILES, TILE_BYTES, INSIDE, EXTRA, FORMAT, PROFILE = 324, 325, 330, 338, 339, 34675
WHITE_IS_ZERO, RGB, PALETTE, MASK, CMYK, YCBCR, LAB, CAMERA_RAW = 0, 2, 3, 4, 5, 6, 8, (32803, 34892)
CHANNELS = {WHITE_IS_ZERO: 1, 1: 1, RGB: 3, PALETTE: 1, MASK: 1, CMYK: 4, YCBCR: 3, LAB: 3}      # of each sense
REDUCED, OLD_REDUCED = 1, 2      # a flag of SUBFILE; a value of OLD_SUBFILE
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
JPEG = 7
PACKED = {1, 2, 3, 4, 5, JPEG, 8, 32773, 32946}  # none, fax, LZW, JPEG, deflate, PackBits: none can outgrow its tile
MAX_PLACES = 4_000_000           # numbers of a tag: of strips or tiles
MAX_COLORS = 3 * 2**16           # numbers of a palette
MAX_DECODED = 400 * 2**20        # bytes: 50 megapixels with alpha at 16 bits
WHITES = (1, 2**8 - 1, 2**16 - 1, 2**32 - 1, 2**64 - 1)
ALPHA, ASSOCIATED = (1, 2), 1    # kinds of extra samples; colors are multiplied by the second
DAMAGED = ("is cut off or damaged, or packed in a way that is not read here. "
           "Save it again as a TIFF without compression.")


@dataclass(frozen=True)
class Range:
    """What stands for black and for white where samples have no range of their own: floats, signed and 32 bits."""
    black: float
    white: float

    def join(self, other: "Range") -> "Range":
        """One range for both."""
        return Range(min(self.black, other.black), max(self.white, other.white))


def decode(raw: bytes, least: int | None, begin: decoders.Begin, scale: Range | None = None) -> decoders.Decoded:
    """The largest page that is no reduced copy; of several as large the first."""
    row, tags, pages = _choose(raw)
    values, sense = _stored(raw, row, tags, begin)
    values = _palette(tags)[values[..., 0]] if sense == PALETTE else _levels(values, tags, scale)
    if sense == WHITE_IS_ZERO:
        values = np.iinfo(values.dtype).max - values
    channels = 3 if sense == PALETTE else CHANNELS[sense]
    extra = metadata.number(tags, EXTRA, -1)
    alpha = values[..., channels] if extra in ALPHA and values.shape[-1] > channels else None
    values = values[..., :channels]
    if sense == LAB:
        values = color.from_lab(_from_zero(values))
    profile = tags[PROFILE].raw if PROFILE in tags and sense != LAB else b""
    which = "first" if row == pages[0] else "largest"
    return decoders.Decoded(values, alpha, extra == ASSOCIATED, profile, raw, tags,
                            note=f"This is the {which} of its {len(pages):,} pages." if len(pages) > 1 else "")


def range_of(raw: bytes, begin: decoders.Begin) -> Range | None:
    """The range of a file's samples, None where their format says what is white."""
    row, tags, _ = _choose(raw)
    return _range(_stored(raw, row, tags, begin)[0], tags) if _has_no_range(tags) else None


def _choose(raw):
    """Number and tags of the page to read, and the numbers of all that are no reduced copies."""
    found = list(metadata.directories(raw))
    if any(metadata.number(tags, SENSE) in CAMERA_RAW for page in found for tags in (page, *_inside(raw, page))):
        raise containers.Refused("is a camera's raw file. Develop it and save it as a TIFF or a JPEG.")
    pages = [row for row, tags in enumerate(found) if _size(tags)[0] * _size(tags)[1] > 0]
    pages = [row for row in pages if not _is_reduced(found[row])] or pages
    if not pages:
        raise containers.Refused(DAMAGED)
    row = max(pages, key=lambda row: _size(found[row])[0] * _size(found[row])[1])
    return row, found[row], pages


def _is_reduced(tags):
    return (int(metadata.number(tags, SUBFILE)) & REDUCED or metadata.number(tags, OLD_SUBFILE) == OLD_REDUCED
            or metadata.number(tags, SENSE) == MASK)


def _inside(raw, tags):
    """The first directories that a page points to: of a camera's raw file, its pixels."""
    return [metadata.at(raw, int(place)) for place in tags[INSIDE].numbers(16)] if INSIDE in tags else []


def _size(tags):
    return int(metadata.number(tags, WIDTH)), int(metadata.number(tags, HEIGHT))


def _stored(raw, row, tags, begin):
    """The samples (h, w, c) of a page as they are stored, and their photometric sense."""
    begin(_size(tags))
    _check_cost(raw, tags)
    sense, packing = int(metadata.number(tags, SENSE, 1)), metadata.number(tags, COMPRESSION, 1)
    if sense not in CHANNELS:
        raise containers.Refused("is a TIFF of a color space that is not read here. Save it as RGB.")
    if packing not in PACKED or (sense == YCBCR and packing != JPEG):
        return _by_pillow(raw, row, tags), RGB
    import tifffile  # a tenth of a second that other pictures do without

    try:
        with tifffile.TiffFile(io.BytesIO(raw)) as file:
            page = file.pages[row]
            values, axes = page.asarray(), page.axes
    except Exception:                            # of the many kinds that a damaged file raises
        return _by_pillow(raw, row, tags), RGB
    if axes not in ("YX", "YXS", "SYX"):
        raise containers.Refused("is a volume, not a picture. Save one of its layers.")
    values = np.moveaxis(values, 0, -1) if axes == "SYX" else values.reshape(*values.shape[:2], -1)
    sense = RGB if sense == YCBCR else sense
    if values.shape[-1] < CHANNELS[sense]:
        raise containers.Refused(DAMAGED)
    return values, sense


def _check_cost(raw, tags):
    """Refused where what is unpacked is far larger than the picture, or is not there."""
    if any(tag.count > MAX_PLACES and tag.kind not in (1, 2, 6, 7) for tag in tags.values()):
        raise containers.Refused("is cut into millions of strips. Export it again.")
    width, height = _size(tags)
    wide, high = (int(metadata.number(tags, tag)) for tag in (TILE_WIDTH, TILE_HEIGHT))
    if wide and high:
        area = -(-width // wide) * wide * -(-height // high) * high
    else:
        wide, high, area = width, min(height, int(metadata.number(tags, STRIP_ROWS, height))), width * height
    size = area * metadata.number(tags, SAMPLES, 1) * max(8, metadata.number(tags, BITS, 1)) / 8
    if size > MAX_DECODED or area > 2**20 + 16 * width * height:
        raise containers.Refused(f"takes {size / 2**20:,.0f} MB once it is unpacked, too much for {width} x {height} "
                                 "pixels. Export it again.")
    places, lengths = (tags[tag].numbers() if tag in tags else () for tag in
                       ((TILES, TILE_BYTES) if TILES in tags else (STRIPS, STRIP_BYTES)))
    packing = metadata.number(tags, COMPRESSION, 1)
    for start, length in zip(places, lengths, strict=False):
        if packing != 1 and start + length > len(raw):
            raise containers.Refused(DAMAGED)
        if packing == JPEG:
            across, down = containers.jpeg(raw[int(start):int(start + length)]).size
            if across * down > 2 * (wide + 16) * (high + 16):
                raise containers.Refused(DAMAGED)


def _by_pillow(raw, row, tags):
    """What tifffile does not read, as RGB of 8 bits."""
    if _bits(tags)[0] != 8:
        raise containers.Refused(DAMAGED)
    try:
        image = Image.open(io.BytesIO(raw), formats=("TIFF",))
        image.seek(row)
        return np.asarray(image.convert("RGB"))
    except Exception:                            # as above
        raise containers.Refused(DAMAGED) from None


def _bits(tags):
    return int(metadata.number(tags, BITS, 1)), int(metadata.number(tags, FORMAT, UNSIGNED))


def _has_no_range(tags):
    bits, kind = _bits(tags)
    return kind in (SIGNED, FLOAT) or bits > 16


def _range(values, tags):
    """The smallest usual range that holds all samples."""
    bits, kind = _bits(tags)
    lowest, highest = (float(np.nan_to_num(end, posinf=0, neginf=0)) for end in (np.nanmin(values), np.nanmax(values)))
    if kind == SIGNED:
        return Range(-2.0 ** (bits - 1) if lowest < 0 else 0.0, 2.0 ** (bits - 1) - 1)
    return Range(0.0, float(next((white for white in WHITES[kind != FLOAT:] if highest <= white), highest)))


def _levels(values, tags, scale):
    """Samples of any kind as uint8 or uint16 (h, w, c)."""
    if values.dtype.kind == "c":
        raise containers.Refused("holds complex numbers, not a picture.")
    if not _has_no_range(tags):
        return decoders.scaled(values, _bits(tags)[0])
    scale = scale or _range(values, tags)
    levels = np.empty(values.shape, np.uint16)
    for rows in convert.bands(values.shape):
        share = (np.nan_to_num(values[rows].astype(np.float64)) - scale.black) / (scale.white - scale.black)
        levels[rows] = np.clip(share, 0, 1) * 65535 + 0.5
    return levels


def _palette(tags):
    """The colors (n, 3), uint8, that the numbers of a page stand for."""
    table = np.reshape(tags[COLORS].numbers(MAX_COLORS), (3, -1)).T
    table = table / 257 if table.max() > 255 else table          # some programs write 8 bits in 16
    return (table + 0.5).astype(np.uint8)


def _from_zero(values):
    """a and b of Lab, which TIFF stores with a sign, with their zero in the middle."""
    lightness, chroma = values[..., :1], values[..., 1:]
    if values.dtype == np.uint8:
        return np.concatenate([lightness, chroma ^ 128], axis=-1)
    signed = np.ascontiguousarray(chroma).view(np.int16)
    return np.concatenate([lightness, ((signed / 256 + 128) * 257).astype(np.uint16)], axis=-1)
