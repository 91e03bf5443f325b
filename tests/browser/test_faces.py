"""The faces page in a real browser: strips that are live together, undo, a click on a face, an upload, a film."""
import io

import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

from ae_core import attributes
from ae_core.features import faces, latent_map
from tests.browser.driver import READY, asked, errors, open_page, painted, record, settle


def open_faces(page, app, query=""):
    open_page(page, app, "faces", query)


def strip(page, name):
    return page.get_by_role("slider", name=name, exact=True)


def face(page):
    return page.locator(".mixer .picture").evaluate("canvas => canvas.toDataURL()")


def grab(page, name, *shares):
    """Put the mouse down on a strip and drag it along shares of its length."""
    strip(page, name).scroll_into_view_if_needed()
    box = strip(page, name).bounding_box()
    for k, share in enumerate(shares):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2, steps=5)
        if k == 0:
            page.mouse.down()


def drag(page, name, *shares):
    grab(page, name, *shares)
    page.mouse.up()
    settle(page)


def test_a_strip_is_live_and_reported_once(page, app):
    sent, received = (record(page, direction) for direction in ("framesent", "framereceived"))
    open_faces(page, app)
    before = face(page)
    sent.clear(), received.clear()
    grab(page, "Smiling", 0.5, 0.7, 0.8)
    painted(page)
    assert face(page) != before                  # the face follows,
    assert sent == received == []                # with nothing on the wire,
    page.mouse.up()
    settle(page)
    assert len(sent) == 1                        # and one report tells where it ended
    assert asked(page, "change") == "Smiling:1.20"
    assert errors(page) == [] and page.console_errors == []


def test_changes_add_up_are_undone_and_reset(page, app):
    open_faces(page, app)
    plain = face(page)
    drag(page, "Smiling", 0.5, 0.8)
    smiling = face(page)
    drag(page, "Male", 0.5, 0.7)
    both = face(page)
    assert len({plain, smiling, both}) == 3 and asked(page, "change") == "Smiling:1.20,Male:0.80"
    page.get_by_role("button", name="Undo").click()
    settle(page)
    assert face(page) == smiling and strip(page, "Male").get_attribute("aria-valuenow") == "0.00"
    page.get_by_role("button", name="Reset").click()
    settle(page)
    assert face(page) == plain and asked(page, "change") is None
    assert errors(page) == [] and page.console_errors == []


def test_a_second_strip_goes_on_from_the_first_at_once(page, app):
    """Dragged before the server has answered, it adds to what the first one changed."""
    open_faces(page, app)
    grab(page, "Smiling", 0.5, 0.9)
    page.mouse.up()
    smiling = face(page)
    grab(page, "Blond Hair", 0.5, 0.51)
    soon = face(page)
    page.mouse.up()
    settle(page)
    assert distance(soon, smiling) < 4 and distance(face(page), smiling) < 4


def distance(one, other):
    """The mean difference in gray levels between two data URLs."""
    import base64

    pixels = [np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB"), float)
              for url in (one, other)]
    return np.abs(pixels[0] - pixels[1]).mean()


def test_strips_move_by_keyboard_and_speak(page, app):
    open_faces(page, app)
    young = strip(page, "Young")
    young.focus()
    for _ in range(3):
        page.keyboard.press("PageUp")
    settle(page)
    assert young.get_attribute("aria-valuetext") == "1.20" and asked(page, "change") == "Young:1.20"
    young.focus()
    page.keyboard.press("Escape")
    settle(page)
    assert young.get_attribute("aria-valuetext") == "0.00" and asked(page, "change") is None


def test_a_double_click_takes_a_change_back(page, app):
    open_faces(page, app, "?change=Smiling:2.00,Male:1.00")
    strip(page, "Smiling").dblclick()
    settle(page)
    assert asked(page, "change") == "Male:1.00"


def test_a_shared_address_shows_the_same_face(page, app, new_page):
    open_faces(page, app, "?face=3")
    drag(page, "Eyeglasses", 0.5, 0.9)
    other = new_page()
    other.goto(page.url)
    settle(other)
    assert face(other) == face(page)


def head(page, name):
    """What stands above a strip."""
    return strip(page, name).locator("xpath=..").locator(".number").inner_text()


def test_while_dragging_all_numbers_are_those_of_the_place_under_the_hand(page, app):
    """That of the strip, and those to which the others are carried: by their cosine, in units of their own steps."""
    stored = attributes.load(faces.PRESET)
    directions = stored.of(faces.USUAL)
    carried = directions @ directions[0] / np.square(directions).sum(axis=1)
    names = [name.replace("_", " ") for name in faces.USUAL]
    open_faces(page, app)
    grab(page, "Smiling", 0.5)
    box = strip(page, "Smiling").bounding_box()
    for share in (0.7, 0.9, 0.2):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2, steps=4)
        painted(page)
        alpha = float(strip(page, "Smiling").evaluate("track => track.getRootNode().querySelector('.mixer')"
                                                      ".parentNode.live.position()[0]"))
        assert alpha == pytest.approx(4 * share - 2, abs=0.03)
        assert number(head(page, "Smiling")) == pytest.approx(alpha, abs=0.006)
        for name, each in zip(names[1:], carried[1:], strict=True):
            shown = head(page, name).split(" → ")
            assert number(shown[0]) == 0 and number(shown[-1]) == pytest.approx(each * alpha, abs=0.011), name
    page.mouse.up()
    settle(page)
    assert errors(page) == [] and page.console_errors == []


