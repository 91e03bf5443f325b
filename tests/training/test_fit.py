"""Training on tiny networks: seconds, not epochs."""
import dataclasses
import json
import os
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from ae_core import families, files, metrics, model, presets, store
from ae_core.pictures import convert, datasets
from ae_core.training import batches, export, fit, losses, networks, optimizers, package, pca, runs
from tests.conftest import random_pictures, tiny

pytestmark = pytest.mark.slow


def fit_quietly(preset, pictures, labels, **options):
    return fit.fit(preset, pictures, labels, verbose=0, **options)


@pytest.fixture
def official_data(tmp_path, digits):
    """A data folder in the official layout with 64 pictures a split."""
    folder = tmp_path / "data"
    folder.mkdir()
    raw = (digits[0][..., 0] * 255).astype(np.uint8)
    np.savez(folder / "mnist.npz", x_train=raw, y_train=digits[1], x_test=raw, y_test=digits[1])
    return folder


@pytest.mark.parametrize("preset", [
    tiny("digits_stacked"), tiny("digits_stacked_denoiser"), tiny("digits_vae"), tiny("digits_cvae"),
    tiny("digits_sparse"), tiny("digits_sparse", loss="ssim"),
    tiny("digits_sigmoid", arguments={"units": (12,), "activation": "sigmoid", "spread": 1.0}),
    tiny("digits_single", arguments={"units": (), "code_activation": "relu"}),
    tiny("digits_conv", arguments={"filters": (2, 2)}), tiny("digits_pooled", arguments={"filters": (2, 4)})],
    ids=lambda preset: preset.name)
def test_every_family_learns(preset, digits):
    _, _, history = fit_quietly(preset, *digits, epochs=4)
    assert history[-1]["loss"] < history[0]["loss"]
    assert ("kl" in history[0]) == preset.variational


@pytest.mark.soak
@pytest.mark.parametrize("name", ["cats_sketch", "cats_sharp", "cats_vae"])
def test_sketches_are_learned(name):
    pictures, labels = datasets.samples("quickdraw_cats", (32, 32, 1))
    _, _, history = fit_quietly(tiny(name, code=8, arguments={"channels": 2}), pictures, labels, epochs=4)
    assert history[-1]["loss"] < history[0]["loss"]


def test_augmentation_mirrors_and_shifts_and_nothing_else():
    pictures = np.zeros((200, 9, 9, 1), np.float32)
    pictures[:, 4, 2] = 1
    moved = batches.augment(pictures, presets.Augmentation(mirror=True, shift=1), np.random.default_rng(0))
    assert moved.shape == pictures.shape and (moved.sum(axis=(1, 2, 3)) == 1).all()
    places = {(int(row), int(column)) for _, row, column, _ in np.argwhere(moved)}
    assert places == {(row, column) for row in (3, 4, 5) for column in (1, 2, 3, 5, 6, 7)}
    still = batches.augment(pictures, presets.Augmentation(mirror=False, shift=0), np.random.default_rng(0))
    np.testing.assert_array_equal(still, pictures)


def test_only_pictures_to_train_on_are_augmented_and_the_target_with_them():
    preset = tiny("cats_sketch", batch_size=50)
    pictures = datasets.samples("quickdraw_cats")[0][:100]
    shown = batches.Batches(preset, pictures, np.zeros(100, int))
    np.testing.assert_array_equal(shown[0][0], pictures[:50])
    shown.shuffle(0, 0)
    seen, wanted = shown[0]
    assert seen is wanted and not np.array_equal(seen, pictures[shown.order[:50]])
    np.testing.assert_array_equal(shown[0][0], seen)


def test_a_mixture_is_split_as_published(monkeypatch):
    """80 % of one class with 1 % of another, from the shipped pictures where no others are here."""
    pictures, labels = datasets.samples("fashion_mnist")
    mixed = datasets.mix(pictures, labels, 5, 0)
    monkeypatch.setattr(datasets, "load", lambda *_: (pictures, labels))
    trained, their_labels = fit.training_set(presets.get("sandals_outliers"))
    assert len(trained) == int(0.8 * len(mixed.rows)) and set(their_labels) == {0, 5}


