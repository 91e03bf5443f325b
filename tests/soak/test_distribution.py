"""Two workers on this machine: one network, one loss; and a lost worker costs no more than its epoch."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from ae_core import metrics, model, store
from ae_core.pictures import datasets
from tests.training.test_distribution import some_digits  # noqa: F401 - every test here begins with it

LINE = re.compile(r"Worker (\d): validation loss (\S+) after (\d+) epochs, weights (\w+)\.")


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def start(*arguments, workers=2):
    """The processes of `python -m ae_core train digits_conv ...`, each with its own TF_CONFIG."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(workers)]
    return [subprocess.Popen(
        [sys.executable, "-m", "ae_core", "train", "digits_conv", "--strategy", "multiworker", *arguments],
        cwd=store.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CONFIG": json.dumps(
            {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})})
        for index in range(workers)]


def lines(processes):
    """What each worker said of its loss, epochs and weights."""
    outputs = [process.communicate(timeout=240) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), outputs[0][1][-2000:]
    return [LINE.search(out).groups()[1:] for out, _ in outputs]


def test_mse():
    pictures = datasets.load("mnist", "test")[0][:2000]
    return metrics.mse(pictures, model.load("digits_conv").reconstruct(pictures)).mean()


test_mse.__test__ = False


def test_two_workers_train_one_network_and_a_lost_one_is_made_good():
    both = start("--epochs", "2")
    state = store.runs_folder("digits_conv") / "state.json"
    end = time.monotonic() + 120
    while not state.is_file():
        assert time.monotonic() < end and both[0].poll() is None
        time.sleep(0.05)
    os.kill(both[1].pid, signal.SIGKILL)         # in the middle of the second epoch
    _, said = both[0].communicate(timeout=120)
    both[1].communicate()
    assert both[0].returncode == 1 and "Another worker was lost" in said.splitlines()[-1]
    assert not store.present("digits_conv")

    (loss, epochs, weights), other = lines(start("--epochs", "2", "--resume"))
    assert (loss, epochs, weights) == other and epochs == "2"
    shared = test_mse()
    done = subprocess.run([sys.executable, "-m", "ae_core", "train", "digits_conv", "--epochs", "2", "--replace"],
                          cwd=store.ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and shared == pytest.approx(test_mse(), rel=0.1)
