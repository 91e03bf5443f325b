"""A 4-second drag over the pad, a filmstrip, an attribute strip, a cloud, a number of a code and a sketchpad.

On the real pages, in a real Chromium; and over one of 128 strips (`mixer`), on the page that its test has.

fps: animation frames a second while dragging. latency_ms_p95: from the pointer event to the moment its canvas is
painted, by the network in the browser. pictures: how many of the pointer's moves were answered by one.
server_messages_during_drag: what crossed the page's websocket, either way, while the pointer was down.
fidelity_db: PSNR of what the browser blends against the decoder's own picture, at random points of every plane, and of
the strips of a face at random alphas (before they are packed as WebP, which costs more than the blend).
strips: what a release costs, the batch that decodes all strips anew, against one call a frame, of the served model and
(as published) of Keras.
"""
import math
import os
import shutil
import time

import numpy as np

from ae_core import attributes, metrics, model, presets, store
from ae_core.features import digits, faces, latent_map
from benchmarks import _server

SECONDS = 4.0
POINTS = 500
SURFACES = {"pad": ("/latent_map", ".pad .surface"), "filmstrip": ("/digits", ".filmstrip .track"),
            "attributes": ("/faces", ".mixer .track"), "cloud": ("/latent_map?section=Cloud", ".cloud-row .surface"),
            "numbers": ("/latent_map?section=Numbers&model=Digits,%20wide%20VAE", ".mixer .track"),
            "draw": ("/reconstruct", ".sketchpad .surface")}
MIXER = store.ROOT / "tests" / "browser" / "exact_demo.py"
COUNT = """() => {
    Object.assign(window, { __aeLive: [], __frames: 0, __moves: 0 });
    addEventListener("pointermove", () => window.__moves++, true);
    const start = performance.now();
    const count = () => {
        window.__frames++;
        window.__fps = window.__frames / (performance.now() - start) * 1000;
        requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
}"""
KERAS_FRAMES = 26                # of the frames are decoded by Keras, too


def run():
    """The worst of both components, each on its own, and the fidelity of every plane."""
    from playwright.sync_api import sync_playwright

    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with _server.served() as server, _server.served(MIXER) as other, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        drags = {name: drag(browser, server.url + page, surface) for name, (page, surface) in SURFACES.items()}
        drags["mixer"] = drag(browser, other.url, ".mixer .track", "moved=0")
        browser.close()
    return {"fps": min(row["fps"] for row in drags.values()),
            "server_messages_during_drag": sum(row["server_messages_during_drag"] for row in drags.values()),
            "latency_ms_p95": max(row["latency_ms_p95"] for row in drags.values()),
            "pictures": min(row["pictures"] for row in drags.values()), "load_average": os.getloadavg()[0],
            **drags, "strips": strips(), "fidelity_db": {**fidelity(), faces.PRESET: fidelity_of_strips()}}


