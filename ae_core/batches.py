"""What a network is shown: batches that depend on seed and epoch alone, augmented, and those to check it with."""
import math
from dataclasses import dataclass

import keras
import numpy as np

from ae_core import data, images

HELD_OUT = 2000                  # training pictures kept aside to choose the best epoch by; the test set stays unseen
PHOTO = (128, 128, 3)            # photographs to learn colours from are squeezed to this
SIDES = (96, 128, 128)           # and cropped to one of these
SMALL_PICTURES = 8_000           # of each further data set an epoch


def split(preset, pictures, labels, epochs, seed):
    """The batches to train on, and those of the last pictures, kept aside to choose the best epoch by."""
    held_out = min(HELD_OUT, len(pictures) // 10 or 1)
    if preset.network != "chroma":
        return (Batches(preset, pictures[:-held_out], labels[:-held_out]),
                Batches(preset, pictures[-held_out:], labels[-held_out:]))
    small = [data.load(name, "train", (32, 32, 3))[0] for name in preset.also if data.find(name)]
    sources = [Source(pictures[:-held_out], len(pictures), preset.batch_size, SIDES),
               *(Source(each, SMALL_PICTURES, 2 * preset.batch_size, (64,)) for each in small)]
    return (PhotoBatches(sources, epochs, seed),
            PhotoBatches([Source(pictures[-held_out:], held_out, preset.batch_size, PHOTO[:1])], epochs))


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
    """Batches of lightness -> chroma at a quarter of the size, from photographs and from smaller pictures.

    sources: `Source`s. An epoch takes every photograph once, at a side drawn for each batch, and as many of the small
    pictures as there is time for, but sees photographs alone once three tenths of the epochs are over.
    """

    def __init__(self, sources, epochs, seed=None):
        super().__init__()
        self.sources, self.epochs, self.seed = sources, epochs, seed
        self.shuffle(seed, 0)

    def __len__(self):
        return len(self.plan)

    def shuffle(self, seed, epoch):
        """Plan an epoch: which rows of which source at which side make up each batch."""
        rng = np.random.default_rng((seed or 0, epoch))
        self.plan = []
        for source in self.sources[:1] if epoch >= 0.3 * self.epochs else self.sources:
            rows = rng.permutation(len(source.pictures))[:source.count]
            self.plan += [(source, rows[start:start + source.batch], int(rng.choice(source.sides)), rng.integers(2**32))
                          for start in range(0, len(rows), source.batch)]
        self.plan = [self.plan[k] for k in rng.permutation(len(self.plan))]
        other = next((k for k, batch in enumerate(self.plan) if batch[2] != self.plan[0][2]), 0)
        if other:                                # Keras learns from the first two batches which sizes vary
            self.plan[1], self.plan[other] = self.plan[other], self.plan[1]

    def __getitem__(self, batch):
        source, rows, side, seed = self.plan[batch]
        pictures = source.pictures[np.sort(rows)]
        if self.seed is not None:                # else the pictures to check with, whole and the same every time
            pictures = crop(pictures, side, np.random.default_rng(seed))
        lightness, chroma = images.to_lab(pictures)
        return lightness, quarter(chroma)


@dataclass(frozen=True)
class Source:
    """Pictures of a colorizer's training set, and how an epoch takes them."""
    pictures: np.ndarray         # or data.Files; (n, h, w, 3)
    count: int                   # pictures an epoch
    batch: int
    sides: tuple[int, ...]       # one of them for each batch


def crop(pictures, side, rng):
    """Squares of `side` pixels from pictures (n, h, w, c), each mirrored or not; smaller pictures are enlarged."""
    pictures = np.where(rng.random((len(pictures), 1, 1, 1)) < 0.5, pictures, pictures[:, :, ::-1])
    height, width = pictures.shape[1:3]
    if side > height:
        return np.stack([images.resize(picture, (side, side)) for picture in pictures])
    top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
    return pictures[:, top:top + side, left:left + side]


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
