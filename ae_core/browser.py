"""A served graph packed for the browser, where pages/shared/live/network.js runs it, and a model as one HTML file.

ONNX Runtime's own basic optimizer tidies a graph whose batch is fixed to 1: few kinds of node are left, and every shape
is known. A packed half of a model is one blob: four bytes with the length of a JSON header (little-endian), the header,
and behind it the constants, each from a multiple of 8 bytes on. The header names a volume by its index:

    shapes            one a volume
    constants         [index, place behind the header, whether float16]
    nodes             {kind, from: [indices], to: index, and what `KINDS` keeps of its attributes}
    inputs, outputs   {name: index}
    known             {name: index}: one input and what ONNX Runtime makes of it, for the browser to check itself on

It knows graphs, bytes and what the live components take, nothing of pages: whoever has their files names the folder.
"""
import base64
import html
import json
import math
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from ae_core.pictures import datasets

ALIGNED = 8                      # bytes: an offset that suits every kind of number
MOST_NUMBERS = 16 * 2**20        # in a half; more would be too long on the way, and too slow there


class NotForBrowser(ValueError):
    """The browser does not run this graph; the server goes on doing so."""


@dataclass(frozen=True)
class Kind:
    """What network.js runs of a kind of node."""

    keeps: dict[str, str] = field(default_factory=dict)         # attribute -> its name in the header
    only: dict[str, tuple] = field(default_factory=dict)        # attribute -> the values that are run
    operands: int = 1            # most inputs that are numbers
    shaped: bool = False         # whether a further input says the new shape, which is known already
    matrix: Callable[[np.ndarray, dict], np.ndarray] | None = None    # lays weights, the second input, out as one


_WINDOW = {"kernel_shape": "kernel", "strides": "strides", "pads": "pads"}
_SIMPLE = {"auto_pad": (b"NOTSET",), "dilations": ([1, 1],), "group": (1,)}
KINDS = {
    "Gemm": Kind({}, {"alpha": (1,), "beta": (1,), "transA": (0,), "transB": (0, 1)}, 3,
                 matrix=lambda w, attributes: w.T if attributes.get("transB") else w),        # (K, N)
    "Conv": Kind(_WINDOW, _SIMPLE, 3, matrix=lambda w, _: w.reshape(len(w), -1)),             # (O, CIJ) of (O, C, I, J)
    "ConvTranspose": Kind(_WINDOW, _SIMPLE, 3, matrix=lambda w, _: w.reshape(len(w), -1).T),  # (OIJ, C) of (C, O, I, J)
    "MaxPool": Kind(_WINDOW, _SIMPLE | {"ceil_mode": (0,), "storage_order": (0,), "pads": ([0, 0, 0, 0],)}),
    "Add": Kind(operands=2),
    "Mul": Kind(operands=2),
    "Relu": Kind(),
    "LeakyRelu": Kind({"alpha": "alpha"}),
    "Sigmoid": Kind(),
    "Transpose": Kind({"perm": "order"}),
    "Tile": Kind(shaped=True),
    "Concat": Kind({"axis": "axis"}, operands=2),
    "Reshape": Kind(only={"allowzero": (0,)}, shaped=True),
    "Unsqueeze": Kind(shaped=True),
}
DEFAULTS = {"strides": [1, 1], "pads": [0, 0, 0, 0]}


def pack(stored) -> dict[str, bytes]:
    """{"encoder": blob, "decoder": blob} of a stored model (`store.read`).

    Raises NotForBrowser with a sentence that names what network.js does not run.
    """
    preset = check(stored).preset
    label = {"label": np.eye(preset.labels)[0]} if preset.labels else {}
    encoder, found = pack_graph(stored.path("encoder.onnx"), {"picture": known_picture(preset.shape), **label})
    code = next(iter(found.values()))            # the mean of a variational model, else the latent
    decoder, _ = pack_graph(stored.path("decoder.onnx"), {"code": code, **label})
    return {"encoder": encoder, "decoder": decoder}


def check(stored):
    """The stored model, if the browser runs models of its kind; else NotForBrowser."""
    if None in stored.preset.shape:
        raise NotForBrowser(f"{stored.preset.name} takes pictures of any size; "
                            "the browser runs models of one size only.")
    return stored


