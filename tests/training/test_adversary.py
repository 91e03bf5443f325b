"""The second stage: what either side learns from, what it begins with, and that it goes on where it was stopped."""
import dataclasses

import numpy as np
import pytest
from keras import ops

from ae_core import metrics, model, presets, store
from ae_core.pictures import datasets
from ae_core.training import adversary, batches, fit, losses, networks, package, runs
from tests import conftest
from tests.training.test_fit import Stop, fit_quietly

pytestmark = pytest.mark.slow

SMALL = conftest.tiny(
    "faces_vae_sharp", code=6, shape=(32, 32, 3), arguments={"filters": (8, 8), "batch_norm": True, "up": 4},
    adversary=presets.Adversary("faces_vae", filters=(8, 12), patch_filters=(8,)))
PLAIN = dataclasses.replace(SMALL, name="faces_vae", adversary=None,
                            arguments={**SMALL.arguments, "up": 3}, learning_rate=1e-3)


@pytest.fixture
def photos():
    return conftest.photograph_crops(64, (32, 32, 3))


@pytest.fixture
def first_stage(own_store, photos):
    """The weights that the second one begins with, in a store of their own; nothing else is there."""
    encoder, decoder, _ = fit_quietly(PLAIN, photos, np.zeros(64, int), epochs=2)
    return package.keep(PLAIN, encoder, decoder, {"epochs": 2}, (photos[:8], np.zeros(8, int)))


def gradients(loss, variables):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch([value for value in variables if isinstance(value, tf.Tensor)])
        value = loss()
    return tape.gradient(value, variables)


def test_what_a_fixed_critic_says_reaches_the_pictures_alone():
    critic, pictures = adversary.Critic((4, 8)), ops.convert_to_tensor(conftest.random_pictures(2, (16, 16, 3)))
    critic(pictures)
    kernels = [kernel.value for kernel in critic.kernels]
    for fixed in (True, False):
        to_pictures, *to_kernels = gradients(lambda fixed=fixed: ops.sum(critic(pictures, fixed=fixed)[0]),
                                             [pictures, *kernels])
        assert np.abs(to_pictures).max() > 0
        assert [gradient is None for gradient in to_kernels] == [fixed] * 3


def test_kernels_count_by_their_largest_singular_value():
    """Whatever their size, the answer is the same, and in the end none stretches anything."""
    critic, pictures = adversary.Critic((4, 8)), conftest.random_pictures(2, (16, 16, 3))
    for _ in range(40):
        critic(pictures, training=True)
    for k in range(3):
        kernel = ops.convert_to_numpy(critic._normalized(k, False))
        assert np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), 2) == pytest.approx(1, rel=0.02)
    before = ops.convert_to_numpy(critic(pictures)[0])
    for kernel in critic.kernels:
        kernel.assign(3 * kernel)
    np.testing.assert_allclose(ops.convert_to_numpy(critic(pictures)[0]), before, atol=1e-4)


def test_the_critics_learn_nothing_from_what_flatters_the_decoder():
    """Their loss is the hinge alone: without it their kernels stay as they are."""
    layer = adversary.Adversary(SMALL)
    real, drawn = (conftest.random_pictures(4, (32, 32, 3), seed) for seed in (0, 1))
    for _ in range(40):                          # until the singular values stand still
        layer([real, drawn], training=True)
    kernels = [kernel.value for critic in layer.critics for kernel in critic.kernels]

    def only(hinged):
        def loss():
            layer([real, drawn], training=True)
            said, scale = layer.losses[-1], SMALL.reconstruction_weight
            both = np.concatenate([real, drawn])
            fines = sum(adversary.hinge(*ops.split(critic(both)[0], 2)) for critic in layer.critics)
            return scale * fines if hinged else said - scale * fines
        return [0 if each is None else np.abs(each).max() for each in gradients(loss, kernels)]
    whole = only(True)
    assert min(whole) > 0 and max(only(False)) < 1e-2 * max(whole)


def test_its_layers_survive_their_configuration():
    critic = adversary.Critic((4, 8), name="patches")
    again = adversary.Critic.from_config(critic.get_config())
    assert (again.filters, again.name) == ((4, 8), "patches")


