"""How the data sets are stored: a function for each published format, and pictures that stay on the disk.

A reader takes the file that `datasets.find` found, a split ("train" or "test") and the shape that is asked for. It
returns pictures and their labels (n,): pictures as uint8 (n, h, w[, c]), or as `Files` of that shape. What it raises
where a file is damaged (ValueError, KeyError, OSError, ...), `datasets.load` turns into a sentence. An unpacker makes
the arrays x_train, y_train, x_test, y_test of the official files.
"""
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ae_core import guard
from ae_core.pictures import arrays, convert, quickdraw, reader

Shape = tuple[int, int, int]
Split = tuple[Any, np.ndarray]               # pictures, an array or `Files`, and labels
ARRAYS = ("x_train", "y_train", "x_test", "y_test")
MAX_DRAWINGS = 60_000            # of a Quick Draw file are taken, 4 kB each
TEST_DRAWINGS = 300              # the last of them
TEST_FACES = 500                 # the last file names of CelebA
FACE = (0.2385, 0.8257, 0.1404, 0.8596)      # top, bottom, left and right of the face in an aligned picture


class DataMissing(FileNotFoundError):
    """A data set is not on this machine, or a file of it cannot be read."""


class Files:
    """Pictures on disk that pass for an array (n, h, w, c): float32 in 0..1, read when rows are asked for.

    A slice of it is a shorter `Files`; row numbers give pictures. DataMissing where a file cannot be decoded.
    """

    def __init__(self, paths: Sequence[Path], shape: Sequence[int],
                 fit: Callable[[np.ndarray, Sequence[int]], np.ndarray]):
        self.paths, self.shape, self.fit = paths, (len(paths), *shape), fit

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: slice | Sequence[int] | np.ndarray) -> "Files | np.ndarray":
        if isinstance(rows, slice):
            return Files(self.paths[rows], self.shape[1:], self.fit)
        return np.stack([self._read(self.paths[row]) for row in rows])

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self[range(len(self))], dtype)

    def after(self, paths: Sequence[Path]) -> "Files":
        """These pictures, after others: squares, which are cut already."""
        def fit(picture, shape):
            return (convert.resize if picture.shape[0] == picture.shape[1] else self.fit)(picture, shape)
        return Files([*paths, *self.paths], self.shape[1:], fit)

    def _read(self, path: Path) -> np.ndarray:
        try:
            return self.fit(convert.to_three(reader.read(path.read_bytes(), path.name)), self.shape[1:])
        except (reader.BadPicture, OSError) as error:
            raise DataMissing(f"{path} cannot be read. {error}") from None


# --- arrays --------------------------------------------------------------------------------------------------

def read_arrays(path: Path, split: str, shape: Shape) -> Split:
    """Pictures and labels of an archive as Keras publishes it, or of the four files as MNIST's authors do.

    They may be of any type and order (`arrays.pictures`); labels are 0 where an archive has none.
    """
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as stored:
            pictures, labels = stored[f"x_{split}"], stored.get(f"y_{split}")
    else:
        pictures, labels = (arrays.idx(_sibling(path, split, kind)) for kind in ("images", "labels"))
    found = arrays.pictures(pictures, f"x_{split} of {path}")
    if shape[2] == 1 and found.shape[3] == 3:
        found = convert.to_uint8(convert.to_gray(convert.as_pictures(found)))
    if found.shape[3] != shape[2] or max(found.shape[1] - shape[0], found.shape[2] - shape[1]) > 0:
        raise guard.Refused(f"x_{split} of {path} is {pictures.dtype} of shape {pictures.shape}: its pictures have "
                            f"{found.shape[1:]} and not {shape}. Put the official file in its place.")
    return found, np.zeros(len(found)) if labels is None else labels


def _sibling(path, split, kind):
    """One of the four files of MNIST, beside train-images-idx3-ubyte.gz."""
    rank = "3" if kind == "images" else "1"
    return path.with_name(path.name.replace("train-images", f"{'t10k' if split == 'test' else 'train'}-{kind}")
                          .replace("idx3", f"idx{rank}"))


def unpack_idx(paths: Sequence[Path]) -> list[np.ndarray]:
    """MNIST's own four files."""
    return [arrays.idx(path) for path in paths]


def unpack_cifar(paths: Sequence[Path]) -> list[np.ndarray]:
    """CIFAR-10's binary version: a byte of label, then 1,024 of each color; five training batches and one of tests."""
    with tarfile.open(paths[0]) as archive:
        names = sorted(name for name in archive.getnames() if name.endswith(".bin"))
        files = filter(None, map(archive.extractfile, names))
        rows = [np.frombuffer(file.read(), np.uint8).reshape(-1, 3073) for file in files]
    splits = np.concatenate(rows[:-1]), rows[-1]              # data_batch_1 ... 5, then test_batch
    return [part for split in splits
            for part in (split[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), split[:, 0])]


# --- drawings ------------------------------------------------------------------------------------------------

def read_quickdraw(path: Path, split: str, shape: Shape) -> Split:
    """A Quick, Draw! file of any published format, the last 300 of its first 60,000 drawings for testing."""
    drawings = quickdraw.load(path, MAX_DRAWINGS)
    chosen = drawings[-TEST_DRAWINGS:] if split == "test" else drawings[:-TEST_DRAWINGS]
    return chosen, np.zeros(len(chosen))


# --- faces ---------------------------------------------------------------------------------------------------

def read_celeba(path: Path, split: str, shape: Shape) -> Split:
    """CelebA beside its attribute file: `Files` of faces, and their 40 attributes (n, 40) bool.

    The last 500 file names are the test set. An aligned picture is cropped to 128 x 128 of its 178 x 218 pixels, from
    the brow to the chin, and made as large as `shape`.
    """
    names, attributes = [], []
    for line in path.read_text("utf-8").splitlines()[2:]:
        file, *values = line.split()
        names.append(path.parent / "img_align_celeba" / file)
        attributes.append(values)
    order = np.argsort([name.name for name in names])
    order = order[-TEST_FACES:] if split == "test" else order[:-TEST_FACES]
    return Files([names[row] for row in order], shape, crop_face), np.array(attributes)[order] == "1"


def celeba_attributes(path: Path) -> tuple[str, ...]:
    """The names of the 40 attributes, from the second line of CelebA's own file."""
    return tuple(path.read_text("utf-8").splitlines()[1].split())


def crop_face(picture: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The face in an aligned picture (h, w, 3) of any size, float32 of `shape`."""
    height, width, _ = picture.shape
    top, bottom, left, right = np.round(np.multiply(FACE, (height, height, width, width))).astype(int)
    return convert.resize(picture[top:bottom, left:right], shape)


# --- photographs ---------------------------------------------------------------------------------------------

def read_imagenette(path: Path, split: str, shape: Shape) -> Split:
    """`Files` of the photographs in train/<class>/ or val/<class>/, and their class numbers (n,).

    Their order is shuffled, the same every time: whoever keeps the last of them aside gets all classes.
    """
    root = path.parents[2] / ("val" if split == "test" else "train")
    paths = sorted(path for path in root.glob("*/*") if path.suffix.lower() in (".jpg", ".jpeg")
                   and not any(map(guard.is_hidden, path.parts[-2:])))
    classes = sorted({path.parent.name for path in paths})
    order = np.random.default_rng(0).permutation(len(paths))
    labels = np.array([classes.index(paths[row].parent.name) for row in order], np.int64)
    return Files([paths[row] for row in order], shape, convert.resize), labels
