"""Pictures out: sheets, labels, enlargements, and the bytes of PNG, GIF, WebP and JPEG files."""
import io
import struct
from collections.abc import Sequence

import imagecodecs
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ae_core.pictures import color, containers, convert, metadata, reader

MAX_JPEG = 65_500
PHOTO_KINDS = ("JPEG", "PNG")
JPEG_QUALITY, PNG_LEVEL = 95, 1  # a denser PNG takes ten times as long
LABEL = 27                       # pixels: the height of a band with a text
END_OF_HEADER = 33               # bytes of a PNG before its other chunks

# Ten class colors that color-blind readers can tell apart (M. A. Petroff, "Accessible color sequences for data
# visualization", 2021).
PALETTE = ("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
           "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")


def enlarge(picture: np.ndarray, factor: int) -> np.ndarray:
    """Repeat every pixel `factor` times both ways, so that it stays sharp; (h, w[, c]) -> (h*factor, w*factor[, c])."""
    return picture.repeat(factor, 0).repeat(factor, 1)


def smooth(pictures: np.ndarray, factor: int) -> np.ndarray:
    """Pictures (n, h, w, c) enlarged, interpolated between the pixels: square ones would hide a face."""
    return np.stack([convert.resize(picture, [factor * side for side in picture.shape[:2]]) for picture in pictures])


def frame(pictures: np.ndarray, colors: Sequence | np.ndarray) -> np.ndarray:
    """Pictures (n, h, w, c) in frames one pixel wide of their own colors (n, 3) in 0..1: (n, h + 2, w + 2, 3)."""
    n, height, width, _ = pictures.shape
    framed = np.empty((n, height + 2, width + 2, 3), np.float32)
    framed[:] = np.asarray(colors, np.float32)[:, None, None]
    framed[:, 1:-1, 1:-1] = pictures
    return framed


def tile(pictures: np.ndarray, columns: int, gap: int = 1, scale: int = 1, ground: int = 64) -> np.ndarray:
    """A sheet of pictures (n, h, w, c), row by row: uint8 (rows*(h+gap)+gap, ..., c), each pixel `scale` times."""
    n, height, width, channels = pictures.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), ground, np.uint8)
    for k, picture in enumerate(convert.to_uint8(pictures)):
        top, left = gap + k // columns * (height + gap), gap + k % columns * (width + gap)
        sheet[top:top + height, left:left + width] = picture
    return enlarge(sheet, scale)


def label(sheet: np.ndarray, text: str) -> np.ndarray:
    """A copy of a uint8 sheet as RGB, with a text in a white band above it."""
    band = Image.new("RGB", (sheet.shape[1], LABEL), "white")
    ImageDraw.Draw(band).text((6, LABEL / 2), text, "black", ImageFont.load_default(0.6 * LABEL), anchor="lm")
    return np.concatenate([np.asarray(band), to_rgb(sheet)])


def axes(sheet: np.ndarray, across: tuple[float, float, int], up: tuple[float, float, int] | None,
         names: tuple[str, str]) -> np.ndarray:
    """A copy of a uint8 sheet as RGB, with the values of its columns below it and of its rows at the left.

    across, up: the values in the middle of the first and of the last column, or of the lowest and of the highest row,
    and how many there are; up may be None. names: of both, written at the ends.
    """
    font, margin = ImageFont.load_default(0.55 * LABEL), 2 * LABEL if up else 0
    height, width = sheet.shape[:2]
    canvas = Image.new("RGB", (width + margin + 2 * LABEL, height + LABEL), "white")
    canvas.paste(Image.fromarray(to_rgb(sheet)), (margin, 0))
    draw = ImageDraw.Draw(canvas)
    for share, text in ticks(*across):
        x = margin + share * width
        draw.line([(x, height), (x, height + 4)], "black")
        draw.text((x, height + 5), text, "black", font, anchor="ma")
    draw.text((canvas.width - 2, height + 5), names[0], "black", font, anchor="ra")
    for share, text in ticks(*up) if up else []:
        y = (1 - share) * height
        draw.line([(margin - 5, y), (margin - 1, y)], "black")
        draw.text((margin - 6, y), text, "black", font, anchor="rm")
    if up:
        draw.text((2, 2), names[1], "black", font, anchor="la")
    return np.asarray(canvas)


