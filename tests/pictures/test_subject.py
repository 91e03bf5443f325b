"""What a small model sees of a picture: digits on any paper, garments before any wall."""
import cv2
import numpy as np
import pytest

from ae_core.pictures import convert, datasets, subject

SHAPE = (28, 28, 1)


@pytest.fixture(scope="module")
def digit():
    """A five (28, 28)."""
    pictures, labels = datasets.samples("mnist")
    return pictures[labels == 5][3, ..., 0]


def on_paper(digit, paper=0.9, contrast=0.75, size=(400, 300)):
    """A digit 200 pixels high in the middle of a sheet (h, w, 1)."""
    ink = np.zeros(size, np.float32)
    top, left = (size[0] - 200) // 2, (size[1] - 200) // 2
    ink[top:top + 200, left:left + 200] = np.clip(cv2.resize(digit, (200, 200), interpolation=cv2.INTER_CUBIC), 0, 1)
    return (paper * (1 - contrast * ink))[..., None]


def grain(picture, seed=0):
    noise = np.random.default_rng(seed).normal(0, 0.015, picture.shape)
    return np.clip(picture + noise, 0, 1).astype(np.float32)


def likeness(found, digit):
    return np.corrcoef(found.picture.ravel(), digit.ravel())[0, 1] if found.picture.any() else 0


def test_a_digit_of_mnist_comes_back_as_it_is(digit):
    found = subject.find(digit[..., None], SHAPE, "digit")
    assert found.picture.shape == SHAPE and found.picture.dtype == np.float32 and not found.dark_on_light
    assert likeness(found, digit) > 0.93         # MNIST centers by whole pixels


def test_ink_is_found_on_paper_and_told_apart_from_it(digit):
    photo = grain(on_paper(digit))
    found = subject.find(photo, SHAPE, "digit")
    assert found.dark_on_light and found.mask.shape == (400, 300) and likeness(found, digit) > 0.87
    top, bottom, left, right = found.box
    assert 100 <= top < bottom <= 300 and 50 <= left < right <= 250
    assert found.mask[top:bottom, left:right].sum() == found.mask.sum() > 1000


def lit(photo, side):
    return photo * (0.6 + 0.4 * np.linspace(*side, photo.shape[1]))[None, :, None]


def ruled(photo):
    photo = photo.copy()
    photo[15::30] = photo[16::30] = np.minimum(photo[15::30], 0.6)
    return photo


def with_dot(photo):
    photo = photo.copy()
    cv2.circle(photo, (20, 15), 4, 0.1, -1)
    return photo


def with_table(photo):
    photo = photo.copy()
    photo[:, :22] = 0.25
    return photo


def framed(photo):
    photo = photo.copy()
    return cv2.rectangle(photo, (15, 15), (284, 384), 0.15, 4).reshape(photo.shape)


@pytest.mark.parametrize("spoil", [
    lambda photo: lit(photo, (-0.8, 1)), lambda photo: lit(photo, (1, -0.8)), ruled, with_dot, with_table,
    framed,
    lambda photo: 1 - photo, lambda photo: np.pad(photo, ((600, 0), (0, 500), (0, 0)), mode="edge")
], ids=["light from the right", "light from the left", "ruled", "dot", "table", "frame", "inverted", "in a corner"])
def test_what_else_is_on_the_paper_makes_no_difference(digit, spoil):
    assert likeness(subject.find(grain(spoil(on_paper(digit))), SHAPE, "digit"), digit) > 0.87


def test_pale_pencil_is_found(digit):
    assert likeness(subject.find(grain(on_paper(digit, contrast=0.2)), SHAPE, "digit"), digit) > 0.87


def test_colors_of_one_lightness_are_told_apart(digit):
    ink = (0.9 - on_paper(digit, contrast=1)) / 0.9
    red, green = np.float32([0.72, 0.3, 0.3]), np.float32([0.3, 0.51, 0.3])
    assert abs((red - green) @ [0.299, 0.587, 0.114]) < 0.01
    assert likeness(subject.find(grain(ink * red + (1 - ink) * green), SHAPE, "digit"), digit) > 0.87


def test_a_digit_is_as_large_as_mnists_and_its_center_of_mass_in_the_middle(digit):
    found = subject.find(on_paper(digit), SHAPE, "digit").picture[..., 0]
    rows, columns = np.where(found > 0.2)
    assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 21
    middle = [(np.indices(found.shape)[axis] * found).sum() / found.sum() for axis in (0, 1)]
    assert middle == pytest.approx([14, 14], abs=0.1)


@pytest.mark.parametrize("dark_on_light", [True, False])
def test_polarity_can_be_given(digit, dark_on_light):
    found = subject.find(on_paper(digit), SHAPE, "digit", dark_on_light=dark_on_light)
    assert found.dark_on_light is dark_on_light and (likeness(found, digit) > 0.87) == dark_on_light


def test_a_drawing_touches_its_margin():
    ink = np.zeros((280, 280, 1), np.float32)
    ink[20:60, 30:250] = 1
    picture = subject.find(ink, SHAPE, "drawing", margin=4).picture[..., 0]
    rows, columns = np.where(picture > 0.5)
    assert (columns.min(), columns.max()) == (4, 23) and rows.min() + rows.max() == 27


