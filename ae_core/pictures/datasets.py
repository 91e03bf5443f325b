"""The data sets, one entry each, and their pictures: float32, NHWC, 0..1, with labels.

Looked for in AE_DATA_DIR first, then in the user's cache, where `download` puts the official files. The test
pictures of MNIST and Fashion-MNIST and some of Quick Draw's cats are also in samples/, so that every page works with
no network. Faces and photographs stay on disk and are read batch by batch (`formats.Files`).

Adding a data set is adding an entry to DATASETS and, where its files have a format of their own, a reader to `formats`.
"""
import contextlib
import importlib.util
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ae_core import guard, store
from ae_core.pictures import arrays, convert, formats, subject
from ae_core.pictures.formats import DataMissing, Shape, Split

SAMPLES = store.ROOT / "samples"
SEED = 84                        # of the published outlier experiment
_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


@dataclass(frozen=True)
class Dataset:
    """All that the app knows of a data set."""
    title: str
    classes: tuple[str, ...]     # () where its labels are no classes
    margin: int = 0              # empty pixels around the subject, for fitting a reader's picture the same way
    photo: bool = False          # a reader's picture is cut to its middle square, not to its subject on black
    subject: str = "drawing"     # what is looked for in it: one of subject.KINDS
    drawings: bool = False       # readers may bring Quick, Draw! files; what matters is where the lines are
    shape: Shape = (28, 28, 1)   # of its pictures, where no other is asked for
    file: str = ""               # its place below AE_DATA_DIR, as a message names it
    patterns: tuple[str, ...] = ()       # what else finds it there
    read: Callable[[Path, str, Shape], Split] = formats.read_arrays
    attribute_names: Callable[[Path], tuple[str, ...]] | None = None    # of what its labels (n, k) say, if not a class
    unlabeled: str = ""          # below AE_DATA_DIR: where more pictures of the kind are, without labels
    train_size: int = 0          # how many training pictures it has
    trainable: bool = False      # whether readers may train on it: its pictures fit into the memory
    sample: str = ""             # in samples/: its test pictures; "" where they may not be shipped
    sample_size: int = 10_000    # of these
    urls: Mapping[str, str | None] = field(default_factory=dict)        # official file -> sha256
    unpack: Callable[[Sequence[Path]], list[np.ndarray]] | None = None  # of several files, or of another format
    home: str = ""               # where a person gets it, where it may not be fetched by a program
    credit: str = ""             # authors and year
    license: str = ""


@dataclass(frozen=True)
class Mixed:
    """One class with a few intruders of another."""
    pictures: np.ndarray         # (n, h, w, c): the regular ones, then the intruders
    labels: np.ndarray           # (n,)
    rows: np.ndarray             # (n,) where they stood
    intruder: np.ndarray         # (n,) bool


