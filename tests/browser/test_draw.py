"""Draw and see: every point of a stroke goes through a model in the browser, and nothing to the server meanwhile."""
import urllib.error
import urllib.request

import numpy as np
import pytest

from ae_core import browser as packing
from ae_core import model, store
from ae_core.pictures import datasets
from pages.shared import frame, server
from tests.browser import driver
from tests.browser.driver import READY, follow

NAME, QUERY = "digits_conv", "?model=Digits, convolutional"
STROKE = [(0.3, 0.25), (0.5, 0.2), (0.7, 0.25), (0.6, 0.5), (0.45, 0.85)]
PIXELS = """canvas => {
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    return Array.from({ length: width * height }, (_, k) => data[4 * k]);
}"""
ANSWERED = """root => new Promise((done) => {
    const look = () => root.parentNode.live.slot.busy ? setTimeout(look, 5) : done();
    look();
})"""
NO_WORKER = "window.Worker = class { constructor() { throw new Error('refused'); } };"
NO_ASSEMBLY = "delete window.WebAssembly;"


def open_sketchpad(page, app, query=QUERY):
    driver.open_page(page, app, "reconstruct", query)
    page.get_by_role("radio", name="Your drawing").click()
    driver.settle(page)
    surface = page.locator(".sketchpad .surface")
    surface.scroll_into_view_if_needed()
    return surface


def is_live(page):
    page.locator(".seen").wait_for(timeout=READY)


def places(surface):
    box = surface.bounding_box()
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in STROKE]


def gray(page):
    """The drawing as it would be reported, (112, 112) in 0..1."""
    levels = page.locator(".sketchpad").evaluate("root => [...root.parentNode.live.gray()]")
    return np.reshape(levels, (112, 112)).astype(np.float32) / 255


def shown(page, name):
    canvas = page.get_by_role("img", name=name, exact=True)
    side = canvas.evaluate("canvas => canvas.width")
    return np.reshape(canvas.evaluate(PIXELS), (side, side, 1)) / 255


def assert_seen(page, name=NAME, label=None):
    """What is shown of the drawing is what the server would make of it, to half a level and a hair."""
    served = model.load(name)
    page.locator(".sketchpad").evaluate(ANSWERED)
    given = datasets.draw(gray(page), served.preset.dataset, served.preset.shape)
    assert given.any()
    assert np.abs(shown(page, "As the model sees it") - given).max() < 0.51 / 255
    rebuilt = served.reconstruct(given[None], label)[0]
    assert np.abs(shown(page, f"From {served.preset.code:,} numbers") - rebuilt).max() < 0.55 / 255


def test_the_mouse_draws_and_the_reconstruction_follows(page, app):
    sent, received = (driver.record(page, direction) for direction in ("framesent", "framereceived"))
    surface = open_sketchpad(page, app)
    is_live(page)
    (x, y), *others = places(surface)
    page.mouse.move(x, y)
    sent.clear(), received.clear()
    page.mouse.down()
    for stop in others:
        page.mouse.move(*stop, steps=5)
        assert_seen(page)
    assert sent == received == []
    page.mouse.up()
    driver.settle(page)
    assert_seen(page)
    page.get_by_role("button", name="Undo").click()
    driver.settle(page)
    assert not shown(page, "As the model sees it").any()
    assert page.console_errors == []


def test_a_finger_draws(new_page, app):
    page = new_page(has_touch=True, viewport={"width": 390, "height": 844})
    surface = open_sketchpad(page, app)
    is_live(page)
    finger = page.context.new_cdp_session(page)
    for kind, (x, y) in zip(["touchStart", *["touchMove"] * 4], places(surface), strict=True):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    assert_seen(page)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    driver.settle(page)
    assert_seen(page)


def test_the_keyboard_draws(page, app):
    surface = open_sketchpad(page, app)
    is_live(page)
    surface.press("Space")
    for key in ("ArrowDown", "Shift+ArrowDown", "Shift+ArrowRight", "ArrowUp"):
        surface.press(key)
    assert_seen(page)
    surface.press("Space")
    driver.settle(page)
    assert_seen(page)


