"""New pictures beside the places that they come from: whoever points at one sees the other."""
import numpy as np

from ae_core import model
from ae_core.features import latent_map
from pages.shared import map_panels
from tests.browser import driver
from tests.browser.test_exact import LEVELS


def lit(parts):
    return [k for k, part in enumerate(parts.all()) if "lit" in part.get_attribute("class").split()]


def test_pointing_at_a_picture_lights_its_place_and_the_other_way_round(page, app):
    driver.open_page(page, app, "latent_map", "?section=New pictures")
    root = page.locator(".origins").first
    root.scroll_into_view_if_needed()
    figures, dots = root.locator(".figure"), root.locator(".dot")
    assert figures.count() == dots.count() == map_panels.NEW
    figures.nth(3).hover()
    assert lit(figures) == lit(dots) == [3]
    page.mouse.move(0, 0)
    assert lit(figures) == lit(dots) == []
    figures.nth(7).focus()
    assert lit(figures) == lit(dots) == [7]
    figures.nth(7).press("Tab")
    assert lit(figures) == lit(dots) == [8]
    dots.nth(6).hover(force=True)
    assert 6 in lit(figures)
    assert page.console_errors == []


def test_pictures_are_decoded_from_the_numbers_beside_them_and_holes_are_said(page, app):
    driver.open_page(page, app, "latent_map", "?section=New pictures&seed=3")
    for name, root in (("digits_vae", page.locator(".origins").first), ("digits_plane", page.locator(".origins").last)):
        served, codes = model.load(name), latent_map.stored_codes(name).mean
        drawn = latent_map.draw(served, codes, map_panels.NEW, 3)
        far = latent_map.holes(codes, drawn.codes)
        for k, figure in enumerate(root.locator(".figure").all()):
            said = figure.get_attribute("aria-label")
            numbers = ", ".join(f"{number:.2f}".replace("-", "−") for number in drawn.codes[k])
            assert numbers in said and ("in a hole" in said) == far[k]
            shown = np.reshape(figure.locator("canvas").evaluate(LEVELS), (28, 28, 3)) / 255
            assert np.abs(shown - drawn.pictures[k]).max() < 1.1 / 255
        assert far.any() == (name == "digits_plane")
