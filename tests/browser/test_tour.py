"""Stage mode and the tour, by keys alone, as a presenter's clicker sends them."""
import pytest

from pages.shared import frame, stage
from tests.browser.driver import asked, errors, open_page, settle


def wait_for_heading(page, title):
    page.wait_for_function("title => document.querySelector('h1')?.innerText === title", arg=title)
    settle(page)


def said(page):
    return page.locator(".st-key-stage").inner_text()


def test_the_tour_by_keys_alone(page, app):
    steps = stage.tour(frame.PAGES)
    open_page(page, app, steps[0].page, "?tour=1")
    for number, step in enumerate(steps, 1):
        wait_for_heading(page, frame.PAGES[step.page].title)
        assert f"{number} of {len(steps)}" in said(page) and step.sentence in said(page)
        assert not page.locator("[data-testid=stSidebar]").is_visible()
        assert errors(page) == [] and page.locator("[data-testid=stAlert]").count() == 0
        page.keyboard.press("PageDown")          # after the last step it does nothing
    page.keyboard.press("PageUp")
    wait_for_heading(page, frame.PAGES[steps[-2].page].title)
    page.keyboard.press("Escape")
    page.locator("[data-testid=stSidebar]").wait_for()
    settle(page)
    assert page.locator(".st-key-stage").count() == 0 and asked(page, "tour") is None
    assert page.console_errors == []


def test_a_clicker_turns_the_page_even_from_a_strip(page, app):
    open_page(page, app, "home")
    page.get_by_role("button", name="Stage mode").click()
    page.locator(".st-key-stage").wait_for()
    settle(page)
    strip = page.locator("[role=slider]").first
    strip.focus()
    before = strip.get_attribute("aria-valuetext")
    page.keyboard.press("ArrowRight")            # an arrow belongs to the strip
    page.wait_for_function("before => [...document.querySelectorAll('*')].some(e => e.shadowRoot?.querySelector("
                           "'[role=slider]') && e.shadowRoot.querySelector('[role=slider]').ariaValueText !== before)",
                           arg=before)
    assert page.locator("h1").inner_text() == frame.PAGES["home"].title
    page.keyboard.press("PageDown")
    wait_for_heading(page, frame.PAGES["reconstruct"].title)
    page.locator("h1").click()
    page.keyboard.press("ArrowLeft")
    wait_for_heading(page, frame.PAGES["home"].title)
    assert asked(page, "stage") == "1" and errors(page) == [] and page.console_errors == []


@pytest.mark.parametrize("where", ["", "denoise"])
def test_a_link_opens_on_stage(page, app, where):
    open_page(page, app, where, "?stage=1")
    assert page.locator(".st-key-stage").is_visible()
    page.mouse.move(300, 300)
    assert page.evaluate("window.__aeStage.isConnected")                 # the pointer of light
    large = page.evaluate("getComputedStyle(document.documentElement).fontSize")
    assert float(large.removesuffix("px")) > 16


def test_a_line_that_links_nowhere_is_named(monkeypatch, tmp_path):
    file = tmp_path / "mine.md"
    file.write_text("# Mine\n- [One](/denoise?level=0.5): A sentence.\n- [Two](/elsewhere)\n")
    monkeypatch.setenv("AE_TOUR", str(file))
    with pytest.raises(ValueError, match="Line 3 of mine.md links to /elsewhere, which is no page"):
        stage.tour(frame.PAGES)
    file.write_text("# Nothing\n")
    with pytest.raises(ValueError, match="mine.md has no step"):
        stage.tour(frame.PAGES)