def test_the_sharp_loss_fines_gray():
    black, gray = np.zeros((1, 2, 2, 1), np.float32), np.full((1, 2, 2, 1), 0.5, np.float32)
    plain = keras.losses.binary_crossentropy(black, gray)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(losses.sharp(black, gray, 0.3) - plain), 0.3, rtol=1e-5)
    assert float(keras.ops.max(losses.sharp(black, black, 0.3))) < 1e-5


def test_structural_similarity_is_scikit_images():
    x = random_pictures(3, (32, 32, 3))
    y = np.clip(x + 0.1 * random_pictures(3, (32, 32, 3), seed=1), 0, 1)
    ours = keras.ops.convert_to_numpy(losses.similarity(x, y))
    np.testing.assert_allclose(ours, metrics.ssim(x, y), atol=0.01)     # which leaves the border out
    np.testing.assert_allclose(keras.ops.convert_to_numpy(losses.structure(x, x)), 0, atol=1e-4)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(losses.dissimilarity(x, y)), 1 - ours, atol=1e-6)


def test_paleness_is_fined_and_color_is_not():
    wanted = 0.2 * random_pictures(1, (4, 4, 2))
    errors = {share: float(losses.color_error(wanted, share * wanted)[0]) for share in (0.2, 0.7, 1.0)}
    assert errors[0.2] > errors[0.7] > errors[1.0]
    unfined = {share: float(losses.color_error(wanted, share * wanted, fine=0)[0]) for share in errors}
    assert errors[0.2] > unfined[0.2] + 0.2 and errors[1.0] == unfined[1.0]


def test_one_tint_over_all_is_less_colorful_than_as_many_colors_apart():
    tint = np.full((1, 4, 4, 2), 0.2, np.float32)
    apart = tint * np.where(np.arange(4) < 2, 1, -1)[:, None].astype(np.float32)
    assert 3 * float(losses.colorfulness(tint)[0]) < float(losses.colorfulness(apart)[0])


PHOTO_COLORIZER = tiny("photo_colorizer", arguments={"filters": (4, 4, 8, 8, 8)}, batch_size=8)


def photo_batches():
    photos = random_pictures(30, PHOTO_COLORIZER.training_shape)
    shown = batches.PhotoBatches(PHOTO_COLORIZER, photos, np.arange(30) % 10)
    shown.shuffle(0, 0)
    return shown


def test_a_colorizer_sees_every_photograph_once_at_mixed_sizes():
    shown = photo_batches()
    assert sorted(shown.order) == list(range(30)) and len(shown) == 4
    seen = [shown[k] for k in range(len(shown))]
    for (lightness, classes), chroma in seen:
        assert lightness.shape[-1] == 1 and chroma.shape[-1] == 2 and (classes.sum(axis=1) == 1).all()
        assert [4 * side for side in chroma.shape[1:3]] == list(lightness.shape[1:3])
        assert lightness.min() >= 0 and lightness.max() <= 1
    assert seen[0][1].shape[1] != seen[1][1].shape[1]           # or Keras would take all for one size


def test_batches_of_photographs_depend_on_seed_and_epoch_alone():
    one, same, other = photo_batches(), photo_batches(), photo_batches()
    np.testing.assert_array_equal(one[0][1], same[0][1])
    other.shuffle(0, 1)
    assert not np.array_equal(one[0][1], other[0][1])
    other.shuffle(0, 0)
    np.testing.assert_array_equal(one[3][1], other[3][1])


