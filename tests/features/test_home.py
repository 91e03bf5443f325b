import numpy as np
import pytest

from ae_core import model
from ae_core.features import home
from ae_core.pictures import datasets
from tests.conftest import trained


@pytest.fixture(scope="module")
def eight():
    """The model of the first screen and how far its numbers go."""
    served = model.load(trained(home.MODEL))
    return served, home.reach(served, datasets.samples("fashion_mnist")[0][:1000])


def test_nearly_all_codes_lie_between_the_ends_of_the_strips(eight):
    served, reach = eight
    codes = served.encode(datasets.samples("fashion_mnist")[0][1000:2000])
    inside = (codes >= reach.low) & (codes <= reach.high)
    assert inside.mean(axis=0).min() > 0.95
    rows = inside.all(axis=1)
    np.testing.assert_allclose(reach.codes(reach.shares(codes[rows])), codes[rows], rtol=1e-4, atol=1e-4)
    assert reach.shares(codes).min() >= 0 and reach.shares(codes).max() <= 1


def test_a_number_that_never_varies_stays_where_it_is():
    flat = home.Reach(np.ones(2), np.ones(2))
    assert np.isfinite(flat.shares(np.ones((3, 2)))).all() and (flat.codes(np.full((1, 2), 0.7)) == 1).all()


def test_a_strip_moves_one_number_and_leaves_the_others(eight):
    served, reach = eight
    shares = np.linspace(0.2, 0.8, 8)
    pictures = home.strips(served, reach, shares)
    assert pictures.shape == (8, home.FRAMES, 28, 28, 1)
    for k in (0, 7):
        for frame in (0, 5, home.FRAMES - 1):
            moved = shares.copy()
            moved[k] = frame / (home.FRAMES - 1)
            np.testing.assert_allclose(pictures[k, frame], served.decode(reach.codes(moved[None]))[0], atol=1e-5)
