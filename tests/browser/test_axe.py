"""What axe-core calls serious or critical: text too pale, controls without a name, and whatever else shuts out."""
import pytest

from pages.shared import frame
from tests import conftest
from tests.browser.driver import open_page


@pytest.fixture
def grave():
    """grave(page): the rules that a page breaks, each with the elements that break it."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        conftest.missing("the axe-playwright-python package is not installed")

    def found(page):
        return {broken["id"]: [node["html"] for node in broken["nodes"]]
                for broken in Axe().run(page).response["violations"] if broken["impact"] in ("serious", "critical")}
    return found


@pytest.mark.soak
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", frame.PAGES)
def test_everyone_can_read_and_reach_a_page(new_page, app, grave, name, scheme):
    page = new_page(color_scheme=scheme)
    open_page(page, app, name)
    assert grave(page) == {}


@pytest.mark.soak
@pytest.mark.parametrize(("name", "query"), [
    ("latent_map", "?section=Cloud"), ("latent_map", "?section=Numbers"),
    ("denoise", "?model=Digits, convolutional"), ("faces", "?section=Numbers")])
def test_everyone_can_read_and_reach_what_is_not_seen_first(page, app, grave, name, query):
    open_page(page, app, name, query)
    assert grave(page) == {}


def test_what_is_too_pale_is_seen(new_page, app, grave):
    page = new_page()
    open_page(page, app, "home")
    page.add_style_tag(content="h1 { color: #ddd !important; }")
    assert "color-contrast" in grave(page)
