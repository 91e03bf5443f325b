"""What a network is shown: batches that depend on seed and epoch alone, augmented, and those to check it with."""
import math

import keras
import numpy as np

from ae_core import images

HELD_OUT = 2000                  # training pictures kept aside to choose the best epoch by; the test set stays unseen
PHOTO = (128, 128, 3)            # photographs to learn colours from are squeezed to this,
WINDOWS = (80, 96, 112, 128, 128)    # a window of one of these sides is cut from each,
SIDES = (96, 96, 128)            # and resized to one of these
GAMMA = 0.15                     # spread of the logarithm of the exponent that makes each lighter or darker


def split(preset, pictures, labels, seed):
    """The batches to train on, and those of the last pictures, kept aside to choose the best epoch by."""
    held_out = min(HELD_OUT, len(pictures) // 10 or 1)
    shown, check = ((pictures[rows], labels[rows]) for rows in (slice(None, -held_out), slice(-held_out, None)))
    if preset.network == "chroma":
        return PhotoBatches(preset, *shown, seed), PhotoBatches(preset, *check)
    return Batches(preset, *shown), Batches(preset, *check)


class Batches(keras.utils.PyDataset):
    """Batches of (pictures[, one-hot labels]) -> pictures, in the order of the rows until `shuffle` is called.

    A colorizer is given the pictures in grey.
    """

    def __init__(self, preset, pictures, labels):
        super().__init__()
        self.grey = preset.output is not None
        self.pictures, self.size = pictures, min(preset.batch_size, len(pictures))
        self.labels = np.eye(preset.labels, dtype=np.float32)[labels] if preset.labels else None
        self.order, self.augmentation, self.seed = np.arange(len(pictures)), preset.augmentation, None

    def __len__(self):
        return math.ceil(len(self.pictures) / self.size)

    def __getitem__(self, batch):
        rows = self.order[batch * self.size:(batch + 1) * self.size]
        pictures = self.pictures[rows]
        if self.augmentation and self.seed:      # never shuffled: the pictures to check with, which stay as they are
            pictures = augment(pictures, self.augmentation, np.random.default_rng((*self.seed, batch)))
        given = images.to_gray(pictures) if self.grey else pictures
        return (given if self.labels is None else (given, self.labels[rows])), pictures

    def shuffle(self, seed, epoch):
        self.seed = seed, epoch
        self.order = np.random.default_rng(self.seed).permutation(len(self.pictures))


class PhotoBatches(keras.utils.PyDataset):
    """Batches of (lightness[, one-hot classes]) -> chroma at a quarter of the size, from photographs (n, 128, 128, 3).

    With a seed, an epoch takes every photograph once, through a window, at a side and in a light drawn for it; without
    one, as they are and the same every time, to check with.
    """

    def __init__(self, preset, pictures, labels, seed=None):
        super().__init__()
        self.pictures, self.size, self.seed = pictures, min(preset.batch_size, len(pictures)), seed
        self.classes = np.eye(preset.recognized, dtype=np.float32)[labels] if preset.recognized else None
        self.shuffle(seed, 0)

    def __len__(self):
        return math.ceil(len(self.pictures) / self.size)

    def shuffle(self, seed, epoch):
        """Draw the order of an epoch and, for each batch, its side and the seed of its windows."""
        rng = np.random.default_rng((seed or 0, epoch))
        self.order = np.arange(len(self.pictures)) if self.seed is None else rng.permutation(len(self.pictures))
        self.sides = rng.choice(SIDES, len(self))
        self.sides[0] = SIDES[0]
        self.sides[1:2] = SIDES[-1]              # Keras learns from the first two batches which sizes vary
        self.seeds = rng.integers(2**32, size=len(self))

    def __getitem__(self, batch):
        rows = np.sort(self.order[batch * self.size:(batch + 1) * self.size])
        pictures, rng = self.pictures[rows], np.random.default_rng(self.seeds[batch])
        if self.seed is not None:
            pictures = windows(pictures, rng.choice(WINDOWS), self.sides[batch], rng)
        lightness, chroma = images.to_lab(pictures)
        if self.seed is not None:
            lightness = lightness ** np.exp(rng.normal(0, GAMMA, (len(rows), 1, 1, 1))).astype(np.float32)
        return (lightness if self.classes is None else (lightness, self.classes[rows])), quarter(chroma)


def windows(pictures, window, side, rng):
    """A square of `window` pixels from each of pictures (n, h, w, c), mirrored or not, resized to `side` pixels."""
    n, height, width, _ = pictures.shape
    pictures = np.where(rng.random((n, 1, 1, 1)) < 0.5, pictures, pictures[:, :, ::-1])
    corners = rng.integers((height - window + 1, width - window + 1), size=(n, 2))
    return np.stack([images.resize(picture[top:top + window, left:left + window], (side, side))
                     for picture, (top, left) in zip(pictures, corners, strict=True)])


def quarter(volume):
    """The mean of every 4x4 pixels: (n, h, w, c) -> (n, h/4, w/4, c)."""
    n, height, width, depth = volume.shape
    return volume.reshape(n, height // 4, 4, width // 4, 4, depth).mean(axis=(2, 4))


def augment(pictures, augmentation, rng):
    """Pictures (n, h, w, c), each mirrored or not and shifted by its own whole number of pixels over black."""
    n, height, width, _ = pictures.shape
    if augmentation.mirror:
        pictures = np.where(rng.random((n, 1, 1, 1)) < 0.5, pictures, pictures[:, :, ::-1])
    reach = augmentation.shift
    wide = np.pad(pictures, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(wide, (height, width), axis=(1, 2))
    down, across = rng.integers(0, 2 * reach + 1, (2, n))
    return np.moveaxis(windows[np.arange(n), down, across], 1, -1)
