"""Arrays as people save them are the same pictures as the official file, or one sentence."""
import gzip
import io
import re

import numpy as np
import pytest

from ae_core import guard
from ae_core.own import collection
from ae_core.pictures import arrays, collections, datasets

WAYS = {                         # of saving uint8 pictures (n, h, w, c)
    "uint8": lambda x: x,
    "0..1": lambda x: x / 255,
    "0..1 of 16 bits": lambda x: (x / 255).astype(np.float16),
    "0..255": lambda x: x.astype(np.float32),
    "-1..1": lambda x: x / 127.5 - 1,
    "16 bits": lambda x: x.astype(np.uint16) * 257,
    "int64": lambda x: x.astype(np.int64),
    "big-endian": lambda x: (x / 255).astype(">f4"),
    "Fortran": lambda x: np.asfortranarray(x / 255),
    "channels first": lambda x: np.moveaxis(x, 3, 1),
    "no channels": lambda x: x[..., 0] if x.shape[3] == 1 else x,
    "flat": lambda x: x.reshape(len(x), -1) if x.shape[3] == 1 else x,
}


def drawn(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def official(folder, name, change=lambda x: x, count=40):
    """A data set's archive of random pictures, saved in another way; returns pictures and labels of both splits."""
    dataset = datasets.DATASETS[name]
    made = {split: (drawn((count, *dataset.shape), seed), np.arange(count) % 10)
            for seed, split in enumerate(("train", "test"))}
    for pictures, _ in made.values():
        pictures[0, 0, 0], pictures[0, -1, -1] = 0, 255
    folder.mkdir(exist_ok=True)
    np.savez(folder / f"{name}.npz", **{f"{kind}_{split}": array for split, (x, y) in made.items()
                                        for kind, array in (("x", change(x)), ("y", y))})
    return made


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_a_data_set_is_the_same_however_it_was_saved(tmp_path, name, way):
    made = official(tmp_path / "data", name, WAYS[way])
    for split, (wanted, labels) in made.items():
        pictures, found = datasets.load(name, split)
        np.testing.assert_allclose(pictures, wanted / 255, atol=0.003)
        np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int32, float])
def test_black_and_white_is_0_and_1(kind):
    bits = drawn((9, 8, 8)) > 128
    assert (arrays.pictures(bits.astype(kind), "a.npy")[..., 0] == 255 * bits).all()


