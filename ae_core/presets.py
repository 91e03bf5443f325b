"""Every model of the lab, as data.

A `Preset` says what a model is, never how to build it: its family names a builder, `training` fits it, `store` keeps
it, `model` serves it. Adding a model means adding an entry to `PRESETS`.
"""
import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ae_core import families

TF_COOKBOOK = "TensorFlow 2.0 Computer Vision Cookbook, chapter 5"
ADVANCED_KERAS = "Advanced Deep Learning with Keras, chapter 3"
DL_COOKBOOK = "Deep Learning Cookbook, chapter 13"
GENERATIVE = "Generative Deep Learning, 2nd edition, chapter 3"
MASTERING_TF = "Mastering TensorFlow 1.x, chapter 10"

# What nearly all models share, said once, and what two do.
EVERYWHERE = "The learning rate falls as a model trains, and the best epoch on pictures kept aside is shipped."
FEW_CATS = ("2,700 cats for 100,000, as so many were at hand: twice the channels, a linear shortcut that begins as "
            "PCA, and mirrored and shifted drawings make up for it. Adam for Adadelta; 25 epochs of 64 for 100 of 128.")


NOISE = {                        # each kind of noise -> the number that says how much, and the most of it
    "Gaussian": ("sigma", 1.2), "Salt and pepper": ("share", 0.8), "Speckle": ("sigma", 1.2),
    "Hidden patch": ("side", 20)}


@dataclass(frozen=True)
class Corruption:
    """Noise a denoiser is trained against, drawn afresh for every batch.

    Of Gaussian noise each picture draws its own mean and standard deviation, uniform between the two ends given; of
    another kind how much of it, from nothing to the most.
    """
    mean: tuple[float, float]
    sigma: tuple[float, float]
    clip: bool = True            # back into 0..1, as a camera would
    kinds: dict[str, float] = field(default_factory=lambda: {"Gaussian": 1.0})   # of NOISE -> the share of pictures


@dataclass(frozen=True)
class Augmentation:
    """Changes that leave a picture what it is, drawn for every batch; the network is asked for the changed one."""
    mirror: bool                 # left and right swapped, of every second picture
    shift: int                   # at most so many pixels, each way


@dataclass(frozen=True)
class Mixture:
    """A training set of one class and a few intruders of another, drawn from training and test pictures together."""
    regular: int                 # class numbers
    intruder: int
    share: float = 0.01          # intruders for each regular picture
    trained: float = 0.8         # of the mixture is trained on, the rest is kept aside


@dataclass(frozen=True)
class Adversary:
    """A second stage: the decoder of a trained preset is trained on, so that a network takes its pictures for real.

    That network sees pictures as a whole and in small patches. Its terms count beside the preset's own loss.
    """
    start: str                   # whose weights it begins with; the encoder stays as it is, and so do all codes
    filters: tuple[int, ...] = (48, 96, 160, 192)    # each halves the sides of what the network sees as a whole
    patch_filters: tuple[int, ...] = (32, 64)        # of patches the first alone does
    features: float = 0.015      # the distance of real and drawn pictures in the volumes of that network
    realism: float = 0.002       # how real it takes the drawn ones to be
    power: float = 0.01          # how far their power in each octave is from that of the real ones
    grid: float = 0.03           # how much rougher one pixel of every 2 x 2 is than another


