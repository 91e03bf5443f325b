"""Pictures a second while training: our recipe against the published scripts' own loops, in one run.

A published loop is `Model.fit` with Keras's defaults on arrays, at the batch size that its chapter prints: the same
network, loss, optimizer and batch. Ours is what `python -m ae_core train` runs, in both precisions that it offers. All
are warm before the clock starts, and take turns; validation is left out, as it would flatter ours, which looks at fewer
pictures. `ratio` is that of `--precision mixed_bfloat16`, `float32_ratio` that of the default, each the geometric mean
over the networks.
"""
import dataclasses
import os
import statistics
import time

import numpy as np

from ae_core import data, presets

BATCHES = {"digits_conv": 32, "digits_stacked": 100, "fashion_dense": 1024, "fashion_conv": 512}     # as published
COUNT, ROUNDS = 5120, 7


def run():
    """For each network, pictures a second of the three loops and their ratios."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rows = [compare(presets.get(name), batch) for name, batch in BATCHES.items()]
    return {"networks": rows, **{key: statistics.geometric_mean(row[key] for row in rows)
                                 for key in ("ratio", "float32_ratio")}}


def compare(preset, batch):
    """One network at one batch size: a row of numbers."""
    import keras

    from ae_core import batches, networks, training

    preset = dataclasses.replace(preset, batch_size=batch, optimizer="adam")
    pictures = data.samples(preset.dataset)[0][:COUNT]

    def recipe(precision):
        with training.of_precision(precision):
            graph = training.compile_for(preset, networks.training_graph(preset, *networks.build(preset)))
        shown = batches.Batches(preset, pictures, np.zeros(COUNT, int))
        called = [training.SeedEpoch(shown, 0), keras.callbacks.TerminateOnNaN()]
        return lambda: graph.fit(shown, epochs=1, shuffle=False, verbose=0, callbacks=called)

    published = networks.training_graph(preset, *networks.build(preset))
    published.compile(loss="mse", optimizer="adam")
    speeds = measure({"published": lambda: published.fit(pictures, pictures, batch_size=batch, verbose=0),
                      "float32": recipe("float32"), "mixed_bfloat16": recipe("mixed_bfloat16")})
    return {"preset": preset.name, "batch_size": batch,
            **{f"{name}_pictures_per_second": speed for name, speed in speeds.items()},
            "float32_ratio": speeds["float32"] / speeds["published"],
            "ratio": speeds["mixed_bfloat16"] / speeds["published"]}


def measure(loops):
    """Pictures a second of the best turn of each loop, which take turns; the first of each is not counted."""
    seconds = {name: [] for name in loops}
    for _ in range(ROUNDS + 1):
        for name, loop in loops.items():
            start = time.perf_counter()
            loop()
            seconds[name].append(time.perf_counter() - start)
    return {name: COUNT / min(times[1:]) for name, times in seconds.items()}
