"""Fixtures of all tests: nothing here reads the network, the user's cache, or writes outside a temporary folder."""
import dataclasses
import functools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")     # before anything imports TensorFlow
os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np
import pytest
from PIL import Image

from ae_core import model, presets, store
from ae_core.pictures import convert, datasets, reader

# What opens a page, trains or starts a process has one of these among its fixtures or in its lines.
SLOW = {"page", "new_page", "opened", "AppTest", "by_hand", "_demo", "fit_quietly", "subprocess", "open_every_page"}


def pytest_collection_modifyitems(items):
    """`make check` leaves the slow ones out; a file that is slow from end to end says so itself.

    A browser on a busy machine is late now and then: its tests are tried once more, and the report names those.
    """
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.flaky(reruns=1))
        if SLOW & {*item.fixturenames, *item.function.__code__.co_names}:
            item.add_marker(pytest.mark.slow)


def missing(reason):
    """Skip a test whose program is not on this machine; with AE_REQUIRE_PROGRAMS=1, as in CI, fail it."""
    if os.environ.get("AE_REQUIRE_PROGRAMS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def places(folder):
    """The environment in which everything that is read and written is below a folder, and no trainer waits."""
    return {"HOME": str(folder), "AE_DATA_DIR": str(folder / "data"), "AE_RUNS_DIR": str(folder / "runs"),
            "AE_MODELS_DIR": str(folder / "models"), "AE_IDLE_SECONDS": "0"}


@pytest.fixture(autouse=True)
def no_foreign_data(monkeypatch, tmp_path):
    """Tests see the shipped samples and weights, never the data sets or runs of whoever starts them."""
    for name, place in places(tmp_path).items():
        monkeypatch.setenv(name, place)


@pytest.fixture(scope="session", autouse=True)
def shipped_models_are_loaded_once():
    """Their files are changed by no test; a store of a test's own is read anew each time."""
    load, shipped = model.load, functools.cache(model.load)

    def loaded(name):
        return (shipped if store.folder_of(name).parent == store.ROOT / "weights" else load)(name)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(model, "load", loaded)
        yield


@pytest.fixture
def own_store(monkeypatch, tmp_path):
    """An empty weights folder in place of the shipped one."""
    monkeypatch.setenv("AE_WEIGHTS_DIR", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture(scope="session")
def digits():
    """The first 64 shipped test digits and their labels."""
    pictures, labels = datasets.samples("mnist")
    return pictures[:64], labels[:64]


def tiny(name="digits_stacked", **changes):
    """A preset of the registry, made small enough to train in a second."""
    small = {"epochs": 2, "batch_size": 16, **changes}
    if "units" in presets.get(name).arguments:
        small.setdefault("arguments", {"units": (12,)})
        small.setdefault("code", 4)
    return dataclasses.replace(presets.get(name), **small)


def trained(name):
    """The name of a preset that must have weights in this repository."""
    assert store.present(name), f"{name} has no weights here"
    return name


def random_pictures(count, shape=(28, 28, 1), seed=0):
    return np.random.default_rng(seed).random((count, *shape), np.float32)


def photograph_crops(count, shape, seed=0):
    """Squares of the library's photographs in color or in gray, as large as `shape`: (count, *shape)."""
    rng = np.random.default_rng(seed)
    photos = [reader.read(path.read_bytes()) for path in datasets.photographs().values()]
    crops = []
    for photo in (photos[k % len(photos)] for k in range(count)):
        side = rng.integers(100, min(photo.shape[:2]))
        top, left = (rng.integers(length - side) for length in photo.shape[:2])
        crop = convert.resize(photo[top:top + side, left:left + side], shape)
        crops.append(crop if shape[-1] == 3 else convert.to_gray(crop))
    return np.stack(crops)


class Interrupt:
    """A trace function that raises KeyboardInterrupt at one of the instructions of files whose path has `part`."""

    def __init__(self, part, at=0):
        self.part, self.at, self.seen = part, at, 0

    def __call__(self, frame, event, argument):
        if self.part not in frame.f_code.co_filename:
            return self
        frame.f_trace_opcodes = True
        self.seen += event == "opcode"
        if event == "opcode" and self.seen == self.at:
            raise KeyboardInterrupt
        return self


def celeba(folder, count, names=("Smiling", "Eyeglasses", "Male", "Blond_Hair"), seed=0):
    """A tiny CelebA in the official layout below `folder`, of random pictures; returns its attributes (count, k) bool.

    Lines stand in another order than the file names, as nothing promises they do not.
    """
    rng = np.random.default_rng(seed)
    pictures = folder / "celeba" / "img_align_celeba"
    pictures.mkdir(parents=True)
    has = rng.random((count, len(names))) < 0.5
    lines = []
    for k in range(count):
        Image.fromarray(rng.integers(0, 256, (218, 178, 3), np.uint8)).save(pictures / f"{k + 1:06}.jpg")
        lines.append(f"{k + 1:06}.jpg  " + "  ".join("1" if each else "-1" for each in has[k]))
    text = "\n".join([str(count), " ".join(names) + " ", *lines[::-1]])
    (folder / "celeba" / "list_attr_celeba.txt").write_text(text + "\n", "utf-8")
    return has
