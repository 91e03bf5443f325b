"""Every small network as the browser runs it, in a real Chromium, against ONNX Runtime.

100 test pictures are encoded and the codes of 100 others decoded, one at a time, in the Worker of network.js.
picture_max_abs, picture_db: of all decoded pictures, of the worst of them; code_max: the largest difference of a number
of a code, in parts of the largest number of the 100 codes. encode_ms_p95, decode_ms_p95: within the Worker; plain_*:
with plain loops in place of WebAssembly. kb: of both halves as they are sent. first_visit: the kilobytes that a fresh
browser receives of a page, by way: messages (before they are compressed), weights and pictures; before_kb: all of them
when the server decoded everything that moves. load_average: how busy the machine was.
"""
import base64
import os
import shutil

import numpy as np

from ae_core import browser, model, presets, store
from ae_core.pictures import datasets
from benchmarks import _server, link

COUNT = 100
SCRIPTS = [store.ROOT / "pages" / "shared" / "live" / name for name in ("network.js", "worker.js")]
VISITED = {"latent_map": 1777, "digits": 1577, "faces": None, "reconstruct": None}     # and what was sent before
READY = "root => !root.parentNode.live.model || root.parentNode.live.slot !== null"
LEFT_OUT = ("photo_colorizer", "cifar_colorizer")
RUN = """async ([half, blob, plain, rows]) => {
  const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
  const textOf = (numbers) =>
    btoa(Array.from(new Uint8Array(numbers.buffer), (byte) => String.fromCharCode(byte)).join(""));
  const network = new Network();
  const { simd } = await network.load(half, bytesOf(blob), plain);
  const [outputs, milliseconds] = [[], []];
  for (const row of rows) {
    const values = Object.entries(row).map(([name, text]) => [name, new Float32Array(bytesOf(text))]);
    const answer = await network.run([half], Object.fromEntries(values));
    outputs.push(textOf(half === "decoder" ? answer.picture : answer.mean ?? answer.latent));
    milliseconds.push(answer.milliseconds);
  }
  network.close();
  return { simd, outputs, milliseconds };
}"""


def run():
    """A row of numbers a preset, the worst of each number, and how busy the machine was."""
    from playwright.sync_api import sync_playwright

    names = [name for name in presets.PRESETS if name not in LEFT_OUT and store.present(name)]
    with sync_playwright() as driver:
        program = os.environ.get("CHROMIUM") or shutil.which("chromium")
        chromium = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = chromium.new_page()
        page.add_script_tag(content="\n".join(script.read_text("utf-8") for script in SCRIPTS))
        rows = {name: measured(page, name) for name in names}
        with _server.served() as server:
            visits = {name: visit(chromium, server.url, name) for name in VISITED}
        chromium.close()
    worst = {key: (min if key.endswith("db") else max)(row[key] for row in rows.values()) for key in rows[names[0]]}
    return {**worst, "first_visit": visits, "presets": rows, "load_average": os.getloadavg()[0]}


def visit(chromium, url, name):
    """The kilobytes of one page by way, once its models run."""
    page, received = link.opened(chromium, slow=False)
    page.goto(f"{url}/{name}")
    page.wait_for_function(link.AT_REST, timeout=link.WAIT * 1000)
    for root in page.locator(".live").all():
        page.wait_for_function(READY, arg=root.element_handle(), timeout=link.WAIT * 1000)
    page.wait_for_load_state("networkidle")
    ways = {"messages": "ws:", "weights": "/networks/", "pictures": "/media/"}
    found = {f"{way}_kb": sum(count for address, count in received.items()
                              if part in address and "/static/" not in address) / 1000 for way, part in ways.items()}
    page.context.close()
    return {**found, "kb": sum(found.values()), "before_kb": VISITED[name]}


def measured(page, name):
    """The numbers of one preset."""
    served, halves = model.load(name), browser.pack(store.read(name))
    pictures, labels = datasets.load(served.preset.dataset, "test", served.preset.shape)
    pictures, labels = np.asarray(pictures[:2 * COUNT]), np.asarray(labels[:2 * COUNT])
    told = {"label": np.eye(served.preset.labels, dtype=np.float32)[labels]} if served.preset.labels else {}
    codes = served.encode(pictures, *told.values())
    rebuilt = served.decode(codes[COUNT:], *(rows[COUNT:] for rows in told.values()))
    found = {}
    for half, kind, values, shape in (("encoder", "picture", pictures[:COUNT], codes.shape[1:]),
                                      ("decoder", "code", codes[COUNT:], rebuilt.shape[1:])):
        part = slice(COUNT) if half == "encoder" else slice(COUNT, None)
        columns = {kind: values, **{key: rows[part] for key, rows in told.items()}}
        rows = [{key: text(column[k]) for key, column in columns.items()} for k in range(COUNT)]
        for plain in (False, True):
            answer = page.evaluate(RUN, [half, text(np.frombuffer(halves[half], np.uint8)), plain, rows])
            assert answer["simd"] != plain
            numbers = np.stack([np.frombuffer(base64.b64decode(each), np.float32) for each in answer["outputs"]])
            found[half, plain] = numbers.reshape(-1, *shape), float(np.percentile(answer["milliseconds"], 95))
    code_error = [np.abs(found["encoder", plain][0] - codes[:COUNT]).max() / np.abs(codes[:COUNT]).max()
                  for plain in (False, True)]
    differences = np.stack([np.clip(found["decoder", plain][0], 0, 1) - rebuilt for plain in (False, True)])
    return {"picture_max_abs": float(np.abs(differences).max()),
            "picture_db": float(-10 * np.log10(np.square(differences).mean(axis=(2, 3, 4)).max() + 1e-30)),
            "code_max": float(max(code_error)),
            "encode_ms_p95": found["encoder", False][1], "decode_ms_p95": found["decoder", False][1],
            "plain_encode_ms_p95": found["encoder", True][1], "plain_decode_ms_p95": found["decoder", True][1],
            "kb": sum(map(len, halves.values())) / 1000}


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
