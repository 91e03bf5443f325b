"""While a hand moves, the network itself decodes: what is shown is the decoder's own picture, at every place."""
from pathlib import Path

import numpy as np
import pytest

from ae_core import attributes, model, store
from ae_core.features import faces, latent_map
from tests.browser import driver, exact_demo
from tests.browser.driver import READY
from tests.browser.test_draw import NO_WORKER

LEVELS = """canvas => {
    const { width, height } = canvas;
    return [...canvas.getContext("2d").getImageData(0, 0, width, height).data].filter((_, k) => k % 4 < 3);
}"""
RUNS = """root => new Promise((done, fail) => {
    const end = performance.now() + 60000;
    const look = () => root.parentNode.live.decoded && !root.parentNode.live.slot.busy ? done() :
        performance.now() > end ? fail(new Error("the model does not run")) : setTimeout(look, 5);
    look();
})"""


def shown(root):
    """The picture of a component, (h, w, 3) in 0..1, once the newest value is decoded."""
    root.evaluate(RUNS)
    canvas = root.locator("canvas.picture").first
    height, width = canvas.evaluate("canvas => [canvas.height, canvas.width]")
    return np.reshape(canvas.evaluate(LEVELS), (height, width, 3)) / 255


def value(root):
    return root.evaluate("root => root.parentNode.live.position()")


def assert_is(picture, wanted):
    assert wanted.max() - wanted.min() > 0.3 and np.abs(picture - wanted).max() < 0.55 / 255


def hold(page, surface, places):
    """Press on a surface, and move through some places."""
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    for k, (x, y) in enumerate(places):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if k == 0:
            page.mouse.down()
        yield


@pytest.mark.parametrize("name", ["digits_vae", "fashion_vae"])
def test_the_plane_between_its_tiles(page, app, name):
    sent, received = (driver.record(page, direction) for direction in ("framesent", "framereceived"))
    driver.open_page(page, app, "latent_map", f"?model={store.preset(name).title}")
    served, root = model.load(name), page.locator(".pad")
    plane = latent_map.plane(served.preset, latent_map.stored_codes(name).mean)
    root.evaluate(RUNS)
    sent.clear(), received.clear()
    for _ in hold(page, page.locator(".pad .surface"), [(0.511, 0.437), (0.3, 0.61), (0.723, 0.55)]):
        assert_is(shown(root), served.decode(plane.lift([value(root)]))[0])
    assert sent == received == [] and root.get_by_text("exact").is_visible()
    page.mouse.up()
    driver.settle(page)
    assert_is(shown(root), served.decode(plane.lift([value(root)]))[0])
    assert page.console_errors == []


def test_where_the_worker_is_refused_the_plane_blends(page, app):
    page.add_init_script(NO_WORKER)
    driver.open_page(page, app, "latent_map")
    for _ in hold(page, page.locator(".pad .surface"), [(0.511, 0.437), (0.3, 0.61)]):
        driver.painted(page)
    assert page.locator(".pad").get_by_text("blend").is_visible()
    page.mouse.up()
    page.locator(".pad").get_by_text("exact").wait_for(timeout=READY)


def test_digits_in_a_style_and_between_two_digits(page, app):
    driver.open_page(page, app, "digits", "?digit=4")
    served = model.load("digits_cvae")
    root = page.locator(".pad")
    for _ in hold(page, page.locator(".pad .surface"), [(0.511, 0.437), (0.3, 0.61)]):
        assert_is(shown(root), served.decode([value(root)], 4)[0])
    page.mouse.up()
    driver.settle(page)
    style, strip = value(root), page.locator(".filmstrip").first
    for _ in hold(page, strip.locator(".track"), [(0.5, 0.5), (0.317, 0.5)]):
        share, _ = value(strip)
        label = np.zeros((1, 10))
        label[0, [8, 3]] = 1 - share, share
        assert_is(shown(strip), served.decode([style], label)[0])
    page.mouse.up()


def test_all_changes_of_a_face_at_once(page, app):
    driver.open_page(page, app, "faces")
    served, stored = model.load(faces.PRESET), attributes.load(faces.PRESET)
    code = latent_map.stored_codes(faces.PRESET).mean[stored.gallery[12]]
    root, strips = page.locator(".mixer"), page.locator(".mixer .track").all()
    root.evaluate(RUNS)
    alphas = np.zeros(len(strips))
    for k, place in ((0, 0.81), (2, 0.6), (3, 0.33)):
        for _ in hold(page, strips[k], [(0.5, 0.5), (place, 0.5)]):
            alphas[k], _ = value(root)
            assert_is(shown(root), served.decode([faces.change(code, stored.of(faces.USUAL), alphas)])[0])
        page.mouse.up()
        alphas[k] = round(alphas[k], 3)
    driver.settle(page)


def test_a_code_of_128_numbers(page, serve):
    """Any number of strips, all together, by the keyboard."""
    page.goto(serve(Path(exact_demo.__file__)))
    driver.settle(page)
    served, root = model.load(exact_demo.NAME), page.locator(".mixer")
    root.evaluate(RUNS)
    code = exact_demo.CODE.copy()
    for k in range(0, 128, 9):
        page.get_by_role("slider", name=f"Number {k + 1}", exact=True).press("End" if k % 2 else "Home")
        code[k] += exact_demo.REACH * (1 if k % 2 else -1)
        picture = shown(root)
        assert np.abs(picture - served.decode([code])[0]).max() < 0.55 / 255
    page.get_by_text("moved=15").wait_for(timeout=READY)
    assert_is(shown(root), served.decode([code])[0])
