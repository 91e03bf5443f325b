"""What the pages keep of a model belongs to that model: another one under the same name is never shown with it."""
import dataclasses

import pytest

from ae_core import presets, store
from ae_core.own import design
from pages.shared import cache
from tests.conftest import trained

FILES = ("encoder.onnx", "decoder.onnx", "latents.npz")


def put(source, name):
    """Store the files of a shipped model under another name."""
    stored = store.read(trained(source))
    preset = dataclasses.replace(presets.get(source), name=name)
    store.write(preset, {file: stored.path(file) for file in FILES}, {"layers": {}})


def shown(name):
    """All that a page would show of a model."""
    served = cache.served(name)
    bounds = (-2.0, 2.0, -2.0, 2.0)
    return (cache.codes(served).mean.tobytes(), cache.atlas(served, bounds, 4).digest,
            cache.neighbors(served).digest, float(cache.test_errors(served).mean()))


@pytest.mark.parametrize("between", [lambda name: None, store.remove], ids=["replaced", "removed"])
def test_another_model_of_the_same_name_is_seen_at_once(between):
    seen = {}
    for source in ("digits_vae", "fashion_vae_dense", "digits_vae"):
        if store.present("own_mine"):
            between("own_mine")
        put(source, "own_mine")
        seen.setdefault(source, shown("own_mine"))
        assert seen[source] == shown("own_mine") == shown(source)
    assert all(one != other for one, other in zip(*seen.values(), strict=True))


def test_a_model_is_opened_once_and_arrays_are_shared():
    trained("digits_vae")
    assert cache.served("digits_vae") is cache.served("digits_vae")
    assert cache.samples("mnist")[0] is cache.samples("mnist")[0]


def test_models_in_a_tuple_are_a_key_too():
    models = tuple(cache.served(trained(name)) for name in design.BETA_PRESETS)
    assert cache.betas(models) is cache.betas(models)
    assert cache.betas(models[::-1]).digest != cache.betas(models).digest
