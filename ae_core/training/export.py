"""From Keras to the files that are kept: model.keras, encoder.onnx and decoder.onnx, in half precision.

Weights are rounded to float16 on disk and widened to float32 when they are loaded; the arithmetic stays float32.
"""
import json
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ae_core.presets import Preset
from ae_core.training import networks

OPSET = 17
YOUNG = {"quantization_config": None, "input_axes": None, "output_axes": None, "renorm": False, "renorm_clipping": None,
         "renorm_momentum": 0.99}    # which an older Keras refuses, though they say nothing


def write(preset: Preset, encoder: keras.Model, decoder: keras.Model, folder: str | Path) -> dict[str, Path]:
    """Write model.keras, encoder.onnx and decoder.onnx of a preset into a folder; returns {name: path}."""
    files = {name: Path(folder) / name for name in ("model.keras", "encoder.onnx", "decoder.onnx")}
    round_to_half(encoder, decoder)              # so that what is measured now is what is loaded later
    save_keras(networks.autoencoder(preset, encoder, decoder), files["model.keras"])
    save_onnx(encoder, files["encoder.onnx"], preset.code_names)
    save_onnx(decoder, files["decoder.onnx"], ("picture",))
    return files


def round_to_half(*models: keras.Model) -> None:
    """Round the weights of models to what half precision can hold."""
    for model in models:
        model.set_weights([_half(weights).astype(weights.dtype) for weights in model.get_weights()])


def save_keras(model: keras.Model, path: Path) -> None:
    """Save a model without its optimizer, its float32 weights stored as compressed float16; Keras 3.10 can open it."""
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.keras"
        bare = keras.models.clone_model(model, clone_function=standard, recursive=True)    # with no optimizer
        bare.set_weights(model.get_weights())
        bare.save(whole)
        with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as slim:
            for name in archive.namelist():
                if name.endswith(".h5"):
                    slim.write(_half_h5(archive.extract(name, scratch)), name)
                else:
                    slim.writestr(name, plain(archive.read(name)))


def plain(config: bytes) -> bytes:
    """A JSON file of Keras's without what is `YOUNG`."""
    def kept(pairs):
        return {key: value for key, value in pairs if key not in YOUNG or value != YOUNG[key]}
    return json.dumps(json.loads(config, object_pairs_hook=kept)).encode()


def standard(layer: keras.layers.Layer) -> keras.layers.Layer:
    """A fresh layer of Keras's own kind, so that whoever opens model.keras needs no code but Keras."""
    kind = keras.layers.BatchNormalization if isinstance(layer, networks.BatchNormalization) else type(layer)
    return kind.from_config(layer.get_config())


def load_keras(path: str | Path) -> tuple[keras.Model, keras.Model]:
    """The encoder and the decoder inside a model.keras."""
    model = keras.models.load_model(path, compile=False, safe_mode=True)
    return model.get_layer("encoder"), model.get_layer("decoder")


def save_onnx(model: keras.Model, path: Path, outputs: Sequence[str]) -> None:
    """Export one Keras model, its inputs called as in Keras and its outputs as given.

    Large weights that are float16 already are stored so, with a Cast behind them, which ONNX Runtime folds on loading.
    """
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.onnx"
        model.export(str(whole), format="onnx", opset_version=OPSET, verbose=False)
        exported = onnx.load(whole)
    _rename_outputs(exported.graph, outputs)
    _half_initializers(exported.graph)
    onnx.checker.check_model(exported)
    onnx.save(exported, path)


def describe(model: keras.Model) -> list[dict[str, Any]]:
    """The rows of an architecture table: layer name, kind, output shape, parameters."""
    return [{"layer": layer.name, "kind": type(layer).__name__, "shape": list(layer.output.shape[1:]),
             "parameters": layer.count_params()}
            for layer in model.layers if not isinstance(layer.output, list)]


def _half(weights):
    """Weights in float16; those whose range that exceeds (a batch normalization's variance may) as they are."""
    fits = np.abs(weights).max(initial=0) <= np.finfo(np.float16).max
    return weights.astype(np.float16) if fits else weights


def _half_h5(path):
    """Rewrite every float32 dataset of a weights file as float16, its bytes ordered so that they compress well."""
    half = f"{path}.half"
    with h5py.File(path, "r") as source, h5py.File(half, "w") as target:
        def copy(name, item):
            if isinstance(item, h5py.Group):
                group = target.require_group(name)
                group.attrs.update(item.attrs)
            else:
                values = item[()]
                small = _half(values) if values.dtype == np.float32 else values
                target.create_dataset(name, data=small, shuffle=True if small.size > 1 else None)
        target.attrs.update(source.attrs)
        source.visititems(copy)
    shutil.move(half, path)
    return path


def _rename_outputs(graph, names):
    for output, name in zip(graph.output, names, strict=True):
        for node in graph.node:
            node.output[:] = [name if value == output.name else value for value in node.output]
            node.input[:] = [name if value == output.name else value for value in node.input]
        output.name = name


def _half_initializers(graph):
    """Replace float32 initializers of more than 256 numbers by float16 ones, each followed by a Cast.

    Only where nothing is lost. The exporter multiplies the scale of a batch normalization into the convolution before
    it; rounded a second time, the weights would no longer be those of model.keras.
    """
    casts = []
    for initializer in graph.initializer:
        if initializer.data_type == TensorProto.FLOAT and np.prod(initializer.dims) > 256:
            name, values = initializer.name, numpy_helper.to_array(initializer)
            half = values.astype(np.float16)
            if np.array_equal(half.astype(np.float32), values):
                initializer.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
                casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
