"""The published colorizer of small pictures, CIFAR-10's, held against the gray copy that goes in."""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ae_core import metrics
from ae_core.model import Autoencoder
from ae_core.pictures import convert

PRESET = "cifar_colorizer"
SHAPE = (32, 32, 3)              # of its pictures
SCORES = {"gray_mse": 0.00602, "mse": 0.00695, "mse_own_lightness": 0.00467}     # on 10,000 pictures, by `evaluate`


@dataclass(frozen=True)
class Published:
    truth: np.ndarray            # (n, 32, 32, 3)
    gray: np.ndarray             # (n, 32, 32, 1)
    predicted: np.ndarray        # (n, 32, 32, 3)
    own_lightness: np.ndarray    # (n, 32, 32, 3): the prediction's chroma over the lightness that went in


def run(model: Autoencoder, pictures: np.ndarray) -> Published:
    """Pictures (n, 32, 32, 3) through the published colorizer, and its colors over their own lightness."""
    gray = convert.to_gray(pictures)
    predicted = model.reconstruct(gray)
    return Published(pictures, gray, predicted, join(gray, convert.to_lab(predicted)[1]))


def windows(photos: Sequence[np.ndarray], count: int, seed: int = 0) -> np.ndarray:
    """Squares cut from photographs (h, w, 3) at places and sizes drawn by seed, each in turn: (count, 32, 32, 3)."""
    rng, found = np.random.default_rng(seed), []
    for photo in (photos[k % len(photos)] for k in range(count)):
        side = int(min(photo.shape[:2]) * rng.uniform(0.3, 1))
        top, left = (rng.integers(length - side + 1) for length in photo.shape[:2])
        found.append(convert.resize(photo[top:top + side, left:left + side], SHAPE))
    return np.stack(found)


def join(gray: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Gray pictures (n, h, w, 1) with chroma (n, h, w, 2), as RGB."""
    return convert.from_lab(convert.to_lab(convert.to_three(gray))[0], chroma)


def errors(result: Published) -> list[float]:
    """The squared errors of a `Published`: of the gray copy, of what the network gives, and of its chroma alone."""
    return [float(metrics.mse(result.truth, other).mean())
            for other in (result.gray, result.predicted, result.own_lightness)]


def evaluate(model: Autoencoder, pictures: np.ndarray) -> dict[str, float]:
    """The scores of the colorizer on color pictures, as `python -m ae_core evaluate` prints them."""
    result = run(model, pictures)
    error, gray_error = (metrics.mse(pictures, other) for other in (result.predicted, result.gray))
    return {"n": len(pictures), "mse": float(error.mean()), "psnr": float(metrics.psnr(error).mean()),
            "gray_mse": float(gray_error.mean()), "gray_psnr": float(metrics.psnr(gray_error).mean()),
            "mse_own_lightness": float(metrics.mse(pictures, result.own_lightness).mean()),
            "colorfulness_ratio": float(metrics.colorfulness(result.predicted).mean()
                                        / metrics.colorfulness(pictures).mean())}
