"""The first screen of a page, on a laptop and on a beamer: its picture, its control, and what is compared are on it."""
from pathlib import Path

import pytest

from pages.shared import frame
from tests.browser.driver import errors, open_page, painted, record, settle

SCREEN = Path(__file__).with_name("screen.js").read_text("utf-8")
# The main pictures are painted, and what all of them cover is what it was at the last look.
STANDS = f"""(sidebar) => {{
    const found = ({SCREEN.strip()})(sidebar);
    const before = window.coveredBefore;
    window.coveredBefore = found.covered;
    return found.painted && found.covered === before;
}}"""
LAPTOP, STAGE, BEAMER = (1280, 720), (1920, 1080), (1024, 768)
SIDEBAR = 220
STAGED = [name for name in frame.PAGES if name != "colorize"]      # which is still laid out as before
COVERED = 0.45                   # of the room beside the sidebar, by pictures
APART = 360                      # pixels between the middles of what is compared, at most


def screen(new_page, app, name, size):
    """What lies on the first screen of a page: see screen.js."""
    page = new_page(viewport=dict(zip(("width", "height"), size, strict=True)))
    open_page(page, app, name)
    page.wait_for_function(STANDS, arg=SIDEBAR, polling=300)
    assert errors(page) == [] and page.console_errors == []
    return page.evaluate(SCREEN, SIDEBAR)


@pytest.mark.parametrize("name", STAGED)
def test_the_first_screen_is_the_lesson(new_page, app, name):
    found = screen(new_page, app, name, LAPTOP)
    assert found["main"] and all(box["whole"] for box in found["main"])
    assert found["control"] and all(box["whole"] for box in found["control"])
    assert found["covered"] >= COVERED
    middles = [box["middle"] for box in found["compared"]]
    assert not middles or max(middles) - min(middles) <= APART


@pytest.mark.parametrize("name", STAGED)
def test_the_picture_takes_the_room_of_a_stage(new_page, app, name):
    main = screen(new_page, app, name, STAGE)["main"][0]
    assert main["width"] >= 0.6 * (STAGE[0] - SIDEBAR) or main["height"] >= 0.72 * STAGE[1]


@pytest.mark.parametrize("name", STAGED)
def test_a_beamer_shows_the_picture_whole(new_page, app, name):
    assert all(box["whole"] for box in screen(new_page, app, name, BEAMER)["main"])


def test_each_page_leads_to_the_next_idea(page, app):
    open_page(page, app, "home")
    page.locator(".st-key-tiles a").first.click()
    for following in [*list(frame.PAGES)[2:], ""]:
        settle(page)
        page.locator(".st-key-next a").click()
        page.wait_for_url(f"{app}/{following}")
    settle(page)
    assert page.locator(".st-key-tile_train a").is_visible() and errors(page) == []


def test_a_garment_follows_its_numbers(page, app):
    open_page(page, app, "home")
    page.wait_for_function("window.__aeModels && [...window.__aeModels.values()].length")
    words, strip = page.locator(".mixer .words"), page.locator(".mixer .track").nth(2)
    before = words.inner_text()
    assert "784 pixels → 8 numbers" in before
    sent = record(page, "framesent")
    box = strip.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 20)
    page.mouse.down()
    sent.clear()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + 20, steps=5)
    page.wait_for_function("before => [...document.querySelectorAll('*')].some(e => e.shadowRoot?.querySelector("
                           "'.mixer .words')?.textContent.length && e.shadowRoot.querySelector('.mixer .words')"
                           ".textContent !== before)", arg=before)
    assert sent == []
    page.mouse.up()
    settle(page)
    far = float(words.inner_text().split()[-1])
    assert far > float(before.split()[-1])
    page.get_by_role("radio", name="bag").click()
    settle(page)
    assert words.inner_text() != before and errors(page) == [] and page.console_errors == []


