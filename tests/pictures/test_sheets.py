"""Pictures out: nothing is lost or covered on the way."""
import io

import numpy as np
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
