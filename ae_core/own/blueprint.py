"""What a preset's network will be, in plain arithmetic: shapes, parameters and work, known without Keras.

For the dense and the convolutional networks, which are the ones that readers make their own of. `check` holds such a
preset against what can be trained and served here; it is asked of every request and of every uploaded model.
"""
import math
from dataclasses import dataclass

from ae_core import presets

FAMILIES = ("dense", "conv")
SIDES = (28, 64)                 # pixels, shortest and longest
LIMITS = {                       # field -> (what a reader calls it, lowest, highest)
    "code": ("code size", 2, 1024), "epochs": ("number of epochs", 1, 500), "batch_size": ("batch size", 1, 1024),
    "learning_rate": ("learning rate", 1e-6, 0.1), "reconstruction_weight": ("reconstruction weight", 1e-3, 1e9),
    "labels": ("number of classes", 0, 100)}
UNITS, FILTERS = (1, 2048), (1, 256)     # of one layer
LAYERS = {"dense": 4, "conv": 4}
MAX_PARAMETERS = 20_000_000
MAX_STAGE = 2**18                # numbers a layer gives for one picture; a served batch has a thousand pictures
MULTIPLY_ADDS = 3                # forward once, backward twice


@dataclass(frozen=True)
class Stage:
    """One layer, as a reader counts them."""
    kind: str
    shape: tuple[int, ...]       # of what it gives
    parameters: int
    work: int                    # multiply-adds a picture


def stages(preset):
    """The layers of encoder and decoder, picture to code to picture: {"encoder": [Stage], "decoder": [Stage]}."""
    build = {"dense": _dense, "conv": _conv}[preset.network]
    return build(preset, **preset.arguments)


def parameters(preset):
    """How many numbers the network learns and keeps: what Keras counts."""
    return sum(stage.parameters for part in stages(preset).values() for stage in part)


def operations(preset):
    """Floating-point operations of training on one picture: a multiply-add is two."""
    return 2 * MULTIPLY_ADDS * sum(stage.work for part in stages(preset).values() for stage in part)


def size(stage):
    """How high a layer is drawn: the logarithm of how many numbers it gives for a picture."""
    return math.log2(1 + math.prod(stage.shape))


def check(preset):
    """ValueError with one sentence where a reader's own preset is not one that can be trained and served here."""
    _check_numbers(preset)
    if preset.network not in FAMILIES or preset.loss not in ("mse", "bce") or preset.optimizer not in ("adam", "muon") \
            or preset.schedule not in ("cosine", "plateau"):
        raise ValueError(f"A network called {preset.network!r} with the loss {preset.loss!r} cannot be trained here. "
                         f"Choose one of {', '.join(FAMILIES)}, with mse or bce.")
    if preset.output or preset.mixture or preset.augmentation or preset.sparsity:
        raise ValueError("Your own models cannot have a colorizer, a mixture, augmentation, or sparsity. Remove them.")
    _check_shape(preset)
    _check_layers(preset)
    _check_noise(preset.corruption)


def _check_numbers(preset):
    for field, (name, low, high) in LIMITS.items():
        value = getattr(preset, field)
        whole = isinstance(low, int)
        if not _is_number(value, whole) or not low <= value <= high:
            raise ValueError(f"The {name} is {value}; it must be a {'whole ' if whole else ''}number "
                             f"from {low:g} to {high:g}.")
    if len(str(preset.title)) > 80 or len(str(preset.description)) > 400 or len(str(preset.recipe)) > 200:
        raise ValueError("The title or the description is too long. Use at most 80 and 400 characters.")


def _check_shape(preset):
    low, high = SIDES
    shape = preset.shape
    if len(shape) != 3 or not all(_is_number(side, True) for side in shape) or shape[2] not in (1, 3) \
            or not all(low <= side <= high for side in shape[:2]):
        raise ValueError(f"Pictures of {' x '.join(map(str, shape))} cannot be trained on here. "
                         f"Use {low} to {high} pixels per side, in gray (1) or color (3).")
    if preset.code > math.prod(shape):
        raise ValueError(f"A code of {preset.code:,} numbers is larger than the picture, which has "
                         f"{math.prod(shape):,}. Choose a smaller code.")


