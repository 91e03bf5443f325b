"""kill -9 at every step of each writer: the store, the queue, the trainer's end, checkpoints, and the index."""
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ae_core import files, presets, store
from ae_core.features import search
from ae_core.own import jobs
from tests.own.test_jobs import rings, small
from tests.own.test_owner import ANN

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
FILES = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.utime", "os.chmod")


class Death:
    """A step is a call that opens or changes a file, or a line of `files`: between two of them the disk stays the same.
    At one of them the process is gone.
    """

    def __init__(self, at):
        self.left = at

    def step(self):
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def trace(self, frame, event, argument):
        if not frame.f_code.co_filename.endswith("ae_core/files.py"):
            return None
        if event == "line":
            self.step()
        return self.trace

    def audit(self, event, arguments):
        if event in FILES:
            self.step()


def killed(action, at):
    """Whether a child that does `action` was killed at its step `at`; False: it had no more steps."""
    child = os.fork()
    if not child:
        try:
            death = Death(at)
            sys.addaudithook(death.audit)
            sys.settrace(death.trace)
            action()
            sys.settrace(None)
            os._exit(0)
        except BaseException:
            sys.settrace(None)
            traceback.print_exc()
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0, f"it failed by itself before step {at}"
    return os.WIFSIGNALED(status)


def at_every_step(action, check, least):
    """Kill `action` at each of its steps, and check what is left after each."""
    at = 0
    while killed(action, at):
        check(at)
        for left in Path(os.environ["HOME"]).rglob(".part-*"):
            left.unlink()                        # as the next writer would in an hour: it takes steps to look at each
        at += 1
    check(at)
    assert at > least, "there were steps to be killed at"


@pytest.fixture
def impatient(monkeypatch):
    """Whoever replaces a folder is taken for dead at once."""
    monkeypatch.setattr(store, "SWAP_SECONDS", 0.0)


# --- the store -----------------------------------------------------------------------------------------------

def test_weights_are_the_old_or_the_new(own_store, tmp_path, impatient):
    preset = presets.get("digits_conv")
    parts = {"encoder.onnx": tmp_path / "encoder", "decoder.onnx": tmp_path / "decoder"}
    seen = set()

    def write(number):
        for path in parts.values():
            path.write_bytes(b"%d" % number * 1000)
        return lambda: store.write(preset, parts, {})
    write(0)()
    new = write(1)

    def check(at):
        stored = store.read(preset.name)         # every checksum is compared
        held = {stored.path(file).read_bytes()[:1] for file in parts}
        assert len(held) == 1, at
        seen.update(held)
        if held == {b"1"}:
            write(0)()                           # which clears away what the dead one left
            write(1)
    at_every_step(new, check, 5)
    assert seen == {b"0", b"1"} and store.present(preset.name)


def test_an_own_model_is_there_or_gone(impatient):
    """Added, shared, deleted: and what a dead process reserved is free again."""
    def add():
        with store.changing():
            name = store.reserve("Boots")
            preset = presets.get("digits_conv").to_json() | {"name": name, "title": "Boots"}
            source = store.own_root().parent / "weights"
            source.write_bytes(b"weights")
            store.write(presets.Preset.from_json(preset), {"encoder.onnx": source}, {"owner": ANN})

    def check(at):
        assert store.damaged() == [] and store.own("b" * 32) == {}, at
        for name in store.own(ANN):
            assert store.read(name).card["owner"] == ANN, at
            store.remove(name)
        store.tidy()                             # as a trainer that starts
        jobs.tidy()
        assert {path.name for path in store.own_root().iterdir()} <= {".lock", "jobs"}, at
    jobs.root().mkdir(parents=True)
    at_every_step(add, check, 5)
    add()
    name, = store.own()

    def check_shared(at):
        assert store.read(name).card["owner"] == ANN
        store.share(name, False)
    at_every_step(lambda: store.share(name, True), check_shared, 5)

    def check_removed(at):
        assert store.damaged() == []
        if store.present(name):
            assert store.read(name)
        else:
            add()
    at_every_step(lambda: store.remove(name), check_removed, 5)


