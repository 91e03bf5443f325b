"""The camera, live through a model in the browser: a digit that is held up, and each reason why there is none."""
import cv2
import numpy as np
import pytest

from ae_core.pictures import datasets
from tests.browser import conftest, driver
from tests.browser.driver import READY
from tests.browser.test_draw import shown

START, STOP = "Start the camera", "Stop the camera"
SEEN = """root => new Promise((done, fail) => {
    const end = performance.now() + 60000;
    const look = () => root.parentNode.live.seen.code.length ? done() :
        performance.now() > end ? fail(new Error("nothing was seen")) : setTimeout(look, 20);
    look();
})"""


RUNS = """root => new Promise((done) => {
    const look = () => root.parentNode.live.slot ? done() : setTimeout(look, 20);
    look();
})"""


def digit():
    """A seven of MNIST, (28, 28)."""
    return datasets.samples("mnist")[0][0][..., 0]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """What a camera sees of it, drawn on paper in shadow, as a raw film."""
    large = np.clip(cv2.resize(digit(), (300, 300), interpolation=cv2.INTER_CUBIC), 0, 1)
    paper = np.linspace(235, 170, 640, dtype=np.float32) * np.ones((480, 1), np.float32)
    paper[90:390, 170:470] -= 150 * large
    gray = np.uint8(np.clip(paper + np.random.default_rng(0).normal(0, 3, paper.shape), 0, 255))
    path = tmp_path_factory.mktemp("camera") / "film.y4m"
    frame = b"FRAME\n" + gray.tobytes() + bytes([128]) * (640 * 480 // 2)
    path.write_bytes(b"YUV4MPEG2 W640 H480 F30:1 Ip C420jpeg\n" + frame * 5)
    return path


@pytest.fixture
def camera(browser, film):
    """A page of a browser that has a camera, which is allowed."""
    with_camera = browser.browser_type.launch(
        executable_path=conftest.chromium_program(), args=["--no-sandbox", "--use-fake-device-for-media-stream",
                                                           f"--use-file-for-fake-video-capture={film}"])
    context = with_camera.new_context(**conftest.PAGE, permissions=["camera"])
    context.add_init_script(path=conftest.REST)
    yield context.new_page()
    with_camera.close()


def open_camera(page, app):
    driver.open_page(page, app, "reconstruct", "?model=Digits, convolutional")
    page.get_by_text("Your photo", exact=True).click()
    page.get_by_text("The camera, live").click()
    button = page.get_by_role("button", name=START)
    button.wait_for(timeout=READY)
    page.locator(".camera").evaluate(RUNS)
    return button


def test_a_digit_is_held_up(camera, app):
    sent = driver.record(camera, "framesent")
    button = open_camera(camera, app)
    driver.settle(camera)
    sent.clear()
    button.press("Enter")
    root = camera.locator(".camera")
    root.evaluate(SEEN)
    for name in ("As the model sees it", "From 16 numbers"):
        assert np.corrcoef(shown(camera, name).ravel(), digit().ravel())[0, 1] > 0.75
    assert sent == [] and camera.get_by_text("Nothing leaves this browser").first.is_visible()
    camera.evaluate("""() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    camera.get_by_text("Stopped while the page was hidden.").wait_for()
    assert camera.get_by_role("button", name=START).is_visible()
    assert root.evaluate("root => root.querySelector('video').srcObject === null")


def test_a_refused_camera_is_said(page, app):
    open_camera(page, app).click()
    page.get_by_text("was refused. Allow it").or_(page.get_by_text("No camera was found")).wait_for()


@pytest.mark.parametrize(("name", "words"), [("NotAllowedError", "was refused. Allow it"),
                                             ("NotFoundError", "No camera was found"),
                                             ("NotReadableError", "in use by another program")])
def test_each_reason_has_its_sentence(page, app, name, words):
    page.add_init_script("navigator.mediaDevices.getUserMedia = async () => {"
                         f" throw new DOMException('x', '{name}'); }};")
    open_camera(page, app).click()
    page.get_by_text(words).wait_for()


def test_a_page_by_plain_http_has_no_camera(page, app):
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false });")
    open_camera(page, app).click()
    page.get_by_text("A camera needs https").wait_for()