def test_what_is_drawn_is_taken_as_it_is(digit):
    ink = np.zeros((280, 280), np.float32)
    ink[40:240, 30:230] = np.clip(cv2.resize(digit, (200, 200), interpolation=cv2.INTER_CUBIC), 0, 1)
    assert np.corrcoef(subject.draw(ink, SHAPE, "digit").ravel(), digit.ravel())[0, 1] > 0.9
    assert not subject.draw(np.zeros((280, 280), np.float32), SHAPE).any()


def test_area_averages_are_exact():
    """A square of 3 pixels at a third of a pixel from the edge: ink is neither lost nor moved."""
    ink = np.zeros((9, 9), np.float32)
    ink[3:6, 3:6] = 1
    small = subject.place(ink, (6, 6, 1), 2, by_mass=False)[..., 0]
    assert small.sum() == pytest.approx(4, abs=1e-5) and (small[2:4, 2:4] == 1).all()
    half = subject.place(ink, (5, 5, 1), 1, by_mass=False)[..., 0]
    np.testing.assert_allclose(half, half.T, atol=1e-6)
    assert half.sum() == pytest.approx(9, abs=1e-5)


@pytest.mark.parametrize("kind", subject.KINDS)
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (28, 28), (3000, 20)])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_where_there_is_no_subject_the_picture_is_black(kind, size, level):
    found = subject.find(np.full((*size, 3), level, np.float32), SHAPE, kind)
    assert found.picture.shape == SHAPE and not found.picture.any()
    assert found.mask.shape == size and not found.mask.any() and found.box is None


@pytest.mark.parametrize("kind", subject.KINDS)
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 1)])
def test_noise_of_any_size_fits(kind, shape):
    found = subject.find(np.random.default_rng(0).random((333, 77, 3), np.float32), shape, kind)
    assert found.picture.shape == shape and found.picture.min() >= 0 and found.picture.max() <= 1


def test_too_much_and_nothing_are_told(digit):
    assert subject.remark(subject.find(on_paper(digit), SHAPE), "a.png") == ""
    nothing = subject.find(np.ones((50, 50, 1), np.float32), SHAPE)
    assert "Nothing stands out" in subject.remark(nothing, "a.png")
    all_of_it = subject.Subject(nothing.picture, np.ones((5, 5), bool), (0, 5, 0, 5), False)
    assert "Crop it by hand" in subject.remark(all_of_it, "a.png")


def test_the_outline_shows_where_the_subject_lies(digit):
    photo = on_paper(digit)
    shown = subject.outline(photo, subject.find(photo, SHAPE), 224)
    assert shown.shape == (224, 224, 3) and shown.dtype == np.uint8
    orange = (np.abs(shown.astype(int) - np.multiply(subject.BOX, 255)).max(axis=-1) < 40)
    assert 200 < orange.sum() < 2000


# --- garments -------------------------------------------------------------------------------------------------

SHIRT = np.zeros((200, 200), np.uint8)
cv2.fillPoly(SHIRT, [np.array([[60, 40], [90, 50], [110, 50], [140, 40], [175, 75], [155, 95], [140, 80], [140, 165],
                               [60, 165], [60, 80], [45, 95], [25, 75]])], 1)
SHIRT = SHIRT.astype(bool)


def hung(paint, wall):
    photo = np.where(SHIRT[..., None], np.float32(paint), np.float32(wall))
    return grain(photo * np.linspace(1, 0.85, 200, dtype=np.float32)[:, None, None])


@pytest.mark.parametrize(("paint", "wall"), [
    ((0.93, 0.84, 0.25), (0.93, 0.92, 0.9)), ((0.1, 0.1, 0.12), (0.5, 0.5, 0.5)), ((0.95, 0.95, 0.95), (0.5, 0.5, 0.5)),
    ((0.75, 0.1, 0.1), (0.15, 0.45, 0.25))], ids=["yellow on white", "dark on gray", "white on gray", "red on green"])
def test_a_garment_is_found_by_its_color(paint, wall):
    found = subject.find(hung(paint, wall), SHAPE, "garment", margin=0)
    assert (found.mask & SHIRT).sum() / (found.mask | SHIRT).sum() > 0.9
    assert found.picture[14, 14] >= subject.DIMMEST and found.picture[:2, :2].max() < 0.1
    assert found.dark_on_light == (convert.to_gray(np.float32(paint)) < convert.to_gray(np.float32(wall)))


def test_an_outline_of_a_garment_is_filled():
    drawn = np.zeros((200, 200, 1), np.float32)
    contours, _ = cv2.findContours(SHIRT.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, contours, -1, 1.0, 3)
    found = subject.find(drawn, SHAPE, "garment", margin=0)
    assert (found.mask & SHIRT).sum() / (found.mask | SHIRT).sum() > 0.85
    assert found.picture[14, 14] == pytest.approx(1, abs=0.01) and not found.dark_on_light
    filled = subject.draw(drawn[..., 0], SHAPE, "garment", margin=0)
    assert filled[14, 14] == pytest.approx(1, abs=0.01) and filled[0, 0] == 0
