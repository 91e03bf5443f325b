"""A drawing lies in a model's picture as the server places it: the browser's numbers are its own to 1e-6."""
from dataclasses import replace

import numpy as np
import pytest

from ae_core import browser as packing
from ae_core.pictures import datasets
from pages.shared.live import state
from tests.browser import strokes

SIDE, SCALE, WIDTH = 112, 4, 2.4
SCRIPT = (state.ASSETS / "placing.js").read_text("utf-8")
PLACE = "([gray, side, shape, room]) => [...placed(gray.map((level) => level / 255), side, shape, room)]"
SHAPES = {"mnist": (32, 32, 1), "fashion_mnist": (28, 28, 1), "quickdraw_cats": (32, 32, 1), "cifar10": (32, 32, 3)}


def random_drawings(seed):
    """A dot, a line, an open and a closed outline, scribbles at the edge: uint8 (SIDE, SIDE)."""
    rng = np.random.default_rng(seed)
    turns = np.linspace(0, 2 * np.pi, 40)
    circle = (14 + 8 * np.stack([np.cos(turns), 1.2 * np.sin(turns)], axis=1)).tolist()
    walk = (rng.uniform(0, 28, 2) + rng.normal(size=(60, 2)).cumsum(axis=0)).tolist()
    for lines in ([[[3.3, 4.1]]], [[[5.1, 20.3], [17.7, 6.2]]], [circle], [circle[:-3]], [walk], [walk, circle]):
        yield strokes.gray(lines, SIDE, SCALE, WIDTH)


def found(page, gray, shape, room):
    values = page.evaluate(f"{SCRIPT}\n({PLACE})", [gray.ravel().tolist(), SIDE, list(shape), room])
    return np.reshape(values, shape)


@pytest.mark.parametrize("name", SHAPES)
def test_the_browser_places_a_drawing_as_the_server_does(page, name):
    for gray in random_drawings(0):
        wanted = datasets.draw(gray.astype(np.float32) / 255, name, SHAPES[name])
        placed = found(page, gray, SHAPES[name], packing.room(name, SHAPES[name]))
        assert wanted.any() and np.abs(placed - wanted).max() < 1e-6


def test_a_light_ground_is_drawn_dark_on_light(page, monkeypatch):
    monkeypatch.setattr(datasets, "is_light", lambda name: True)
    monkeypatch.setattr(datasets, "about", lambda name: replace(datasets.DATASETS["mnist"], margin=1))
    gray = next(random_drawings(1))
    for shape in ((28, 28, 1), (20, 24, 3)):
        wanted = datasets.draw(gray.astype(np.float32) / 255, "own_mine", shape)
        placed = found(page, gray, shape, packing.room("own_mine", shape))
        assert wanted[0, 0, 0] == 1 and np.abs(placed - wanted).max() < 1e-6


def test_no_ink_is_a_black_picture(page):
    blank = np.zeros((SIDE, SIDE), np.uint8)
    assert not found(page, blank, (28, 28, 1), packing.room("mnist", (28, 28, 1))).any()
