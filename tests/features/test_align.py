"""Uploads of faces: each becomes a face, upright and in its place, or a sentence."""
import io
import resource

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

from ae_core.features import align
from ae_core.pictures import convert, reader

SHAPE = (64, 64, 3)


def encoded(picture, kind="JPEG", **options):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def astronaut():
    return pictures.astronaut()


@pytest.fixture(scope="module")
def reference(astronaut):
    """The face as it is found in the plain photograph."""
    return align.find_face(encoded(astronaut), "astronaut.jpg", SHAPE).face


def alike(face, reference):
    """Whether two faces (64, 64, 3) lie on each other: two different people correlate far less."""
    return np.corrcoef(convert.to_gray(face).ravel(), convert.to_gray(reference).ravel())[0, 1] > 0.9


def test_the_eyes_come_to_lie_where_celeba_has_them(astronaut):
    """In the crop of 64 x 64 at row 30 and columns 22 and 41: dark spots between lighter skin."""
    found = align.find_face(encoded(astronaut, "PNG"), "astronaut.png", SHAPE)
    assert (found.count, found.turned, found.eyes) == (1, 0, True)
    assert found.face.shape == SHAPE and found.face.dtype == np.float32
    gray = convert.to_gray(found.face)[..., 0]
    for column in (22, 41):
        eye, cheek = gray[28:33, column - 2:column + 3].min(), gray[38:42, column - 2:column + 3].mean()
        assert eye < cheek - 0.2


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_sideways_photo_is_turned_upright(astronaut, reference, turns):
    found = align.find_face(encoded(np.rot90(astronaut, turns).copy()), "phone.jpg", SHAPE)
    assert found.turned == turns and alike(found.face, reference)


def test_a_photo_that_says_how_it_was_held_needs_no_turning(astronaut, reference):
    exif = Image.Exif()
    exif[0x0112] = 6                             # the camera was held sideways
    found = align.find_face(encoded(np.rot90(astronaut).copy(), exif=exif), "phone.jpg", SHAPE)
    assert found.turned == 0 and alike(found.face, reference)


def test_a_leaning_head_is_levelled(astronaut, reference):
    leaning = cv2.warpAffine(astronaut, cv2.getRotationMatrix2D((225, 110), 12, 1), (512, 512))
    assert alike(align.find_face(encoded(leaning), "leaning.jpg", SHAPE).face, reference)


def test_a_gray_photo_is_as_good(astronaut, reference):
    found = align.find_face(encoded(astronaut.mean(axis=2).astype(np.uint8)), "gray.jpg", SHAPE)
    assert found.face.shape == SHAPE and alike(found.face, reference)


def test_of_two_faces_the_larger_is_taken_and_both_are_counted(astronaut, reference):
    small = np.zeros_like(astronaut)
    small[:256, :256] = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    for pair in ((small, astronaut), (astronaut, small)):
        found = align.find_face(encoded(np.concatenate(pair, axis=1)), "two.jpg", SHAPE)
        assert found.count == 2 and alike(found.face, reference)


def test_fifty_megapixels_are_read_in_bounded_memory(astronaut, reference):
    """Its float32 pixels alone would take 580 MB."""
    raw = encoded(cv2.resize(astronaut, (7000, 7000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = align.find_face(raw, "large.jpg", SHAPE)
    assert alike(found.face, reference)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


@pytest.mark.parametrize("turns", [0, 1])
def test_a_face_is_cut_from_the_photo_not_from_the_copy_that_is_searched(astronaut, reference, monkeypatch, turns):
    """The copy has lost a tenth of the steps between the pixels."""
    monkeypatch.setattr(align, "LARGEST", 300)
    found = align.find_face(encoded(np.rot90(astronaut, turns).copy(), "PNG"), "group.png", SHAPE)
    assert np.abs(np.diff(found.face, axis=0)).mean() > 0.95 * np.abs(np.diff(reference, axis=0)).mean()
    assert alike(found.face, reference)


def test_the_size_of_a_face_is_told_in_the_photos_own_pixels(astronaut, monkeypatch):
    monkeypatch.setattr(align, "SMALLEST", 300)
    with pytest.raises(reader.BadPicture, match=r"is only about (1[89]\d|2[0-4]\d) pixels wide"):
        align.find_face(encoded(cv2.resize(astronaut, (1024, 1024)), "PNG"), "mine.png", SHAPE)
    monkeypatch.setattr(align, "LARGEST", 800)
    with pytest.raises(reader.BadPicture, match=r"is only about (1[89]\d|2[0-4]\d) pixels wide"):
        align.find_face(encoded(cv2.resize(astronaut, (1024, 1024)), "PNG"), "mine.png", SHAPE)


def drawing():
    """A face as a child draws it."""
    paper = np.full((400, 400), 255, np.uint8)
    cv2.circle(paper, (200, 200), 150, 0, 3)
    for eye in (150, 250):
        cv2.circle(paper, (eye, 160), 20, 0, 3)
    cv2.ellipse(paper, (200, 250), (70, 40), 0, 0, 180, 0, 3)
    return paper


@pytest.mark.parametrize("picture", [drawing(), pictures.chelsea(), pictures.coffee(), pictures.brick(),
                                     np.full((500, 300, 3), 255, np.uint8), np.zeros((1, 1, 3), np.uint8),
                                     np.zeros((4000, 2, 3), np.uint8)],
                         ids=["drawing", "cat", "coffee", "bricks", "white", "one pixel", "a line"])
def test_no_face_gets_a_sentence(picture):
    with pytest.raises(reader.BadPicture, match=r"No face was found in mine.png\. The face must .* Try another photo"):
        align.find_face(encoded(picture, "PNG"), "mine.png", SHAPE)


@pytest.mark.parametrize("side", [160, 100, 40])
def test_a_tiny_face_gets_a_sentence(astronaut, side):
    small = cv2.resize(astronaut, (side, side), interpolation=cv2.INTER_AREA)
    with pytest.raises(reader.BadPicture, match="mine.png.*(48 are needed|at least 48 pixels)"):
        align.find_face(encoded(small, "PNG"), "mine.png", SHAPE)


@pytest.mark.parametrize("raw", [b"", b"no picture", encoded(np.zeros((9, 9, 3), np.uint8))[:200]])
def test_what_is_no_picture_gets_a_sentence(raw):
    with pytest.raises(reader.BadPicture, match="mine.jpg"):
        align.find_face(raw, "mine.jpg", SHAPE)


def test_eyes_are_steadied_by_the_box():
    box = np.array([100, 100, 200, 200])
    usual = align.places_of_eyes(box)
    np.testing.assert_allclose(usual, [[161.8, 177.4], [236.4, 177.4]], atol=0.1)
    np.testing.assert_allclose(align.places_of_eyes(box, usual), usual, atol=1e-3)
    higher = align.places_of_eyes(box, usual - [0, 10])
    np.testing.assert_allclose(higher, usual - [0, 5], atol=1e-3)


def test_opencv_never_opens_a_path_itself(monkeypatch):
    """On Windows it cannot open one beyond ASCII, and a user's name may be."""
    real = cv2.CascadeClassifier
    monkeypatch.setattr(cv2, "CascadeClassifier", lambda *given: pytest.fail("a path") if given else real())
    for name in ("frontalface_alt2", "eye"):
        assert not align._cascade(name).empty()
