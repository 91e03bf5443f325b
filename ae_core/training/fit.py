"""Fit a preset: data in, a weights folder out.

A run keeps its state in .runs/<preset>/ (state.json, and the weights with the optimizer of its last and its best
epoch), so that it can be stopped or killed at any moment and resumed as if nothing had happened. One process at a time
trains there.
"""
import contextlib
import math
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ae_core import families, files, store
from ae_core.pictures import datasets
from ae_core.presets import Preset
from ae_core.training import batches, distribution, losses, networks, optimizers, package, runs

STRIDE = 2**20                   # numbers of pictures that are computed with in one go
STRIDES = (1, 2, 5, 10, 25)      # batches in one go; each divides the 50 after which a first epoch is looked at
ASIDE = {"name", "title", "description", "dataset", "recipe", "departures", "epochs"}   # of a preset: not its network


def train(preset: Preset, epochs: int | None = None, seed: int = 0, resume: bool = False, replace: bool = False,
          precision: str | None = None, strategy: distribution.Strategy | None = None,
          restart: bool = False) -> tuple[store.Stored | None, bool]:
    """Fit a preset on its data set and put it into the store; returns the store's entry and whether it was replaced.

    A resumed run goes on with the preset, the seed, the precision and, unless `epochs` is given, the epochs of its
    start. Weights with a lower validation loss than the new ones stay, unless `replace`; where those were measured on
    other pictures, nothing is even trained. Of several workers only the chief keeps the model; the others return None,
    False.
    """
    folder = store.runs_folder(preset.name)
    if runs.is_resumed(resume, folder, strategy is not None):
        run = runs.saved_run(folder)
        preset, seed, epochs = Preset.from_json(run["preset"]), run["seed"], epochs or run["epochs"]
    pictures, labels = training_set(preset)
    store.recover(preset.name)
    rival = None if replace else _rival(preset)
    if rival and not measured_on(rival, pictures):
        return rival, False
    history: list[dict[str, Any]] = []
    if preset.family.closed_form:
        encoder, decoder = families.part(preset.family.closed_form)(preset, pictures)
    else:
        encoder, decoder, history = fit(preset, pictures, labels, epochs, seed, resume, precision, strategy=strategy,
                                        restart=restart)
    if strategy:
        distribution.report(strategy, history, encoder, decoder)
        if distribution.index(strategy):
            return None, False
    best = runs.best_row(history)
    rival = None if replace or not best else _rival(preset)
    if rival and rival.card["training"].get("val_loss", math.inf) < best["val_loss"]:
        return rival, False
    return package.keep(preset, encoder, decoder, summary(seed, history, pictures)), True


def summary(seed: int, history: list[dict[str, Any]], pictures: np.ndarray) -> dict[str, Any]:
    """What a card remembers of a run: the scores of its best epoch, and what they came from."""
    return {"seed": seed, "epochs": len(history), **runs.best_row(history), "pictures": len(pictures),
            "held_out": batches.fingerprint(pictures), "date": str(date.today())}


def measured_on(stored: store.Stored, pictures: np.ndarray) -> bool:
    """Whether the loss on a card was measured on those that are kept aside of these training pictures (n, h, w, c)."""
    return stored.card["training"].get("held_out") == batches.fingerprint(pictures)


def training_set(preset: Preset) -> tuple[np.ndarray, np.ndarray]:
    """The pictures (n, h, w, c) and labels (n,) that a preset is trained on.

    What is trained on with an adversary needs no labels, so pictures without any come first, where they are here.
    """
    if preset.adversary:
        pictures: Any = datasets.with_unlabeled(preset.dataset, preset.training_shape)
        return pictures, np.zeros(len(pictures))
    if not preset.mixture:
        return datasets.load(preset.dataset, "train", preset.training_shape)
    chosen = preset.mixture
    pictures, labels = datasets.whole(preset.dataset, preset.shape)
    mixed = datasets.mix(pictures, labels, chosen.regular, chosen.intruder, chosen.share)
    order = np.random.default_rng(datasets.SEED).permutation(len(mixed.rows))[:int(chosen.trained * len(mixed.rows))]
    return mixed.pictures[order], mixed.labels[order]