# --- the queue -----------------------------------------------------------------------------------------------

@pytest.fixture
def queue(monkeypatch):
    """A run that waits; whoever else is asked for is taken away again."""
    monkeypatch.setattr(jobs, "start", lambda: None)
    return jobs.request(small(title="First"), collection=rings())


def test_a_request_is_there_or_not(queue):
    pictures = rings()

    def check(at):
        for job in jobs.every():
            (trained, _), (shown, _) = jobs.pictures(job)
            assert job.state == jobs.WAITING and len(trained) + len(shown) == 40, at
            if job.ident != queue.ident:
                jobs.steer(job, "stop")
                jobs.remove(jobs.read(job.ident))
        assert jobs.read(queue.ident)
    at_every_step(lambda: jobs.request(small(), collection=pictures, owner=ANN), check, 5)
    jobs.tidy()
    assert not list(jobs.root().glob(".new-*")) and [job.ident for job in jobs.every()] == [queue.ident]
    assert [path.name for path in store.own_root().glob("own_*")] == [queue.preset.name], "names are free again"


@pytest.mark.parametrize(("press", "before", "states"), [
    (lambda job: jobs.steer(job, "stop"), {"state": jobs.WAITING}, {jobs.WAITING, jobs.STOPPED}),
    (lambda job: jobs.steer(job, "pause"), {"state": jobs.WAITING}, {jobs.WAITING}),
    (jobs.resume, {"state": jobs.STOPPED}, {jobs.STOPPED, jobs.WAITING}),
    (lambda job: jobs.claim(), {"state": jobs.WAITING}, {jobs.WAITING, jobs.INTERRUPTED}),
    (lambda job: jobs.tidy(), {"state": jobs.STOPPED}, {jobs.STOPPED})],
    ids=["stop", "pause", "resume", "claim", "tidy"])
def test_a_click_is_done_or_not(queue, press, before, states):
    seen = set()

    def check(at):
        job = jobs.read(queue.ident)
        assert job and job.preset == queue.preset and len(jobs.pictures(job)[0][0]) == 36, at
        seen.add(job.state)
        files.write_json(job.folder / "status.json", before)
        files.unlink(job.folder / "control")
    check(-1)                                    # as it was before
    seen.clear()
    at_every_step(lambda: press(jobs.read(queue.ident)), check, 5)
    assert seen == states


def test_a_removed_run_is_there_or_gone(monkeypatch):
    monkeypatch.setattr(jobs, "start", lambda: None)

    def stopped():
        job = jobs.request(small(), collection=rings())
        jobs.steer(job, "stop")
        return jobs.read(job.ident)
    job = stopped()

    def check(at):
        nonlocal job
        found = jobs.read(job.ident)
        assert found is None or found.state == jobs.STOPPED and len(jobs.pictures(found)[0][0]) == 36
        job = found or stopped()
    at_every_step(lambda: jobs.remove(job), check, 5)
    jobs.remove(job)
    jobs.tidy()
    assert jobs.every() == []
    assert not list(store.own_root().glob("own_*"))


# --- the trainer ---------------------------------------------------------------------------------------------

