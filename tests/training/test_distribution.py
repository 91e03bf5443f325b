"""Training on several devices, and what is said of a cluster that is none."""
import numpy as np
import pytest

from ae_core import presets
from ae_core.pictures import datasets
from ae_core.training import distribution, fit

pytestmark = pytest.mark.slow

COUNT = 3000                     # pictures; benchmarks/workers.py does the same with all of them


@pytest.fixture(autouse=True)
def some_digits(own_store, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    pictures, labels = datasets.samples("mnist")
    raw = (pictures[:, :, :, 0] * 255 + 0.5).astype(np.uint8)
    np.savez(folder / "mnist.npz", x_train=raw[:COUNT], y_train=labels[:COUNT], x_test=raw[COUNT:],
             y_test=labels[COUNT:])


@pytest.mark.soak
def test_one_machine_with_several_devices_needs_no_cluster():
    stored, _ = fit.train(presets.get("digits_conv"), epochs=1,
                          strategy=distribution.begin("mirrored"))
    assert stored.card["training"]["epochs"] == 1


@pytest.mark.parametrize("config", [None, "", "{", "[]", '{"cluster": {"worker": ["a:1"]}, "task": {"index": 7}}'])
def test_a_missing_or_broken_cluster_gets_a_sentence(config, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match="TF_CONFIG. Set it for each"):
        distribution.begin("multiworker")
