"""A reader's uploads: good ones are read, every other is named, and no archive does harm."""
import io
import zipfile

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from ae_core import guard
from ae_core.pictures import collections, convert, sheets
from tests.conftest import random_pictures

SHAPE = (28, 28, 1)


def png(seed=0, shape=(40, 30, 3)):
    return sheets.to_png(convert.to_uint8(random_pictures(1, shape, seed)[0]))


def zipped(entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in entries:
            archive.writestr(name, raw)
    return buffer.getvalue()


def test_files_and_archives_are_read_alike():
    files = [("a.png", png(0)), ("more.zip", zipped([("cats/b.png", png(1)), ("cats/", b""), (".DS_Store", b"x")]))]
    shares = []
    read = collections.read(files, SHAPE, report=shares.append)
    assert read.names == ("a.png", "more.zip/cats/b.png") and read.skipped == () and shares == [0, 0.5]
    assert read.pictures.shape == (2, 28, 28, 1) and read.thumbnails.shape == (2, 56, 56, 3)
    assert read.thumbnails.dtype == np.uint8


def float_tiff(values):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values.astype(np.float32), photometric="minisblack", metadata=None)
    return buffer.getvalue()


def test_files_without_a_range_of_their_own_share_one():
    values = np.linspace(0, 200, 28 * 28).reshape(28, 28)
    files = [("set.zip", zipped([("a.tif", float_tiff(values)), ("b.tif", float_tiff(values / 4))]))]
    read = collections.read(files, SHAPE, fit=lambda picture, shape: picture)
    assert read.floats()[1].mean() / read.floats()[0].mean() == pytest.approx(0.25, abs=0.01)
    apart = collections.read([("a.tif", float_tiff(values / 200)), ("b.tif", float_tiff(values))], SHAPE,
                             fit=lambda picture, shape: picture)
    assert apart.floats()[0].max() < 0.01 and not read.notes()


def test_a_set_that_is_nearly_black_is_told_so():
    dark = sheets.to_png(np.full((28, 28, 1), 20, np.uint8))
    assert "nearly black" in collections.read([("dark.png", dark)], SHAPE).notes()[0]
    assert not collections.read([("a.png", png())], SHAPE).notes()


def test_five_broken_pictures_among_a_hundred_are_named():
    broken = {f"{k}.png": raw for k, raw in zip((3, 20, 41, 77, 99), (b"", b"meow", png()[:60], b"\x89PNG", b"\0" * 99),
                                                strict=True)}
    read = collections.read([(f"{k}.png", broken.get(f"{k}.png", png(k))) for k in range(100)], SHAPE)
    assert len(read.names) == 95 and len(read.skipped) == 5
    assert all(any(name in sentence for sentence in read.skipped) for name in broken)


@pytest.mark.parametrize("path", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "..\\evil.png"])
def test_an_archive_with_a_path_out_of_it_is_refused(path):
    read = collections.read([("slip.zip", zipped([("good.png", png()), (path, png())])), ("a.png", png())], SHAPE)
    assert read.names == ("a.png",) and "slip.zip" in read.skipped[0] and "evil.png" in read.skipped[0]


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch):
    bomb = zipped([("big.png", bytes(400 * 2**20))])
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it was unpacked"))
    read = collections.read([("bomb.zip", bomb)], SHAPE)
    assert read.names == () and "bomb.zip would unpack to 400 MB" in read.skipped[0]


def test_too_many_files_are_refused(monkeypatch):
    monkeypatch.setattr(guard, "MAX_ENTRIES", 3)
    read = collections.read([("many.zip", zipped([(f"{k}.png", png()) for k in range(4)]))], SHAPE)
    assert read.names == () and "many.zip holds 4 files" in read.skipped[0]


def test_a_nested_archive_is_not_opened():
    read = collections.read([("outer.zip", zipped([("inner.zip", zipped([("a.png", png())]))]))], SHAPE)
    assert read.names == () and "outer.zip/inner.zip is not a picture" in read.skipped[0]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_mutated_archive_is_read_or_named(drawn):
    raw = bytearray(ARCHIVE)
    for _ in range(drawn.draw(st.integers(1, 6))):
        raw[drawn.draw(st.integers(2, len(raw) - 1))] = drawn.draw(st.integers(0, 255))
    read = collections.read([("x.zip", bytes(raw[:drawn.draw(st.integers(1, len(raw)))]))], SHAPE)
    assert len(read.names) == len(read.pictures) == len(read.thumbnails)
    assert all("x.zip" in sentence for sentence in read.skipped)


