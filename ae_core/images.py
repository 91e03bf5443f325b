"""Pictures in and out: the one place that knows other forms than float32, NHWC, 0..1.

In: uploads of any kind, checked before they are decoded. Out: sheets, labels, enlargements, PNG and GIF bytes.
"""
import contextlib
import io
import struct

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

MAX_BYTES = 100 * 2**20
MAX_PIXELS = 50_000_000          # a 50-megapixel camera; decoded to float32 it takes 600 MB
CHROMA = 110                     # a and b of what a screen can show lie within -108 .. 99
MAX_JPEG = 65_500
PHOTO_OPTIONS = {"JPEG": {"quality": 95}, "PNG": {"compress_level": 1}}      # a denser PNG takes ten times as long
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
        size = _inside(values.shape, (largest, largest))
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
            image.draft(None, _inside((height, width), (least, least)))
        image.load()
        return _as_pixels(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, OverflowError, struct.error):   # TIFF tags raise all
        raise BadPicture(f"{name} is cut off or damaged: its pixels cannot be decoded. Export it again.") from None


def to_gray(picture):
    """(h, w, c) -> (h, w, 1), weighing the channels as the eye does (ITU-R BT.601)."""
    return picture if picture.shape[-1] == 1 else picture @ np.float32([[0.299], [0.587], [0.114]])


def to_lab(pictures):
    """RGB (n, h, w, 3) -> CIE Lab (D65): lightness (n, h, w, 1) in 0..1, and chroma a, b (n, h, w, 2) over 110."""
    n, height, width, _ = pictures.shape
    lab = cv2.cvtColor(np.ascontiguousarray(pictures, np.float32).reshape(n * height, width, 3), cv2.COLOR_RGB2Lab)
    lab = lab.reshape(n, height, width, 3)
    return lab[..., :1] / 100, lab[..., 1:] / CHROMA


def from_lab(lightness, chroma):
    """The RGB pictures (n, h, w, 3) of what `to_lab` gives, clipped to what a screen can show."""
    n, height, width, _ = lightness.shape
    lab = np.concatenate([lightness * 100, chroma * CHROMA], axis=-1, dtype=np.float32)
    rgb = cv2.cvtColor(lab.reshape(n * height, width, 3), cv2.COLOR_Lab2RGB)
    return np.clip(rgb.reshape(n, height, width, 3), 0, 1)


def to_three(picture):
    """(h, w, 1 or 3) -> (h, w, 3)."""
    return np.broadcast_to(picture, (*picture.shape[:2], 3))


def resize(picture, shape):
    """A picture (h, w, c) as large as `shape` (height, width, ...): averaged where it shrinks, interpolated else."""
    height, width = shape[:2]
    if picture.shape[:2] == (height, width):
        return picture
    smaller = height * width < picture.shape[0] * picture.shape[1]
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return np.clip(resized.reshape(height, width, -1), 0, 1)


def fit(picture, shape, margin=0):
    """Any picture (h, w, c) as the data sets show theirs: gray on black, cropped to its subject, centred; (h, w, 1).

    A light ground is inverted: the ground is the median of the border. `margin` pixels stay empty on every side.
    A picture with no subject comes back black.
    """
    gray = to_gray(picture)[..., 0]
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    ground = float(np.median(border))
    ink = np.clip((ground - gray) / ground if ground > 0.5 else (gray - ground) / (1 - ground), 0, 1)
    rows, columns = np.where(ink > max(0.15, 0.15 * ink.max()))
    canvas = np.zeros(shape[:2], np.float32)
    if len(rows):
        subject = ink[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
        subject = _shrink(subject / subject.max(), (shape[0] - 2 * margin, shape[1] - 2 * margin))
        top, left = (shape[0] - subject.shape[0]) // 2, (shape[1] - subject.shape[1]) // 2
        canvas[top:top + subject.shape[0], left:left + subject.shape[1]] = subject
    return canvas[..., None]


def square(picture, shape):
    """The middle square of any picture (h, w, c), scaled to `shape` (side, side, 1 or 3), in grey or in colour."""
    height, width, _ = picture.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = picture[top:top + side, left:left + side]
    middle = to_gray(middle) if shape[-1] == 1 else np.broadcast_to(middle, (side, side, 3))
    how = cv2.INTER_AREA if side > shape[0] else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(middle), shape[1::-1], interpolation=how)
    return np.clip(small, 0, 1).reshape(shape)


def thumbnail(picture, side):
    """Any picture (h, w, c) inside a black square (side, side, 3), its proportions kept."""
    small = cv2.resize(picture, _inside(picture.shape, (side, side)), interpolation=cv2.INTER_AREA)
    canvas = np.zeros((side, side, 3), np.float32)
    top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    canvas[top:top + small.shape[0], left:left + small.shape[1]] = small.reshape(*small.shape[:2], -1)
    return np.clip(canvas, 0, 1)


def add_gaussian(pictures, rng, sigma=0.5, mean=0.5, clip=True):
    """x + N(mean, sigma) for pictures (n, h, w, c), clipped to 0..1 unless told otherwise.

    mean and sigma: numbers, or arrays (n, 1, 1, 1) of one for each picture.
    """
    noisy = pictures + rng.normal(mean, sigma, pictures.shape).astype(np.float32)
    return np.clip(noisy, 0, 1) if clip else noisy


