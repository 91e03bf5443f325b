"""The walk on a phone: every page upright, used by touch alone, in Chromium and in Firefox; nothing is cut off."""
import json
from pathlib import Path

import pytest

from pages.shared import frame
from tests.browser import firefox
from tests.browser.driver import READY, settle
from tests.browser.test_touch import swipe

CUT = Path(__file__).with_name("cut.js").read_text("utf-8")
PHONE = (390, 844)
WHOLE = f"""(async () => {{
  {CUT}
  for (let k = 0; k < 120 && cutOff().length; k++) await new Promise(requestAnimationFrame);
  return cutOff();
}})()"""
STILL = "document.querySelector('.stApp')?.dataset.testScriptState === 'notRunning'"
LOADED = "document.fonts.status === 'loaded' && [...document.images].every((image) => image.complete)"
LINE = "$('{}')?.getAttribute('aria-valuetext')".format
PLANE = LINE(".pad .axis.horizontal")
PICTURE = "$('[data-testid=stImage] img')?.src"
# page -> where the finger is put down, how far it goes to the side, and what it changes
USES = {
    "home": ("[data-testid=stMain] [data-testid=stPageLink-NavLink]", 0, "$('h1')?.innerText"),
    "reconstruct": (".rows .track", 120, LINE(".rows .track")),
    "denoise": (".rows .track", 100, LINE(".rows .track")),
    "latent_map": (".pad .surface", 100, PLANE),
    "digits": (".pad .surface", 60, PLANE),
    "faces": (".mixer .track", 100, LINE(".mixer .track")),
    "colorize": (".divider .track", 100, LINE(".divider .track")),
    "outliers": (".hunt .cell", 0, "$('.hunt .cell')?.getAttribute('aria-pressed')"),
    "search": (".st-key-grid_result button", 0, PICTURE),
    "train": (".filmstrip .track", -100, LINE(".filmstrip .track")),
}


class Chromium:
    """A page of Playwright with the methods of `firefox.Firefox` that a walk needs."""

    def __init__(self, page):
        self.page = page

    def open(self, url, width, height):
        self.page.goto(url)

    def evaluate(self, expression):
        return self.page.evaluate(f"async () => (async ($) => {expression})({firefox.DEEP})")

    def wait_for(self, expression):
        self.page.wait_for_function(f"() => (($) => {expression})({firefox.DEEP})", timeout=READY)

    def box(self, selector):
        self.wait_for(f"Boolean($({json.dumps(selector)}))")
        self.evaluate(f"$({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        settle(self.page)
        box = self.evaluate(f"$({json.dumps(selector)}).getBoundingClientRect().toJSON()")
        return box["x"], box["y"], box["width"], box["height"]

    def swipe(self, *places):
        (left, top), (right, _) = places[0], places[-1]
        if len(places) > 1:
            swipe(self.page, left, top, right - left, 0)
        else:
            self.page.touchscreen.tap(left, top)


@pytest.fixture(params=["Chromium", "Firefox"])
def phone(request):
    """A browser on a phone."""
    if request.param == "Firefox":
        return request.getfixturevalue("fox")
    return Chromium(request.getfixturevalue("new_page")(
        viewport=dict(zip(("width", "height"), PHONE, strict=True)), has_touch=True, device_scale_factor=3))


def assert_whole(phone):
    """Nothing is cut off; what is drawn anew may be without its style for some frames."""
    phone.wait_for(STILL)
    assert phone.evaluate(WHOLE) == []


@pytest.mark.parametrize("name", frame.PAGES)
def test_a_page_is_used_by_touch_alone(phone, app, name):
    where, across, value = USES[name]
    phone.open(f"{app}/{'' if name == 'home' else name}", *PHONE)
    phone.wait_for(f"{STILL} && $({json.dumps(where)}) && {value} && {LOADED}")
    assert phone.evaluate("$('h1').innerText") == frame.PAGES[name].title
    assert_whole(phone)
    before = phone.evaluate(value)
    left, top, width, height = phone.box(where)
    x, y = left + (0.3 if across > 0 else 0.5) * width, top + height / 2
    phone.swipe(*[(x + across * k / 8, y) for k in range(9 if across else 1)])
    phone.wait_for(f"{value} && {value} !== {json.dumps(before)}")
    assert_whole(phone)


def test_the_menu_closes_when_a_page_was_chosen(new_page, app):
    page = new_page(viewport=dict(zip(("width", "height"), PHONE, strict=True)), has_touch=True, is_mobile=True)
    page.goto(app)
    settle(page)
    menu = page.get_by_test_id("stSidebar")
    edge = "document.querySelector('[data-testid=stSidebar]').getBoundingClientRect().right"
    page.get_by_test_id("stExpandSidebarButton").tap()
    page.wait_for_function(f"{edge} > 200")
    menu.get_by_role("link", name="Outliers").tap()
    page.wait_for_url("**/outliers")
    settle(page)
    page.wait_for_function(f"{edge} <= 0")
    assert page.get_by_role("heading", name="Outliers").is_visible()