def test_a_conditional_model_is_given_the_class(page, app):
    surface = open_sketchpad(page, app, "?model=Digits, conditional VAE")
    is_live(page)
    page.mouse.move(*places(surface)[0])
    page.mouse.down()
    page.mouse.move(*places(surface)[2], steps=5)
    assert_seen(page, "digits_cvae", 0)
    page.mouse.up()


def test_without_webassembly_it_is_as_exact(page, app):
    page.add_init_script(NO_ASSEMBLY)
    surface = open_sketchpad(page, app)
    is_live(page)
    page.mouse.move(*places(surface)[0])
    page.mouse.down()
    page.mouse.move(*places(surface)[2], steps=5)
    assert_seen(page)
    page.mouse.up()


@pytest.mark.parametrize("refused", ["worker", "network"])
def test_where_the_model_does_not_run_the_server_answers_as_before(page, app, refused):
    if refused == "worker":
        page.add_init_script(NO_WORKER)
    else:
        page.route("**/networks/**", lambda route: route.fulfill(status=404, body="The browser does not run Erf."))
    surface = open_sketchpad(page, app)
    page.mouse.move(*places(surface)[0])
    page.mouse.down()
    for stop in places(surface)[1:]:
        page.mouse.move(*stop)
    page.mouse.up()
    driver.settle(page)
    assert not page.locator(".seen").is_visible()
    page.get_by_role("button", name="Original pictures over their reconstructions").wait_for()
    page.get_by_text("Yours, as the model sees it").wait_for()
    assert driver.errors(page) == []


# --- the route --------------------------------------------------------------------------------------------------------

def get(app, address):
    """Status, headers and body of an address of the app."""
    try:
        with urllib.request.urlopen(f"{app}/{address}") as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_halves_are_served_once_and_for_all(app):
    packed = packing.pack(store.read("digits_vae"))
    for half, address in server.halves(model.load("digits_vae")).items():
        status, headers, body = get(app, address)
        assert status == 200 and "immutable" in headers["Cache-Control"] and body == packed[half]


@pytest.mark.parametrize("address", [
    "networks/digits_vae/decoder/" + 64 * "0", "networks/nobody/decoder/0", "networks/digits_vae/preset/0",
    "networks/own_mine/decoder/0"])
def test_what_is_not_there_is_said(app, address):
    status, _, body = get(app, address)
    assert status == 404 and body


def test_a_model_that_the_browser_does_not_run_is_said(app):
    status, _, body = get(app, server.halves(model.load("photo_colorizer"))["decoder"])
    assert status == 404 and b"any size" in body


def choose(page, title):
    """One of the buttons on a page, or under "More"; what is open there is closed again."""
    choice = page.get_by_role("radio", name=title, exact=True)
    hidden = not choice.is_visible()
    if hidden:
        page.get_by_role("button", name="More").click()
    choice.click()
    if hidden:
        page.keyboard.press("Escape")
    driver.settle(page)


@pytest.mark.parametrize(("name", "draws", "other"), [
    ("reconstruct", "Your drawing", "Our pictures"), ("denoise", "Drawing", "Test pictures"),
    ("search", "Drawing", "A picture"), ("latent_map", "Draw", "Path")])
def test_a_drawing_is_there_again_after_other_pictures_and_another_page(page, app, name, draws, other):
    driver.open_page(page, app, name)
    choose(page, draws)
    surface = page.locator(".sketchpad .surface")
    surface.scroll_into_view_if_needed()
    start, *stops = places(surface)
    page.mouse.move(*start)
    page.mouse.down()
    for stop in stops:
        page.mouse.move(*stop)
    page.mouse.up()
    driver.settle(page)
    drawn = gray(page)
    assert drawn.any()
    choose(page, other)
    assert page.locator(".sketchpad").count() == 0
    choose(page, draws)
    assert np.array_equal(gray(page), drawn)
    follow(page, "Digits")
    follow(page, frame.PAGES[name].title)
    if draws == "Draw":                          # a part of the page that its address opens
        choose(page, draws)
    assert np.array_equal(gray(page), drawn)
    page.get_by_role("button", name="Clear", exact=True).click()
    driver.settle(page)
    assert not gray(page).any()