def test_power_and_grid_are_those_that_are_measured():
    real, drawn = (conftest.random_pictures(6, (64, 64, 3), seed) for seed in (0, 1))
    drawn = 0.5 * drawn + 0.2 * np.roll(drawn, 1, axis=1)
    ratio = metrics.power(drawn) / metrics.power(real)
    assert float(losses.power_error(real, drawn)) == pytest.approx(np.square(np.log(ratio)).mean(), rel=1e-3)
    drawn[:, ::2, ::2] += 0.3
    assert float(losses.grid_error(drawn)) == pytest.approx(np.log(metrics.grid(drawn)), rel=1e-3)


@pytest.mark.soak
def test_it_begins_as_the_first_stage_draws(first_stage):
    encoder, decoder = networks.build(SMALL)
    package.begin(SMALL, encoder, decoder)
    codes = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    np.testing.assert_allclose(decoder.predict(codes, verbose=0), model.load(PLAIN.name).decode(codes), atol=1e-3)
    assert not encoder.trainable_weights
    assert sum(weights.shape[:2] == (4, 4) for weights in decoder.get_weights()) == 2


@pytest.mark.soak
def test_the_encoder_stays_and_the_lost_power_comes_back(first_stage, photos):
    """Codes are equal bit for bit, and so is all that is known of them."""
    before = model.load(PLAIN.name)
    encoder, decoder, history = fit_quietly(dataclasses.replace(SMALL, learning_rate=2e-3), photos, np.zeros(64, int),
                                            epochs=8)
    np.testing.assert_allclose(encoder.predict(photos, verbose=0)[0], before.encode(photos), atol=2e-2)
    kept = package.keep(SMALL, encoder, decoder, {"epochs": 8}, (photos[:8], np.zeros(8, int)))
    assert kept.card["sha256"]["encoder.onnx"] != kept.card["sha256"]["decoder.onnx"]
    np.testing.assert_array_equal(model.load(SMALL.name).encode(photos), before.encode(photos))
    assert history[-1]["power_8"] > history[0]["power_8"]
    assert {"mse", "ssim", "grid", "power_1", "power_2", "power_4"} <= set(history[0]) and "kl" not in history[0]


@pytest.mark.soak
def test_a_resumed_second_stage_has_the_losses_of_an_unbroken_one(first_stage, photos):
    whole = fit_quietly(SMALL, photos, np.zeros(64, int), epochs=3)[2]
    fit_quietly(SMALL, photos, np.zeros(64, int), epochs=3, more_callbacks=[Stop(1)])
    resumed = fit_quietly(SMALL, photos, np.zeros(64, int), epochs=3, resume=True)[2]
    assert [row["val_loss"] for row in resumed] == pytest.approx([row["val_loss"] for row in whole], rel=1e-4)


def test_without_the_first_stage_a_sentence_says_what_to_train(own_store, photos):
    with pytest.raises(store.WeightsMissing, match="python -m ae_core train faces_vae"):
        fit_quietly(SMALL, photos, np.zeros(64, int))
    assert not list(store.runs_folder(SMALL.name).glob("epoch_*"))


def test_faces_without_labels_are_trained_on_too(tmp_path, monkeypatch):
    """They come first: the last pictures, which are kept aside, are of the data set itself."""
    from PIL import Image

    conftest.celeba(tmp_path / "data", 530)
    (tmp_path / "data" / "faces_lfw").mkdir()
    Image.new("RGB", (64, 64), (255, 0, 0)).save(tmp_path / "data" / "faces_lfw" / "a.webp", lossless=True)
    pictures, labels = fit.training_set(presets.get("faces_vae_sharp"))
    celeba = datasets.load("celeba")[0]
    assert len(pictures) == len(labels) == 31 and len(celeba) == 30
    np.testing.assert_allclose(pictures[[0]][0, 30, 30], [1, 0, 0], atol=0.01)
    np.testing.assert_array_equal(pictures[[1, 30]], celeba[[0, 29]])
    assert batches.fingerprint(pictures) == batches.fingerprint(celeba)


@pytest.mark.soak
def test_two_stages_are_no_rivals(first_stage):
    """Their losses measure different things."""
    assert fit._rival(PLAIN) is not None
    assert fit._rival(dataclasses.replace(PLAIN, adversary=presets.Adversary("faces_vae"))) is None
    assert isinstance(runs.callbacks(SMALL, 2, first_stage.folder, {"history": []}, batches.Batches(
        SMALL, np.zeros((2, 32, 32, 3)), np.zeros(2, int)))[0], runs.Measure)
