"""While a hand moves, the network itself decodes: what is shown is the decoder's own picture, at every place."""
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from ae_core import attributes, model, store
from ae_core.features import digits, faces, latent_map
from tests.browser import driver, exact_demo
from tests.browser.driver import READY
from tests.browser.test_draw import NO_WORKER

LEVELS = """canvas => {
    const { width, height } = canvas;
    return [...canvas.getContext("2d").getImageData(0, 0, width, height).data].filter((_, k) => k % 4 < 3);
}"""
RUNS = """root => new Promise((done, fail) => {
    const end = performance.now() + 60000;
    const look = () => root.parentNode.live.decoded && !root.parentNode.live.slot.busy ? done() :
        performance.now() > end ? fail(new Error("the model does not run")) : setTimeout(look, 5);
    look();
})"""


ARRIVED = """root => new Promise((done, fail) => {
    const end = performance.now() + 60000;
    const look = () => root.parentNode.live.parts?.atlas ? done() :
        performance.now() > end ? fail(new Error("no atlas was sent")) : setTimeout(look, 5);
    look();
})"""
IDLE = """root => new Promise((done) => {
    const look = () => root.parentNode.live.slot.busy ? setTimeout(look, 5) : setTimeout(done, 300);
    look();
})"""
HIDEABLE = """(() => {
    const [ask, post] = [window.requestAnimationFrame.bind(window), Worker.prototype.postMessage];
    const kept = [];
    Object.assign(window, { posted: 0, frozen: false });
    window.requestAnimationFrame = (step) => ask((now) => (window.frozen ? kept.push(step) : step(now)));
    window.thaw = () => {
        window.frozen = false;
        kept.splice(0).forEach((step) => window.requestAnimationFrame(step));
    };
    Worker.prototype.postMessage = function (...given) {
        window.posted += given[0]?.kind === "run";
        return post.apply(this, given);
    };
})()"""


def shown(root):
    """The picture of a component, (h, w, 3) in 0..1, once the newest value is decoded."""
    root.evaluate(RUNS)
    canvas = root.locator("canvas.picture").first
    height, width = canvas.evaluate("canvas => [canvas.height, canvas.width]")
    return np.reshape(canvas.evaluate(LEVELS), (height, width, 3)) / 255


def value(root):
    return root.evaluate("root => root.parentNode.live.position()")


def assert_is(picture, wanted):
    assert wanted.max() - wanted.min() > 0.3 and np.abs(picture - wanted).max() < 0.55 / 255


def parts(root):
    """What a component was sent beside its values."""
    return root.evaluate("root => Object.keys(root.parentNode.live.parts)")


def hold(page, surface, places):
    """Press on a surface, and move through some places."""
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    for k, (x, y) in enumerate(places):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if k == 0:
            page.mouse.down()
        yield


@pytest.mark.parametrize("name", ["digits_vae", "fashion_vae"])
def test_the_plane_between_its_tiles(page, app, name):
    sent, received = (driver.record(page, direction) for direction in ("framesent", "framereceived"))
    driver.open_page(page, app, "latent_map", f"?model={store.preset(name).title}")
    served, root = model.load(name), page.locator(".pad")
    plane = latent_map.plane(served.preset, latent_map.stored_codes(name).mean)
    root.evaluate(RUNS)
    sent.clear(), received.clear()
    for _ in hold(page, page.locator(".pad .surface"), [(0.511, 0.437), (0.3, 0.61), (0.723, 0.55)]):
        assert_is(shown(root), served.decode(plane.lift([value(root)]))[0])
    assert sent == received == [] and root.get_by_text("exact").is_visible()
    assert "grid" in parts(root) and "atlas" not in parts(root)
    page.mouse.up()
    driver.settle(page)
    assert_is(shown(root), served.decode(plane.lift([value(root)]))[0])
    assert page.console_errors == []