DATASETS = {
    "fashion_mnist": Dataset(
        "Fashion-MNIST",
        ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        subject="garment", file="fashion_mnist.npz",
        patterns=("fashion*/train-images*ubyte*", "FashionMNIST/raw/train-images*ubyte*"),
        sample="fashion_mnist_test.npz", train_size=60_000, trainable=True, unpack=formats.unpack_idx, urls={
            _KERAS + "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            _KERAS + "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            _KERAS + "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            _KERAS + "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"},
        credit="Fashion-MNIST, Han Xiao, Kashif Rasul and Roland Vollgraf, Zalando SE, 2017", license="MIT License"),
    "mnist": Dataset(
        "MNIST digits", tuple("0123456789"), margin=4, subject="digit", file="mnist.npz",
        patterns=("mnist/train-images*ubyte*", "MNIST/raw/train-images*ubyte*"), sample="mnist_test.npz",
        train_size=60_000, trainable=True,
        urls={_KERAS + "mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"},
        credit="MNIST, Yann LeCun, Corinna Cortes and Christopher J. C. Burges, 1998",
        license="Creative Commons Attribution-ShareAlike 3.0"),
    "cifar10": Dataset(
        "CIFAR-10", ("Airplane", "Automobile", "Bird", "Cat", "Deer", "Dog", "Frog", "Horse", "Ship", "Truck"),
        photo=True, shape=(32, 32, 3), file="cifar10.npz", train_size=50_000, trainable=True,
        unpack=formats.unpack_cifar,
        urls={"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz":
              "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
        credit="CIFAR-10, Alex Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
        license="none stated; not shipped"),
    "celeba": Dataset(
        "CelebA faces", (), photo=True, shape=(64, 64, 3), file="celeba/list_attr_celeba.txt",
        read=formats.read_celeba, attribute_names=formats.celeba_attributes, unlabeled="faces_lfw/*.webp",
        train_size=202_099,
        home="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        credit="CelebA, Ziwei Liu, Ping Luo, Xiaogang Wang and Xiaoou Tang, 2015",
        license="for non-commercial research only; not shipped"),
    "photos": Dataset(
        "Imagenette photographs",
        ("Tench", "English springer", "Cassette player", "Chain saw", "Church", "French horn", "Garbage truck",
         "Gas pump", "Golf ball", "Parachute"),
        photo=True, shape=(128, 128, 3), file="photos/train",
        patterns=("photos/train/*/*.[jJ][pP]*[gG]", "imagenette2*/train/*/*.[jJ][pP]*[gG]"),
        read=formats.read_imagenette, train_size=9_469, home="https://github.com/fastai/imagenette",
        credit="Imagenette, Jeremy Howard, 2019, of ImageNet, Jia Deng et al., 2009",
        license="Apache License 2.0; ImageNet's pictures for non-commercial research only; not shipped"),
    "quickdraw_cats": Dataset(
        "Quick, Draw! cats", ("Cat",), margin=2, drawings=True, shape=(32, 32, 1), file="quickdraw/cat.npy",
        patterns=("quickdraw/*cat.*",), read=formats.read_quickdraw, train_size=59_700, trainable=True,
        sample="quickdraw_cats_test.npz", sample_size=300,
        urls={"https://storage.googleapis.com/quickdraw_dataset/full/numpy_bitmap/cat.npy": None},
        credit="The Quick, Draw! Dataset, Google, 2017", license="Creative Commons Attribution 4.0"),
}

PHOTOGRAPHS = {                  # title -> the package it comes with, and the file in it
    "Rocket": ("skimage", "data/rocket.jpg"), "China": ("sklearn", "datasets/images/china.jpg"),
    "Astronaut": ("skimage", "data/astronaut.png"), "Cat": ("skimage", "data/chelsea.png"),
    "Coffee": ("skimage", "data/coffee.png"), "Flower": ("sklearn", "datasets/images/flower.jpg"),
}


def get(name: str) -> Dataset:
    """The entry of a data set; KeyError with the good names where there is none."""
    if name not in DATASETS:
        raise KeyError(f"There is no data set called {name!r}. Choose one of: {', '.join(DATASETS)}.")
    return DATASETS[name]


def about(name: str) -> Dataset:
    """What there is to know of a data set: of DATASETS, or of the test pictures that an own model brings along."""
    if name in DATASETS:
        return DATASETS[name]
    described = store.card(name)["data"]
    return Dataset(described["title"], tuple(described["classes"]), described["margin"], described["photo"])


def attribute_names(name: str) -> tuple[str, ...]:
    """What the labels of a data set say; () where they are classes, or the data set is not here."""
    path = find(name) if name in DATASETS else None
    names = DATASETS[name].attribute_names if path else None
    return names(path) if names and path else ()


def fit(picture: np.ndarray, name: str, shape: Shape) -> np.ndarray:
    """Any picture (h, w, c) as a data set shows its own: (h, w, c) of `shape`."""
    return convert.square(picture, shape) if about(name).photo else find_subject(picture, name, shape).picture


def draw(ink: np.ndarray, name: str, shape: Shape) -> np.ndarray:
    """A drawing (h, w), 1 where there is ink, as a data set shows its own pictures, on a ground as light as theirs."""
    picture = convert.pad(subject.draw(ink, *room(name, shape))[None], (*shape[:2], 1))[0]
    return convert.to_three(1 - picture if is_light(name) else picture)[..., :shape[-1]]


def find_subject(picture: np.ndarray, name: str, shape: Shape, dark_on_light: bool | None = None) -> subject.Subject:
    """What of a picture (h, w, c) a model of a data set sees; `dark_on_light` where that is known."""
    found = subject.find(picture, *room(name, shape), dark_on_light)
    return found if name not in DATASETS else replace(found, picture=convert.pad(found.picture[None], shape)[0])


def room(name: str, shape: Shape) -> tuple[Shape, str, int]:
    """At which size a subject is placed, of which kind it is, and how much is left empty around it."""
    dataset = about(name)
    if name in DATASETS:
        return dataset.shape, dataset.subject, dataset.margin
    return shape, dataset.subject, max(dataset.margin, shape[0] // 8)


def is_light(name: str) -> bool:
    """Whether the pictures of a reader's own data set have a light ground; those of DATASETS have a black one."""
    if name in DATASETS:
        return False
    pictures, _ = samples(name)
    return bool(np.median(np.concatenate([pictures[:, 0], pictures[:, -1]])) > 0.5)


# --- on the disk -----------------------------------------------------------------------------------------------

def folders() -> list[Path]:
    """Where data sets are looked for, in this order."""
    cache = store.absolute("~/.cache/autoencoder-lab")
    return [store.place("AE_DATA_DIR", cache), cache] if os.environ.get("AE_DATA_DIR") else [cache]


def find(name: str) -> Path | None:
    """The file of a data set on this machine, or None."""
    dataset = DATASETS[name]
    candidates = ((folder, path) for folder in folders() for pattern in (dataset.file, *dataset.patterns)
                  for path in sorted(folder.glob(pattern)))
    return next((path for folder, path in candidates if path.is_file()
                 and not any(map(guard.is_hidden, path.relative_to(folder).parts))), None)


def load(name: str, split: str = "train", shape: Shape | None = None) -> Split:
    """Pictures (n, h, w, c) and labels (n,) of a split, "train" or "test", with black borders up to `shape`.

    The shipped test pictures where the data set is not here; DataMissing with what to put where else.
    """
    if name not in DATASETS:
        return _own(name)
    dataset, path = DATASETS[name], find(name)
    if path is None:
        if split == "test" and dataset.sample:
            return samples(name, shape)
        raise DataMissing(missing(name))
    try:
        pictures, labels = dataset.read(path, split, shape or dataset.shape)
        if dataset.classes:
            labels = arrays.labels(labels, len(pictures), str(path), len(dataset.classes))
    except guard.Refused as error:               # it names the array, or the drawing
        raise DataMissing(str(error)) from None
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, IndexError, ValueError):
        advice = f"Move it elsewhere and run: {_download(name)}" if dataset.urls else \
            "Put the official file in its place."
        raise DataMissing(f"{path} is cut off or not the archive of {dataset.title}. {advice}") from None
    return _padded(pictures, labels, shape or dataset.shape)


def with_unlabeled(name: str, shape: Shape) -> formats.Files:
    """The training pictures of a data set whose pictures stay on the disk, after more of the kind without labels."""
    more = [path for folder in folders() for path in sorted(folder.glob(get(name).unlabeled))]
    return load(name, "train", shape)[0].after(more)


def missing(name: str) -> str:
    """The sentence on a data set that is not here: which file goes where."""
    dataset = DATASETS[name]
    how = f"run: {_download(name)}" if dataset.urls else f"get it from {dataset.home} and unpack it there"
    return f"{dataset.title} is not on this machine. Put {dataset.file} into {folders()[0]} or {how}."


def _download(name: str) -> str:
    return f"python -m ae_core data --download {name}"


def _padded(pictures, labels: np.ndarray, shape: Shape) -> Split:
    if isinstance(pictures, formats.Files):
        return pictures, labels
    return convert.pad(convert.as_pictures(pictures), shape), labels


# --- shipped ---------------------------------------------------------------------------------------------------

def samples(name: str, shape: Shape | None = None) -> Split:
    """The shipped test pictures (n, h, w, 1) and labels; DataMissing where there are none."""
    if name not in DATASETS:
        return _own(name)
    dataset = DATASETS[name]
    if not dataset.sample:
        raise DataMissing(missing(name))
    try:
        pictures, labels = formats.read_arrays(SAMPLES / dataset.sample, "test", dataset.shape)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error):
        raise DataMissing(f"{SAMPLES / dataset.sample} is missing or damaged. Fetch it again, or put {dataset.file} "
                          f"into {folders()[0]}.") from None
    return _padded(pictures, labels.astype(np.int64), shape or dataset.shape)


def has_samples(name: str) -> bool:
    """Whether `samples` has something to show; faces and photographs may not be shipped.

    An own model may have been brought along without its pictures.
    """
    if name not in DATASETS:
        with contextlib.suppress(store.WeightsMissing, store.WeightsDamaged):
            return "samples.npz" in store.card(name)["sha256"]
        return False
    return bool(DATASETS[name].sample)


def photographs() -> dict[str, Path]:
    """The color photographs that scikit-image and scikit-learn bring along: {title: path}; nothing is downloaded."""
    return {title: _folder(package) / file for title, (package, file) in PHOTOGRAPHS.items()}


def _folder(package: str) -> Path:
    """Where an installed package lies, found out without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.origin:
        raise DataMissing(f"The package {package} is not installed. Run: pip install -r requirements-app.txt")
    return Path(spec.origin).parent


def _own(name: str) -> Split:
    """The test pictures and labels that an own model brings along."""
    with np.load(store.read(name).path("samples.npz"), allow_pickle=False) as arrays:
        return convert.as_pictures(arrays["x_test"]), arrays["y_test"].astype(np.int64)


# --- put together ----------------------------------------------------------------------------------------------

def whole(name: str, shape: Shape | None = None) -> Split:
    """Training and test pictures with their labels; the test pictures alone where the others are not here."""
    splits = ("train", "test") if find(name) else ("test",)
    pictures, labels = zip(*(load(name, split, shape) for split in splits), strict=True)
    return np.concatenate(pictures), np.concatenate(labels)


def mix(pictures: np.ndarray, labels: np.ndarray, regular: int, intruder: int, share: float = 0.01,
        seed: int = SEED) -> Mixed:
    """All pictures of one class and `share` as many of another, at least one, both in an order drawn by seed."""
    rng = np.random.default_rng(seed)
    inside, outside = (rng.permutation(np.flatnonzero(labels == label)) for label in (regular, intruder))
    rows = np.concatenate([inside, outside[:max(1, int(len(inside) * share))]])
    return Mixed(pictures[rows], labels[rows], rows, np.arange(len(rows)) >= len(inside))
