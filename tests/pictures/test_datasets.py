"""Every entry of the registry is complete, honest about what is shipped, and read in its official layout."""
import gzip
import io
import re

import numpy as np
import pytest
from PIL import Image

from ae_core.pictures import convert, datasets, download, formats, reader, sheets
from tests import conftest

NAMES = list(datasets.DATASETS)


# --- the contract of an entry ----------------------------------------------------------------------------

def save_arrays(folder, dataset):
    rng = np.random.default_rng(0)
    shape = dataset.shape[:2] if dataset.shape[2] == 1 else dataset.shape
    (folder / dataset.file).parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"x_{split}": rng.integers(0, 256, (9, *shape), np.uint8) for split in ("train", "test")}
    arrays |= {f"y_{split}": rng.integers(0, len(dataset.classes), 9, np.uint8) for split in ("train", "test")}
    np.savez(folder / dataset.file, **arrays)


def save_drawings(folder, dataset):
    (folder / dataset.file).parent.mkdir(parents=True)
    np.save(folder / dataset.file, np.zeros((309, 784), np.uint8))


def save_photographs(folder, dataset):
    for split in ("train", "val"):
        for k, suffix in enumerate(("jpg", "JPEG")):
            (folder / "photos" / split / f"n{k}").mkdir(parents=True)
            Image.new("RGB", (50, 40), "red").save(folder / "photos" / split / f"n{k}" / f"a.{suffix}")


LAYOUTS = {                      # reader -> what writes a few pictures as they are published
    formats.read_arrays: save_arrays, formats.read_quickdraw: save_drawings, formats.read_imagenette: save_photographs,
    formats.read_celeba: lambda folder, dataset: conftest.celeba(folder, 510)}


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_says_all_that_is_needed(name):
    dataset = datasets.DATASETS[name]
    assert dataset.title and dataset.credit and dataset.license and dataset.file and dataset.train_size > 0
    assert len(set(dataset.classes)) == len(dataset.classes) and bool(dataset.classes) != bool(dataset.attribute_names)
    assert bool(dataset.urls) != bool(dataset.home), "a program fetches it, or a person is told where it is"
    assert all(checksum is None or re.fullmatch("[0-9a-f]{64}", checksum) for checksum in dataset.urls.values())
    assert len(dataset.urls) < 2 or dataset.unpack, "several files are put together by `unpack`"


@pytest.mark.parametrize("name", NAMES)
def test_the_official_layout_is_found_and_read(name, tmp_path):
    dataset = datasets.DATASETS[name]
    assert datasets.find(name) is None
    LAYOUTS[dataset.read](tmp_path / "data", dataset)
    assert datasets.find(name).is_relative_to(tmp_path / "data")
    for split in ("train", "test"):
        pictures, labels = datasets.load(name, split)
        assert len(pictures) == len(labels) > 0 and pictures.shape[1:] == dataset.shape
        some = pictures[np.arange(2)]
        assert some.dtype == np.float32 and some.min() >= 0 and some.max() <= 1
        assert labels.dtype == bool if dataset.attribute_names else labels.max() < len(dataset.classes)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_absent_is_a_sentence_that_names_file_and_folder(name, tmp_path):
    dataset = datasets.DATASETS[name]
    with pytest.raises(datasets.DataMissing) as error:
        datasets.load(name, "train")
    assert dataset.file in str(error.value) and str(tmp_path / "data") in str(error.value)
    assert f"--download {name}" in str(error.value) or dataset.home in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shipped_is_credited(name):
    """Whatever has no sample is a sentence: faces and photographs were a hundred green cats."""
    dataset = datasets.DATASETS[name]
    if not datasets.has_samples(name):
        with pytest.raises(datasets.DataMissing, match=re.escape(dataset.file)):
            datasets.samples(name)
        return
    pictures, labels = datasets.samples(name)
    assert pictures.shape == (dataset.sample_size, *dataset.shape) and pictures.max() == 1
    assert len(labels) == len(pictures) and "not shipped" not in dataset.license
    np.testing.assert_array_equal(datasets.load(name, "test")[0], pictures)
    readme = (datasets.SAMPLES / "README.md").read_text("utf-8")
    assert f"`{dataset.sample}`" in readme and f"{dataset.credit}; {dataset.license}" in readme


def test_an_unknown_set_names_the_known_ones():
    with pytest.raises(KeyError, match="'nope'.*fashion_mnist.*celeba"):
        datasets.get("nope")


# --- samples and archives --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_samples_are_the_whole_test_set_in_the_contract(name):
    pictures, labels = datasets.samples(name)
    assert pictures.shape == (10_000, 28, 28, 1) and pictures.dtype == np.float32
    assert pictures.min() == 0 and pictures.max() == 1
    assert labels.shape == (10_000,) and set(labels) == set(range(len(datasets.DATASETS[name].classes)))


def test_the_first_digits_are_the_known_ones():
    assert list(datasets.samples("mnist")[1][:5]) == [7, 2, 1, 0, 4]


def test_padding_is_black_and_even():
    pictures = convert.pad(np.ones((1, 28, 28, 1), np.float32), (32, 32, 1))
    assert pictures.shape == (1, 32, 32, 1) and pictures.sum() == 28 * 28
    assert pictures[0, 2:30, 2:30].all()


