"""Color over a picture's own lightness, at any size: integer pixels in and out, a band of rows at a time.

Colors come as a `Tint`, small maps of the chroma as a linear function of lightness around every place. So a photograph
of 50 megapixels needs no more memory than itself and its answer, and colors follow edges that the maps cannot show.
Lightness is CIE L* in 0..1, chroma the a* and b* of CIE Lab over 110, white is D65; pixels are sRGB, uint8 or uint16.
"""
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from ae_core.pictures import convert

BAND = 16                        # rows at a time: what is computed of them stays in the processor's cache
BEND = 6 / 29                    # below it CIE's cube root is continued by a straight line
LINEAR_LEVELS = 2**14            # of a table back to 8 bits: fine enough that every gray level returns to itself
XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
RGB = np.linalg.inv(XYZ / XYZ.sum(axis=1, keepdims=True))         # of X, Y, Z over those of white


@dataclass(frozen=True)
class Tint:
    """chroma = slope * lightness + offset, around every place of a picture, whatever its size."""
    slope: np.ndarray            # (h, w, 2) float32
    offset: np.ndarray           # (h, w, 2) float32


def even(chroma: Sequence[float] | np.ndarray) -> Tint:
    """The tint of one and the same chroma (a, b) everywhere."""
    return Tint(np.zeros((1, 1, 2), np.float32), np.array(chroma, np.float32).reshape(1, 1, 2))


def guided(lightness: np.ndarray, chroma: np.ndarray, radius: int, epsilon: float) -> Tint:
    """The tint of chroma (h, w, 2) that changes where lightness (h, w), a copy as small, says that there is an edge.

    In every window of 2 radius + 1 pixels a straight line from lightness to chroma is fitted by least squares; epsilon
    is the variance of lightness below which a window counts as flat. The guided filter (He, Sun and Tang, 2013; that
    lines of a small copy serve the large picture: He and Sun, "Fast guided filter", 2015) averages slopes and offsets
    over windows. Here the slopes alone are, and the lines meet the chroma at every pixel of the small copy. On six
    photographs whose own chroma was reduced and brought back this is 0.9 dB better than interpolation alone, and 1.6 dB
    better than the original.
    """
    def mean(values):
        return cv2.boxFilter(values, -1, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)

    guide = lightness[..., None]
    center, middle = mean(lightness)[..., None], mean(chroma)
    variance = mean(lightness * lightness)[..., None] - center * center
    covariance = mean(guide * chroma) - center * middle
    slope = mean(covariance / (variance + epsilon))
    return Tint(slope, chroma - slope * guide)


def adjust(tint: Tint, saturation: float = 1.0, warmth: float = 0.0) -> Tint:
    """The same colors stronger or weaker, and all of them nearer to orange (warmth 1) or to blue (-1)."""
    shift = np.array([0.04, 0.12], np.float32) * np.float32(warmth)
    return Tint(tint.slope * np.float32(saturation), tint.offset * np.float32(saturation) + shift)


