"""Digits on request: a conditional VAE is given the digit, so its two numbers are left for the handwriting style.

A style is one code, float32 (d,); pictures are float32 (n, h, w, c) in 0..1. `model` is a served model of ten labels.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ae_core import latent
from ae_core.model import Autoencoder

DIGITS = tuple("0123456789")
TILES = 48                       # a side of the plane of styles that the browser blends
REAL = 0.99                      # of the real styles lie where the pad lets a point stay
STOPS = 5                        # styles that a tour of handwriting passes


@dataclass(frozen=True)
class Blend:
    shares: np.ndarray           # (n,) of the second digit, from 0 to 1
    pictures: np.ndarray         # (n, h, w, c)


def style_atlas(model: Autoencoder, digit: int, bounds: latent.Bounds, n: int, centers: bool = False) -> np.ndarray:
    """One digit in n x n styles of a plane, in one batch: uint8 (n, n, h, w), row 0 at the top.

    centers: decode the centers of n x n cells; else the corners of the plane are decoded, too.
    """
    return latent.tiles(model.decode(latent.lattice(bounds, n, centers), digit), n)


def decode_style(model: Autoencoder, digit: int, style: Sequence[float] | np.ndarray) -> np.ndarray:
    """The picture (h, w) uint8 of a digit in one style."""
    return latent.tiles(model.decode(_repeat(style, 1), digit), 1)[0, 0]


def decode_all(model: Autoencoder, style: Sequence[float] | np.ndarray) -> np.ndarray:
    """The pictures (10, h, w) uint8 of all digits in one style."""
    return latent.tiles(model.decode(_repeat(style, len(DIGITS)), np.arange(len(DIGITS))), 1)[:, 0]


def blend(model: Autoencoder, first: int, second: int, style: np.ndarray, frames: int) -> Blend:
    """From one digit to another in one style: the label is (1 - share) of the first and share of the second."""
    one, other = np.eye(len(DIGITS), dtype=np.float32)[[first, second]]
    labels = latent.straight(one, other, frames)
    return Blend(np.linspace(0, 1, frames), model.decode(_repeat(style, frames), labels))


def style_sheet(model: Autoencoder, dimension: int, low: float, high: float, columns: int,
                style: Sequence[float] | np.ndarray = (0.0, 0.0)) -> np.ndarray:
    """Every digit (down) along one latent dimension (across): pictures (10 * columns, h, w, c), row by row.

    The other dimension stays where `style` has it.
    """
    codes = _repeat(style, len(DIGITS) * columns)
    codes[:, dimension] = np.tile(np.linspace(low, high, columns), len(DIGITS))
    return model.decode(codes, np.repeat(np.arange(len(DIGITS)), columns))


def draw_style(seed: int) -> np.ndarray:
    """A style from the prior N(0, 1), the same for the same seed."""
    return np.random.default_rng(seed).normal(size=2).astype(np.float32)


def write(model: Autoencoder, number: str, styles: np.ndarray) -> np.ndarray:
    """A number, as text of digits, once in every style (n, 2): pictures (n, h, len(number) * w, c)."""
    labels = np.array([DIGITS.index(digit) for digit in number])
    styles = np.atleast_2d(np.asarray(styles, np.float32))
    pictures = model.decode(np.repeat(styles, len(labels), axis=0), np.tile(labels, len(styles)))
    rows = pictures.reshape(len(styles), len(labels), *pictures.shape[1:])
    return np.concatenate(list(rows.swapaxes(0, 1)), axis=2)


def tour(seed: int, frames: int) -> np.ndarray:
    """Styles (n, 2), about `frames`, on a closed round from `draw_style(seed)` past others of the prior and back."""
    stops = np.stack([draw_style(seed + 10_000 * stop) for stop in range(STOPS)])
    legs = [latent.straight(start, stop, frames // STOPS + 1)[:-1]
            for start, stop in zip(stops, np.roll(stops, -1, axis=0), strict=True)]
    return np.concatenate([*legs, stops[:1]])


def at(styles: np.ndarray, share: float) -> np.ndarray:
    """The style (2,) at a share from 0 to 1 of the way along styles (n, 2)."""
    place = share * (len(styles) - 1)
    return np.array([np.interp(place, np.arange(len(styles)), column) for column in styles.T], np.float32)


def _repeat(style, count):
    return np.tile(np.asarray(style, np.float32), (count, 1))
