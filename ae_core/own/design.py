"""Make a model of your own: from a reader's choices to a preset, and to the lines that train it again.

A design starts from a shipped preset: what a reader leaves as it opened stays that preset's own, to the last digit, and
so does what is on no control.
"""
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ae_core import families, latent, presets
from ae_core.model import Autoencoder
from ae_core.own import blueprint, collection
from ae_core.own.collection import Collection
from ae_core.pictures import datasets, sheets
from ae_core.presets import Corruption, Preset

SPARSE = "Sparse autoencoder"
KINDS = ("Autoencoder", "VAE", "Conditional VAE", "Denoiser", SPARSE)
NETWORKS = {allowed.title: name for name, allowed in families.TRAINABLE.items()}
LOSSES = blueprint.LOSSES
UNITS = ((), (64,), (128,), (256,), (256, 128), (512,), (512, 256), (512, 512))
FILTERS = (4, 8, 16, 32, 64)     # of the first convolution; each further one has twice as many
CONVOLUTIONS = (1, 2, 3, 4)
CODES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 196, 256, 512, 1024)
PENALTIES = (1e-6, 1e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2)
BETAS = (0.001, 0.01, 0.03, 0.1, 0.3, 0.5, 1.0, 2.0, 4.0, 10.0, 30.0, 100.0)
RATES = (1e-4, 2e-4, 5e-4, 1e-3, 1.5e-3, 2e-3, 5e-3, 1e-2)
BATCHES = (8, 16, 32, 64, 128, 256, 512, 1024)
SIDES = (28, 32, 48, 64)
OWN = "own"
BETA_PRESETS = ("fashion_vae_beta_small", "fashion_vae_dense", "fashion_vae_beta_large")
BETA_REACHES = (0.5, 1, 2, 3, 5, 8, 13, 20, 30)      # latent units from 0
BETA_TILES = 8                   # pictures a side
STORY = "fashion_vae_dense"      # the shipped run that the page opens on


@dataclass(frozen=True)
class Choices:
    """What a reader sets; `design` makes a preset of it."""
    title: str
    dataset: str                 # a key of datasets.DATASETS, or "own"
    shape: tuple[int, int, int]
    kind: str                    # of KINDS
    network: str                 # of NETWORKS
    code: int
    units: tuple[int, ...]       # of a dense network
    filters: int                 # of the first layer of a convolutional one,
    convolutions: int            # and how many layers it has
    beta: float                  # of a VAE: the weight of its KL term
    mean: float                  # of a denoiser's noise,
    sigma: tuple[float, float]   # and its smallest and largest strength
    penalty: float               # of a sparse autoencoder
    loss: str                    # a key of LOSSES
    epochs: int
    batch_size: int
    learning_rate: float
    classes: int = 0             # of the pictures, for a conditional VAE


def design(choices: Choices, start: Preset) -> Preset:
    """The preset of a reader's choices, all else being `start`'s; ValueError with one sentence where they clash."""
    if choices.kind == "Conditional VAE" and choices.classes < 2:
        raise ValueError(collection.NO_LABELS)
    opened = Choices(choices.title, **choices_of(start), classes=start.labels)
    asked, before = _fields(choices), _fields(opened)
    changed = {key: value for key, value in asked.items() if value != before[key]}
    if "arguments" in changed and "network" not in changed:
        of_layers = {key: value for key, value in asked["arguments"].items() if value != before["arguments"][key]}
        changed["arguments"] = start.arguments | of_layers
    preset = dataclasses.replace(start, name="own_model", title=choices.title.strip() or "My model", **changed)
    if changed:
        preset = dataclasses.replace(preset, description=_sentence(preset), departures=_departures(preset, start))
    blueprint.check(preset)
    return preset


def _fields(choices: Choices) -> dict[str, Any]:
    """What choices say of a preset, field by field."""
    conditional, variational = choices.kind == "Conditional VAE", "VAE" in choices.kind
    network = next(name for name in [NETWORKS[choices.network], *families.TRAINABLE]
                   if families.TRAINABLE[name].conditional or not conditional)
    allowed, pixels = families.TRAINABLE[network], int(np.prod(choices.shape))
    filters = [min(choices.filters * 2**level, allowed.widest) for level in range(choices.convolutions)]
    widths = tuple(filters) if allowed.halves else choices.units
    return {"dataset": choices.dataset, "shape": choices.shape, "network": network, "code": choices.code,
            "arguments": {allowed.widths: widths} if allowed.widths else {}, "loss": choices.loss,
            "reconstruction_weight": pixels / choices.beta if variational else 1.0, "variational": variational,
            "labels": choices.classes if conditional else 0,
            "sparsity": choices.penalty if choices.kind == SPARSE else 0.0,
            "corruption": Corruption((choices.mean, choices.mean), choices.sigma) if choices.kind == "Denoiser"
            else None, "epochs": choices.epochs, "batch_size": choices.batch_size,
            "learning_rate": choices.learning_rate}


