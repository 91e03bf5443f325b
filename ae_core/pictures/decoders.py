"""Bytes of one format into samples: what each decoder can do, and what it may cost.

Nothing here knows the file's name: a message follows it. `begin`, which every decoder is given, is told (width, height)
before anything is decoded; it refuses what is too large, and waits while others decode something heavy.
"""
import io
from collections.abc import Callable
from dataclasses import dataclass

import imagecodecs
import numpy as np
import pi_heif
from PIL import Image

from ae_core.pictures import color, containers, convert, metadata

MAX_PIXELS = 50_000_000          # a 50-megapixel camera
MAX_PIXELS_SLOW = 24_000_000     # JPEG 2000 takes twelve bytes a pixel, 16 bits with alpha eight, AVIF seconds
MAX_SCANS = 100                  # passes of a progressive JPEG; ten are usual
MAX_SCANNED = 1_000_000_000      # pixels, over all passes
HUFFMAN = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)         # frames that Pillow reads at 8 bits
WITH_ALPHA = (4, 6)              # color types of a PNG
FILLING = b"\x5a\xc3\x96" * 40   # noise in place of what is missing at the end of a JPEG

Begin = Callable[..., None]


@dataclass
class Decoded:
    """What a file holds, as it is stored: neither color-managed nor turned."""
    values: np.ndarray           # (h, w, c) uint8 or uint16; c = 1: gray, 3: RGB, 4: CMYK
    alpha: np.ndarray | None = None              # (h, w), of the same type
    premultiplied: bool = False
    profile: bytes = b""         # ICC
    exif: bytes = b""
    tags: dict | None = None     # a directory, where it is not the first one of `exif`
    density: tuple[float, float] | None = None   # dots per inch; else EXIF's
    turned: bool = False         # upright already
    note: str = ""               # a sentence for whoever opened it


def jpeg(raw: bytes, least: int | None, begin: Begin) -> Decoded:
    """A JPEG, or the first picture of an MPO; of 8 or 12 bits."""
    parts = containers.jpeg(raw)
    begin(parts.size)
    _check_scans(parts)
    if parts.depth == 8 and parts.coding in HUFFMAN:
        values = _jpeg_pixels(parts.body + containers.END_OF_JPEG, least)
        if not parts.whole and (values != _jpeg_pixels(parts.body + FILLING + containers.END_OF_JPEG, least)).any():
            raise containers.Refused("is cut off: a part of its pixels is missing. Export it again.")
    else:
        values = scaled(imagecodecs.jpeg_decode(parts.body + containers.END_OF_JPEG), parts.depth)
    return Decoded(values, profile=parts.profile, exif=parts.exif, density=parts.density)


def png(raw: bytes, least: int | None, begin: Begin) -> Decoded:
    """A PNG of any depth; of an animated one the picture that stands for it."""
    parts = containers.png(raw)
    begin(parts.size, MAX_PIXELS_SLOW if parts.depth == 16 and parts.coding in WITH_ALPHA else MAX_PIXELS)
    plain = parts.coding in (0, 2) and parts.body.find(b"tRNS", 0, parts.body.find(b"IDAT")) < 0
    if parts.depth == 16 or (parts.depth == 8 and (plain or parts.coding in WITH_ALPHA)):
        values, alpha = apart(imagecodecs.png_decode(parts.body))
    else:
        values, alpha = _samples(Image.open(io.BytesIO(parts.body), formats=("PNG",)))
    return Decoded(values, alpha, profile=parts.profile, exif=parts.exif, density=parts.density)


def webp(raw: bytes, least: int | None, begin: Begin) -> Decoded:
    """A WebP; Pillow, which knows animations, takes three times the memory for a still picture."""
    begin(containers.webp_size(raw))
    image = Image.open(io.BytesIO(raw), formats=("WEBP",))
    if getattr(image, "is_animated", False):
        return _by_pillow(raw, "WEBP", begin)
    begin(image.size)
    values, alpha = apart(imagecodecs.webp_decode(raw))
    return Decoded(values, alpha, profile=image.info.get("icc_profile") or b"", exif=bare(image.info.get("exif")))


def gif(raw: bytes, least: int | None, begin: Begin) -> Decoded:
    return _by_pillow(raw, "GIF", begin)


