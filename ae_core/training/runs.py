"""The files of a run, its learning rate and its early end: what a stopped training resumes from.

A history is a list of rows, one an epoch: {"epoch": 1, "loss": ..., "val_loss": ...}, of a VAE with "kl" and "val_kl".
"""
import contextlib
import errno
import json
import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ae_core import files, metrics, store
from ae_core.presets import Preset
from ae_core.training import batches, networks

HEADROOM = 2**17                 # bytes that a checkpoint takes beside its numbers, and what is written next to it
History = list[dict[str, Any]]


# --- files ------------------------------------------------------------------------------------------------

def weights_file(folder: Path, epoch: int) -> Path:
    """Where a run keeps the weights and the optimizer of an epoch, the first being 1."""
    return folder / f"epoch_{epoch:04}.weights.h5"


def saved_run(folder: Path) -> dict[str, Any]:
    """What an unfinished run remembers: its preset, seed, epochs and history. ValueError where there is none."""
    path = folder / "state.json"
    if not path.is_file():
        raise ValueError(f"There is no run of {folder.name} to resume. Start one without --resume.")
    return json.loads(path.read_text("utf-8"))


@contextlib.contextmanager
def alone(folder: Path, worker: int = 0) -> Iterator[None]:
    """Held by whoever trains in a folder; ValueError where somebody else does. The lock lies beside the folder.

    Workers that share a run are one; the first of them holds it.
    """
    if worker:
        yield
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with files.lock(store.lock_of(folder)) as mine:
        if not mine:
            raise store.in_training(folder)
        yield


def clear(folder: Path, restart: bool) -> None:
    """Make room for a new run; ValueError where an interrupted one lies there, unless that is given up (`restart`)."""
    run = files.read_json(folder / "state.json")
    if run.get("history") and not run.get("ended") and not restart:
        raise ValueError(f"A run of {folder.name} was interrupted after {len(run['history'])} of {run['epochs']} "
                         "epochs. Go on with it (--resume, in Python resume=True) or give it up (--restart, "
                         "restart=True).")
    files.remove(folder)
    folder.mkdir(parents=True)


def is_resumed(resume: bool, folder: Path, shared: bool) -> bool:
    """Whether a run that is asked to `resume` does; one that workers share begins anew where there is nothing."""
    return resume and (not shared or (folder / "state.json").is_file())


# --- history ----------------------------------------------------------------------------------------------

def best_row(history: History) -> dict[str, Any]:
    """The first row of the lowest validation loss; {} where there is none. NaN is never the lowest."""
    return min((row for row in history if not math.isnan(row["val_loss"])), key=lambda row: row["val_loss"], default={})


def best_epoch(history: History) -> int:
    """The number of the best epoch, the first being 1; 0 where there is none."""
    return best_row(history).get("epoch", 0)


def stale(history: History) -> int:
    """How many epochs have passed since the best one."""
    return len(history) - best_epoch(history)


def patience(preset: Preset, epochs: int) -> int:
    """How many epochs without progress end a run."""
    return 15 if preset.schedule == "plateau" else max(8, epochs // 4)


def plateau(preset: Preset, history: History, patience: int = 5, least: float = 1e-4) -> float:
    """The learning rate after a history: lower by sqrt(0.1) each time `patience` epochs gained less than `least`."""
    rate, best, waited = preset.learning_rate, math.inf, 0
    for row in history:
        best, waited = (row["val_loss"], 0) if row["val_loss"] < best - least else (best, waited + 1)
        if waited == patience:
            rate, waited = max(rate * math.sqrt(0.1), 5e-7), 0
    return rate


def cosine(preset: Preset, epochs: int) -> keras.callbacks.Callback:
    """The learning rate falls along half a cosine from the preset's to a hundredth of it."""
    return keras.callbacks.LearningRateScheduler(
        lambda epoch: preset.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * epoch / epochs)) / 2))


def separate_kl(logs: Mapping[str, float]) -> dict[str, float]:
    """The numbers of an epoch, the KL divergence in place of the reconstruction: the loss is the sum of the two."""
    row = {key: float(value) for key, value in logs.items()}
    for loss, kl, part in (("loss", "kl", "reconstruction"), ("val_loss", "val_kl", "val_reconstruction")):
        if part in row:
            row[kl] = row[loss] - row.pop(part)
    return row


# --- callbacks --------------------------------------------------------------------------------------------

def callbacks(preset: Preset, epochs: int, folder: Path, run: dict[str, Any],
              check: batches.Batches) -> list[keras.callbacks.Callback]:
    """The run's files, its learning rate and its early end, all functions of its history: a resumed run counts on."""
    history = run["history"]
    rate = keras.callbacks.LearningRateScheduler(lambda epoch: plateau(preset, history)) \
        if preset.schedule == "plateau" else cosine(preset, epochs)
    measured = [Measure(preset, check.pictures)] if preset.adversary else []
    return [*measured, KeepRun(folder, run), keras.callbacks.TerminateOnNaN(), rate,
            StopEarly(history, patience(preset, epochs))]


