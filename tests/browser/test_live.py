"""The live components in a real browser: what moves at once, what is reported, and how often."""

import re
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from tests.browser import live_demo
from tests.browser.driver import painted, record, settle

DEMO = Path(live_demo.__file__)


# --- The page and what is read from it ------------------------------------------------------------


@pytest.fixture
def demo_url(serve):
    return serve(DEMO)


@pytest.fixture
def live_page(page, demo_url):
    """The demo, with the messages that the page sends to its server in page.sent."""
    page.sent = record(page, "framesent")
    page.goto(demo_url)
    _ready(page)
    page.sent.clear()
    yield page
    assert page.console_errors == []


def _ready(page):
    settle(page)
    assert _runs(page) == 1


def _painted(page, canvas):
    painted(page)
    return _pixels(canvas)


def _pixels(canvas):
    return canvas.evaluate("canvas => canvas.toDataURL()")


def _pad(page, name="Latent plane"):
    return page.get_by_role("group", name=name)


def _axes(page, name="Latent plane"):
    """The sliders of a plane, across and up."""
    return [page.get_by_role("slider", name=f"{name}, {axis}") for axis in ("z₁", "z₂")]


def _spoken(page, name="Latent plane"):
    return [slider.get_attribute("aria-valuetext") for slider in _axes(page, name)]


def _pad_picture(page):
    return page.get_by_role("img", name="A soft spot, decoded from the point")


def _strip(page):
    return page.get_by_role("slider", name="Path")


def _strip_picture(page):
    return page.get_by_role("img", name="A soft spot that travels")


def _sketch(page):
    return page.get_by_role("application", name="Drawing")


def _value(page, name):
    """The numbers that the server shows for a component: "first=0.5,-0.5" -> (0.5, -0.5)."""
    text = page.get_by_text(re.compile(f"^{name}=")).inner_text()
    return tuple(float(number) for number in text.split("=")[1].split(","))


def _runs(page):
    return int(_value(page, "runs")[0])


def _wait_for_runs(page, count):
    page.get_by_text(f"runs={count}", exact=True).wait_for()


def _assert_one_report(page, before):
    """The server ran once for what the reader did, and no second report follows."""
    _wait_for_runs(page, before + 1)
    settle(page)
    assert _runs(page) == before + 1
    assert len(page.sent) == 1


def _grab(page, surface, across=0.5, up=0.5):
    """Put the mouse down on a surface, at shares of its box."""
    surface.scroll_into_view_if_needed()
    page.mouse.move(*_at(surface, across, up))
    page.mouse.down()


def _at(surface, across, up):
    box = surface.bounding_box()
    return box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"]


def _drag(page, surface, *stops):
    _grab(page, surface, *stops[0])
    for stop in stops[1:]:
        page.mouse.move(*_at(surface, *stop), steps=5)


# --- Pad ------------------------------------------------------------------------------------------


def test_pad_drag_repaints_without_the_server_and_reports_once(live_page):
    page, before = live_page, _runs(live_page)
    pictures = {_pixels(_pad_picture(page))}
    _grab(page, _pad(page), 0.1, 0.1)
    for up in (0.3, 0.5, 0.7, 0.75):
        page.mouse.move(*_at(_pad(page), up, up), steps=5)
        pictures.add(_painted(page, _pad_picture(page)))
    assert len(pictures) == 5
    assert page.sent == []
    page.mouse.up()
    _assert_one_report(page, before)
    assert _value(page, "first") == pytest.approx((1.0, 1.0), abs=0.02)
    assert _value(page, "second") == (0, 0)


def test_exact_picture_replaces_the_blend(live_page):
    page = live_page
    assert page.get_by_text("exact", exact=True).count() == 1
    _drag(page, _pad(page), (0.4, 0.4), (0.62, 0.37))
    page.get_by_text("blend", exact=True).wait_for()
    blend = _pixels(_pad_picture(page))
    page.mouse.up()
    page.get_by_text("exact", exact=True).wait_for()
    assert _pixels(_pad_picture(page)) != blend


def test_pad_by_keyboard_alone(live_page):
    page, before = live_page, _runs(live_page)
    across, up = _axes(page)
    across.focus()
    for keys in ("Home", "ArrowRight", "Shift+ArrowRight", "ArrowUp"):
        page.keyboard.press(keys)
    assert up.evaluate("slider => slider === slider.getRootNode().activeElement")    # what has changed is spoken
    for keys in ("End", "ArrowDown", "PageDown"):
        page.keyboard.press(keys)
    _assert_one_report(page, before)
    assert _value(page, "first") == pytest.approx((-2 + 0.44, 2 - 0.44))
    assert _spoken(page) == ["−1.56, near Ring", "1.56, near Ring"]


