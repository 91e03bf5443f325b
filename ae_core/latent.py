"""Where in the latent space to decode: lattices over a plane, paths between two codes, and how codes are spread.

A plane's bounds are (x0, x1, y0, y1). Lattices run row by row from the upper left corner, as a picture does: x grows
to the right, y grows upwards, so row 0 has the largest y.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ae_core.pictures import convert

LOG_VARIANCE = (-12.0, 6.0)      # of a posterior: exp() can neither overflow nor leave a gradient of zero variance
Bounds = tuple[float, float, float, float]    # of a plane
ACTIVE = 0.01                    # a dimension is in use if its mean varies more than this (Burda et al., 2016)


@dataclass(frozen=True)
class Distribution:
    """How the codes of each dimension are spread, in bins of equal width."""
    edges: np.ndarray            # (bins + 1,)
    density: np.ndarray          # (d, bins)
    normal: np.ndarray           # (bins,) the density of N(0, 1)
    mean: np.ndarray             # (d,)
    std: np.ndarray              # (d,)

    @cached_property
    def active(self) -> np.ndarray:
        """The dimensions in use, the widest first."""
        order = np.argsort(-self.std, kind="stable")
        return order[self.std[order] ** 2 > ACTIVE]


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution of codes: mean + root @ N(0, 1)."""
    mean: np.ndarray             # (d,)
    root: np.ndarray             # (d, d), lower triangular: root @ root.T is the covariance

    def sample(self, count: int, temperature: float = 1.0, seed: int = 0) -> np.ndarray:
        """Codes (count, d); a temperature below 1 keeps them nearer to the mean."""
        noise = np.random.default_rng(seed).standard_normal((count, len(self.mean)), np.float32)
        return self.mean + temperature * noise @ self.root.T


@dataclass(frozen=True)
class Oval:
    """An ellipse on the plane."""
    center: np.ndarray           # (2,)
    inverse: np.ndarray          # (2, 2): its points p have |inverse @ (p - center)| = 1

    def hold(self, point: Sequence[float]) -> tuple[float, float]:
        """A point (2,), or where the line from there to the center meets the border."""
        away = np.asarray(point, float) - self.center
        x, y = self.center + away / max(1.0, float(np.linalg.norm(self.inverse @ away)))
        return float(x), float(y)


def oval(points: np.ndarray, share: float) -> Oval:
    """The ellipse of the shape of points (n, 2), a normal distribution's, that holds a share of them."""
    center = points.mean(axis=0, dtype=float)
    inverse = np.linalg.inv(np.linalg.cholesky(np.cov(points.T.astype(float))))
    reach = np.quantile(np.linalg.norm((points - center) @ inverse.T, axis=1), share)
    return Oval(center, inverse / reach)


def prior(d: int) -> Gaussian:
    """N(0, 1) in d dimensions, which a variational autoencoder is trained toward."""
    return Gaussian(np.zeros(d, np.float32), np.eye(d, dtype=np.float32))


def bounded(log_variance: np.ndarray) -> np.ndarray:
    """Log-variances as the networks were trained with them, within LOG_VARIANCE."""
    return np.clip(log_variance, *LOG_VARIANCE)


def sample_posterior(mean: np.ndarray, log_variance: np.ndarray, seed: int | np.random.Generator = 0) -> np.ndarray:
    """One sample of each posterior N(mean, exp(log_variance)), (n, d) each -> (n, d)."""
    epsilon = np.random.default_rng(seed).standard_normal(mean.shape, np.float32)
    return mean + np.exp(bounded(log_variance) / 2) * epsilon


