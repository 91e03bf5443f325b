"""A finger on a page that is taller than its screen: it drags what it means to drag, and scrolls past the rest."""
from pathlib import Path

import pytest

from tests.browser import live_demo
from tests.browser.driver import painted, settle

SWIPE = 180                      # CSS pixels
LINES = ["Path", "Smile", "Limit", "Halves"]


@pytest.fixture
def demo_url(serve):
    return serve(Path(live_demo.__file__))


@pytest.fixture
def phone(new_page):
    return new_page(viewport={"width": 390, "height": 844}, has_touch=True)


def swipe(page, x, y, across, down, steps=9):
    """One finger, put down at a place and moved by so many pixels."""
    finger = page.context.new_cdp_session(page)
    for k in range(steps + 1):
        point = {"x": x + across * k / steps, "y": y + down * k / steps}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove" if k else "touchStart", "touchPoints": [point]})
        painted(page)                            # a finger's own pace: a step is seen before the next
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def spoken(slider):
    """What a screen reader hears, once the first painting has set it."""
    slider.and_(slider.page.locator("[aria-valuetext]")).wait_for(timeout=60_000)
    return slider.get_attribute("aria-valuetext")


def middle(slider):
    slider.evaluate("element => element.scrollIntoView({block: 'center'})")
    box = slider.bounding_box()
    return box["x"] + 0.3 * box["width"], box["y"] + box["height"] / 2


@pytest.mark.parametrize("name", LINES)
def test_a_swipe_along_the_page_scrolls_it_and_one_along_the_line_moves_it(phone, demo_url, name):
    phone.goto(f"{demo_url}/?lines")
    slider = phone.get_by_role("slider", name=name)
    before = spoken(slider)
    x, y = middle(slider)
    top = slider.bounding_box()["y"]
    swipe(phone, x, y, 0, -SWIPE)
    phone.wait_for_function("([element, top]) => element.getBoundingClientRect().top < top - 100",
                            arg=[slider.element_handle(), top])
    assert slider.get_attribute("aria-valuetext") == before
    x, y = middle(slider)
    top = slider.bounding_box()["y"]
    swipe(phone, x, y, SWIPE, 0)
    phone.wait_for_function("([element, before]) => element.getAttribute('aria-valuetext') !== before",
                            arg=[slider.element_handle(), before])
    assert abs(slider.bounding_box()["y"] - top) < 20


def test_a_tap_sets_the_line_where_the_finger_was(phone, demo_url):
    phone.goto(f"{demo_url}/?lines")
    slider = phone.get_by_role("slider", name="Path")
    spoken(slider)
    x, y = middle(slider)
    phone.touchscreen.tap(x, y)
    phone.wait_for_function("element => element.getAttribute('aria-valuetext') === '−0.40'",
                            arg=slider.element_handle())


@pytest.mark.parametrize("size", [(844, 390), (390, 844), (1280, 720)])
def test_a_plane_leaves_room_to_scroll_past_it(phone, demo_url, size):
    phone.set_viewport_size({"width": size[0], "height": size[1]})
    phone.goto(demo_url)
    plane = phone.locator(".pad .surface").first
    plane.wait_for(timeout=60_000)
    phone.wait_for_function("element => element.clientHeight > 100", arg=plane.element_handle())
    assert plane.bounding_box()["height"] <= 0.8 * size[1]


def test_a_drag_that_is_taken_away_is_undone(phone, demo_url):
    phone.goto(demo_url)
    settle(phone)
    plane, across = phone.locator(".pad .surface").first, phone.get_by_role("slider", name="Latent plane, z₁")
    before = spoken(across)
    x, y = middle(plane)
    finger = phone.context.new_cdp_session(phone)
    for kind, shift in (("touchStart", 0), ("touchMove", 40), ("touchMove", 80)):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x + shift, "y": y}]})
    coordinates = phone.locator(".readout").first
    moved = coordinates.inner_text()
    finger.send("Input.dispatchTouchEvent", {"type": "touchCancel", "touchPoints": []})
    phone.wait_for_function("([element, moved]) => element.innerText !== moved",
                            arg=[coordinates.element_handle(), moved])
    assert across.get_attribute("aria-valuetext") == before
    assert coordinates.inner_text().startswith("z₁ = 0.50")