def number(text):
    return float(text.replace("−", "-"))


def test_strips_are_held_where_real_faces_end_and_it_is_said(page, app):
    stored, codes = attributes.load(faces.PRESET), latent_map.stored_codes(faces.PRESET).mean
    directions, code = stored.of(faces.USUAL), codes[stored.gallery[19]]
    ball = faces.ball(codes, code, directions)
    open_faces(page, app, "?face=19")
    words = page.locator(".mixer .caption")
    assert "Drag the strips" in words.inner_text()
    for name, along in zip(faces.USUAL, ball.along, strict=True):
        strip(page, name.replace("_", " ")).press("End" if along > 0 else "Home")
        painted(page)
    assert "Held here: no change goes farther from the average face than 99 % of real faces" in words.inner_text()
    settle(page)
    changes = faces.parse_changes(asked(page, "change"), stored.names)
    moved = faces.change(code, stored.of(changes), list(changes.values())) - codes.mean(axis=0)
    assert np.linalg.norm(moved) == pytest.approx(ball.radius, rel=2e-3)
    assert min(map(abs, changes.values())) < 1.9
    page.reload()
    settle(page)
    assert asked(page, "change").count(":") == len(changes) and "Held here" in words.inner_text()
    assert errors(page) == [] and page.console_errors == []


def test_a_recent_face_is_opened_and_one_is_dropped_on_another(page, app):
    open_faces(page, app)
    row = page.locator(".recent .face")
    names = [each.get_attribute("aria-label") for each in row.all()]
    assert names[:2] == ["Face 13 of the gallery", "Face 18 of the gallery"]
    row.nth(2).click()
    settle(page)
    assert asked(page, "face") == "21"
    row.first.scroll_into_view_if_needed()
    one, other = (row.nth(k).bounding_box() for k in (0, 3))
    page.mouse.move(one["x"] + 30, one["y"] + 30)
    page.mouse.down()
    page.mouse.move(other["x"] + 30, other["y"] + 30, steps=8)
    page.mouse.up()
    page.get_by_text("The path: face 13 of the gallery, face 36 of the gallery.").wait_for(timeout=READY)
    settle(page)
    assert (asked(page, "face"), asked(page, "via"), asked(page, "section")) == ("12", "35", "Morph")
    row.nth(1).focus()
    page.keyboard.press("m")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_text("The path: face 18 of the gallery, face 22 of the gallery.").wait_for(timeout=READY)
    assert errors(page) == [] and page.console_errors == []


def test_a_click_on_a_new_face_opens_it(page, app):
    open_faces(page, app, "?section=Meet&place=New+faces")
    page.locator(".st-key-grid_new button").nth(12).click()
    page.locator(".mixer .picture").wait_for(timeout=READY)
    settle(page)
    assert asked(page, "new") == "0,12,0.8,0" and errors(page) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_grid_stays_a_grid_and_nothing_overflows(page, app, width):
    page.set_viewport_size({"width": width, "height": 900})
    for section, columns, count in (("Meet", 8, 40), ("Morph", 10, 60)):
        open_faces(page, app, f"?section={section}")
        boxes = [button.bounding_box() for button in page.locator("[class*=st-key-grid_] button").all()]
        assert len({round(box["x"]) for box in boxes}) == (columns if width == 1280 else 5) and len(boxes) == count
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_face_is_uploaded_and_a_landscape_refused(page, app):
    open_faces(page, app, "?section=Meet&place=Your+own")
    for picture, words in ((pictures.coffee(), "No face was found in mine.png"),
                           (pictures.astronaut(), "Your face as the model sees it")):
        raw = io.BytesIO()
        Image.fromarray(picture).save(raw, "PNG")
        page.locator("input[type=file]").set_input_files(
            {"name": "mine.png", "mimeType": "image/png", "buffer": raw.getvalue()})
        page.get_by_text(words).wait_for(timeout=READY)
    page.get_by_role("button", name="Change this face").click()
    page.get_by_text("Your own face. Drag the strips").wait_for(timeout=READY)
    assert errors(page) == []


@pytest.mark.parametrize("kind", ["GIF", "WebP"])
def test_a_film_of_a_loop_arrives(page, app, kind):
    open_faces(page, app, "?section=Morph&via=5,9")
    with page.expect_download(timeout=READY) as download:
        page.get_by_role("button", name=f"Download {kind}").click()
    film = Image.open(download.value.path())
    assert film.format == kind.upper() and film.n_frames == 3 * faces.LEG + 1 and film.size == (256, 256)
