"""A trainer that is a process of its own: killed, resumed, and the only one."""
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from ae_core import model, store
from ae_core.own import jobs
from tests.own.test_jobs import rings, small


@pytest.fixture
def process():
    """Starts trainers; none outlives its test."""
    started = []

    def start():
        started.append(subprocess.Popen([sys.executable, "-m", "ae_core", "work"], cwd=store.ROOT,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return started[-1]
    yield start
    for each in started:
        each.kill()
        each.wait()


def wait(condition, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the trainer did not get there in time"
        time.sleep(0.05)


def test_a_killed_trainer_is_seen_and_its_run_resumes_with_the_same_losses(monkeypatch, process):
    """kill -9 at moments drawn by seed; the store never holds a half-written model. AE_KILLS=10 does it ten times."""
    monkeypatch.setattr(jobs, "can_train", lambda: False)    # the test starts the processes itself
    kills = int(os.environ.get("AE_KILLS", "2"))
    preset = small(epochs=10 * kills, batch_size=8)
    whole = jobs.request(preset, collection=rings(200))
    broken = jobs.request(preset, collection=rings(200))
    rng, worker = np.random.default_rng(7), process()
    wait(lambda: jobs.read(whole.ident).state == jobs.DONE)
    for _ in range(kills):
        wait(lambda: jobs.read(broken.ident).state == jobs.RUNNING and jobs.read(broken.ident).history())
        time.sleep(rng.uniform(0, 1.5))
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        wait(lambda: not jobs.busy(), 5)
        assert set(store.own()) == {"own_mine"} and model.load("own_mine")
        if jobs.read(broken.ident).state == jobs.DONE:
            break
        assert jobs.read(broken.ident).state == jobs.INTERRUPTED
        jobs.resume(jobs.read(broken.ident))
        worker = process()
    wait(lambda: jobs.read(broken.ident).state == jobs.DONE)
    worker.wait(20)
    first, second = (store.read(job.preset.name).card["training"] for job in (whole, broken))
    assert first["epochs"] == second["epochs"] and first["val_loss"] == pytest.approx(second["val_loss"], rel=0.01)


def test_only_one_worker_works(process):
    """The page starts one that survives it; a second one leaves at once."""
    jobs.request(small(epochs=300), collection=rings(200))
    jobs.start()
    wait(jobs.busy)
    start = time.monotonic()
    assert process().wait(60) == 0 and time.monotonic() - start < 60 and jobs.busy()
    jobs.steer(jobs.every()[0], "stop")
    wait(lambda: jobs.every()[0].state in (jobs.DONE, jobs.STOPPED))
    wait(lambda: not jobs.busy())
    assert json.loads((jobs.every()[0].folder / "status.json").read_text())["state"] in (jobs.DONE, jobs.STOPPED)
