"""Faces: meet new ones, change what they look like along attribute directions, and morph one into another.

A face is its code, float32 (d,); pictures are float32 (n, h, w, c) in 0..1. `model` is a served variational model, and
alpha counts steps along a direction of `attributes.Attributes`: 0 changes nothing, 1 goes as far as the mean faces with
and without the attribute are apart.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ae_core import attributes, browser, latent, metrics
from ae_core.model import Autoencoder
from ae_core.pictures import convert

PRESET = "faces_vae"
SHARP = "faces_vae_sharp"        # the same codes, with a decoder trained on against an adversary
USUAL = ("Smiling", "Black_Hair", "Eyeglasses", "Young", "Male", "Blond_Hair")
REACH = 3.0                      # alpha of a strip goes from -3 to 3, as the published sheets do
FRAMES = 13                      # of a strip
LEG = 24                         # frames from one face to the next
SEED = 7                         # of the samples that an evaluation draws


@dataclass(frozen=True)
class Met:
    """Faces of nobody."""
    codes: np.ndarray            # (n, d)
    pictures: np.ndarray         # (n, h, w, c)


@dataclass(frozen=True)
class Normality:
    """How normal the latents of real faces are."""
    spread: latent.Distribution  # of posterior samples
    distance: np.ndarray         # (d,) Kolmogorov-Smirnov distance of each dimension from N(0, 1)

    @property
    def worst(self) -> int:
        return int(np.argmax(self.distance))


# --- meet, change, morph ---------------------------------------------------------------------------------

def meet(model: Autoencoder, count: int, temperature: float = 1.0, seed: int = 0,
         where: latent.Gaussian | None = None) -> Met:
    """New faces from a latent.Gaussian, else from the prior; a temperature below 1 makes them more regular."""
    codes = (where or latent.prior(model.preset.code)).sample(count, temperature, seed)
    return Met(codes, model.decode(codes))


def change(code: np.ndarray, directions: np.ndarray, alphas: Sequence[float] | np.ndarray) -> np.ndarray:
    """The code (d,) moved by alphas (k,) along directions (k, d), all at once."""
    return (code + np.asarray(alphas, np.float32) @ directions).astype(np.float32)


def parse_changes(text: str, names: Sequence[str]) -> dict[str, float]:
    """{attribute: alpha} of "Smiling:1.50,Young:-1.00"; ValueError where an attribute or its alpha is none."""
    changes = {name: float(alpha) for name, alpha in (part.split(":") for part in text.split(",") if part)}
    if not all(name in names and abs(alpha) <= REACH for name, alpha in changes.items()):
        raise ValueError(f"{text!r} holds an unknown attribute, or an alpha beyond {REACH:g}.")
    return changes


def format_changes(changes: Mapping[str, float]) -> str:
    """The text that `parse_changes` reads."""
    return ",".join(f"{name}:{alpha:.2f}" for name, alpha in changes.items() if alpha)


def steps(count: int = FRAMES) -> np.ndarray:
    """The alphas (count,) of a strip's frames."""
    return np.linspace(-REACH, REACH, count, dtype=np.float32)


def strips(model: Autoencoder, code: np.ndarray, directions: np.ndarray, alphas: Sequence[float] | np.ndarray,
           frames: int = FRAMES) -> np.ndarray:
    """One strip a direction: the face with all the other changes, from alpha -3 to 3; (k, frames, h, w, c), one batch.

    code (d,) is the face with no change; alphas (k,) are the changes it holds.
    """
    alphas = np.asarray(alphas, np.float32)
    others = change(code, directions, alphas) - alphas[:, None] * directions       # (k, d): each without its own
    codes = others[:, None] + steps(frames)[None, :, None] * directions[:, None]
    return model.decode(codes.reshape(-1, len(code))).reshape(len(alphas), frames, *model.preset.target)


def sheet(model: Autoencoder, codes: np.ndarray, direction: np.ndarray, columns: int = 7) -> np.ndarray:
    """The published sheet: a face a row (n, d), alpha -3..3 along one direction (d,) across: (n * columns, h, w, c)."""
    moved = codes[:, None] + steps(columns)[None, :, None] * direction
    return model.decode(moved.reshape(-1, codes.shape[1]))


