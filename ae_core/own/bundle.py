"""An own model as one zip, and back: preset.json, model.keras, encoder.onnx, decoder.onnx and what its pages show.

A zip may come from anyone, so nothing in it is believed. Names are looked up in a list, sizes are bounded before
anything is unpacked, arrays are measured by their headers before they are read, the preset must pass
`blueprint.check`, and a graph may hold only the operators that our own export emits, with every size in it known and
small. Checksums are made anew. model.keras is kept for Python users and never opened here.
"""
import dataclasses
import io
import json
import math
import zipfile

import numpy as np

from ae_core import families, guard, model, presets, store
from ae_core.files import npy_header
from ae_core.own import blueprint, jobs, limits, story
from ae_core.own.collection import LEAST_SHOWN
from ae_core.pictures import datasets
from ae_core.presets import Preset
from ae_core.store import Stored

NEEDED = ("preset.json", "encoder.onnx", "decoder.onnx")
PICTURES = ("samples.npz", "story.npz")
NOT_KEPT = "model.keras"         # a stranger's is never opened here, and so never handed on to others
MOST_CODE = 1e4                  # the largest number of a code or of a history that a plot can show
MAX_BYTES = {"preset.json": 2**20, "model.keras": 100 * 2**20, "encoder.onnx": 100 * 2**20,
             "decoder.onnx": 100 * 2**20, "latents.npz": 20 * 2**20, "samples.npz": 40 * 2**20, "story.npz": 40 * 2**20}
MAX_ARRAYS = 200 * 2**20         # bytes of one npz, unpacked
MAX_GROWTH = 6                   # numbers in all intermediate results for one in a layer; ours have up to 4.4
MAX_NODES = 400                  # and as many arrays of weights
ARRAYS = {                       # file -> array -> (kinds of numbers, dimensions, needed?)
    "latents.npz": {"mean": ("f", 2, True), "label": ("u", 1, True), "log_variance": ("f", 2, False)},
    "samples.npz": {"x_test": ("u", 4, True), "y_test": ("u", 1, True)},
    "story.npz": {"given": ("u", 4, True), "labels": ("u", 1, True), "epochs": ("i", 1, True),
                  "rebuilt": ("u", 5, True), "codes": ("f", 3, False), "history": ("f", 2, True),
                  "columns": ("U", 1, True)}}


class BadBundle(guard.Refused):
    """A zip that is no model of ours; the message is meant for whoever uploaded it."""


def shows_own_pictures(card: dict) -> bool:
    """Whether a model keeps pictures of its reader's own, of which nobody may speak but the reader."""
    return card.get("data", {}).get("photo", False) and any(file in card["sha256"] for file in PICTURES)


def pack(name: str, pictures: bool = False) -> bytes:
    """The zip (bytes) of a stored model; a reader's own pictures are in it only where `pictures` says so."""
    stored = store.read(name)
    left_out = PICTURES if shows_own_pictures(stored.card) and not pictures else ()
    kept = {file: sha256 for file, sha256 in stored.card["sha256"].items()
            if file in MAX_BYTES and file not in left_out}
    card = {key: value for key, value in stored.card.items() if key not in store.ACCESS} | {"sha256": kept}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("preset.json", json.dumps(card, indent=1))
        for file in kept:
            archive.write(stored.folder / file, file)
    return buffer.getvalue()


def unpack(raw: bytes, owner: str | None = None) -> Stored:
    """Put the model in a zip (bytes) among the own models of a visitor, under a free name; returns the store's entry.

    BadBundle with one sentence where anything in it is not what `pack` writes, guard.Refused where the visitor has too
    much already; then nothing is kept.
    """
    files = _files(raw)
    preset, card = _card(files.pop("preset.json"))
    arrays = {file: _arrays(file, files[file]) for file in files if file in ARRAYS}
    _check_arrays(preset, card, arrays)
    for part in ("encoder", "decoder"):
        _check_graph(preset, part, files[f"{part}.onnx"])
    with store.scratch() as scratch:
        for file, content in files.items():
            (scratch / file).write_bytes(content)
        _try(preset, card, files, scratch)
        with store.changing():
            limits.check(owner, sum(map(len, files.values())), jobs.unfinished(), run=False)
            preset = _renamed(preset, owner)
            try:
                return store.write(preset, {file: scratch / file for file in files},
                                   card | ({"owner": owner} if owner else {}))
            except BaseException:
                store.release(preset.name)
                raise