def to_uint8(pictures):
    return (np.clip(pictures, 0, 1) * 255 + 0.5).astype(np.uint8)


def enlarge(picture, factor):
    """Repeat every pixel `factor` times both ways, so that it stays sharp; (h, w[, c]) -> (h*factor, w*factor[, c])."""
    return picture.repeat(factor, 0).repeat(factor, 1)


def frame(pictures, colours):
    """Pictures (n, h, w, c) in frames one pixel wide of their own colours (n, 3) in 0..1: (n, h + 2, w + 2, 3)."""
    n, height, width, _ = pictures.shape
    framed = np.empty((n, height + 2, width + 2, 3), np.float32)
    framed[:] = np.asarray(colours, np.float32)[:, None, None]
    framed[:, 1:-1, 1:-1] = pictures
    return framed


def tile(pictures, columns, gap=1, scale=1, ground=64):
    """A sheet of pictures (n, h, w, c), row by row: uint8 (rows*(h+gap)+gap, ..., c), each pixel `scale` times."""
    n, height, width, channels = pictures.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), ground, np.uint8)
    for k, picture in enumerate(to_uint8(pictures)):
        top, left = gap + k // columns * (height + gap), gap + k % columns * (width + gap)
        sheet[top:top + height, left:left + width] = picture
    return enlarge(sheet, scale)


def label(sheet, text):
    """A copy of a uint8 sheet as RGB, with a text in a white band above it."""
    font, size, weight = cv2.FONT_HERSHEY_SIMPLEX, 0.6, 1
    (_, height), baseline = cv2.getTextSize(text, font, size, weight)
    band = np.full((height + baseline + 8, sheet.shape[1], 3), 255, np.uint8)
    cv2.putText(band, text, (4, height + 4), font, size, (0, 0, 0), weight, cv2.LINE_AA)
    return np.concatenate([band, to_rgb(sheet)])


def to_rgb(sheet):
    """A copy of a uint8 sheet (h, w, 1 or 3) with three channels."""
    return np.ascontiguousarray(np.broadcast_to(sheet, (*sheet.shape[:2], 3)))


def stack(*sheets, gap=6, ground=255):
    """Sheets of one width below each other, as RGB."""
    width = sheets[0].shape[1]
    space = np.full((gap, width, 3), ground, np.uint8)
    parts = [part for sheet in sheets for part in (to_rgb(sheet), space)]
    return np.concatenate(parts[:-1])


def to_png(sheet):
    """The PNG bytes of a uint8 sheet (h, w, 1 or 3)."""
    buffer = io.BytesIO()
    Image.fromarray(sheet[..., 0] if sheet.shape[-1] == 1 else sheet).save(buffer, "PNG")
    return buffer.getvalue()


def to_photo(pixels, kind="JPEG", exif=b""):
    """The bytes of a photograph (h, w, 1 or 3), uint8 or uint16, as a "JPEG" or a "PNG" that says what `exif` says.

    A PNG keeps 16 bits, and then says nothing. Raises BadPicture where it has more pixels a side than a JPEG can.
    """
    if kind == "PNG" and pixels.dtype == np.uint16:
        return cv2.imencode(".png", pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
    if kind == "JPEG" and max(pixels.shape) > MAX_JPEG:
        raise BadPicture(f"A JPEG has at most {MAX_JPEG} pixels a side, this picture {max(pixels.shape)}. Choose PNG.")
    levels = pixels if pixels.dtype == np.uint8 else (pixels // 257).astype(np.uint8)
    buffer = io.BytesIO()
    image = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
    image.save(buffer, kind, exif=exif, **PHOTO_OPTIONS[kind])
    return buffer.getvalue()


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


def to_gif(pictures, fps=12, scale=1):
    """The bytes of an endless GIF of pictures (n, h, w, c), each pixel `scale` times."""
    frames = [Image.fromarray(enlarge(to_rgb(frame), scale)) for frame in to_uint8(pictures)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=round(1000 / fps), loop=0)
    return buffer.getvalue()


def to_webp(pictures, fps=12, scale=1):
    """The bytes of an endless animated WebP: all colours, where a GIF has 256, in a fraction of its size."""
    frames = [Image.fromarray(enlarge(to_rgb(frame), scale)) for frame in to_uint8(pictures)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], duration=round(1000 / fps), loop=0,
                   quality=90)
    return buffer.getvalue()


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


def _shrink(picture, room):
    """Scale (h, w) to touch `room` (height, width) from inside, averaging pixels where it gets smaller."""
    size = _inside(picture.shape, room)
    smaller = size[0] < picture.shape[1] or size[1] < picture.shape[0]
    return np.clip(cv2.resize(picture, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR), 0, 1)


def _inside(shape, room):
    """The (width, height) at which a picture of `shape` (h, w, ...) touches `room` (height, width) from inside."""
    factor = min(room[0] / shape[0], room[1] / shape[1])
    return [max(1, round(side * factor)) for side in shape[1::-1]]


def _formats():
    return ", ".join(FORMATS[:-1]) + " or " + FORMATS[-1]
