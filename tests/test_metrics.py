import numpy as np
import pytest

from ae_core import metrics
from tests.conftest import random_pictures


def test_mse_and_psnr_of_a_known_difference():
    pictures = np.zeros((2, 4, 4, 1), np.float32)
    error = metrics.mse(pictures, pictures + np.float32(0.1))
    assert error.shape == (2,) and error == pytest.approx([0.01, 0.01])
    assert metrics.psnr(error) == pytest.approx([20, 20])
    assert metrics.psnr(np.zeros(1)) == pytest.approx([99])


def test_ssim_is_one_for_a_copy_and_falls_with_noise():
    pictures = random_pictures(3)
    assert metrics.ssim(pictures, pictures) == pytest.approx([1, 1, 1])
    assert (metrics.ssim(pictures, 1 - pictures) < 0).all()


def test_cross_entropy_against_the_formula_and_at_the_ends():
    x, p = np.full((1, 1, 2, 1), 0.25, np.float32), np.full((1, 1, 2, 1), 0.5, np.float32)
    assert metrics.cross_entropy(x, p) == pytest.approx([2 * np.log(2)])
    assert np.isfinite(metrics.cross_entropy(np.ones((1, 2, 2, 1)), np.zeros((1, 2, 2, 1)))).all()


def waves(cycles, height=0.1):
    """A picture of so many waves across."""
    row = 0.5 + height * np.sin(2 * np.pi * cycles * np.arange(64) / 64)
    return np.broadcast_to(row[None, None, :, None], (2, 64, 64, 3)).astype(np.float32)


@pytest.mark.parametrize(("cycles", "octave"), [(2, 0), (6, 1), (12, 2), (24, 3)])
def test_waves_have_their_power_in_their_octave(cycles, octave):
    power = metrics.power(waves(cycles))
    assert power.shape == (4,) and power[octave] > 0.97 * power.sum()
    assert metrics.power(waves(cycles, 0.05))[octave] / power[octave] == pytest.approx(0.25, rel=1e-4)
    assert metrics.power(waves(cycles) + np.float32([0.1, -0.2, 0.1])) == pytest.approx(power, rel=1e-4, abs=1e-6)


def test_octaves_share_out_every_frequency_from_1_to_32_cycles():
    octaves = metrics.octaves(64, 64)
    assert octaves.sum(axis=0).max() == 1 and not octaves[:, 0, 0].any()
    assert [bool(octaves[k, 0, radius]) for k, radius in enumerate((1, 4, 8, 16))] == [True] * 4


def test_a_grid_of_two_pixels_shows_and_noise_has_none():
    noise = random_pictures(20, (64, 64, 3))
    assert 1 <= metrics.grid(noise) < 1.03
    raised = noise.copy()
    raised[:, ::2, ::2] += 1                     # every second pixel of every second row
    assert metrics.grid(raised) > 1.5
    assert metrics.grid(raised[:, 1:, 1:]) == pytest.approx(metrics.grid(raised), rel=0.05)


def test_sharpness_is_the_variance_of_the_laplacian_and_falls_with_blur():
    spot = np.zeros((1, 5, 5, 1), np.float32)
    spot[0, 2, 2] = 1
    assert metrics.sharpness(spot) == pytest.approx([np.var([-4, 1, 1, 1, 1, 0, 0, 0, 0])])
    noise = random_pictures(2, (32, 32, 3))
    softer = (noise + np.roll(noise, 1, axis=1)) / 2
    assert (metrics.sharpness(softer) < 0.5 * metrics.sharpness(noise)).all()
