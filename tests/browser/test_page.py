"""A model as one HTML file: it opens from a disk with no server and no network, and in a frame that allows scripts."""
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from ae_core import __main__ as command_line
from ae_core import attributes, browser, model, presets, store
from ae_core.features import faces, latent_map, reconstruct
from pages.shared import live
from tests.browser.test_exact import RUNS, assert_is, hold, shown, value


@pytest.fixture
def written(tmp_path):
    """written(name): the file that the command line writes."""
    def write(name):
        path = tmp_path / f"{name}.html"
        assert command_line.main(["page", name, "--to", str(path)]) == 0
        return path
    return write


@pytest.fixture
def offline(new_page):
    """A page without a network, and all that it asked for anywhere but in itself."""
    page = new_page(offline=True, bypass_csp=False)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    return page


def assert_asks_nobody(page):
    assert [url for url in page.asked if not re.match("file:|data:|blob:", url)] == []
    assert page.console_errors == []


def test_a_plane_is_dragged_from_a_disk(written, offline):
    path = written("digits_vae")
    assert path.stat().st_size < 3e6
    offline.goto(path.as_uri())
    served, root = model.load("digits_vae"), offline.locator(".pad")
    for _ in hold(offline, offline.locator(".pad .surface"), [(0.51, 0.43), (0.3, 0.61), (0.72, 0.55)]):
        assert_is(shown(root), served.decode([value(root)])[0])
    offline.mouse.up()
    offline.locator(".pad .axis").first.press("Shift+ArrowLeft")
    assert_is(shown(root), served.decode([value(root)])[0])
    assert "MNIST" in offline.locator("footer").inner_text()
    assert_asks_nobody(offline)


def test_a_plane_of_one_digit(written, offline):
    offline.goto(written("digits_cvae").as_uri())
    root = offline.locator(".pad")
    assert_is(shown(root), model.load("digits_cvae").decode([value(root)], 0)[0])


def test_faces_are_changed_from_a_disk(written, offline):
    offline.goto(written("faces_vae").as_uri())
    served, stored = model.load(faces.PRESET), attributes.load(faces.PRESET)
    code = latent_map.stored_codes(faces.PRESET).mean[stored.gallery[0]]
    root = offline.locator(".mixer")
    for _ in hold(offline, offline.locator(".mixer .track").first, [(0.5, 0.5), (0.8, 0.5)]):
        alphas = np.eye(len(faces.USUAL))[0] * value(root)[0]
        assert_is(shown(root), served.decode([faces.change(code, stored.of(faces.USUAL), alphas)])[0])
    assert_asks_nobody(offline)


def test_a_drawing_is_reconstructed_from_a_disk(written, offline):
    offline.goto(written("fashion_conv").as_uri())
    offline.locator(".seen").wait_for()
    for _ in hold(offline, offline.locator(".sketchpad .surface"), [(0.3, 0.3), (0.7, 0.3), (0.5, 0.8)]):
        pass
    offline.mouse.up()
    offline.locator(".sketchpad").evaluate(RUNS.replace("root.parentNode.live.decoded", "true"))
    picture = offline.get_by_role("img", name=f"From {presets.get('fashion_conv').code} numbers")
    assert picture.evaluate("c => Math.max(...c.getContext('2d').getImageData(0, 0, 28, 28).data.slice(0, 999))") > 0
    assert_asks_nobody(offline)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["digits_vae", "fashion_conv", "faces_vae"])
def test_axe_finds_nothing_serious(written, new_page, name, scheme):
    page = new_page(color_scheme=scheme)
    page.goto(written(name).as_uri())
    page.locator(".live").first.wait_for()
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found if rule["impact"] in ("serious", "critical")] == []


def test_it_works_in_a_frame_that_allows_scripts_only(written, offline):
    path = written("digits_vae")
    outer = path.with_name("outer.html")
    outer.write_text(f"<iframe sandbox='allow-scripts' src='{path.name}' width=1000 height=700></iframe>", "utf-8")
    offline.goto(outer.as_uri())
    root = offline.frame_locator("iframe").locator(".pad")
    root.wait_for()
    assert_is(shown(root), model.load("digits_vae").decode([value(root)])[0])
    assert_asks_nobody(offline)


def test_what_a_stranger_called_a_model_is_text(offline, tmp_path):
    hostile = "</script><img src=x onerror=\"document.title='run'\"><b>CONTENTS TITLE"
    stored = store.read("digits_vae")
    stored = store.Stored(replace(stored.preset, title=hostile, recipe=hostile), stored.card, stored.folder)
    served, codes = model.Autoencoder(stored), latent_map.stored_codes("digits_vae")
    contents = latent_map.take_along(served, codes, latent_map.pictures_of(served, codes))
    contents[-1][1]["classes"][0] = hostile
    path = tmp_path / "hostile.html"
    path.write_text(browser.page(stored, live.ASSETS, contents), "utf-8")
    offline.goto(path.as_uri())
    shown(offline.locator(".pad"))
    assert offline.get_by_role("heading").inner_text() == hostile == offline.title()
    assert offline.locator(".pad .legend button").first.inner_text() == hostile
    assert offline.locator("img[src=x], b").count() == 0
    assert_asks_nobody(offline)


def test_a_refused_worker_is_said(written, offline):
    offline.add_init_script("window.Worker = class { constructor() { throw new Error('refused'); } };")
    offline.goto(written("digits_vae").as_uri())
    offline.get_by_text("This browser does not let a page run the network").wait_for()


def test_a_model_of_any_size_is_refused_in_a_sentence(capsys, tmp_path):
    assert command_line.main(["page", "photo_colorizer", "--to", str(tmp_path / "no.html")]) == 1
    assert "any size" in capsys.readouterr().err and not (tmp_path / "no.html").exists()


@pytest.mark.parametrize("name", ["fashion_conv", "digits_pooled"])
def test_the_file_is_hardly_larger_than_its_weights(name):
    stored = store.read(name)
    weights = sum(map(len, browser.pack(stored).values()))
    page = browser.page(stored, live.ASSETS, reconstruct.take_along(model.load(name)))
    assert len(page) <= weights * 4 / 3 + 500_000
    assert json.loads(re.search(r'id="contents">(.*?)</script>', page)[1])[-1]["name"] == "sketchpad"
