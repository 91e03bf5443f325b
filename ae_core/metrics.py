"""Numbers that say how good a picture or a model is; each works on whole batches."""
import itertools

import numpy as np
from skimage.metrics import structural_similarity


def mse(pictures: np.ndarray, rebuilt: np.ndarray) -> np.ndarray:
    """Mean squared error of each picture: (n, h, w, c) twice -> (n,)."""
    return np.square(pictures - rebuilt).mean(axis=(1, 2, 3), dtype=np.float64)


def psnr(error: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB of mean squared errors of pictures in 0..1; 99 dB where nothing differs."""
    return -10 * np.log10(np.maximum(error, 10 ** -9.9))


def ssim(pictures: np.ndarray, rebuilt: np.ndarray) -> np.ndarray:
    """Structural similarity of each picture, 7x7 windows: (n, h, w, c) twice -> (n,). Wang et al., 2004."""
    return np.array([structural_similarity(a, b, channel_axis=-1, data_range=1.0)
                     for a, b in zip(pictures, rebuilt, strict=True)])


def colorfulness(pictures: np.ndarray) -> np.ndarray:
    """How colorful each picture (n, h, w, 3) is, 0 for gray: -> (n,). Hasler and Suesstrunk, 2003."""
    red, green, blue = np.moveaxis(np.asarray(pictures, np.float64), -1, 0)
    opponents = np.stack([red - green, (red + green) / 2 - blue])          # red against green, yellow against blue
    deviation, mean = opponents.std(axis=(2, 3)), opponents.mean(axis=(2, 3))
    return np.hypot(*deviation) + 0.3 * np.hypot(*mean)


def octaves(height: int, width: int) -> np.ndarray:
    """Which frequencies of a picture's Fourier transform belong to 1-4, 4-8, 8-16 and 16-32 cycles: (4, h, w) bool."""
    radius = np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.fftfreq(width) * width)
    return np.stack([(low <= radius) & (radius < high) for low, high in itertools.pairwise((1, 4, 8, 16, 32))])


def power(pictures: np.ndarray) -> np.ndarray:
    """The power of pictures (n, h, w, c) in each of four `octaves`, summed over all: -> (4,).

    Of their gray, the mean of the channels, less its own mean, under a Hann window both ways.
    """
    gray = np.asarray(pictures, np.float64).mean(axis=-1)
    gray -= gray.mean(axis=(1, 2), keepdims=True)
    height, width = gray.shape[1:]
    spectrum = np.square(np.abs(np.fft.fft2(gray * np.hanning(height)[:, None] * np.hanning(width)))).sum(axis=0)
    return (octaves(height, width) * spectrum).sum(axis=(1, 2))


def laplacian(pictures: np.ndarray) -> np.ndarray:
    """How far each pixel's gray is from that of its four neighbors: (n, h, w, c) -> (n, h - 2, w - 2), no border."""
    gray = np.asarray(pictures, np.float64).mean(axis=-1)
    return (gray[:, :-2, 1:-1] + gray[:, 2:, 1:-1] + gray[:, 1:-1, :-2] + gray[:, 1:-1, 2:] - 4 * gray[:, 1:-1, 1:-1])


def grid(pictures: np.ndarray) -> float:
    """The mean absolute `laplacian` of each pixel of every 2 x 2, the highest over the lowest; 1 where none shows."""
    rough = np.abs(laplacian(pictures))
    phases = [rough[:, top::2, left::2].mean() for top in (0, 1) for left in (0, 1)]
    return float(max(phases) / min(phases))


def sharpness(pictures: np.ndarray) -> np.ndarray:
    """The variance of the `laplacian` of each picture: (n, h, w, c) -> (n,)."""
    return laplacian(pictures).var(axis=(1, 2))


def cross_entropy(pictures: np.ndarray, rebuilt: np.ndarray) -> np.ndarray:
    """Binary cross-entropy of gray levels in nats, summed over the pixels of each picture: -> (n,)."""
    p = np.clip(rebuilt, 1e-7, 1 - 1e-7)         # as Keras clips
    return -(pictures * np.log(p) + (1 - pictures) * np.log(1 - p)).sum(axis=(1, 2, 3), dtype=np.float64)


def roc(wanted: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The receiver operating characteristic: false- and true-positive rates (k,) as the threshold falls.

    wanted: (n,) bool; scores: (n,), higher where more wanted. Equal scores fall together.
    """
    found, false = _passed(wanted, scores)
    return np.concatenate([[0], false / false[-1]]), np.concatenate([[0], found / found[-1]])


def roc_area(wanted: np.ndarray, scores: np.ndarray) -> float:
    """The area under the ROC: how likely one of the wanted scores higher than one of the others."""
    return float(np.trapezoid(*reversed(roc(wanted, scores))))


def average_precision(wanted: np.ndarray, scores: np.ndarray) -> float:
    """The area under the precision-recall curve: the mean precision where one more of the wanted is found."""
    found, false = _passed(wanted, scores)
    steps = np.diff(found, prepend=0) / found[-1]
    return float((steps * found / (found + false)).sum())


def _passed(wanted, scores):
    """How many of the wanted and of the others have at least each distinct score, the highest first."""
    if len(np.unique(wanted)) < 2:
        raise ValueError("Both kinds are needed, some wanted and some not.")
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    return np.cumsum(wanted[order])[last], np.cumsum(~wanted[order])[last]
