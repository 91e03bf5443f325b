"""The pages that put codes to use, in a real Chromium: a dragged threshold, a clicked result, an own folder."""
import re

import pytest

from tests.browser.driver import READY, errors, open_page, painted, record, settle
from tests.pictures.test_collections import png


def test_the_threshold_counts_while_it_is_dragged(page, app):
    sent = record(page, "framesent")
    open_page(page, app, "outliers", "?section=The+published+experiment")
    line, counts = page.locator(".threshold .track"), page.locator(".threshold .counts")
    line.wait_for(timeout=READY)
    page.wait_for_function("document.querySelector('[data-testid=stMetricValue]')", timeout=READY)
    first = page.locator("[data-testid=stMetricValue]").first.inner_text()
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 20)
    page.mouse.down()
    sent.clear()
    texts = set()
    for share in (0.7, 0.5, 0.3, 0.1):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + 20)
        painted(page)
        texts.add(counts.inner_text())
    pattern = r"\d+ of 10 intruders and \d+ regular beyond the line"
    assert len(texts) >= 3 and all(re.match(pattern, text) for text in texts)    # few lie between the two clouds
    assert sent == []
    page.mouse.up()
    page.wait_for_function("first => document.querySelector('[data-testid=stMetricValue]').innerText !== first",
                           arg=first, timeout=READY)
    assert errors(page) == [] and page.console_errors == []


def test_the_threshold_moves_by_keyboard_and_speaks(page, app):
    open_page(page, app, "outliers", "?section=The+published+experiment")
    line = page.locator(".threshold .track")
    line.wait_for(timeout=READY)
    page.wait_for_function("document.querySelector('.threshold .track')?.getAttribute('aria-valuetext')"
                           " || [...document.querySelectorAll('*')].some(e => e.shadowRoot?.querySelector("
                           "'.threshold .track')?.getAttribute('aria-valuetext'))", timeout=READY)
    before = float(line.get_attribute("aria-valuenow"))
    line.focus()
    page.keyboard.press("PageUp")
    settle(page)
    assert float(line.get_attribute("aria-valuenow")) > before
    assert "beyond the line" in line.get_attribute("aria-valuetext") and line.get_attribute("role") == "slider"


def test_a_click_on_a_result_searches_on(page, app):
    open_page(page, app, "search")
    results = page.locator(".st-key-grid_result button")
    page.wait_for_function("document.querySelectorAll('.st-key-grid_result button img').length === 16", timeout=READY)
    before, picked = results.first.inner_text(), results.nth(5).locator("img").get_attribute("src")
    results.nth(5).click()
    page.wait_for_url("**picture=*", timeout=READY)
    page.wait_for_function("before => document.querySelector('.st-key-grid_result button').innerText !== before",
                           arg=before, timeout=READY)
    settle(page)
    assert picked not in [image.get_attribute("src") for image in page.locator(".st-key-grid_result img").all()]
    assert errors(page) == [] and page.console_errors == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_mosaic_is_four_by_four_on_every_screen(page, app, width):
    page.set_viewport_size({"width": width, "height": 900})
    open_page(page, app, "search")
    page.wait_for_function("document.querySelectorAll('.st-key-grid_result button img').length === 16", timeout=READY)
    boxes = [button.bounding_box() for button in page.locator(".st-key-grid_result button").all()]
    assert len({round(box["x"]) for box in boxes}) == 4 and max(box["x"] + box["width"] for box in boxes) <= width


def test_a_whole_folder_is_searched(page, app, tmp_path):
    for k in range(20):
        (tmp_path / f"{k}.png").write_bytes(png(k))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    open_page(page, app, "search")
    page.get_by_role("button", name="More").click()
    page.get_by_text("Your pictures", exact=True).first.click()
    page.get_by_text("Until then, Fashion-MNIST").wait_for(timeout=READY)
    page.get_by_text("A whole folder").click()
    chooser = page.locator("input[webkitdirectory]")
    chooser.wait_for(state="attached", timeout=READY)
    chooser.set_input_files(str(tmp_path))
    page.get_by_text("20 pictures read.").wait_for(timeout=READY)
    page.get_by_text("broken.png is not a picture").wait_for(timeout=READY)
    page.get_by_text("nearest of 20").wait_for(timeout=READY)


ODD = ["www.example.com a@b.com.png", "[x](http:example) :smile: $x$ `c`.png",
       ":material-home: a--b -> *c* _d_ ~~e~~.png",
       "# 1 & <b>x<b> != &amp; :red[x].png", "plain_name_1.png"]


def test_names_of_files_appear_character_for_character(page, app):
    open_page(page, app, "search")
    page.get_by_role("button", name="More").click()
    page.get_by_text("Your pictures", exact=True).first.click()
    page.get_by_text("Until then, Fashion-MNIST").wait_for(timeout=READY)
    page.locator("input[type=file]").first.set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": png(k)} for k, name in enumerate(ODD)])
    page.get_by_text("nearest of 5").wait_for(timeout=READY)
    settle(page)
    shown = [button.inner_text() for button in page.locator(".st-key-grid_result button").all()]
    shown += page.locator("[data-testid=stImageCaption]").all_inner_texts()
    shown = " ".join(shown).replace("\u2060", "")
    assert all(name in shown for name in ODD)
    assert page.locator(".st-key-grid_result a, [data-testid=stImageCaption] a").count() == 0
