import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from ae_core import presets
from ae_core.training import fit, networks, pca

pytestmark = pytest.mark.slow

LAYERS = [networks.Sampling(seed=3), networks.Recognition(0.3),
          networks.GaussianCorruption((0.1, 0.4), (0.0, 1.2), clip=False, seed=5)]


def inputs_of(preset, count=2):
    pictures = np.zeros((count, *(side or 64 for side in preset.shape)), np.float32)
    classes = preset.labels or preset.recognized
    return [pictures, np.eye(classes, dtype=np.float32)[:count]] if classes else pictures


@pytest.mark.parametrize("preset", presets.PRESETS.values(), ids=lambda preset: preset.name)
def test_every_preset_builds_to_its_declared_shapes(preset):
    encoder, decoder = networks.build(preset)
    code = encoder(inputs_of(preset)[0] if preset.recognized else inputs_of(preset))
    if preset.family.volumes:
        assert [tuple(volume.shape[1:3]) for volume in code] == [(16, 16), (8, 8), (4, 4), (2, 2)]
        assert code[-1].shape[-1] == preset.code
    else:
        for part in code if preset.variational else [code]:
            assert part.shape == (2, preset.code)
    model = networks.training_graph(preset, encoder, decoder)
    assert model(inputs_of(preset)).shape == (2, *(side or 16 for side in preset.target))


@pytest.mark.parametrize("preset", presets.PRESETS.values(), ids=lambda preset: preset.name)
def test_every_preset_is_trained_in_bfloat16_toward_float32(preset):
    with fit.of_precision("mixed_bfloat16"):
        encoder, decoder = networks.build(preset)
        model = networks.training_graph(preset, encoder, decoder)
    assert {encoder.layers[-1].compute_dtype, decoder.layers[1].compute_dtype} == {"bfloat16"}
    given = model(inputs_of(preset), training=True)
    assert {value.dtype.name for value in (given, *model.losses)} == {"float32"}
    assert np.isfinite(ops.convert_to_numpy(given)).all()


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("mixed_bfloat16", 0.03)])
def test_batch_normalization_is_that_of_keras(dtype, tolerance):
    """Output, gradients and moving statistics in training, and the output afterwards."""
    import tensorflow as tf

    volume = tf.constant(np.random.default_rng(0).normal(3, 2, (5, 4, 6, 8)), tf.float32)
    wanted = tf.constant(np.random.default_rng(1).normal(size=volume.shape), tf.float32)
    seen = []
    for kind, precision in ((networks.BatchNormalization, dtype), (keras.layers.BatchNormalization, "float32")):
        layer = kind(dtype=precision)
        layer.build(volume.shape)
        layer.gamma.assign(np.linspace(0.5, 2, 8))
        layer.beta.assign(np.linspace(-1, 1, 8))
        with tf.GradientTape() as tape:
            tape.watch(volume)
            given = layer(volume, training=True)
            loss = tf.reduce_mean(wanted * tf.square(tf.cast(given, tf.float32)))
        gradients = tape.gradient(loss, [volume, layer.gamma.value, layer.beta.value])
        seen.append([ops.convert_to_numpy(ops.cast(value, "float32"))
                     for value in (given, *gradients, layer.moving_mean, layer.moving_variance, layer(volume))])
    for ours, keras_own in zip(*seen, strict=True):
        np.testing.assert_allclose(ours, keras_own, atol=tolerance * np.abs(keras_own).max())


def test_a_colorizer_looks_at_the_whole_scene():
    """A change in one corner reaches the opposite one, farther than its convolutions see."""
    encoder, decoder = networks.build(presets.get("photo_colorizer"))
    dark = np.zeros((1, 256, 256, 1), np.float32)
    lit = dark.copy()
    lit[:, :64, :64] = np.random.default_rng(0).random((64, 64, 1))
    far = [ops.convert_to_numpy(decoder(encoder(picture)))[0, -4:, -4:] for picture in (dark, lit)]
    assert np.abs(far[0] - far[1]).max() > 1e-7


def test_published_sizes():
    """The parameter counts that the chapters print."""
    def parameters(name):
        return sum(model.count_params() for model in networks.build(presets.get(name)))
    assert parameters("digits_stacked") == 1_132_816
    assert parameters("digits_conv") == 178_001


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_a_layer_remembers_every_argument(layer):
    config = layer.get_config()
    assert type(layer).from_config(config).get_config() == config


def test_recognition_lets_a_volume_through_and_asks_for_its_class_in_training_alone():
    layer, volume, classes = networks.Recognition(0.5), np.ones((3, 2, 2, 4), np.float32), np.eye(3, dtype=np.float32)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer([volume, classes], training=False)), volume)
    assert not layer.losses
    np.testing.assert_array_equal(ops.convert_to_numpy(layer([volume, classes], training=True)), volume)
    assert float(layer.losses[0]) > 0
    layer.logits.set_weights([np.zeros((4, 3)), np.zeros(3)])
    layer([volume, classes], training=True)
    assert float(layer.losses[-1]) == pytest.approx(0.5 * np.log(3), rel=1e-5)


