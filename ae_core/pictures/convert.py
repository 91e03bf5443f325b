"""The picture contract, float32, NHWC, 0..1, and the ways from one form of a picture to another."""
from collections.abc import Sequence

import cv2
import numpy as np

LUMA = np.array([[0.299], [0.587], [0.114]], np.float32)      # of red, green and blue: ITU-R BT.601
CHROMA = 110                     # a and b of what a screen can show lie within -108 .. 99


def as_pictures(array: np.ndarray) -> np.ndarray:
    """uint8 (n, h, w[, c]) -> float32 (n, h, w, c) in 0..1; what is in 0..1 already stays as it is."""
    pictures = np.asarray(array, np.float32) / (255 if array.dtype == np.uint8 else 1)
    return pictures if pictures.ndim == 4 else pictures[..., None]


def to_uint8(pictures: np.ndarray) -> np.ndarray:
    """0..1 -> uint8, rounded; any shape."""
    return (np.clip(pictures, 0, 1) * 255 + 0.5).astype(np.uint8)


# --- color ---------------------------------------------------------------------------------------------------

def to_gray(picture: np.ndarray) -> np.ndarray:
    """(..., c) -> (..., 1), weighing the channels as the eye does."""
    return picture if picture.shape[-1] == 1 else picture @ LUMA


def to_three(picture: np.ndarray) -> np.ndarray:
    """(..., 1 or 3) -> (..., 3), not to be written to."""
    return np.broadcast_to(picture, (*picture.shape[:-1], 3))


def to_lab(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """RGB (n, h, w, 3) -> CIE Lab (D65): lightness (n, h, w, 1) in 0..1, and chroma a, b (n, h, w, 2) over 110."""
    n, height, width, _ = pictures.shape
    lab = cv2.cvtColor(np.ascontiguousarray(pictures, np.float32).reshape(n * height, width, 3), cv2.COLOR_RGB2Lab)
    lab = lab.reshape(n, height, width, 3)
    return lab[..., :1] / 100, lab[..., 1:] / CHROMA


def from_lab(lightness: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """The RGB pictures (n, h, w, 3) of what `to_lab` gives, clipped to what a screen can show."""
    n, height, width, _ = lightness.shape
    lab = np.concatenate([lightness * 100, chroma * CHROMA], axis=-1, dtype=np.float32)
    rgb = cv2.cvtColor(lab.reshape(n * height, width, 3), cv2.COLOR_Lab2RGB)
    return np.clip(rgb.reshape(n, height, width, 3), 0, 1)


# --- size ----------------------------------------------------------------------------------------------------

def bands(shape: Sequence[int], pixels: int = 2**20) -> list[slice]:
    """Slices of the rows of (h, w, ...), about so many pixels each: what is computed of them needs little memory."""
    step = max(1, pixels // max(1, shape[1]))
    return [slice(top, top + step) for top in range(0, shape[0], step)]


def inside(shape: Sequence[int], room: Sequence[int]) -> list[int]:
    """The (width, height) at which a picture of `shape` (h, w, ...) touches `room` (height, width) from inside."""
    factor = min(room[0] / shape[0], room[1] / shape[1])
    return [max(1, round(side * factor)) for side in shape[1::-1]]


def resize(picture: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """A picture (h, w[, c]) of any type as large as `shape` (height, width, ...): (height, width, c).

    Pixels are averaged where it shrinks and interpolated where it grows.
    """
    height, width = shape[:2]
    if picture.shape[:2] != (height, width):
        smaller = height * width < picture.shape[0] * picture.shape[1]
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        if picture.dtype.kind == "f":
            np.clip(picture, 0, 1, out=picture)
    return picture.reshape(height, width, -1)


def scale(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture (h, w, c) of any type, its proportions kept, whose longer side has `side` pixels."""
    return resize(picture, inside(picture.shape, (side, side))[::-1])


def square(picture: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The middle square of any picture (h, w, c), scaled to `shape` (side, side, 1 or 3), in gray or in color."""
    height, width, _ = picture.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = picture[top:top + side, left:left + side]
    return resize(np.ascontiguousarray(to_gray(middle) if shape[-1] == 1 else to_three(middle)), shape)


def crop(picture: np.ndarray, across: tuple[float, float], down: tuple[float, float]) -> np.ndarray:
    """The part of a picture (h, w, c) between two columns and two rows, in percent; a pixel at least."""
    rows, columns = (slice(min(int(length * low / 100), length - 1), max(int(length * low / 100) + 1,
                                                                        round(length * high / 100)))
                     for length, (low, high) in zip(picture.shape[:2], (down, across), strict=True))
    return picture[rows, columns]


def thumbnail(picture: np.ndarray, side: int) -> np.ndarray:
    """Any picture (h, w, c) inside a black square (side, side, 3), its proportions kept."""
    small = scale(picture, side)
    canvas = np.zeros((side, side, 3), np.float32)
    top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    canvas[top:top + small.shape[0], left:left + small.shape[1]] = small
    return canvas


def pad(pictures: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Black borders around pictures (n, h, w, c), equal on all sides, up to `shape` (h, w, c).

    ValueError where they are larger, or of another kind of color.
    """
    extra = [want - have for want, have in zip(shape, pictures.shape[1:], strict=True)]
    if min(extra) < 0 or extra[-1]:
        raise ValueError(f"Pictures of shape {pictures.shape[1:]} cannot get black borders up to {tuple(shape)}. "
                         "Ask for at least their own size, in their own color.")
    return np.pad(pictures, [(0, 0), *((more // 2, -(-more // 2)) for more in extra)])


# --- noise ---------------------------------------------------------------------------------------------------

def add_gaussian(pictures: np.ndarray, rng: np.random.Generator, sigma: float | np.ndarray = 0.5,
                 mean: float | np.ndarray = 0.5, clip: bool = True) -> np.ndarray:
    """x + N(mean, sigma) for pictures (n, h, w, c), clipped to 0..1 unless `clip` is False.

    mean and sigma: numbers, or arrays (n, 1, 1, 1) of one for each picture.
    """
    noisy = pictures + rng.normal(mean, sigma, pictures.shape).astype(np.float32)
    return np.clip(noisy, 0, 1) if clip else noisy
