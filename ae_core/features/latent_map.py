"""Look at a latent space: decode its plane, find its pictures, walk through it, and hold it against N(0, 1).

Codes are float32 (n, d), a plane's bounds are (x0, x1, y0, y1) in latent units, pictures float32 (n, h, w, c) in 0..1.
"""
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from ae_core import browser, latent, metrics, store
from ae_core.model import Autoencoder
from ae_core.pictures import convert, datasets, sheets
from ae_core.presets import Preset

EVALUATION_SEED = 7
TILES = 48                       # a side of an atlas: the blend of four is then as good as the decoder's own picture
TAKEN = 2000                     # real pictures in a file that a reader takes along
PROBABILITY_TILES = 64           # the edges of the probability view are far apart in latent units
SHEETS = {                       # name -> (tiles a side, lowest, highest value of both dimensions)
    "30 x 30, −4 … 4": (30, -4.0, 4.0),                  # Advanced Deep Learning with Keras, chapter 3
    "10 x 10, −1.5 … 1.5": (10, -1.5, 1.5),              # Deep Learning Cookbook, chapter 13
    "7 x 7, −4 … 4": (7, -4.0, 4.0),                     # TensorFlow 2.0 Computer Vision Cookbook, chapter 5
}


@dataclass(frozen=True)
class Codes:
    """The codes of the first n test pictures."""
    mean: np.ndarray             # (n, d)
    label: np.ndarray            # (n,) int64
    log_variance: np.ndarray | None    # (n, d), None of a plain autoencoder


@dataclass(frozen=True)
class Plane:
    """Codes laid out on a plane, and the way back from it."""
    points: np.ndarray           # (n, 2)
    bounds: latent.Bounds        # (x0, x1, y0, y1) that hold all but a few stray points
    names: tuple[str, str]       # of its two axes
    origin: np.ndarray | None    # (d,) the code of point (0, 0); None where there is no way back
    axes: np.ndarray | None      # (2, d)

    def lift(self, points: Sequence | np.ndarray) -> np.ndarray:
        """The codes (n, d) of points (n, 2) of the plane."""
        assert self.origin is not None and self.axes is not None, "t-SNE has no way back"
        return np.asarray(points, np.float32) @ self.axes + self.origin


@dataclass(frozen=True)
class Drawn:
    codes: np.ndarray            # (n, d)
    pictures: np.ndarray         # (n, h, w, c)
    rule: str                    # where the codes were drawn from, in words


# --- codes of the test pictures --------------------------------------------------------------------------

def stored_codes(name: str) -> Codes:
    """The codes in a preset's latents.npz; raises WeightsMissing or WeightsDamaged."""
    with np.load(store.read(name).path("latents.npz"), allow_pickle=False) as arrays:
        log_variance = arrays["log_variance"].astype(np.float32) if "log_variance" in arrays else None
        return Codes(arrays["mean"].astype(np.float32), arrays["label"].astype(np.int64), log_variance)


def bounds_of(points: np.ndarray, square: bool = False) -> latent.Bounds:
    """Bounds that hold all but a few stray points (n, 2), rounded outwards to halves; `square`: equal on all sides."""
    if square:
        reach = max(float(np.ceil(2 * np.quantile(np.abs(points), 0.998)) / 2), 0.5)   # also where all codes are 0
        return (-reach, reach, -reach, reach)
    low, high = np.quantile(points, [0.001, 0.999], axis=0)
    (x0, y0), (x1, y1) = np.floor(2 * low) / 2, np.maximum(np.ceil(2 * high), np.floor(2 * low) + 1) / 2
    return (float(x0), float(x1), float(y0), float(y1))


def nearest(codes: np.ndarray, code: np.ndarray, count: int = 1) -> np.ndarray:
    """The indices (count,) of the codes (n, d) nearest to one code (d,), the nearest first."""
    return np.argsort(np.square(codes - code).sum(axis=1), kind="stable")[:count]


# --- decode the plane ------------------------------------------------------------------------------------

def plane(preset: Preset, codes: np.ndarray) -> Plane:
    """The plane of a preset's codes (n, d): the codes where d is 2, else that of their first two principal components.

    Of a VAE it is a square around 0, as its prior is.
    """
    if preset.code == 2:
        points, names = codes, ("z₁", "z₂")
        origin, axes = np.zeros(2, np.float32), np.eye(2, dtype=np.float32)
    else:
        points, origin, axes = project_pca(codes)
        names = ("PC 1", "PC 2")
    return Plane(points, bounds_of(points, preset.variational), names, origin, axes)