@pytest.mark.parametrize(("change", "words"), [
    (lambda x: x / 255 / 255, "float64 of shape .40, 28, 28, 1. with values from 0 to 0.0039"),
    (lambda x: (x / 255 - 0.13) / 0.31, "values from -0.419355 to 2.80645"),
    (lambda x: x / 255 - 0.13, "values from -0.13 to 0.87"),
    (lambda x: (x // 16).astype(float), "values from 0 to 15"),
    (lambda x: np.where(x > 9, x, np.nan), "values from nan to nan"),
    (lambda x: x.reshape(40, -1)[:, :700], "uint8 of shape .40, 700. with values from 0 to 255"),
    (lambda x: np.repeat(x, 4, axis=3), "shape .40, 28, 28, 4."),
    (lambda x: np.repeat(np.repeat(x, 2, 1), 2, 2), r"shape .40, 56, 56, 1.: its pictures have .56, 56, 1. and not"),
    (lambda x: x.astype("U3"), "is <U3 of shape"),
])
def test_what_is_no_array_of_pictures_is_one_sentence_with_type_shape_and_range(tmp_path, change, words):
    official(tmp_path / "data", "mnist", change)
    with pytest.raises(datasets.DataMissing, match=words) as error:
        datasets.load("mnist")
    assert "mnist.npz" in str(error.value) and "x_train" in str(error.value)


@pytest.mark.parametrize("change", [lambda y: np.eye(10)[y], lambda y: y[:, None], lambda y: y.astype(float),
                                    lambda y: np.eye(10, dtype=bool)[y], lambda y: y.astype(">i8")])
def test_labels_are_numbers_or_one_hot(change):
    y = np.arange(40) % 10
    np.testing.assert_array_equal(arrays.labels(change(y), 40, "a.npz", 10), y)


@pytest.mark.parametrize("change", [
    lambda y: y[:-1], lambda y: y + 1, lambda y: y - 1, lambda y: y + 0.5, lambda y: y.astype(str),
    lambda y: y * np.nan, lambda y: np.eye(10)[y] * 0.5, lambda y: np.eye(11)[y + 1], lambda y: np.stack([y, y], 1),
    lambda y: np.array(3)])
def test_labels_that_do_not_fit_are_one_sentence(tmp_path, change):
    with pytest.raises(guard.Refused, match="The labels of a.npz.*Expected are 40 whole numbers from 0 to 9"):
        arrays.labels(change(np.arange(40) % 10), 40, "a.npz", 10)


def test_a_data_sets_labels_are_checked(tmp_path):
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / "data" / "mnist.npz", x_train=drawn((9, 28, 28)), y_train=np.arange(2, 11))
    with pytest.raises(datasets.DataMissing, match="from 2 to 10"):
        datasets.load("mnist")


@pytest.mark.parametrize(("name", "place"), [("mnist", "MNIST/raw"), ("mnist", "mnist"), ("fashion_mnist", "fashion")])
@pytest.mark.parametrize("zipped", [True, False])
def test_the_published_idx_files_are_read(tmp_path, name, place, zipped):
    folder, wanted = tmp_path / "data" / place, {}
    folder.mkdir(parents=True)
    for part, split in (("train", "train"), ("t10k", "test")):
        wanted[split] = drawn((12, 28, 28), len(part)), np.arange(12, dtype=np.uint8) % 10
        for kind, array in zip(("images-idx3", "labels-idx1"), wanted[split], strict=True):
            raw = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()
            path = folder / f"{part}-{kind}-ubyte{'.gz' * zipped}"
            path.write_bytes(gzip.compress(raw) if zipped else raw)
    for split, (pictures, labels) in wanted.items():
        found, classes = datasets.load(name, split)
        np.testing.assert_allclose(found[..., 0], pictures / 255, atol=1e-6)
        np.testing.assert_array_equal(classes, labels)
    path.write_bytes(path.read_bytes()[:15])
    with pytest.raises(datasets.DataMissing, match="cut off"):
        datasets.load(name, "test")


# --- a reader's own -------------------------------------------------------------------------------------------

def saved(*one, **several):
    buffer = io.BytesIO()
    if one:
        np.save(buffer, one[0])
    else:
        np.savez_compressed(buffer, **several)
    return buffer.getvalue()


@pytest.mark.parametrize("way", WAYS)
def test_an_own_model_is_trained_on_arrays(way):
    x, y = drawn((30, 28, 28, 1)), np.arange(30) % 3
    x[0, 0, 0], x[0, 1, 1] = 0, 255
    read = collection.read([("mine.npz", saved(x=WAYS[way](x), y=y))], (28, 28, 1))
    assert np.abs(read.pictures.astype(int) - x).max() <= 1 and read.classes == ("0", "1", "2")
    np.testing.assert_array_equal(read.labels, y)
    alone = collection.read([("mine.npy", saved(WAYS[way](x)))], (28, 28, 1))
    np.testing.assert_array_equal(alone.pictures, read.pictures)
    assert not alone.labeled


def test_arrays_in_several_files_are_a_class_each():
    files = [(f"{name}.npy", saved(drawn((12, 28, 28)))) for name in ("cats", "dogs")]
    read = collection.read(files, (28, 28, 1))
    assert read.classes == ("cats", "dogs") and list(np.bincount(read.labels)) == [12, 12]


def test_both_splits_of_an_archive_are_read():
    raw = saved(x_train=drawn((8, 28, 28)), y_train=np.zeros(8), x_test=drawn((4, 28, 28)), y_test=np.ones(4))
    names = collections.read([("m.npz", raw)], (28, 28, 1)).names
    assert len(set(names)) == 12 and collections.classes(names) == ["0"] * 8 + ["1"] * 4


@pytest.mark.parametrize(("raw", "words"), [
    (saved(a=drawn((9, 8, 8)), b=np.arange(9)), "holds the arrays a, b, and none of them is called x_train, x or"),
    (saved(drawn((9, 8, 8)))[:-5], r"a.np. is an array of uint8 of shape \(9, 8, 8\) that is cut off"),
    (saved(np.array([{}])), "holds Python objects"),
    (saved(drawn((9, 8, 8))).replace(b"(9, 8, 8)", b"(9, 8, 9)"), "cut off"),
    (b"\x93NUMPY\x01\x00\x04\x00{}}}", "no whole .npy array"),
    (saved(x=drawn((9, 8, 8)), y=np.arange(8)), "The labels of x of a.np.*Expected are 9 whole numbers from 0 on"),
    (saved(np.zeros((20_001, 2, 2), np.uint8)), "more than 20,000 pictures"),
])
def test_an_array_that_cannot_be_used_is_one_sentence(raw, words):
    name = "a.npz" if raw[:2] == b"PK" else "a.npy"
    read = collections.read([(name, raw)], (28, 28, 1))
    assert not read.names and len(read.skipped) == 1 and re.search(words, read.skipped[0])