def _check_layers(preset):
    name, (low, high) = ("filters", FILTERS) if preset.network == "conv" else ("units", UNITS)
    widths = preset.arguments.get(name)
    known = {"dense": {"code_activation": "relu"}, "conv": {"activation": "leaky_relu", "batch_norm": True}}
    others = {key: value for key, value in preset.arguments.items() if key != name}
    if not isinstance(widths, tuple) or not 1 <= len(widths) <= LAYERS[preset.network] \
            or not all(_is_number(width, True) and low <= width <= high for width in widths) \
            or any(known[preset.network].get(key) != value for key, value in others.items()):
        raise ValueError(f"The layers {preset.arguments} cannot be built here. Use 1 to "
                         f"{LAYERS[preset.network]} {name} from {low} to {high}.")
    if preset.network == "conv" and preset.labels:
        raise ValueError("A conditional VAE is built of dense layers here. Choose the dense network.")
    if preset.labels and not preset.variational:
        raise ValueError("Only a variational autoencoder can be given class labels here. Choose the conditional VAE.")
    if preset.network == "conv" and any(side % 2**len(widths) for side in preset.shape[:2]):
        raise ValueError(f"{len(widths)} convolutions halve {preset.shape[0]} pixels more often than is possible. "
                         f"Choose fewer, or a picture side divisible by {2**len(widths)}.")
    largest = max(math.prod(stage.shape) for part in stages(preset).values() for stage in part)
    if largest > MAX_STAGE:
        raise ValueError(f"A layer of this network would output {largest:,} numbers per picture; at most {MAX_STAGE:,} "
                         "fit into memory. Choose fewer filters or smaller pictures.")
    if parameters(preset) > MAX_PARAMETERS:
        raise ValueError(f"This network would have {parameters(preset):,} parameters; at most "
                         f"{MAX_PARAMETERS:,} are trained here. Choose fewer or smaller layers.")


def _check_noise(noise):
    if noise and not all(_is_number(end, False) and 0 <= end <= 2 for end in (*noise.mean, *noise.sigma)):
        raise ValueError("The noise must have a mean and a sigma from 0 to 2.")


def _is_number(value, whole):
    return not isinstance(value, bool) and isinstance(value, int if whole else (int, float)) and math.isfinite(value)


# --- the families, layer by layer -------------------------------------------------------------------------

def _dense(preset, units, **_):
    return {"encoder": [Stage("Input", preset.shape, 0, 0),
                        *_chain(math.prod(preset.shape) + preset.labels, units), *_codes(preset, units[-1])],
            "decoder": [Stage("Code", (preset.code,), 0, 0), *_chain(preset.code + preset.labels, units[::-1]),
                        _fully(units[0], math.prod(preset.target), shape=preset.target)]}


def _chain(before, units):
    return [_fully(*pair) for pair in zip((before, *units[:-1]), units, strict=True)]


def _conv(preset, filters, batch_norm=False, **_):
    height, width, before = preset.shape
    norm = 4 if batch_norm else 0
    encoder = [Stage("Input", preset.shape, 0, 0)]
    for n in filters:
        height, width = -(-height // 2), -(-width // 2)
        encoder.append(Stage("Conv", (height, width, n), (9 * before + 1 + norm) * n, 9 * before * n * height * width))
        before = n
    volume = height * width * before
    decoder = [Stage("Code", (preset.code,), 0, 0), _fully(preset.code, volume, shape=(height, width, before))]
    for n in reversed(filters):                  # each input pixel is spread over nine output pixels
        work = 9 * before * n * height * width
        height, width = 2 * height, 2 * width
        decoder.append(Stage("Conv up", (height, width, n), (9 * before + 1 + norm) * n, work))
        before = n
    channels = preset.target[2]
    decoder.append(Stage("Conv", (height, width, channels), (9 * before + 1) * channels,
                         9 * before * channels * height * width))
    return {"encoder": [*encoder, *_codes(preset, volume)], "decoder": decoder}


def _codes(preset, before):
    names = ("Mean", "Log-variance") if preset.variational else ("Code",)
    return [Stage(name, (preset.code,), (before + 1) * preset.code, before * preset.code) for name in names]


def _fully(before, after, shape=None):
    return Stage("Dense", shape or (after,), (before + 1) * after, before * after)


def is_own(preset):
    """Whether a shipped preset is of a kind that readers can make their own of."""
    try:
        check(preset)
    except ValueError:
        return False
    return preset.name in presets.PRESETS