def kl_divergence(mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """KL of N(mean, variance) from N(0, 1) in nats, each (n, d) -> (n,). Kingma and Welling, 2014, appendix B."""
    log_variance = bounded(log_variance)
    return 0.5 * (np.exp(log_variance) + np.square(mean) - 1 - log_variance).sum(axis=1, dtype=np.float64)


def posterior_of_all(mean: np.ndarray, log_variance: np.ndarray) -> Gaussian:
    """The normal distribution nearest to all posteriors N(mean, exp(log_variance)) of pictures together, (n, d) each.

    Real codes fill only a part of N(0, 1), and in directions that lean against each other; what is drawn where they
    lie decodes better (ex-post density estimation, Ghosh et al., 2020). The covariance of the means is shrunk toward
    a ball (Ledoit and Wolf, 2004), as there are hardly more codes than dimensions.
    """
    from sklearn.covariance import LedoitWolf

    means = LedoitWolf().fit(mean)
    spread = np.exp(bounded(log_variance)).mean(axis=0)
    root = np.linalg.cholesky(means.covariance_ + np.diag(spread))
    return Gaussian(means.location_.astype(np.float32), root.astype(np.float32))


def sway(decode: Callable[[np.ndarray], np.ndarray], codes: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """How much each number of a code changes the picture when it moves by its deviation (d,), either way: (d,).

    The mean difference of gray levels in 0..1, over the codes (n, d) that are moved.
    """
    effects = []
    for code in codes:
        moved = code + np.concatenate([np.diag(deviation), -np.diag(deviation)]).astype(np.float32)
        pictures = decode(np.concatenate([code[None], moved]))
        effects.append(np.abs(pictures[1:] - pictures[0]).mean(axis=(1, 2, 3)).reshape(2, -1).mean(axis=0))
    return np.mean(effects, axis=0)


def lattice(bounds: Sequence[float], n: int, centers: bool = False) -> np.ndarray:
    """The codes (n*n, 2) of an n x n lattice: its corners are the bounds, or the centers of n x n equal cells."""
    x0, x1, y0, y1 = bounds
    share = (np.arange(n) + 0.5) / n if centers else np.linspace(0, 1, n)
    across, up = np.meshgrid(x0 + share * (x1 - x0), y1 - share * (y1 - y0))
    return np.stack([across.ravel(), up.ravel()], axis=1).astype(np.float32)


def straight(start: np.ndarray, stop: np.ndarray, n: int, beyond: float = 0.0) -> np.ndarray:
    """n codes (n, d) at equal steps on the line between two codes (d,), from `beyond` of the way before to after."""
    share = np.linspace(-beyond, 1 + beyond, n, dtype=np.float32)[:, None]
    return (1 - share) * start + share * stop


def spherical(start: np.ndarray, stop: np.ndarray, n: int, beyond: float = 0.0) -> np.ndarray:
    """n codes (n, d) at equal angles around the origin, their length changing evenly; `beyond` as in `straight`.

    In many dimensions N(0, 1) lies near a sphere, and a straight line would cut through its empty inside (White, 2016).
    Where no one arc is the shortest, the way is straight.
    """
    lengths = np.linalg.norm([start, stop], axis=1)
    if lengths.min() < 1e-6:
        return straight(start, stop, n, beyond)
    one, other = start / lengths[0], stop / lengths[1]
    angle = np.arccos(np.clip(one @ other, -1, 1))
    if np.sin(angle) < 1e-4:                     # the same or the opposite direction: no one arc between them
        return straight(start, stop, n, beyond)
    share = np.linspace(-beyond, 1 + beyond, n)[:, None]
    direction = (np.sin((1 - share) * angle) * one + np.sin(share * angle) * other) / np.sin(angle)
    return (direction * np.maximum((1 - share) * lengths[0] + share * lengths[1], 0)).astype(np.float32)


def tiles(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Decoded pictures (n, h, w, c) as a uint8 grid (rows, columns, h, w[, 3]); gray ones lose their last axis."""
    grid = convert.to_uint8(pictures).reshape(-1, columns, *pictures.shape[1:])
    return grid[..., 0] if grid.shape[-1] == 1 else grid


def there_and_back(frames: np.ndarray) -> np.ndarray:
    """Frames (n, ...) of a way, then those of the way back (2n - 2, ...), for an animation without a jump."""
    return np.concatenate([frames, frames[-2:0:-1]])


def distribution(codes: np.ndarray, bins: int = 61) -> Distribution:
    """The spread of every dimension of codes (n, d), between -4 and 4 or as far as the codes reach."""
    reach = max(4.0, float(np.abs(codes).max()))
    edges = np.linspace(-reach, reach, bins + 1)
    density = np.stack([np.histogram(column, edges, density=True)[0] for column in codes.T])
    middles = (edges[1:] + edges[:-1]) / 2
    normal = np.exp(-middles**2 / 2) / np.sqrt(2 * np.pi)
    return Distribution(edges, density, normal, codes.mean(axis=0), codes.std(axis=0))