def test_until_the_network_is_there_the_grid_is_blended(page, app):
    page.route("**/networks/**", lambda route: None)         # it never arrives
    page.goto(f"{app}/latent_map")
    served, root = model.load("digits_vae"), page.locator(".pad")
    root.get_by_text("exact").wait_for(timeout=READY)        # a finished picture from the start
    page.get_by_text("The code", exact=True).wait_for(timeout=READY)
    page.wait_for_function("root => root.parentNode.live.parts", arg=root.element_handle())
    for _ in hold(page, page.locator(".pad .surface"), [(0.511, 0.437), (0.3, 0.61)]):
        driver.painted(page)
        assert_resembles(root, served.decode([value(root)])[0], 0.85)
    assert root.get_by_text("blend").is_visible() and "atlas" not in parts(root)
    page.mouse.up()


@pytest.mark.parametrize("name", ["latent_map", "digits"])
def test_where_the_worker_is_refused_the_plane_blends(page, app, name):
    page.add_init_script(NO_WORKER)
    driver.open_page(page, app, name)
    assert_blends(page, lambda *at: latent_map.decode_point(*flat("digits_vae"), at) if name == "latent_map" else
                  digits.decode_style(model.load("digits_cvae"), 8, at))


def flat(name):
    served = model.load(name)
    return served, latent_map.plane(served.preset, latent_map.stored_codes(name).mean)


def assert_blends(page, decode):
    """The atlas was sent after all; it is blended while a hand drags, and replaced by the server's picture."""
    root = page.locator(".pad")
    root.evaluate(ARRIVED)
    for _ in hold(page, page.locator(".pad .surface"), [(0.511, 0.437), (0.3, 0.61)]):
        driver.painted(page)
        assert_resembles(root, decode(*value(root))[..., None] / 255, 0.97)
    assert root.get_by_text("blend").is_visible()
    page.mouse.up()
    root.get_by_text("exact").wait_for(timeout=READY)
    driver.settle(page)
    assert driver.errors(page) == []


def assert_resembles(root, wanted, least):
    canvas = root.locator("canvas.picture").first
    picture = np.reshape(canvas.evaluate(LEVELS), (*wanted.shape[:2], 3))[..., :1]
    assert np.corrcoef(picture.ravel(), wanted.ravel())[0, 1] > least


@pytest.fixture
def unknown(server_folder, monkeypatch):
    """An own model whose decoder ends in a node that no browser runs; its title."""
    monkeypatch.setenv("AE_MODELS_DIR", str(server_folder / "models"))
    stored = store.read("digits_vae")
    graph = onnx.load(stored.path("decoder.onnx"))
    name = graph.graph.output[0].name
    last = next(node for node in graph.graph.node if name in node.output)
    last.output[0] = "before"
    graph.graph.node.append(onnx.helper.make_node("Abs", ["before"], [name]))
    contents = {file: stored.path(file) for file in stored.card["sha256"]}
    contents["decoder.onnx"] = server_folder / "unknown.onnx"
    onnx.save(graph, contents["decoder.onnx"])
    preset = replace(stored.preset, name="own_unknown", title="Digits that end in Abs")
    store.write(preset, contents, {key: value for key, value in stored.card.items() if key not in ("preset", "sha256")})
    yield preset.title
    shutil.rmtree(store.folder_of(preset.name))


def test_an_own_model_with_an_unknown_node_is_served_as_before(page, app, unknown):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    driver.open_page(page, app, "latent_map", f"?model={unknown}")
    assert_blends(page, lambda *at: latent_map.decode_point(*flat("digits_vae"), at))
    assert page.get_by_text("Download as a page").count() == 0
    page.get_by_role("radio", name="Draw", exact=True).click()
    driver.settle(page)
    surface = page.locator(".sketchpad .surface")
    surface.scroll_into_view_if_needed()
    for _ in hold(page, surface, [(0.3, 0.3), (0.6, 0.7)]):
        driver.painted(page)
    page.mouse.up()
    driver.settle(page)
    assert not page.locator(".seen").is_visible() and driver.errors(page) == []
    driver.open_page(page, app, "reconstruct", f"?model={unknown}")
    page.get_by_text("from 2 numbers").wait_for()
    assert [url for url in asked if "/networks/" in url] == [] == page.console_errors


