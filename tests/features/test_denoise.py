import numpy as np
import pytest

from ae_core import metrics, model, presets
from ae_core.features import denoise
from ae_core.pictures import convert
from tests.conftest import trained


@pytest.mark.parametrize("kind", denoise.CORRUPTIONS)
def test_every_corruption_is_seeded_and_stays_in_range(kind, digits):
    noisy = denoise.corrupt(digits[0], kind, seed=3)
    assert noisy.shape == digits[0].shape and noisy.dtype == np.float32
    assert noisy.min() >= 0 and noisy.max() <= 1 and not np.array_equal(noisy, digits[0])
    np.testing.assert_array_equal(noisy, denoise.corrupt(digits[0], kind, seed=3))


@pytest.mark.parametrize(("kind", "nothing"), [
    ("Gaussian", {"sigma": 0.0, "mean": 0.0}), ("Salt and pepper", {"share": 0.0}), ("Speckle", {"sigma": 0.0}),
    ("Hidden patch", {"side": 0})])
def test_at_level_zero_nothing_happens(kind, nothing, digits):
    np.testing.assert_allclose(denoise.corrupt(digits[0], kind, **nothing), digits[0], atol=1e-6)


def test_levels_mean_what_they_say():
    gray = np.full((16, 28, 28, 1), 0.5, np.float32)
    rng = np.random.default_rng(0)
    assert (denoise.salt_and_pepper(gray, rng, 0.4) != gray).mean() == pytest.approx(0.4, abs=0.02)
    assert (denoise.hidden_patch(gray, rng, 7) == 0).sum(axis=(1, 2, 3)) == pytest.approx(np.full(16, 49))
    assert convert.add_gaussian(gray, rng, 0.1, 0.2).std() == pytest.approx(0.1, abs=0.01)


def test_a_filter_is_taken_at_its_best_setting(digits):
    pictures = digits[0][:16]
    noisy = denoise.corrupt(pictures, "Gaussian", sigma=0.5, mean=0.0)
    for name, (function, settings) in denoise.FILTERS.items():
        restored, setting = denoise.best_filter(name, pictures, noisy)
        assert setting in settings and restored.shape == pictures.shape
        plain = np.stack([function((picture * 255).astype(np.uint8), settings[0]) for picture in noisy])
        plain = plain.reshape(pictures.shape) / 255
        assert metrics.mse(pictures, restored).mean() <= metrics.mse(pictures, plain).mean() + 1e-3


@pytest.mark.parametrize("name", ["digits_denoiser", "fashion_denoiser"])
def test_the_denoiser_beats_every_filter_twice(name):
    from ae_core.pictures import datasets

    served = model.load(trained(name))
    pictures = datasets.samples(served.preset.dataset)[0][:200]
    row = denoise.evaluate(served, pictures)["noise"]
    assert set(row) == {"0.5", "0.75", "1.0"}
    for scores in row.values():
        assert 2 * scores["mse"] <= min(scores["median_mse"], scores["nlm_mse"]) < scores["noisy_mse"]