def known_picture(shape: tuple[int, int, int]) -> np.ndarray:
    """A soft spot (h, w, c), in steps of 1/256, which float16 holds exactly."""
    rows, columns = np.mgrid[:shape[0], :shape[1]]
    spot = np.exp(-8 * ((rows / shape[0] - 0.4) ** 2 + (columns / shape[1] - 0.5) ** 2))
    return np.repeat(np.round(spot * 256)[..., None] / 256, shape[2], axis=2)


def pack_graph(file: str | Path, known: dict[str, np.ndarray]) -> tuple[bytes, dict[str, np.ndarray]]:
    """The blob of one ONNX file, and what it makes of a known input; {name: array without its batch axis} both."""
    graph, found = _tidied(file, known)
    volumes = _Volumes(graph)
    header = {"nodes": [_node(node, volumes) for node in graph.node],
              "inputs": {value.name: volumes.index(value.name) for value in graph.input},
              "outputs": {value.name: volumes.index(value.name) for value in graph.output},
              "known": {name: volumes.keep(array) for name, array in {**known, **found}.items()}}
    numbers = sum(map(math.prod, volumes.shapes))
    if numbers > MOST_NUMBERS:
        raise NotForBrowser(f"The browser runs graphs of up to {MOST_NUMBERS:,} numbers; this one has {numbers:,}.")
    return _blob(header, volumes), found


def _tidied(file, known):
    """The graph that ONNX Runtime's basic optimizer leaves for one picture, all shapes said, and its known outputs."""
    import onnx

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    for value in onnx.load(file).graph.input:
        if batch := value.type.tensor_type.shape.dim[0].dim_param:
            options.add_free_dimension_override_by_name(batch, 1)
    with tempfile.TemporaryDirectory() as scratch:
        options.optimized_model_filepath = str(Path(scratch) / "tidied.onnx")
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        graph = onnx.shape_inference.infer_shapes(onnx.load(options.optimized_model_filepath)).graph
    found = session.run(None, {name: np.asarray(array, np.float32)[None] for name, array in known.items()})
    return graph, {value.name: array[0] for value, array in zip(session.get_outputs(), found, strict=True)}


class _Volumes:
    """The volumes of a graph by their index; those that are constants with their numbers."""

    def __init__(self, graph):
        from onnx import numpy_helper

        self.shapes, self.constants = [], {}     # {index: array}
        self._initializers = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self._known = {value.name: [side.dim_value for side in value.type.tensor_type.shape.dim]
                       for value in [*graph.input, *graph.value_info, *graph.output]}
        self._indices = {}

    def index(self, name: str) -> int:
        """The index of a volume by its name in the graph."""
        if name not in self._indices:
            if name in self._initializers:
                self._indices[name] = self.keep(self._initializers[name])
            else:
                shape = self._known.get(name, [0])
                if not all(shape):
                    raise NotForBrowser(f"The graph does not say the shape of {name}, which the browser must know.")
                self._indices[name] = self._new(shape)
        return self._indices[name]

    def fixed(self, name: str) -> np.ndarray:
        """The numbers of weights by their name in the graph."""
        if name not in self._initializers:
            raise NotForBrowser(f"The browser runs fixed weights only; {name} is computed.")
        return self._initializers[name]

    def keep(self, array: np.ndarray) -> int:
        index = self._new(array.shape)
        self.constants[index] = np.ascontiguousarray(array, np.float32)
        return index

    def _new(self, shape):
        self.shapes.append([int(side) for side in shape])
        return len(self.shapes) - 1


def _node(node, volumes):
    """A node as network.js reads it; NotForBrowser where that does not run it."""
    from onnx import helper

    kind = KINDS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if kind is None:
        raise NotForBrowser(f"The browser does not run {node.op_type}; it runs {', '.join(KINDS)}.")
    if len(node.input) > kind.operands + kind.shaped or len(node.output) > 1:
        raise NotForBrowser(f"The browser does not run {node.op_type} of {len(node.input)} inputs "
                            f"and {len(node.output)} outputs.")
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    for name, value in attributes.items():
        if name not in kind.keeps | kind.only or value not in kind.only.get(name, [value]):
            raise NotForBrowser(f"The browser does not run {node.op_type} with {name} = {value}.")
    names = [name for name in node.input[:kind.operands] if name]
    operands = [volumes.index(name) if place != 1 or not kind.matrix else
                volumes.keep(kind.matrix(volumes.fixed(name), attributes)) for place, name in enumerate(names)]
    target = volumes.index(node.output[0])
    entry = {"kind": node.op_type, "from": operands, "to": target,
             **{kept: attributes.get(name, DEFAULTS.get(name)) for name, kept in kind.keeps.items()}}
    shapes = [volumes.shapes[index] for index in operands]
    if "kernel" in entry and len(shapes[0]) != 4:
        raise NotForBrowser(f"The browser runs {node.op_type} over height and width only, not over {shapes[0]}.")
    if node.op_type in ("Add", "Mul"):
        entry |= _repeated(entry, shapes, volumes.shapes[target])
    return entry


