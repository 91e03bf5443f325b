"""Make a model of your own: from a reader's choices to a preset, and to the lines that train it again."""
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

KINDS = ("Autoencoder", "VAE", "Conditional VAE", "Denoiser")
NETWORKS = {allowed.title: name for name, allowed in families.TRAINABLE.items()}
UNITS = ((64,), (128,), (256,), (256, 128), (512,), (512, 256), (512, 512))
FILTERS = (4, 8, 16, 32, 64)     # of the first convolution; each further one has twice as many
CODES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 196, 256, 512)
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
    filters: int                 # of the first layer of a convolutional one
    beta: float                  # of a VAE: the weight of its KL term
    noise: float                 # of a denoiser: the largest sigma
    epochs: int
    batch_size: int
    learning_rate: float
    classes: int = 0             # of the pictures, for a conditional VAE


def design(choices: Choices) -> Preset:
    """The preset of a reader's choices; ValueError with one sentence where they do not go together."""
    conditional, variational = choices.kind == "Conditional VAE", "VAE" in choices.kind
    network = next(name for name in [NETWORKS[choices.network], *families.TRAINABLE]
                   if families.TRAINABLE[name].conditional or not conditional)
    allowed, pixels = families.TRAINABLE[network], int(np.prod(choices.shape))
    widths = [choices.filters * 2**level for level in range(levels(choices.shape))] if allowed.halves else choices.units
    if conditional and choices.classes < 2:
        raise ValueError(collection.NO_LABELS)
    preset = Preset(
        "own_model", choices.title.strip() or "My model", _sentence(choices),
        f"yours, built as in {presets.DL_COOKBOOK if variational else presets.TF_COOKBOOK}", choices.dataset, network,
        choices.code, shape=choices.shape, arguments={allowed.widths: tuple(widths)},
        loss="bce" if variational and choices.shape[2] == 1 else "mse",
        reconstruction_weight=pixels / choices.beta if variational else 1.0, variational=variational,
        labels=choices.classes if conditional else 0,
        corruption=Corruption((0.0, 0.0), (0.0, choices.noise)) if choices.kind == "Denoiser" else None,
        epochs=choices.epochs, batch_size=choices.batch_size, learning_rate=choices.learning_rate)
    blueprint.check(preset)
    return preset


def levels(shape: tuple[int, int, int]) -> int:
    """How many convolutions of stride 2 leave whole pixels: 28 and 64 -> 2 and 3."""
    return 3 if all(side % 8 == 0 for side in shape[:2]) else 2


def choices_of(preset: Preset) -> dict[str, Any]:
    """A shipped preset as the nearest choices, to start from: {field: value}."""
    pixels = np.prod(preset.shape)
    kind = "Conditional VAE" if preset.labels else "VAE" if preset.variational else \
        "Denoiser" if preset.corruption else "Autoencoder"
    beta = pixels / preset.reconstruction_weight if preset.variational else 1.0
    units, filters = preset.arguments.get("units"), preset.arguments.get("filters", (16,))[0]
    return {"dataset": preset.dataset, "kind": kind, "network": families.TRAINABLE[preset.network].title,
            "code": _nearest(CODES, preset.code), "units": units if units in UNITS else UNITS[4],
            "filters": _nearest(FILTERS, filters), "beta": _nearest(BETAS, beta),
            "noise": _nearest((0.3, 0.5, 0.75, 1.0), preset.corruption.sigma[1] if preset.corruption else 0.5),
            "epochs": min(preset.epochs, 100), "batch_size": _nearest(BATCHES, preset.batch_size),
            "learning_rate": _nearest(RATES, preset.learning_rate)}


def sources() -> dict[str, str]:
    """{key: title} of what can be trained on here; where only the test pictures are shipped, these."""
    found = {}
    for name, about in datasets.DATASETS.items():
        if about.trainable and datasets.find(name):
            found[name] = about.title
        elif about.trainable and about.sample:
            found[name] = f"{about.title} (the 10,000 shipped)"
    return found | {OWN: "My own pictures"}


def count(dataset: str) -> int:
    """How many pictures of a data set are trained on here."""
    return datasets.DATASETS[dataset].train_size if datasets.find(dataset) else 10_000 - collection.MAX_TEST


def pictures_of(dataset: str) -> Collection | None:
    """What `jobs.request` is given of a data set: nothing where it is here, else the shipped pictures."""
    return None if datasets.find(dataset) else collection.shipped(dataset)


def starts() -> dict[str, Preset]:
    """{title: preset} of the shipped presets that a reader can start from."""
    return {preset.title: preset for preset in presets.PRESETS.values() if blueprint.is_own(preset)}


def lines(preset: Preset, seed: int, about: dict[str, Any] | None = None) -> str:
    """The Python lines that train this preset again with the same losses; `about`: of own pictures, what they are."""
    fields = {field.name: getattr(preset, field.name) for field in dataclasses.fields(preset)}
    values = [f"    {field.name}={fields[field.name]!r},\n" for field in dataclasses.fields(preset)
              if fields[field.name] != _default(field)]
    path, imports = "", [f"from ae_core.pictures import {'convert' if about else 'datasets'}",
                         "from ae_core.training import fit"]
    if about is None:
        source = f'pictures, labels = datasets.load("{preset.dataset}", "train", preset.shape)\n'
    else:
        if about["photo"]:
            path = "from pathlib import Path\n\n"
            read = 'read([("pictures.zip", Path("pictures.zip").read_bytes())], preset.shape)'
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


def _sentence(choices):
    what = {"Autoencoder": "An autoencoder", "VAE": f"A variational autoencoder with beta {choices.beta:g}",
            "Conditional VAE": f"A conditional variational autoencoder with beta {choices.beta:g}",
            "Denoiser": f"A denoiser for noise up to sigma {choices.noise:g}"}[choices.kind]
    known = datasets.DATASETS.get(choices.dataset)
    of = known.title if known else "your own pictures"
    return f"{what} of {of}, with {choices.code} numbers, trained here."
