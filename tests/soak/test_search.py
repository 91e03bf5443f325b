"""An index whose writer is killed."""
import os
import signal
import subprocess
import sys
import time

import pytest

from ae_core import store
from ae_core.features import search
from tests.features.test_search import codes

WRITE_FOR_EVER = """
import sys
import numpy as np
from ae_core.features import search
index = search.Index.build(np.random.default_rng(1).normal(size=(40_000, 32)))
print("writing", flush=True)
while True:
    index.save(sys.argv[1])
"""


@pytest.mark.parametrize("wait", [0.0, 0.013, 0.031])
def test_killing_the_writer_leaves_a_whole_index(wait, tmp_path):
    path = tmp_path / "a.faiss"
    search.Index.build(codes(50, 32)).save(path)
    command = [sys.executable, "-c", WRITE_FOR_EVER, str(path)]
    writer = subprocess.Popen(command, cwd=store.ROOT, stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"writing\n"
    time.sleep(wait)
    writer.send_signal(signal.SIGKILL)
    writer.wait(30)
    assert len(search.Index.open(path)) in (50, 40_000)
    for left in tmp_path.glob(".part-*"):
        os.utime(left, (0, 0))
    search.Index.build(codes(60, 32)).save(path)               # what the dead one left is cleared away in time
    assert len(search.Index.open(path)) == 60 and os.listdir(tmp_path) == ["a.faiss"]