def bmp(raw: bytes, least: int | None, begin: Begin) -> Decoded:
    """A BMP; an alpha channel without anything in it is none."""
    decoded = _by_pillow(raw, "BMP", begin)
    if decoded.alpha is not None and not decoded.alpha.any():
        decoded.alpha = None
    return decoded


def avif(raw: bytes, least: int | None, begin: Begin) -> Decoded:
    return _by_pillow(raw, "AVIF", begin, MAX_PIXELS_SLOW)


def heic(raw: bytes, least: int | None, begin: Begin) -> Decoded:
    """An iPhone's photograph; libheif turns it upright."""
    image = pi_heif.open_heif(io.BytesIO(raw), convert_hdr_to_8bit=False)
    begin(image.size)
    values, alpha = apart(np.array(image))       # a copy: the decoder's memory goes with the image
    coded = image.info.get("nclx_profile") or {}
    profile = image.info.get("icc_profile") or color.coded(coded.get("color_primaries", 0),
                                                           coded.get("transfer_characteristics", 0))
    return Decoded(values, alpha, image.mode.startswith("RGBa"), profile, bare(image.info.get("exif")), turned=True)


def jpeg2000(raw: bytes, least: int | None, begin: Begin) -> Decoded:
    parts = containers.jpeg2000(raw)
    begin(parts.size, MAX_PIXELS_SLOW)
    values = imagecodecs.jpeg2k_decode(raw)
    if values.dtype.kind == "i":
        values = values.astype(np.int64) + 2**(parts.depth - 1)
    beyond = max(0, parts.depth - 16)
    values, alpha = apart(scaled(values >> beyond, parts.depth - beyond))
    return Decoded(values, alpha, profile=parts.profile)


def scaled(values: np.ndarray, bits: int) -> np.ndarray:
    """Unsigned samples of so many bits, (h, w) or (h, w, c), over the whole of uint8 or uint16."""
    top, levels = (255, np.uint8) if bits <= 8 else (65535, np.uint16)
    values = values if values.ndim == 3 else values[..., None]
    if bits in (8, 16):
        return values.astype(levels, copy=False)
    table = (np.arange(2**bits) * (top / (2**bits - 1)) + 0.5).astype(levels)
    return table[values.astype(np.uint16)]


def apart(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Gray or RGB and, where there is one channel more, its alpha."""
    values = values if values.ndim == 3 else values[..., None]
    channels = values.shape[-1]
    return (values[..., :channels - 1], values[..., -1]) if channels in (2, 4) else (values, None)


def bare(exif: bytes | None) -> bytes:
    """An EXIF block without the letters that a JPEG puts before it."""
    return (exif or b"").removeprefix(b"Exif\0\0")


def _check_scans(parts):
    if parts.scans > MAX_SCANS or parts.scans * parts.size[0] * parts.size[1] > MAX_SCANNED:
        raise containers.Refused(f"passes over its pixels {parts.scans} times, far more often than cameras do. "
                                 "Export it again.")


def _jpeg_pixels(raw, least):
    image = Image.open(io.BytesIO(raw), formats=("JPEG",))
    if least:
        image.draft(None, convert.inside(image.size[::-1], (least, least)))
    return scaled(np.asarray(image), 8)


def _by_pillow(raw, kind, begin, *most):
    """A picture that needs no care beyond Pillow's, the first of several."""
    try:
        image = Image.open(io.BytesIO(raw), formats=(kind,))
    except Image.DecompressionBombError:
        raise containers.Refused("has hundreds of megapixels, too many to be read. Save it smaller.") from None
    begin(image.size, *most)
    moving = getattr(image, "is_animated", False)
    values, alpha = _samples(image)
    return Decoded(values, alpha, profile=image.info.get("icc_profile") or b"", exif=bare(image.info.get("exif")),
                   density=metadata.dots(*image.info.get("dpi", (0, 0))),
                   note="This is the first picture of an animation." if moving else "")


def _samples(image):
    """Gray, RGB or CMYK (h, w, c) of a Pillow image of 8 bits or less, and its alpha."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        return apart(np.asarray(image.convert("LA" if image.mode in ("1", "L", "LA") else "RGBA")))
    return scaled(np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB")), 8), None
