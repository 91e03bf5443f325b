"""Two workers on this machine: one network, one loss; and a lost worker costs no more than its epoch."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from ae_core import metrics, model, presets, store
from ae_core.pictures import datasets
from ae_core.training import distribution, fit, runs

COUNT = 3000                     # pictures; benchmarks/workers.py does the same with all of them
LINE = re.compile(r"Worker (\d): validation loss (\S+) after (\d+) epochs, weights (\w+)\.")


@pytest.fixture(autouse=True)
def some_digits(own_store, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    pictures, labels = datasets.samples("mnist")
    raw = (pictures[:, :, :, 0] * 255 + 0.5).astype(np.uint8)
    np.savez(folder / "mnist.npz", x_train=raw[:COUNT], y_train=labels[:COUNT], x_test=raw[COUNT:],
             y_test=labels[COUNT:])


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
    state = runs.runs_folder("digits_conv") / "state.json"
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


def test_one_machine_with_several_devices_needs_no_cluster(monkeypatch):
    stored, _ = fit.train(presets.get("digits_conv"), epochs=1,
                          strategy=distribution.begin("mirrored"))
    assert stored.card["training"]["epochs"] == 1


@pytest.mark.parametrize("config", [None, "", "{", "[]", '{"cluster": {"worker": ["a:1"]}, "task": {"index": 7}}'])
def test_a_missing_or_broken_cluster_gets_a_sentence(config, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match="TF_CONFIG. Set it for each"):
        distribution.begin("multiworker")