class SeedEpoch(keras.callbacks.Callback):
    """Order, noise and samples of an epoch depend on the seed and the epoch alone.

    So a resumed run sees exactly what an unbroken one would have seen.
    """

    def __init__(self, shown: batches.Batches, seed: int, worker: int = 0):
        super().__init__()
        self.shown, self.seed, self.worker = shown, seed, worker

    def on_epoch_begin(self, epoch, logs=None):
        self.shown.shuffle(self.seed, epoch)
        for layer in self.model.layers:
            if hasattr(layer, "random"):
                key = self.seed + (self.worker << 24)              # workers share the order, not the noise
                layer.random.state.assign(np.uint32([key, epoch * 2**16]))     # its second number counts the draws


class KeepRun(keras.callbacks.Callback):
    """After each epoch: its weights with the optimizer, and the history, renamed into place.

    state.json comes last and names no file: its history says which epochs are the last and the best one, and their
    weights are there before it and removed only after it. So whenever the process dies, the two fit together, and the
    history in memory never has an epoch that the disk lacks.
    """

    def __init__(self, folder: Path, run: dict[str, Any]):
        super().__init__()
        self.folder, self.run, self.history = folder, run, run["history"]

    def on_epoch_end(self, epoch, logs=None):
        grown = [*self.history, {"epoch": epoch + 1, **separate_kl(logs or {})}]
        self._expect_room()
        with files.replacing(weights_file(self.folder, epoch + 1)) as partial:
            self.model.save_weights(partial)
        files.write_json(self.folder / "state.json", self.run | {"history": grown})
        self.history[:] = grown
        needed = {weights_file(self.folder, kept) for kept in (epoch + 1, best_epoch(self.history))}
        for path in set(self.folder.glob("epoch_*")) - needed:
            files.unlink(path)

    def _expect_room(self):
        """OSError before a full disk makes HDF5 leave a file that it can neither finish nor close."""
        numbers = sum(math.prod(value.shape) for value in (*self.model.variables, *self.model.optimizer.variables))
        if shutil.disk_usage(self.folder).free < 4.4 * numbers + HEADROOM:
            raise OSError(errno.ENOSPC, "No space left on device", str(self.folder))


class Measure(keras.callbacks.Callback):
    """After each epoch: what the loss of an adversary does not say, how good the pictures kept aside come back."""

    def __init__(self, preset: Preset, pictures: np.ndarray):
        super().__init__()
        self.preset, self.pictures = preset, pictures

    def on_epoch_end(self, epoch, logs=None):
        pictures, network = np.asarray(self.pictures), Network(self.model, self.preset)
        parts = [pictures[start:start + 100] for start in range(0, len(pictures), 100)]
        rebuilt = np.concatenate([network.decode(network.encode(part, part), part) for part in parts])
        bands = metrics.power(rebuilt) / metrics.power(pictures)
        logs.update(mse=metrics.mse(pictures, rebuilt).mean(), ssim=metrics.ssim(pictures, rebuilt).mean(),
                    grid=metrics.grid(rebuilt), **{f"power_{2**k}": band for k, band in enumerate(bands)})


class StopEarly(keras.callbacks.Callback):
    """End the run where the validation loss has not fallen for `patience` epochs of its history."""

    def __init__(self, history: History, patience: int):
        super().__init__()
        self.history, self.patience = history, patience

    def on_epoch_end(self, epoch, logs=None):
        if stale(self.history) >= self.patience:
            self.model.stop_training = True


# --- for whoever watches ----------------------------------------------------------------------------------

class Network:
    """A network in training, as arrays see it."""

    def __init__(self, graph: keras.Model, preset: Preset):
        self.encoder, self.decoder, self.preset = graph.get_layer("encoder"), graph.get_layer("decoder"), preset

    def encode(self, pictures: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The (mean) codes (n, d) of pictures (n, h, w, c); labels (n,) are for conditional models."""
        code = self.encoder(networks.given(self.preset, pictures, labels), training=False)
        return keras.ops.convert_to_numpy(code[0] if self.preset.variational else code)

    def decode(self, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The pictures (n, h, w, c) of codes (n, d)."""
        return keras.ops.convert_to_numpy(self.decoder(networks.given(self.preset, codes, labels), training=False))


class Forward(keras.callbacks.LambdaCallback):
    """Lets an object that knows nothing of Keras follow a training: its methods are called as a callback's are.

    It finds the `Network` in its `model` and the number of batches in `params["steps"]`.
    """

    def __init__(self, follower: Any, preset: Preset):
        super().__init__(on_epoch_begin=follower.on_epoch_begin, on_epoch_end=follower.on_epoch_end,
                         on_train_batch_end=follower.on_train_batch_end, on_train_end=follower.on_train_end)
        self.follower, self.preset = follower, preset

    def on_train_begin(self, logs=None):
        self.follower.model, self.follower.params = Network(self.model, self.preset), self.params
        self.follower.on_train_begin(logs)
