"""A reader's uploads: good ones are read, every other is named, and no archive does harm."""
import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was unpacked"))
    read = collections.read([("bomb.zip", bomb)], SHAPE)
    assert read.names == () and "bomb.zip would unpack to 400 MB" in read.skipped[0]


def test_too_many_files_are_refused(monkeypatch):
    monkeypatch.setattr(collections, "MAX_ENTRIES", 3)
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