def test_assistive_technology_moves_each_axis_without_keys(live_page):
    """A switch or a screen reader on a phone sets the value of a range and says so by an input event."""
    page, before = live_page, _runs(live_page)
    _axes(page)[1].evaluate("""slider => {
        slider.value = 0.75;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
    }""")
    _assert_one_report(page, before)
    assert _value(page, "first") == pytest.approx((0.5, 1.0))


def test_a_click_on_the_plane_hands_its_keys_to_a_slider(live_page):
    page, before = live_page, _runs(live_page)
    _drag(page, _pad(page), (0.5, 0.5))
    page.mouse.up()
    _assert_one_report(page, before)
    page.sent.clear()
    page.keyboard.press("ArrowRight")
    _assert_one_report(page, before + 1)
    assert _value(page, "first") == pytest.approx((0.04, 0), abs=0.02)


def test_held_key_reports_after_it_goes_up(live_page):
    page, before = live_page, _runs(live_page)
    _axes(page)[0].focus()
    for _ in range(5):
        page.keyboard.down("ArrowLeft")  # repeats without going up, as a held key does
    settle(page)  # no timer runs while a key is down
    assert page.sent == []
    page.keyboard.up("ArrowLeft")
    _assert_one_report(page, before)
    assert _value(page, "first") == pytest.approx((0.5 - 5 * 0.04, -0.5))


def test_drag_beyond_the_edge_stays_within_bounds(live_page):
    page, before = live_page, _runs(live_page)
    _drag(page, _pad(page), (0.5, 0.5), (-0.2, 1.1))
    page.mouse.up()
    _assert_one_report(page, before)
    assert _value(page, "first") == (-2, 2)


def test_rerun_in_a_drag_does_not_end_it(live_page):
    page, before = live_page, _runs(live_page)
    _drag(page, _pad(page), (0.3, 0.3), (0.4, 0.4))
    page.get_by_role("button", name="Rerun").evaluate("button => button.click()")
    _wait_for_runs(page, before + 1)
    assert _pad(page).locator(".marker").count() == 1
    page.mouse.move(*_at(_pad(page), 0.75, 0.25), steps=5)
    page.sent.clear()
    page.mouse.up()
    _assert_one_report(page, before + 1)
    assert _value(page, "first") == pytest.approx((1.0, -1.0), abs=0.02)


def test_legend_switches_classes_without_the_server(live_page):
    page = live_page
    ground = _pad(page).locator("canvas")
    full = _pixels(ground)
    entry = page.get_by_role("button", name="Ring")
    entry.click()
    assert entry.get_attribute("aria-pressed") == "false"
    fewer = _painted(page, ground)
    assert fewer != full
    entry.click()
    assert entry.get_attribute("aria-pressed") == "true"
    assert _painted(page, ground) == full
    assert page.sent == []


def test_backdrops_differ_and_keep_the_point(live_page):
    page = live_page
    ground = _pad(page).locator("canvas")
    seen = {_pixels(ground)}
    for count, name in enumerate(("points", "grid", "plain"), start=2):
        page.get_by_text(name, exact=True).click()
        _wait_for_runs(page, count)
        seen.add(_painted(page, ground))
    assert len(seen) == 4
    assert _value(page, "first") == (0.5, -0.5)


def test_two_pads_are_independent(live_page):
    page, before = live_page, _runs(live_page)
    untouched = _pixels(_pad_picture(page))
    _drag(page, _pad(page, "Other plane"), (0.2, 0.2), (0.25, 0.75))
    page.mouse.up()
    _assert_one_report(page, before)
    assert _value(page, "second") == pytest.approx((-1.0, 1.0), abs=0.02)
    assert _value(page, "first") == (0.5, -0.5)
    assert _pixels(_pad_picture(page)) == untouched


def test_two_tabs_are_independent(live_page, demo_url):
    page = live_page
    other = page.context.new_page()
    other.goto(demo_url)
    _ready(other)
    _drag(page, _pad(page), (0.2, 0.2), (0.25, 0.75))
    page.mouse.up()
    _wait_for_runs(page, 2)
    assert _value(other, "first") == (0.5, -0.5)
    assert _runs(other) == 1


