"""Every number of a code on a live strip, of any model: sorted, searched, reset, drawn at random, kept in the link."""
import numpy as np
import pytest

from ae_core import model
from ae_core.features import faces, latent_map
from pages.shared import cache
from tests.browser import driver
from tests.browser.driver import READY, asked, settle
from tests.browser.test_exact import RUNS, assert_is, hold, shown, value

WIDE = "latent_map", "?section=Numbers&model=Digits, wide VAE", "digits_vae_wide"


def open_numbers(page, app, address, query):
    driver.open_page(page, app, address, query)
    root = page.locator(".mixer").last
    root.wait_for(timeout=READY)
    root.evaluate(RUNS)
    return root


def strips(page):
    return page.locator(".mixer").last.locator(".track").all()


def test_strips_of_a_wide_code_move_exactly_with_nothing_on_the_wire(page, app):
    sent, received = (driver.record(page, direction) for direction in ("framesent", "framereceived"))
    address, query, name = WIDE
    root, served = open_numbers(page, app, address, query), model.load(name)
    order, deviation, effect = cache.sway(served)
    assert list(effect[order]) == sorted(effect, reverse=True) and len(strips(page)) == 8
    code = latent_map.stored_codes(name).mean[0].copy()
    for k, place in ((0, 0.8), (3, 0.3)):
        sent.clear(), received.clear()
        for _ in hold(page, strips(page)[k], [(0.5, 0.5), (place, 0.5)]):
            alpha, _ = value(root)
            moved = code.copy()
            moved[order[k]] += alpha * deviation[order[k]]
            assert_is(shown(root), served.decode([moved])[0])
        assert sent == received == []
        page.mouse.up()
        settle(page)
        code[order[k]] += round(alpha, 3) * deviation[order[k]]
    changed = faces.parse_changes(asked(page, "numbers"), [f"z{k + 1}" for k in range(128)])
    assert set(changed) == {f"z{order[0] + 1}", f"z{order[3] + 1}"}
    page.reload()
    settle(page)
    root.evaluate(RUNS)
    np.testing.assert_allclose(shown(root)[..., :1], served.decode([code])[0], atol=0.03)   # two decimals are kept


def test_next_random_search_and_reset(page, app):
    root = open_numbers(page, app, *WIDE[:2])
    names = [strip.get_attribute("aria-label") for strip in strips(page)]
    page.get_by_role("button", name="Random").click()
    settle(page)
    drawn = asked(page, "numbers")
    assert drawn.count(":") == 8
    page.get_by_role("button", name="The next 8").click()
    settle(page)
    others = [strip.get_attribute("aria-label") for strip in strips(page)]
    assert not set(names) & set(others) and len(others) == 8 and asked(page, "numbers") == drawn
    page.get_by_role("combobox", name="Numbers on a strip").press("Backspace")
    settle(page)
    page.get_by_role("combobox", name="Numbers on a strip").press_sequentially("z128")
    page.get_by_role("option", name="z128").click()
    page.keyboard.press("Tab")                   # an open list hides what is beside it from roles
    settle(page)
    assert "z128" in [strip.get_attribute("aria-label").split()[0] for strip in strips(page)]
    page.get_by_role("button", name="Reset").click()
    settle(page)
    assert asked(page, "numbers") is None and value(root)[0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("address", "query"), [
    ("reconstruct", "?model=Digits, convolutional"), ("latent_map", "?section=Numbers&model=Cats, VAE"),
    ("faces", "?section=Numbers")])
def test_it_is_there_for_codes_of_every_kind(page, app, address, query):
    driver.open_page(page, app, address, query)
    if address == "reconstruct":
        page.get_by_text("Turn the numbers of the first picture").click()
        settle(page)
    root = page.locator(".mixer").last
    root.wait_for(timeout=READY)
    root.evaluate(RUNS)
    before = shown(root)
    strips(page)[0].press("End")
    assert np.abs(shown(root) - before).max() > 0.05
    settle(page)
    assert asked(page, "numbers").endswith(":3.00") and page.console_errors == []


@pytest.mark.parametrize("asked_for", ["nan", "z999:1", "z5:9", "<script>"])
def test_a_bad_number_in_the_link_gets_a_sentence(page, app, asked_for):
    open_numbers(page, app, WIDE[0], f"{WIDE[1]}&numbers={asked_for}")
    assert page.get_by_text("unknown change of a number").is_visible()


def test_a_phone_sees_all_of_it(page, app):
    page.set_viewport_size({"width": 390, "height": 844})
    open_numbers(page, app, *WIDE[:2])
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
