"""The published 30 x 30 sheet of a plane: one batch through the served model against one Keras `predict` a tile.

The preset is the one of the published listing; all 900 calls are made.
"""
import os
import statistics
import time

import numpy as np

from ae_core import latent, model, store

NAME = "digits_plane"
SIDE, REACH = 30, 4.0
ROUNDS = 5                       # of ours, spread between the 900 calls so that both meet the same load


def run():
    """Seconds for the sheet both ways, and how many times faster serving is."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from ae_core.training import export

    served = model.load(NAME)
    decoder = export.load_keras(store.root() / NAME / "model.keras")[1]
    codes = latent.lattice((-REACH, REACH, -REACH, REACH), SIDE)
    ours = served.decode(codes)                  # both are warm before the clock starts
    decoder.predict(codes[:1], verbose=0)
    seconds, keras_seconds, tiles = [], 0.0, []
    for part in np.array_split(codes, ROUNDS):
        start = time.perf_counter()
        served.decode(codes)
        seconds.append(time.perf_counter() - start)
        start = time.perf_counter()
        tiles += [decoder.predict(code[None], verbose=0) for code in part]
        keras_seconds += time.perf_counter() - start
    mine = statistics.median(seconds)
    return {"preset": NAME, "tiles": len(codes), "seconds": mine, "keras_seconds": keras_seconds,
            "ratio": keras_seconds / mine, "largest_difference": float(np.abs(np.concatenate(tiles) - ours).max())}