def test_two_planes_on_one_page_wait_in_a_slot_each(page, app):
    titles = {name: store.preset(name).title for name in ("digits_vae", "digits_plane")}
    driver.open_page(page, app, "latent_map", f"?model={titles['digits_vae']}&with={titles['digits_plane']}")
    roots = dict(zip(titles, page.locator(".pad").all(), strict=True))
    for name, root in roots.items():
        root.evaluate(RUNS)
        served, plane = flat(name)
        for _ in hold(page, root.locator(".surface"), [(0.511, 0.437), (0.3, 0.61)]):
            assert_is(shown(root), served.decode(plane.lift([value(root)]))[0])
        page.mouse.up()
        driver.settle(page)
        row = root.evaluate("root => root.parentNode.live.nearest")        # and the other plane went along
        other, there = next((each, roots[each]) for each in titles if each != name)
        np.testing.assert_allclose(value(there), flat(other)[1].points[row], atol=0.01)
    slots = page.evaluate("() => [...window.__aeModels.keys()]")
    assert len(slots) == 2 and page.console_errors == []
    first, second = (root.evaluate_handle("root => root.parentNode.live.slot") for root in roots.values())
    assert not page.evaluate("([first, second]) => first === second || first.network === second.network",
                             [first, second])


def test_in_a_hidden_tab_nothing_is_asked_of_the_network(page, app):
    """A browser gives a hidden tab no animation frames; a film that plays asks for nothing by other means."""
    page.add_init_script(HIDEABLE)
    driver.open_page(page, app, "digits")
    strip = page.locator(".filmstrip").first
    strip.evaluate(RUNS)
    strip.get_by_role("button", name="Play").click()
    before = page.evaluate("window.posted")
    page.wait_for_function("before => window.posted > before + 3", arg=before)
    page.evaluate("window.frozen = true")
    strip.evaluate(IDLE)
    hidden = page.evaluate("window.posted")
    page.wait_for_timeout(300)
    assert page.evaluate("window.posted") == hidden
    page.evaluate("window.thaw()")
    page.wait_for_function("before => window.posted > before + 3", arg=hidden)
    strip.get_by_role("button", name="Pause").click()
    driver.settle(page)


def test_a_model_that_is_free_is_asked_before_the_next_frame(page, app):
    """Between two moves it is idle; when the frame brings a move, the question about it is on its way already."""
    page.add_init_script(HIDEABLE)
    driver.open_page(page, app, "latent_map")
    root = page.locator(".pad")
    root.evaluate(RUNS)
    page.evaluate("""() => {
        let asked = window.posted;
        Object.assign(window, { ahead: 0, moves: 0 });
        addEventListener("pointermove", () => (window.ahead += window.posted > asked), true);
        addEventListener("pointermove", () => [asked, window.moves] = [window.posted, window.moves + 1]);
    }""")
    for place, _ in enumerate(hold(page, page.locator(".pad .surface"), [(0.3 + 0.1 * k, 0.4) for k in range(5)])):
        page.wait_for_function("before => window.moves >= before", arg=place)
        root.evaluate(IDLE)
    assert page.evaluate("window.ahead") >= 3
    page.mouse.up()
    driver.settle(page)


def test_a_point_of_a_stroke_is_drawn_once(page, app):
    """Whether it came before its frame or in it."""
    driver.open_page(page, app, "latent_map")
    page.get_by_role("radio", name="Draw", exact=True).click()
    driver.settle(page)
    root, surface = page.locator(".sketchpad"), page.locator(".sketchpad .surface")
    page.wait_for_function("root => root.parentNode.live.slot", arg=root.element_handle(), timeout=READY)
    surface.scroll_into_view_if_needed()
    for _ in hold(page, surface, [(0.2 + 0.05 * k, 0.3 + 0.04 * k) for k in range(10)]):
        driver.painted(page)
    points = root.evaluate("root => root.parentNode.live.stroke")
    page.mouse.up()
    assert len(points) >= 10 and all(one != next_one for one, next_one in zip(points, points[1:], strict=False))
    driver.settle(page)


