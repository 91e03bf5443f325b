"""Color gray photographs of any size at their own resolution; uploads in, files and scores out."""
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from ae_core import guard, metrics
from ae_core.features import paint, prints
from ae_core.model import Colorizer
from ae_core.pictures import convert, heavy, reader, sheets

PRESET = "photo_colorizer"
SIDE = 128                       # pixels of the longer side of the copy that the network sees; the best of 96 to 320
VIEW = 1200                      # and of the copy that a page shows
LEAST = 96                       # and of the smallest it was trained on
QUARTER = 4                      # the network answers at a quarter of that copy's size
STEP = 32                        # and takes sides that are multiples of this
RADIUS, EPSILON = 1, 1e-3        # of the guided filter, in pixels of the answer and in squared lightness
MEAN_CHROMA = (0.0058, 0.0432)   # over 110: the mean of every pixel of the 9,127 training photographs at 128 x 128
GRAY_LEVELS = 6                  # how far the channels of a gray photograph may be apart, after a JPEG


@dataclass(frozen=True)
class Colorized:
    gray: np.ndarray             # (h, w, 1) uint8 or uint16: what went in, with its own lightness
    picture: np.ndarray          # (h, w, 3) of the same type
    tint: paint.Tint             # which paints any copy of the photograph, of whatever size


@dataclass(frozen=True)
class Look:
    """What a page needs of a photograph to show it in color and to paint it again in others."""
    gray: np.ndarray             # (h, w, 1), its longer side at most VIEW pixels
    truth: np.ndarray | None     # (h, w, 3), where the photograph has colors of its own
    scan: np.ndarray | None      # (h, w, 3), where it is a print in one tone, such as sepia
    tint: paint.Tint
    side: int                    # pixels of its longer side, as far as a JPEG cannot hold it
    note: str                    # a sentence on what of the file it is, where that is not all


def colorize(model: Colorizer, photo: np.ndarray, side: int = SIDE, saturation: float = 1.0,
             warmth: float = 0.0) -> Colorized:
    """Pixels (h, w, 1 or 3), uint8 or uint16, in the colors that the network imagines; colors they have are not used.

    Their lightness is kept. ValueError where they are of another type.
    """
    gray = paint.gray(_pixels(photo))
    tint = predict(model, gray, side)
    return Colorized(gray, paint.paint(gray, paint.adjust(tint, saturation, warmth)), tint)


def look(model: Colorizer, raw: bytes, name: str = "The file") -> Look:
    """The look of an upload, decoded no larger than it is shown. Raises reader.BadPicture."""
    photo = reader.photo(raw, name, VIEW)
    side = max(photo.pixels.shape[:2])
    pixels = convert.scale(photo.pixels, min(VIEW, side))
    gray = paint.gray(pixels)
    truth, scan = (None, None) if is_gray(pixels) else (None, pixels) if prints.is_toned(pixels) else (pixels, None)
    return Look(gray, truth, scan, predict(model, gray), side, photo.note)


def convert_file(model: Colorizer, raw: bytes, name: str = "The file", kind: str = "JPEG") -> bytes:
    """An upload in color at its full size, as the bytes of a JPEG or a PNG. Raises reader.BadPicture."""
    photo = reader.photo(raw, name)
    return sheets.to_photo(colorize(model, photo.pixels).picture, kind, photo.kept)


