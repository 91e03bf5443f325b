"""Browsers that protect the canvas: pixels that are read back are noise, and yet pictures and drawings are right.

In Chromium the readers are replaced; Firefox does it by itself where it resists fingerprinting.
"""
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.browser import live_demo, strokes
from tests.browser.driver import settle

NOISE = """
for (const kind of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D]) {
    kind.prototype.getImageData = function (x, y, width, height) {
        const image = new ImageData(width, height);
        for (let i = 0; i < image.data.length; i++) image.data[i] = 256 * Math.random();
        return image;
    };
}
"""
NAME = "The other soft spot"
LEVELS = 3                       # of 255, that blending in bytes may be off


@pytest.fixture
def demo_url(serve):
    return serve(Path(live_demo.__file__))


@pytest.fixture
def noisy(page):
    page.add_init_script(NOISE)
    return page


def expected(x, y):
    """The blend of the four nearest pictures of the demo's atlas at a point, (28, 28)."""
    nodes = np.linspace(-2, 2, 48)
    atlas = live_demo.blob(*np.meshgrid(nodes, nodes[::-1])).astype(float)
    column, row = (x + 2) / 4 * 47, (2 - y) / 4 * 47
    c, r = min(int(column), 46), min(int(row), 46)
    across, down = column - c, row - r
    upper, lower = ((1 - across) * atlas[k, c] + across * atlas[k, c + 1] for k in (r, r + 1))
    return (1 - down) * upper + down * lower


def shown(picture):
    """Gray levels (28, 28) of an enlarged picture, as photographed from the screen (h, w, 3)."""
    rows, columns = ((np.arange(28) + 0.5) / 28 * side for side in picture.shape[:2])
    return picture[rows.astype(int)][:, columns.astype(int), 0].astype(float)


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", text.split("=")[1])]


def stroke_in(box):
    """A slanted stroke on the drawing surface: where it begins and ends on the screen, whole pixels."""
    left, top, width, height = box
    return [(round(left + across * width), round(top + down * height)) for across, down in ((0.2, 0.3), (0.8, 0.6))]


def inked(box, start, stop):
    """How many pixels of the returned drawing are more white than black, by the formula in NumPy."""
    points = [[(x - box[0]) * 28 / box[2], (y - box[1]) * 28 / box[3]] for x, y in (start, stop)]
    return int((strokes.gray([points], 112, 4, 2.4) / 255 > 0.5).sum())


def test_a_dragged_picture_is_right_in_chromium(noisy, demo_url):
    noisy.goto(demo_url)
    settle(noisy)
    plane = noisy.get_by_role("group", name="Other plane")
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    noisy.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.6 * box["height"])
    noisy.mouse.down()
    noisy.mouse.move(box["x"] + 0.62 * box["width"], box["y"] + 0.42 * box["height"], steps=4)
    noisy.mouse.up()
    settle(noisy)
    point = numbers(noisy.get_by_text(re.compile("^second=")).inner_text())
    picture = noisy.get_by_role("img", name=NAME).screenshot()
    photo = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.abs(shown(photo) - expected(*point)).max() <= LEVELS


def test_a_drawing_is_right_in_chromium(noisy, demo_url):
    noisy.goto(demo_url)
    settle(noisy)
    surface = noisy.get_by_role("application", name="Drawing")
    surface.scroll_into_view_if_needed()
    box = [surface.bounding_box()[side] for side in ("x", "y", "width", "height")]
    start, stop = stroke_in(box)
    noisy.mouse.move(*start)
    noisy.mouse.down()
    noisy.mouse.move(*stop)
    noisy.mouse.up()
    settle(noisy)
    assert numbers(noisy.get_by_text(re.compile("^ink=")).inner_text()) == [inked(box, start, stop)]


@pytest.mark.parametrize("protected", [False, True])
def test_where_pixels_must_be_read_it_is_said_that_they_would_be_noise(page, demo_url, protected):
    if protected:
        page.add_init_script(NOISE)
    page.goto(f"{demo_url}/?lines")
    settle(page)
    assert page.get_by_text("Photographs taken here would be noise.").is_visible() == protected


def test_firefox_protects_the_canvas(fox, demo_url):
    fox.open(demo_url, 1280, 900)
    read = """(() => {
        const context = new OffscreenCanvas(8, 8).getContext("2d");
        context.fillRect(0, 0, 8, 8);
        return Array.from(context.getImageData(0, 0, 8, 8).data);
    })()"""
    assert set(fox.evaluate(read)) != {0, 255}
    fox.open(f"{demo_url}/?lines", 1280, 900)
    fox.wait_for("$('[role=note]')?.innerText === 'Photographs taken here would be noise.'")


def text_of(fox, name):
    """What the demo's server says of a component."""
    say = f"[...document.querySelectorAll('[data-testid=stText]')].find((each) => each.innerText.startsWith('{name}='))"
    fox.wait_for(f"Boolean({say})")
    return fox.evaluate(f"{say}.innerText")


def wait_for_run(fox, count):
    fox.wait_for(f"document.body.innerText.includes('runs={count}')")


def test_a_dragged_picture_is_right_in_firefox(fox, demo_url):
    fox.open(demo_url, 1280, 900)
    wait_for_run(fox, 1)
    left, top, width, height = fox.box("[aria-label^='Other plane']")
    places = [(left + across * width, top + down * height) for across, down in ((0.3, 0.6), (0.5, 0.5), (0.62, 0.42))]
    fox.drag(*places)
    wait_for_run(fox, 2)
    point = numbers(text_of(fox, "second"))
    assert point == pytest.approx((0.48, 0.32), abs=0.05)
    left, top, width, height = fox.box(f"[aria-label='{NAME}']")
    window = fox.screenshot()
    ratio = window.shape[1] / 1280
    rows, columns = (slice(round(first * ratio), round((first + side) * ratio))
                     for first, side in ((top, height), (left, width)))
    assert np.abs(shown(window[rows, columns]) - expected(*point)).max() <= LEVELS


def test_a_drawing_is_right_in_firefox(fox, demo_url):
    fox.open(demo_url, 1280, 900)
    wait_for_run(fox, 1)
    box = fox.box("[aria-label='Drawing']")
    start, stop = stroke_in(box)
    fox.drag(start, stop)
    wait_for_run(fox, 2)
    assert numbers(text_of(fox, "ink")) == [inked(box, start, stop)]


def test_a_swipe_scrolls_past_a_strip_in_firefox(fox, demo_url):
    fox.open(f"{demo_url}/?lines", 390, 844)
    track = "[aria-label='Path']"
    spoken, top = f"$(\"{track}\")?.getAttribute('aria-valuetext')", f'$("{track}").getBoundingClientRect().top'
    text_of(fox, "mix")                          # the last line: the page is as tall as it will be, and can scroll
    before = fox.wait_for(spoken)
    left, start, width, height = fox.box(track)
    x, y = left + 0.3 * width, start + height / 2
    fox.swipe(*[(x, y - 18 * min(k, 10)) for k in range(20)])     # it rests before it lifts: the page stops at once
    fox.wait_for(f"{top} < {start - 100}")
    assert fox.evaluate(spoken) == before
    left, start, width, height = fox.box(track)
    x, y = left + 0.3 * width, start + height / 2
    fox.swipe(*[(x + 18 * k, y) for k in range(11)])
    fox.wait_for(f"{spoken} !== '{before}'")
    assert abs(fox.evaluate(top) - start) < 20
