import numpy as np
import pytest

from ae_core import model, presets
from ae_core.features import reconstruct
from ae_core.pictures import datasets
from tests.conftest import trained


@pytest.fixture(scope="module")
def pca():
    return model.load(trained("digits_pca"))


def test_the_linear_preset_is_pca(pca, digits):
    """16 components measure 0.0269 on the test digits, 0.0254 once clipped to a picture's range."""
    pictures = datasets.samples("mnist")[0]
    assert reconstruct.run_pca(pca, pictures, 16).mse.mean() == pytest.approx(0.0254, abs=0.0001)
    errors = [reconstruct.run_pca(pca, digits[0], size).mse.mean() for size in (2, 8, 32, 128, 256)]
    assert errors == sorted(errors, reverse=True)
    assert reconstruct.run_pca(pca, digits[0], 16).codes.shape == (64, 16)


def test_run_measures_each_picture(pca, digits):
    result = reconstruct.run(pca, digits[0])
    assert result.codes.shape == (64, 256) and result.mse.shape == (64,)
    np.testing.assert_allclose(result.mse, ((result.originals - result.rebuilt) ** 2).mean((1, 2, 3)), rtol=1e-5)


def test_choose_by_seed_class_best_and_worst():
    labels = np.array([0, 1] * 10)
    errors = np.arange(20.0)
    assert list(reconstruct.choose(labels, errors, 3, "best")) == [0, 1, 2]
    assert list(reconstruct.choose(labels, errors, 2, "worst", class_index=0)) == [18, 16]
    first = reconstruct.choose(labels, None, 5, seed=4)
    assert list(first) == list(reconstruct.choose(labels, None, 5, seed=4))
    assert list(first) != list(reconstruct.choose(labels, None, 5, seed=5))
    assert set(labels[reconstruct.choose(labels, None, 50, class_index=1)]) == {1}


def test_only_a_few_units_of_the_sparse_model_fire(digits):
    sparse = model.load(trained("digits_sparse"))
    result = reconstruct.run(sparse, digits[0])
    assert 1 <= reconstruct.active_units(result.codes).mean() < 0.1 * sparse.preset.code
    strongest, atoms = reconstruct.atoms(sparse, result.codes[0], 6)
    assert atoms.shape == (6, 28, 28, 1) and atoms.max() == pytest.approx(1)
    assert result.codes[0][strongest[0]] == result.codes[0].max()


def test_evaluate_names_what_the_command_line_promises(pca, digits):
    row = reconstruct.evaluate(pca, pca, *digits)
    assert set(row) == {"n", "mse", "psnr", "ssim", "pca_mse"} and row["n"] == 64
    assert row["pca_mse"] == pytest.approx(row["mse"])
    assert 0 < row["ssim"] <= 1 and row["psnr"] > 20


def test_compression_ratio_counts_numbers():
    assert reconstruct.compression_ratio(presets.get("digits_conv")) == 49


def test_codes_become_a_table():
    rows = reconstruct.code_rows(np.float32([[1, -0.5], [0.25, 2]]), ["Boot", "Bag"])
    assert rows == [{"picture": 1, "class": "Boot", "z1": 1.0, "z2": -0.5}, {"picture": 2, "class": "Bag", "z1": 0.25,
                                                                           "z2": 2.0}]