def _rival(preset: Preset) -> store.Stored | None:
    """The stored weights of a preset if their loss measures the same thing; damaged ones are no rival."""
    try:
        old = store.read(preset.name)
    except (store.WeightsMissing, store.WeightsDamaged):
        return None
    same = ("dataset", "shape", "loss", "reconstruction_weight", "variational", "sparsity", "corruption", "labels",
            "adversary")
    return old if all(getattr(old.preset, key) == getattr(preset, key) for key in same) else None


@dataclass(frozen=True)
class Built:
    """A network as it is before its first batch, compiled."""
    preset: Preset
    seed: int
    precision: str
    encoder: keras.Model
    decoder: keras.Model
    graph: keras.Model

    def fits(self, preset: Preset, seed: int, precision: str) -> bool:
        """Whether a run of this preset begins with just this."""
        return (self.seed, self.precision) == (seed, precision) and alike(self.preset, preset)


def alike(one: Preset, other: Preset) -> bool:
    """Whether two presets differ in nothing that their network and its training step are made of."""
    return all(value == getattr(other, key) for key, value in vars(one).items() if key not in ASIDE)


def build(preset: Preset, pictures: np.ndarray, seed: int, precision: str,
          strategy: distribution.Strategy | None = None) -> Built:
    """The network of a preset and what trains it; some networks begin from their pictures (n, h, w, c)."""
    keras.utils.set_random_seed(seed)
    with of_precision(precision), distribution.scope(strategy):
        encoder, decoder = networks.build(preset)
        if preset.family.start:
            families.part(preset.family.start)(encoder, decoder, pictures)
        if preset.adversary:
            package.begin(preset, encoder, decoder)
        graph = compile_for(preset, networks.training_graph(preset, encoder, decoder, seed))
        graph.optimizer.build(graph.trainable_variables)
    return Built(preset, seed, precision, encoder, decoder, graph)


def warm(built: Built, pictures: np.ndarray, labels: np.ndarray) -> None:
    """Take and check the first batches, which traces the graphs of a run, and put all variables back."""
    graph = built.graph
    before = [(variable, variable.numpy()) for variable in (*graph.variables, *graph.optimizer.variables)]
    shown, check = batches.split(built.preset, pictures, labels, built.seed)
    graph.fit(shown, steps_per_epoch=stride(built.preset), shuffle=False, verbose=0)
    graph.evaluate(check, steps=1, verbose=0)
    for variable, value in before:
        variable.assign(value)


def fit(preset: Preset, pictures: np.ndarray, labels: np.ndarray, epochs: int | None = None, seed: int = 0,
        resume: bool = False, precision: str | None = None, verbose: str | int = "auto",
        more_callbacks: Sequence[keras.callbacks.Callback] = (), folder: Path | None = None,
        strategy: distribution.Strategy | None = None, restart: bool = False,
        built: Built | None = None) -> tuple[keras.Model, keras.Model, list[dict[str, Any]]]:
    """Train a preset on pictures (n, h, w, c); returns the encoder, the decoder and the history, best epoch loaded.

    precision: of the arithmetic, "float32" or "mixed_bfloat16"; else what this processor is fastest in. Weights, losses
    and the last step to a picture are float32 all the same. Interrupting it (Ctrl-C) keeps the best epoch so far. The
    run's files lie in `folder`, else in `store.runs_folder`. With a strategy of `distribution` the work is shared out;
    then every worker must see that folder, but only the chief writes there, and `resume` begins anew where there is
    nothing. A resumed run keeps its precision. `built`: used in place of a new network where a new run begins so.
    ValueError where there is too little to train on, where another process
    trains in that folder, or where an interrupted run lies there that is neither resumed nor given up (`restart`).
    """
    if len(pictures) < 2 or pictures.shape[1:] != preset.training_shape:
        raise ValueError(f"{preset.name} trains on at least 2 pictures of shape {preset.training_shape}; "
                         f"it was given {len(pictures)} of {pictures.shape[1:]}.")
    epochs, folder = epochs or preset.epochs, folder or store.runs_folder(preset.name)
    worker = distribution.index(strategy)
    with runs.alone(folder, worker):
        resume = runs.is_resumed(resume, folder, strategy is not None)
        run: dict[str, Any] = {"precision": "float32", **runs.saved_run(folder)} if resume else \
            {"precision": precision or fastest_precision(), "history": []}       # older runs do not name theirs
        run |= {"preset": preset.to_json(), "seed": seed, "epochs": epochs, "ended": False}
        if not resume and not worker:
            runs.clear(folder, restart)
        if not built or resume or strategy or not built.fits(preset, seed, run["precision"]):
            built = build(preset, pictures, seed, run["precision"], strategy)
        graph = built.graph
        history = run["history"]
        if resume:
            graph.load_weights(runs.weights_file(folder, len(history)))
        scratch = Path(tempfile.mkdtemp()) if worker else folder    # all save, as they add up counters; one is kept
        _run_epochs(graph, preset, batches.split(preset, pictures, labels, seed), scratch, run, verbose,
                    more_callbacks, strategy)
        best = runs.weights_file(scratch, runs.best_epoch(history))
        graph.load_weights(best if best.is_file() else runs.weights_file(folder, runs.best_epoch(history)))
    if worker:
        shutil.rmtree(scratch)
    exact = networks.build(preset)
    for plain, trained in zip(exact, (built.encoder, built.decoder), strict=True):
        plain.set_weights(trained.get_weights())
    return *exact, history


