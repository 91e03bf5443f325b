"""Squeeze pictures into a code and rebuild them: what is kept, what is lost, and how PCA compares."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ae_core import browser, metrics, presets, store
from ae_core.model import Autoencoder
from ae_core.presets import Preset

PCA_EDGES = (1e-7, 1e-3, 3e-3, 0.01, 0.03)   # PCA leaves 0..1; it is clipped where that suits it best
DENSE_SIZES = ("fashion_dense_8", "fashion_dense_16", "fashion_dense_32", "fashion_dense_64", "fashion_dense")


PRINTED = {"digits_sigmoid": 0.078550, "digits_stacked": 0.0046, "digits_single": None}    # losses of one chapter


@dataclass(frozen=True)
class Reconstructed:
    originals: np.ndarray        # (n, h, w, c)
    rebuilt: np.ndarray          # (n, h, w, c)
    codes: np.ndarray            # (n, d)
    mse: np.ndarray              # (n,)


@dataclass(frozen=True)
class Film:
    """The same pictures through codes of rising size, and at last the pictures themselves."""
    sizes: list[int]             # numbers in each code; of the last, in a picture
    rebuilt: np.ndarray          # (sizes, n, h, w, c)
    errors: np.ndarray           # (sizes,) mean squared errors
    linear: np.ndarray           # the same of PCA with as many numbers; not a number where it has fewer
    linear_errors: np.ndarray


def run(model: Autoencoder, pictures: np.ndarray, labels: np.ndarray | None = None) -> Reconstructed:
    """Encode and decode pictures (n, h, w, c) in one batch."""
    codes = model.encode(pictures, labels)
    rebuilt = model.decode(codes, labels)
    return Reconstructed(pictures, rebuilt, codes, metrics.mse(pictures, rebuilt))


def run_pca(pca: Autoencoder, pictures: np.ndarray, components: int) -> Reconstructed:
    """The same with the first `components` principal components, from the linear preset that holds them all."""
    codes = pca.encode(pictures)
    codes[:, components:] = 0
    rebuilt = pca.decode(codes)
    return Reconstructed(pictures, rebuilt, codes[:, :components], metrics.mse(pictures, rebuilt))


def film(models: Sequence[Autoencoder], pca: Autoencoder | None, pictures: np.ndarray,
         labels: np.ndarray | None = None) -> Film:
    """Pictures (n, h, w, c) through models of rising code size, and through PCA with as many numbers."""
    def of_pca(size):
        fits = pca and size <= pca.preset.code
        return run_pca(pca, pictures, size).rebuilt if fits else np.full_like(pictures, np.nan)
    copies = np.stack([*(run(model, pictures, labels).rebuilt for model in models), pictures])
    linear = np.stack([*(of_pca(model.preset.code) for model in models), pictures])
    errors, linear_errors = (np.square(each - pictures).mean(axis=(1, 2, 3, 4), dtype=np.float64)
                             for each in (copies, linear))
    return Film([*(model.preset.code for model in models), int(np.prod(pictures.shape[1:]))], copies, errors, linear,
                linear_errors)


def baseline(preset: Preset) -> str | None:
    """The name of the linear preset of the same data and picture size that a model is held against; None without."""
    return next((other.name for other in presets.PRESETS.values() if other.family.baseline and store.present(other.name)
                 and (other.dataset, other.shape) == (preset.dataset, preset.shape)), None)


def compared_with(pca: Preset) -> list[int]:
    """The code sizes, in rising order, of all presets that a linear one is held against."""
    return sorted({preset.code for preset in presets.PRESETS.values()
                   if (preset.dataset, preset.shape) == (pca.dataset, pca.shape) and preset.code <= pca.code})


def choose(labels: np.ndarray, errors: np.ndarray, count: int, order: str = "random", class_index: int | None = None,
           seed: int = 0) -> np.ndarray:
    """Indices (count,) of test pictures: at random by seed, or the best or worst rebuilt, of one class or of all."""
    allowed = np.arange(len(labels)) if class_index is None else np.flatnonzero(labels == class_index)
    if order == "random":
        return np.random.default_rng(seed).permutation(allowed)[:count]
    ranked = allowed[np.argsort(errors[allowed], kind="stable")]
    return ranked[:count] if order == "best" else ranked[::-1][:count]


def code_rows(codes: np.ndarray, names: Sequence[str]) -> list[dict[str, Any]]:
    """Codes (n, d) with the class of each, as a table."""
    return [{"picture": k + 1, "class": name} | {f"z{j + 1}": round(float(value), 4) for j, value in enumerate(code)}
            for k, (name, code) in enumerate(zip(names, codes, strict=True))]


def active_units(codes: np.ndarray, threshold: float = 1e-3) -> np.ndarray:
    """How many code units fire for each picture: (n, d) -> (n,)."""
    return (np.abs(codes) > threshold).sum(axis=1)


def atoms(model: Autoencoder, code: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` strongest units of a code (d,), and the picture (count, h, w, c) that each draws on its own.

    A unit's picture is what it alone adds to the decoder's answer to nothing, its brightest pixel scaled to white.
    """
    strongest = np.argsort(-np.abs(code), kind="stable")[:count]
    alone = np.zeros((count, len(code)), np.float32)
    alone[np.arange(count), strongest] = code[strongest]
    pictures = np.maximum(model.decode(alone) - model.decode(np.zeros_like(alone)), 0)
    peaks = pictures.max(axis=(1, 2, 3), keepdims=True)
    return strongest, pictures / np.maximum(peaks, 1e-6)