def _repeated(entry, shapes, target):
    """The whole operand of a sum or product first, and how often each number of the other is repeated in a row."""
    order = sorted((0, 1), key=lambda place: shapes[place] != target)
    whole, other = (shapes[place] for place in order)
    other = [1] * (len(whole) - len(other)) + other
    long = [axis for axis, side in enumerate(other) if side > 1]
    span = slice(long[0], long[-1] + 1) if long else slice(0)
    if whole != target or other[span] != target[span]:
        raise NotForBrowser(f"The browser does not run {entry['kind']} of {shapes[0]} and {shapes[1]}.")
    return {"from": [entry["from"][place] for place in order], "inner": math.prod(target[span.stop:])}


def _blob(header, volumes):
    """The header and the constants as bytes; float16 where nothing is lost, as in the files of weights."""
    places, raw = [], bytearray()
    for index, array in volumes.constants.items():
        with np.errstate(over="ignore"):
            half = array.astype(np.float16)
        exact = np.array_equal(half.astype(np.float32), array)
        raw += bytes(-len(raw) % ALIGNED)
        places.append([index, len(raw), int(exact)])
        raw += (half if exact else array).tobytes()
    text = json.dumps({"shapes": volumes.shapes, "constants": places, **header}, separators=(",", ":")).encode()
    text += b" " * (-(4 + len(text)) % ALIGNED)
    return len(text).to_bytes(4, "little") + text + bytes(raw)


# --- a model as one HTML file ----------------------------------------------------------------------------------------

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval'
 blob:; worker-src blob:; style-src 'unsafe-inline'; img-src data: blob:; connect-src data:">