def networks(kind: str) -> list[str]:
    """The titles of the networks that a kind may have: one layer each way is meant for a sparse code."""
    return [title for title, name in NETWORKS.items() if families.TRAINABLE[name].deepest or kind == SPARSE]


def has_units(title: str) -> bool:
    """Whether the layers of a network are as wide as one says."""
    return families.TRAINABLE[NETWORKS[title]].widths == "units"


def has_filters(title: str) -> bool:
    """Whether the layers of a network are convolutions."""
    return families.TRAINABLE[NETWORKS[title]].halves


def convolutions(shape: tuple[int, int, int]) -> list[int]:
    """How many convolutions of stride 2 leave whole pixels: 28 -> 1, 2; 64 -> 1, 2, 3, 4."""
    return [count for count in CONVOLUTIONS if all(side % 2**count == 0 for side in shape[:2])]


def choices_of(preset: Preset) -> dict[str, Any]:
    """A shipped preset as the nearest choices, to start from: {field: value}."""
    kind = "Conditional VAE" if preset.labels else "VAE" if preset.variational else \
        "Denoiser" if preset.corruption else SPARSE if preset.sparsity else "Autoencoder"
    beta = np.prod(preset.shape) / preset.reconstruction_weight if preset.variational else 1.0
    units, filters = preset.arguments.get("units"), preset.arguments.get("filters", (32, 64))
    noise = preset.corruption or Corruption((0.5, 0.5), (0.5, 0.5))
    return {"dataset": preset.dataset, "shape": preset.shape, "kind": kind,
            "network": families.TRAINABLE[preset.network].title,
            "code": _nearest(CODES, preset.code), "units": units if units in UNITS else (512,),
            "filters": _nearest(FILTERS, filters[0]), "convolutions": len(filters), "beta": _nearest(BETAS, beta),
            "mean": noise.mean[0], "sigma": noise.sigma, "penalty": _nearest(PENALTIES, preset.sparsity or 5e-4),
            "loss": preset.loss, "epochs": min(preset.epochs, 100), "batch_size": _nearest(BATCHES, preset.batch_size),
            "learning_rate": _nearest(RATES, preset.learning_rate)}


CARRIED = {                      # what is on no control -> how it is said
    "activation": "{} between the layers", "code_activation": "{} on the code", "output": "a {} last layer",
    "spread": "first weights drawn with a deviation of {}", "decoder_units": "a decoder of {} units",
    "batch_norm": "batch normalization", "optimizer": "the optimizer {}",
    "schedule": "a learning rate that falls on a {}"}
WORDS = {"relu": "ReLU", "leaky_relu": "leaky ReLU", "sigmoid": "sigmoids", "adam": "Adam", "muon": "Muon"}


def carried(preset: Preset) -> list[str]:
    """What a preset has that is on no control of the form, in words."""
    usual = presets.PRESETS["digits_plane"]      # nothing of it is unusual
    found = {key: value for key, value in preset.arguments.items() if key in CARRIED and value not in (None, False)}
    found |= {key: getattr(preset, key) for key in ("optimizer", "schedule")
              if getattr(preset, key) != getattr(usual, key)}
    words = [CARRIED[key].format(", then ".join(map(str, value)) if isinstance(value, tuple)
                                 else WORDS.get(str(value), value)) for key, value in found.items()]
    beta = np.prod(preset.shape) / preset.reconstruction_weight
    if preset.variational and abs(_nearest(BETAS, beta) - beta) > 1e-9:
        words.append(f"a weight of {preset.reconstruction_weight:g} on the reconstruction (beta {beta:.3g})")
    if preset.dataset in datasets.DATASETS and preset.shape != datasets.DATASETS[preset.dataset].shape:
        words.append(f"pictures with a black rim, {preset.shape[0]} x {preset.shape[1]}")
    if preset.corruption and not preset.corruption.clip:
        words.append("noise that is not clipped to 0..1")
    if preset.corruption and len(preset.corruption.kinds) > 1:
        words.append(f"noise of these kinds: {', '.join(preset.corruption.kinds).lower()}")
    return words


def _departures(preset: Preset, start: Preset) -> str:
    """What a design changes of the preset that it starts from, behind how that one departs from its recipe."""
    told = {"dataset": "pictures", "shape": "their size", "network": "network", "code": "code", "arguments": "layers",
            "loss": "loss", "reconstruction_weight": "weight of the reconstruction", "variational": "kind",
            "labels": "labels", "sparsity": "penalty on the code", "corruption": "noise", "epochs": "epochs",
            "batch_size": "batch size", "learning_rate": "learning rate"}
    changed = ", ".join(word for field, word in told.items() if getattr(preset, field) != getattr(start, field))
    return f"{start.departures} Its maker started from “{start.title}” and changed: {changed}.".strip()