def test_photographs_to_check_with_are_whole():
    photos = random_pictures(8, PHOTO_COLORIZER.training_shape)
    (lightness, classes), _ = batches.PhotoBatches(PHOTO_COLORIZER, photos, np.arange(8))[0]
    np.testing.assert_allclose(lightness, convert.to_lab(photos)[0])
    np.testing.assert_array_equal(classes, np.eye(10)[:8])


def test_a_window_keeps_lightness_and_chroma_together():
    """A ramp cut out, mirrored and enlarged is a ramp still, and not the same for every picture."""
    ramp = np.broadcast_to(np.linspace(0, 1, 128, dtype=np.float32)[:, None], PHOTO_COLORIZER.training_shape)
    cut = batches.windows(np.stack([ramp] * 8), 80, 96, np.random.default_rng(0))
    assert cut.shape == (8, 96, 96, 3)
    np.testing.assert_allclose(np.abs(np.diff(cut[:, 40, 2:-2, 0], axis=1)), 80 / 96 / 127, atol=1e-4)
    assert len(np.unique(cut[:, 0, 0, 0])) > 4


@pytest.mark.soak
def test_a_colorizer_of_photographs_learns(monkeypatch):
    monkeypatch.setattr(batches, "SIDES", (32, 64))
    monkeypatch.setattr(batches, "WINDOWS", (48, 64))
    monkeypatch.setitem(families.FAMILIES, PHOTO_COLORIZER.network,
                        dataclasses.replace(PHOTO_COLORIZER.family, training_shape=(64, 64, 3)))
    photos = np.linspace(0, 1, 24, dtype=np.float32)[:, None, None, None] * np.float32([1.0, 0.5, 0.2])
    photos = np.broadcast_to(photos, (24, 64, 64, 3))
    _, _, history = fit_quietly(PHOTO_COLORIZER, photos, np.arange(24) % 10, epochs=6)
    assert history[-1]["loss"] < history[0]["loss"] - 0.3


def test_one_operation_steps_as_adam_does():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(20, 30)).astype(np.float32)
    ours, theirs = keras.Variable(start), keras.Variable(start)
    pairs = [(optimizers.Adam(0.01), ours), (keras.optimizers.Adam(0.01), theirs)]
    for _ in range(5):
        gradient = rng.normal(size=start.shape).astype(np.float32)
        for optimizer, variable in pairs:
            optimizer.apply([gradient], [variable])
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert np.abs(keras.ops.convert_to_numpy(ours) - start).mean() > 0.01


def test_muon_steps_a_convolution_in_every_direction_alike():
    """Whatever the gradient, the step of a kernel has nearly equal singular values; small kernels are left to Adam."""
    rng = np.random.default_rng(0)
    kernel, small = (keras.Variable(rng.normal(size=(3, 3, depth, 32)).astype(np.float32)) for depth in (8, 1))
    muon = optimizers.Muon(0.01, weight_decay=None)
    muon.build([kernel, small])
    before = keras.ops.convert_to_numpy(kernel)
    steep = (rng.normal(size=(72, 32)) * np.geomspace(1, 1e-2, 32)).astype(np.float32).reshape(kernel.shape)
    muon.apply([steep, np.ones(small.shape, np.float32)], [kernel, small])
    step = (keras.ops.convert_to_numpy(kernel) - before).reshape(72, 32)
    lengths = np.linalg.svd(step, compute_uv=False)
    assert lengths[0] < 3 * lengths[-1] and (step * steep.reshape(72, 32)).sum() < 0
    assert not muon._should_use_adamw(kernel) and muon._should_use_adamw(small)


