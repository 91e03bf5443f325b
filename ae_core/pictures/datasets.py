"""Data sets as pictures: float32, NHWC, 0..1, and their labels.

Looked for in AE_DATA_DIR first, then in the user's cache, where `download` puts the official files. The test
pictures of MNIST and Fashion-MNIST are also in samples/, so that every page works with no network; cats are drawn by
rule in place of Quick Draw's. Faces and photographs stay on disk and are read batch by batch (`Files`).
"""
import gzip
import importlib.util
import os
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ae_core import store
from ae_core.pictures import convert, quickdraw, reader, subject

SAMPLES = store.ROOT / "samples"
MAX_DRAWINGS = 60_000            # of a Quick Draw file are taken, 4 kB each
TEST_DRAWINGS = 300              # the last of them
DOODLES = 100
SEED = 84                        # of the published outlier experiment
TEST_FACES = 500                 # the last file names of CelebA
FACE = (0.2385, 0.8257, 0.1404, 0.8596)      # top, bottom, left and right of the face in an aligned picture
_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


class DataMissing(FileNotFoundError):
    """A data set is not on this machine."""


@dataclass(frozen=True)
class Dataset:
    title: str
    file: str                    # in AE_DATA_DIR: x_train y_train x_test y_test, uint8; or drawings
    sample: str                  # in samples/: the test pictures alone; "" where they may not be shipped
    classes: tuple[str, ...]
    margin: int                  # empty pixels around the subject, for fitting a reader's picture the same way
    urls: dict                   # official file -> sha256
    photo: bool = False          # a reader's picture is cut to its middle square, not to its subject on black
    home: str = ""               # where a person gets it, where it may not be fetched by a program

    @property
    def pattern(self):
        """What finds it: its file; drawings in any format and under either of their published names."""
        file = Path(self.file)
        if not file.suffix:
            return f"{file}/*/*.jpg"
        return str(file.with_name(f"*{file.stem}.*")) if file.suffix == ".npy" else self.file


class Files:
    """Pictures on disk that pass for an array (n, h, w, c): float32 in 0..1, read when rows are asked for.

    A slice of it is a shorter `Files`; row numbers give pictures. DataMissing where a file cannot be decoded.
    """

    def __init__(self, paths, shape, fit):
        self.paths, self.shape, self.fit = paths, (len(paths), *shape), fit

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, rows):
        if isinstance(rows, slice):
            return Files(self.paths[rows], self.shape[1:], self.fit)
        return np.stack([self._read(self.paths[row]) for row in rows])

    def __array__(self, dtype=None, copy=None):
        return self[range(len(self))]

    def _read(self, path):
        try:
            return self.fit(convert.to_three(reader.read(path.read_bytes(), path.name)), self.shape[1:])
        except (reader.BadPicture, OSError) as error:
            raise DataMissing(f"{path} cannot be read. {error}") from None


@dataclass(frozen=True)
class Mixed:
    """One class with a few intruders of another."""
    pictures: np.ndarray         # (n, h, w, c): the regular ones, then the intruders
    labels: np.ndarray           # (n,)
    rows: np.ndarray             # (n,) where they stood
    intruder: np.ndarray         # (n,) bool


