"""What a network is shown: batches that depend on seed and epoch alone, augmented, and those to check it with."""
import hashlib
import math

import keras
import numpy as np

from ae_core import families
from ae_core.pictures import convert
from ae_core.presets import Augmentation, Preset

HELD_OUT = 2000                  # training pictures kept aside to choose the best epoch by; the test set stays unseen
WINDOWS = (80, 96, 112, 128, 128)    # of each photograph to learn colors from, a window of one of these sides is cut,
SIDES = (96, 96, 128)            # and resized to one of these
GAMMA = 0.15                     # spread of the logarithm of the exponent that makes each lighter or darker


def split(preset: Preset, pictures: np.ndarray, labels: np.ndarray, seed: int) -> "tuple[Batches, Batches]":
    """The batches to train on, and those of the last pictures, kept aside to choose the best epoch by."""
    held_out = _held_out(pictures)
    kind = families.part(preset.family.batches)
    shown, check = (kind(preset, pictures[rows], labels[rows])
                    for rows in (slice(None, -held_out), slice(-held_out, None)))
    shown.shuffle(seed, 0)                       # Keras looks at two batches before the first epoch begins
    return shown, check


def fingerprint(pictures: np.ndarray) -> str:
    """The SHA-256 of those that `split` keeps aside of pictures (n, h, w, c): a loss can be compared on these alone."""
    return hashlib.sha256(convert.to_uint8(np.asarray(pictures[-_held_out(pictures):])).tobytes()).hexdigest()


def _held_out(pictures):
    return min(HELD_OUT, len(pictures) // 10 or 1)


class Batches(keras.utils.PyDataset):
    """Batches of (pictures[, one-hot labels]) -> pictures, in the order of the rows until `shuffle` is called.

    Those that are never shuffled are there to check with: their pictures stay as they are. A colorizer is given the
    pictures in gray.
    """

    def __init__(self, preset: Preset, pictures: np.ndarray, labels: np.ndarray):
        super().__init__()
        self.gray = preset.output is not None
        self.pictures, self.size = pictures, min(preset.batch_size, len(pictures))
        classes = preset.labels or preset.recognized
        self.labels = np.eye(classes, dtype=np.float32)[labels] if classes else None
        self.order, self.augmentation = np.arange(len(pictures)), preset.augmentation
        self.seed: tuple[int, int] | None = None

    def __len__(self):
        return math.ceil(len(self.pictures) / self.size)

    def __getitem__(self, batch):
        rows, rng = self.draw(batch)
        pictures = self.pictures[rows]
        if self.augmentation and rng:
            pictures = augment(pictures, self.augmentation, rng)
        return self.beside_labels(convert.to_gray(pictures) if self.gray else pictures, rows), pictures

    def draw(self, batch: int) -> tuple[np.ndarray, np.random.Generator | None]:
        """The rows of a batch, and a generator that depends on seed, epoch and batch; None where nothing is drawn."""
        rows = self.order[batch * self.size:(batch + 1) * self.size]
        return rows, np.random.default_rng((*self.seed, batch)) if self.seed else None

    def beside_labels(self, given: np.ndarray, rows: np.ndarray) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """What the network is given (n, ...) and, where it learns from labels, theirs as one-hot."""
        return given if self.labels is None else (given, self.labels[rows])

    def shuffle(self, seed: int, epoch: int) -> None:
        """Show the pictures in an order of this epoch, augmented."""
        self.seed = seed, epoch
        self.order = np.random.default_rng(self.seed).permutation(len(self.pictures))


class PhotoBatches(Batches):
    """Batches of (lightness[, one-hot classes]) -> chroma at a quarter of the size, from photographs (n, 128, 128, 3).

    Once shuffled, every photograph is seen through a window, at a side and in a light drawn for it.
    """

    def __getitem__(self, batch):
        rows, rng = self.draw(batch)
        pictures = self.pictures[rows]
        if rng:
            side = {0: SIDES[0], 1: SIDES[-1]}.get(batch, rng.choice(SIDES))    # two of them tell Keras that it varies
            pictures = windows(pictures, rng.choice(WINDOWS), side, rng)
        lightness, chroma = convert.to_lab(pictures)
        if rng:
            lightness = lightness ** np.exp(rng.normal(0, GAMMA, (len(rows), 1, 1, 1))).astype(np.float32)
        return self.beside_labels(lightness, rows), quarter(chroma)


def windows(pictures: np.ndarray, window: int, side: int, rng: np.random.Generator) -> np.ndarray:
    """A square of `window` pixels from each of pictures (n, h, w, c), mirrored or not, resized to `side` pixels."""
    n, height, width, _ = pictures.shape
    pictures = mirror_some(pictures, rng)
    corners = rng.integers((height - window + 1, width - window + 1), size=(n, 2))
    return np.stack([convert.resize(picture[top:top + window, left:left + window], (side, side))
                     for picture, (top, left) in zip(pictures, corners, strict=True)])


def mirror_some(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures (n, h, w, c), every second of them, by chance, with left and right swapped."""
    return np.where(rng.random((len(pictures), 1, 1, 1)) < 0.5, pictures, pictures[:, :, ::-1])


def quarter(volume: np.ndarray) -> np.ndarray:
    """The mean of every 4x4 pixels: (n, h, w, c) -> (n, h/4, w/4, c)."""
    n, height, width, depth = volume.shape
    return volume.reshape(n, height // 4, 4, width // 4, 4, depth).mean(axis=(2, 4))


def augment(pictures: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Pictures (n, h, w, c), each mirrored or not and shifted by its own whole number of pixels over black."""
    n, height, width, _ = pictures.shape
    if augmentation.mirror:
        pictures = mirror_some(pictures, rng)
    reach = augmentation.shift
    wide = np.pad(pictures, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    shifted = np.lib.stride_tricks.sliding_window_view(wide, (height, width), axis=(1, 2))
    down, across = rng.integers(0, 2 * reach + 1, (2, n))
    return np.moveaxis(shifted[np.arange(n), down, across], 1, -1)
