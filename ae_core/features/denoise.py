"""Corrupt pictures, restore them with a denoiser, and hold the classical filters beside it."""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np

from ae_core import metrics, presets, store
from ae_core.model import Autoencoder
from ae_core.pictures import convert, sheets
from ae_core.presets import Preset

SIGMAS = (0.5, 0.75, 1.0)        # the published robustness experiment
CURVE_SIGMAS = (0.0, 0.15, 0.3, 0.5, 0.65, 0.75, 0.9, 1.0, 1.2)
SETS, IN_A_SET = 3, 9            # digits of the figure of that experiment
MEAN = 0.5                       # of the published noise
STEPS = {"Gaussian": 25, "Salt and pepper": 17, "Speckle": 25, "Hidden patch": 21}    # levels of each kind of noise
EVALUATION_SEED = 7


@dataclass(frozen=True)
class Denoised:
    originals: np.ndarray        # (n, h, w, c)
    noisy: np.ndarray            # (n, h, w, c)
    restored: np.ndarray         # (n, h, w, c)
    psnr: np.ndarray             # (n,) of restored
    ssim: np.ndarray             # (n,) of restored


@dataclass(frozen=True)
class Film:
    """Rows of the same pictures at rising levels of noise: clean, noisy, and restored in each way."""
    names: list[str]             # of the rows
    pictures: np.ndarray         # (levels, rows, n, h, w, c)
    psnr: np.ndarray             # (levels, rows), the mean over the pictures


# --- corruptions: pictures (n, h, w, c), numbers, and a random generator in; pictures in 0..1 out -----------

def salt_and_pepper(pictures: np.ndarray, rng: np.random.Generator, share: float = 0.2) -> np.ndarray:
    """A share of the pixels turns black or white, evenly."""
    draw = rng.random(pictures.shape, np.float32)
    return np.where(draw < share / 2, 0, np.where(draw < share, 1, pictures)).astype(np.float32)


def speckle(pictures: np.ndarray, rng: np.random.Generator, sigma: float = 0.5) -> np.ndarray:
    """x + x N(0, sigma): noise that grows with the brightness, as in radar and ultrasound."""
    return np.clip(pictures * (1 + rng.normal(0, sigma, pictures.shape).astype(np.float32)), 0, 1)


def hidden_patch(pictures: np.ndarray, rng: np.random.Generator, side: float = 10) -> np.ndarray:
    """A black square of `side` pixels hides a random place of every picture."""
    n, height, width, _ = pictures.shape
    side = int(side)
    top = rng.integers(0, height - side + 1, n)[:, None]
    left = rng.integers(0, width - side + 1, n)[:, None]
    rows = (np.arange(height) >= top) & (np.arange(height) < top + side)
    columns = (np.arange(width) >= left) & (np.arange(width) < left + side)
    return np.where((rows[:, :, None] & columns[:, None, :])[..., None], np.float32(0), pictures)


CORRUPTIONS: dict[str, Callable[..., np.ndarray]] = {
    "Gaussian": convert.add_gaussian, "Salt and pepper": salt_and_pepper, "Speckle": speckle,
    "Hidden patch": hidden_patch}


def corrupt(pictures: np.ndarray, kind: str, seed: int = 0, **levels: Any) -> np.ndarray:
    """Pictures with one of CORRUPTIONS, the same for the same seed."""
    return CORRUPTIONS[kind](pictures, np.random.default_rng(seed), **levels)


def levels(kind: str) -> list[float]:
    """The levels of a kind of noise that are looked at, from nothing to the most."""
    return np.linspace(0, presets.NOISE[kind][1], STEPS[kind]).round(6).tolist()


def affine(kind: str, shape: tuple[int, int, int], seed: int = 0, **levels: Any
           ) -> tuple[np.ndarray, np.ndarray, bool]:
    """What `corrupt` multiplies the pixels (h, w, c) of one picture by, what it adds, and whether it clips then."""
    unclipped = {"clip": False} if kind == "Gaussian" else {}
    faint = np.float32(2 ** -7)                  # so dark that nothing is clipped at white
    black, dark = (corrupt(np.full((1, *shape), level, np.float32), kind, seed, **levels | unclipped)[0]
                   for level in (0, faint))
    return (dark - black) / faint, black, levels.get("clip", True)


