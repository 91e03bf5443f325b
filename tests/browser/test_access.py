"""Whoever sets the colors, prints, changes the screen, or hears the page: nothing that counts is lost."""
from pathlib import Path

import cv2
import numpy as np
import pytest

from ae_core import files
from ae_core.own import jobs
from pages.shared import live
from tests import conftest
from tests.browser import live_demo
from tests.browser.driver import READY, open_page, painted, settle
from tests.own.test_jobs import rings, small

CLEAR = 60                       # gray levels between what must be told apart


@pytest.fixture
def demo_url(serve):
    return serve(Path(live_demo.__file__))


def photograph(element):
    """What an element looks like, uint8 (h, w, 3), a CSS pixel a pixel."""
    return cv2.imdecode(np.frombuffer(element.screenshot(), np.uint8), cv2.IMREAD_COLOR_RGB)


def contrast(pixels):
    """Between the brightest and the darkest of some pixels, in gray levels."""
    gray = pixels.mean(axis=-1)
    return gray.max() - gray.min()


@pytest.fixture(params=["light", "dark"])
def forced(new_page, request):
    """A page whose colors are set by the system."""
    return new_page(forced_colors="active", color_scheme=request.param)


def test_the_threshold_and_the_play_sign_are_seen_in_forced_colors(forced, demo_url):
    forced.goto(f"{demo_url}/?lines")
    settle(forced)
    track = forced.get_by_role("slider", name="Limit")
    at = round(track.evaluate("track => new DOMMatrix(getComputedStyle(track.querySelector('.handle')).transform).e"))
    assert contrast(photograph(track)[4, at - 12:at + 12]) > CLEAR    # above the columns
    assert contrast(photograph(forced.get_by_role("button", name="Play"))[22, 8:36]) > CLEAR


def test_the_cross_and_the_classes_are_seen_in_forced_colors(forced, demo_url):
    forced.goto(demo_url)
    settle(forced)
    for name, color in zip(live_demo.CLASSES, live.PALETTE, strict=False):
        swatch = photograph(forced.get_by_role("button", name=name).locator(".swatch"))
        wanted = [int(color[at:at + 2], 16) for at in (1, 3, 5)]
        assert np.abs(swatch[6, 6] - np.array(wanted)).max() < 3
    forced.get_by_text("plain", exact=True).click()
    settle(forced)
    surface = forced.locator(".pad .surface").first
    box = surface.bounding_box()
    across, down = round(0.625 * box["width"]), round(0.625 * box["height"])
    photo = photograph(surface)
    assert contrast(photo[20, across - 9:across + 9]) > CLEAR         # the lines through the point
    assert contrast(photo[down - 9:down + 9, 20]) > CLEAR


def test_a_printed_page_has_no_navigation(page, app):
    open_page(page, app, "denoise")
    navigation, title = page.get_by_test_id("stSidebar"), page.get_by_role("heading", name="Denoise")
    left = title.bounding_box()["x"]
    assert navigation.is_visible()
    page.emulate_media(media="print")
    assert not navigation.is_visible() and not page.get_by_test_id("stHeader").is_visible()
    assert title.bounding_box()["x"] < left - 100      # and its room is the page's


def test_a_canvas_follows_the_density_of_its_screen(page, demo_url):
    page.add_init_script("addEventListener('resize', (event) => event.stopImmediatePropagation(), true)")
    for query, names in (("", ["ground", "ink"]), ("?lines", ["thumbnails", "chart"])):
        page.goto(f"{demo_url}/{query}")
        settle(page)
        session = page.context.new_cdp_session(page)
        for row, density in enumerate((2, 1.5, 1)):    # Chromium looks at the density where the size is another, too
            session.send("Emulation.setDeviceMetricsOverride",
                         {"width": 1280, "height": 901 + row, "deviceScaleFactor": density, "mobile": False})
            painted(page)
            for name in names:
                canvas = page.locator(f".{name}").first
                shown = canvas.evaluate("canvas => canvas.width / canvas.clientWidth")
                assert shown == pytest.approx(density, abs=0.01), name
        session.detach()


def test_playing_is_said_and_the_button_keeps_the_focus(page, demo_url):
    page.goto(f"{demo_url}/?lines")
    settle(page)
    focused = "button => button === button.getRootNode().activeElement"
    page.get_by_role("button", name="Play").press("Enter")
    assert page.get_by_role("button", name="Pause").evaluate(focused)
    page.locator(".filmstrip [role=status]").get_by_text("Playing").wait_for()
    page.keyboard.press("Enter")
    assert page.get_by_role("button", name="Play").evaluate(focused)
    page.locator(".filmstrip [role=status]").get_by_text("Paused").wait_for()


def test_pausing_a_training_is_said_and_the_button_keeps_the_focus(page, app, server_folder, monkeypatch):
    for name, place in conftest.places(server_folder).items():
        monkeypatch.setenv(name, place)
    job = jobs.request(small(title="Held"), collection=rings())

    def tell(state):                             # the trainer's part
        files.write_json(job.folder / "status.json", {"state": state, "epoch": 0, "share": 0.1})

    with jobs.lock() as held:
        assert held
        tell(jobs.RUNNING)
        page.goto(f"{app}/train")
        pause, resume = (page.get_by_role("button", name=name, exact=True) for name in ("Pause", "Resume"))
        pause.wait_for(timeout=READY)
        pause.press("Enter")
        page.wait_for_function("document.getElementById('ae-said') !== null")
        tell(jobs.PAUSED)
        resume.wait_for()
        assert resume.evaluate("button => button === document.activeElement")
        page.wait_for_function("document.getElementById('ae-said').textContent === 'Held: paused'")
        resume.press("Enter")
        tell(jobs.RUNNING)
        pause.wait_for()
        assert pause.evaluate("button => button === document.activeElement")
        page.wait_for_function("document.getElementById('ae-said').textContent === 'Held: running'")
        tell("stopped")
        page.close()
    jobs.remove(job)