def atlas(model: Autoencoder, plane: Plane, bounds: latent.Bounds, n: int, probability: bool = False,
          centers: bool = False) -> np.ndarray:
    """The decoded plane in one batch: uint8 (n, n, h, w[, 3]), row 0 at the top.

    probability: the bounds are probabilities within 0..1, and each axis goes through the normal quantile function, so
    that every equal area holds an equal share of the prior.
    centers: decode the centers of n x n cells; else the corners of the plane are decoded, too.
    """
    points = latent.lattice(bounds, n, centers)
    return latent.tiles(model.decode(plane.lift(ndtri(points) if probability else points)), n)


def sheet(model: Autoencoder, plane: Plane, n: int, low: float, high: float) -> np.ndarray:
    """The n x n pictures (n*n, h, w, c) of a square of the plane, row by row from the upper left."""
    return model.decode(plane.lift(latent.lattice((low, high, low, high), n)))


def decode_point(model: Autoencoder, plane: Plane, point: Sequence[float]) -> np.ndarray:
    """The picture (h, w[, 3]) uint8 of one point of the plane."""
    return latent.tiles(model.decode(plane.lift([point])), 1)[0, 0]


def pictures_of(model: Autoencoder, codes: Codes) -> np.ndarray:
    """The pictures behind a model's stored codes; where they are not here, the model's own of the first TAKEN."""
    with contextlib.suppress(datasets.DataMissing):
        return datasets.load(model.preset.dataset, "test", model.preset.shape)[0][:len(codes.mean)]
    return model.decode(codes.mean[:TAKEN], codes.label[:TAKEN] if model.preset.labels else None)


