"""One picture through the served decoder against one Keras `predict`, alternately, in the same run."""
import os
import statistics
import time

import numpy as np

from ae_core import model, store

NAME = "fashion_conv"
ROUNDS = 40


def run():
    """The median seconds of both, and how many times faster serving is."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from ae_core.training import export

    served = model.load(NAME)
    decoder = export.load_keras(store.root() / NAME / "model.keras")[1]
    code = np.random.default_rng(0).normal(size=(1, served.preset.code)).astype(np.float32)
    ours, keras = lambda: served.decode(code), lambda: decoder.predict(code, verbose=0)
    difference = float(np.abs(ours() - keras()).max())          # also warms both up
    seconds = {"ours": [], "keras": []}
    for _ in range(ROUNDS):
        for name, call in (("ours", ours), ("keras", keras)):
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    return {"preset": NAME, "rounds": ROUNDS, "seconds": median["ours"], "keras_seconds": median["keras"],
            "ratio": median["keras"] / median["ours"], "largest_difference": difference}
