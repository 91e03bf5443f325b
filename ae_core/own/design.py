"""Make a model of your own: from a reader's choices and pictures to a preset, and to the lines that train it again."""
import dataclasses
from dataclasses import dataclass

import numpy as np

from ae_core import families, latent, presets
from ae_core.own import blueprint, jobs
from ae_core.pictures import collections, convert, datasets, sheets
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
MOST = 10_000                    # own pictures; more would not fit into a laptop's memory twice
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


@dataclass(frozen=True)
class Read:
    own: jobs.Own                # to train on
    labeled: bool               # whether each picture has a class
    notes: tuple[str, ...]       # what a reader should know


def design(choices):
    """The preset of a reader's choices; ValueError with one sentence where they do not go together."""
    conditional, variational = choices.kind == "Conditional VAE", "VAE" in choices.kind
    network = next(name for name in [NETWORKS[choices.network], *families.TRAINABLE]
                   if families.TRAINABLE[name].conditional or not conditional)
    allowed, pixels = families.TRAINABLE[network], int(np.prod(choices.shape))
    widths = [choices.filters * 2**level for level in range(levels(choices.shape))] if allowed.halves else choices.units
    if conditional and choices.classes < 2:
        raise ValueError("A conditional VAE needs the class of every picture, and there are no labels here. "
                         "Put the pictures of each class into a separate folder, and zip those folders.")
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


def levels(shape):
    """How many convolutions of stride 2 leave whole pixels: 28 and 64 -> 2 and 3."""
    return 3 if all(side % 8 == 0 for side in shape[:2]) else 2


def choices_of(preset):
    """A shipped preset as the nearest choices, to start from: {field: value}."""
    pixels = np.prod(preset.shape)
    kind = "Conditional VAE" if preset.labels else "VAE" if preset.variational else \
        "Denoiser" if preset.corruption else "Autoencoder"
    beta = pixels / preset.reconstruction_weight if preset.variational else 1.0
    units, filters = preset.arguments.get("units"), preset.arguments.get("filters", (16,))[0]
    return {"dataset": preset.dataset, "kind": kind, "network": preset.family.blueprint.title,
            "code": _nearest(CODES, preset.code), "units": units if units in UNITS else UNITS[4],
            "filters": _nearest(FILTERS, filters), "beta": _nearest(BETAS, beta),
            "noise": _nearest((0.3, 0.5, 0.75, 1.0), preset.corruption.sigma[1] if preset.corruption else 0.5),
            "epochs": min(preset.epochs, 100), "batch_size": _nearest(BATCHES, preset.batch_size),
            "learning_rate": _nearest(RATES, preset.learning_rate)}


def sources():
    """{key: title} of what can be trained on here; where only the test pictures are shipped, these."""
    found = {}
    for name, about in datasets.DATASETS.items():
        if about.trainable and datasets.find(name):
            found[name] = about.title
        elif about.trainable and about.sample:
            found[name] = f"{about.title} (the 10,000 shipped pictures)"
    return found | {OWN: "My own pictures"}


def count(dataset):
    """How many pictures of a data set are trained on here."""
    return datasets.DATASETS[dataset].train_size if datasets.find(dataset) else 10_000 - jobs.MAX_TEST


def pictures_of(dataset):
    """What `jobs.request` is given of a data set: nothing where it is here, else the shipped pictures."""
    return None if datasets.find(dataset) else jobs.shipped(dataset)


def starts():
    """{title: preset} of the shipped presets that a reader can start from."""
    return {preset.title: preset for preset in presets.PRESETS.values() if blueprint.is_own(preset)}


def read(files, shape, report=None):
    """A reader's pictures, (name, bytes) each or in zips, as squares of `shape`; a class is the folder it lies in.

    ValueError with one sentence where there are too few or too many.
    """
    sizes = set()

    def fit(picture, shape):
        sizes.add(picture.shape[:2])
        return convert.square(picture, shape)
    found = collections.read(files, shape, report=report, fit=fit)
    notes = found.notes()
    if len(sizes) > 1:
        notes.append(f"The pictures have {len(sizes)} different sizes; the center square of each is scaled to "
                     f"{shape[0]} x {shape[1]}.")
    if not jobs.FEWEST <= len(found.names) <= MOST:
        raise ValueError(f"{len(found.names):,} pictures could be read; {jobs.FEWEST} to {MOST:,} are needed. "
                         + " ".join(notes))
    folders = collections.classes(found.names)
    unlabeled = folders.count(None)
    classes = sorted({folder for folder in folders if folder})
    labeled = not unlabeled and 2 <= len(classes) <= 100
    if classes and unlabeled:
        notes.append(f"{unlabeled} pictures are not in a folder, so no classes are used.")
    labels = np.array([classes.index(folder) for folder in folders]) if labeled else np.zeros(len(folders), int)
    own = jobs.Own(found.pictures, labels, "Your own pictures",
                   tuple(collections.short(classes)) if labeled else ("Yours",))
    return Read(own, labeled, tuple(notes))


def lines(preset, seed, about=None):
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
            path, module = "from pathlib import Path\n\n", "design"
            own = 'design.read([("pictures.zip", Path("pictures.zip").read_bytes())], preset.shape).own'
        else:
            own, module = f'jobs.shipped("{_of_classes(about["classes"])}")', "jobs"
        imports = [f"from ae_core.own import {module}", *imports]
        source = (f"trained, shown = {own}.split()\n"
                  "pictures, labels = convert.as_pictures(trained.pictures), trained.labels\n")
    noise = "Corruption, " if preset.corruption else ""
    imports = "\n".join([*imports, f"from ae_core.presets import {noise}Preset"])
    return (f"{path}{imports}\n\n"
            f"preset = Preset(\n{''.join(values)})\n{source}"
            f"encoder, decoder, history = fit.fit(preset, pictures, labels, seed={seed})\n")


def _of_classes(classes):
    return next(name for name, dataset in datasets.DATASETS.items() if dataset.classes == tuple(classes))


def _default(field):
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def beta_frames(models):
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