def run(model: Autoencoder, pictures: np.ndarray, noisy: np.ndarray) -> Denoised:
    """Restore corrupted pictures in one batch and measure against the originals."""
    restored = model.reconstruct(noisy)
    return measure(pictures, noisy, restored)


def film(models: dict[str, Autoencoder], pictures: np.ndarray, kind: str, values: Sequence[float], seed: int = 0,
         filters: Sequence[str] = (), **others: Any) -> Film:
    """Pictures (n, h, w, c) at rising levels of a kind of noise, through filters at their best, and models {name: it}.

    Every level has the same random draw, so that only its strength changes.
    """
    level = presets.NOISE[kind][0]
    noisy = np.stack([corrupt(pictures, kind, seed, **{level: value}, **others) for value in values])
    rows = {"Clean": np.broadcast_to(pictures, noisy.shape), "Noisy": noisy}
    rows |= {name: np.stack([best_filter(name, pictures, each)[0] for each in noisy]) for name in filters}
    flat = noisy.reshape(-1, *pictures.shape[1:])
    rows |= {name: model.reconstruct(flat).reshape(noisy.shape) for name, model in models.items()}
    together = np.stack(list(rows.values()), axis=1)
    errors = np.square(together - pictures).mean(axis=(3, 4, 5), dtype=np.float64)
    return Film(list(rows), together, metrics.psnr(errors).mean(axis=2))


def measure(pictures: np.ndarray, noisy: np.ndarray, restored: np.ndarray) -> Denoised:
    """Original, corrupted and restored pictures with the PSNR and SSIM of the restored ones."""
    return Denoised(pictures, noisy, restored, metrics.psnr(metrics.mse(pictures, restored)),
                    metrics.ssim(pictures, restored))


# --- the filters people would use instead -------------------------------------------------------------------

def _gaussian_blur(picture, sigma):
    return cv2.GaussianBlur(picture, (0, 0), sigma)


def _median(picture, size):
    return cv2.medianBlur(picture, size)


def _non_local_means(picture, strength):
    return cv2.fastNlMeansDenoising(picture, None, strength, 5, 13)


FILTERS = {                      # name -> (filter, the settings to choose from)
    "Gaussian filter": (_gaussian_blur, (0.6, 0.9, 1.2, 1.6, 2.0, 2.6)),
    "Median filter": (_median, (3, 5, 7, 9)),
    "Non-local means": (_non_local_means, (20, 40, 60, 80, 110, 150)),
}


def best_filter(name: str, pictures: np.ndarray, noisy: np.ndarray) -> tuple[np.ndarray, float]:
    """Pictures restored by a classical filter at its best setting for them; and that setting.

    The setting with the lowest squared error on the first 200 pictures is taken. Choosing by the answer, and taking
    the corruption's mean away, flatters the filters: the comparison is never unfair to them.
    """
    function, settings = FILTERS[name]
    levels = np.round(noisy * 255).clip(0, 255).astype(np.uint8)
    shift = float(np.mean(noisy) - np.mean(pictures))

    def filtered(setting, rows=slice(None)):
        result = np.stack([function(level, setting) for level in levels[rows]])
        return result.reshape(levels[rows].shape) / np.float32(255)

    def choices():
        for setting in settings:
            result = filtered(setting, slice(200))
            for brightness in (0, shift):
                yield metrics.mse(pictures[:200], np.clip(result - brightness, 0, 1)).mean(), setting, brightness

    _, setting, brightness = min(choices())
    return np.clip(filtered(setting) - brightness, 0, 1), setting