def morph(model: Autoencoder, codes: np.ndarray, leg: int = LEG, along_sphere: bool = True) -> np.ndarray:
    """Pictures on the way through faces (n, d), n >= 2, `leg` a pair; more than two make a loop back to the first.

    In 200 dimensions the prior lies near a sphere, so the way keeps its distance from 0; or straight, as published.
    """
    walk = latent.spherical if along_sphere else latent.straight
    stops = list(codes) + [codes[0]] * (len(codes) > 2)
    legs = [walk(start, stop, leg + 1)[:-1] for start, stop in zip(stops, stops[1:], strict=False)]
    return model.decode(np.concatenate([*legs, stops[-1:]]))


# --- look inside -----------------------------------------------------------------------------------------

def normality(mean: np.ndarray, log_variance: np.ndarray) -> Normality:
    """Each dimension of one sample of each posterior, (n, d) twice, held against N(0, 1)."""
    from scipy.stats import kstest  # half a second that the other sections do without

    samples = latent.sample_posterior(mean, log_variance, SEED)
    return Normality(latent.distribution(samples, 41), np.array([kstest(column, "norm").statistic
                                                                 for column in samples.T]))


def entanglement(directions: np.ndarray) -> np.ndarray:
    """The cosine (k, k) between every two directions (k, d): 1 the same way, 0 nothing to do with each other."""
    unit = directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-9)
    return unit @ unit.T


def most_entangled(cosine: np.ndarray, names: Sequence[str], name: str, count: int = 3) -> list[tuple[str, float]]:
    """The (name, cosine) of the attributes that move most when one is moved, in either way."""
    row = cosine[names.index(name)]
    order = [k for k in np.argsort(-np.abs(row), kind="stable") if names[k] != name]
    return [(names[k], float(row[k])) for k in order[:count]]


def evaluate(model: Autoencoder, pictures: np.ndarray, has: np.ndarray) -> dict[str, Any]:
    """The scores of the face model and of its attribute directions, as `python -m ae_core evaluate` prints them.

    pictures (n, h, w, c) and has (n, k): held-out faces and their attributes.
    """
    stored = attributes.load(model.preset.name)
    mean, log_variance = model.posterior(pictures)
    normal = normality(mean, log_variance)
    areas = attributes.auc(stored.directions, mean, has)
    rebuilt = model.decode(mean)
    return {"mse": float(metrics.mse(pictures, rebuilt).mean()), "ssim": float(metrics.ssim(pictures, rebuilt).mean()),
            "band_power": (metrics.power(rebuilt) / metrics.power(pictures)).tolist(), "grid": metrics.grid(rebuilt),
            "sharpness_ratio": float(metrics.sharpness(rebuilt).mean() / metrics.sharpness(pictures).mean()),
            "latent_std_median": float(np.median(normal.spread.std)), "ks_worst": float(normal.distance.max()),
            "ks_worst_dimension": normal.worst + 1, "kl_nats": float(latent.kl_divergence(mean, log_variance).mean()),
            "attribute_auc": {name: float(area) for name, area in zip(stored.names, areas, strict=True)
                              if np.isfinite(area)}}


def take_along(model: Autoencoder, code: np.ndarray, directions: np.ndarray, names: Sequence[str],
               alphas: Sequence[float]) -> browser.Contents:
    """A face (d,) with a strip for each of some directions (k, d), for `browser.page`, opened at some changes."""
    frames = latent.tiles(strips(model, code, directions, alphas, 9).reshape(-1, *model.preset.target), 9)
    height, width, channels = model.preset.target
    now = convert.to_uint8(model.decode(change(code, directions, alphas))[0])
    data = browser.placed(list(alphas)) | {
        "key": "mixer", "parts": "mixer", "tile": [height, width, channels], "scale": 7, "start": -REACH, "stop": REACH,
        "labels": [name.replace("_", " ") for name in names], "alt": "A face, with the changes of the strips",
        "caption": "Drag the strips; double-click one to undo its change.", "smooth": True,
        "exact": browser.numbers(now, "u1"), "decoder": browser.decoder((code, directions))}
    return [("parts", {"id": "mixer", "parts": {"frames": browser.sheet(frames)}}), ("mixer", data)]