def drag(browser, url, surface, last="The code"):
    """Drag along a curve that never repeats a place, at the pace of the browser; the numbers of one component.

    last: the text that stands at the end of the page.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    messages = []

    def note(message):
        messages.append(message)

    page.on("websocket", lambda socket: [socket.on(way, note) for way in ("framesent", "framereceived")])
    page.goto(url)
    page.get_by_text(last, exact=True).wait_for(timeout=60_000)
    if "sketchpad" in surface:
        page.get_by_role("radio", name="Your drawing").click()
    target = page.locator(surface).first
    target.wait_for()
    target.scroll_into_view_if_needed()
    page.wait_for_timeout(2000)                  # the sheets have arrived and are decoded
    box = target.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(200)
    page.evaluate(COUNT)
    before, start = len(messages), time.perf_counter()
    while (passed := time.perf_counter() - start) < SECONDS:
        across, up = 0.5 + 0.45 * math.sin(2.1 * passed), 0.5 + 0.45 * math.sin(3.3 * passed + 1)
        page.mouse.move(box["x"] + across * box["width"], box["y"] + up * box["height"])
    crossed = len(messages) - before
    page.wait_for_timeout(100)
    frames, moves, fps = page.evaluate("[window.__aeLive, window.__moves, window.__fps]")
    page.mouse.up()
    page.close()
    latencies = [frame["paintTime"] - frame["pointerTime"] for frame in frames]
    span = (frames[-1]["paintTime"] - frames[0]["paintTime"]) / 1000
    return {"fps": fps, "pictures": len(frames) / moves, "server_messages_during_drag": crossed,
            "latency_ms_p95": float(np.percentile(latencies, 95)), "seconds": span}


def fidelity():
    """{preset: {median, p5}} in dB of every two-dimensional preset with weights; all digits of a conditional one."""
    names = [preset.name for preset in presets.PRESETS.values() if preset.code == 2 and store.present(preset.name)]
    return {name: fidelity_of(name) for name in names}


def fidelity_of(name):
    served_model = model.load(name)
    plane = latent_map.plane(served_model.preset, latent_map.stored_codes(name).mean)
    x0, x1, y0, y1 = plane.bounds
    points = np.random.default_rng(0).uniform((x0, y0), (x1, y1), (POINTS, 2)).astype(np.float32)
    if served_model.preset.labels:
        rows = zip(np.split(points, 10), range(10), strict=True)
        decibels = [compare(digits.style_atlas(served_model, digit, plane.bounds, digits.TILES), plane.bounds, part,
                            served_model.decode(part, digit)) for part, digit in rows]
    else:
        atlas = latent_map.atlas(served_model, plane, plane.bounds, latent_map.TILES)
        decibels = [compare(atlas, plane.bounds, points, served_model.decode(points))]
    median, low = np.percentile(np.concatenate(decibels), [50, 5])
    return {"median": float(median), "p5": float(low)}


def strips():
    """Milliseconds of the batch that decodes all usual strips of a face, and how many times longer one by one takes."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from ae_core.training import export

    served_model, code, directions = usual_face()
    keras = export.load_keras(store.root() / faces.PRESET / "model.keras")[1]
    codes = (code + faces.steps()[:, None, None] * directions).reshape(-1, len(code))

    def timed(work):
        work()                                   # warm before the clock starts
        start = time.perf_counter()
        work()
        return (time.perf_counter() - start) * 1000

    rounds = [(timed(lambda: faces.strips(served_model, code, directions, [0] * len(directions))),
               timed(lambda: [served_model.decode(each) for each in codes]),
               timed(lambda: [keras.predict(each[None], verbose=0) for each in codes[:KERAS_FRAMES]])
               * len(codes) / KERAS_FRAMES) for _ in range(3)]
    batch, served_each, keras_each = np.median(rounds, axis=0)
    return {"frames": len(codes), "batch_ms": float(batch), "ratio_served_one_by_one": float(served_each / batch),
            "ratio": float(keras_each / batch)}


def usual_face():
    """The served face model, the first code of its gallery, and the usual directions."""
    stored = attributes.load(faces.PRESET)
    code = latent_map.stored_codes(faces.PRESET).mean[stored.gallery[0]]
    return model.load(faces.PRESET), code, stored.of(faces.USUAL)


def fidelity_of_strips():
    """PSNR of the cross-fade of a strip's two nearest frames against the decoder's own picture."""
    served_model, code, directions = usual_face()
    frames = faces.strips(served_model, code, directions, [0] * len(directions))
    places = np.random.default_rng(0).uniform(0, faces.FRAMES - 1, (len(directions), 20))
    first = np.minimum(places.astype(int), faces.FRAMES - 2)
    rows, share = np.arange(len(directions))[:, None], (places - first)[..., None, None, None]
    blend = (1 - share) * frames[rows, first] + share * frames[rows, first + 1]
    alphas = -faces.REACH + places * 2 * faces.REACH / (faces.FRAMES - 1)
    exact = served_model.decode((code + alphas[..., None] * directions[:, None]).reshape(-1, len(code)))
    decibels = metrics.psnr(metrics.mse(exact, blend.reshape(exact.shape)))
    return {"median": float(np.median(decibels)), "p5": float(np.percentile(decibels, 5))}


def compare(atlas, bounds, points, pictures):
    """PSNR in dB (n,) of the blend of the four nearest tiles, rounded as in the browser, against the pictures."""
    x0, x1, y0, y1 = bounds
    side = len(atlas) - 1
    across, down = (points[:, 0] - x0) / (x1 - x0) * side, (y1 - points[:, 1]) / (y1 - y0) * side
    left, top = np.minimum(across.astype(int), side - 1), np.minimum(down.astype(int), side - 1)
    right_share, low_share = ((value - whole)[:, None, None] for value, whole in ((across, left), (down, top)))
    upper = (1 - right_share) * atlas[top, left] + right_share * atlas[top, left + 1]
    lower = (1 - right_share) * atlas[top + 1, left] + right_share * atlas[top + 1, left + 1]
    blend = np.floor((1 - low_share) * upper + low_share * lower + 0.5) / 255
    return metrics.psnr(metrics.mse(pictures, blend[..., None]))
