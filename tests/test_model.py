from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ae_core import model
from tests.conftest import random_pictures, trained


@pytest.fixture(scope="module")
def plain():
    return model.load(trained("fashion_pca"))


def test_one_call_for_many_pictures_equals_one_each(plain):
    pictures = random_pictures(model.BATCH + 3)
    codes = plain.encode(pictures)
    assert codes.shape == (len(pictures), plain.preset.code)
    np.testing.assert_allclose(codes[-1:], plain.encode(pictures[-1:]), atol=1e-4)


def test_no_pictures_give_no_codes(plain):
    assert plain.encode(random_pictures(0)).shape == (0, plain.preset.code)


@pytest.mark.parametrize(("pictures", "sentence"), [
    (np.zeros((28, 28, 1)), "takes pictures of shape"),
    (np.zeros((1, 28, 28)), "takes pictures of shape"),
    (np.zeros((1, 32, 32, 1)), "takes pictures of shape"),
    (np.full((1, 28, 28, 1), np.nan), "not numbers"),
    (np.full((1, 28, 28, 1), np.inf), "not numbers"),
])
def test_wrong_pictures_get_a_sentence(plain, pictures, sentence):
    with pytest.raises(ValueError, match=sentence):
        plain.encode(pictures)


@pytest.mark.parametrize("codes", [np.zeros((1, 3)), np.zeros((1, 1, 256)), np.full((1, 256), np.nan)])
def test_wrong_codes_get_a_sentence(plain, codes):
    with pytest.raises(ValueError, match="256 finite numbers"):
        plain.decode(codes)


@pytest.mark.parametrize("labels", [None, 10, -1, [1, 2, 3], np.full((2, 10), np.nan), np.zeros((2, 9)), 1.5])
def test_wrong_labels_get_a_sentence(labels):
    conditional = model.load(trained("digits_cvae"))
    with pytest.raises(ValueError, match="abel"):
        conditional.decode(np.zeros((2, 2)), labels)


def test_labels_may_be_numbers_or_weights():
    conditional = model.load(trained("digits_cvae"))
    codes = np.zeros((2, 2))
    np.testing.assert_array_equal(conditional.decode(codes, [3, 3]), conditional.decode(codes, 3))
    np.testing.assert_array_equal(conditional.decode(codes, np.eye(10)[[3, 3]]), conditional.decode(codes, 3))


def test_many_threads_share_one_model(plain):
    pictures = [random_pictures(20, seed=seed) for seed in range(16)]
    alone = [plain.reconstruct(batch) for batch in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(plain.reconstruct, pictures))
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)
