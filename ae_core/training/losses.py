"""The losses of the presets: each takes batches of pictures as they should be and as they are, and gives one number a
picture, (n, h, w, c) twice -> (n,). Backend-neutral Keras 3.
"""
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from ae_core import metrics
from ae_core.presets import Preset

Tensor = Any                     # of whichever backend


def of(preset: Preset) -> Callable[[Tensor, Tensor], Tensor]:
    """The preset's loss of a batch: its weight times the loss of each picture, averaged over the pictures."""
    of_picture = {"mse": squared_error, "bce": cross_entropy, "sharp": sharp, "structure": structure,
                  "ssim": dissimilarity, "chroma": color_error}[preset.loss]

    def loss(pictures, rebuilt):
        return preset.reconstruction_weight * of_picture(pictures, rebuilt)
    return loss


def squared_error(pictures: Tensor, rebuilt: Tensor) -> Tensor:
    """The mean over the pixels of each picture: (n, h, w, c) twice -> (n,)."""
    return ops.mean(ops.square(pictures - rebuilt), axis=(1, 2, 3))


def cross_entropy(pictures: Tensor, rebuilt: Tensor) -> Tensor:
    """Binary cross-entropy, the mean over the pixels of each picture: -> (n,)."""
    return ops.mean(keras.losses.binary_crossentropy(pictures, rebuilt), axis=(1, 2))


def sharp(pictures: Tensor, rebuilt: Tensor, doubt: float = 0.2) -> Tensor:
    """Cross-entropy and a fine for every undecided pixel: 4 p (1 - p) is 1 for gray and 0 for black or white.

    Without the fine a network that is not sure where a line runs spreads it; Deep Learning Cookbook, chapter 13,
    suggests to reward sharp lines.
    """
    return cross_entropy(pictures, rebuilt) + doubt * ops.mean(4 * rebuilt * (1 - rebuilt), axis=(1, 2, 3))


def structure(pictures: Tensor, rebuilt: Tensor, share: float = 0.02) -> Tensor:
    """Squared error and what is missing of structural similarity: the first alone leaves skin without texture."""
    return squared_error(pictures, rebuilt) + share * (1 - similarity(pictures, rebuilt))


def dissimilarity(pictures: Tensor, rebuilt: Tensor) -> Tensor:
    """What is missing of structural similarity, 0 for the same pictures: (n, h, w, c) twice -> (n,)."""
    return 1 - similarity(pictures, rebuilt)


def similarity(pictures: Tensor, rebuilt: Tensor, side: int = 7) -> Tensor:
    """Structural similarity of each picture, the mean over windows of `side` pixels: -> (n,). Wang et al., 2004."""
    def local(values):
        return ops.average_pool(values, side, strides=1)

    one, other = local(pictures), local(rebuilt)
    spread = local(ops.square(pictures)) - ops.square(one) + local(ops.square(rebuilt)) - ops.square(other)
    shared = local(pictures * rebuilt) - one * other
    steady, lively = 0.01**2, 0.03**2
    index = ((2 * one * other + steady) * (2 * shared + lively)
             / ((ops.square(one) + ops.square(other) + steady) * (spread + lively)))
    return ops.mean(index, axis=(1, 2, 3))


def power_error(pictures: Tensor, drawn: Tensor) -> Tensor:
    """How far the power of drawn pictures in each octave is from that of real ones, as `metrics.power` has it: -> ().

    The mean square of the logarithm of their ratio, over a batch.
    """
    height, width = pictures.shape[1:3]
    window = np.float32(np.outer(np.hanning(height), np.hanning(width)))
    bands = np.float32(metrics.octaves(height, width).reshape(4, -1))

    def logarithm(batch):
        gray = ops.mean(batch, axis=-1)
        gray = (gray - ops.mean(gray, axis=(1, 2), keepdims=True)) * window
        real, imaginary = ops.fft2((gray, ops.zeros_like(gray)))
        spectrum = ops.sum(ops.square(real) + ops.square(imaginary), axis=0)
        return ops.log(ops.matmul(bands, ops.reshape(spectrum, (-1, 1))) + 1e-6)
    return ops.mean(ops.square(logarithm(drawn) - logarithm(pictures)))


def grid_error(drawn: Tensor) -> Tensor:
    """The logarithm of `metrics.grid` of drawn pictures: -> (). What doubles the sides tends to leave such a grid."""
    gray = ops.mean(drawn, axis=-1)
    rough = ops.abs(gray[:, :-2, 1:-1] + gray[:, 2:, 1:-1] + gray[:, 1:-1, :-2] + gray[:, 1:-1, 2:]
                    - 4 * gray[:, 1:-1, 1:-1])
    phases = ops.stack([ops.mean(rough[:, top::2, left::2]) for top in (0, 1) for left in (0, 1)])
    return ops.log(ops.max(phases) + 1e-6) - ops.log(ops.min(phases) + 1e-6)


def color_error(wanted: Tensor, given: Tensor, fine: float = 0.8, share: float = 0.7, floor: float = 1e-3) -> Tensor:
    """The logarithm of the squared error of two chroma volumes (n, h, w, 2), and a fine for paleness: -> (n,).

    The logarithm is what PSNR measures, and it lets a picture that is vivid anyway be vivid in the wrong color at
    little cost. Without the fine the best answer to doubt is brown: it is paid where the answer is less than `share` as
    colorful as what is wanted, in units of 0.107, the mean colorfulness of photographs.
    """
    error = ops.mean(ops.sum(ops.square(wanted - given), axis=-1), axis=(1, 2))
    return ops.log(error + floor) + fine * ops.relu(share * colorfulness(wanted) - colorfulness(given)) / 0.107


def colorfulness(chroma: Tensor) -> Tensor:
    """Of chroma (n, h, w, 2): -> (n,). Spread counts most, for one tint over all is not colorful.

    Hasler and Suesstrunk, 2003: the deviation of both channels, and 0.3 of the distance of their mean from gray.
    """
    mean = ops.mean(chroma, axis=(1, 2), keepdims=True)
    deviation = ops.mean(ops.sum(ops.square(chroma - mean), axis=-1), axis=(1, 2))
    return ops.sqrt(deviation + 1e-6) + 0.3 * ops.sqrt(ops.sum(ops.square(mean), axis=(1, 2, 3)) + 1e-6)
