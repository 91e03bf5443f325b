"""Pictures and colors on their way to the browser: many pictures of one size travel as one encoded image, a sheet."""
import base64
import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ae_core.pictures import sheets

PALETTE = sheets.PALETTE
PICTURE_SIDE = 420               # CSS pixels of the large picture, where the page has room for it


@dataclass(frozen=True)
class Sheet:
    """Pictures of one size side by side in one encoded image. Made by `encode_grid` and `encode_strip`."""
    url: str                     # data URL of the image, (rows * height, columns * width) pixels
    rows: int
    columns: int
    height: int                  # of one picture, in pixels
    width: int
    channels: int                # 1 (gray) or 3 (RGB)
    count: int                   # pictures in the sheet; the last places of a strip may be empty
    digest: str


def encode_grid(tiles: np.ndarray, quality: int | None = None) -> Sheet:
    """A grid of pictures, uint8 (rows, columns, h, w[, 3]), row 0 on top, as a sheet. Cache it: it takes 10 to 300 ms.

    Without a quality nothing is lost (PNG); 1 to 100 is lossy WebP (95: about 47 dB and 0.4 of the size), for large
    atlases in color. ValueError if the array has another type or shape.
    """
    tiles = np.asarray(tiles)
    _expect_pictures(tiles, "tiles", leading=2, wanted="(rows, columns, h, w[, 3])")
    return _encode(tiles, tiles.shape[0] * tiles.shape[1], quality)


def encode_strip(pictures: np.ndarray, quality: int | None = None) -> Sheet:
    """A sequence of pictures, uint8 (n, h, w[, 3]), as a nearly square sheet; else as `encode_grid`."""
    pictures = np.asarray(pictures)
    _expect_pictures(pictures, "pictures", leading=1, wanted="(n, h, w[, 3])")
    count = len(pictures)
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    grid = np.zeros((rows * columns, *pictures.shape[1:]), np.uint8)
    grid[:count] = pictures
    return _encode(grid.reshape(rows, columns, *pictures.shape[1:]), count, quality)


def as_sheet(pictures: np.ndarray | Sheet, encode: Callable[[np.ndarray], Sheet]) -> Sheet:
    """What is a sheet stays one; an array is encoded."""
    return pictures if isinstance(pictures, Sheet) else encode(pictures)


def look(sheet: Sheet, scale: int | None) -> dict[str, object]:
    """What a component must know before the sheet arrives: the size of a picture, and how much it may be enlarged."""
    return {"tile": [sheet.height, sheet.width, sheet.channels],
            "scale": int(scale or max(1, PICTURE_SIDE // max(sheet.height, sheet.width)))}


def exact(picture: np.ndarray, sheet: Sheet) -> str:
    """A true decoding, uint8 (h, w[, 3]), that replaces the blend of a sheet's pictures; ValueError if unlike them."""
    wanted = (sheet.height, sheet.width) + ((3,) if sheet.channels == 3 else ())
    picture = np.asarray(picture)
    if picture.dtype != np.uint8 or picture.shape != wanted:
        raise ValueError(f"exact is {picture.dtype} {picture.shape}, but must be uint8 {wanted} as the sheet is.")
    return packed(picture)


def packed(array: np.ndarray) -> str:
    """The bytes of an array in base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _expect_pictures(array: np.ndarray, name: str, leading: int, wanted: str) -> None:
    good_shape = array.ndim == leading + 2 or (array.ndim == leading + 3 and array.shape[-1] == 3)
    if array.dtype != np.uint8 or not good_shape or 0 in array.shape:
        raise ValueError(f"{name} is {array.dtype} {array.shape}, but must be uint8 {wanted} with nothing empty: "
                         "multiply pictures in 0..1 by 255, round them, and drop a last axis of 1.")


def _encode(tiles: np.ndarray, count: int, quality: int | None) -> Sheet:
    rows, columns, height, width = tiles.shape[:4]
    image = tiles.swapaxes(1, 2).reshape(rows * height, columns * width, *tiles.shape[4:])
    if image.ndim == 3:
        image = image[..., ::-1]                 # OpenCV writes BGR
    kind, options = "png", [cv2.IMWRITE_PNG_COMPRESSION, 1]
    if quality is not None:
        kind, options = "webp", [cv2.IMWRITE_WEBP_QUALITY, int(quality)]
    encoded = cv2.imencode(f".{kind}", np.ascontiguousarray(image), options)[1]
    return Sheet(f"data:image/{kind};base64,{packed(encoded)}", rows, columns, height, width,
                 channels=3 if tiles.ndim == 5 else 1, count=count,
                 digest=hashlib.sha1(encoded.tobytes(), usedforsecurity=False).hexdigest())
