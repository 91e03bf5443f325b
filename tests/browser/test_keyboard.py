"""The whole app by keyboard: Tab goes through all that a page has, is caught nowhere, and the focus is always seen."""
import pytest

from pages.shared import frame
from tests.browser.driver import errors, open_page, painted

MOST = 300                       # presses of Tab, more than any page has controls
AROUND = 6                       # pixels about a control, where its ring is
# What has the focus: a number of its own, its name, its box, and whether it is the control of the first screen.
FOCUSED = """() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    if (!element || element === document.body) return null;
    const numbers = (window.reached ??= new Map());
    if (!numbers.has(element)) numbers.set(element, numbers.size);
    window.focused = element;
    const within = (each) => each && (each.hasAttribute("data-control") ||
        within(each.parentElement ?? each.getRootNode().host));
    const { x, y, width, height } = element.getBoundingClientRect();
    return { number: numbers.get(element), box: [x, y, width, height], control: Boolean(within(element)),
        name: element.ariaLabel || element.innerText?.slice(0, 40) || element.outerHTML.slice(0, 80) };
}"""


def looks(page, box):
    """The screen about a box."""
    x, y, width, height = box
    size = page.viewport_size
    left, top = max(x - AROUND, 0), max(y - AROUND, 0)
    right, bottom = min(x + width + AROUND, size["width"]), min(y + height + AROUND, size["height"])
    assert right > left and bottom > top, "the focus is beyond the screen"
    return page.screenshot(clip={"x": left, "y": top, "width": right - left, "height": bottom - top},
                           animations="disabled")


def walk(page):
    """What Tab reaches, one after another until it begins anew, and the names of those whose focus cannot be seen."""
    reached, unseen = [], []
    for _ in range(MOST):
        page.keyboard.press("Tab")
        painted(page)
        found = page.evaluate(FOCUSED)
        if found is None or found["number"] < len(reached):
            return reached, unseen
        reached.append(found)
        focused = looks(page, found["box"])
        page.evaluate("window.focused.blur()")   # Tab goes on from here all the same
        painted(page)
        if looks(page, found["box"]) == focused:
            unseen.append(found["name"])
    raise AssertionError(f"Tab is caught: after {MOST} presses it is at {reached[-1]['name']}")


@pytest.mark.soak
@pytest.mark.parametrize("name", frame.PAGES)
def test_tab_goes_through_a_page_and_the_focus_is_seen(page, app, name):
    open_page(page, app, name)
    reached, unseen = walk(page)
    names = " ".join(each["name"] for each in reached)
    assert unseen == [] and errors(page) == []
    assert all(entry.title in names for entry in frame.PAGES.values())           # the menu
    if page.locator("[data-control]").count():
        assert any(each["control"] for each in reached)