def compression_ratio(preset: Preset) -> float:
    """Numbers in a picture for one number in its code."""
    return np.prod(preset.shape) / preset.code


def evaluate(model: Autoencoder, pca: Autoencoder | None, pictures: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The scores of a model on test pictures, as `python -m ae_core evaluate` prints them.

    pca_mse is the error of PCA with as many numbers; of a sparse code those that fire on average count. Of drawings
    also the cross-entropy a pixel, how gray their lines are, and what a shifted and a blurred line would cost.
    """
    result = run(model, pictures, labels if model.preset.labels else None)
    size = model.preset.code
    row = {"n": len(pictures), "mse": float(result.mse.mean()), "psnr": float(metrics.psnr(result.mse).mean()),
           "ssim": float(metrics.ssim(pictures, result.rebuilt).mean())}
    if model.preset.sparsity:
        row["active_units"] = float(active_units(result.codes).mean())
        size = round(row["active_units"])
    linear = run_pca(pca, pictures, size) if pca and size <= pca.preset.code else None
    if linear:
        row["pca_mse"] = float(linear.mse.mean())
    if model.preset.family.drawings:
        row |= {"bce": pixel_bce(pictures, result.rebuilt), "undecided": undecided(result.rebuilt),
                "undecided_originals": undecided(pictures), **line_costs(pictures)}
        if linear:
            row["pca_bce"] = min(pixel_bce(pictures, np.clip(linear.rebuilt, edge, 1 - edge)) for edge in PCA_EDGES)
    return row


def pixel_bce(pictures: np.ndarray, rebuilt: np.ndarray) -> float:
    """Binary cross-entropy in nats, the mean over pixels and pictures."""
    return float(metrics.cross_entropy(pictures, rebuilt).mean() / np.prod(pictures.shape[1:]))


def undecided(pictures: np.ndarray) -> float:
    """How gray pictures are: the mean of 4 p (1 - p), 0 for black and white alone, 1 for gray alone."""
    return float(np.mean(4 * pictures * (1 - pictures)))


def wrong_answers(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two wrong answers to drawings (n, h, w, 1): the same, sharp, one pixel to the right; and smeared."""
    blurred = np.stack([cv2.GaussianBlur(picture, (0, 0), 1.0)[..., None] for picture in pictures])
    return np.roll(pictures, 1, axis=2), blurred


def line_costs(pictures: np.ndarray) -> dict[str, float]:
    """Why lines blur: a network that is a pixel unsure pays less cross-entropy for smearing than for a sharp guess."""
    shifted, blurred = wrong_answers(pictures)
    return {"shifted_bce": pixel_bce(pictures, shifted), "blurred_bce": pixel_bce(pictures, blurred)}


def take_along(model: Autoencoder, label: int | None = None) -> browser.Contents:
    """A sketchpad whose drawing goes through a model, for `browser.page`; label: of a conditional one, the class."""
    preset = model.preset
    through = {"model": browser.RUNS, "shape": preset.shape, "room": browser.room(preset.dataset, preset.shape),
               "names": ["As the model sees it", f"From {preset.code:,} numbers"], "noise": None,
               "label": None if label is None else np.eye(preset.labels)[label].tolist()}
    return [("sketchpad", browser.placed(None) | {
        "key": "sketch", "label": "Draw here with a mouse, a finger, or the keyboard", "size": 28, "side": 112,
        "alt": "Your drawing, white on black", "display": 280, "brush": 2.4, "through": through})]
