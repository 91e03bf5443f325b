"""What a preset's network will be: shapes, parameters and work, known without Keras.

For the families with a blueprint, of which readers make their own. `check` holds such a preset against what can be
trained and served here; it is asked of every request and of every uploaded model.
"""
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ae_core import families, presets
from ae_core.families import Stage
from ae_core.presets import Corruption, Preset

SIDES = (28, 64)                 # pixels, shortest and longest
LIMITS = {                       # field -> (what a reader calls it, lowest, highest)
    "code": ("code size", 2, 1024), "epochs": ("number of epochs", 1, 500), "batch_size": ("batch size", 1, 1024),
    "learning_rate": ("learning rate", 1e-6, 0.1), "reconstruction_weight": ("reconstruction weight", 1e-3, 1e9),
    "labels": ("number of classes", 0, 100), "sparsity": ("penalty on the code", 0.0, 1.0)}
LOSSES = {"mse": "Squared error", "bce": "Cross-entropy", "ssim": "Structural similarity"}
MAX_PARAMETERS = 20_000_000
MAX_STAGE = 2**18                # numbers a layer gives for one picture; a served batch has a thousand pictures
SHAPING = ("InputLayer", "Input", "Code", "MaxPooling2D", "UpSampling2D")    # layers that learn nothing, and yet count
SPOKEN = {"mean": "Mean", "log_variance": "Log-variance", "latent": "Code", "encoder_output": "Code",
          "InputLayer": "Input", "Conv2D": "Conv", "Conv2DTranspose": "Conv up", "MaxPooling2D": "Pool",
          "UpSampling2D": "Double", "BatchNormalization": "Norm"}          # by their name or their kind
MULTIPLY_ADDS = 3                # forward once, backward twice


def stages(preset: Preset) -> dict[str, list[Stage]]:
    """The layers of encoder and decoder, picture to code to picture: {"encoder": [Stage], "decoder": [Stage]}."""
    return families.TRAINABLE[preset.network].stages(preset, **preset.arguments)


def of_card(layers: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[Stage]]:
    """The layers on the card of a trained model, as `stages`: those that change what they are given."""
    def counts(layer):
        return layer["parameters"] or layer["kind"] in SHAPING
    found = {part: [Stage(SPOKEN.get(layer["layer"], SPOKEN.get(layer["kind"], layer["kind"])), tuple(layer["shape"]),
                          layer["parameters"])
                    for layer in layers[part] if counts(layer)] for part in ("encoder", "decoder")}
    return {part: stages if stages[0].kind in ("Input", "Code") else [Stage("Code", ()), *stages]
            for part, stages in found.items()}


def parameters(preset: Preset) -> int:
    """How many numbers the network learns and keeps: what Keras counts."""
    return sum(stage.parameters for part in stages(preset).values() for stage in part)


def operations(preset: Preset) -> int:
    """Floating-point operations of training on one picture: a multiply-add is two."""
    return 2 * MULTIPLY_ADDS * sum(stage.work for part in stages(preset).values() for stage in part)


def size(stage: Stage) -> float:
    """How high a layer is drawn: the logarithm of how many numbers it gives for a picture."""
    return math.log2(1 + math.prod(stage.shape))


def check(preset: Preset) -> None:
    """ValueError with one sentence where a reader's own preset is not one that can be trained and served here."""
    _check_numbers(preset)
    if preset.network not in families.TRAINABLE or preset.loss not in LOSSES \
            or preset.optimizer not in ("adam", "muon") or preset.schedule not in ("cosine", "plateau"):
        raise ValueError(f"A network called {preset.network!r} with the loss {preset.loss!r} cannot be trained here. "
                         f"Choose one of {', '.join(families.TRAINABLE)}, with {', '.join(LOSSES)}.")
    if preset.output or preset.mixture or preset.augmentation or preset.adversary:
        raise ValueError("Your own models cannot have a colorizer, a mixture, augmentation, or an adversary. "
                         "Remove them.")
    if preset.loss == "bce" and preset.arguments.get("output", "sigmoid") == "linear":
        raise ValueError("Cross-entropy needs pictures from 0 to 1, and this network ends in a linear layer, as what "
                         "it started from does. Choose the squared error, or start from another model.")
    _check_shape(preset)
    _check_layers(preset)
    _check_noise(preset.corruption)