def robustness(models: dict[str, Autoencoder], pictures: np.ndarray, sigmas: Sequence[float], mean: float = 0.5,
               seed: int = EVALUATION_SEED, filters: bool = True) -> dict[str, list[float]]:
    """PSNR in dB of models {name: model}, and of the filters and of doing nothing, at rising Gaussian noise.

    Returns {name: [dB at each sigma]}.
    """
    others = ("Corrupted", *FILTERS) if filters else ()
    curves: dict[str, list[float]] = {name: [] for name in (*others[:1], *models, *others[1:])}
    for sigma in sigmas:
        noisy = corrupt(pictures, "Gaussian", seed, sigma=sigma, mean=mean)
        for name, model in models.items():
            curves[name].append(_psnr(pictures, model.reconstruct(noisy)))
        for name in others:
            restored = best_filter(name, pictures, noisy)[0] if name in FILTERS else noisy
            curves[name].append(_psnr(pictures, restored))
    return curves


def taught(preset: Preset) -> str | None:
    """The name of the model like this one that learned from noise: of the same pictures, network and kind.

    None where there is none here, or this one did itself. The one whose code is the most alike in size is taken.
    """
    def likeness(other):
        same = other.arguments == preset.arguments
        return not same, abs(np.log(other.code / preset.code)), len(set(other.corruption.sigma)) == 1
    others = [other for other in presets.PRESETS.values() if other.corruption and store.present(other.name)
              and all(getattr(other, field) == getattr(preset, field) for field in
                      ("dataset", "shape", "network", "variational", "labels", "mixture"))]
    return None if preset.corruption or not others else min(others, key=likeness).name


def order(preset: Preset) -> tuple[bool, int]:
    """To sort by where one is to be chosen: what knows the most kinds of noise comes first, what knows none last."""
    return preset.corruption is None, -len(preset.corruption.kinds) if preset.corruption else 0


def compared(dataset: str) -> list[str]:
    """The names of the shipped models of a data set that its robustness figure holds: denoisers, and those not taught.
    """
    alike = {name: taught(preset) for name, preset in presets.PRESETS.items() if preset.dataset == dataset}
    return [name for name, other in alike.items() if store.present(name)
            and (presets.PRESETS[name].corruption
                 or (other and presets.PRESETS[name].arguments == presets.PRESETS[other].arguments))]


def sets_of_nine(model: Autoencoder, pictures: np.ndarray, sigma: float, mean: float = MEAN,
                 seed: int = EVALUATION_SEED) -> tuple[np.ndarray, float]:
    """The published figure and the squared error of what is in it: three sets of nine pictures under each other.

    Each set is three rows, original, corrupted and restored: uint8 (height, width, 1 or 3).
    """
    shown = pictures[:SETS * IN_A_SET]
    noisy = corrupt(shown, "Gaussian", seed, sigma=sigma, mean=mean)
    restored = model.reconstruct(noisy)
    parts = [sheets.tile(np.concatenate([each[k:k + IN_A_SET] for each in (shown, noisy, restored)]), IN_A_SET, scale=2)
             for k in range(0, len(shown), IN_A_SET)]
    return sheets.stack(*parts), float(metrics.mse(shown, restored).mean())


def evaluate(model: Autoencoder, pictures: np.ndarray) -> dict[str, Any]:
    """{"noise": {sigma: scores}} with mean 0.5, clipped, seed 7; and the preset's own noise where that differs."""
    def scores(noisy):
        def error(restored):
            return float(metrics.mse(pictures, restored).mean())
        return {"noisy_mse": error(np.clip(noisy, 0, 1)), "mse": error(model.reconstruct(noisy)),
                "median_mse": error(best_filter("Median filter", pictures, noisy)[0]),
                "nlm_mse": error(best_filter("Non-local means", pictures, noisy)[0])}

    noise = partial(corrupt, pictures, "Gaussian", EVALUATION_SEED)
    row = {"noise": {str(sigma): scores(noise(sigma=sigma, mean=0.5)) for sigma in SIGMAS}}
    trained_on = model.preset.corruption
    if trained_on and not trained_on.clip:
        row["own_noise"] = scores(noise(sigma=trained_on.sigma[1], mean=trained_on.mean[1], clip=False))
    return row


def _psnr(pictures, restored):
    return float(metrics.psnr(metrics.mse(pictures, restored)).mean())
