"""Pictures a second while training digits_conv: our recipe against the published script's own loop, in one run.

The published loop is `Model.fit` with Keras's defaults on arrays, batch 32, as Advanced Deep Learning with Keras,
chapter 3, prints it: the same network, loss, optimizer and batch. Ours is what `python -m ae_core train` runs. Both are
warm before the clock starts, and take turns.
"""
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from ae_core import data, presets

NAME = "digits_conv"
COUNT, ROUNDS = 6400, 5


def run():
    """Pictures a second of both, the medians of alternating rounds, and their ratio."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from ae_core import networks, training

    preset = presets.get(NAME)
    pictures = data.samples("mnist")[0][:COUNT]
    labels = np.zeros(COUNT, int)
    ours = training.compile_for(preset, networks.training_graph(preset, *networks.build(preset)))
    published = networks.training_graph(preset, *networks.build(preset))
    published.compile(loss="mse", optimizer="adam")

    with tempfile.TemporaryDirectory() as folder:
        def recipe():
            state = {"history": []}
            batches = training.Batches(preset, pictures, labels)
            called = [training.SeedEpoch(batches, 0), *training.callbacks(preset, 1, Path(folder), state)]
            ours.fit(batches, validation_data=training.Batches(preset, pictures[:32], labels[:32]), epochs=1,
                     shuffle=False, verbose=0, callbacks=called)

        def script():
            published.fit(pictures, pictures, validation_data=(pictures[:32], pictures[:32]), epochs=1,
                          batch_size=preset.batch_size, verbose=0)
        speeds = measure({"ours": recipe, "published": script})
    return {"preset": NAME, "batch_size": preset.batch_size, "pictures": COUNT,
            **{f"{name}_pictures_per_second": speed for name, speed in speeds.items()},
            "ratio": speeds["ours"] / speeds["published"]}


def measure(loops):
    """The median pictures a second of each loop, which take turns; the first turn of each is not counted."""
    seconds = {name: [] for name in loops}
    for _ in range(ROUNDS + 1):
        for name, loop in loops.items():
            start = time.perf_counter()
            loop()
            seconds[name].append(time.perf_counter() - start)
    return {name: COUNT / statistics.median(times[1:]) for name, times in seconds.items()}