def is_own(preset: Preset) -> bool:
    """Whether a shipped preset is of a kind that readers can make their own of."""
    try:
        check(preset)
    except ValueError:
        return False
    return preset.name in presets.PRESETS


def _check_numbers(preset: Preset) -> None:
    for field, (name, low, high) in LIMITS.items():
        value = getattr(preset, field)
        whole = isinstance(low, int)
        if not _is_number(value, whole) or not low <= value <= high:
            raise ValueError(f"The {name} is {value}; it must be a {'whole ' if whole else ''}number "
                             f"from {low:g} to {high:g}.")
    texts = ((preset.title, 80), (preset.description, 400), (preset.recipe, 200), (preset.departures, 2000))
    if any(len(str(text)) > most for text, most in texts):
        raise ValueError("The title or the description is too long. Use at most 80 and 400 characters.")


def _check_shape(preset: Preset) -> None:
    low, high = SIDES
    shape = preset.shape
    if len(shape) != 3 or not all(_is_number(side, True) for side in shape) or shape[2] not in (1, 3) \
            or not all(low <= side <= high for side in shape[:2]):
        raise ValueError(f"Pictures of {' x '.join(map(str, shape))} cannot be trained on here. "
                         f"Use {low} to {high} pixels per side, in gray (1) or color (3).")
    if preset.code > math.prod(shape) and not preset.sparsity:
        raise ValueError(f"A code of {preset.code:,} numbers is larger than the picture, which has "
                         f"{math.prod(shape):,}. Choose a smaller code.")


def _check_layers(preset: Preset) -> None:
    allowed = families.TRAINABLE[preset.network]
    widths = preset.arguments.get(allowed.widths, ())
    both = {key: preset.arguments[key] for key in (allowed.widths, allowed.more_widths) if key in preset.arguments}
    others = {key: value for key, value in preset.arguments.items() if key not in both}
    if not all(isinstance(each, tuple) and allowed.fewest <= len(each) <= allowed.deepest
               and all(_is_number(width, True) and 1 <= width <= allowed.widest for width in each)
               for each in (widths, *both.values())) \
            or any(value not in allowed.options.get(key, ()) for key, value in others.items()):
        raise ValueError(f"The layers {preset.arguments} cannot be built here. Use {allowed.fewest} to "
                         f"{allowed.deepest} {allowed.widths} from 1 to {allowed.widest}.")
    if preset.labels and not allowed.conditional:
        possible = [other.title.lower() for other in families.TRAINABLE.values() if other.conditional]
        raise ValueError(f"A conditional VAE cannot be built of this network. Choose the {' or '.join(possible)} one.")
    if preset.labels and not preset.variational:
        raise ValueError("Only a variational autoencoder can be given class labels here. Choose the conditional VAE.")
    if allowed.halves and any(side % 2**len(widths) for side in preset.shape[:2]):
        raise ValueError(f"{len(widths)} convolutions halve {preset.shape[0]} pixels more often than is possible. "
                         f"Choose fewer, or a picture side divisible by {2**len(widths)}.")
    largest = max(math.prod(stage.shape) for part in stages(preset).values() for stage in part)
    if largest > MAX_STAGE:
        raise ValueError(f"A layer of this network would output {largest:,} numbers per picture; at most {MAX_STAGE:,} "
                         "fit into memory. Choose fewer filters or smaller pictures.")
    if parameters(preset) > MAX_PARAMETERS:
        raise ValueError(f"This network would have {parameters(preset):,} parameters; at most "
                         f"{MAX_PARAMETERS:,} are trained here. Choose fewer or smaller layers.")


def _check_noise(noise: Corruption | None) -> None:
    if noise and not all(_is_number(end, False) and 0 <= end <= 2 for end in (*noise.mean, *noise.sigma)):
        raise ValueError("The noise must have a mean and a sigma from 0 to 2.")
    if noise and not (isinstance(noise.kinds, dict) and noise.kinds and noise.kinds.keys() <= presets.NOISE.keys()
                      and all(_is_number(share, False) and 0 < share <= 1 for share in noise.kinds.values())
                      and abs(sum(noise.kinds.values()) - 1) < 1e-6):
        raise ValueError(f"The kinds of noise must be some of {', '.join(presets.NOISE)}; their shares add up to 1.")


def _is_number(value: object, whole: bool) -> bool:
    return not isinstance(value, bool) and isinstance(value, int if whole else (int, float)) and math.isfinite(value)
