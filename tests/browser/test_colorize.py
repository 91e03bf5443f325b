"""The Colorize page in a real Chromium: the line across a photograph, an upload, a download."""
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.browser.driver import READY, errors, open_page, painted, record, settle
from tests.features.test_colorize import camera_file


@pytest.fixture
def divider(page, app):
    page.sent = record(page, "framesent")
    open_page(page, app, "colorize")
    line = page.get_by_role("slider", name="Line between before and after")
    line.locator("img[src]").nth(1).wait_for(timeout=READY)
    page.sent.clear()
    yield line
    assert errors(page) == [] and page.console_errors == []


def shown(line):
    """How much of the width, in percent, is cut off the picture on the right."""
    return float(line.locator("img").nth(1).evaluate("image => image.style.clipPath.match(/([\\d.]+)%/)[1]"))


def test_the_line_follows_the_pointer_and_calls_no_server(page, divider):
    box = divider.bounding_box()
    assert shown(divider) == 50
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 50)
    page.mouse.down()
    for share in (0.7, 0.25):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 80)
        painted(page)
        assert shown(divider) == pytest.approx(100 * share, abs=1)
    page.mouse.move(box["x"] - 500, box["y"])
    page.mouse.up()
    settle(page)
    assert shown(divider) == 0 and divider.get_attribute("aria-valuenow") == "0" and page.sent == []


def test_the_line_moves_by_keyboard_and_speaks(page, divider):
    divider.focus()
    for key, expected in (("ArrowRight", 51), ("Shift+ArrowLeft", 41), ("PageUp", 51), ("End", 100), ("ArrowUp", 100),
                          ("Home", 0), ("ArrowDown", 0), ("PageUp", 10)):
        page.keyboard.press(key)
        painted(page)
        assert shown(divider) == pytest.approx(expected), key
    assert divider.get_attribute("aria-valuetext") == "Gray 10 %, Colorized 90 %"
    assert (divider.get_attribute("aria-valuemin"), divider.get_attribute("aria-valuemax")) == ("0", "100")


def test_the_line_stays_where_it_is_under_other_colors(page, divider):
    before = divider.locator("img").nth(1).get_attribute("src")
    place = divider.bounding_box()
    divider.focus()
    page.keyboard.press("PageUp")
    page.get_by_role("slider", name="Saturation").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("""before => [...document.querySelectorAll('*')].some(element => {
        const image = element.shadowRoot?.querySelectorAll('.divider img')[1];
        return image && image.src !== before && image.complete; })""", arg=before, timeout=READY)
    settle(page)
    assert shown(divider) == 60 and divider.bounding_box() == place


def test_a_finger_drags_the_line_and_scrolls_the_page(new_page, app):
    page = new_page(viewport={"width": 390, "height": 700}, has_touch=True)
    open_page(page, app, "colorize")
    line = page.get_by_role("slider", name="Line between before and after")
    line.locator("img[src]").nth(1).wait_for(timeout=READY)
    box = line.bounding_box()
    assert box["width"] <= 390 and line.evaluate("track => getComputedStyle(track).touchAction") == "pan-y pinch-zoom"
    line.tap(position={"x": 0.8 * box["width"], "y": 0.5 * box["height"]})
    painted(page)
    assert shown(line) == pytest.approx(80, abs=1)


def test_an_upload_is_colorized_and_comes_back_at_its_own_size(page, app):
    open_page(page, app, "colorize")
    page.locator("input[type=file]").first.set_input_files(
        [{"name": "family.jpg", "mimeType": "image/jpeg", "buffer": camera_file()}])
    page.get_by_text("Left of the line: your photo").wait_for(timeout=READY)
    settle(page)
    with page.expect_download(timeout=READY) as download:
        page.get_by_role("button", name="Download at full size").click()
    answer = Image.open(download.value.path())
    assert download.value.suggested_filename == "family_color.jpg"
    assert answer.format == "JPEG" and answer.mode == "RGB" and answer.size == (300, 400)
    assert errors(page) == [] and page.console_errors == []


def test_several_uploads_become_a_zip_and_a_broken_one_a_sentence(page, app):
    gray = np.tile(np.linspace(0, 255, 300, dtype=np.uint8), (200, 1))
    buffer = io.BytesIO()
    Image.fromarray(gray).save(buffer, "PNG")
    open_page(page, app, "colorize")
    page.locator("input[type=file]").first.set_input_files(
        [{"name": f"{k}.png", "mimeType": "image/png", "buffer": buffer.getvalue()} for k in range(3)]
        + [{"name": "notes.png", "mimeType": "image/png", "buffer": b"these are notes"}])
    page.get_by_text("notes.png is not a picture").wait_for(timeout=READY)
    page.get_by_text("All 3 photos.").wait_for(timeout=READY)
    settle(page)
    page.get_by_role("button", name="Make a zip of all 3").click()
    button = page.get_by_role("button", name="Download zip")
    page.wait_for_function("[...document.querySelectorAll('button')].some(button => "
                           "button.innerText.includes('Download zip') && !button.disabled)", timeout=READY)
    with page.expect_download(timeout=READY) as download:
        button.click()
    assert zipfile.ZipFile(download.value.path()).namelist() == [f"0{k + 1}_{k}_color.jpg" for k in range(3)]
    assert errors(page) == [] and page.console_errors == []


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_jumps_before_the_pictures_arrive(page, app, width):
    """The place of the photograph is as large before its bytes are decoded as after."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{app}/colorize")
    line = page.get_by_role("slider", name="Line between before and after")
    line.wait_for(timeout=READY)
    first = line.bounding_box()
    line.locator("img[src]").nth(1).wait_for(timeout=READY)
    settle(page)
    last = line.bounding_box()
    assert (first["width"], first["height"]) == (last["width"], last["height"])
    assert last["width"] > 0.5 * min(width, 700)


def test_the_published_experiment_shows_small_pictures_under_a_line(page, app):
    open_page(page, app, "colorize", "?view=The+published+experiment")
    line = page.get_by_role("slider", name="Line between before and after")
    line.locator("img[src]").nth(1).wait_for(timeout=READY)
    page.get_by_text("loses to the gray copy").wait_for(timeout=READY)
    assert errors(page) == [] and page.console_errors == []