def test_a_film_is_every_row_at_every_level(digits):
    served, pictures = model.load(trained("digits_denoiser")), digits[0][:3]
    film = denoise.film({"Ours": served}, pictures, "Gaussian", [0.0, 0.7], 2, ["Median filter"], mean=0.1)
    assert film.names == ["Clean", "Noisy", "Median filter", "Ours"] and film.pictures.shape == (2, 4, 3, 28, 28, 1)
    noisy = denoise.corrupt(pictures, "Gaussian", 2, sigma=0.7, mean=0.1)
    rows = [pictures, noisy, denoise.best_filter("Median filter", pictures, noisy)[0], served.reconstruct(noisy)]
    for found, decibels, expected in zip(film.pictures[1], film.psnr[1], rows, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert decibels == pytest.approx(metrics.psnr(metrics.mse(pictures, expected)).mean(), abs=1e-3)


def test_who_knows_the_most_kinds_of_noise_comes_first():
    names = sorted(("digits_conv", "digits_denoiser", "digits_denoiser_all"),
                   key=lambda name: denoise.order(presets.get(name)))
    assert names == ["digits_denoiser_all", "digits_denoiser", "digits_conv"]


def test_robustness_gives_one_curve_each(digits):
    served = model.load(trained("digits_denoiser"))
    curves = denoise.robustness({"ours": served}, digits[0][:8], (0.0, 0.6))
    assert set(curves) == {"Corrupted", "ours", *denoise.FILTERS}
    assert all(len(curve) == 2 for curve in curves.values())
    assert curves["ours"][1] > curves["Corrupted"][1]


@pytest.mark.parametrize(("kind", "levels"), [
    ("Gaussian", {"sigma": 0.6, "mean": 0.3, "clip": True}), ("Gaussian", {"sigma": 0.6, "mean": 0.3, "clip": False}),
    ("Salt and pepper", {"share": 0.4}), ("Speckle", {"sigma": 0.9}), ("Hidden patch", {"side": 9.0})])
def test_every_corruption_is_affine_in_each_pixel(kind, levels):
    picture = np.random.default_rng(1).random((1, 28, 28, 1), np.float32)
    by, more, clips = denoise.affine(kind, (28, 28, 1), 5, **levels)
    found = picture * by + more
    np.testing.assert_allclose(np.clip(found, 0, 1) if clips else found, denoise.corrupt(picture, kind, 5, **levels),
                               atol=1e-5)


def test_a_model_that_never_saw_noise_is_held_against_one_that_did():
    assert {name: denoise.taught(presets.get(name)) for name in
            ("digits_conv", "digits_stacked", "digits_vae_wide", "fashion_conv", "digits_denoiser", "digits_cvae")} == {
        "digits_conv": "digits_denoiser", "digits_stacked": "digits_stacked_denoiser",
        "digits_vae_wide": "digits_vae_denoiser", "fashion_conv": "fashion_denoiser", "digits_denoiser": None,
        "digits_cvae": None}
    found = denoise.compared("mnist")
    assert {"digits_denoiser", "digits_denoiser_fixed", "digits_conv", "digits_stacked", "digits_vae_wide"} < set(found)
    assert not {"digits_single", "digits_sigmoid", "digits_pca"} & set(found)
    assert denoise.compared("quickdraw_cats") == []


def test_learning_from_noise_is_what_makes_a_denoiser(digits):
    for name in ("digits_conv", "digits_stacked", "digits_vae_wide"):
        other = denoise.taught(presets.get(name))
        clean, taught = (model.load(trained(each)) for each in (name, other))
        noise = taught.preset.corruption
        noisy = denoise.corrupt(digits[0], "Gaussian", sigma=0.5, mean=noise.mean[1], clip=noise.clip)
        assert denoise.run(taught, digits[0], noisy).psnr.mean() > denoise.run(clean, digits[0], noisy).psnr.mean() + 2


def test_the_published_robustness_of_noise_of_one_strength():
    """Measured of the recipe: .0158, .0276 and .0425; the ranged model is the better one at each strength."""
    from ae_core.pictures import datasets

    pictures = datasets.samples("mnist")[0][:1000]
    fixed, ranged = (model.load(trained(f"digits_denoiser{suffix}")) for suffix in ("_fixed", ""))
    errors = []
    for sigma in denoise.SIGMAS:
        noisy = denoise.corrupt(pictures, "Gaussian", denoise.EVALUATION_SEED, sigma=sigma, mean=0.5)
        errors.append([float(metrics.mse(pictures, each.reconstruct(noisy)).mean()) for each in (fixed, ranged)])
    errors = np.array(errors)
    assert (errors[:, 0] < [0.0175, 0.03, 0.045]).all() and (errors[:, 1] < errors[:, 0]).all()
    assert errors[2, 0] - errors[2, 1] > 5 * (errors[0, 0] - errors[0, 1])      # the further away, the more


def test_three_sets_of_nine_are_originals_noise_and_what_is_restored(digits):
    served = model.load(trained("digits_denoiser_fixed"))
    sheet, error = denoise.sets_of_nine(served, digits[0], 0.75)
    assert sheet.dtype == np.uint8 and sheet.shape[0] > 9 * 56 and sheet.shape[1] > 9 * 56
    noisy = denoise.corrupt(digits[0][:27], "Gaussian", denoise.EVALUATION_SEED, sigma=0.75, mean=0.5)
    assert error == pytest.approx(float(metrics.mse(digits[0][:27], served.reconstruct(noisy)).mean()))


def test_a_curve_of_one_model_needs_no_filters(digits, monkeypatch):
    served = model.load(trained("digits_denoiser"))
    curves = denoise.robustness({"ours": served}, digits[0][:8], (0.0, 0.6))
    monkeypatch.setattr(denoise, "best_filter", lambda *_: pytest.fail("a filter was asked"))
    assert denoise.robustness({"ours": served}, digits[0][:8], (0.0, 0.6), filters=False) == {"ours": curves["ours"]}
    assert set(denoise.SIGMAS) <= set(denoise.CURVE_SIGMAS)
