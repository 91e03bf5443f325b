"""Nothing of a page is cut off: on tablets held upright, at any zoom of the browser, on any density of the screen."""
from pathlib import Path

import pytest

from pages.shared import frame
from tests.browser.driver import open_page, settle

CUT = Path(__file__).with_name("cut.js")
TABLETS = [(768, 1024, 1), (820, 1180, 1.5), (1024, 1366, 3)]        # CSS pixels, and those of the screen for each
WINDOW = (1280, 720)                                                 # that is zoomed
ZOOMS = [0.5, 0.67, 0.8, 1, 1.25, 1.5, 2]
PHONE = (390, 844, 3)
SIZES = [*TABLETS, PHONE, *((round(WINDOW[0] / zoom), round(WINDOW[1] / zoom), zoom) for zoom in ZOOMS)]


@pytest.fixture
def measured(new_page):
    """A page that can be given any size, and says what of it is cut off."""
    page = new_page()
    page.context.add_init_script(path=CUT)
    screen = page.context.new_cdp_session(page)

    def cut_off(width, height, density):
        page.set_viewport_size({"width": width, "height": height})
        screen.send("Emulation.setDeviceMetricsOverride",
                    {"width": width, "height": height, "deviceScaleFactor": density, "mobile": False})
        settle(page)
        return page.evaluate("cutOff()")
    page.cut_off = cut_off
    return page


@pytest.mark.parametrize("name", frame.PAGES)
def test_nothing_is_cut_off_at_any_size(measured, app, name):
    open_page(measured, app, name)
    found = {size: cut for size in SIZES if (cut := measured.cut_off(*size))}
    assert found == {}


@pytest.mark.parametrize(("name", "query", "opens"), [
    ("reconstruct", "", "Your photo"), ("reconstruct", "", "More"),
    ("colorize", "?view=The+published+experiment", None), ("faces", "", "Pick"),
    ("search", "?where=Your+pictures", None), ("train", "", "Settings"),
    *(("latent_map", f"?section={section}", None) for section in ("Path", "Sheet", "Dimensions"))])
def test_nothing_is_cut_off_of_what_a_page_shows_when_asked(measured, app, name, query, opens):
    open_page(measured, app, name, query)
    if opens:
        measured.get_by_text(opens, exact=True).first.click()
        settle(measured)
    found = {size: cut for size in [*TABLETS, PHONE] if (cut := measured.cut_off(*size))}
    assert found == {}


@pytest.mark.parametrize("content", [
    "<div style='width: 50px; overflow: hidden; white-space: nowrap'>One long line</div>",
    "<div style='width: 50px; overflow: auto'><button style='width: 90px'>Wide</button></div>",
    "<div style='width: 50px; white-space: nowrap'>One long line</div>",
    "<div style='height: 12px; overflow: hidden'>One<br>Two</div>",
    "<div style='display: flex; width: 60px; overflow: hidden'><div style='display: contents'>"
    "<button style='flex: none; width: 90px'>Wide</button></div></div>",
    "<input value='A value that is longer than its field' style='width: 60px'>",
    "<svg width='50' height='20'><text y='15'>One long line</text></svg>",
    "<p style='width: 200vw; margin: 0'>Wide</p>",
])
def test_what_is_cut_off_is_seen(measured, content):
    measured.goto("data:text/html,<p>Whole</p>")
    assert measured.evaluate("cutOff()") == []
    measured.evaluate("content => { document.body.innerHTML = content; }", content)
    assert len(measured.evaluate("cutOff()")) >= 1