def test_digits_in_a_style_and_between_two_digits(page, app):
    driver.open_page(page, app, "digits", "?digit=4")
    served = model.load("digits_cvae")
    root = page.locator(".pad")
    for _ in hold(page, page.locator(".pad .surface"), [(0.511, 0.437), (0.3, 0.61)]):
        assert_is(shown(root), served.decode([value(root)], 4)[0])
    page.mouse.up()
    driver.settle(page)
    style, strip = value(root), page.locator(".filmstrip").first
    for _ in hold(page, strip.locator(".track"), [(0.5, 0.5), (0.317, 0.5)]):
        share, _ = value(strip)
        label = np.zeros((1, 10))
        label[0, [8, 3]] = 1 - share, share
        assert_is(shown(strip), served.decode([style], label)[0])
    page.mouse.up()


def test_all_digits_and_a_number_follow_the_point(page, app):
    driver.open_page(page, app, "digits", "?number=407")
    sent, served, root = driver.record(page, "framesent"), model.load("digits_cvae"), page.locator(".pad")
    for _ in hold(page, page.locator(".pad .surface"), [(0.511, 0.437), (0.4, 0.61)]):
        page.wait_for_function("""root => {
            const { voices, version, stage } = root.parentNode.live;
            return stage && voices.every((voice) => voice.version === version);
        }""", arg=root.element_handle())
        wanted = served.decode(np.repeat([value(root)], 10, axis=0), np.arange(10))
        canvases = page.locator(".pad .voice").all()
        for canvas, picture in zip(canvases, wanted, strict=True):
            assert_is(np.reshape(canvas.evaluate(LEVELS), (28, 28, 3)) / 255, picture)
        word = np.reshape(page.locator(".pad .word").evaluate(LEVELS), (28, 84, 3)) / 255
        assert_is(word, np.concatenate(wanted[[4, 0, 7]], axis=1))
    assert sent == []
    page.mouse.up()


def test_where_no_worker_runs_the_server_decodes_all_digits(page, app):
    page.add_init_script(NO_WORKER)
    driver.open_page(page, app, "digits")
    for _ in hold(page, page.locator(".pad .surface"), [(0.511, 0.437), (0.4, 0.61)]):
        driver.painted(page)
    page.mouse.up()
    page.locator(".pad").get_by_text("exact").wait_for(timeout=READY)
    driver.settle(page)
    wanted = digits.decode_all(model.load("digits_cvae"), value(page.locator(".pad")))
    for canvas, picture in zip(page.locator(".pad .voice").all(), wanted, strict=True):
        assert_is(np.reshape(canvas.evaluate(LEVELS), (28, 28, 3)) / 255, picture[..., None] / 255)


def test_all_changes_of_a_face_at_once(page, app):
    driver.open_page(page, app, "faces")
    served, stored = model.load(faces.PRESET), attributes.load(faces.PRESET)
    code = latent_map.stored_codes(faces.PRESET).mean[stored.gallery[12]]
    root, strips = page.locator(".mixer"), page.locator(".mixer .track").all()
    root.evaluate(RUNS)
    alphas = np.zeros(len(strips))
    for k, place in ((0, 0.81), (2, 0.6), (3, 0.33)):
        for _ in hold(page, strips[k], [(0.5, 0.5), (place, 0.5)]):
            alphas[k], _ = value(root)
            assert_is(shown(root), served.decode([faces.change(code, stored.of(faces.USUAL), alphas)])[0])
        page.mouse.up()
        alphas[k] = round(alphas[k], 3)
    driver.settle(page)


def test_a_code_of_128_numbers(page, serve):
    """Any number of strips, all together, by the keyboard."""
    page.goto(serve(Path(exact_demo.__file__)))
    driver.settle(page)
    served, root = model.load(exact_demo.NAME), page.locator(".mixer")
    root.evaluate(RUNS)
    code = exact_demo.CODE.copy()
    for k in range(0, 128, 9):
        page.get_by_role("slider", name=f"Number {k + 1}", exact=True).press("End" if k % 2 else "Home")
        code[k] += exact_demo.REACH * (1 if k % 2 else -1)
        picture = shown(root)
        assert np.abs(picture - served.decode([code])[0]).max() < 0.55 / 255
    page.get_by_text("moved=15").wait_for(timeout=READY)
    assert_is(shown(root), served.decode([code])[0])
