"""Files are whole or absent, a refusal of a moment is no failure, and a lock or a name has one owner."""
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from ae_core import files
from ae_core.store import ROOT


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    files.write(tmp_path / "a.txt", "old")
    files.write(tmp_path / "a.txt", "Grüße")
    files.write_json(tmp_path / "new" / "b.json", {"a": 1})
    assert (tmp_path / "a.txt").read_text("utf-8") == "Grüße"
    assert files.read_json(tmp_path / "new" / "b.json") == {"a": 1}
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "b.json", "new"]


@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError])
def test_a_writer_that_fails_leaves_the_old_file(tmp_path, end):
    files.write(tmp_path / "a.npz", b"old")
    with pytest.raises(end), files.replacing(tmp_path / "a.npz") as partial:
        partial.write_bytes(b"half")
        raise end
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.npz", b"old")]


def test_two_writers_of_one_file_never_share_a_name(tmp_path):
    """With one name for both, the slower one renames what the other has half written."""
    with files.replacing(tmp_path / "a.npz") as first, files.replacing(tmp_path / "a.npz") as second:
        assert first != second and first.suffix == second.suffix == ".npz"
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert (tmp_path / "a.npz").read_bytes() == b"first"


def test_what_is_renamed_is_on_the_disk(tmp_path, monkeypatch):
    """Without the flush a power cut leaves an empty file under the right name."""
    done = []
    monkeypatch.setattr(os, "fsync", lambda handle: done.append("flush"))
    monkeypatch.setattr(os, "replace", lambda *paths, real=os.replace: (done.append("rename"), real(*paths)))
    files.write(tmp_path / "a", b"x")
    assert done == ["flush", "rename", "flush"]  # the file, and the folder that knows its name


def test_what_a_dead_writer_left_is_cleared_away_after_an_hour(tmp_path):
    for name, age in (("dead", 7200), ("alive", 0)):
        path = tmp_path / f".part-{name}-a.npz"
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    files.write(tmp_path / "a.npz", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".part-alive-a.npz", "a.npz"]


def refuse(monkeypatch, name, times):
    """An operation of the system that is refused a few times, as Windows does while another program looks."""
    refusals, real = [PermissionError(13, "in use")] * times, getattr(os, name)

    def sometimes(*paths, **options):
        if refusals:
            raise refusals.pop()
        return real(*paths, **options)
    monkeypatch.setattr(os, name, sometimes)


@pytest.mark.parametrize("name", ["replace", "rename", "unlink"])
def test_a_refusal_of_a_moment_is_tried_again(tmp_path, monkeypatch, name):
    (tmp_path / "a").write_bytes(b"x")
    refuse(monkeypatch, name, 4)
    getattr(files, name)(*[tmp_path / "a", tmp_path / "b"][:1 if name == "unlink" else 2])
    assert [path.name for path in tmp_path.iterdir()] == ([] if name == "unlink" else ["b"])


@pytest.mark.parametrize("name", ["replace", "rename", "unlink"])
def test_a_lasting_refusal_is_an_error(tmp_path, monkeypatch, name):
    monkeypatch.setattr(files, "PATIENCE", 0.05)
    refuse(monkeypatch, name, 10**6)
    with pytest.raises(PermissionError):
        getattr(files, name)(*[tmp_path / "a", tmp_path / "b"][:1 if name == "unlink" else 2])


def test_what_is_not_there_need_not_be_removed(tmp_path):
    files.unlink(tmp_path / "nothing")


HOLD = """
import sys
from ae_core import files
with files.lock(sys.argv[1]) as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


def test_a_lock_has_one_holder_and_dies_with_it(tmp_path):
    path = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], cwd=ROOT, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "True\n"
    with files.lock(path) as mine:
        assert not mine
    holder.kill()
    holder.wait(30)
    with files.lock(path, patience=5) as mine:
        assert mine


def test_a_name_is_given_to_one_of_many(tmp_path):
    given, names = [], [tmp_path / f"boots_{k}" for k in range(8)]
    threads = [threading.Thread(target=lambda: given.append(files.reserve(names))) for _ in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == names
    with pytest.raises(FileExistsError):
        files.reserve(names)


@pytest.mark.parametrize("raw", [None, b"", b"[1]", b"{half", b"\xff"])
def test_a_json_file_that_says_nothing_is_an_empty_one(tmp_path, raw):
    if raw is not None:
        (tmp_path / "a.json").write_bytes(raw)
    assert files.read_json(tmp_path / "a.json") == {}


def test_a_header_is_read_by_numpy_and_nothing_else(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 784), np.uint8))
    with open(tmp_path / "a.npy", "rb") as file:
        assert files.npy_header(file) == ((3, 784), False, np.uint8) and file.tell() == 128
    for raw in (b"", b"no array", b"\x93NUMPY\x09\x00\x02\x00{}", b"\x93NUMPY\x01\x00\x02\x00{}"):
        (tmp_path / "a.npy").write_bytes(raw)
        with open(tmp_path / "a.npy", "rb") as file, pytest.raises(ValueError):
            files.npy_header(file)