def _renamed(preset, owner):
    title = store.free_title(preset.title, visitor=owner)
    name = store.reserve(title)
    return dataclasses.replace(preset, name=name, title=title,
                               dataset=preset.dataset if preset.dataset in datasets.DATASETS else name)


def _files(raw: bytes) -> dict[str, bytes]:
    """{name: bytes} of the archive, every name known and every size bounded before it is unpacked.

    Finder and Explorer wrap what they pack again in a folder; it is looked through.
    """
    entries = guard.archive(raw, "The zip", most_each=max(MAX_BYTES.values()))
    found = {entry.path[-1]: entry for entry in entries}
    for name, entry in found.items():
        if name not in MAX_BYTES:
            raise BadBundle(f"The zip contains {name[:80]!r}, which is not part of a model. "
                            f"It may contain {', '.join(MAX_BYTES)}.")
        if entry.size > MAX_BYTES[name]:
            raise BadBundle(f"{name} would unpack to {entry.size / 2**20:,.0f} MB; at most "
                            f"{MAX_BYTES[name] / 2**20:.0f} MB are read.")
    missing = [name for name in NEEDED if name not in found]
    if missing or len(found) != len(entries) or len({entry.path[:-1] for entry in entries}) > 1:
        raise BadBundle(f"The zip has no {' and no '.join(missing) or 'single file of each name'}. "
                        "Upload one downloaded from the Train page.")
    return {name: entry.load() for name, entry in found.items() if name != NOT_KEPT}


