"""Files in: uploads of any kind, checked before they are decoded."""
import contextlib
import io
import struct

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ae_core.pictures import convert

MAX_BYTES = 100 * 2**20
MAX_PIXELS = 50_000_000          # a 50-megapixel camera; decoded to float32 it takes 600 MB
EXIF_KEPT = (ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.DateTime, ExifTags.Base.Artist,
             ExifTags.Base.Copyright)
EXIF_DATES = (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized)
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")

Image.MAX_IMAGE_PIXELS = None    # `read` checks the size itself, with a sentence in place of a warning


class BadPicture(ValueError):
    """An upload that cannot be used; the message is meant for the person who uploaded it."""


def read(raw, name="The file", largest=None):
    """The picture (h, w, c) float32 in 0..1 in the bytes of an upload; see `pixels`.

    largest: pixels of the longer side that are enough; a larger one is shrunk, which bounds the memory.
    """
    values = pixels(raw, name, largest)
    if largest and max(values.shape[:2]) > largest:
        size = convert.inside(values.shape, (largest, largest))
        values = cv2.resize(values, size, interpolation=cv2.INTER_AREA).reshape(*size[::-1], -1)
    return values / np.float32(np.iinfo(values.dtype).max)


def pixels(raw, name="The file", least=None):
    """The pixels (h, w, c), uint8 or uint16, in the bytes of an upload, upright, c = 1 or 3.

    16-bit pictures keep their depth, transparent ones lie on white, of an animation the first frame counts.
    Where `least` pixels on the longer side are enough, a JPEG is decoded smaller, which takes a fraction of the time.
    Raises BadPicture where it is empty, cut off, too large or no picture at all.
    """
    if not raw:
        raise BadPicture(f"{name} is empty. Choose a {_formats()} picture.")
    if len(raw) > MAX_BYTES:
        raise BadPicture(f"{name} has {len(raw) / 2**20:.0f} MB; at most {MAX_BYTES // 2**20} MB can be read. "
                         "Save it smaller and try again.")
    try:
        image = Image.open(io.BytesIO(raw), formats=FORMATS)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise BadPicture(f"{name} is not a picture that can be read here. Choose a {_formats()} file.") from None
    width, height = image.size
    if width * height > MAX_PIXELS:              # known from the header: nothing has been decoded yet
        raise BadPicture(f"{name} has {width} x {height} pixels; at most {MAX_PIXELS // 10**6} megapixels can be read. "
                         "Save it smaller and try again.")
    try:
        if least:
            image.draft(None, convert.inside((height, width), (least, least)))
        image.load()
        return _as_pixels(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, OverflowError, struct.error):   # TIFF tags raise all
        raise BadPicture(f"{name} is cut off or damaged: its pixels cannot be decoded. Export it again.") from None


def kept_exif(raw):
    """What the EXIF of an upload says of camera, date and author, as EXIF bytes; never where, nor which way is up."""
    kept = Image.Exif()
    with contextlib.suppress(OSError, ValueError, SyntaxError, TypeError, OverflowError, struct.error):
        given = Image.open(io.BytesIO(raw)).getexif()
        kept.update({tag: given[tag] for tag in EXIF_KEPT if tag in given})
        details = given.get_ifd(ExifTags.IFD.Exif)
        kept.get_ifd(ExifTags.IFD.Exif).update({tag: details[tag] for tag in EXIF_DATES if tag in details})
        return kept.tobytes()
    return b""


def _as_pixels(image):
    """A decoded Pillow image of any mode as uint8 or uint16 (h, w, 1 or 3)."""
    if image.mode.startswith("I;16"):
        return np.asarray(image, np.uint16)[..., None]
    if image.mode in ("I", "F"):
        values = np.asarray(image, np.float32)
        top = 65535 if image.mode == "I" else max(1.0, float(np.nanmax(values)))
        return (np.clip(np.nan_to_num(values / top), 0, 1) * 65535 + 0.5).astype(np.uint16)[..., None]
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    array = np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    return array[..., None] if array.ndim == 2 else array


def _formats():
    return ", ".join(FORMATS[:-1]) + " or " + FORMATS[-1]
