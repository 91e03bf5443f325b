"""What the store keeps of a trained model: its files, the codes of test pictures, and a card that describes them."""
import math
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ae_core import attributes, metrics, store
from ae_core.pictures import datasets
from ae_core.presets import Preset
from ae_core.training import export, networks

ATTRIBUTE_FACES = 30_000         # training faces are enough to find the directions of attributes


def keep(preset: Preset, encoder: keras.Model, decoder: keras.Model, training: dict[str, Any],
         test: tuple[np.ndarray, np.ndarray] | None = None, more_files: dict[str, Path] | None = None,
         **more: Any) -> store.Stored:
    """Export a trained model with its test-set codes into the store.

    training: what preset.json remembers of the run, such as seed, epochs and val_loss; `more` is remembered beside it.
    test: (pictures, labels) where they are not the data set's; more_files: {name: path} to lie beside the others.
    """
    with tempfile.TemporaryDirectory() as scratch:
        files = export.write(preset, encoder, decoder, scratch)
        if preset.mapped:
            pictures, labels = test or datasets.load(preset.dataset, "test", preset.shape)
            files["latents.npz"] = write_latents(preset, encoder, Path(scratch) / "latents.npz", pictures, labels)
            if labels.ndim == 2:                 # attributes in place of a class
                judge = _first_stage(preset)[1] if preset.adversary else decoder     # the gallery stays as it was
                files[attributes.FILE] = write_attributes(preset, encoder, judge, Path(scratch) / attributes.FILE)
        layers = {"encoder": export.describe(encoder), "decoder": export.describe(decoder)}
        card = {"training": training, "layers": layers,
                "versions": {name: version(name) for name in ("keras", "onnx", "numpy")}, **more}
        return store.write(preset, files | (more_files or {}), card)


def begin(preset: Preset, encoder: keras.Model, decoder: keras.Model) -> None:
    """Give fresh networks the weights of the model that a second stage begins with; the encoder keeps them.

    A transposed convolution of 3 x 3 is one of 4 x 4 whose first row and column are 0, so the pictures are the same.
    """
    first_encoder, first_decoder = _first_stage(preset)
    encoder.set_weights(first_encoder.get_weights())
    encoder.trainable = False
    weights = first_decoder.get_weights()
    for k, (fresh, old) in enumerate(zip(decoder.get_weights(), weights, strict=True)):
        if fresh.shape != old.shape:
            weights[k] = np.pad(old, [(1, 0), (1, 0), (0, 0), (0, 0)])
    decoder.set_weights(weights)


def _first_stage(preset):
    """The encoder and the decoder that a second stage begins with; WeightsMissing where they are not here."""
    return export.load_keras(store.read(preset.adversary.start, only="model.keras").path("model.keras"))


def write_latents(preset: Preset, encoder: keras.Model, path: Path, pictures: np.ndarray, labels: np.ndarray) -> Path:
    """The codes of the test pictures with their labels; of a VAE, means and log-variances.

    All of them on a plane; the first 1,000 of more dimensions, for their size.
    """
    pictures, labels = (array[:None if preset.code == 2 else 1000] for array in (pictures, labels))
    pictures = np.asarray(pictures)
    codes = encoder.predict(networks.given(preset, pictures, labels), batch_size=1000, verbose=0)
    arrays = dict(zip(("mean", "log_variance"), codes if preset.variational else (codes,), strict=False))
    np.savez_compressed(path, label=labels.astype(np.uint8),
                        **{name: array.astype(np.float16) for name, array in arrays.items()})
    return path


def write_attributes(preset: Preset, encoder: keras.Model, decoder: keras.Model, path: Path) -> Path:
    """The directions of the attributes, found among the codes of training faces, and the gallery of held-out ones.

    A mirrored face has the same attributes, so each counts twice.
    """
    pictures, has = datasets.load(preset.dataset, "train", preset.shape)
    rows = np.random.default_rng(0).permutation(len(pictures))[:ATTRIBUTE_FACES]
    parts = np.array_split(rows, math.ceil(len(rows) / 500))     # a part of them in memory at a time
    codes = np.concatenate([encode_both_ways(encoder, pictures[part]) for part in parts])
    held_out, held_out_has = datasets.load(preset.dataset, "test", preset.shape)
    held_out, names = np.asarray(held_out), datasets.attribute_names(preset.dataset)
    mean = encoder.predict(held_out, verbose=0)[0]
    missing = 1 - metrics.ssim(held_out, decoder.predict(mean, verbose=0))    # the squared error likes dim profiles
    gallery = attributes.choose_gallery(missing, held_out_has, names)
    attributes.fit(codes, np.repeat(has[rows], 2, axis=0), names, mean, held_out_has, gallery).save(path)
    return path


def encode_both_ways(encoder: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """The mean codes (2n, d) of pictures (n, h, w, c), each followed by that of its mirror image."""
    pairs = np.stack([pictures, pictures[:, :, ::-1]], axis=1)
    return encoder.predict(pairs.reshape(-1, *pictures.shape[1:]), verbose=0)[0]


def export_again(name: str) -> store.Stored:
    """Write a preset's ONNX files and codes anew from its model.keras, which must be the one its card describes."""
    stored = store.read(name, only="model.keras")
    return keep(stored.preset, *export.load_keras(stored.path("model.keras")), stored.card["training"])