def sources() -> dict[str, str]:
    """{key: title} of what can be trained on here; where only the test pictures are shipped, these."""
    found = {}
    for name, about in datasets.DATASETS.items():
        if about.trainable and datasets.find(name):
            found[name] = about.title
        elif about.trainable and about.sample:
            found[name] = f"{about.title} (the {about.sample_size:,} shipped)"
    drawings = {f"{collection.DRAWINGS}{file.name}": f"{collection.DRAWINGS}{file.name}"
                for file in collection.drawing_files()}
    return found | drawings | {OWN: "My own pictures"}


def shape_of(dataset: str, start: Preset) -> tuple[int, int, int]:
    """The size at which pictures of a source are trained on: that of the preset to start from, if they are its own."""
    if dataset == start.dataset:
        return start.shape
    return datasets.DATASETS[dataset].shape if dataset in datasets.DATASETS else collection.DRAWN


def starts() -> dict[str, Preset]:
    """{title: preset} of the shipped presets that a reader can start from."""
    return {preset.title: preset for preset in presets.PRESETS.values() if blueprint.is_own(preset)}


def count(dataset: str) -> int:
    """How many pictures of a data set are trained on here."""
    about = datasets.DATASETS[dataset]
    return about.train_size if datasets.find(dataset) else about.sample_size - collection.aside(about.sample_size, 5)


def pictures_of(dataset: str) -> Collection | None:
    """What `jobs.request` is given of a data set: nothing where it is here, else the shipped pictures."""
    return None if datasets.find(dataset) else collection.shipped(dataset)


def lines(preset: Preset, seed: int, about: dict[str, Any] | None = None) -> str:
    """The Python lines that train this preset again with the same losses; `about`: of own pictures, what they are."""
    fields = {field.name: getattr(preset, field.name) for field in dataclasses.fields(preset)}
    values = [f"    {field.name}={fields[field.name]!r},\n" for field in dataclasses.fields(preset)
              if field.name != "departures" and fields[field.name] != _default(field)]
    path, imports = "", [f"from ae_core.pictures import {'convert' if about else 'datasets'}",
                         "from ae_core.training import fit"]
    if about is None:
        source = f'pictures, labels = datasets.load("{preset.dataset}", "train", preset.shape)\n'
    else:
        if about["photo"]:
            path = "from pathlib import Path\n\n"
            read = 'read([("pictures.zip", Path("pictures.zip").read_bytes())], preset.shape)'
        elif about["title"].startswith(collection.DRAWINGS):
            read = f'drawn("{about["title"].removeprefix(collection.DRAWINGS)}")'
        else:
            read = f'shipped("{_of_classes(about["classes"])}")'
        imports = ["from ae_core.own import collection", *imports]
        source = (f"trained, shown = collection.{read}.split()\n"
                  "pictures, labels = convert.as_pictures(trained.pictures), trained.labels\n")
    noise = "Corruption, " if preset.corruption else ""
    header = "\n".join([*imports, f"from ae_core.presets import {noise}Preset"])
    return (f"{path}{header}\n\n"
            f"preset = Preset(\n{''.join(values)})\n{source}"
            f"encoder, decoder, history = fit.fit(preset, pictures, labels, seed={seed})\n")


def _of_classes(classes):
    return next(name for name, dataset in datasets.DATASETS.items() if dataset.classes == tuple(classes))


def _default(field):
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def beta_frames(models: Sequence[Autoencoder]) -> np.ndarray:
    """The planes of models side by side, n x n pictures each, from near 0 to far from it: uint8 (e, h, w, 3)."""
    def sheet(model, reach):
        pictures = model.decode(latent.lattice((-reach, reach, -reach, reach), BETA_TILES))
        beta = np.prod(model.preset.shape) / model.preset.reconstruction_weight
        return sheets.label(sheets.tile(pictures, BETA_TILES, gap=0), f"beta {beta:g}")
    gap = np.full((sheet(models[0], 1).shape[0], 6, 3), 255, np.uint8)
    return np.stack([np.concatenate([part for model in models for part in (sheet(model, reach), gap)][:-1], axis=1)
                     for reach in BETA_REACHES])


def _nearest(options, value):
    return min(options, key=lambda option: abs(np.log(option / value)))


def _sentence(preset):
    beta = np.prod(preset.shape) / preset.reconstruction_weight
    what = f"A conditional variational autoencoder with beta {beta:.3g}" if preset.labels else \
        f"A variational autoencoder with beta {beta:.3g}" if preset.variational else \
        f"A denoiser for noise up to sigma {preset.corruption.sigma[1]:g}" if preset.corruption else \
        f"A sparse autoencoder with a penalty of {preset.sparsity:g}" if preset.sparsity else "An autoencoder"
    known = datasets.DATASETS.get(preset.dataset)
    of = known.title if known else "your own pictures" if preset.dataset == OWN else preset.dataset
    return f"{what} of {of}, with {preset.code} numbers, trained here."