ARCHIVE = zipped([("a.png", png(0, (8, 8, 3))), ("b.png", png(1, (8, 8, 3)))])


def test_stopping_works_from_the_progress():
    def stop(share):
        raise InterruptedError
    with pytest.raises(InterruptedError):
        collections.read([("a.png", png())], SHAPE, report=stop)


def named(*paths):
    return [(path, png(k, (8, 8, 1))) for k, path in enumerate(paths)]


@pytest.mark.parametrize("paths, found", [
    (["data/zero/1.png", "data/one/2.png"], {"zero", "one"}),
    (["data\\zero\\1.png", "data\\one\\2.png"], {"zero", "one"}),
    (["tiny/train/n01/images/1.png", "tiny/train/n02/images/2.png"], {"n01", "n02"}),
    (["cats/young/1.png", "dogs/young/2.png", "dogs/old/3.png"], {"cats/young", "dogs/young", "dogs/old"}),
    (["zero/1.png", "zero/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg", "one/2.png"], {"zero", "one"}),
    (["all/1.png", "all/2.png"], {None}), (["1.png", "2.png"], {None}), (["a/1.png", "2.png"], {"a", None})])
def test_a_class_is_the_folder_that_tells_pictures_apart(paths, found):
    read = collections.read([("x.zip", zipped(named(*paths)))], SHAPE)
    assert set(collections.classes(read.names)) == found and read.skipped == ()


def test_one_archive_a_class():
    files = [(f"{name}.zip", zipped(named("1.png", "2.png"))) for name in ("cats", "dogs")]
    assert collections.classes(collections.read(files, SHAPE).names) == ["cats", "cats", "dogs", "dogs"]


def test_only_what_could_have_been_a_picture_is_named():
    """Beside 24 scans with their .xmp and .md5 files, 52 sentences hid the one damaged scan."""
    beside = [(f"{k}{suffix}", b"text") for k in range(25) for suffix in (".xmp", ".md5")]
    read = collections.read([("scans.zip", zipped([*named(*(f"{k}.png" for k in range(24))), ("24.png", png()[:90]),
                                                   *beside]))], SHAPE)
    assert len(read.names) == 24 and read.passed_over == 50
    assert len(read.notes()) == 2 and "24.png" in read.notes()[0] and "50 other files" in read.notes()[1]


@pytest.mark.parametrize("raw, kind", [(b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x1f\x8b\x08", "gzip")])
def test_another_archive_is_refused_by_name(raw, kind):
    read = collections.read([("scans.tar.gz", raw)], SHAPE)
    assert f"scans.tar.gz is a {kind} archive" in read.skipped[0]


def test_many_tiny_pictures_stay_small(monkeypatch):
    """A 2.8 MB zip of 20,000 pictures of one pixel took 2.3 GB in color at 64x64."""
    monkeypatch.setattr(collections, "MAX_RESULT", 2**20)
    one = png(0, (1, 1, 3))
    read = collections.read([("many.zip", zipped([(f"{k}.png", one) for k in range(200)]))], (64, 64, 3),
                            fit=convert.square)
    assert read.pictures.dtype == np.uint8 and read.pictures.nbytes + read.thumbnails.nbytes < 2**20 + 30_000
    assert "would not fit into memory" in read.skipped[-1]


def test_huge_pictures_in_few_bytes_are_refused_as_a_whole(monkeypatch):
    """3.1 KB of twenty pictures of 49 megapixels each took 33 seconds."""
    monkeypatch.setattr(guard, "FREE_PIXELS", 3_000_000)
    monkeypatch.setattr(guard, "PIXELS_PER_BYTE", 10)
    blank = sheets.to_png(np.zeros((1000, 1000, 1), np.uint8))
    read = collections.read([("blank.zip", zipped([(f"{k}.png", blank) for k in range(20)]))], SHAPE)
    assert len(read.names) <= 4 and "far more pixels" in read.skipped[-1]


@pytest.mark.parametrize(("name", "raw"), [("a.png", png()), ("a.tif", float_tiff(random_pictures(1)[0, ..., 0]))])
def test_what_there_is_no_time_for_is_counted(name, raw):
    """19,000 of one pixel took 19 s; and the range of a set of TIFFs is looked for in all of them first."""
    many = zipped([(f"{k}{name}", raw) for k in range(9)])
    read = collections.read([("a.zip", many)], SHAPE, seconds=0)
    assert len(read.names) == 1 and read.unread == 8 and read.notes() == []
    assert len(collections.read([("a.zip", many)], SHAPE).names) == 9