def test_bfloat16_trains_float32_weights(digits):
    encoder, decoder, history = fit_quietly(tiny("digits_vae"), *digits, precision="mixed_bfloat16")
    assert history[-1]["loss"] < history[0]["loss"]
    assert all(weights.dtype == np.float32 for weights in encoder.get_weights() + decoder.get_weights())
    assert {layer.compute_dtype for layer in decoder.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.soak
def test_a_processor_trains_in_what_it_is_fastest_in_and_a_resumed_run_in_what_it_began(digits, monkeypatch, tmp_path):
    def precision():
        return runs.saved_run(tmp_path / "run")["precision"]

    for flags, wanted in (("avx512f avx512_bf16", "mixed_bfloat16"), ("avx2", "float32")):
        monkeypatch.setattr(fit.Path, "read_text", lambda *_, flags=flags: f"flags : fpu {flags} sse2\n")
        monkeypatch.setattr(fit.Path, "is_file", lambda _: True)
        assert fit.fastest_precision() == wanted
        monkeypatch.undo()
    fit_quietly(tiny(), *digits, epochs=2, folder=tmp_path / "run")
    assert precision() == fit.fastest_precision()
    fit_quietly(tiny(), *digits, epochs=2, folder=tmp_path / "run", precision="float32", more_callbacks=[Stop(1)])
    fit_quietly(tiny(), *digits, epochs=2, folder=tmp_path / "run", resume=True)
    assert precision() == "float32"


def test_many_small_batches_are_computed_in_one_go(digits):
    """The last go of an epoch has fewer; every batch counts, once."""
    assert [fit.stride(presets.get(name)) for name in ("digits_conv", "faces_vae", "photo_colorizer")] \
        == [25, 1, 1]
    steps = []
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: steps.append(int(count.model.optimizer.iterations)))
    fit_quietly(tiny(batch_size=1), *digits, epochs=2, more_callbacks=[count])
    assert steps == [58, 116]                    # 6 of 64 pictures are kept aside