def ticks(low: float, high: float, count: int, most: int = 9) -> list[tuple[float, str]]:
    """Round values between those of the first and of the last of `count` cells: [(share of the way, text)].

    The share is of the whole side, whose ends lie half a cell beyond those values. At most `most` of them.
    """
    steps = [base * 10.0**power for power in range(-3, 4) for base in (1, 2, 2.5, 5)]
    step = next(step for step in steps if (high - low) / step <= most - 1)
    values = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return [(((value - low) / (high - low) * (count - 1) + 0.5) / count, f"{value:.6g}") for value in values]


def to_rgb(sheet: np.ndarray) -> np.ndarray:
    """A copy of a uint8 sheet (h, w, 1 or 3) with three channels."""
    return np.ascontiguousarray(np.broadcast_to(sheet, (*sheet.shape[:2], 3)))


def stack(*sheets: np.ndarray, gap: int = 6, ground: int = 255) -> np.ndarray:
    """Sheets of one width below each other, as RGB."""
    width = sheets[0].shape[1]
    space = np.full((gap, width, 3), ground, np.uint8)
    parts = [part for sheet in sheets for part in (to_rgb(sheet), space)]
    return np.concatenate(parts[:-1])


def to_png(sheet: np.ndarray) -> bytes:
    """The PNG bytes of a uint8 sheet (h, w, 1 or 3)."""
    buffer = io.BytesIO()
    Image.fromarray(sheet[..., 0] if sheet.shape[-1] == 1 else sheet).save(buffer, "PNG", compress_level=PNG_LEVEL)
    return buffer.getvalue()


def check_side(pixels: np.ndarray, kind: str) -> None:
    """BadPicture where a picture (h, w, c) has more pixels a side than a file of this kind can."""
    if kind == "JPEG" and max(pixels.shape) > MAX_JPEG:
        raise reader.BadPicture(f"A JPEG has at most {MAX_JPEG} pixels a side, this picture {max(pixels.shape)}. "
                                "Choose PNG.")


def to_photo(pixels: np.ndarray, kind: str = "JPEG", kept: metadata.Kept = metadata.NOTHING) -> bytes:
    """The bytes of an sRGB photograph (h, w, 1 or 3), uint8 or uint16, as a "JPEG" or a "PNG" that says what is kept.

    A PNG keeps 16 bits. Raises as `check_side`.
    """
    check_side(pixels, kind)
    if kind == "PNG":
        encoded = imagecodecs.png_encode(pixels if pixels.shape[-1] > 1 else pixels[..., 0], level=PNG_LEVEL)
        chunks = [(b"sRGB", bytes([color.RELATIVE])), (b"eXIf", kept.exif)]
        if kept.density:
            meters = [round(dots / 0.0254) for dots in kept.density]
            chunks.append((b"pHYs", struct.pack(">IIB", *meters, 1)))
        said = b"".join(containers.chunk(name, body) for name, body in chunks if body)
        return bytes(encoded[:END_OF_HEADER] + said + encoded[END_OF_HEADER:])
    levels = pixels if pixels.dtype == np.uint8 else (pixels // 257).astype(np.uint8)
    buffer = io.BytesIO()
    image = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
    image.save(buffer, kind, quality=JPEG_QUALITY, exif=b"Exif\0\0" + kept.exif if kept.exif else b"",
               icc_profile=color.srgb() if levels.shape[-1] == 3 else None,
               dpi=[round(dots) for dots in kept.density] if kept.density else (0, 0))
    return buffer.getvalue()


def to_gif(pictures: np.ndarray, fps: float = 12, scale: int = 1) -> bytes:
    """The bytes of an endless GIF of pictures (n, h, w, c), each pixel `scale` times."""
    frames = [Image.fromarray(enlarge(to_rgb(frame), scale)) for frame in convert.to_uint8(pictures)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=round(1000 / fps), loop=0)
    return buffer.getvalue()


def to_webp(pictures: np.ndarray, fps: float = 12, scale: int = 1) -> bytes:
    """The bytes of an endless animated WebP: all colors, where a GIF has 256, in a fraction of its size."""
    frames = [Image.fromarray(enlarge(to_rgb(frame), scale)) for frame in convert.to_uint8(pictures)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], duration=round(1000 / fps), loop=0,
                   quality=90)
    return buffer.getvalue()
