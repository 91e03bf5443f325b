"""Every page of the app in a real Chromium, served as `make run` serves it."""
import io

import numpy as np
import pytest
from PIL import Image

from pages.shared import frame
from tests.browser.driver import READY, errors, follow, open_page, settle


@pytest.mark.parametrize("name", frame.PAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_opens_cold_by_its_own_address(page, app, name, width):
    page.set_viewport_size({"width": width, "height": 900})
    open_page(page, app, name)
    assert page.locator("h1").inner_text() == frame.PAGES[name].title
    assert errors(page) == [] and page.console_errors == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("img:not([alt]), img[alt='']").count() == 0
    expected = f"{frame.PAGES[name].title} · Autoencoder Lab" if name != "home" else "Autoencoder Lab"
    assert page.title() == expected


@pytest.mark.parametrize("start", ["/", "/denoise"])
def test_the_navigation_is_the_same_from_every_entrance(page, app, start):
    page.goto(app + start)
    settle(page)
    links = page.locator("[data-testid=stSidebar] [data-testid=stPageLink-NavLink] p")
    assert links.all_inner_texts() == [*(entry.title for entry in frame.PAGES.values()), "Tour"]
    links.filter(has_text="Reconstruct").click()
    page.wait_for_function("document.querySelector('h1')?.innerText === 'Reconstruct'", timeout=READY)
    settle(page)
    assert errors(page) == []


def go_back(page):
    """One press of Back must be Home again."""
    page.go_back()
    page.wait_for_function("document.querySelector('h1')?.innerText === 'Autoencoder Lab'", timeout=READY)
    settle(page)


@pytest.mark.parametrize("name", [name for name in frame.PAGES if name != "home"])
def test_one_press_of_back_is_home_again(page, app, name):
    open_page(page, app, "home")
    follow(page, frame.PAGES[name].title)
    assert "?" not in page.url               # untouched, a page writes nothing into its address
    go_back(page)


@pytest.mark.parametrize(("name", "button"), [("digits", "Another hand"), ("latent_map", "Draw again"),
                                              ("denoise", "Draw other noise")])
def test_what_is_changed_on_a_page_adds_nothing_to_the_history(page, app, name, button):
    open_page(page, app, "home")
    follow(page, frame.PAGES[name].title)
    for _ in range(2):
        before = page.url
        page.get_by_role("button", name=button).click()
        page.wait_for_function("before => location.href !== before", arg=before, timeout=READY)
        settle(page)
    go_back(page)


def test_moving_the_code_size_changes_the_picture(page, app):
    open_page(page, app, "reconstruct")
    strip = page.get_by_role("slider", name="Code size")
    copies = page.locator(".rows .line").nth(1)
    before = copies.evaluate("canvas => canvas.toDataURL()")
    strip.press("ArrowRight")
    settle(page)
    assert page.get_by_text("from 16 numbers").is_visible() and page.url.endswith("size=16")
    assert copies.evaluate("canvas => canvas.toDataURL()") != before and errors(page) == []


def test_moving_the_noise_changes_the_picture(page, app):
    open_page(page, app, "denoise")
    strip, pixels = page.get_by_role("slider", name="Strength σ of the noise"), "canvas => canvas.toDataURL()"
    restored = page.locator(".rows .line").last
    before, spoken = restored.evaluate(pixels), strip.get_attribute("aria-valuetext")
    for _ in range(5):
        strip.press("ArrowRight")
    settle(page)
    assert strip.get_attribute("aria-valuetext") != spoken and restored.evaluate(pixels) != before
    assert errors(page) == []


@pytest.mark.parametrize("name", ["reconstruct", "denoise"])
def test_a_download_arrives(page, app, name):
    open_page(page, app, name)
    with page.expect_download(timeout=READY) as download:
        page.get_by_role("button", name="Download PNG").first.click()
    sheet = Image.open(download.value.path())
    assert sheet.format == "PNG" and min(sheet.size) > 100


def test_an_upload_is_rebuilt_and_a_broken_one_refused(page, app):
    open_page(page, app, "reconstruct")
    page.get_by_role("radio", name="Your photo").click()
    picture = io.BytesIO()
    Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (100, 1))).save(picture, "PNG")
    page.locator("input[type=file]").set_input_files([
        {"name": "mine.png", "mimeType": "image/png", "buffer": picture.getvalue()},
        {"name": "notes.png", "mimeType": "image/png", "buffer": b"these are notes"}])
    page.get_by_text("notes.png is not a picture").wait_for(timeout=READY)
    page.get_by_text("as the model sees it").wait_for(timeout=READY)
    assert errors(page) == []


def test_a_drawing_is_rebuilt(page, app):
    open_page(page, app, "reconstruct", "?model=Digits,+convolutional")
    page.get_by_role("radio", name="Your drawing").click()
    pad = page.get_by_label("Draw here with a mouse")
    pad.wait_for(timeout=READY)
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8, steps=8)
    page.mouse.up()
    page.get_by_text("as the model sees it").wait_for(timeout=READY)
    assert errors(page) == []


def test_nothing_is_fetched_from_elsewhere(page, app):
    """On stage there is no network: every request goes to the app itself."""
    elsewhere = []
    own = (app, "data:", "blob:", app.replace("http", "ws"))
    page.on("request", lambda request: None if request.url.startswith(own) else elsewhere.append(request.url))
    for name in frame.PAGES:
        open_page(page, app, name)
    assert elsewhere == []