def test_kl_is_zero_for_the_prior_and_right_elsewhere():
    layer = networks.Sampling()
    layer([np.zeros((4, 3), np.float32), np.zeros((4, 3), np.float32)])
    assert float(layer.losses[0]) == pytest.approx(0, abs=1e-6)
    mean, log_variance = np.float32([[1.0, -2.0]]), np.float32([[0.5, -1.0]])
    layer([mean, log_variance])
    expected = 0.5 * sum(np.exp(v) + m * m - 1 - v for m, v in zip(mean[0], log_variance[0], strict=True))
    assert float(layer.losses[-1]) == pytest.approx(expected, rel=1e-5)


def test_sampling_has_the_posterior_mean_and_deviation_and_survives_extremes():
    layer = networks.Sampling(seed=1)
    n = 20_000
    z = ops.convert_to_numpy(layer([np.full((n, 1), 2.0, np.float32), np.full((n, 1), np.log(0.25), np.float32)]))
    assert z.mean() == pytest.approx(2, abs=0.02) and z.std() == pytest.approx(0.5, abs=0.02)
    wild = layer([np.zeros((2, 1), np.float32), np.float32([[1e9], [-1e9]])])
    assert np.isfinite(ops.convert_to_numpy(wild)).all() and np.isfinite(float(layer.losses[-1]))


@pytest.mark.parametrize("clip", [True, False])
def test_corruption_is_fresh_and_as_strong_as_asked(clip):
    layer = networks.GaussianCorruption((0.5, 0.5), (0.25, 0.25), clip=clip, seed=2)
    pictures = np.zeros((64, 28, 28, 1), np.float32)
    first, second = (ops.convert_to_numpy(layer(pictures)) for _ in range(2))
    assert not np.array_equal(first, second)
    assert first.mean() == pytest.approx(0.5, abs=0.01)
    assert (first.min() >= 0 and first.max() <= 1) == clip


def test_each_picture_draws_its_own_sigma():
    layer = networks.GaussianCorruption((0.0, 0.0), (0.0, 1.0), clip=False, seed=2)
    spread = ops.convert_to_numpy(layer(np.zeros((256, 28, 28, 1), np.float32))).std(axis=(1, 2, 3))
    assert spread.min() < 0.1 and spread.max() > 0.9


def test_the_sparsity_penalty_is_part_of_the_loss():
    preset = presets.get("digits_sparse")
    losses = {}
    for penalty in (0.0, 1.0):
        keras.utils.set_random_seed(1)
        graph = networks.training_graph(dataclasses.replace(preset, sparsity=penalty), *networks.build(preset))
        graph(np.ones((2, *preset.shape), np.float32))
        losses[penalty] = float(sum(graph.losses)) if graph.losses else 0.0
    assert losses[0.0] == 0 and losses[1.0] > 1


def test_a_two_branch_network_starts_as_pca():
    """Its branches are silent at first, so that what it learns is only ever added to the linear code."""
    preset = dataclasses.replace(presets.get("cats_sketch"), code=8, arguments={"channels": 2})
    pictures = np.random.default_rng(0).random((40, *preset.shape), np.float32)
    encoder, decoder = networks.build(preset)
    pca.start(encoder, decoder, pictures)
    codes = ops.convert_to_numpy(encoder(pictures))
    np.testing.assert_allclose(codes.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(codes.std(axis=0, ddof=1), 1, atol=1e-3)
    logits = np.log(1 / ops.convert_to_numpy(decoder(codes)) - 1) / -8 + 0.5
    centered = (pictures - pictures.mean(axis=0)).reshape(40, -1)
    axes = np.linalg.svd(centered, full_matrices=False)[2][:8]
    linear = centered @ axes.T @ axes + pictures.mean(axis=0).ravel()
    np.testing.assert_allclose(logits.reshape(40, -1), linear, atol=2e-3)


def test_the_published_name_of_the_code():
    assert networks.build(presets.get("fashion_search"))[0].layers[-1].name == "encoder_output"


@pytest.mark.parametrize(("kind", "check"), [
    ("Salt and pepper", lambda noisy, clean: ((noisy == clean) | (noisy == 0) | (noisy == 1)).all()),
    ("Speckle", lambda noisy, clean: (noisy[clean == 0] == 0).all() and noisy.min() >= 0 and noisy.max() <= 1),
    ("Hidden patch", lambda noisy, clean: ((noisy == clean) | (noisy == 0)).all())])
def test_each_kind_of_mixed_noise_does_what_it_says(kind, check):
    clean = np.float32(np.tile(np.linspace(0, 0.9, 28), (32, 28, 1)))[..., None]
    layer = networks.MixedCorruption((0.0, 0.0), (0.0, 0.0), seed=3, kinds={kind: 0.5, "Gaussian": 0.5})
    noisy = np.asarray(layer(clean))
    changed = (noisy != clean).any(axis=(1, 2, 3))
    assert check(noisy, clean) and 4 < changed.sum() < 28            # half of them draw this kind, the rest no noise
    if kind == "Hidden patch":
        hidden = noisy[changed] != clean[changed]
        rows, columns = hidden.any(axis=(2, 3)).sum(axis=1), hidden.any(axis=(1, 3)).sum(axis=1)
        assert ((hidden.sum(axis=(1, 2, 3)) == rows * columns) & (rows <= 20) & (columns <= 20)).all()