DATASETS = {
    "mnist": Dataset(
        "MNIST digits", "mnist.npz", "mnist_test.npz", tuple("0123456789"), 4,
        {_KERAS + "mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"}),
    "fashion_mnist": Dataset(
        "Fashion-MNIST", "fashion_mnist.npz", "fashion_mnist_test.npz",
        ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"), 0,
        {_KERAS + "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
         _KERAS + "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
         _KERAS + "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
         _KERAS + "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}),
    "cifar10": Dataset(
        "CIFAR-10", "cifar10.npz", "",
        ("Airplane", "Automobile", "Bird", "Cat", "Deer", "Dog", "Frog", "Horse", "Ship", "Truck"), 0,
        {"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz":
         "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"}, photo=True),
    "celeba": Dataset(
        "CelebA faces", "celeba/list_attr_celeba.txt", "", (), 0, {}, True,
        "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"),
    "photos": Dataset(
        "Imagenette photographs", "photos/train", "",
        ("Tench", "English springer", "Cassette player", "Chain saw", "Church", "French horn", "Garbage truck",
         "Gas pump", "Golf ball", "Parachute"), 0, {}, True, "https://github.com/fastai/imagenette"),
    "quickdraw_cats": Dataset(
        "Quick, Draw! cats", "quickdraw/cat.npy", "", ("Cat",), 2,
        {"https://storage.googleapis.com/quickdraw_dataset/full/numpy_bitmap/cat.npy": None}),
}

PHOTOGRAPHS = {                  # title -> the package it comes with, and the file in it
    "Rocket": ("skimage", "data/rocket.jpg"), "China": ("sklearn", "datasets/images/china.jpg"),
    "Astronaut": ("skimage", "data/astronaut.png"), "Cat": ("skimage", "data/chelsea.png"),
    "Coffee": ("skimage", "data/coffee.png"), "Flower": ("sklearn", "datasets/images/flower.jpg"),
}


def about(name):
    """What there is to know of a data set: of DATASETS, or of the test pictures that an own model brings along."""
    if name in DATASETS:
        return DATASETS[name]
    described = store.card(name)["data"]
    return Dataset(described["title"], "", "", tuple(described["classes"]), described["margin"], {}, described["photo"])


def fit(picture, name, shape):
    """Any picture (h, w, c) as a data set shows its own: (h, w, c) of `shape`."""
    dataset = about(name)
    return convert.square(picture, shape) if dataset.photo else subject.fit(picture, shape, dataset.margin)


def folders():
    """Where data sets are looked for, in this order."""
    own = os.environ.get("AE_DATA_DIR")
    cache = Path(os.path.expanduser("~/.cache/autoencoder-lab"))
    return [Path(own), cache] if own else [cache]


def find(name):
    """The file of a data set on this machine, or None."""
    candidates = (path for folder in folders() for path in sorted(folder.glob(DATASETS[name].pattern)))
    return next((path for path in candidates if path.is_file()), None)


def load(name, split="train", shape=(28, 28, 1)):
    """Pictures (n, h, w, c) and labels (n,) int64 of a split, "train" or "test", padded to `shape`.

    Raises DataMissing with what to put where.
    """
    if name not in DATASETS:
        return _own(name)
    path = find(name)
    if path is None and split == "test" and DATASETS[name].sample:
        path = SAMPLES / DATASETS[name].sample
    if path is None or not path.is_file():
        raise DataMissing(_missing(name))
    if name in STREAMED:
        return STREAMED[name](path, split, shape)
    if path.suffix in quickdraw.SUFFIXES:
        drawings = quickdraw.load(path, MAX_DRAWINGS)
        chosen = drawings[-TEST_DRAWINGS:] if split == "test" else drawings[:-TEST_DRAWINGS]
        return pad(as_pictures(chosen), shape), np.zeros(len(chosen), np.int64)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            pictures = arrays[f"x_{split}"]
            labels = arrays[f"y_{split}"].ravel() if f"y_{split}" in arrays else np.zeros(len(pictures))
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError):
        raise DataMissing(f"{path} is cut off or not the archive of {DATASETS[name].title}. "
                          f"Delete it and run: python -m ae_core data --download {name}") from None
    return pad(as_pictures(pictures), shape), labels.astype(np.int64)


def _missing(name):
    dataset = DATASETS[name]
    how = (f"run: python -m ae_core data --download {name}" if dataset.urls else
           f"get it from {dataset.home} and unpack it there")
    return f"{dataset.title} is not on this machine. Put {dataset.file} into {folders()[0]} or {how}."


def faces(path, split, shape):
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


def attribute_names(path=None):
    """The names of the 40 attributes, from the second line of CelebA's own file."""
    path = path or find("celeba")
    return tuple(path.read_text("utf-8").splitlines()[1].split()) if path else ()


def crop_face(picture, shape):
    """The face in an aligned picture (h, w, 3) of any size, float32 of `shape`."""
    height, width, _ = picture.shape
    top, bottom, left, right = np.round(np.multiply(FACE, (height, height, width, width))).astype(int)
    return convert.resize(picture[top:bottom, left:right], shape)


def photos(path, split, shape):
    """`Files` of photographs in photos/train/<class>/ or photos/val/<class>/, and their class numbers (n,).

    Their order is shuffled, the same every time: whoever keeps the last of them aside gets all classes.
    """
    root = path.parents[2] / ("val" if split == "test" else "train")
    paths = sorted(root.glob("*/*.jpg"))
    classes = sorted({path.parent.name for path in paths})
    order = np.random.default_rng(0).permutation(len(paths))
    labels = np.array([classes.index(paths[row].parent.name) for row in order], np.int64)
    return Files([paths[row] for row in order], shape, convert.resize), labels


STREAMED: dict[str, Callable] = {"celeba": faces, "photos": photos}


def samples(name, shape=(28, 28, 1)):
    """The shipped test pictures (10000, h, w, 1) and labels; 100 cats drawn by rule in place of Quick Draw's."""
    if name not in DATASETS:
        return _own(name)
    if not DATASETS[name].sample:
        rng = np.random.default_rng(0)
        doodles = np.stack([quickdraw.rasterize(quickdraw.doodle(rng)) for _ in range(DOODLES)])
        return pad(as_pictures(doodles), shape), np.zeros(DOODLES, np.int64)
    with np.load(SAMPLES / DATASETS[name].sample, allow_pickle=False) as arrays:
        return pad(as_pictures(arrays["x_test"]), shape), arrays["y_test"].astype(np.int64)


def photographs():
    """The color photographs that scikit-image and scikit-learn bring along: {title: path}; nothing is downloaded."""
    places = {package: Path(importlib.util.find_spec(package).origin).parent for package in ("skimage", "sklearn")}
    return {title: places[package] / file for title, (package, file) in PHOTOGRAPHS.items()}


def has_samples(name):
    """Whether `samples` stands in for a data set that is not here; nothing may stand in for faces and photographs."""
    return name not in DATASETS or bool(DATASETS[name].sample) or name == "quickdraw_cats"


def whole(name, shape=(28, 28, 1)):
    """Training and test pictures with their labels; the test pictures alone where the others are not here."""
    splits = ("train", "test") if find(name) else ("test",)
    pictures, labels = zip(*(load(name, split, shape) for split in splits), strict=True)
    return np.concatenate(pictures), np.concatenate(labels)


def mix(pictures, labels, regular, intruder, share=0.01, seed=SEED):
    """All pictures of one class and `share` as many of another, at least one, both in an order drawn by seed."""
    rng = np.random.default_rng(seed)
    inside, outside = (rng.permutation(np.flatnonzero(labels == label)) for label in (regular, intruder))
    rows = np.concatenate([inside, outside[:max(1, int(len(inside) * share))]])
    return Mixed(pictures[rows], labels[rows], rows, np.arange(len(rows)) >= len(inside))


def _own(name):
    """The test pictures and labels that an own model brings along."""
    with np.load(store.read(name).path("samples.npz"), allow_pickle=False) as arrays:
        return as_pictures(arrays["x_test"]), arrays["y_test"].astype(np.int64)


def as_pictures(array):
    """uint8 (n, h, w[, c]) -> float32 (n, h, w, c) in 0..1."""
    pictures = np.asarray(array, np.float32) / 255
    return pictures if pictures.ndim == 4 else pictures[..., None]


def pad(pictures, shape):
    """Black borders around pictures (n, h, w, c), equal on all sides, up to `shape`."""
    extra = [(0, 0), *((0, 0) if want == have else ((want - have) // 2, -(-(want - have) // 2))
                       for want, have in zip(shape, pictures.shape[1:], strict=True))]
    return np.pad(pictures, extra)


def download(name):
    """Fetch the official files into the user's cache, with a progress bar and a checksum; returns the path."""
    import pooch  # only the download needs it

    if not DATASETS[name].urls:
        raise DataMissing(_missing(name))
    target = folders()[-1] / DATASETS[name].file
    fetched = [Path(pooch.retrieve(url, f"sha256:{checksum}", path=target.parent / "official", progressbar=True))
               for url, checksum in DATASETS[name].urls.items()]
    target.parent.mkdir(parents=True, exist_ok=True)
    if len(fetched) == 1 and fetched[0].suffix == target.suffix:
        fetched[0].replace(target)
    else:
        arrays = _read_cifar(fetched[0]) if len(fetched) == 1 else (_read_idx(path) for path in fetched)
        partial = target.with_name(f"{target.stem}.part.npz")      # a download that is stopped leaves no half archive
        np.savez(partial, **dict(zip(("x_train", "y_train", "x_test", "y_test"), arrays, strict=True)))
        partial.replace(target)
    return target


def _read_idx(path):
    """MNIST's own format: two zero bytes, a type byte, the rank, big-endian sizes, then the bytes."""
    raw = gzip.decompress(path.read_bytes())
    rank = raw[3]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(np.frombuffer(raw, ">i4", rank, 4))


def _read_cifar(path):
    """CIFAR-10's binary version: one byte of label, then 1,024 of each color; five training batches and one of tests.

    Returns x_train, y_train, x_test, y_test.
    """
    with tarfile.open(path) as archive:
        members = sorted((member for member in archive if member.name.endswith(".bin")), key=lambda m: m.name)
        rows = [np.frombuffer(archive.extractfile(member).read(), np.uint8).reshape(-1, 3073) for member in members]
    splits = np.concatenate(rows[:-1]), rows[-1]              # data_batch_1 ... 5, then test_batch
    return [part for split in splits
            for part in (split[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), split[:, 0])]
