"""Pictures out: nothing is lost or covered on the way."""
import io

import numpy as np
import pytest
from PIL import Image

from ae_core.pictures import sheets


def test_a_tile_keeps_pixels_sharp_and_in_order():
    pictures = np.zeros((3, 2, 2, 1), np.float32)
    pictures[1, 0, 1] = 1
    sheet = sheets.tile(pictures, 2, gap=1, scale=3)
    assert sheet.shape == (7 * 3, 7 * 3, 1) and sheet.dtype == np.uint8
    assert (sheet[3:6, 15:18] == 255).all() and set(np.unique(sheet)) == {0, 64, 255}


def test_a_label_covers_nothing():
    sheet = sheets.tile(np.ones((1, 28, 28, 1), np.float32), 1, scale=4)
    labeled = sheets.label(sheet, "Original")
    assert labeled.shape[-1] == 3 and (labeled[-len(sheet):] == sheet).all()
    assert (labeled[:-len(sheet)] < 128).any()


def test_png_and_gif_survive_the_way_out():
    pictures = np.random.default_rng(0).random((5, 6, 6, 1)).astype(np.float32)
    sheet = sheets.tile(pictures, 5)
    assert (np.asarray(Image.open(io.BytesIO(sheets.to_png(sheet)))) == sheet[..., 0]).all()
    gif = Image.open(io.BytesIO(sheets.to_gif(pictures, fps=10, scale=2)))
    assert gif.n_frames == 5 and gif.size == (12, 12) and gif.info["duration"] == 100


def test_stack_keeps_every_sheet():
    stacked = sheets.stack(np.zeros((4, 5, 1), np.uint8), np.full((3, 5, 3), 9, np.uint8), gap=2)
    assert stacked.shape == (9, 5, 3) and (stacked[-3:] == 9).all() and (stacked[4:6] == 255).all()


@pytest.mark.parametrize(("low", "high", "count", "texts"), [
    (-4, 4, 30, ["-4", "-3", "-2", "-1", "0", "1", "2", "3", "4"]), (-1.5, 1.5, 10, ["-1.5", "-1", "-0.5", "0", "0.5",
                                                                                    "1", "1.5"]),
    (-3, 3, 7, ["-3", "-2", "-1", "0", "1", "2", "3"]), (0.2, 0.9, 4, ["0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8",
                                                                       "0.9"])])
def test_ticks_stand_in_the_middle_of_their_cells(low, high, count, texts):
    found = sheets.ticks(low, high, count)
    assert [text for _, text in found] == texts
    for share, text in found:
        assert share * count - 0.5 == pytest.approx((float(text) - low) / (high - low) * (count - 1))


def test_axes_stand_beside_the_sheet_and_change_nothing_of_it():
    sheet = np.random.default_rng(0).integers(0, 255, (60, 90, 1), np.uint8)
    both = sheets.axes(sheet, (-1, 1, 3), (0, 2, 3), ("z1", "z2"))
    left = 2 * sheets.LABEL
    np.testing.assert_array_equal(both[:60, left:left + 90], sheets.to_rgb(sheet))
    assert (both[60:, left:] < 128).any() and (both[:60, :left] < 128).any() and both.shape[0] == 60 + sheets.LABEL
    below = sheets.axes(sheet, (-1, 1, 3), None, ("", ""))
    np.testing.assert_array_equal(below[:60, :90], sheets.to_rgb(sheet))
