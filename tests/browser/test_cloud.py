"""One row from a picture to its cloud to pictures: all follow the hand, nothing is on the wire, the link keeps it."""
import numpy as np
import pytest

from ae_core import model, presets
from ae_core.features import latent_map
from ae_core.pictures import datasets
from pages.shared import live
from tests.browser import driver
from tests.browser.driver import READY, asked, settle
from tests.browser.test_draw import STROKE, is_live
from tests.browser.test_exact import LEVELS, NO_WORKER

NAME = "digits_vae"
DONE = """root => new Promise((done, fail) => {
    const end = performance.now() + 60000;
    const look = () => {
        const { live } = root.parentNode;
        const ready = live.slot && !live.asking && live.pictures.every(({ version }) => version === live.version);
        if (ready) done();
        else if (performance.now() > end) fail(new Error("not all pictures were decoded"));
        else setTimeout(look, 5);
    };
    look();
})"""

MOVED = """(root, [which, before]) => new Promise((done, fail) => {
    const end = performance.now() + 30000;
    const look = () => root.parentNode.live.values[which] !== before ? done() :
        performance.now() > end ? fail(new Error("it does not move")) : setTimeout(look, 10);
    look();
})"""


def open_cloud(page, app, query=""):
    driver.open_page(page, app, "latent_map", f"?section=Cloud{query}")
    root = page.locator(".cloud-row")
    root.scroll_into_view_if_needed()
    return root


def values(root):
    return root.evaluate("root => root.parentNode.live.values")


def assert_decoded(root, served, count=live.CLOUD_COUNT):
    """Each picture is what the decoder itself makes of the place that its cloud has for it."""
    root.evaluate(DONE)
    x, y, across, up, draw = values(root)
    wanted = served.decode(live.Cloud((x, y), (across, up), draw).samples())[:count]
    for canvas, picture in zip(root.locator(".figure canvas").all(), wanted, strict=False):
        side = canvas.evaluate("canvas => canvas.width")
        shown = np.reshape(canvas.evaluate(LEVELS), (side, side, 3)) / 255
        assert np.abs(shown - picture).max() < 0.55 / 255


def test_mean_deviation_and_draws_move_every_picture(page, app):
    sent, received = (driver.record(page, direction) for direction in ("framesent", "framereceived"))
    root, served = open_cloud(page, app), model.load(NAME)
    assert_decoded(root, served)
    own = values(root)
    surface = root.locator(".surface")
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    sent.clear(), received.clear()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.6 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.35 * box["width"], box["y"] + 0.55 * box["height"], steps=4)
    assert_decoded(root, served)
    assert sent == received == [] and values(root)[:2] != own[:2] and values(root)[2:] == own[2:]
    page.mouse.up()
    settle(page)
    corner = root.locator(".corner").bounding_box()
    page.mouse.move(corner["x"], corner["y"])
    page.mouse.down()
    page.mouse.move(corner["x"] + 40, corner["y"] - 30, steps=4)
    page.mouse.up()
    settle(page)
    assert values(root)[2] > own[2] + 0.1 and values(root)[3] > own[3] + 0.1
    assert_decoded(root, served)
    root.get_by_role("button", name="Draw again").click()
    settle(page)
    assert values(root)[4] == own[4] + 1
    assert_decoded(root, served)
    kept = values(root)
    page.reload()
    settle(page)
    np.testing.assert_allclose(values(root), kept, atol=2e-3)       # the link has it
    root.get_by_role("button", name="Back to its own").click()
    settle(page)
    np.testing.assert_allclose(values(root)[:4], own[:4], atol=2e-3)
    assert page.console_errors == []


def test_it_opens_at_what_the_encoder_says(page, app):
    root = open_cloud(page, app)
    served, pictures = model.load(NAME), datasets.samples("mnist")[0]
    given = np.reshape(root.locator("canvas.picture").first.evaluate(LEVELS), (28, 28, 3))[..., 0]
    row = next(k for k, picture in enumerate(pictures) if np.abs(picture[..., 0] * 255 - given).max() < 1)
    mean, deviation = latent_map.posterior_of(served, pictures[row])
    np.testing.assert_allclose(values(root)[:4], [*mean, *deviation], atol=1e-3)


def test_the_keyboard_moves_each_of_its_numbers(page, app):
    root = open_cloud(page, app)
    before = values(root)
    for name in ("Mean z₁", "Mean z₂", "Deviation z₁", "Deviation z₂"):
        root.get_by_role("slider", name=name).press("ArrowRight")
    settle(page)
    assert all(now > then for now, then in zip(values(root)[:4], before[:4], strict=True))
    assert asked(page, "cloud") is not None
    root.get_by_role("button", name="Keep drawing").press("Enter")
    root.evaluate(MOVED, [4, before[4]])
    root.get_by_role("button", name="Keep drawing").press("Enter")
    settle(page)
    assert root.get_by_role("button", name="Keep drawing").get_attribute("aria-pressed") == "false"


def test_a_plain_autoencoder_has_one_point(page, app):
    root = open_cloud(page, app, f"&model={presets.get('digits_plane').title}")
    assert root.get_by_text("a plain autoencoder gives one point").is_visible()
    assert not root.get_by_role("button", name="Draw again").is_visible()
    assert not root.get_by_role("slider", name="Deviation z₁").is_visible()
    assert sum(figure.is_visible() for figure in root.locator(".figure").all()) == 1
    assert_decoded(root, model.load("digits_plane"), 1)


def test_the_cloud_follows_the_pen(page, app):
    root = open_cloud(page, app)
    page.get_by_role("radio", name="Drawing").click()
    settle(page)
    is_live(page)
    surface = page.locator(".sketchpad .surface")
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    before = values(root)
    for k, (x, y) in enumerate(STROKE):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if k == 0:
            page.mouse.down()
    root.evaluate(MOVED, [0, before[0]])
    page.mouse.up()
    settle(page)
    assert values(root)[:2] != before[:2]
    assert_decoded(root, model.load(NAME))


@pytest.mark.parametrize("query", ["&cloud=nan,0,0,0,0", "&cloud=1,2", "&cloud=<script>"])
def test_a_bad_cloud_in_the_link_gets_a_sentence(page, app, query):
    root = open_cloud(page, app, query)
    assert page.get_by_text("unknown cloud").is_visible() and len(values(root)) == 5


def test_where_the_worker_is_refused_the_server_decodes(page, app):
    page.add_init_script(NO_WORKER)
    root = open_cloud(page, app)
    root.get_by_role("slider", name="Mean z₁").press("ArrowRight")
    settle(page)
    x, y, across, up, draw = values(root)
    wanted = model.load(NAME).decode(live.Cloud((x, y), (across, up), draw).samples())[0]
    canvas = root.locator(".figure canvas").first
    canvas.wait_for(timeout=READY)
    assert np.abs(np.reshape(canvas.evaluate(LEVELS), (28, 28, 3)) / 255 - wanted).max() < 2 / 255