def take_along(model: Autoencoder, codes: Codes, pictures: np.ndarray, label: int | None = None) -> browser.Contents:
    """The plane of a model for `browser.page`, with the pictures (n, h, w, c) behind the first of its codes.

    label: of a conditional model, the class that it decodes; only its pictures are shown.
    """
    where, count = plane(model.preset, codes.mean), min(len(pictures), TAKEN)
    rows = np.arange(count) if label is None else np.flatnonzero(codes.label[:count] == label)
    x0, x1, y0, y1 = where.bounds
    share = (where.points - [x0, y0]) / [x1 - x0, y1 - y0]
    inside = ((share >= 0) & (share <= 1)).all(axis=1) & (True if label is None else codes.label == label)
    tiles = latent.tiles(pictures[rows], 1)[:, 0]
    classes = model.preset.labels
    given = None if label is None else (np.eye(classes)[label], np.zeros((2, classes)))
    parts = {"dots": browser.numbers(np.round(share[inside] * 65535), "<u2"),
             "dotClasses": browser.numbers(codes.label[inside], "u1"), "nearPictures": browser.strip(tiles),
             "nearPoints": browser.numbers(where.points[rows]),
             "nearClasses": browser.numbers(codes.label[rows], "u1")}
    height, width, channels = model.preset.target
    data = browser.placed(where.points[rows[0]].tolist()) | {
        "key": "pad", "parts": "pad", "tile": [height, width, channels], "scale": max(1, 420 // max(height, width)),
        "bounds": list(where.bounds), "warp": False, "backdrop": "points",
        "classes": list(datasets.about(model.preset.dataset).classes),
        "palette": list(sheets.PALETTE), "axes": list(where.names), "label": f"Latent plane of {model.preset.title}",
        "alt": "The picture decoded at the point on the plane", "size": 560, "hasDots": True, "hasNearest": True,
        "exact": None, "decoder": browser.decoder((where.origin, where.axes), given)}
    return [("parts", {"id": "pad", "parts": parts}), ("pad", data)]


# --- new pictures, and paths -----------------------------------------------------------------------------

def draw(model: Autoencoder, codes: np.ndarray, count: int, seed: int = 0) -> Drawn:
    """New pictures: of a VAE from its prior N(0, 1), of an autoencoder evenly from the box around its codes (n, d)."""
    rng, size = np.random.default_rng(seed), (count, model.preset.code)
    if model.preset.variational:
        drawn, rule = rng.normal(size=size), "the prior N(0, 1)"
    else:
        drawn, rule = rng.uniform(codes.min(axis=0), codes.max(axis=0), size), "the box around all codes"
    drawn = drawn.astype(np.float32)
    return Drawn(drawn, model.decode(drawn), rule)


def posterior_of(model: Autoencoder, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the encoder says of one picture (h, w, c): mean (d,) and deviation (d,), which is 0 of a plain autoencoder.
    """
    if not model.preset.variational:
        code = model.encode(picture[None])[0]
        return code, np.zeros_like(code)
    mean, log_variance = model.posterior(picture[None])
    return mean[0], np.exp(latent.bounded(log_variance[0]) / 2)


def holes(codes: np.ndarray, drawn: np.ndarray, share: float = 0.99) -> np.ndarray:
    """Which of drawn codes (n, d) lie farther from every real code (m, d) than nearly all real ones from each other."""
    from scipy.spatial import KDTree

    tree = KDTree(codes)
    usual = np.quantile(tree.query(codes[:2000], 2)[0][:, 1], share)
    return tree.query(drawn)[0] > usual


def path(model: Autoencoder, start: np.ndarray, stop: np.ndarray, frames: int, along_sphere: bool = False,
         beyond: float = 0.0) -> np.ndarray:
    """Pictures (frames, h, w, c) on the way from one code (d,) to another, straight or along a sphere.

    beyond: how far it goes on past both ends, as a share of the way between them.
    """
    walk = latent.spherical if along_sphere else latent.straight
    return model.decode(walk(start, stop, frames, beyond))


# --- many dimensions -------------------------------------------------------------------------------------

def project_pca(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes (n, d) on their first two principal components: points (n, 2), their mean (d,) and the axes (2, d)."""
    from sklearn.decomposition import PCA  # a page without it opens a second sooner

    pca = PCA(2).fit(codes)
    axes, origin = pca.components_.astype(np.float32), pca.mean_.astype(np.float32)
    return (codes - origin) @ axes.T, origin, axes


def project_tsne(codes: np.ndarray, seed: int = 0, report: Callable[[float], None] | None = None) -> Plane:
    """Codes (n, d) laid out by t-SNE (van der Maaten and Hinton, 2008); there is no way back.

    report(share): called with the share of the work done, now and then; it may raise to stop.
    """
    from openTSNE import TSNE

    rounds, every, done = (250, 500), 25, 0

    def step(iteration, error, embedding):
        nonlocal done
        done += every
        if report:
            report(min(done / sum(rounds), 1.0))

    tsne = TSNE(perplexity=min(30, (len(codes) - 1) / 3), early_exaggeration_iter=rounds[0], n_iter=rounds[1],
                random_state=seed, n_jobs=1, callbacks=step, callbacks_every_iters=every)
    points = np.asarray(tsne.fit(np.asarray(codes, float)), np.float32)
    return Plane(points, bounds_of(points), ("t-SNE 1", "t-SNE 2"), None, None)


# --- scores ----------------------------------------------------------------------------------------------

def evaluate(model: Autoencoder, pictures: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """The scores of a variational model, as `python -m ae_core evaluate` prints them.

    latent_mean and latent_std of the posterior means, a number a dimension; of a model trained with cross-entropy also
    reconstruction_nats, kl_nats and their sum elbo_nats (the loss, so lower is better), each summed over the pixels or
    dimensions and averaged over the pictures, with one seeded sample of the posterior. A denoiser is fed its own noise.
    """
    given = labels if model.preset.labels else None
    rng = np.random.default_rng(EVALUATION_SEED)
    mean, log_variance = model.posterior(_corrupted(model.preset.corruption, pictures, rng), given)
    row = {"latent_mean": mean.mean(axis=0).tolist(), "latent_std": mean.std(axis=0).tolist()}
    if model.preset.loss == "bce":
        sample = latent.sample_posterior(mean, log_variance, rng)
        reconstruction = float(metrics.cross_entropy(pictures, model.decode(sample, given)).mean())
        kl = float(latent.kl_divergence(mean, log_variance).mean())
        row |= {"reconstruction_nats": reconstruction, "kl_nats": kl, "elbo_nats": reconstruction + kl}
    return row


def _corrupted(corruption, pictures, rng):
    """Pictures with a preset's own noise; each draws its own mean and standard deviation, as in training."""
    if corruption is None:
        return pictures
    each = (len(pictures), 1, 1, 1)
    return convert.add_gaussian(pictures, rng, rng.uniform(*corruption.sigma, each),
                               rng.uniform(*corruption.mean, each), corruption.clip)
