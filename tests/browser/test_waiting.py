"""While a page is computed, what was made stays as it is, and a thin line on top says that something is going on."""
from pathlib import Path

from tests.browser.driver import open_page, painted

LINE = """() => {
    const style = getComputedStyle(document.querySelector('.stApp'), '::before');
    return style.content === '""' && style.height === '3px' && Number(style.opacity) > 0.9;
}"""
FAINTEST = """element => {
    let least = 1;
    for (let at = element; at; at = at.parentElement) least = Math.min(least, Number(getComputedStyle(at).opacity));
    return least;
}"""


def test_nothing_fades_and_a_line_says_that_it_is_computed(page, serve):
    open_page(page, serve(Path(__file__).with_name("slow_demo.py")), "home")
    page.wait_for_function(f"!({LINE})()")
    page.get_by_role("button", name="Compute").click()
    page.locator("[data-stale=true]").get_by_text("pressed=False").wait_for()
    page.wait_for_function(LINE)
    painted(page)
    page.wait_for_function("!document.getAnimations().some(each => each instanceof CSSTransition)")   # its fading
    assert page.locator("[data-stale=true]").get_by_text("pressed=False").evaluate(FAINTEST) == 1
    page.get_by_text("pressed=True").wait_for()
    page.wait_for_function(f"!({LINE})()")
    assert page.console_errors == []
