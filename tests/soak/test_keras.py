"""model.keras in Keras itself: the oldest that requirements.txt allows, and the oldest that can read its format."""
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from ae_core import model, presets, store
from tests.conftest import missing, photograph_crops
from tests.test_weights import inputs

OLDEST = re.search(r"^keras>=([\d.]+)", (store.ROOT / "requirements.txt").read_text("utf-8"), re.M)[1]
REBUILD = """
import sys
from pathlib import Path
import keras, numpy as np
for path in Path(sys.argv[1]).glob("*.npz"):
    whole = keras.models.load_model(Path(sys.argv[2]) / path.stem / "model.keras", compile=False, safe_mode=True)
    with np.load(path) as given:
        arrays = [given[name] for name in given]
    np.save(path.with_suffix(".npy"), whole(arrays if len(arrays) > 1 else arrays[0]))
print(keras.__version__)
"""


def given(preset):
    return (photograph_crops(8, (64, 96, 1)), None) if preset.family.volumes else inputs(preset)


@pytest.mark.parametrize("version", [OLDEST, "3.10"])
def test_a_model_opens_in_an_older_keras_and_equals_what_is_served(tmp_path, version):
    """Packages of its own, of which only Keras is another: TensorFlow is the same."""
    done = subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path / "packages",
                           f"keras=={version}"], capture_output=True, text=True)
    if done.returncode:
        missing(f"Keras {version} cannot be installed: {done.stderr.strip()[-200:]}")
    for name, preset in presets.PRESETS.items():
        pictures, labels = given(preset)
        arrays = {"picture": pictures} if labels is None else \
            {"picture": pictures, "label": np.eye(preset.labels, dtype=np.float32)[labels]}
        np.savez(tmp_path / f"{name}.npz", **arrays)
    done = subprocess.run([sys.executable, "-c", REBUILD, tmp_path, store.root()], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(tmp_path / "packages")})
    assert done.returncode == 0 and done.stdout.startswith(version), done.stderr[-2000:]
    for name, preset in presets.PRESETS.items():
        (pictures, labels), served = given(preset), model.load(name)
        ours = served.chroma(pictures) if preset.family.volumes else served.reconstruct(pictures, labels)
        theirs = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(theirs if preset.family.volumes else theirs.clip(0, 1), ours, atol=1e-5,
                                   err_msg=name)
