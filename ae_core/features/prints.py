"""What stands between an old print and the network: plain borders, faded or dark tones, panoramas, sepia.

All of it is for the network alone: no pixel of the photograph changes.
"""
import cv2
import numpy as np

from ae_core.features import paint
from ae_core.pictures import convert

PLAIN = 0.03                     # deviation of lightness in a line of a border: paper and the grain of a scan
ALIKE = 0.06                     # and how far such lines may be apart
MOST = 0.35                      # of a side that a border may take
LEAST_BORDER = 0.02              # of a side: less is no border
LOOKED_AT = 400                  # pixels of the longer side of the copy that borders are looked for in
FADED = 0.45                     # range of lightness below which a print is stretched
ENDS = 0.01, 0.99                # quantiles that are its range
PIECE = 1.5                      # how much longer than high a piece of a panorama is
PANORAMA = 2.0                   # and what is longer than this is one
PIECES = 64                      # at most
TONE = 128                       # pixels of the longer side of the copy in which a tone is looked for
DEGREE = 3                       # of the curve from lightness to the chroma of a tone
ANOTHER = 6                      # units of Lab from that curve: another color
BESIDE = 0.2                     # of each side: there a ruler or a color target may lie
MOST_INSIDE, MOST_COLORED = 0.05, 0.3        # share of other colors within these margins, and in all


def inside(gray: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of gray pixels (h, w, 1) without a plain border; all of them where there is none."""
    height, width = gray.shape[:2]
    factor = min(1, LOOKED_AT / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    copy = paint.lightness(cv2.resize(gray, size, interpolation=cv2.INTER_AREA)[..., None])
    first, last = _ends(copy)
    left, right = _ends(copy[first:last].T)
    first, last = (0, height) if last - first == len(copy) else (round(first / factor), round(last / factor))
    left, right = (0, width) if right - left == copy.shape[1] else (round(left / factor), round(right / factor))
    return slice(first, min(last, height)), slice(left, min(right, width))


def stretch(lightness: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Lightness (h, w) over the whole of 0..1 where it is faded or dark, and the line a * lightness + b that did it."""
    low, high = np.quantile(lightness, ENDS)
    if not 0 < high - low < FADED:
        return lightness, 1.0, 0.0
    slope = 1 / (high - low)
    return np.clip((lightness - low) * slope, 0, 1).astype(np.float32), float(slope), float(-low * slope)


def is_toned(pixels: np.ndarray) -> bool:
    """Whether pixels (h, w, 3) are a print in one tone, such as sepia, even if a color target lies beside it.

    Then the chroma of its inside is a curve of its lightness.
    """
    copy = convert.scale(pixels, min(TONE, max(pixels.shape[:2]))) / np.float32(np.iinfo(pixels.dtype).max)
    light, chroma = (each[0] for each in convert.to_lab(copy[None]))
    inside = tuple(slice(int(BESIDE * side), side - int(BESIDE * side)) for side in light.shape[:2])
    powers = light ** np.arange(DEGREE + 1)
    curve, *_ = np.linalg.lstsq(powers[inside].reshape(-1, DEGREE + 1), chroma[inside].reshape(-1, 2), rcond=None)
    other = np.linalg.norm(chroma - powers @ curve, axis=-1) * convert.CHROMA > ANOTHER
    return bool(other[inside].mean() < MOST_INSIDE and other.mean() < MOST_COLORED)


def length(shape: tuple[int, ...]) -> float:
    """The longer side of what the network is shown at once of pixels (h, w, ...): of a panorama a piece."""
    short, long = sorted(shape[:2])
    return max(PIECE * short, long / PIECES) if long > PANORAMA * short else long


def pieces(count: int, piece: int) -> list[slice]:
    """Slices of `piece` of `count` cells, each half over the next one, the last at the end."""
    if count <= piece:
        return [slice(0, count)]
    starts = np.linspace(0, count - piece, -(-(count - piece) // max(1, piece // 2)) + 1)
    return [slice(start, start + piece) for start in starts.round().astype(int)]


def join(parts: list[np.ndarray], where: list[slice], count: int) -> np.ndarray:
    """Answers (h, piece, c) for overlapping slices as one (h, count, c); each counts most in its middle."""
    total, weights = np.zeros((len(parts[0]), count, parts[0].shape[-1]), np.float32), np.zeros((count, 1), np.float32)
    for part, cells in zip(parts, where, strict=True):
        across = part.shape[1]
        weight = np.minimum(np.arange(across) + 1, across - np.arange(across)).astype(np.float32)[:, None]
        total[:, cells] += part * weight
        weights[cells] += weight
    return total / weights


def _ends(copy):
    """Where the lines of a copy (h, w) begin and end that are no border; one lies on both sides, in one color."""
    middle, spread = copy.mean(axis=1), copy.std(axis=1)
    plain = spread < PLAIN
    if not (plain[0] and plain[-1] and abs(middle[0] - middle[-1]) < ALIKE):
        return 0, len(copy)
    plain &= np.abs(middle - middle[0]) < ALIKE
    first, last = int(np.argmin(plain)), int(np.argmin(plain[::-1]))
    if not LEAST_BORDER * len(copy) <= min(first, last) <= max(first, last) <= MOST * len(copy):
        return 0, len(copy)
    return first + 1, len(copy) - last - 1       # nor a line that has a part of both
