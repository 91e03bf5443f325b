"""A pen's points become the same pixels in the browser as in NumPy, and those that the pen covers."""
import numpy as np

from pages.shared.live import state
from tests.browser import strokes

SIDE, SCALE, WIDTH = 112, 4, 2.4
GRAY = """([strokes, side, scale, width, base]) => {
    const ink = new Ink(side, scale, width);
    strokes.forEach((stroke) => ink.draw(stroke));
    return Array.from(ink.gray(base));
}"""


def drawn(page, lines, base=None):
    script = (state.ASSETS / "strokes.js").read_text("utf-8")
    shown = None if base is None else base.ravel().tolist()
    levels = page.evaluate(f"{script}\n({GRAY})", [lines, SIDE, SCALE, WIDTH, shown])
    return np.array(levels, np.uint8).reshape(SIDE, SIDE)


def random_strokes(seed):
    """Points as a hand leaves them, some beyond the edge: a dot, a line, two curves."""
    rng = np.random.default_rng(seed)
    walks = [rng.uniform(0, 28, 2) + rng.normal(size=(n, 2)).cumsum(axis=0) * 2 for n in (1, 2, 5, 40)]
    return [walk.tolist() for walk in walks]


def test_the_browser_and_numpy_agree_to_the_byte(page):
    for seed in range(5):
        lines = random_strokes(seed)
        assert np.array_equal(drawn(page, lines), strokes.gray(lines, SIDE, SCALE, WIDTH))
    base = np.random.default_rng(9).integers(0, 256, (SIDE, SIDE), np.uint8)
    assert np.array_equal(drawn(page, lines, base), strokes.gray(lines, SIDE, SCALE, WIDTH, base))


def test_a_pixel_is_inked_by_the_part_of_it_that_the_pen_covers():
    lines, fine = [[[5.1, 20.3], [17.7, 6.2]]], 8
    hard = strokes.gray(lines, SIDE * fine, SCALE * fine, WIDTH) / 255
    covered = hard.reshape(SIDE, fine, SIDE, fine).mean(axis=(1, 3))
    assert np.abs(strokes.gray(lines, SIDE, SCALE, WIDTH) / 255 - covered).max() < 0.08
