"""The latent map and the digits page in a real browser: addresses, dragging, keyboard, two readers at once."""
import re

import numpy as np
import pytest

from ae_core import latent
from ae_core.features import digits, latent_map
from tests.browser import driver
from tests.browser.driver import asked, painted, settle

POSITION = "root => root.parentNode.live.position()"
BRIGHT_PIXELS = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, i) => i % 4 === 0 && value > 128).length;
}"""


def open_page(page, app, address):
    driver.open_page(page, app, address)
    plane(page).wait_for()


def plane(page):
    return page.get_by_role("group", name=re.compile("^(Latent plane|Handwriting styles)")).first


def picture(page):
    return page.locator(".pad .picture").first.evaluate("canvas => canvas.toDataURL()")


def point(page):
    """What is spoken of the point: across and up."""
    values = [slider.get_attribute("aria-valuetext") for slider in plane(page).get_by_role("slider").all()]
    return tuple(value.split(",")[0] for value in values)


def drag(page, stops, release=True):
    plane(page).scroll_into_view_if_needed()
    box = plane(page).bounding_box()
    for k, (across, down) in enumerate(stops):
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=5)
        if k == 0:
            page.mouse.down()
    if release:
        page.mouse.up()
        settle(page)


def test_a_cold_deep_link_opens_drawn(page, app):
    open_page(page, app, "latent_map")
    assert page.title() == "Latent map · Autoencoder Lab"
    for part in ("picture", "ground", "thumbnail"):
        assert page.locator(f".pad .{part}").first.evaluate(BRIGHT_PIXELS) > 10


@pytest.mark.parametrize("address", ["latent_map", "digits"])
def test_a_drag_is_live_and_reported_once(page, app, address):
    sent, received = (driver.record(page, direction) for direction in ("framesent", "framereceived"))
    open_page(page, app, address)
    before, place = picture(page), asked(page)
    sent.clear(), received.clear()
    drag(page, [(0.7, 0.3), (0.2, 0.6), (0.4, 0.8)], release=False)
    painted(page)
    assert picture(page) != before               # the picture follows,
    assert sent == received == []                # with nothing on the wire,
    page.mouse.up()
    settle(page)
    assert len(sent) == 1                        # and one report tells where it ended
    assert asked(page) != place and page.locator(".pad .kind").first.inner_text() == "exact"


@pytest.mark.parametrize("address", ["latent_map?view=Grid", "digits?digit=5"])
def test_a_reload_restores_the_point(page, app, address):
    open_page(page, app, address)
    drag(page, [(0.7, 0.3), (0.62, 0.44)])
    place, seen, address = point(page), picture(page), page.url
    page.reload()
    settle(page)
    assert (point(page), picture(page), page.url) == (place, seen, address)


def test_an_address_opens_the_same_elsewhere(page, app):
    open_page(page, app, "latent_map?at=1.250,-0.500&view=Probability&section=Sheet")
    assert point(page) == ("1.25", "−0.50")
    assert page.get_by_role("radio", name="Sheet").get_attribute("aria-checked") == "true"
    open_page(page, app, "digits?digit=4&at=-1.000,0.750&from=4&into=9&weight=0.25&number=31415")
    assert point(page) == ("−1.00", "0.75")
    assert page.get_by_role("radio", name="4", exact=True).get_attribute("aria-checked") == "true"
    assert page.get_by_text("75% 4 and 25% 9").is_visible()


def test_a_point_dragged_outside_the_real_styles_comes_back_to_their_border(page, app):
    open_page(page, app, "digits")
    within = latent.oval(latent_map.stored_codes("digits_cvae").mean, digits.REAL)
    def away():
        return np.linalg.norm(within.inverse @ (np.array(page.locator(".pad").evaluate(POSITION)) - within.center))

    drag(page, [(0.5, 0.5), (0.98, 0.02)], release=False)
    painted(page)
    assert away() == pytest.approx(1, abs=1e-3)          # it resists,
    page.mouse.up()
    settle(page)
    assert away() == pytest.approx(1, abs=1e-3)          # and so it is told
    assert asked(page) == ",".join(f"{part:.3f}" for part in page.locator(".pad").evaluate(POSITION))
    plane(page).get_by_role("slider").first.press("End")
    settle(page)
    assert away() == pytest.approx(1, abs=1e-3)
    drag(page, [(0.5, 0.5), (0.45, 0.55)])
    assert away() < 0.5


def test_more_than_ten_classes_differ_by_color_and_sign(page, app):
    open_page(page, app, "latent_map")
    looks = page.locator(".pad").evaluate("""root => {
        const view = root.parentNode.live;
        view.update({ ...view.data, classes: Array.from({ length: 40 }, (_, k) => `class ${k}`) });
        return [...root.querySelectorAll(".swatch")].map((swatch) => {
          const { backgroundColor, clipPath, borderRadius } = getComputedStyle(swatch);
          return [backgroundColor, clipPath, borderRadius].join();
        });
    }""")
    assert len(looks) == len(set(looks)) == 40
    ground, seen = page.locator(".pad .ground"), set()
    for first in (0, 10, 20, 30):
        page.locator(".pad").evaluate("""(root, first) => {
            const view = root.parentNode.live;
            view.parts.dotClasses = view.parts.dotClasses.map((label) => (label % 10) + first);
            view.refresh();
        }""", first)
        painted(page)
        seen.add(ground.evaluate("canvas => canvas.toDataURL()"))
    assert len(seen) == 4


def test_two_tabs_do_not_disturb_each_other(page, new_page, app):
    other = new_page()
    open_page(page, app, "latent_map?at=1.000,1.000")
    open_page(other, app, "latent_map?at=-1.000,-1.000")
    place, seen = point(other), picture(other)
    drag(page, [(0.5, 0.5), (0.3, 0.6)])
    assert point(page) != ("1.00", "1.00")
    assert (point(other), picture(other), asked(other)) == (place, seen, "-1.000,-1.000")


def test_the_keyboard_moves_the_point_and_hides_a_class(page, app):
    open_page(page, app, "latent_map?at=0.000,0.000&view=Points")
    plane(page).get_by_role("slider").first.focus()
    for key in ("ArrowRight", "Shift+ArrowUp"):
        page.keyboard.press(key)
    settle(page)
    x, y = map(float, asked(page).split(","))
    assert 0 < x < 0.3 and 0.3 < y < 2
    ground = "canvas => canvas.toDataURL()"
    before = page.locator(".pad .ground").first.evaluate(ground)
    entry = page.locator(".pad .legend button").first
    entry.focus()
    page.keyboard.press("Enter")
    painted(page)
    assert entry.get_attribute("aria-pressed") == "false"
    assert page.locator(".pad .ground").first.evaluate(ground) != before


def test_the_keyboard_chooses_digit_and_weight(page, app):
    open_page(page, app, "digits?digit=3")
    before = picture(page)
    page.get_by_role("radio", name="3", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    settle(page)
    assert asked(page, "digit") == "4" and picture(page) != before
    page.get_by_role("slider", name="Weight of the 3").focus()
    page.keyboard.press("End")
    settle(page)
    assert asked(page, "weight") == "1.000"


@pytest.mark.parametrize("address", ["latent_map?at=nan,nan&model=<script>alert(1)</script>",
                                     "digits?at=1e9,1e9&digit=<script>alert(1)</script>"])
def test_bad_addresses_do_no_harm(page, app, address):
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog), dialog.dismiss()))
    open_page(page, app, address)
    assert page.get_by_text("instead").count() >= 1 and alerts == []
    drag(page, [(0.5, 0.5), (0.4, 0.5)])
    assert re.fullmatch(r"-?\d\.\d{3},-?\d\.\d{3}", asked(page))


@pytest.mark.parametrize("address", ["latent_map", "digits"])
def test_a_phone_sees_all_of_it(page, app, address):
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, app, address)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    box = plane(page).bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["width"] > 300


def test_nothing_on_the_page_lacks_a_text_alternative(page, app):
    for address in ("latent_map", "digits"):
        open_page(page, app, address)
        assert page.locator("img:not([alt]), img[alt='']").count() == 0
        assert page.locator("canvas:not([aria-label]):not([aria-hidden])").count() == 0


@pytest.mark.parametrize(("address", "kind", "magic"), [
    ("latent_map?section=Path", "GIF", b"GIF89a"), ("latent_map?section=Sheet", "PNG", b"\x89PNG"),
    ("digits", "GIF", b"GIF89a"), ("digits", "PNG", b"\x89PNG")])
def test_what_is_shown_can_be_saved(page, app, address, kind, magic):
    open_page(page, app, address)
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download {kind}").first.click()
    with open(download.value.path(), "rb") as file:
        assert file.read(8).startswith(magic)


def test_a_box_over_the_chart_shows_the_pictures_in_it(page, app):
    open_page(page, app, "latent_map?section=Scatter")
    chart = page.locator(".js-plotly-plot .nsewdrag").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=8)
    page.mouse.up()
    caption = page.get_by_text(re.compile("selected; the first 40 are shown"))
    caption.wait_for()
    assert 40 < int(caption.inner_text().split()[0].replace(",", "")) < 10_000


def test_the_scatter_needs_no_webgl(page, app):
    """Virtual desktops have none: Plotly then shows a gray box that points to the internet."""
    page.add_init_script("""const get = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
          return kind.includes("webgl") ? null : get.call(this, kind, ...rest); };""")
    open_page(page, app, "latent_map?section=Scatter")
    page.locator(".js-plotly-plot .scatterlayer .point").first.wait_for(state="attached")
    assert page.locator(".js-plotly-plot .scatterlayer .point").count() > 2000
    assert page.locator(".no-webgl").count() == 0