def test_the_end_of_a_run_loses_neither_the_run_nor_the_model(queue, monkeypatch, tmp_path, impatient):
    """From the last epoch to "done": the model is there, or the run goes on from where it was."""
    from ae_core.own import worker
    history = [{"epoch": 1, "loss": 0.5, "val_loss": 0.4}]
    weights = tmp_path / "weights"
    weights.write_bytes(b"weights" * 100)

    def fit(preset, pictures, labels, folder, **how):
        files.write_json(folder / "state.json", {"history": history, "epochs": 1})
        return None, None, history

    def keep(preset, encoder, decoder, training, test, beside, **more):
        return store.write(preset, {"encoder.onnx": weights}, {"training": training, **more})
    monkeypatch.setattr(worker.fit, "fit", fit)
    monkeypatch.setattr(worker.fit, "summary", lambda *_: {"epochs": 1})
    monkeypatch.setattr(worker.package, "keep", keep)
    ends = set()

    def check(at):
        job = jobs.read(queue.ident)
        if job.state == jobs.DONE:
            assert store.read(queue.preset.name).card["data"]["title"] == "Rings and bars", at
            store.remove(queue.preset.name)
            store.folder_of(queue.preset.name).mkdir()           # its name, as a waiting run has it
            again()
        else:
            assert job.state in (jobs.WAITING, jobs.INTERRUPTED) and len(jobs.pictures(job)[0][0]) == 36, at
            assert job.history() in ([], history), at
            jobs.resume(job)
        ends.add(job.state)

    def again():
        """As it was before it was trained: the whole of it, as what is done has let go of its pictures."""
        jobs.remove(jobs.read(queue.ident))
        fresh = jobs.request(small(title="First"), collection=rings())
        os.rename(fresh.folder, queue.folder)
    at_every_step(lambda: worker.run(jobs.claim(), worker.Ready()), check, 5)
    assert ends == {jobs.WAITING, jobs.INTERRUPTED, jobs.DONE}


def test_checkpoints_fit_their_history(tmp_path):
    """The history of the disk names epochs whose weights are there, whole; the best of them is never lost."""
    from ae_core.training import runs

    class Model:
        variables = [np.zeros(10)]
        optimizer = SimpleNamespace(variables=[])

        def save_weights(self, path):
            with open(path, "wb") as file:       # in two parts, as HDF5 does
                file.write(b"%d" % self.epoch * 1000)
                file.flush()
                file.write(b"%d" % self.epoch * 1000)

    def keeper(history):
        callback = runs.KeepRun(tmp_path, {"preset": {}, "epochs": 9, "history": list(history)})
        callback.set_model(Model())
        return callback

    losses = [0.5, 0.3, 0.4, 0.45, 0.2]          # so that the best is the last, and then is not
    for epoch, loss in enumerate(losses):
        history = runs.saved_run(tmp_path)["history"] if epoch else []
        assert len(history) == epoch
        callback = keeper(history)
        callback.model.epoch = epoch + 1

        def end(callback=callback, epoch=epoch, loss=loss):
            callback.on_epoch_end(epoch, {"loss": loss, "val_loss": loss})

        def check(at, before=history, epoch=epoch):
            if not (tmp_path / "state.json").exists():
                assert epoch == 0
                return
            found = runs.saved_run(tmp_path)["history"]
            assert found[:epoch] == before and len(found) in (epoch, epoch + 1), at
            for kept in {len(found), runs.best_epoch(found)}:
                assert runs.weights_file(tmp_path, kept).read_bytes() == b"%d" % kept * 2000, at
        at_every_step(end, check, 5)
    assert {path.name for path in tmp_path.glob("epoch_*")} == {"epoch_0005.weights.h5"}


# --- the index -----------------------------------------------------------------------------------------------

def test_an_index_is_the_old_or_the_new(tmp_path):
    path = tmp_path / "a.faiss"
    rng = np.random.default_rng(1)
    old, new = (search.Index.build(rng.normal(size=(count, 32))) for count in (50, 60))
    old.save(path)
    seen = set()

    def check(at):
        seen.add(len(search.Index.open(path)))
        old.save(path)
    at_every_step(lambda: new.save(path), check, 5)
    assert seen == {50, 60} and os.listdir(tmp_path) == ["a.faiss"]


def test_the_end_of_a_process_is_seen(tmp_path):
    """The tests above can fail: a writer without care is caught."""
    path = tmp_path / "a.json"
    path.write_text("{}")

    def careless():
        with open(path, "w") as file:
            file.write('{"a": ')
            file.flush()
            os.utime(path)
            file.write("1}")
    broken = 0
    for at in range(4):
        killed(careless, at)
        try:
            json.loads(path.read_text())
        except ValueError:
            broken += 1
    assert broken