@pytest.mark.soak
def test_the_same_seed_gives_the_same_weights(digits):
    first, second, other = (fit_quietly(tiny(), *digits, seed=seed)[0].get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


class Stop(keras.callbacks.Callback):
    """Ctrl-C at the end of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.soak
def test_a_resumed_run_has_the_losses_of_an_unbroken_one(digits):
    preset = tiny("digits_vae", corruption=presets.Corruption((0, 0.5), (0, 1)))
    unbroken = fit_quietly(preset, *digits, epochs=4)[2]
    fit_quietly(preset, *digits, epochs=4, more_callbacks=[Stop(2)])
    resumed = fit_quietly(preset, *digits, epochs=4, resume=True)[2]
    assert [row["epoch"] for row in resumed] == [1, 2, 3, 4]
    for a, b in zip(unbroken, resumed, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-5)
        assert a["val_loss"] == pytest.approx(b["val_loss"], rel=1e-5)


@pytest.mark.soak
def test_a_resumed_run_goes_on_counting_toward_its_early_end(digits):
    """Neither a plateau nor the patience begins anew: the losses and the last epoch are the same."""
    preset = tiny(schedule="plateau", learning_rate=0.3)
    unbroken = fit_quietly(preset, *digits, epochs=40)[2]
    fit_quietly(preset, *digits, epochs=40, more_callbacks=[Stop(8)])
    for stop in (12, 16):
        fit_quietly(preset, *digits, epochs=40, resume=True, more_callbacks=[Stop(stop)])
    resumed = fit_quietly(preset, *digits, epochs=40, resume=True)[2]
    assert len(resumed) == len(unbroken) < 40
    assert [row["val_loss"] for row in resumed] == pytest.approx([row["val_loss"] for row in unbroken], rel=1e-5)
    assert runs.plateau(preset, resumed) < 0.1
    assert fit_quietly(preset, *digits, epochs=40, resume=True)[2] == resumed    # a run that has ended does not go on


@pytest.mark.soak
@pytest.mark.parametrize("moment", ["save_weights", "write_bytes", "unlink"])
def test_a_run_that_dies_while_it_is_kept_resumes_the_same(digits, monkeypatch, moment):
    """Between any two steps of writing an epoch, the weights and the history on disk fit together."""
    whole = fit_quietly(tiny(), *digits, epochs=4)[2]
    owner = {"save_weights": keras.Model, "write_bytes": Path, "unlink": files}[moment]
    works, calls = getattr(owner, moment), []

    def dies(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError("killed")
        return works(*arguments, **options)
    with monkeypatch.context() as patched, pytest.raises(OSError, match="killed"):
        patched.setattr(owner, moment, dies)
        fit_quietly(tiny(), *digits, epochs=4)
    resumed = fit_quietly(tiny(), *digits, epochs=4, resume=True)[2]
    assert [row["loss"] for row in resumed] == pytest.approx([row["loss"] for row in whole], rel=1e-5)


def test_an_interrupted_run_keeps_its_best_epoch(digits):
    preset = tiny(schedule="plateau")
    encoder, _, history = fit_quietly(preset, *digits, epochs=50, more_callbacks=[Stop(3)])
    assert len(history) == 3
    again = fit_quietly(preset, *digits, epochs=3, restart=True)[0]
    assert all(np.allclose(a, b) for a, b in zip(encoder.get_weights(), again.get_weights(), strict=True))


@pytest.mark.soak
@pytest.mark.parametrize("moment", ["save_weights", "fsync", "replace", "unlink"])
def test_an_interrupt_while_an_epoch_is_kept_costs_no_epoch_before_it(digits, monkeypatch, moment):
    """What was in memory alone was taken for the best epoch, and its weights were not there."""
    owner = keras.Model if moment == "save_weights" else os
    works, calls = getattr(owner, moment), []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 4 or moment == "save_weights" and len(calls) == 2:
            raise KeyboardInterrupt
        return works(*arguments, **options)
    with monkeypatch.context() as patched:
        patched.setattr(owner, moment, interrupted)
        encoder, _, history = fit_quietly(tiny(), *digits, epochs=4)
    state = runs.saved_run(store.runs_folder("digits_stacked"))
    assert state["history"] == history and 0 < len(history) < 4 and not state["ended"]
    again = fit_quietly(tiny(), *digits, epochs=4, resume=True)[2]
    assert [row["epoch"] for row in again] == [1, 2, 3, 4] and again[:len(history)] == history
    assert all(np.isfinite(weights).all() for weights in encoder.get_weights())


@pytest.mark.soak
def test_a_new_run_gives_up_an_interrupted_one_only_when_asked(digits):
    fit_quietly(tiny(), *digits, epochs=4, more_callbacks=[Stop(2)])
    folder = store.runs_folder("digits_stacked")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ValueError, match="interrupted after 2 of 4 epochs.*--resume.*--restart"):
        fit_quietly(tiny(), *digits, epochs=4)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert len(fit_quietly(tiny(), *digits, epochs=4, restart=True)[2]) == 4
    assert len(fit_quietly(tiny(), *digits, epochs=1)[2]) == 1           # of one that has ended nothing is lost


def test_a_folder_has_one_trainer(digits):
    fit_quietly(tiny(), *digits)
    folder = store.runs_folder("digits_stacked")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with files.lock(folder.with_name("digits_stacked.lock")) as mine:
        assert mine
        for options in ({}, {"resume": True}, {"restart": True}):
            with pytest.raises(ValueError, match="Another process is training digits_stacked"):
                fit_quietly(tiny(), *digits, **options)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_resuming_nothing_gets_a_sentence(digits):
    with pytest.raises(ValueError, match="no run of digits_stacked to resume"):
        fit_quietly(tiny(), *digits, resume=True)


def test_a_loss_that_is_not_a_number_gets_a_sentence(digits):
    with pytest.raises(ValueError, match="was not a number"):
        fit_quietly(tiny(learning_rate=float("nan")), *digits)


@pytest.mark.parametrize("pictures", [random_pictures(1), random_pictures(0), random_pictures(8, (28, 27, 1))])
def test_too_little_to_train_on_gets_a_sentence(pictures):
    with pytest.raises(ValueError, match="at least 2 pictures of shape"):
        fit_quietly(tiny(), pictures, np.zeros(len(pictures), int))


def test_the_learning_rate_falls_on_a_plateau_or_along_a_cosine():
    cosine = runs.cosine(tiny(learning_rate=1.0), 10)
    rates = [cosine.schedule(epoch) for epoch in range(11)]
    assert rates[0] == 1 and rates == sorted(rates, reverse=True) and rates[-1] == pytest.approx(0.01)
    falling = [{"epoch": k, "val_loss": 1 / k} for k in range(1, 9)]
    stuck = [{"epoch": k, "val_loss": 1.0} for k in range(9, 20)]
    rates = [runs.plateau(tiny(learning_rate=1.0), (falling + stuck)[:epoch]) for epoch in range(20)]
    assert rates[:13] == [1.0] * 13 and rates[13:18] == pytest.approx([0.1**0.5] * 5) and rates[18] < rates[17]


def test_the_loss_is_the_weighted_mean_over_pixels():
    x, y = random_pictures(3), random_pictures(3, seed=1)
    for loss, expected in (("mse", np.mean((x - y) ** 2, (1, 2, 3))),
                           ("bce", -np.mean(x * np.log(y + 1e-7) + (1 - x) * np.log(1 - y + 1e-7), (1, 2, 3)))):
        preset = dataclasses.replace(presets.get("digits_vae"), loss=loss)
        measured = keras.ops.convert_to_numpy(losses.of(preset)(x, y))
        np.testing.assert_allclose(measured, 784 * expected, rtol=1e-3)


def test_batches_are_shuffled_by_seed_and_epoch_and_leave_none_out():
    pictures = np.arange(50, dtype=np.float32).reshape(50, 1, 1, 1)
    shown = batches.Batches(tiny(batch_size=8), pictures, np.zeros(50, int))

    def order(seed, epoch):
        shown.shuffle(seed, epoch)
        return list(np.concatenate([shown[k][0] for k in range(len(shown))]).ravel())
    assert sorted(order(3, 0)) == list(range(50))
    assert order(3, 0) == order(3, 0) and order(3, 0) != order(3, 1) and order(3, 0) != order(4, 0)


def test_trained_weights_are_served(own_store, official_data, digits):
    stored, replaced = fit.train(tiny("digits_cvae"))
    assert replaced and stored.card["training"]["epochs"] == 2
    served = model.load("digits_cvae")
    encoder, decoder = export.load_keras(stored.path("model.keras"))
    labels = np.eye(10, dtype=np.float32)[digits[1]]
    mean = keras.ops.convert_to_numpy(encoder([digits[0], labels])[0])
    np.testing.assert_allclose(served.encode(*digits), mean, atol=1e-4)
    rebuilt = keras.ops.convert_to_numpy(decoder([mean, labels]))
    np.testing.assert_allclose(served.reconstruct(*digits), rebuilt, atol=2e-3)


@pytest.mark.soak
def test_a_resumed_run_remembers_its_seed_batch_size_and_epochs(own_store, official_data, monkeypatch):
    """What was started with --seed 5 --batch-size 8 goes on so, whatever the registry says by then."""
    started = tiny(batch_size=8)
    fit_whole = fit.fit
    monkeypatch.setattr(fit, "fit", lambda *a, **k: fit_whole(*a, **k, more_callbacks=[Stop(2)]))
    fit.train(started, epochs=4, seed=5)
    monkeypatch.setattr(fit, "fit", fit_whole)
    resumed, _ = fit.train(tiny(), resume=True, replace=True)
    unbroken, _ = fit.train(started, epochs=4, seed=5, replace=True)
    assert resumed.preset.batch_size == 8 and resumed.card["training"]["epochs"] == 4
    assert resumed.card["training"] == unbroken.card["training"]


@pytest.mark.soak
def test_damaged_weights_and_weights_of_another_loss_are_no_rivals(own_store, official_data):
    stored, _ = fit.train(tiny(), epochs=6)
    assert fit.train(tiny(reconstruction_weight=1000.0), epochs=1)[1]
    stored.path("encoder.onnx").write_bytes(b"damaged")
    assert fit.train(tiny(), epochs=1)[1]
    store.read("digits_stacked")


@pytest.mark.soak
def test_better_weights_are_not_replaced_by_worse(own_store, official_data):
    kept, _ = fit.train(tiny(), epochs=6)
    stays, replaced = fit.train(tiny(), epochs=1)
    assert not replaced and stays.card == kept.card
    assert fit.train(tiny(), epochs=1, replace=True)[1]
    assert store.read("digits_stacked").card["training"]["epochs"] == 1


@pytest.mark.soak
def test_weights_scored_on_other_pictures_stay(own_store, official_data):
    """A loss of other pictures says nothing: floats in place of bytes, divided by 255 again, have a far lower one."""
    kept, _ = fit.train(tiny(), epochs=2)
    with np.load(official_data / "mnist.npz") as arrays:
        other = {name: values // 9 if name.startswith("x") else values for name, values in arrays.items()}
    np.savez(official_data / "mnist.npz", **other)
    stays, replaced = fit.train(tiny(), epochs=1)
    assert not replaced and stays.card == kept.card == store.read("digits_stacked").card
    assert not fit.measured_on(stays, fit.training_set(tiny())[0])
    replacing, replaced = fit.train(tiny(), epochs=1, replace=True)
    assert replaced and fit.measured_on(replacing, fit.training_set(tiny())[0])


@pytest.mark.soak
def test_a_card_that_does_not_say_what_it_was_scored_on_counts_as_another(own_store, official_data):
    stored, _ = fit.train(tiny(), epochs=1)
    card = {**stored.card, "training": {key: stored.card["training"][key] for key in ("seed", "epochs", "val_loss")}}
    (stored.folder / "preset.json").write_text(json.dumps(card))
    stays, replaced = fit.train(tiny(), epochs=6)
    assert not replaced and stays.card == card


@pytest.mark.soak
def test_exporting_again_changes_no_number(own_store, official_data, digits):
    fit.train(tiny())
    before = model.load("digits_stacked").reconstruct(digits[0])
    (own_store / "digits_stacked" / "encoder.onnx").write_bytes(b"damaged")
    with pytest.raises(store.WeightsDamaged):
        model.load("digits_stacked")
    package.export_again("digits_stacked")
    np.testing.assert_allclose(model.load("digits_stacked").reconstruct(digits[0]), before, atol=1e-6)


def test_a_tampered_keras_file_is_not_signed_anew(own_store, official_data):
    stored, _ = fit.train(tiny())
    stored.path("model.keras").write_bytes(b"tampered")
    with pytest.raises(store.WeightsDamaged, match="model.keras.*train digits_stacked"):
        package.export_again("digits_stacked")


def test_half_precision_halves_the_files_and_changes_little(tmp_path, digits):
    preset = tiny(arguments={"units": (256,)})
    encoder, decoder, _ = fit_quietly(preset, *digits, epochs=1)
    before = keras.ops.convert_to_numpy(decoder(encoder(digits[0])))
    written = export.write(preset, encoder, decoder, tmp_path)
    weights = sum(w.size for w in encoder.get_weights())
    assert written["encoder.onnx"].stat().st_size < 2.2 * weights + 20_000
    after = keras.ops.convert_to_numpy(decoder(encoder(digits[0])))
    assert np.abs(after - before).max() < 2e-3
    assert b"quantization_config" not in zipfile.ZipFile(written["model.keras"]).read("config.json")
    again = export.load_keras(written["model.keras"])[0]
    assert all(np.array_equal(a, b) for a, b in zip(again.get_weights(), encoder.get_weights(), strict=True))


@pytest.mark.soak
def test_a_variance_beyond_half_precision_is_kept(tmp_path):
    """float16 ends at 65,504; rounded to infinity, a variance would silence its channel."""
    preset = dataclasses.replace(presets.get("photo_colorizer"), arguments={"filters": (4, 4, 4, 4, 4)})
    encoder, decoder = networks.build(preset)
    layer = next(each for each in encoder.layers if isinstance(each, keras.layers.BatchNormalization))
    layer.set_weights([*layer.get_weights()[:3], np.full(4, 4e7, np.float32)])
    written = export.write(preset, encoder, decoder, tmp_path)
    assert b"ae_core" not in zipfile.ZipFile(written["model.keras"]).read("config.json")     # Keras alone can read it
    again, _ = export.load_keras(written["model.keras"])
    assert any(np.allclose(weights, 4e7) for weights in again.get_weights() if weights.shape == (4,))
    assert all(np.isfinite(weights).all() for weights in encoder.get_weights())


@pytest.mark.soak
def test_a_normalized_convolution_is_exported_as_it_is(tmp_path):
    """The scale of a batch normalization is multiplied into the weights, which must not be rounded again."""
    import onnxruntime

    preset = dataclasses.replace(presets.get("photo_colorizer"), arguments={"filters": (4, 8, 8, 8, 16)})
    rng, pictures = np.random.default_rng(0), random_pictures(2, (64, 96, 1))
    encoder, decoder = networks.build(preset)
    for layer in encoder.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.3, 1.5, weight.shape) for weight in layer.get_weights()])
    written = export.write(preset, encoder, decoder, tmp_path)
    session = onnxruntime.InferenceSession(written["encoder.onnx"], providers=["CPUExecutionProvider"])
    volumes = session.run([f"level_{level}" for level in range(4)], {"picture": pictures})
    for ours, exact in zip(volumes, encoder(pictures), strict=True):
        np.testing.assert_allclose(ours, exact, atol=2e-5 * float(np.abs(exact).max()))


def test_pca_in_closed_form_is_the_best_linear_code(digits):
    preset = dataclasses.replace(presets.get("digits_pca"), code=8)
    encoder, decoder = pca.fit(preset, digits[0])
    rebuilt = keras.ops.convert_to_numpy(decoder(encoder(digits[0])))
    centered = digits[0].reshape(64, -1) - digits[0].reshape(64, -1).mean(0)
    left_over = (np.linalg.svd(centered, compute_uv=False)[8:] ** 2).sum() / centered.size
    assert ((rebuilt - digits[0]) ** 2).mean() == pytest.approx(left_over, rel=1e-3)


def test_a_run_on_disk_is_always_whole(digits, tmp_path):
    fit_quietly(tiny(), *digits)
    folder = store.runs_folder("digits_stacked")
    assert folder.is_relative_to(tmp_path)
    assert {path.name for path in folder.iterdir()} == {"epoch_0002.weights.h5", "state.json"}
    assert len(json.loads((folder / "state.json").read_text())["history"]) == 2


def test_missing_data_is_said_before_anything_starts(own_store):
    with pytest.raises(datasets.DataMissing):
        fit.train(presets.get("digits_conv"))


@pytest.mark.parametrize("name", ["digits_stacked", "digits_vae"])
def test_a_network_that_was_warmed_trains_to_the_same_numbers(digits, tmp_path, name):
    preset = tiny(name)
    new = fit_quietly(preset, *digits, folder=tmp_path / "new", precision="float32")
    built = fit.build(dataclasses.replace(preset, title="Another", epochs=9), *digits[:1], 0, "float32")
    fit.warm(built, *digits)
    warmed = fit_quietly(preset, *digits, folder=tmp_path / "warmed", precision="float32", built=built)
    assert warmed[2] == new[2] and built.encoder is not None and int(built.graph.optimizer.iterations) > 0
    assert not built.fits(preset, 1, "float32") and not built.fits(tiny(name, batch_size=8), 0, "float32")