def _card(raw):
    """The checked preset, and a card of what else is known of the model, every value of it looked at."""
    try:
        card = json.loads(raw.decode("utf-8"))
        preset = Preset.from_json(card["preset"])
        preset = dataclasses.replace(preset, title=guard.text(preset.title, 80, "Its title") or "A model",
                                     description=guard.text(preset.description, 400, "Its description"),
                                     recipe=guard.text(preset.recipe, 200, "Its recipe"),
                                     departures=guard.text(preset.departures, 2000, "What it departs in"))
        blueprint.check(preset)
        _check_dataset(preset)
        described = card.get("data") if preset.dataset not in datasets.DATASETS else None
        training = {key: value for key, value in card.get("training", {}).items()
                    if key in ("seed", "epochs", "epoch", "loss", "val_loss", "kl", "val_kl", "pictures")
                    and isinstance(value, (int, float)) and math.isfinite(value)}
        more = {} if preset.dataset in datasets.DATASETS else {"data": _described(described)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        said = str(error)
        if not isinstance(error, ValueError) or not said.endswith("."):          # Python's own words, no sentence
            said = "It is not what the Train page writes."
        raise BadBundle(f"preset.json does not describe a model that can be opened here. {said}") from None
    layers = {part: [{"layer": stage.kind, "kind": stage.kind, "shape": list(stage.shape),
                      "parameters": stage.parameters} for stage in stages]
              for part, stages in blueprint.stages(preset).items()}
    return preset, {"training": {"seed": 0, "epochs": 0, "pictures": 0, **training}, "layers": layers, **more}


def _check_dataset(preset):
    """A model of a data set of ours takes its pictures as one of our models does, and knows no class beyond its own."""
    if preset.dataset not in datasets.DATASETS:
        return
    shapes = {other.shape for other in presets.PRESETS.values() if other.dataset == preset.dataset}
    classes = len(datasets.DATASETS[preset.dataset].classes)
    if preset.shape not in shapes or preset.labels not in (0, classes):
        raise ValueError(f"It names {datasets.DATASETS[preset.dataset].title}, whose pictures have another shape or "
                         f"number of classes than its own ({preset.shape}, {preset.labels}).")


def _described(about):
    """What a card says of own pictures, each value of its kind."""
    title = guard.text(about["title"], 80, "The title of its pictures")
    classes = [guard.text(name, 40, "The name of a class") for name in about["classes"]]
    margin, photo = about["margin"], about["photo"]
    if not 1 <= len(classes) <= 100 or type(margin) is not int or not 0 <= margin <= 8 or type(photo) is not bool:
        raise ValueError("Its pictures are described in an unknown way.")
    return {"title": title, "classes": classes, "margin": margin, "photo": photo}


def _arrays(file, raw):
    """{name: array} of an npz, its headers checked before any array is read; every number of it finite and bounded."""
    known = ARRAYS[file]
    try:
        entries = {entry.path[-1].removesuffix(".npy"): entry for entry in guard.archive(raw, file, most=MAX_ARRAYS)}
        if not set(entries) <= set(known) or any(name not in entries for name, (*_, needed) in known.items() if needed):
            raise ValueError("other arrays than expected")
        return {name: _array(entry.load(), *known[name][:2]) for name, entry in entries.items()}
    except (ValueError, OSError, EOFError, KeyError, SyntaxError):
        raise BadBundle(f"{file} does not hold the arrays that it should. Download the model again.") from None


def _array(raw, kinds, dimensions):
    stream = io.BytesIO(raw)
    shape, by_columns, dtype = npy_header(stream)
    if by_columns or dtype.kind not in kinds or len(shape) != dimensions \
            or math.prod(shape) * dtype.itemsize != len(raw) - stream.tell():
        raise ValueError("an array of another kind or size")
    array = np.frombuffer(raw, dtype, offset=stream.tell()).reshape(shape)
    if dtype.kind == "f" and not (np.abs(array) <= MOST_CODE).all():        # also false of what is not a number
        raise ValueError("a number that is none, or far too large")
    return array


def _check_arrays(preset, card, arrays):
    """Whether the arrays belong to the preset and to each other."""
    samples, codes, told = (arrays.get(file) for file in ("samples.npz", "latents.npz", story.FILE))
    classes = len(card["data"]["classes"] if "data" in card else datasets.DATASETS[preset.dataset].classes)
    most = 10_000
    if "data" in card:
        if samples is not None and not _are_samples(preset, classes, **samples):
            raise _foreign("samples.npz")
        most = len(samples["x_test"]) if samples else most
    if (codes is None and preset.mapped) or (codes is not None and not _are_codes(preset, classes, most, **codes)):
        raise _foreign("latents.npz")
    if told is not None and not _is_story(preset, **told):
        raise _foreign("story.npz")


def _foreign(file):
    return BadBundle(f"{file} does not belong to the model that preset.json describes. Download the model again.")


def _are_samples(preset, classes, x_test, y_test):
    return (x_test.shape[1:] == preset.shape and LEAST_SHOWN <= len(x_test) <= 10_000
            and y_test.shape == x_test.shape[:1] and y_test.max() < classes)


def _are_codes(preset, classes, most, mean, label, log_variance=None):
    return (mean.shape[1:] == (preset.code,) and LEAST_SHOWN <= len(mean) <= most and np.isfinite(mean).all()
            and label.shape == mean.shape[:1] and label.max() < classes
            and (log_variance is not None) == preset.variational
            and (log_variance is None or log_variance.shape == mean.shape))


def _is_story(preset, given, labels, epochs, rebuilt, history, columns, codes=None):
    count, names = len(epochs), [str(name) for name in columns]
    return (1 < count <= 501 and (np.diff(epochs) > 0).all() and len(labels) <= story.DOTS
            and 0 < len(given) <= 64 and given.shape[1:] == preset.shape
            and rebuilt.shape == (count, len(given), *preset.shape)
            and (codes is None or codes.shape == (count, len(labels), 2))
            and history.shape == (len(history), len(names)) and 0 < len(history) <= 500
            and {"loss", "val_loss"} <= set(names) and ("kl" in names) == ("val_kl" in names))


def _check_graph(preset, part, raw):
    """BadBundle where a graph holds anything that `export` does not emit for this preset, or anything large."""
    import onnx  # only an upload needs it

    name = f"{part}.onnx"
    try:
        graph = onnx.load_model_from_string(raw)
        if len(graph.graph.node) > MAX_NODES or len(graph.graph.initializer) > MAX_NODES:   # before each is looked at
            raise BadBundle(f"{name} is larger than the network that preset.json describes.")
        allowed = families.TRAINABLE[preset.network].operators
        strange = sorted({f"{node.domain}.{node.op_type}".strip(".") for node in graph.graph.node
                          if node.domain or node.op_type not in allowed})
        if strange:
            raise BadBundle(f"{name} contains the operator {strange[0][:60]}, which our models do not use. "
                            "Upload a model downloaded from the Train page.")
        if _is_foreign(graph, onnx):
            raise BadBundle(f"{name} refers to other files, functions or graphs. Use one from the Train page.")
        if (_ends(graph.graph.input), _ends(graph.graph.output)) != _expected(preset, part):
            raise BadBundle(f"{name} has other shapes than preset.json says. Download the model again.")
        onnx.checker.check_model(graph)
        _check_sizes(preset, part, graph, onnx)
    except BadBundle:
        raise
    except Exception as error:                   # the parser and the checker raise many kinds; all mean the same here
        raise BadBundle(f"{name} is not a whole ONNX graph of a model of ours ({type(error).__name__}). "
                        "Download the model again.") from None


def _is_foreign(model_proto, onnx):
    graph = model_proto.graph
    return bool(model_proto.functions or model_proto.training_info or graph.sparse_initializer
                or any(tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data
                       for tensor in graph.initializer)
                or any(attribute.HasField("g") or attribute.graphs or attribute.HasField("t") or attribute.tensors
                       for node in graph.node for attribute in node.attribute))


def _expected(preset, part):
    label = {"label": (preset.labels,)} if preset.labels else {}
    if part == "encoder":
        return {"picture": preset.shape} | label, dict.fromkeys(preset.code_names, (preset.code,))
    return {"code": (preset.code,)} | label, {"picture": preset.target}


def _ends(values):
    """{name: shape without the batch} of a graph's inputs or outputs; float32 only."""
    return {value.name: tuple(size.dim_value for size in value.type.tensor_type.shape.dim)[1:]
            for value in values if value.type.tensor_type.elem_type == 1}


def _check_sizes(preset, part, model_proto, onnx):
    """All intermediate results of the largest batch together may be few times as large as the layers of the preset.

    Their sizes are inferred from that batch on; what the file itself declares of them is thrown away before.
    """
    graph = model_proto.graph
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].Clear()
    for value in graph.input:
        value.type.tensor_type.shape.dim[0].dim_value = model.BATCH
    inferred = onnx.shape_inference.infer_shapes(model_proto, check_type=True, strict_mode=True, data_prop=True).graph
    sizes = {value.name: math.prod(size.dim_value for size in value.type.tensor_type.shape.dim)
             for value in (*inferred.value_info, *inferred.output)}
    results = [sizes.get(output, 0) for node in graph.node for output in node.output]
    weights = sum(math.prod(tensor.dims) for tensor in graph.initializer)
    layers = sum(math.prod(stage.shape) for stage in blueprint.stages(preset)[part])
    if not all(results) or sum(results) > MAX_GROWTH * model.BATCH * layers + weights:
        raise BadBundle("A result inside the network is too large, or its size is not known.")
    if weights > blueprint.parameters(preset) + 10_000:
        raise BadBundle("The graph is larger than the network that preset.json describes.")


def _try(preset, card, files, folder):
    """Run one picture and many through the checked graphs."""
    stored = Stored(preset, {**card, "sha256": dict.fromkeys(files, "")}, folder)
    good = True
    try:
        served = model.Autoencoder(stored)
        for count in (1, 64):
            pictures, labels = np.zeros((count, *preset.shape), np.float32), [0] * count if preset.labels else None
            rebuilt = served.reconstruct(pictures, labels)
            good &= rebuilt.shape == (count, *preset.target) and bool(np.isfinite(rebuilt).all())
    except Exception:                            # ONNX Runtime raises kinds of its own
        good = False
    if not good:
        raise BadBundle("The network of this zip does not run on a picture of the size it names. Download it again.")