<title>TITLE</title>
<style>
:root { color-scheme: light dark; --st-font: system-ui, sans-serif; --st-text-color: #222; --st-primary-color: #0b63b5;
  --st-background-color: #fff; --st-secondary-background-color: #f3f4f6; }
@media (prefers-color-scheme: dark) {
  :root { --st-text-color: #eee; --st-primary-color: #6cb4ff; --st-background-color: #16181d;
    --st-secondary-background-color: #23262d; }
}
body { margin: 0 auto; padding: 1rem; max-width: 1100px; font-family: var(--st-font); color: var(--st-text-color);
  background: var(--st-background-color); }
h1 { font-size: 1.6rem; margin: 0 0 0.3rem; }
footer { margin-top: 1.5rem; font-size: 0.85rem; }
</style>
<main>
<h1>TITLE</h1>
<p>SENTENCE</p>
<p id="refused" role="alert" hidden>This browser does not let a page run the network, so no picture can follow.</p>
<noscript>This page needs JavaScript.</noscript>
</main>
<footer>CREDIT</footer>
<script type="application/json" id="contents">CONTENTS</script>
<script>
const components = { COMPONENTS };
for (const { name, data } of JSON.parse(document.getElementById("contents").textContent)) {
  const host = document.querySelector("main").appendChild(document.createElement("div"));
  const shadow = host.attachShadow({ mode: "open" });
  const parentElement = document.createElement("div");
  shadow.append(Object.assign(document.createElement("style"), { textContent: components[name].style }), parentElement);
  components[name].show({ parentElement, data, setStateValue() {} });
}
for (const { ready } of window.__aeModels.values()) {
  ready.then((model) => model.slot(HALVES)).catch(() => (document.getElementById("refused").hidden = false));
}
</script>
</html>
"""
COMPONENTS = {                   # name -> the files that it needs beside its own, common.js and live.css
    "camera": ("seen.css", "placing.js", "seen.js"),
    "model": ("network.js", "worker.js"),
    "sketchpad": ("seen.css", "strokes.js", "placing.js", "seen.js"),
}
Contents = list[tuple[str, dict[str, Any]]]      # components by name, each with its data
SENTENCES = {                    # of a page, by its last component
    "pad": "Drag the point across the plane: every position decodes to a picture.",
    "mixer": "Drag a strip to make the face smile, age, or wear glasses.",
    "sketchpad": "Draw: the network reconstructs at every move of the pen.",
}
RUNS = "model"                   # what the model is called by the components of a page


def component(folder: Path, name: str) -> tuple[str, str]:
    """The script and the style of a live component, from the folder of their files."""
    names = ("live.css", "common.js", *COMPONENTS.get(name, ()), f"{name}.css", f"{name}.js")
    texts = [(file, (folder / file).read_text("utf-8")) for file in names if (folder / file).is_file()]
    script, style = ("\n".join(text for file, text in texts if file.endswith(kind)) for kind in (".js", ".css"))
    return script, style


def placed(at: Any) -> dict[str, Any]:
    """A value that a component opens with."""
    return {"at": at, "turn": None, "epoch": 0}


def page(stored, folder: Path, contents: Contents) -> str:
    """One HTML file that runs a stored model with no server and no network.

    folder: of the live components' files; contents: which of them it shows, each with its data. Raises NotForBrowser.
    """
    preset, data = stored.preset, datasets.about(stored.preset.dataset)
    halves = ["encoder", "decoder"] if any(name == "sketchpad" for name, _ in contents) else ["decoder"]
    packed = pack(stored)
    addresses = {half: f"data:application/octet-stream;base64,{_text(packed[half])}" for half in halves}
    contents = [("model", {"id": RUNS, "halves": addresses}), *contents]
    texts = {name: component(folder, name) for name, _ in contents}
    scripts = ",\n".join(f"{name}: {{ style: {json.dumps(style)}, show: (() => {{\n"
                         f"{script.replace('export default ', 'return ')}\n}})() }}"
                         for name, (script, style) in texts.items())
    credit = [f"Model: {preset.title}, after {preset.recipe}." if preset.recipe else f"Model: {preset.title}.",
              f"Data: {data.credit or data.title}{f' ({data.license})' if data.license else ''}.",
              "Made with Autoencoder Lab. Everything on this page is computed in it; it loads nothing."]
    filled = {"TITLE": html.escape(preset.title), "SENTENCE": SENTENCES[contents[-1][0]], "HALVES": json.dumps(halves),
              "CREDIT": html.escape(" ".join(credit)), "COMPONENTS": scripts,
              "CONTENTS": json.dumps([{"name": name, "data": each} for name, each in contents]).replace("<", "\\u003c")}
    return re.sub("|".join(rf"\b{key}\b" for key in filled), lambda found: filled[found[0]], PAGE)


def sheet(tiles: np.ndarray, count: int | None = None) -> dict[str, Any]:
    """Pictures, uint8 (rows, columns, h, w[, 3]), as one encoded image, as the components take it."""
    rows, columns, height, width = tiles.shape[:4]
    image = tiles.swapaxes(1, 2).reshape(rows * height, columns * width, *tiles.shape[4:])
    raw = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1] if image.ndim == 3 else image))[1]
    return {"url": f"data:image/png;base64,{_text(raw.tobytes())}", "rows": rows, "columns": columns, "height": height,
            "width": width, "channels": 3 if tiles.ndim == 5 else 1, "count": count or rows * columns}


def strip(pictures: np.ndarray) -> dict[str, Any]:
    """Pictures, uint8 (n, h, w[, 3]), as a nearly square `sheet`."""
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    grid = np.zeros((rows * columns, *pictures.shape[1:]), np.uint8)
    grid[:len(pictures)] = pictures
    return sheet(grid.reshape(rows, columns, *pictures.shape[1:]), len(pictures))


def numbers(array: Any, kind: str = "<f4") -> str:
    """An array as the components take it."""
    return _text(np.ascontiguousarray(array, kind).tobytes())


def decoder(code: tuple[Any, Any], label: tuple[Any, Any] | None = None) -> dict[str, Any]:
    """What decodes the numbers of a component: each input of the decoder is (origin, directions) of them."""
    given = {"code": code} | ({"label": label} if label else {})
    return {"model": RUNS, "inputs": {name: [numbers(part) for part in parts] for name, parts in given.items()}}


def room(dataset: str, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Where a drawing lies in the pictures of a data set, as placing.js takes it."""
    size, kind, margin = datasets.room(dataset, shape)
    return {"shape": size[:2], "margin": margin, "digit": kind == "digit", "garment": kind == "garment",
            "light": datasets.is_light(dataset)}


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
