"""Old prints and panoramas: the network sees what it was trained on, and no pixel of the photograph changes."""
import numpy as np
import pytest

from ae_core import model
from ae_core.features import colorize, paint, prints
from ae_core.pictures import convert, datasets, reader, sheets
from tests.conftest import trained


@pytest.fixture(scope="module")
def network():
    return model.load(trained(colorize.PRESET))


@pytest.fixture(scope="module")
def cat():
    """A gray photograph (200, 300, 1)."""
    return convert.resize(paint.gray(reader.pixels(datasets.photographs()["Cat"].read_bytes())), (200, 300))


def chroma(picture):
    return convert.to_lab(picture[None] / np.float32(255))[1][0]


def alike(first, second):
    return np.corrcoef(chroma(first).ravel(), chroma(second).ravel())[0, 1]


@pytest.mark.parametrize(("paper", "sides"), [(255, (30, 30, 30, 30)), (235, (12, 60, 12, 12)), (10, (0, 0, 25, 25))])
def test_a_plain_border_is_seen_past_and_stays_gray(network, cat, paper, sides):
    top, bottom, left, right = sides
    rng = np.random.default_rng(0)
    framed = np.pad(cat, ((top, bottom), (left, right), (0, 0)), constant_values=paper).astype(int)
    framed = np.clip(framed + rng.integers(-2, 3, framed.shape), 0, 255).astype(np.uint8)
    rows, columns = prints.inside(framed)
    found = np.array([rows.start, framed.shape[0] - rows.stop, columns.start, framed.shape[1] - columns.stop])
    assert np.abs(found - sides).max() <= 3
    picture = colorize.colorize(network, framed).picture
    inner = picture[top:top + 200, left:left + 300]
    assert alike(inner, colorize.colorize(network, cat).picture) > 0.9
    assert np.abs(chroma(picture)[:, :max(1, left - 6)]).max() < 0.02 and picture.shape == (*framed.shape[:2], 3)


def test_a_clear_sky_is_no_border(cat):
    assert prints.inside(np.pad(cat, ((60, 0), (0, 0), (0, 0)), constant_values=200))[0] == slice(0, 260)


def test_a_photograph_without_a_border_is_seen_whole(cat):
    assert prints.inside(cat) == (slice(0, 200), slice(0, 300))
    assert prints.inside(np.full((50, 60, 1), 255, np.uint8)) == (slice(0, 50), slice(0, 60))


@pytest.mark.parametrize(("scale", "shift"), [(0.3, 120), (0.2, 10)], ids=["faded", "dark"])
def test_a_faded_print_gets_the_colors_of_a_fresh_one(network, cat, scale, shift):
    faded = (cat * scale + shift).astype(np.uint8)
    done = colorize.colorize(network, faded)
    assert alike(done.picture, colorize.colorize(network, cat).picture) > 0.6
    np.testing.assert_array_equal(done.gray, faded)


def test_a_good_picture_is_not_stretched(cat):
    lightness = paint.lightness(cat)
    copy, slope, offset = prints.stretch(lightness)
    assert copy is lightness and (slope, offset) == (1, 0)


@pytest.mark.parametrize("tall", [False, True])
def test_a_panorama_is_colored_like_its_parts(network, cat, tall):
    """Twelve photographs in a row: each is as colorful as alone."""
    row = np.concatenate([cat, cat[:, ::-1]] * 3, axis=1)
    row, part = (row.swapaxes(0, 1), cat.swapaxes(0, 1)) if tall else (row, cat)
    whole = colorize.colorize(network, np.ascontiguousarray(row)).picture
    alone = colorize.colorize(network, np.ascontiguousarray(part)).picture
    length = part.shape[0 if tall else 1]
    again = whole[2 * length:3 * length] if tall else whole[:, 2 * length:3 * length]
    assert alike(again, alone) > 0.85
    assert 0.8 < np.abs(chroma(again)).mean() / np.abs(chroma(alone)).mean() < 1.25


@pytest.mark.parametrize("count", [1, 7, 32, 33, 100])
def test_pieces_cover_everything_and_join_to_it(count):
    where = prints.pieces(count, 32)
    values = np.random.default_rng(0).random((3, count, 2), np.float32)
    joined = prints.join([values[:, cells] for cells in where], where, count)
    np.testing.assert_allclose(joined, values, atol=1e-6)
    assert all(cells.stop - cells.start == min(count, 32) for cells in where)


def test_a_strip_is_seen_in_a_bounded_number_of_pieces(network):
    strip = np.random.default_rng(0).integers(0, 256, (4, 30_000, 1), np.uint8)
    assert colorize.colorize(network, strip).picture.shape == (4, 30_000, 3)


TONES = {"sepia": (0.8, 0.95, 1.25), "cyanotype": (1.5, 0.95, 0.75), "yellowed": (0.95, 1, 1.2), "green": (1.1, 0.9, 1)}


def toned(gray, tone):
    """Gray pixels (h, w, 1) as the scan of a print in a tone, compressed as a JPEG."""
    pixels = 255 * (gray / 255) ** np.array(TONES[tone])
    return reader.pixels(sheets.to_photo(pixels.astype(np.uint8)))


def beside(pixels, what):
    """A scan with a color target, or a ruler, at one of its sides."""
    strip = np.full((len(pixels), 40, 3), 235, np.uint8)
    if what == "target":
        strip[:] = np.random.default_rng(2).integers(0, 256, (10, 1, 3)).repeat(len(pixels) // 10, 0)
    else:
        strip[::8, :20] = (200, 30, 30)
    return np.concatenate([pixels, strip], axis=1)


@pytest.mark.parametrize("tone", TONES)
def test_a_toned_print_is_a_scan_without_true_colors(network, cat, tone):
    scan = toned(cat, tone)
    for pixels in (scan, beside(scan, "target"), beside(scan, "ruler")):
        look = colorize.look(network, sheets.to_photo(pixels, "PNG"))
        assert look.truth is None and np.array_equal(look.scan, pixels)
        assert look.gray.shape == (*pixels.shape[:2], 1)


def test_a_toned_print_gets_the_colors_of_a_gray_one(network, cat):
    assert alike(colorize.colorize(network, toned(cat, "sepia")).picture, colorize.colorize(network, cat).picture) > 0.8


@pytest.mark.parametrize("title", datasets.PHOTOGRAPHS)
def test_a_color_photograph_is_no_toned_print(title):
    assert not prints.is_toned(reader.pixels(datasets.photographs()[title].read_bytes()))