def test_a_hunt_by_mouse_and_its_answer_by_keyboard(page, app):
    open_page(page, app, "outliers", "?level=Easy")
    words, cells = page.locator(".hunt .words"), page.locator(".hunt .cell")
    assert cells.count() == 84
    sent = record(page, "framesent")
    for k in (0, 40, 83):
        cells.nth(k).click()
    cells.nth(40).click()                        # a second click takes the mark back
    painted(page)
    assert "2 marked" in words.inner_text() and sent == []
    assert [cells.nth(k).get_attribute("aria-pressed") for k in (0, 40, 83)] == ["true", "false", "true"]
    cells.nth(83).press("ArrowLeft")
    page.keyboard.press("Space")
    painted(page)
    assert "3 marked" in words.inner_text()
    page.get_by_role("button", name="Show the answer").click()
    settle(page)
    assert "The machine: 10 of 10 found, 0 false alarms" in words.inner_text()
    for _ in range(4):
        page.keyboard.press("ArrowRight")        # the line has the focus
    settle(page)
    assert "The machine: 10 of 10 found, 4 false alarms" in words.inner_text()
    assert "precision 0.71" in page.locator(".hunt .across").get_attribute("aria-valuetext")
    page.get_by_role("button", name="Download CSV").wait_for()
    page.get_by_role("button", name="Hunt again").click()
    settle(page)
    assert "0 marked" in words.inner_text() and errors(page) == [] and page.console_errors == []


def test_the_line_of_a_hunt_is_dragged(page, app):
    open_page(page, app, "outliers")
    page.get_by_role("button", name="Show the answer").click()
    settle(page)
    words, wall = page.locator(".hunt .words"), page.locator(".hunt .wall").bounding_box()
    said = set()
    page.mouse.move(wall["x"] + 5, wall["y"] + 20)
    page.mouse.down()
    for share in (0.1, 0.4, 0.9):
        page.mouse.move(wall["x"] + wall["width"] * share, wall["y"] + 20)
        painted(page)
        said.add(words.inner_text())
    page.mouse.up()
    settle(page)
    assert len(said) == 3 and errors(page) == [] and page.console_errors == []


NUMBERS = """() => {  // of a component of rows: where its strip stands, and all that is said of that place
  const root = [...document.querySelectorAll("*")].find((e) => e.shadowRoot?.querySelector(".rows")).shadowRoot;
  const said = [...root.querySelectorAll(".words, .name .number")].map((element) => element.textContent);
  const view = root.querySelector(".rows").parentNode.live;
  return { place: view.place, said, expected: [view.data.words[view.place], ...view.data.notes[view.place]] };
}"""


@pytest.mark.parametrize("name", ["reconstruct", "denoise"])
def test_while_dragging_no_number_belongs_to_another_place(page, app, name):
    open_page(page, app, name)
    before = page.get_by_test_id("stMain").inner_text()
    box = page.locator(".rows .track").bounding_box()
    sent, places = record(page, "framesent"), set()
    page.mouse.move(box["x"] + 5, box["y"] + 20)
    page.mouse.down()
    sent.clear()
    for share in (0.2, 0.45, 0.8, 1):
        page.mouse.move(box["x"] + share * (box["width"] - 1), box["y"] + 20)
        painted(page)
        found = page.evaluate(NUMBERS)
        assert found["said"] == found["expected"]
        places.add(found["place"])
    assert len(places) == 4 and sent == []
    shown = page.locator(".rows .words, .rows .name .number").all_inner_texts()
    after = page.get_by_test_id("stMain").inner_text()
    page.mouse.up()
    settle(page)
    assert before == after                       # beside the strip nothing speaks of a place
    assert page.locator(".rows .words, .rows .name .number").all_inner_texts() == shown and errors(page) == []


def test_a_pair_is_flipped_while_it_is_held(page, app):
    open_page(page, app, "reconstruct")
    lines, pixels = page.locator(".rows .line"), "canvases => canvases.map((canvas) => canvas.toDataURL())"
    pair, box = lines.evaluate_all(pixels), lines.nth(0).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    painted(page)
    one = lines.evaluate_all(pixels)[0]
    page.mouse.up()
    page.locator(".rows .table").focus()
    page.keyboard.down("Space")
    painted(page)
    assert lines.evaluate_all(pixels) == pair[::-1] and one not in pair
    page.keyboard.up("Space")
    painted(page)
    assert lines.evaluate_all(pixels) == pair and errors(page) == []
