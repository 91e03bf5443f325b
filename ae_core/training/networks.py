"""The networks of the presets, in backend-neutral Keras 3.

Every builder returns an encoder and a decoder; they know nothing of losses, noise or training.
A variational encoder has two outputs, the mean and the log-variance of the posterior; a conditional one
takes the one-hot label as a second input, and so does its decoder.
"""
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ae_core import families, latent, presets
from ae_core.presets import Preset
from ae_core.training import adversary

Pair = tuple[keras.Model, keras.Model]           # encoder, decoder


@keras.saving.register_keras_serializable("ae_core")
class Sampling(layers.Layer):
    """z = mean + exp(log_variance / 2) * epsilon, and the KL divergence of N(mean, variance) from N(0, 1) as a loss.

    Inputs: mean and log-variance, both (n, d). Output: z (n, d).
    KL = 1/2 sum(exp(log_variance) + mean^2 - 1 - log_variance), Kingma and Welling, 2014, appendix B.
    The log-variance is clipped so that exp() can neither overflow nor leave a gradient of zero variance.
    """

    def __init__(self, seed: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self.random = keras.random.SeedGenerator(seed)

    def call(self, inputs):
        mean, log_variance = inputs
        log_variance = ops.clip(log_variance, *latent.LOG_VARIANCE)
        kl = 0.5 * ops.sum(ops.exp(log_variance) + ops.square(mean) - 1 - log_variance, axis=-1)
        self.add_loss(ops.mean(kl))
        epsilon = keras.random.normal(ops.shape(mean), seed=self.random)
        return mean + ops.exp(log_variance / 2) * epsilon

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("ae_core")
class GaussianCorruption(layers.Layer):
    """Adds Gaussian noise, in training and in validation alike; each picture draws its own mean and sigma.

    Input and output: pictures (n, h, w, c). `mean` and `sigma` are (low, high) ends of uniform ranges.
    """

    def __init__(self, mean: Iterable[float], sigma: Iterable[float], clip: bool = True, seed: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mean, self.sigma, self.clip, self.seed = tuple(mean), tuple(sigma), clip, seed
        self.random = keras.random.SeedGenerator(seed)

    def call(self, pictures):
        each = (ops.shape(pictures)[0], 1, 1, 1)
        mean = keras.random.uniform(each, *self.mean, seed=self.random) if len(set(self.mean)) > 1 else self.mean[0]
        sigma = keras.random.uniform(each, *self.sigma, seed=self.random) if len(set(self.sigma)) > 1 else self.sigma[0]
        noisy = pictures + mean + sigma * keras.random.normal(ops.shape(pictures), seed=self.random)
        return ops.clip(noisy, 0.0, 1.0) if self.clip else noisy

    def get_config(self):
        return {**super().get_config(), "mean": self.mean, "sigma": self.sigma, "clip": self.clip, "seed": self.seed}


@keras.saving.register_keras_serializable("ae_core")
class MixedCorruption(GaussianCorruption):
    """Each picture (h, w, c) draws a kind of `presets.NOISE`, by the shares in `kinds`, and how much of it."""

    def __init__(self, mean: Iterable[float], sigma: Iterable[float], clip: bool = True, seed: int = 0,
                 kinds: Mapping[str, float] = {"Gaussian": 1.0}, **kwargs: Any):   # noqa: B006
        super().__init__(mean, sigma, clip, seed, **kwargs)
        self.kinds = dict(kinds)

    def call(self, pictures):
        ways = {"Gaussian": lambda pictures, level: GaussianCorruption.call(self, pictures),
                "Salt and pepper": self._salt_and_pepper, "Speckle": self._speckle, "Hidden patch": self._hidden_patch}
        each = (ops.shape(pictures)[0], 1, 1, 1)
        drawn, level = (keras.random.uniform(each, seed=self.random) for _ in range(2))
        found, low = pictures, 0.0
        for kind, share in self.kinds.items():
            chosen = ops.logical_and(drawn >= low, drawn < low + share)
            found = ops.where(chosen, ways[kind](pictures, level * presets.NOISE[kind][1]), found)
            low += share
        return found

    def _salt_and_pepper(self, pictures, share):
        drawn = keras.random.uniform(ops.shape(pictures), seed=self.random)
        return ops.where(drawn < share, ops.where(drawn < share / 2, 0.0, 1.0), pictures)

    def _speckle(self, pictures, sigma):
        normal = keras.random.normal(ops.shape(pictures), seed=self.random)
        return ops.clip(pictures * (1 + sigma * normal), 0.0, 1.0)

    def _hidden_patch(self, pictures, side):
        hidden, side = True, ops.round(side)
        for axis, length in ((1, pictures.shape[1]), (2, pictures.shape[2])):
            first = ops.floor(keras.random.uniform(ops.shape(side), seed=self.random) * (length - side + 1))
            place = ops.reshape(ops.arange(length, dtype="float32"), [length if k == axis else 1 for k in range(4)])
            hidden = ops.logical_and(hidden, ops.logical_and(place >= first, place < first + side))
        return ops.where(hidden, 0.0, pictures)

    def get_config(self):
        return {**super().get_config(), "kinds": self.kinds}


@keras.saving.register_keras_serializable("ae_core")
class Recognition(layers.Layer):
    """Lets a volume through and, in training, asks it which class of picture it comes from: a cross-entropy as a loss.

    Inputs: volume (n, h, w, c) and one-hot classes (n, k). Whoever knows a dog from a church colors both better
    (Iizuka et al., 2016, section 3.4). `weight` is that of the cross-entropy beside the loss of the colors.
    """

    def __init__(self, weight: float = 0.2, **kwargs: Any):
        super().__init__(**kwargs)
        self.weight = weight

    def build(self, shapes):
        self.logits = layers.Dense(shapes[1][-1], dtype="float32")
        self.logits.build((None, shapes[0][-1]))

    def call(self, inputs, training=False):
        volume, classes = inputs
        if training:
            logits = self.logits(ops.mean(volume, axis=(1, 2)))
            self.add_loss(self.weight * ops.mean(keras.losses.categorical_crossentropy(classes, logits, True)))
        return volume

    def get_config(self):
        return {**super().get_config(), "weight": self.weight}


@keras.saving.register_keras_serializable("ae_core")
class BatchNormalization(layers.BatchNormalization):
    """The same numbers as Keras's, which in training goes over its volume (n, h, w, c) a dozen times.

    TensorFlow has one operation for it, of two passes, which computes in bfloat16 as well. The statistics are float32.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable) or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training, mask)
        import tensorflow as tf

        volume, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=self.gamma.value, offset=self.beta.value, mean=[], variance=[], epsilon=self.epsilon)
        count = ops.cast(ops.size(inputs) // inputs.shape[-1], "float32")
        variance = variance * (count - 1) / count            # of these values; the operation guesses that of all
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(self.momentum * moving + (1 - self.momentum) * new)
        return volume


def build(preset: Preset) -> Pair:
    """The encoder and the decoder of a preset, with fresh weights."""
    return families.part(preset.family.builder)(preset, **preset.arguments)


def given(preset: Preset, values: np.ndarray, labels: np.ndarray) -> np.ndarray | list[np.ndarray]:
    """What a network is called with: pictures or codes (n, ...), of a conditional one with labels (n,) as one-hot."""
    return [values, np.eye(preset.labels, dtype=np.float32)[labels]] if preset.labels else values


def autoencoder(preset: Preset, encoder: keras.Model, decoder: keras.Model) -> keras.Model:
    """The model that model.keras holds: picture (and label) in, reconstruction from the mean code out."""
    inputs = _inputs(preset)
    code = encoder(_unpack(inputs))
    mean = code[0] if preset.variational else code
    return _model(inputs, decoder(_unpack([mean, *inputs[1:]])), preset.name)


def training_graph(preset: Preset, encoder: keras.Model, decoder: keras.Model, seed: int = 0) -> keras.Model:
    """The model that is fitted: the autoencoder, with the preset's corruption before and sampling or a penalty between.

    These are float32, whatever the precision of the rest.
    """
    inputs = _inputs(preset)
    if preset.recognized:
        classes = keras.Input((preset.recognized,), name="classes")
        volumes = encoder(inputs[0])
        deepest = Recognition(name="recognition")([volumes[-1], classes])
        return _model([*inputs, classes], decoder([*volumes[:-1], deepest]), preset.name)
    seen = inputs[0]
    if preset.corruption:
        noise = preset.corruption
        kind = GaussianCorruption if list(noise.kinds) == ["Gaussian"] else partial(MixedCorruption, kinds=noise.kinds)
        seen = kind(noise.mean, noise.sigma, noise.clip, seed=seed, dtype="float32", name="corruption")(seen)
    code = encoder(_unpack([seen, *inputs[1:]]))
    if preset.variational:
        code = Sampling(seed=seed, dtype="float32", name="sampling")(code)
    if preset.sparsity:
        code = layers.ActivityRegularization(l1=preset.sparsity, dtype="float32", name="sparsity")(code)
    rebuilt = decoder(_unpack([code, *inputs[1:]]))
    if preset.adversary:
        rebuilt = adversary.Adversary(preset, dtype="float32", name="adversary")([inputs[0], rebuilt])
    return _model(inputs, rebuilt, preset.name)


# --- builders -------------------------------------------------------------------------------------------

def dense(preset: Preset, units: Sequence[int], decoder_units: Sequence[int] | None = None,
          code_activation: str | None = None, output: str = "sigmoid", activation: str = "relu",
          spread: float | None = None) -> Pair:
    """Fully connected both ways: `units` in each layer, the code, and their mirror image or `decoder_units`.

    spread: the standard deviation of all first weights, drawn from a normal distribution; None: Glorot's.
    """
    def first():
        return {"kernel_initializer": keras.initializers.RandomNormal(stddev=spread)} if spread else {}

    inputs = _inputs(preset)
    x = layers.Flatten()(inputs[0])
    x = _beside_label(x, inputs)
    for n in units:
        x = layers.Dense(n, activation, **first())(x)
    encoder = _encoder(preset, inputs, x, code_activation, **first())

    inputs = _code_inputs(preset)
    x = _beside_label(inputs[0], inputs)
    for n in decoder_units or reversed(units):
        x = layers.Dense(n, activation, **first())(x)
    return encoder, _flat_decoder(preset, inputs, x, output, **first())


def conv(preset: Preset, filters: Sequence[int], activation: str = "relu", batch_norm: bool = False,
         code_name: str = "latent", up: int = 3) -> Pair:
    """3x3 convolutions of stride 2, a dense code, and transposed convolutions of `up` x `up` back.

    Where 3 are moved by 2, every second pixel is drawn by more of them than the next; 4 overlap evenly.
    """
    def block(x, layer):
        x = layers.Activation(activation)(layer(x))
        return BatchNormalization()(x) if batch_norm else x

    inputs = _inputs(preset)
    x = inputs[0]
    for n in filters:
        x = block(x, layers.Conv2D(n, 3, strides=2, padding="same"))
    volume = x.shape[1:]
    encoder = _encoder(preset, inputs, layers.Flatten()(x), name=code_name)

    inputs = _code_inputs(preset)
    x = layers.Dense(volume[0] * volume[1] * volume[2])(inputs[0])
    x = layers.Reshape(volume)(x)
    for n in reversed(filters):
        x = block(x, layers.Conv2DTranspose(n, up, strides=2, padding="same"))
    x = layers.Conv2DTranspose(preset.target[-1], 3, padding="same")(x)
    return encoder, _model(inputs, _picture(x, "sigmoid"), "decoder")


def pooled(preset: Preset, filters: Sequence[int]) -> Pair:
    """Convolve and max-pool, twice; the code is the last small volume; upsample and convolve back."""
    inputs = _inputs(preset)
    x = inputs[0]
    for n in filters:
        x = layers.MaxPooling2D()(layers.Conv2D(n, 3, padding="same", activation="relu")(x))
    volume = x.shape[1:]
    encoder = _model(inputs, layers.Flatten(name="latent")(x), "encoder")

    inputs = _code_inputs(preset)
    x = layers.Reshape(volume)(inputs[0])
    for n in (filters[0], filters[0]):
        x = layers.UpSampling2D()(layers.Conv2D(n, 3, padding="same", activation="relu")(x))
    x = layers.Conv2D(preset.shape[-1], 3, padding="same")(x)
    return encoder, _model(inputs, _picture(x, "sigmoid"), "decoder")


def two_branch(preset: Preset, channels: int = 4) -> Pair:
    """Four levels of 3x3 and 2x2 convolutions side by side, concatenated and max-pooled; upsampled and convolved back.

    Each branch has `channels` filters at first and twice as many a level down. Beside the branches one linear layer,
    the "shortcut", leads from the picture to the code and another from the code to the picture. `pca.start`
    sets them to the principal components; the branches, whose last layers start at 0, learn what is not linear.
    """
    def convolve(x, filters, side):
        return layers.Conv2D(filters, side, padding="same", activation="relu")(x)

    inputs = _inputs(preset)
    x = inputs[0]
    for level in range(4):
        filters = channels * 2**level
        x = layers.MaxPooling2D()(layers.Concatenate()([convolve(x, filters, 3), convolve(x, filters, 2)]))
    branches = layers.Dense(preset.code, kernel_initializer="zeros", name="branches")(layers.Flatten()(x))
    shortcut = layers.Dense(preset.code, name="shortcut")(layers.Flatten()(inputs[0]))
    mean = layers.Add(name="mean" if preset.variational else "latent")([branches, shortcut])
    log_variance = [layers.Dense(preset.code, name="log_variance")(layers.Flatten()(x))] if preset.variational else []
    encoder = _model(inputs, _unpack([mean, *log_variance]), "encoder")

    height, width, depth = preset.shape
    inputs = _code_inputs(preset)
    x = layers.Dense(height // 16 * (width // 16) * filters, "relu")(inputs[0])
    x = layers.Reshape((height // 16, width // 16, filters))(x)
    for level in reversed(range(4)):
        x = layers.UpSampling2D()(convolve(x, channels * 2**level, 3))
    branches = layers.Conv2D(depth, 3, padding="same", kernel_initializer="zeros", name="branches")(x)
    shortcut = layers.Reshape(preset.shape)(layers.Dense(height * width * depth, name="shortcut")(inputs[0]))
    return encoder, _model(inputs, _picture(layers.Add()([branches, shortcut]), "sigmoid"), "decoder")


def chroma(preset: Preset, filters: Sequence[int]) -> Pair:
    """Lightness of any size (multiples of 32) to the two chroma channels at a quarter of it.

    A convolutional encoder halves the picture five times; its code is the volumes of the last four levels, and the
    deepest one also sees the picture as a whole. The decoder doubles three times, adding the volume of each level.
    Color is smooth, so a quarter of the size is enough, and costs a tenth (after Iizuka et al., 2016, who join global
    and local features, and the skip connections of Ronneberger et al., 2015).
    """
    def block(x, n, strides=1):
        return BatchNormalization()(layers.Conv2D(n, 3, strides=strides, padding="same", activation="relu")(x))

    inputs = _inputs(preset)
    x = inputs[0]
    volumes = []
    for level, n in enumerate(filters):
        x = block(x, n, strides=2)
        x = block(x, n) if level > 1 else x
        x = layers.Add()([x, block(block(x, n), n)]) if level == 3 else x
        volumes.append(x)
    scene = layers.GlobalAveragePooling2D(keepdims=True)(x)
    scene = layers.Dense(filters[-1])(layers.Dense(filters[-1], "relu")(scene))
    volumes[-1] = layers.Add()([x, scene])
    encoder = _model(inputs, volumes[1:], "encoder")

    inputs = [keras.Input((None, None, n), name=name) for name, n in zip(preset.code_names, filters[1:], strict=True)]
    x = inputs[-1]
    for volume in reversed(inputs[:-1]):
        n = volume.shape[-1]
        x = layers.UpSampling2D()(layers.Conv2D(n, 1)(x))
        x = block(layers.Add()([x, volume]), n)
    x = layers.Conv2D(2, 3, padding="same")(x)
    return encoder, _model(inputs, _picture(x, "tanh"), "decoder")


def sparse(preset: Preset) -> Pair:
    """One layer of more code units than pixels, for a sparsity penalty to silence, and one linear layer back.

    The decoder's atoms have unit length: otherwise the penalty is dodged by small codes and long atoms.
    """
    inputs = _inputs(preset)
    encoder = _encoder(preset, inputs, layers.Flatten()(inputs[0]), "relu")
    inputs = _code_inputs(preset)
    return encoder, _flat_decoder(preset, inputs, inputs[0], "linear",
                                  kernel_constraint=keras.constraints.UnitNorm(axis=1))


def linear(preset: Preset) -> Pair:
    """One linear layer each way; `pca.fit` sets its weights to the principal components."""
    inputs = _inputs(preset)
    encoder = _encoder(preset, inputs, layers.Flatten()(inputs[0]))
    inputs = _code_inputs(preset)
    return encoder, _flat_decoder(preset, inputs, inputs[0], "linear")


# --- pieces the builders share --------------------------------------------------------------------------

def _model(inputs, outputs, name):
    return keras.Model(_unpack(inputs), outputs, name=name)


def _unpack(inputs):
    """A list of one is that one: Keras tells the two apart."""
    return inputs if len(inputs) > 1 else inputs[0]


def _inputs(preset):
    picture = keras.Input(preset.shape, name="picture")
    return [picture, keras.Input((preset.labels,), name="label")] if preset.labels else [picture]


def _code_inputs(preset):
    code = keras.Input((preset.code,), name="code")
    return [code, keras.Input((preset.labels,), name="label")] if preset.labels else [code]


def _beside_label(x, inputs):
    return layers.Concatenate()([x, inputs[1]]) if len(inputs) > 1 else x


def _encoder(preset, inputs, x, activation=None, name="latent", **arguments):
    if preset.variational:
        outputs = [layers.Dense(preset.code, name="mean")(x), layers.Dense(preset.code, name="log_variance")(x)]
    else:
        outputs = layers.Dense(preset.code, activation, name=name, **arguments)(x)
    return _model(inputs, outputs, "encoder")


def _flat_decoder(preset, inputs, x, activation, **arguments):
    height, width, channels = preset.shape
    x = layers.Dense(height * width * channels, **arguments)(x)
    return _model(inputs, _picture(layers.Reshape(preset.shape)(x), activation), "decoder")


def _picture(x, activation):
    """The last step to a picture is float32 whatever comes before: bfloat16 knows no number between 0.996 and 1."""
    return layers.Activation(activation, dtype="float32", name="picture")(x)