def render(raw: bytes, name: str, tint: paint.Tint, kind: str = "JPEG") -> bytes:
    """An upload at its full size in a tint, as the bytes of a JPEG or a PNG. Raises reader.BadPicture."""
    with heavy.turn():                           # a large photograph takes a gigabyte on its way
        photo = reader.photo(raw, name)
        sheets.check_side(photo.pixels, kind)    # before it is painted, which takes seconds
        gray, kept = paint.gray(photo.pixels), photo.kept
        del photo                                # its pixels
        if kind == "JPEG" and gray.dtype != np.uint8:
            gray = (gray // 257).astype(np.uint8)        # it holds no more, and half the memory is enough
        return sheets.to_photo(paint.paint(gray, tint), kind, kept)


def archive(photos: Sequence[tuple[str, bytes, paint.Tint]], kind: str = "JPEG",
            report: Callable[[float], None] | None = None) -> tuple[bytes, list[str]]:
    """A zip of photographs [(name, bytes, tint), ...] at their full size, and a sentence for each that is not in it.

    One is in memory at a time. report(share): called with the share of the work done before every photograph; it may
    raise to stop.
    """
    buffer, left_out = io.BytesIO(), []
    with zipfile.ZipFile(buffer, "w") as target:                # what is in it is compressed already
        for k, (name, raw, tint) in enumerate(photos):
            if report:
                report(k / len(photos))
            try:
                target.writestr(f"{k + 1:02}_{file_name(name, kind)}", render(raw, name, tint, kind))
            except reader.BadPicture as error:
                left_out.append(f"{name} is not in the zip. {error}")
    return buffer.getvalue(), left_out


def file_name(name: str, kind: str = "JPEG") -> str:
    """What a colorized upload is called."""
    return f"{PurePath(guard.file_name(name)).stem or 'photo'}_color.{'png' if kind == 'PNG' else 'jpg'}"


def predict(model: Colorizer, gray: np.ndarray, side: int = SIDE) -> paint.Tint:
    """The tint of gray pixels (h, w, 1), from a copy whose longer side has `side` pixels.

    A plain border stays gray. A panorama is seen in pieces of `side` pixels, and a faded print in full contrast.
    """
    rows, columns = prints.inside(gray)
    inner = gray[rows, columns]
    height, width = inner.shape[:2]
    length = prints.length(inner.shape)
    factor = max(LEAST, min(side, length)) / length
    size = [max(QUARTER, round(each * factor / QUARTER) * QUARTER) for each in (height, width)]
    copy, slope, offset = prints.stretch(paint.lightness(convert.resize(inner, size)))
    chroma = _ask(model, copy, max(QUARTER, round(length * factor / QUARTER) * QUARTER))
    tint = paint.guided(convert.resize(copy, chroma.shape)[..., 0], chroma, RADIUS, EPSILON)
    tint = paint.Tint(tint.slope * np.float32(slope), tint.offset + tint.slope * np.float32(offset))
    return tint if inner.shape == gray.shape else paint.embed(tint, gray.shape, (rows, columns))


def _ask(model, copy, piece):
    """The chroma (h/4, w/4, 2) of a copy (h, w), seen in pieces no longer than `piece`.

    The mean of what the network answers to each and to its mirror image, which is no less true.
    """
    wide = copy.shape[1] >= copy.shape[0]
    cells, count = piece // QUARTER, max(copy.shape) // QUARTER
    where, parts = prints.pieces(count, cells), []
    for each in where:
        along = slice(each.start * QUARTER, each.stop * QUARTER)
        part = copy[:, along] if wide else copy[along]
        padded = np.pad(part, ((0, -part.shape[0] % STEP), (0, -part.shape[1] % STEP)), mode="reflect")
        answer, mirrored = model.chroma(np.stack([padded, padded[:, ::-1]])[..., None])
        parts.append(((answer + mirrored[:, ::-1]) / 2)[:part.shape[0] // QUARTER, :part.shape[1] // QUARTER])
    if len(parts) == 1:
        return parts[0]
    return prints.join(parts, where, count) if wide else \
        prints.join([part.swapaxes(0, 1) for part in parts], where, count).swapaxes(0, 1).copy()


def beside(look: Look, side: int) -> np.ndarray:
    """A look in gray and, beside it, in color: uint8 (h, 2 w, 3), the longer side of each `side` pixels."""
    small = convert.scale(look.gray, side)
    return np.concatenate([sheets.to_rgb(small), paint.paint(small, look.tint)], axis=1)


def is_gray(pixels: np.ndarray) -> bool:
    """Whether pixels (h, w, 1 or 3) show no color worth the name."""
    if pixels.shape[-1] == 1:
        return True
    copy = convert.scale(pixels, min(SIDE, max(pixels.shape[:2]))).astype(np.int32)
    return int(np.ptp(copy, axis=-1).max()) <= GRAY_LEVELS * np.iinfo(pixels.dtype).max / 255


def compare(truth: np.ndarray, picture: np.ndarray) -> tuple[float, float]:
    """PSNR in dB and the ratio of colorfulness of a colorized picture to the true one, both pixels (h, w, 3)."""
    truth, picture = (array[None] / np.float32(np.iinfo(array.dtype).max) for array in (truth, picture))
    ratio = metrics.colorfulness(picture) / np.maximum(metrics.colorfulness(truth), 1e-6)
    return float(metrics.psnr(metrics.mse(truth, picture))[0]), float(ratio[0])


def _pixels(photo):
    photo = np.asarray(photo)
    if photo.dtype not in (np.uint8, np.uint16) or photo.ndim != 3 or photo.shape[-1] not in (1, 3) or not photo.size:
        raise ValueError(f"A photograph is uint8 or uint16 of shape (h, w, 1) or (h, w, 3); "
                         f"this is {photo.dtype} {photo.shape}. reader.pixels() reads one.")
    return photo


# --- sheets and scores ----------------------------------------------------------------------------------------

def column(done: Colorized, photo: np.ndarray, side: int = 128) -> np.ndarray:
    """Gray over predicted over true of one photograph, pixels (h, w, 1 or 3): uint8 (3 side, side, 3)."""
    return convert.to_uint8(np.concatenate([_framed(convert.scale(pixels, side), side)
                                            for pixels in (done.gray, done.picture, photo)]))


def sheet(columns: Sequence[np.ndarray], most: int = 8) -> np.ndarray:
    """Columns of photographs side by side, `most` in a row: uint8 (rows, w, 3)."""
    return sheets.tile(convert.as_pictures(np.stack(columns)), most, gap=4, ground=255)


def _framed(pixels, side):
    return convert.thumbnail(convert.to_three(pixels / np.float32(np.iinfo(pixels.dtype).max)), side)


def evaluate(model: Colorizer, photos: np.ndarray) -> dict[str, float]:
    """The scores of the colorizer on color photographs (n, h, w, 3), as `python -m ae_core evaluate` prints them.

    In the same way as the page does it, in 16 bits, so that rounding does not count as an error.
    """
    rows = np.array([_scores(model, photos[[row]]) for row in range(len(photos))])
    psnr, gray, mean_chroma, lightness, colorful, true_colorful = rows.T
    return {"n": len(rows), "psnr": float(psnr.mean()), "gray_psnr": float(gray.mean()),
            "mean_chroma_psnr": float(mean_chroma.mean()),
            "colorfulness_ratio": float(colorful.mean() / true_colorful.mean()),
            "lightness_error": float(lightness.mean())}


def _scores(model, truth):
    """Of a photograph (1, h, w, 3): PSNR of ours, of gray and of mean chroma; lightness moved; both colorfulnesses."""
    done = colorize(model, np.round(truth[0] * 65535).astype(np.uint16))
    gray, mean = (paint.paint(done.gray, paint.even(chroma)) for chroma in ((0, 0), MEAN_CHROMA))
    answers = [answer[None] / np.float32(65535) for answer in (done.picture, gray, mean)]
    moved = np.abs(paint.lightness(paint.gray(done.picture)) - paint.lightness(done.gray)).mean()
    return [*(metrics.psnr(metrics.mse(truth, answer))[0] for answer in answers), moved,
            metrics.colorfulness(answers[0])[0], metrics.colorfulness(truth)[0]]