def _run_epochs(graph: keras.Model, preset: Preset, data: tuple[batches.Batches, batches.Batches], folder: Path,
                run: dict[str, Any], verbose: str | int, more_callbacks: Sequence[keras.callbacks.Callback],
                strategy: distribution.Strategy | None) -> None:
    """Train from the end of the run's history on; its files and its history grow with every epoch."""
    shown, check = data
    history, epochs = run["history"], run["epochs"]
    if runs.stale(history) >= runs.patience(preset, epochs):    # it had ended and was stopped before anyone knew
        epochs = len(history)
    callbacks = [runs.SeedEpoch(shown, run["seed"], distribution.index(strategy)),
                 *runs.callbacks(preset, epochs, folder, run, check), *more_callbacks]
    try:
        if strategy:
            distribution.fit(strategy, graph, shown, check, epochs, len(history), callbacks)
        else:
            with contextlib.redirect_stdout(sys.stderr):         # Keras's bar is no result
                graph.fit(shown, validation_data=check, epochs=epochs, initial_epoch=len(history), shuffle=False,
                          verbose=verbose, callbacks=callbacks)
        run["ended"] = True
        files.write_json(folder / "state.json", run)
    except KeyboardInterrupt:                    # whatever it broke off, the run is what is on the disk
        history[:] = files.read_json(folder / "state.json").get("history", history)
        if not history:
            raise
    if not runs.best_epoch(history):
        raise ValueError(f"The loss of {preset.name} was not a number from the first epoch on. "
                         "Lower the learning rate or look for bad values in the pictures.")


def compile_for(preset: Preset, graph: keras.Model) -> keras.Model:
    """The training graph with its optimizer and loss.

    jit_compile=False: XLA trains slower on a CPU, and Keras up to 3.14 takes it unless it is turned off.
    """
    loss = losses.of(preset)
    apart = [keras.metrics.MeanMetricWrapper(loss, name="reconstruction")] \
        if preset.variational and not preset.adversary else []
    graph.compile(optimizers.of(preset), loss, metrics=apart, jit_compile=False, steps_per_execution=stride(preset))
    return graph


def stride(preset: Preset) -> int:
    """How many batches are computed before Python is asked again, which takes a fifth of the time of small ones."""
    if keras.backend.backend() == "torch":       # which knows no such thing
        return 1
    room = STRIDE // (preset.batch_size * math.prod(preset.training_shape))
    return max(count for count in STRIDES if count <= max(room, 1))


def fastest_precision() -> str:
    """mixed_bfloat16 where the processor computes in it (AVX-512 BF16 or AMX), up to twice as fast, else float32."""
    processor = Path("/proc/cpuinfo")            # what is not Linux on x86 is taken to have neither
    flags = processor.read_text("utf-8").split() if processor.is_file() else ()
    return "mixed_bfloat16" if {"avx512_bf16", "amx_bf16"} & set(flags) else "float32"


@contextlib.contextmanager
def of_precision(policy: str) -> Iterator[None]:
    """Layers made inside compute in this precision; a Keras dtype policy by its name."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
