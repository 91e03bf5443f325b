"""Every kind of network, as data: what the lab must know of it beside its layers.

A new kind is an entry in FAMILIES, a builder in training/networks.py, and a preset that names it. Nothing here imports
Keras: "module:name" is a part of `ae_core.training`, which `part` imports where it is called for.
"""
from __future__ import annotations

import math
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ae_core.presets import Preset

Shape = tuple[Any, ...]          # of a picture: height, width, channels


@dataclass(frozen=True)
class Stage:
    """One layer, as a reader counts them."""
    kind: str
    shape: Shape                 # of what it gives for one picture
    parameters: int = 0
    work: int = 0                # multiply-adds a picture


@dataclass(frozen=True)
class Blueprint:
    """What readers may set of a network that they train themselves, and what it will be."""
    title: str                   # what a reader chooses
    stages: Callable[..., dict[str, list[Stage]]]    # (preset, **arguments) -> the layers of "encoder" and "decoder"
    widths: str                  # the argument that holds the width of each layer,
    widest: int                  # the largest of them,
    deepest: int                 # and how many there may be
    operators: frozenset[str]    # of ONNX that its export emits; tests hold them against the shipped graphs
    options: dict[str, tuple] = field(default_factory=dict)  # the other arguments, and the values each may have
    more_widths: str = ""        # an argument that holds widths, too: those of the decoder, where they are no mirror
    fewest: int = 1              # layers; 0: a single one may lie between picture and code
    conditional: bool = False    # whether it may be given labels
    halves: bool = False         # whether each layer halves the sides of the picture


def code_of_numbers(preset: Preset) -> tuple[str, ...]:
    """A row of numbers: the code itself, or the posterior of a variational model."""
    return ("mean", "log_variance") if preset.variational else ("latent",)


def code_of_volumes(preset: Preset) -> tuple[str, ...]:
    """A volume for each level but the first."""
    return tuple(f"level_{level}" for level in range(len(preset.arguments["filters"]) - 1))


@dataclass(frozen=True)
class Family:
    """One kind of network."""
    builder: str                 # (preset, **arguments) -> encoder, decoder
    batches: str = "batches:Batches"                 # what it is shown
    training_shape: Shape | None = None              # of pictures to train on, where they are not what comes out
    start: str | None = None     # (encoder, decoder, pictures): sets weights before the first epoch
    closed_form: str | None = None                   # (preset, pictures) -> encoder, decoder; nothing is left to train
    code_names: Callable[[Preset], tuple[str, ...]] = code_of_numbers    # what the encoder gives and the decoder takes
    volumes: bool = False        # the code is volumes and pictures are of any size: served as a Colorizer
    mapped: bool = False         # codes of test pictures are stored for the latent map, however many numbers they have
    drawings: bool = False       # scored by the lines of what comes out
    baseline: bool = False       # other codes of its data set and picture size are measured against it
    blueprint: Blueprint | None = None               # None where readers cannot train one of their own


def part(path: str) -> Callable[..., Any]:
    """The function or class at "module:name" of `ae_core.training`; importing it may load Keras."""
    return pkgutil.resolve_name(f"ae_core.training.{path}")


# --- blueprints: layer by layer, in plain arithmetic ------------------------------------------------------

def dense_stages(preset: Preset, units: Shape = (), decoder_units: Shape = (), **_: Any) -> dict[str, list[Stage]]:
    """Fully connected layers of `units`, the code, and the mirror image or `decoder_units`; labels beside both ends."""
    given, code = math.prod(preset.shape) + preset.labels, preset.code + preset.labels
    back = decoder_units or units[::-1]
    return {"encoder": [Stage("Input", preset.shape), *_chain(given, units), *_codes(preset, (given, *units)[-1])],
            "decoder": [Stage("Code", (preset.code,)), *_chain(code, back),
                        _fully((code, *back)[-1], math.prod(preset.target), preset.target)]}


def conv_stages(preset: Preset, filters: Shape, batch_norm: bool = False, up: int = 3,
                **_: Any) -> dict[str, list[Stage]]:
    """3x3 convolutions of stride 2, a dense code, and transposed convolutions of `up` x `up` back."""
    height, width, before = preset.shape
    each = 5 if batch_norm else 1                # numbers a filter has beside its kernel
    encoder = [Stage("Input", preset.shape)]
    for n in filters:
        height, width = -(-height // 2), -(-width // 2)
        encoder.append(Stage("Conv", (height, width, n), (9 * before + each) * n, 9 * before * n * height * width))
        before = n
    volume = (height, width, before)
    decoder = [Stage("Code", (preset.code,)), _fully(preset.code, math.prod(volume), volume)]
    for n in reversed(filters):                  # each input pixel is spread over nine output pixels, or sixteen
        work = up**2 * before * n * height * width
        height, width = 2 * height, 2 * width
        decoder.append(Stage("Conv up", (height, width, n), (up**2 * before + each) * n, work))
        before = n
    channels = preset.target[2]
    decoder.append(Stage("Conv", (height, width, channels), (9 * before + 1) * channels,
                         9 * before * channels * height * width))
    return {"encoder": [*encoder, *_codes(preset, math.prod(volume))], "decoder": decoder}


def _chain(before: int, units: Shape) -> list[Stage]:
    return [_fully(*pair) for pair in zip((before, *units), units, strict=False)]


def _codes(preset: Preset, before: int) -> list[Stage]:
    names = ("Mean", "Log-variance") if preset.variational else ("Code",)
    return [Stage(name, (preset.code,), (before + 1) * preset.code, before * preset.code) for name in names]


def _fully(before: int, after: int, shape: Shape | None = None) -> Stage:
    return Stage("Dense", shape or (after,), (before + 1) * after, before * after)


# --- the registry -----------------------------------------------------------------------------------------

DENSE = frozenset({"Add", "Cast", "Concat", "MatMul", "Relu", "Reshape", "Sigmoid"})
CONV = DENSE | {"Conv", "ConvTranspose", "Gather", "LeakyRelu", "Mul", "Shape", "Slice", "Transpose"}
FAMILIES: dict[str, Family] = {
    "dense": Family("networks:dense", blueprint=Blueprint(
        "Dense", dense_stages, "units", widest=2048, deepest=4, operators=DENSE,
        options={"code_activation": (None, "relu", "sigmoid"), "activation": ("relu", "sigmoid"),
                 "output": ("sigmoid", "linear"), "spread": (None, 1.0)},
        more_widths="decoder_units", fewest=0, conditional=True)),
    "conv": Family("networks:conv", blueprint=Blueprint(
        "Convolutional", conv_stages, "filters", widest=256, deepest=4, operators=CONV,
        options={"activation": ("relu", "leaky_relu"), "batch_norm": (False, True),
                 "code_name": ("latent", "encoder_output")}, halves=True)),
    "pooled": Family("networks:pooled"),
    "two_branch": Family("networks:two_branch", start="pca:start", mapped=True, drawings=True),
    "chroma": Family("networks:chroma", batches="batches:PhotoBatches", training_shape=(128, 128, 3),
                     code_names=code_of_volumes, volumes=True),
    "sparse": Family("networks:sparse", blueprint=Blueprint(
        "One layer each way", dense_stages, "", widest=0, deepest=0, fewest=0,
        operators=DENSE - {"Concat", "Sigmoid"})),
    "linear": Family("networks:linear", closed_form="pca:fit", baseline=True),
}
TRAINABLE = {name: family.blueprint for name, family in FAMILIES.items() if family.blueprint}    # by readers
