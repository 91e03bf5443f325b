"""The recipes on another backend of Keras, in a process of its own."""
import importlib.util
import json
import os
import subprocess
import sys

from ae_core import store
from tests.conftest import missing

ON_JAX = """
import json, sys
import keras
from ae_core.pictures import datasets
from ae_core.training import fit
from tests.conftest import tiny
pictures, labels = datasets.samples("mnist")
small = {"digits_vae": {}, "digits_stacked": {}, "fashion_conv": {"arguments": {"filters": (4, 4), "batch_norm": True}}}
for name, changes in small.items():
    for resume in (False, True):
        history = fit.fit(tiny(name, **changes), pictures[:200], labels[:200], 1 + resume, resume=resume,
                               precision=None if resume else "mixed_bfloat16", verbose=0)[2]
    print(json.dumps([keras.backend.backend(), name, history]))
"""


def test_recipes_are_trained_and_resumed_on_jax_too():
    if not importlib.util.find_spec("jax"):
        missing("jax is not installed; to run this: pip install jax")
    done = subprocess.run([sys.executable, "-c", ON_JAX], env=os.environ | {"KERAS_BACKEND": "jax"}, cwd=store.ROOT,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row[:2] for row in rows] == [["jax", name] for name in ("digits_vae", "digits_stacked", "fashion_conv")]
    for _, name, history in rows:
        assert len(history) == 2 and history[1]["loss"] < history[0]["loss"], name
        assert ("val_kl" in history[1]) == (name == "digits_vae") and "reconstruction" not in history[1]
