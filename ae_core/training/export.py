"""From Keras to the files that are kept: model.keras, encoder.onnx and decoder.onnx, in half precision.

Weights are rounded to float16 on disk and widened to float32 when they are loaded; the arithmetic stays float32.
"""
import json
import math
import os
import shutil
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import h5py
import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ae_core import attributes, metrics, presets, store
from ae_core.pictures import datasets
from ae_core.training import networks

OPSET = 17


def write(preset, encoder, decoder, folder):
    """Write model.keras, encoder.onnx and decoder.onnx of a preset into a folder; returns {name: path}."""
    folder = Path(folder)
    round_to_half(encoder, decoder)              # so that what is measured now is what is loaded later
    save_keras(networks.autoencoder(preset, encoder, decoder), folder / "model.keras")
    save_onnx(encoder, folder / "encoder.onnx", _codes(preset, encoder))
    save_onnx(decoder, folder / "decoder.onnx", ("picture",))
    return {name: folder / name for name in ("model.keras", "encoder.onnx", "decoder.onnx")}


def _codes(preset, encoder):
    """What the encoder's outputs are called in ONNX; a colorizer's are what its decoder calls its inputs."""
    if preset.variational:
        return "mean", "log_variance"
    return [f"level_{level}" for level in range(len(encoder.outputs))] if len(encoder.outputs) > 1 else ["latent"]


def round_to_half(*models):
    for model in models:
        model.set_weights([_half(weights).astype(weights.dtype) for weights in model.get_weights()])


def _half(weights):
    """Weights in float16; those whose range that exceeds (a batch normalization's variance may) as they are."""
    fits = np.abs(weights).max(initial=0) <= np.finfo(np.float16).max
    return weights.astype(np.float16) if fits else weights


def save_keras(model, path):
    """Save a model without its optimizer, its float32 weights stored as compressed float16."""
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
                    slim.writestr(name, archive.read(name))


def standard(layer):
    """A fresh layer of Keras's own kind, so that whoever opens model.keras needs no code but Keras."""
    kind = keras.layers.BatchNormalization if isinstance(layer, networks.BatchNormalization) else type(layer)
    return kind.from_config(layer.get_config())


def load_keras(path):
    """The encoder and the decoder inside a model.keras."""
    model = keras.models.load_model(path, compile=False, safe_mode=True)
    return model.get_layer("encoder"), model.get_layer("decoder")


def save_onnx(model, path, outputs):
    """Export one Keras model, its inputs called as in Keras and its outputs as given.

    Large weights that are float16 already are stored so, with a Cast behind them, which ONNX Runtime folds on loading.
    """
    with tempfile.TemporaryDirectory() as scratch:
        whole = os.path.join(scratch, "whole.onnx")
        model.export(whole, format="onnx", opset_version=OPSET, verbose=False)
        graph = onnx.load(whole)
    _rename_outputs(graph.graph, outputs)
    _half_initializers(graph.graph)
    onnx.checker.check_model(graph)
    onnx.save(graph, path)


def describe(model):
    """The rows of an architecture table: layer name, kind, output shape, parameters."""
    return [{"layer": layer.name, "kind": type(layer).__name__, "shape": list(layer.output.shape[1:]),
             "parameters": layer.count_params()}
            for layer in model.layers if not isinstance(layer.output, list)]


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


ATTRIBUTE_FACES = 30_000         # training faces are enough to find the directions of attributes


def keep(preset, encoder, decoder, training, test=None, more_files=None, **more):
    """Export a trained model with its test-set codes into the store.

    training: what preset.json remembers of the run, such as seed, epochs and val_loss; `more` is remembered beside it.
    test: (pictures, labels) where they are not the data set's; more_files: {name: path} to lie beside the others.
    """
    with tempfile.TemporaryDirectory() as scratch:
        files = write(preset, encoder, decoder, scratch)
        if preset.mapped:
            test = test or datasets.load(preset.dataset, "test", preset.shape)
            files["latents.npz"] = write_latents(preset, encoder, Path(scratch) / "latents.npz", *test)
        if preset.dataset == "celeba":
            files[attributes.FILE] = write_attributes(preset, encoder, decoder, Path(scratch) / attributes.FILE)
        layers = {"encoder": describe(encoder), "decoder": describe(decoder)}
        card = {"training": training, "layers": layers,
                "versions": {name: version(name) for name in ("keras", "onnx", "numpy")}, **more}
        return store.write(preset, files | (more_files or {}), card)


def write_latents(preset, encoder, path, pictures, labels):
    """The codes of the test pictures with their labels; of a VAE, means and log-variances.

    All of them on a plane; the first 1,000 of more dimensions, for their size.
    """
    pictures, labels = (array[:None if preset.code == 2 else 1000] for array in (pictures, labels))
    pictures = np.asarray(pictures)
    inputs = [pictures, np.eye(preset.labels, dtype=np.float32)[labels]] if preset.labels else pictures
    codes = encoder.predict(inputs, batch_size=1000, verbose=0)
    mean, log_variance = codes if preset.variational else (codes, None)
    arrays = {"mean": mean.astype(np.float16), "label": labels.astype(np.uint8)}
    if preset.variational:
        arrays["log_variance"] = log_variance.astype(np.float16)
    np.savez_compressed(path, **arrays)
    return path


def write_attributes(preset, encoder, decoder, path):
    """The directions of the attributes, found among the codes of training faces, and the gallery of held-out ones.

    A mirrored face has the same attributes, so each counts twice.
    """
    pictures, has = datasets.load(preset.dataset, "train", preset.shape)
    rows = np.random.default_rng(0).permutation(len(pictures))[:ATTRIBUTE_FACES]
    parts = np.array_split(rows, math.ceil(len(rows) / 500))     # a part of them in memory at a time
    codes = np.concatenate([encode_both_ways(encoder, pictures[part]) for part in parts])
    held_out, held_out_has = datasets.load(preset.dataset, "test", preset.shape)
    held_out, names = np.asarray(held_out), datasets.attribute_names()
    mean = encoder.predict(held_out, verbose=0)[0]
    missing = 1 - metrics.ssim(held_out, decoder.predict(mean, verbose=0))    # the squared error likes dim profiles
    gallery = attributes.choose_gallery(missing, held_out_has, names)
    attributes.fit(codes, np.repeat(has[rows], 2, axis=0), names, mean, held_out_has, gallery).save(path)
    return path


def encode_both_ways(encoder, pictures):
    """The mean codes (2n, d) of pictures (n, h, w, c), each followed by that of its mirror image."""
    pairs = np.stack([pictures, pictures[:, :, ::-1]], axis=1)
    return encoder.predict(pairs.reshape(-1, *pictures.shape[1:]), verbose=0)[0]


def export_again(name):
    """Write a preset's ONNX files and codes anew from its model.keras, which must be the one its card describes."""
    folder = store.folder_of(name)
    card = json.loads((folder / "preset.json").read_text("utf-8"))
    file = folder / "model.keras"
    if not file.is_file() or store.sha256(file) != card["sha256"].get(file.name):
        raise store.WeightsDamaged(f"{name}/model.keras is missing or differs from its checksum in preset.json. "
                                   f"Fetch it again or run: python -m ae_core train {name}")
    encoder, decoder = load_keras(file)
    return keep(presets.Preset.from_json(card["preset"]), encoder, decoder, card["training"])
