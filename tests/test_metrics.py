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