def test_own_folder_comes_first(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(0)
    arrays = {f"{kind}_{split}": rng.integers(0, 9, (4, 28, 28) if kind == "x" else 4, np.uint8)
              for kind in "xy" for split in ("train", "test")}
    np.savez(folder / "mnist.npz", **arrays)
    assert datasets.find("mnist") == folder / "mnist.npz"
    pictures, labels = datasets.load("mnist", "train")
    assert pictures.shape == (4, 28, 28, 1) and (labels == arrays["y_train"]).all()


def test_a_missing_set_says_what_goes_where(tmp_path):
    with pytest.raises(datasets.DataMissing, match=rf"mnist.npz into {tmp_path}.*--download mnist"):
        datasets.load("mnist", "train")


def test_test_pictures_fall_back_to_the_samples():
    assert len(datasets.load("fashion_mnist", "test", (32, 32, 1))[0]) == 10_000


def objects():
    """An archive that would run code if it were unpickled."""
    buffer = io.BytesIO()
    np.savez(buffer, x_train=np.array([{}]), y_train=np.zeros(1))
    return buffer.getvalue()


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04 cut off", b"no archive at all", objects()])
def test_a_broken_archive_gets_a_sentence(tmp_path, raw):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mnist.npz").write_bytes(raw)
    with pytest.raises(datasets.DataMissing, match="mnist.npz is cut off or not the archive"):
        datasets.load("mnist")


def test_download_checks_and_converts_the_official_files(tmp_path, monkeypatch):
    """The four official files of Fashion-MNIST become one archive; the download itself is pooch's."""
    pooch = pytest.importorskip("pooch")
    rng = np.random.default_rng(0)
    wanted, files = {}, {}
    urls = datasets.DATASETS["fashion_mnist"].urls
    for url, key in zip(urls, ("x_train", "y_train", "x_test", "y_test"), strict=True):
        array = rng.integers(0, 255, (3, 28, 28) if key[0] == "x" else (3,), np.uint8)
        header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
        files[url] = tmp_path / url.rsplit("/", 1)[1]
        files[url].write_bytes(gzip.compress(header + array.tobytes()))
        wanted[key] = array

    def retrieve(url, known_hash, **options):
        assert known_hash.startswith("sha256:") and len(known_hash) == 71
        return str(files[url])
    monkeypatch.setattr(pooch, "retrieve", retrieve)
    target = download.fetch("fashion_mnist")
    assert target.is_relative_to(tmp_path)
    with np.load(target) as arrays:
        assert all((arrays[key] == array).all() for key, array in wanted.items())


def test_one_official_file_is_unpacked_as_its_entry_says(tmp_path, monkeypatch):
    """Not by its suffix: a single .npz was taken for CIFAR's tar archive. Nor is a missing checksum one of no file."""
    pooch = pytest.importorskip("pooch")
    file = tmp_path / "official.bin"

    def retrieve(url, known_hash, **options):
        assert known_hash is None if datasets.DATASETS["quickdraw_cats"].urls.get(url, 0) is None else known_hash
        file.write_bytes(b"the official file")
        return str(file)
    monkeypatch.setattr(pooch, "retrieve", retrieve)
    for name in NAMES:
        if len(datasets.DATASETS[name].urls) == 1 and not datasets.DATASETS[name].unpack:
            target = download.fetch(name)
            assert target.read_bytes() == b"the official file" and target == datasets.find(name)
    with pytest.raises(datasets.DataMissing, match="mmlab"):
        download.fetch("celeba")


@pytest.mark.parametrize("folder", ["data", ".cache/autoencoder-lab"])
def test_nobody_is_told_to_delete_a_file(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "mnist.npz").write_bytes(b"mine")
    with pytest.raises(datasets.DataMissing, match="Move it elsewhere and run: .*--download mnist"):
        datasets.load("mnist")


def test_pictures_are_never_cut_to_a_smaller_shape():
    with pytest.raises(ValueError, match="at least their own size"):
        datasets.samples("mnist", (24, 24, 1))
    with pytest.raises(ValueError, match="in their own color"):
        datasets.samples("mnist", (28, 28, 3))


def test_real_cats_are_shipped_and_all_different():
    pictures, labels = datasets.samples("quickdraw_cats")
    assert not labels.any() and not pictures[:, :2].any() and not pictures[:, :, -2:].any()
    assert len({picture.tobytes() for picture in pictures}) == len(pictures) == 300
    with pytest.raises(datasets.DataMissing, match="quickdraw.*--download quickdraw_cats"):
        datasets.load("quickdraw_cats", "train")


@pytest.mark.parametrize("file", ["full_numpy_bitmap_cat.npy", "cat.npy"])
def test_cats_are_split_into_training_and_the_last_300(file, tmp_path):
    folder = tmp_path / "data" / "quickdraw"
    folder.mkdir(parents=True)
    bitmaps = np.random.default_rng(0).integers(0, 255, (320, 784), np.uint8)
    np.save(folder / file, bitmaps)
    train, test = (datasets.load("quickdraw_cats", split, (32, 32, 1))[0] for split in ("train", "test"))
    assert train.shape == (20, 32, 32, 1) and test.shape == (300, 32, 32, 1)
    np.testing.assert_allclose(test[-1, 2:30, 2:30, 0], bitmaps[-1].reshape(28, 28) / 255, atol=1e-6)


def test_the_whole_set_is_both_splits_or_the_shipped_one():
    pictures, labels = datasets.whole("fashion_mnist")
    assert len(pictures) == len(labels) == 10_000


# --- CelebA, streamed ------------------------------------------------------------------------------------

@pytest.fixture
def tiny_celeba(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "TEST_FACES", 3)
    return conftest.celeba(tmp_path / "data", 10)


def test_faces_are_split_by_file_name_with_their_attributes(tiny_celeba):
    (train, has), (test, test_has) = (datasets.load("celeba", split, (64, 64, 3)) for split in ("train", "test"))
    assert [path.name for path in test.paths] == ["000008.jpg", "000009.jpg", "000010.jpg"]
    assert train.shape == (7, 64, 64, 3) and len(set(train.paths) & set(test.paths)) == 0
    np.testing.assert_array_equal(np.concatenate([has, test_has]), tiny_celeba)
    assert datasets.attribute_names("celeba") == ("Smiling", "Eyeglasses", "Male", "Blond_Hair")


def test_faces_are_read_when_they_are_asked_for(tiny_celeba, monkeypatch):
    """Two hundred thousand of them must never be in memory at once."""
    pictures = datasets.load("celeba", "train", (64, 64, 3))[0]
    read = []
    monkeypatch.setattr(reader, "read", lambda raw, name, wanted=reader.read: read.append(name) or wanted(raw))
    assert read == [] and len(pictures[2:5]) == 3 and read == []
    batch = pictures[np.array([4, 1])]
    assert read == ["000005.jpg", "000002.jpg"]
    assert batch.shape == (2, 64, 64, 3) and batch.dtype == np.float32 and 0 <= batch.min() < batch.max() <= 1


def test_a_face_is_cropped_alike_at_any_size():
    """The crop holds brow to chin: of the official 178 x 218 pixels, rows 52 to 180 and columns 25 to 153."""
    picture = np.zeros((218, 178, 3), np.float32)
    picture[52:180, 25:153] = 1
    assert formats.crop_face(picture, (64, 64, 3)).min() == 1
    assert formats.crop_face(sheets.enlarge(picture, 2), (64, 64, 3)).min() == 1
    picture[:] = 1 - picture
    assert formats.crop_face(picture, (64, 64, 3)).max() == 0


def test_a_damaged_face_is_named(tiny_celeba, tmp_path):
    (tmp_path / "data/celeba/img_align_celeba/000002.jpg").write_bytes(b"no picture")
    with pytest.raises(datasets.DataMissing, match="000002.jpg cannot be read"):
        datasets.load("celeba", "train", (64, 64, 3))[0][np.arange(3)]


def test_missing_faces_say_where_to_get_them():
    with pytest.raises(datasets.DataMissing, match=r"CelebA faces is not on this machine.*mmlab.ie.cuhk.edu.hk"):
        datasets.load("celeba", "test", (64, 64, 3))
    assert datasets.attribute_names("celeba") == () and not datasets.has_samples("celeba")


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_drawing_has_the_ground_of_an_own_models_pictures(monkeypatch, light, channels):
    ground = float(light)
    pictures = np.full((5, 32, 32, channels), ground, np.float32)
    pictures[:, 10:20, 14:18] = 1 - ground
    monkeypatch.setattr(datasets, "about", lambda name: datasets.Dataset("Mine", ("a",), photo=True))
    monkeypatch.setattr(datasets, "samples", lambda name: (pictures, np.zeros(5, int)))
    ink = np.zeros((280, 280), np.float32)
    ink[60:220, 130:150] = 1
    drawn = datasets.draw(ink, "my_model", (32, 32, channels))
    assert drawn.shape == (32, 32, channels) and drawn[0, 0, 0] == ground
    assert abs(drawn[16, 16, 0] - (1 - ground)) < 0.3 and np.abs(drawn[:4] - ground).max() == 0


@pytest.mark.parametrize(("name", "shape"), [("mnist", (32, 32, 1)), ("fashion_mnist", (28, 28, 1)),
                                             ("quickdraw_cats", (32, 32, 1))])
def test_what_is_brought_is_as_large_as_a_data_sets_own(name, shape):
    """A digit takes 20 pixels, on a larger canvas as well: there is but more black around it."""
    photo = np.full((300, 200, 3), 0.9, np.float32)
    photo[100:200, 70:130] = 0.1
    for picture in (datasets.fit(photo, name, shape), datasets.draw(1 - photo[..., 0] / 0.9, name, shape)):
        assert picture.shape == shape
    rows = np.flatnonzero(datasets.fit(photo, name, shape)[..., 0].max(axis=1) > 0.1)
    entry = datasets.DATASETS[name]
    assert abs(len(rows) - (entry.shape[0] - 2 * entry.margin)) <= 1
