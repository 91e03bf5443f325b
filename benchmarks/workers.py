"""Two workers on this machine train digits_conv for an epoch, whole and with one of them killed, against one process.

All have the same global batch. Both workers must end with the same loss and the same weights. Then one is killed in the
middle of an epoch; all start again with --resume and finish. On one machine the two share its cores, so the speed says
nothing of two machines. Needs the whole of MNIST.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import numpy as np

from ae_core import metrics, model, store
from ae_core.pictures import datasets

NAME = "digits_conv"
LINE = re.compile(r"Worker \d: validation loss (\S+) after (\d+) epochs, weights (\w+)")
WAIT = 900                       # seconds, for a busy machine


def run():
    """Losses, whether the workers agree, and the test errors beside that of one process."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {"AE_WEIGHTS_DIR": f"{scratch}/weights", "AE_RUNS_DIR": f"{scratch}/runs"}
        began = time.monotonic()
        whole = finish(workers(1))
        seconds, shared = time.monotonic() - began, error()
        shutil.rmtree(f"{scratch}/runs")         # of the whole run: what comes next is that of the broken one
        lost = lose_one(f"{scratch}/runs/{NAME}/state.json")
        began = time.monotonic()
        subprocess.run([*command(1), "--replace"], check=True, capture_output=True, cwd=store.ROOT)
        alone = error()
        return {"same_loss": whole[0][0] == whole[1][0], "same_weights": whole[0][2] == whole[1][2],
                "validation_losses": [float(row[0]) for row in whole], "test_mse": shared, "single_test_mse": alone,
                "ratio": shared / alone, "seconds": seconds, "single_seconds": time.monotonic() - began, **lost}


def lose_one(state):
    """Kill one of two workers a moment into the second epoch, start both again, and see that they finish alike."""
    both = workers(2, "--replace")
    while not os.path.isfile(state) and both[0].poll() is None:
        time.sleep(0.1)
    time.sleep(2)
    both[1].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    try:
        said = both[0].communicate(timeout=WAIT)[1]
    finally:
        both[0].kill()
    both[1].communicate()
    rows = finish(workers(2, "--resume", "--replace"))
    return {"survivor_said_so": "Another worker was lost" in said, "survivor_seconds": time.monotonic() - killed,
            "resumed_epochs": int(rows[0][1]), "resumed_same_weights": rows[0][2] == rows[1][2]}


def command(epochs):
    return [sys.executable, "-m", "ae_core", "train", NAME, "--epochs", str(epochs)]


def workers(epochs, *arguments):
    """Two processes, each told by TF_CONFIG which of the two it is."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{probe.getsockname()[1]}" for probe in probes]
    for probe in probes:
        probe.close()
    return [subprocess.Popen([*command(epochs), "--strategy", "multiworker", *arguments], cwd=store.ROOT, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"TF_CONFIG": json.dumps(
                                 {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})})
            for index in range(2)]


def finish(processes):
    """(loss, epochs, weights) as each worker printed them; no worker outlives this."""
    try:
        outputs = [process.communicate(timeout=WAIT)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [LINE.search(output).groups() for output in outputs]


def error():
    pictures = datasets.load("mnist", "test")[0]
    return float(np.mean(metrics.mse(pictures, model.load(NAME).reconstruct(pictures))))
