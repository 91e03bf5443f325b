"""Attribute directions: found, chosen and measured on codes whose truth is known; kept with the weights."""
import dataclasses
import shutil

import numpy as np
import pytest

from ae_core import attributes, presets, store
from ae_core.pictures import formats
from tests import conftest

pytestmark = pytest.mark.slow


def codes_of(has, direction, noise=1.0, seed=0):
    """Normal codes (n, d), moved along a direction where the attribute is."""
    spread = np.random.default_rng(seed).normal(0, noise, (len(has), len(direction)))
    return (spread + np.outer(has, direction)).astype(np.float32)


def halves(count, seed=1):
    return np.random.default_rng(seed).random(count) < 0.5


def test_a_direction_is_the_one_that_was_put_there_with_its_length():
    has, truth = halves(4000), np.array([0, 2, 0, -1, 0])
    direction, _ = attributes.fit_one(codes_of(has, truth), has)
    np.testing.assert_allclose(direction, truth, atol=0.15)


def test_logistic_regression_wins_where_the_means_mislead():
    """A number of huge spread, shared with the first: the difference of means follows it, the classifier looks past."""
    rng, has = np.random.default_rng(0), halves(600)
    shared = rng.normal(0, 30, len(has))
    codes = np.stack([shared + has, shared, rng.normal(size=len(has))], axis=1).astype(np.float32)
    direction, kind = attributes.fit_one(codes, has)
    assert kind == attributes.LOGISTIC
    assert attributes.area(codes @ direction, has) > 0.7 > attributes.area(codes @ [1, 0, 0], has)


def test_a_step_is_as_long_as_the_means_are_apart():
    has = halves(500)
    codes = codes_of(has, np.array([3.0, 0, 0]))
    apart = np.linalg.norm(codes[has].mean(axis=0) - codes[~has].mean(axis=0))
    for kind, way in attributes.WAYS.items():
        step = attributes.step(way(codes, has), codes, has)
        assert np.linalg.norm(step) == pytest.approx(apart, rel=1e-4), kind
        assert step[0] > 0.9 * apart


def test_an_attribute_of_all_or_none_changes_nothing():
    codes = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    for has in (np.ones(50, bool), np.zeros(50, bool)):
        direction, _ = attributes.fit_one(codes, has)
        assert not direction.any()
        assert np.isnan(attributes.auc(direction[None], codes, has[:, None])).all()


def test_the_gallery_is_varied_and_well_rebuilt():
    rng = np.random.default_rng(0)
    names = ("Male", "Smiling", "Eyeglasses")
    has = np.stack([rng.random(500) < 0.4, rng.random(500) < 0.5, rng.random(500) < 0.07], axis=1)
    errors = rng.random(500)
    rows = attributes.choose_gallery(errors, has, names)
    assert len(rows) == len(set(rows.tolist())) == attributes.GALLERY
    assert errors[rows].max() < errors.max() and errors[rows].mean() < 0.35
    for glasses in (False, True):
        for male in (False, True):
            assert (has[rows][:, [0, 2]] == [male, glasses]).all(axis=1).sum() >= 5
    np.testing.assert_array_equal(rows, attributes.choose_gallery(errors, has, names))


@pytest.mark.soak
def test_training_keeps_directions_and_gallery_beside_the_weights(tmp_path, own_store, monkeypatch):
    """The way back from the weights: the file is written, its checksum is in the card, and it reads as it was."""
    from ae_core.training import fit

    monkeypatch.setattr(formats, "TEST_FACES", 12)
    has = conftest.celeba(tmp_path / "data", 60)
    preset = dataclasses.replace(presets.get("faces_vae"), code=5, epochs=1, batch_size=16,
                                 arguments={"filters": (2, 2, 2, 2), "batch_norm": True})
    stored, _ = fit.train(preset)
    assert attributes.FILE in stored.card["sha256"]
    kept = attributes.load("faces_vae")
    assert kept.names == ("Smiling", "Eyeglasses", "Male", "Blond_Hair") and kept.directions.shape == (4, 5)
    assert set(kept.kinds) <= set(attributes.WAYS) and ((kept.auc >= 0) & (kept.auc <= 1)).all()
    assert set(kept.gallery) <= set(range(12)) and len(kept.gallery) >= 4
    with np.load(stored.folder / "latents.npz", allow_pickle=False) as latents:
        np.testing.assert_array_equal(latents["label"], has[-12:])
        np.testing.assert_allclose(kept.auc, attributes.auc(kept.directions, latents["mean"].astype(np.float32),
                                                            has[-12:]), atol=0.03)


def test_a_changed_file_is_refused(own_store):
    shutil.copytree(store.ROOT / "weights" / "faces_vae", own_store / "faces_vae")
    (own_store / "faces_vae" / attributes.FILE).write_bytes(b"no numbers")
    with pytest.raises(store.WeightsDamaged, match="attributes.npz"):
        attributes.load("faces_vae")
