import gzip
import io

import numpy as np
import pytest

from ae_core.pictures import datasets, reader, sheets
from tests import conftest


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_samples_are_the_whole_test_set_in_the_contract(name):
    pictures, labels = datasets.samples(name)
    assert pictures.shape == (10_000, 28, 28, 1) and pictures.dtype == np.float32
    assert pictures.min() == 0 and pictures.max() == 1
    assert labels.shape == (10_000,) and set(labels) == set(range(len(datasets.DATASETS[name].classes)))


def test_the_first_digits_are_the_known_ones():
    assert list(datasets.samples("mnist")[1][:5]) == [7, 2, 1, 0, 4]


def test_padding_is_black_and_even():
    pictures = datasets.pad(np.ones((1, 28, 28, 1), np.float32), (32, 32, 1))
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
    target = datasets.download("fashion_mnist")
    assert target.is_relative_to(tmp_path)
    with np.load(target) as arrays:
        assert all((arrays[key] == array).all() for key, array in wanted.items())


def test_cats_by_rule_stand_in_for_those_that_are_not_shipped():
    pictures, labels = datasets.samples("quickdraw_cats", (32, 32, 1))
    assert pictures.shape == (datasets.DOODLES, 32, 32, 1) and pictures.max() == 1 and not labels.any()
    with pytest.raises(datasets.DataMissing, match="quickdraw.*--download quickdraw_cats"):
        datasets.load("quickdraw_cats", "test")


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
    monkeypatch.setattr(datasets, "TEST_FACES", 3)
    return conftest.celeba(tmp_path / "data", 10)


def test_faces_are_split_by_file_name_with_their_attributes(tiny_celeba):
    (train, has), (test, test_has) = (datasets.load("celeba", split, (64, 64, 3)) for split in ("train", "test"))
    assert [path.name for path in test.paths] == ["000008.jpg", "000009.jpg", "000010.jpg"]
    assert train.shape == (7, 64, 64, 3) and len(set(train.paths) & set(test.paths)) == 0
    np.testing.assert_array_equal(np.concatenate([has, test_has]), tiny_celeba)
    assert datasets.attribute_names() == ("Smiling", "Eyeglasses", "Male", "Blond_Hair")


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
    assert datasets.crop_face(picture, (64, 64, 3)).min() == 1
    assert datasets.crop_face(sheets.enlarge(picture, 2), (64, 64, 3)).min() == 1
    picture[:] = 1 - picture
    assert datasets.crop_face(picture, (64, 64, 3)).max() == 0


def test_a_damaged_face_is_named(tiny_celeba, tmp_path):
    (tmp_path / "data/celeba/img_align_celeba/000002.jpg").write_bytes(b"no picture")
    with pytest.raises(datasets.DataMissing, match="000002.jpg cannot be read"):
        datasets.load("celeba", "train", (64, 64, 3))[0][np.arange(3)]


def test_missing_faces_say_where_to_get_them():
    with pytest.raises(datasets.DataMissing, match=r"CelebA faces is not on this machine.*mmlab.ie.cuhk.edu.hk"):
        datasets.load("celeba", "test", (64, 64, 3))
    assert datasets.attribute_names() == () and not datasets.has_samples("celeba")
