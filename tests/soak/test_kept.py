"""Nothing of a training is lost: two trainers, interrupts anywhere in a save, a replaced data set."""
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from ae_core import files, store
from ae_core.pictures import datasets
from ae_core.training import fit, runs
from tests.conftest import Interrupt, tiny
from tests.soak.test_jobs import wait

PLACES = 50                      # where an interrupt comes, half of them in our own lines
COUNT = 3000                     # pictures to train on


@pytest.fixture
def data(own_store, tmp_path):
    """mnist.npz of some of the shipped digits, and no weights yet."""
    pictures, labels = datasets.samples("mnist")
    raw = (pictures[..., 0] * 255 + 0.5).astype(np.uint8)
    path = tmp_path / "data" / "mnist.npz"
    path.parent.mkdir()
    np.savez(path, x_train=raw[:COUNT], y_train=labels[:COUNT], x_test=raw[COUNT:], y_test=labels[COUNT:])
    return path


@pytest.fixture
def train():
    """train(*arguments) starts the command; none outlives its test."""
    started = []

    def start(*arguments):
        started.append(subprocess.Popen([sys.executable, "-m", "ae_core", "train", "digits_stacked", *arguments],
                                        cwd=store.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]
    yield start
    for each in started:
        each.kill()
        each.communicate()


def test_a_second_trainer_touches_nothing_and_an_interrupted_run_stays_until_it_is_given_up(data, train):
    folder = store.runs_folder("digits_stacked")
    first = train("--epochs", "10000")
    wait(lambda: len(files.read_json(folder / "state.json").get("history", [])) > 1)
    for options in ([], ["--resume"], ["--restart", "--replace"]):
        second = train(*options)
        out, said = second.communicate(timeout=240)
        assert (second.returncode, out) == (1, "") and len(said.splitlines()) == 1
        assert "Another process is training digits_stacked" in said and first.poll() is None
    os.kill(first.pid, signal.SIGINT)
    out, _ = first.communicate(timeout=240)
    history = runs.saved_run(folder)["history"]
    assert first.returncode == 0 and f"{len(history)} of 10000 epochs are trained; go on with" in out
    card = store.read("digits_stacked").card["training"]
    assert card["epochs"] == len(history) and card["val_loss"] == runs.best_row(history)["val_loss"]

    third = train("--epochs", "1")
    assert "was interrupted after" in third.communicate(timeout=240)[1].splitlines()[-1] and third.returncode == 1
    fourth = train("--resume", "--epochs", str(len(history) + 1))
    out, said = fourth.communicate(timeout=240)
    assert fourth.returncode == 0 and runs.saved_run(folder)["history"][:len(history)] == history, said


def test_a_replaced_data_set_costs_no_weights(data, train):
    assert train("--epochs", "2").wait(240) == 0
    card = store.read("digits_stacked").card
    with np.load(data) as arrays:
        dark = {name: values // 9 if name.startswith("x") else values for name, values in arrays.items()}
    np.savez(data, **dark)                       # whose loss is 81 times lower
    out, _ = train("--epochs", "1").communicate(timeout=240)
    assert "scored on other pictures" in out and store.read("digits_stacked").card == card


def trained(digits, monkeypatch, interrupt, **options):
    """Four epochs, `interrupt` at work while the third is kept; gives what `fit.fit` does."""
    keep = runs.KeepRun.on_epoch_end

    def kept(self, epoch, logs=None):
        if epoch == 2:
            sys.settrace(interrupt)
        try:
            keep(self, epoch, logs)
        finally:
            sys.settrace(None)
    with monkeypatch.context() as patched:
        patched.setattr(runs.KeepRun, "on_epoch_end", kept)
        return fit.fit(tiny(), *digits, epochs=4, verbose=0, **options)


@pytest.mark.parametrize("part", ["/ae_core/", "/"], ids=["our own lines", "any line"])
def test_an_interrupt_at_any_instruction_of_a_save_keeps_the_best_epoch_on_disk(digits, monkeypatch, tmp_path, part):
    counting = Interrupt(part)
    whole = trained(digits, monkeypatch, counting, folder=tmp_path / "whole")[2]
    rng = np.random.default_rng(11)
    for k, at in enumerate(rng.integers(1, counting.seen + 1, PLACES // 2)):
        folder = tmp_path / f"run_{k}"
        _, _, history = trained(digits, monkeypatch, Interrupt(part, at), folder=folder)
        assert history == runs.saved_run(folder)["history"] == whole[:len(history)] and len(history) >= 2, at
        assert runs.weights_file(folder, runs.best_epoch(history)).is_file()
        if k % 5 == 0:
            resumed = fit.fit(tiny(), *digits, epochs=4, verbose=0, folder=folder, resume=True)[2]
            assert [row["loss"] for row in resumed] == pytest.approx([row["loss"] for row in whole], rel=1e-5)
