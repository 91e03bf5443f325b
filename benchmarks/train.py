"""Pictures a second while training: our recipe against the published scripts' own loops, in one run.

A published loop is `Model.fit` with Keras's defaults on arrays, at the batch size that its chapter prints: the same
network of Keras's own layers, loss, optimizer and batch. Ours is what `python -m ae_core train` runs, in the precision
that it chooses on this processor, and in float32. All are warm before the clock starts, and take turns; validation is
left out, as it would flatter ours, which looks at fewer pictures. `ratio` and `float32_ratio` are the geometric means
over the networks; the losses after the same number of epochs show that none is fast at the cost of learning.

`press_to_first_batch_s`: from the press of Train until the first batches are computed, the trainer having been warmed
for WARMED seconds; `rss_mb`: the memory that it holds while it waits; `gone_after_s`: when it left, of IDLE seconds.
"""
import dataclasses
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from ae_core import files, presets
from ae_core.own import design, jobs
from ae_core.pictures import datasets

BATCHES = {"digits_conv": 32, "digits_stacked": 100, "fashion_dense": 1024, "fashion_conv": 512}     # as published
WARMED, IDLE = 15, 20             # seconds; the pages' own is limits.LIMITS
COUNT, ROUNDS = 20_480, 5        # pictures an epoch: a third of a real one


def run():
    """For each network, pictures a second of the three loops, their losses and their ratios."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from ae_core.training import fit

    pressed = press()
    rows = [compare(presets.get(name), batch) for name, batch in BATCHES.items()]
    return {"precision": fit.fastest_precision(), "networks": rows, **pressed,
            **{key: statistics.geometric_mean(row[key] for row in rows) for key in ("ratio", "float32_ratio")}}


def press():
    """A trainer of its own is warmed, asked for a run of the page's first preset, stopped, and left alone."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"AE_MODELS_DIR": folder, "AE_IDLE_SECONDS": str(IDLE)}
        preset = presets.get(design.STORY)
        jobs.warm(preset)
        time.sleep(WARMED)
        memory = trainer_mb()
        start = time.perf_counter()
        job = jobs.request(preset)
        jobs.start(jobs.idle())
        while "share" not in files.read_json(job.folder / "status.json"):
            time.sleep(0.01)
        seconds = time.perf_counter() - start
        jobs.steer(job, "stop")
        while jobs.read(job.ident).state in jobs.GOING_ON:
            time.sleep(0.1)
        start = time.perf_counter()
        while jobs.busy():
            time.sleep(0.1)
        return {"press_to_first_batch_s": seconds, "rss_mb": memory, "gone_after_s": time.perf_counter() - start}


def trainer_mb():
    """The memory of the process that works off the queue, in MB."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"ae_core\0work" in (process / "cmdline").read_bytes() \
                    and os.environ["AE_MODELS_DIR"].encode() in (process / "environ").read_bytes():
                return int((process / "statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        except OSError:          # it has ended, or is another user's
            continue
    return 0.0


def compare(preset, batch):
    """One network at one batch size: a row of numbers."""
    import keras

    from ae_core.training import batches, export, fit, networks, runs

    keras.utils.set_random_seed(0)
    preset = dataclasses.replace(preset, batch_size=batch, optimizer="adam", learning_rate=1e-3)
    pictures = datasets.samples(preset.dataset)[0]
    pictures = np.resize(pictures, (COUNT, *pictures.shape[1:]))

    first = networks.training_graph(preset, *networks.build(preset))
    published = keras.models.clone_model(first, clone_function=export.standard, recursive=True)
    published.compile(loss="mse", optimizer="adam")
    published.set_weights(first.get_weights())

    def recipe(precision):
        with fit.of_precision(precision):
            graph = fit.compile_for(preset, networks.training_graph(preset, *networks.build(preset)))
        graph.set_weights(first.get_weights())
        shown = batches.Batches(preset, pictures, np.zeros(COUNT, int))
        called = [runs.SeedEpoch(shown, 0), keras.callbacks.TerminateOnNaN()]

        def epoch(number):                       # each in another order, as Keras's own
            return graph.fit(shown, initial_epoch=number, epochs=number + 1, shuffle=False, verbose=0, callbacks=called)
        return epoch

    speeds, losses = measure({"published": lambda _: published.fit(pictures, pictures, batch_size=batch, verbose=0),
                              "float32": recipe("float32"), "recipe": recipe(fit.fastest_precision())})
    return {"preset": preset.name, "batch_size": batch,
            **{f"{name}_pictures_per_second": speed for name, speed in speeds.items()},
            **{f"{name}_loss": loss for name, loss in losses.items()},
            "float32_ratio": speeds["float32"] / speeds["published"], "ratio": speeds["recipe"] / speeds["published"]}


def measure(loops):
    """Pictures a second of the best epoch of each loop, and its last loss.

    They take turns; the first epoch of each is not counted.
    """
    seconds, losses = {name: [] for name in loops}, {}
    for epoch in range(ROUNDS + 1):
        for name, loop in loops.items():
            start = time.perf_counter()
            losses[name] = loop(epoch).history["loss"][-1]
            seconds[name].append(time.perf_counter() - start)
    return {name: COUNT / min(times[1:]) for name, times in seconds.items()}, losses