def test_page_places_values_over_those_of_the_reader(live_page):
    page = live_page
    _drag(page, _pad(page), (0.2, 0.2), (0.25, 0.75))
    page.mouse.up()
    _wait_for_runs(page, 2)
    page.get_by_role("button", name="Place").click()
    _wait_for_runs(page, 3)
    assert _value(page, "first") == (-1, 1)
    assert _value(page, "strip") == (0.25,)
    page.get_by_role("button", name="Rerun").click()
    _wait_for_runs(page, 4)
    assert _value(page, "first") == (-1, 1)
    assert _spoken(page) == ["−1.00, near Bar", "1.00, near Bar"]
    _axes(page)[0].press("ArrowRight")
    _wait_for_runs(page, 5)
    assert _value(page, "first") == pytest.approx((-0.96, 1))


def _levels(page, name):
    """Gray levels of a picture on the page, (h, w)."""
    canvas = page.get_by_role("img", name=name)
    rgba = canvas.evaluate(
        """canvas => Array.from(
            canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data)"""
    )
    return np.reshape(rgba, (28, 28, 4))[..., 0]


def _atlas():
    """The pictures that the demo's page has in its atlas, (48, 48, 28, 28)."""
    nodes = np.linspace(-2, 2, 48)
    return live_demo.blob(*np.meshgrid(nodes, nodes[::-1])).astype(float)


def test_picture_is_the_bilinear_blend(live_page):
    page, atlas = live_page, _atlas()
    other = _pad(page, "Other plane")
    _drag(page, other, (0.2, 0.2), (0.31, 0.47))
    page.mouse.up()
    _wait_for_runs(page, 2)
    x, y = _value(page, "second")
    column, row = (x + 2) / 4 * 47, (2 - y) / 4 * 47
    c, r = int(column), int(row)
    across, down = column - c, row - r
    upper = (1 - across) * atlas[r, c] + across * atlas[r, c + 1]
    lower = (1 - across) * atlas[r + 1, c] + across * atlas[r + 1, c + 1]
    wanted = (1 - down) * upper + down * lower
    assert np.abs(_levels(page, "The other soft spot") - wanted).max() <= 1


def test_corners_are_pictures_of_the_atlas(live_page):
    page, atlas = live_page, _atlas()
    for keys, corner in ((("Home", "End"), atlas[0, 0]), (("End", "Home"), atlas[-1, -1])):
        for slider, key in zip(_axes(page, "Other plane"), keys, strict=True):
            slider.press(key)
        painted(page)
        assert np.array_equal(_levels(page, "The other soft spot"), corner)


def test_probability_view_reports_latent_units(live_page, demo_url):
    page = live_page
    page.goto(f"{demo_url}/?warp")
    _ready(page)
    _drag(page, _pad(page, "Other plane"), (0.2, 0.2), (0.9, 0.05))
    page.mouse.up()
    _wait_for_runs(page, 2)
    shares = [0.02 + 0.96 * share for share in (0.9, 0.05)]
    wanted = [NormalDist().inv_cdf(share) for share in shares]
    assert _value(page, "second") == pytest.approx(wanted, abs=0.03)
    x, y = _value(page, "second")
    assert _spoken(page, "Other plane") == [f"{x:.2f}", f"−{-y:.2f}"]


def test_touch_drags_the_pad_and_not_the_page(new_page, demo_url):
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    page.goto(demo_url)
    _ready(page)
    _pad(page).scroll_into_view_if_needed()
    before = _pad(page).bounding_box()
    finger = page.context.new_cdp_session(page)
    for kind, up in (("touchStart", 0.2), ("touchMove", 0.5), ("touchMove", 0.75)):
        x, y = _at(_pad(page), 0.75, up)
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    _wait_for_runs(page, 2)
    assert _value(page, "first") == pytest.approx((1.0, 1.0), abs=0.03)
    assert _pad(page).bounding_box() == before


# --- Filmstrip ------------------------------------------------------------------------------------


def test_filmstrip_drag_cross_fades_and_reports_once(live_page):
    page, before = live_page, _runs(live_page)
    pictures = {_pixels(_strip_picture(page))}
    _grab(page, _strip(page), 0.1)
    for across in (0.3, 0.55, 0.75):
        page.mouse.move(*_at(_strip(page), across, 0.5), steps=5)
        pictures.add(_painted(page, _strip_picture(page)))
    assert len(pictures) == 4
    assert page.sent == []
    page.mouse.up()
    _assert_one_report(page, before)
    assert _value(page, "strip") == pytest.approx((0.5,), abs=0.01)
    assert page.get_by_text("frame 17").count() == 1