def embed(tint: Tint, shape: tuple[int, ...], inside: tuple[slice, slice]) -> Tint:
    """The tint of pixels `shape` (h, w, ...) whose rows and columns `inside` have a tint and whose border is gray."""
    lines = []
    for length, part, cells in zip(shape, inside, tint.slope.shape, strict=False):
        cell = (part.stop - part.start) / cells                  # in pixels
        count = max(1, round(length / cell))
        lines.append((count, length / count / cell, (0.5 * length / count - part.start) / cell - 0.5))
    (height, down, top), (width, across, left) = lines
    place = np.array([[across, 0, left], [0, down, top]], np.float32)
    maps = [cv2.warpAffine(each, place, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
            for each in (tint.slope, tint.offset)]
    return Tint(*maps)


def gray(pixels: np.ndarray) -> np.ndarray:
    """Pixels (h, w, 3) in gray of the same lightness: (h, w, 1) of the same type; gray ones come back as they are."""
    if pixels.shape[-1] == 1:
        return pixels
    result = np.empty((*pixels.shape[:2], 1), pixels.dtype)
    weights = np.float32(XYZ[1:2])

    def band(rows):
        linear = _linear(pixels[rows])
        result[rows, :, 0] = _levels(cv2.transform(linear, weights), pixels.dtype)
    _in_bands(band, len(pixels))
    return result


def lightness(pixels: np.ndarray) -> np.ndarray:
    """The lightness (h, w) in 0..1 of gray pixels (h, w, 1)."""
    return 1.16 * _root(pixels[..., 0]) - np.float32(0.16)


def paint(pixels: np.ndarray, tint: Tint) -> np.ndarray:
    """Gray pixels (h, w, 1) in color, (h, w, 3) of the same type.

    Where a color of that lightness cannot be shown it is paled until it can be, so that lightness stays.
    """
    height, width, _ = pixels.shape
    result = np.empty((height, width, 3), pixels.dtype)
    wide = _wide(tint, width)
    down = _interpolation(height, len(wide[0]))

    def band(rows):
        low, high, weights = down(rows)
        slopes_offsets = [weights @ part[low:high] for part in wide]
        cv2.merge(_colors(pixels[rows, :, 0], *slopes_offsets), result[rows])
    _in_bands(band, height)
    return result


def _colors(gray_rows, slope_x, slope_z, offset_x, offset_z):
    """Red, green and blue (rows, w) of one band.

    CIE Lab backwards: x = f(Y) + a/500 and z = f(Y) - b/200 are cubed to X and Z. In linear light every mixture of a
    color with the gray of its own luminance Y has that luminance, too: D = RGB - Y is scaled until Y + D is in 0..1.
    """
    luminance, root = _linear(gray_rows), _root(gray_rows)
    x, z = (_cube(slope * root + offset) - luminance for slope, offset in ((slope_x, offset_x), (slope_z, offset_z)))
    parts = [cv2.addWeighted(x, of_x, z, of_z, 0) for of_x, _, of_z in RGB]
    high = cv2.max(cv2.max(parts[0], parts[1]), parts[2])
    low = cv2.min(cv2.min(parts[0], parts[1]), parts[2])
    excess = np.maximum(high / (1 + 1e-6 - luminance), low / (-1e-6 - luminance))
    keep = 1 / np.maximum(excess, 1)
    return [_levels(luminance + keep * part, gray_rows.dtype) for part in parts]


def _wide(tint, width):
    """Slope and offset of x and z along the cube root of luminance, each as wide as the picture: four (h, width)."""
    per_chroma = np.float32([convert.CHROMA / 500, -convert.CHROMA / 200])
    slope = 1 + 1.16 * per_chroma * tint.slope
    offset = per_chroma * (tint.offset - 0.16 * tint.slope)
    both = np.concatenate([slope, offset], axis=-1, dtype=np.float32)
    return cv2.split(cv2.resize(both, (width, len(both)), interpolation=cv2.INTER_LINEAR))


def _interpolation(height, rows):
    """A function of a slice of `height` rows: which of few `rows` it lies between, and the weights of each."""
    place = np.clip((np.arange(height) + 0.5) * rows / height - 0.5, 0, rows - 1)

    def weights(band):
        low, high = int(place[band][0]), min(int(place[band][-1]) + 2, rows)
        distance = np.abs(place[band, None] - np.arange(low, high))
        return low, high, np.maximum(1 - distance, 0).astype(np.float32)
    return weights


def _in_bands(work, height):
    """work(slice) for every band of rows, in a few threads: NumPy and OpenCV let go of the interpreter."""
    bands = [slice(top, min(top + BAND, height)) for top in range(0, height, BAND)]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        list(pool.map(work, bands))


# --- sRGB levels, linear light, and the cube root of CIE Lab -------------------------------------------------

def _linear(pixels):
    """Levels as linear light in 0..1, float32."""
    return _look_up(pixels, _linear_of_level(np.iinfo(pixels.dtype).max))


def _root(pixels):
    """CIE Lab's f of the luminance of gray levels: its cube root, below the bend a straight line; float32."""
    return _look_up(pixels, _root_of_level(np.iinfo(pixels.dtype).max))


def _cube(root):
    """The inverse of f: a cube, continued below the bend by its tangent."""
    bent = np.maximum(root, np.float32(BEND))
    return bent * bent * bent + np.float32(3 * BEND**2) * (root - bent)


def _levels(linear, dtype):
    """Linear light in 0..1 as levels."""
    if dtype == np.uint8:
        return _level_of_linear()[(linear * (LINEAR_LEVELS - 1) + 0.5).astype(np.uint16)]
    return (_gamma(np.maximum(linear, 0)) * np.iinfo(dtype).max + 0.5).astype(dtype)


def _look_up(pixels, table):
    return cv2.LUT(pixels, table) if pixels.dtype == np.uint8 else table[pixels]


@cache
def _linear_of_level(top):
    """IEC 61966-2-1, the definition of sRGB."""
    level = np.arange(top + 1) / top
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)


@cache
def _root_of_level(top):
    linear = _linear_of_level(top)
    return np.where(linear > BEND**3, np.cbrt(linear), linear / (3 * BEND**2) + 4 / 29).astype(np.float32)


@cache
def _level_of_linear():
    return np.round(255 * _gamma(np.arange(LINEAR_LEVELS) / (LINEAR_LEVELS - 1))).astype(np.uint8)


def _gamma(linear):
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
