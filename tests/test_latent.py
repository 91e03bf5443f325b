"""Posteriors in numbers; planes, paths and spreads are tested with the pages that show them."""
import numpy as np
import pytest

from ae_core import latent


def test_kl_divergence_of_the_prior_and_of_a_shifted_normal():
    zero = np.zeros((1, 3))
    assert latent.kl_divergence(zero, zero) == pytest.approx([0])
    assert latent.kl_divergence(zero + 2, zero) == pytest.approx([6])
    assert latent.kl_divergence(zero, zero + np.log(4)) == pytest.approx([1.5 * (4 - 1 - np.log(4))])


def test_samples_of_a_posterior_have_its_mean_and_variance():
    mean, log_variance = np.full((20_000, 1), 2.0), np.full((20_000, 1), np.log(0.25))
    samples = latent.sample_posterior(mean, log_variance)
    assert abs(samples.mean() - 2) < 0.02 and abs(samples.std() - 0.5) < 0.02
    np.testing.assert_array_equal(samples, latent.sample_posterior(mean, log_variance, np.random.default_rng(0)))


def test_no_posterior_is_wider_or_narrower_than_in_training():
    mean = np.zeros((1000, 2))
    for extreme, end in zip((-1e3, 1e3), latent.LOG_VARIANCE, strict=True):
        samples = latent.sample_posterior(mean, np.full(mean.shape, extreme))
        assert samples.std() == pytest.approx(np.exp(end / 2), rel=0.1)
        assert np.isfinite(latent.kl_divergence(mean, np.full(mean.shape, extreme))).all()


def test_a_path_goes_on_past_both_ends_at_the_same_pace():
    start, stop = np.float32([1, 0]), np.float32([0, 2])
    path = latent.straight(start, stop, 5, beyond=0.5)
    np.testing.assert_allclose(path[[1, 3]], [start, stop], atol=1e-6)
    np.testing.assert_allclose(np.diff(path, axis=0), np.tile((stop - start) / 2, (4, 1)), atol=1e-6)
    arc = latent.spherical(start, stop, 5, beyond=0.5)
    np.testing.assert_allclose(arc[[1, 3]], [start, stop], atol=1e-6)
    angles = np.unwrap(np.arctan2(arc[:, 1], arc[:, 0]))
    np.testing.assert_allclose(np.diff(angles), np.pi / 4, atol=1e-5)
    assert (np.linalg.norm(latent.spherical(start, 4 * stop, 9, beyond=2.0), axis=1) >= 0).all()


def test_what_sways_a_picture_most_is_found():
    weights = np.float32([0.5, 0.0, 2.0])

    def decode(codes):
        return (codes * weights).sum(axis=1)[:, None, None, None] * np.ones((1, 4, 4, 1), np.float32)
    effect = latent.sway(decode, np.zeros((2, 3), np.float32), np.array([1.0, 5.0, 0.1]))
    np.testing.assert_allclose(effect, [0.5, 0.0, 0.2], atol=1e-6)