def test_filmstrip_plays_and_reports_when_paused(live_page):
    page, before = live_page, _runs(live_page)
    still = _pixels(_strip_picture(page))
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "([canvas, still]) => canvas.toDataURL() !== still",
        arg=[_strip_picture(page).element_handle(), still],
    )
    assert page.sent == []
    page.get_by_role("button", name="Pause").click()
    _assert_one_report(page, before)
    assert _value(page, "strip") != (0,)


@pytest.mark.parametrize(("motion", "button"), [("no-preference", "Pause"), ("reduce", "Play")])
def test_autoplay_respects_reduced_motion(live_page, demo_url, motion, button):
    page = live_page
    page.emulate_media(reduced_motion=motion)
    page.goto(f"{demo_url}/?autoplay")
    page.get_by_role("button", name=button, exact=True).wait_for(timeout=30_000)
    assert page.get_by_text("ink=0").count() == 1


def test_filmstrip_by_keyboard_alone(live_page):
    page, before = live_page, _runs(live_page)
    _strip(page).focus()
    for keys in ("Home", "ArrowRight", "PageUp", "Shift+ArrowUp"):
        page.keyboard.press(keys)
    _assert_one_report(page, before)
    assert _value(page, "strip") == pytest.approx((-1 + 0.42,))
    assert _strip(page).get_attribute("aria-valuetext") == "−0.58, frame 5"
    page.keyboard.press("Space")
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Play").wait_for()


# --- Sketchpad ------------------------------------------------------------------------------------


def _ink(page):
    return _value(page, "ink")[0]


def test_sketchpad_by_mouse_with_undo_and_clear(live_page):
    page = live_page
    _drag(page, _sketch(page), (0.2, 0.8), (0.8, 0.2))
    assert page.sent == []
    page.mouse.up()
    _assert_one_report(page, 1)
    one = _ink(page)
    assert one > 300
    _drag(page, _sketch(page), (0.2, 0.2), (0.8, 0.8))
    page.mouse.up()
    _wait_for_runs(page, 3)
    assert _ink(page) > 1.5 * one
    for run, (button, wanted) in enumerate(
        (("Undo", one), ("Clear", 0), ("Undo", one), ("Undo", 0)), start=4
    ):
        page.get_by_role("button", name=button).click()
        _wait_for_runs(page, run)
        assert _ink(page) == wanted


def test_sketchpad_by_keyboard_alone(live_page):
    page = live_page
    _sketch(page).focus()
    for _ in range(2):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Space")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert page.sent == []
    page.get_by_text("Pen down, column 16, row 14").wait_for()
    page.keyboard.press("Space")
    _assert_one_report(page, 1)
    assert _ink(page) > 300
    page.keyboard.press("Control+z")
    page.get_by_text("ink=0").wait_for()


# --- The whole page -------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_overflows_or_jumps(live_page, width):
    page = live_page
    page.set_viewport_size({"width": width, "height": 844})
    settle(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
    tall = main.evaluate("element => element.scrollHeight")
    _drag(page, _pad(page), (0.2, 0.2), (0.3, 0.9))
    page.mouse.up()
    _wait_for_runs(page, 2)
    assert main.evaluate("element => element.scrollHeight") == tall


def test_rerun_does_not_send_the_atlas_again(live_page):
    page = live_page
    received = record(page, "framereceived")
    page.reload()
    _ready(page)
    assert sum(map(len, received)) > 1_000_000
    received.clear()
    _drag(page, _pad(page), (0.2, 0.2), (0.3, 0.9))
    page.mouse.up()
    _wait_for_runs(page, 2)
    assert sum(map(len, received)) < 200_000


def test_measurements_reach_a_benchmark(live_page):
    page = live_page
    page.evaluate("window.__aeLive = []")
    _drag(page, _pad(page), (0.2, 0.2), (0.3, 0.9))
    page.mouse.up()
    rows = page.evaluate("window.__aeLive")
    assert rows
    assert {row["component"] for row in rows} == {"pad"}
    assert {row["key"] for row in rows} == {"first"}
    assert all(row["paintTime"] >= row["pointerTime"] for row in rows)