@dataclass(frozen=True)
class Preset:
    name: str                    # words joined by underscores; the folder in weights/
    title: str                   # what a reader sees
    description: str             # one sentence
    recipe: str                  # the published chapter it follows
    dataset: str                 # a key of datasets.DATASETS
    network: str                 # a key of families.FAMILIES
    code: int                    # how many numbers a picture becomes
    departures: str = ""         # how it departs from that recipe, and why; empty where it does not
    shape: families.Shape = (28, 28, 1)              # None of a side: any size
    output: families.Shape | None = None                # of what comes out, where that is not what goes in: colors
    arguments: dict = field(default_factory=dict)    # of the network's builder
    loss: str = "mse"            # or "bce", "ssim", "sharp", "structure", "chroma": see losses
    reconstruction_weight: float = 1.0   # of that loss against the KL term; the pixel count makes it a sum
    variational: bool = False
    sparsity: float = 0.0        # weight of the L1 penalty on the code
    labels: int = 0              # classes of a conditional model; 0 for none
    corruption: Corruption | None = None
    augmentation: Augmentation | None = None
    adversary: Adversary | None = None   # of the second stage
    mixture: Mixture | None = None       # what it is trained on, where that is not all of the data set
    recognized: int = 0          # classes of pictures that a colorizer learns to tell apart beside its task
    optimizer: str = "adam"      # or "muon", which gets deep networks further in a tenth of the steps
    epochs: int = 60
    batch_size: int = 512
    learning_rate: float = 2e-3
    schedule: str = "cosine"     # or "plateau": the rate falls by sqrt(0.1) after 5 epochs without progress

    @property
    def family(self) -> families.Family:
        """What is true of every network of its kind."""
        return families.FAMILIES[self.network]

    @property
    def mapped(self) -> bool:
        """Whether the codes of its test pictures are stored, for the latent map."""
        return self.variational or self.code == 2 or self.family.mapped

    @property
    def target(self) -> families.Shape:
        """The shape of what comes out."""
        return self.output or self.shape

    @property
    def training_shape(self) -> families.Shape:
        """The shape of the pictures that it is trained on."""
        return self.family.training_shape or self.target

    @property
    def code_names(self) -> tuple[str, ...]:
        """What the outputs of its encoder are called; a colorizer's decoder takes them by these names."""
        return self.family.code_names(self)

    def to_json(self) -> dict[str, Any]:
        """The preset as plain lists and dicts, for preset.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Preset":
        """The preset that `to_json` wrote; ValueError where a field is unknown or missing, or the network."""
        values = {key: value for key, value in values.items() if key != "also"}    # older models have it, always empty
        try:
            values["shape"] = tuple(values["shape"])
            values["output"] = tuple(values["output"]) if values.get("output") else None
            values["arguments"] = {key: tuple(value) if isinstance(value, list) else value
                                   for key, value in values["arguments"].items()}
            kinds: dict[str, Any] = {"corruption": Corruption, "augmentation": Augmentation, "mixture": Mixture,
                                     "adversary": Adversary}
            for key, kind in kinds.items():
                values[key] = kind(**{name: tuple(value) if isinstance(value, list) else value
                                      for name, value in values[key].items()}) if values.get(key) else None
            families.FAMILIES[values["network"]]
            _check_kinds(found := cls(**values))
            return found
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"This preset.json does not describe a preset ({error}). "
                             "Train or export the model again.") from None


def _check_kinds(preset: Preset) -> None:
    """TypeError where a field holds another kind of value than it should: a card may come from anywhere."""
    kinds: dict[Any, Any] = {str: str, int: int, float: (int, float), bool: bool, dict: dict}
    for each in fields(preset):
        value, kind = getattr(preset, each.name), kinds.get(each.type)
        if kind and (not isinstance(value, kind) or (isinstance(value, bool) and each.type is not bool)
                     or value in (math.inf, -math.inf) or value != value):
            raise TypeError(f"its {each.name} must be {'a text' if kind is str else kind}, not {value!r:.40}")
    for shape in filter(None, (preset.shape, preset.output)):
        if len(shape) != 3 or not all(side is None or type(side) is int for side in shape):
            raise TypeError(f"a shape is {shape!r:.40}")


def _table(*presets: Preset) -> dict[str, Preset]:
    return {preset.name: preset for preset in presets}


def _fashion_dense(code: int) -> Preset:
    name, epochs = ("fashion_dense", 80) if code == 128 else (f"fashion_dense_{code}", 40)
    return Preset(
        name, f"Fashion, dense, {code} numbers",
        f"A fully connected autoencoder that compresses a piece of clothing to {code} numbers.",
        TF_COOKBOOK, "fashion_mnist", "dense", code,
        departures=f"{epochs} epochs of 128 for 300 of 1,024, which a processor gets through."
                   + f" A code of {code} numbers for 128, to compare sizes." * (code != 128),
        arguments={"units": (512, 256), "code_activation": "relu"},
        epochs=epochs, batch_size=128, learning_rate=1e-3)


def _beta(size: str, result: str, reconstruction_weight: float) -> Preset:
    """`fashion_vae_dense` with its KL term weighed a thousandth or a hundred times as much, and a quarter as wide."""
    return Preset(
        f"fashion_vae_beta_{size}", f"Fashion, VAE, beta too {size}",
        f"A dense variational autoencoder of clothing whose beta is far too {size}: {result}.",
        TF_COOKBOOK, "fashion_mnist", "dense", 2,
        departures="Its beta is wrong on purpose; 128 units for 512, and 12 epochs of 128 for 100 of 64, as it only "
                   "shows what then happens.",
        arguments={"units": (128,)},
        reconstruction_weight=reconstruction_weight, variational=True, epochs=12, batch_size=128, learning_rate=1e-3)


FACES_DEPARTURES = (
    "9,000 faces for 200,000, as so many were at hand, each mirrored or not, cropped to brow and chin: the code is "
    "spent on the face. 64 x 64 for 32 x 32 pixels, 32 to 128 filters for 128 in each layer. Structural similarity "
    "beside the squared error keeps skin from blurring, with a weight of 24,000 for 2,000. 30 epochs for 5.")


def _faces(suffix: str, title: str, description: str, recipe: str, departures: str, arguments: dict[str, Any],
           **more: Any) -> Preset:
    """The variational autoencoder of faces: its decoder as published, or trained on with an adversary."""
    return Preset(
        f"faces_vae{suffix}", title, description, recipe, "celeba", "conv", 200, departures=departures,
        shape=(64, 64, 3),
        arguments={"filters": (32, 64, 128, 128), "activation": "leaky_relu", "batch_norm": True, **arguments},
        loss="structure", reconstruction_weight=24_000, variational=True,
        augmentation=Augmentation(mirror=True, shift=0), batch_size=64, **more)


PRESETS = _table(
    # Plain autoencoders
    *(_fashion_dense(code) for code in (128, 64, 32, 16, 8)),
    Preset("fashion_conv", "Fashion, convolutional",
           "Two strided convolutions extract the shapes that 256 numbers then store.",
           TF_COOKBOOK, "fashion_mnist", "conv", 256,
           departures="Fewer epochs of smaller batches, which a processor gets through: 20 of 128 for 300 of 512.",
           arguments={"filters": (32, 64), "activation": "leaky_relu", "batch_norm": True},
           epochs=20, batch_size=128),
    Preset("digits_conv", "Digits, convolutional",
           "A handwritten digit in 16 numbers, with two strided convolutions in each direction.",
           ADVANCED_KERAS, "mnist", "conv", 16,
           departures="50 epochs for 1, as the chapter suggests for a better copy; a rate of 0.002 for 0.001.",
           arguments={"filters": (32, 64)},
           epochs=50, batch_size=32),
    Preset("digits_stacked", "Digits, stacked",
           "Four dense layers stacked around 256 numbers, with a linear output.",
           MASTERING_TF, "mnist", "dense", 256,
           departures="Muon, 14 epochs of 512, for Adam, 20 of 100: the same network errs less than half as much.",
           arguments={"units": (512,), "decoder_units": (256, 512), "code_activation": "relu", "output": "linear"},
           optimizer="muon", epochs=14, learning_rate=5e-3),
    Preset("digits_sigmoid", "Digits, stacked, sigmoid",
           "The same layers with sigmoids and wide random first weights, as networks used to be: hardly a digit gets "
           "through.",
           MASTERING_TF, "mnist", "dense", 256,
           arguments={"units": (512,), "decoder_units": (256, 512), "code_activation": "sigmoid",
                      "activation": "sigmoid", "spread": 1.0},
           schedule="plateau", epochs=20, batch_size=100, learning_rate=1e-3),
    Preset("digits_single", "Digits, one layer",
           "The simplest autoencoder: one layer of 256 units between the pixels and their copy.",
           MASTERING_TF, "mnist", "dense", 256,
           departures="The chapter names the layer and prints no training: loss, activations and epochs are those of "
                      "its stacked autoencoder in Keras.",
           arguments={"units": (), "code_activation": "relu", "output": "linear"},
           schedule="plateau", epochs=20, batch_size=100, learning_rate=1e-3),
    Preset("digits_sparse", "Digits, sparse",
           "1,024 hidden units, more than there are pixels, of which a penalty keeps all but a few inactive.",
           MASTERING_TF, "mnist", "sparse", 1024,
           departures="The chapter describes the kind and prints no sizes, and no penalty: all of them are ours.",
           sparsity=5e-4, epochs=30),
    Preset("digits_pooled", "Digits, pooled",
           "Two convolutions with max pooling in the encoder, two with upsampling in the decoder.",
           MASTERING_TF, "mnist", "pooled", 196,
           departures="The chapter describes the kind and prints no sizes: filters, loss and epochs are ours. A "
                      "decoder that upsamples is put in place of its second pair of convolution and pooling.",
           arguments={"filters": (32, 4)},
           loss="bce", epochs=5, batch_size=128),
    Preset("fashion_pca", "Fashion, PCA",
           "The best linear autoencoder there is: the first 256 principal components.",
           "Pearson, 1901; the baseline for every other model", "fashion_mnist", "linear", 256),
    Preset("digits_pca", "Digits, PCA",
           "The best linear autoencoder there is: the first 256 principal components.",
           "Pearson, 1901; the baseline for every other model", "mnist", "linear", 256),

    # Denoisers
    Preset("fashion_denoiser", "Fashion denoiser",
           "Reconstructs clean clothing from heavily noisy pictures, through 128 numbers.",
           TF_COOKBOOK, "fashion_mnist", "conv", 128,
           departures="Every picture draws its own sigma from 0.3 to 0.9 anew for each batch, where the recipe adds "
                      "noise of sigma 0.5 once: one model serves the whole strip. 16 epochs of 128 for 300 of 1,024.",
           arguments={"filters": (32, 64), "activation": "leaky_relu", "batch_norm": True},
           corruption=Corruption(mean=(0.5, 0.5), sigma=(0.3, 0.9)), epochs=16, batch_size=128),
    Preset("digits_denoiser", "Digit denoiser",
           "Reconstructs a clean digit from noise up to sigma 1, through 16 numbers.",
           ADVANCED_KERAS, "mnist", "conv", 16,
           departures="Every picture draws its own sigma from 0.2 to 1 anew for each batch, where the recipe adds "
                      "noise of sigma 0.5 once: one model serves the whole strip. 24 epochs for 10; a rate of 0.0015 "
                      "for 0.001.",
           arguments={"filters": (32, 64)},
           corruption=Corruption(mean=(0.5, 0.5), sigma=(0.2, 1.0)),
           epochs=24, batch_size=32, learning_rate=1.5e-3),
    Preset("digits_denoiser_fixed", "Digit denoiser, sigma 0.5",
           "Learned from noise of one strength alone, so that more of it shows how robust it is.",
           ADVANCED_KERAS, "mnist", "conv", 16,
           departures="The noise is drawn anew for each batch, where the recipe draws it once.",
           arguments={"filters": (32, 64)}, corruption=Corruption(mean=(0.5, 0.5), sigma=(0.5, 0.5)),
           schedule="plateau", epochs=10, batch_size=32, learning_rate=1e-3),
    Preset("digits_stacked_denoiser", "Digit denoiser, stacked",
           "The stacked dense autoencoder, trained on digits with unclipped noise of sigma 0.5 added.",
           MASTERING_TF, "mnist", "dense", 256,
           departures="Muon, 14 epochs of 512, for Adam, 100 of 100; the noise is drawn anew for each batch.",
           arguments={"units": (512,), "decoder_units": (256, 512), "code_activation": "relu", "output": "linear"},
           corruption=Corruption(mean=(0.0, 0.0), sigma=(0.5, 0.5), clip=False),
           optimizer="muon", epochs=14, learning_rate=5e-3),
    Preset("digits_denoiser_all", "Digit denoiser, all noise",
           "Trained against four kinds of noise, it fills in a hidden patch, too.",
           MASTERING_TF, "mnist", "dense", 128,
           departures="Layers of 512 and 256 for one of 512; four kinds of noise of any strength, drawn anew for each "
                      "batch, where the recipe adds Gaussian noise of one sigma. 60 epochs of 256 for 100 of 100.",
           arguments={"units": (512, 256)},
           corruption=Corruption(mean=(0.0, 0.5), sigma=(0.0, 1.2), kinds={
               "Gaussian": 0.1, "Salt and pepper": 0.2, "Speckle": 0.1, "Hidden patch": 0.6}),
           epochs=60, batch_size=256, learning_rate=2e-3),

    # Put to use: outliers, search, sketches
    Preset("sandals_outliers", "Sandals with intruders",
           "Trained on sandals with one T-shirt per hundred, which its errors are meant to reveal.",
           TF_COOKBOOK, "fashion_mnist", "conv", 256,
           departures="Fewer epochs of smaller batches, which a processor gets through: 40 of 128 for 300 of 1,024.",
           arguments={"filters": (32, 64), "activation": "leaky_relu", "batch_norm": True},
           mixture=Mixture(regular=5, intruder=0), epochs=40, batch_size=128),
    Preset("fashion_codes", "Fashion, codes to compare",
           "A dense denoiser whose codes of 64 numbers form one cloud per class, so that intruders stand out.",
           f"Our own, after {DL_COOKBOOK}", "fashion_mnist", "dense", 64,
           departures="The chapter claims that a denoiser's codes compare better and prints none: the network, its "
                      "noise of a sigma from 0.2 to 0.8 and its pictures are ours.",
           arguments={"units": (256, 128)},
           corruption=Corruption(mean=(0.0, 0.0), sigma=(0.2, 0.8)), epochs=12, batch_size=256),
    Preset("fashion_search", "Fashion search",
           "A piece of clothing in 32 numbers, by which similar ones are found among thousands.",
           TF_COOKBOOK, "fashion_mnist", "conv", 32,
           departures="Fewer epochs of smaller batches, which a processor gets through: 10 of 256 for 50 of 512.",
           arguments={"filters": (32, 64), "activation": "leaky_relu", "batch_norm": True,
                      "code_name": "encoder_output"},
           epochs=10, batch_size=256),
    Preset("cats_sketch", "Cats",
           "Drawings of cats through two branches of convolutions, 3x3 and 2x2, beside a linear shortcut, into 128 "
           "numbers.",
           DL_COOKBOOK, "quickdraw_cats", "two_branch", 128,
           departures=FEW_CATS,
           shape=(32, 32, 1), loss="bce",
           arguments={"channels": 8}, augmentation=Augmentation(mirror=True, shift=1), epochs=25, batch_size=64,
           learning_rate=1e-3),
    Preset("cats_sharp", "Cats, sharp lines",
           "The same network, penalized for gray pixels: its lines are thin but sometimes in the wrong place.",
           DL_COOKBOOK, "quickdraw_cats", "two_branch", 128,
           departures=f"{FEW_CATS} The penalty is ours, after the chapter's hint that sharp lines may be rewarded.",
           shape=(32, 32, 1), loss="sharp",
           arguments={"channels": 8}, augmentation=Augmentation(mirror=True, shift=1), epochs=25, batch_size=64,
           learning_rate=1e-3),
    Preset("cats_vae", "Cats, VAE",
           "The variational version, which draws new cats from 32 random numbers.",
           DL_COOKBOOK, "quickdraw_cats", "two_branch", 32,
           departures="The chapter's variational autoencoder is of digits and dense: this one has the layers of its "
                      "cats, with three times the channels, a linear shortcut that begins as PCA, mirrored and "
                      "shifted drawings, 2,700 of them.",
           shape=(32, 32, 1), loss="bce",
           arguments={"channels": 12}, reconstruction_weight=3072, variational=True,
           augmentation=Augmentation(mirror=True, shift=1), epochs=30, batch_size=64, learning_rate=1e-3),
    Preset("cats_pca", "Cats, PCA",
           "The best linear code of a drawing: the first 128 principal components.",
           "Pearson, 1901; the baseline for every other model", "quickdraw_cats", "linear", 128,
           shape=(32, 32, 1)),

    # Colors
    Preset("cifar_colorizer", "CIFAR-10 colorizer",
           "The published colorizer: a gray 32 x 32 picture in, 256 numbers, color out.",
           ADVANCED_KERAS, "cifar10", "conv", 256,
           departures="16 epochs of 64 for 30 of 32.",
           shape=(32, 32, 1), output=(32, 32, 3),
           arguments={"filters": (64, 128, 256)}, epochs=16, batch_size=64, learning_rate=1e-3),

    Preset("photo_colorizer", "Photo colorizer",
           "Colors for gray photos of any size: lightness in, the two chroma channels of CIE Lab out.",
           "Our own, after Iizuka et al., 2016", "photos", "chroma", 208,
           departures="Much smaller, with skip connections, for any size of photo and a processor; 9,127 photos for "
                      "2.3 million. The loss is ours: the logarithm of the error and a penalty for pale colors, "
                      "against sepia. Muon for Adadelta.",
           shape=(None, None, 1), output=(None, None, 2),
           arguments={"filters": (32, 48, 96, 144, 208)}, loss="chroma", recognized=10, optimizer="muon", epochs=92,
           batch_size=32, learning_rate=4e-3),

    # Faces
    _faces("", "Faces, VAE", "A face in 200 numbers centered on 0, along which it can be made to smile.", GENERATIVE,
           FACES_DEPARTURES, {}, epochs=30, learning_rate=1e-3),
    _faces("_sharp", "Faces, sharper VAE", "The same 200 numbers, with a decoder trained on against an adversary.",
           f"{GENERATIVE}, with the adversary of Larsen et al., 2016",
           f"{FACES_DEPARTURES} Then, in a second stage, the decoder alone goes on against an adversary, which learns "
           "beside the shapes of a whole face those of small patches; loss terms for the power of each octave and for "
           "a grid of two pixels; transposed convolutions of 4 x 4 for 3 x 3, which overlap evenly; 8,662 faces of LFW "
           "beside CelebA's. Larsen et al. train all of it at once. The run was cut short after 5 of its epochs, and "
           "the weights are a weighted mean of the last three; a fine mesh is left.", {"up": 4},
           adversary=Adversary("faces_vae"), epochs=12, learning_rate=2e-4),

    # Two-dimensional codes: plain, and variational
    Preset("digits_plane", "Digits on a plane",
           "A plain convolutional autoencoder that has to arrange all digits on a plane of two numbers.",
           ADVANCED_KERAS, "mnist", "conv", 2,
           departures="12 epochs of 128 for 20 of 32; a rate of 0.002 for 0.001.",
           arguments={"filters": (32, 64)}, epochs=12, batch_size=128),
    Preset("fashion_plane", "Fashion on a plane",
           "A plain convolutional autoencoder that arranges clothing on a plane.",
           GENERATIVE, "fashion_mnist", "conv", 2,
           departures="6 epochs of 128 for 5 of 100; a rate of 0.002 for 0.001.",
           shape=(32, 32, 1),
           arguments={"filters": (32, 64, 128)}, loss="bce", epochs=6, batch_size=128),
    Preset("digits_vae", "Digits, VAE",
           "A variational autoencoder: every point of its plane decodes to a digit, and the codes lie around 0.",
           DL_COOKBOOK, "mnist", "dense", 2,
           departures="80 epochs for 50; a rate of 0.002 for 0.001.",
           arguments={"units": (512,)},
           loss="bce", reconstruction_weight=784, variational=True,
           epochs=80, batch_size=128),
    Preset("fashion_vae_dense", "Fashion, dense VAE",
           "A dense variational autoencoder of clothing, with squared error instead of cross-entropy.",
           TF_COOKBOOK, "fashion_mnist", "dense", 2,
           departures="20 epochs of 128 for 100 of 64.",
           arguments={"units": (512,)},
           reconstruction_weight=784, variational=True, epochs=20, batch_size=128, learning_rate=1e-3),
    _beta("small", "holes between widely scattered codes", 784_000),
    _beta("large", "one average picture everywhere", 7.84),
    Preset("fashion_vae", "Fashion, convolutional VAE",
           "A convolutional variational autoencoder of clothing with a smooth, gap-free plane.",
           GENERATIVE, "fashion_mnist", "conv", 2,
           departures="8 epochs of 128 for 5 of 100.",
           shape=(32, 32, 1),
           arguments={"filters": (32, 64, 128)}, loss="bce", reconstruction_weight=500, variational=True,
           epochs=8, batch_size=128, learning_rate=1e-3),
    Preset("digits_vae_wide", "Digits, wide VAE",
           "A variational autoencoder with 128 latent dimensions, of which it leaves most unused.",
           MASTERING_TF, "mnist", "dense", 128,
           departures="Clean digits for noisy ones, so that its plane is one of digits; 30 epochs of 128 for 50 of "
                      "100.",
           arguments={"units": (512, 256)},
           loss="bce", reconstruction_weight=784, variational=True,
           epochs=30, batch_size=128, learning_rate=1e-3),
    Preset("digits_vae_denoiser", "Digit denoiser, VAE",
           "The wide variational autoencoder, given digits with unclipped noise of sigma 0.5.",
           MASTERING_TF, "mnist", "dense", 128,
           departures="15 epochs of 128 for 50 of 100; the noise is drawn anew for each batch.",
           arguments={"units": (512, 256)},
           loss="bce", reconstruction_weight=784, variational=True,
           corruption=Corruption(mean=(0.0, 0.0), sigma=(0.5, 0.5), clip=False),
           epochs=15, batch_size=128, learning_rate=1e-3),
    Preset("digits_cvae", "Digits, conditional VAE",
           "Given the digit, it stores only the handwriting style in its two numbers.",
           DL_COOKBOOK, "mnist", "dense", 2,
           departures="Two hidden layers for one each way, and 100 epochs for 50: sharper digits.",
           arguments={"units": (512, 512)},
           loss="bce", reconstruction_weight=784, variational=True, labels=10,
           epochs=100, batch_size=128, learning_rate=1e-3),
)


def get(name: str) -> Preset:
    """The preset called `name`; KeyError with the good names where there is none."""
    try:
        return PRESETS[name]
    except (KeyError, TypeError):
        raise KeyError(f"There is no preset called {name!r}. Choose one of: {', '.join(PRESETS)}.") from None
