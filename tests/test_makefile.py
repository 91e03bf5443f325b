"""The commands that set everything up, before there is anything."""
import shutil
import subprocess
import sys
import time
import tomllib

import pytest

from ae_core.store import ROOT

OTHER_VERSION = """#!{real}
import sys
sys.version_info = ({major}, {minor}, 0, "final", 0)
if sys.argv[1] == "-c":
    exec(sys.argv[2])
else:
    sys.exit(print("installs", *sys.argv[1:]) or 1)
"""


def made(tmp_path, major, minor):
    """What `make` says with an interpreter of another version, which only prints what it is asked to install."""
    interpreter = tmp_path / "python"
    interpreter.write_text(OTHER_VERSION.format(real=sys.executable, major=major, minor=minor), "utf-8")
    interpreter.chmod(0o755)
    ready = tmp_path / "ready"
    return subprocess.run(["make", f"PYTHON={interpreter}", f"APP={tmp_path / 'app'}", f"READY={ready}", ready],
                          cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(("major", "minor"), [(3, 10), (3, 14), (4, 0)])
def test_an_interpreter_outside_the_range_gets_one_sentence_and_nothing_is_installed(tmp_path, major, minor):
    done = made(tmp_path, major, minor)
    assert done.returncode and "installs" not in done.stdout
    first, *_ = done.stderr.splitlines()
    assert "needs Python 3.11, 3.12 or 3.13" in first and f"is {major}.{minor}. Name another" in first


@pytest.mark.parametrize("minor", [11, 12, 13])
def test_one_inside_the_range_is_taken(tmp_path, minor):
    assert "installs -m venv" in made(tmp_path, 3, minor).stdout
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == ">=3.11,<3.14"


PIP_ELSEWHERE = """
import platform, runpy, sys
platform.python_version = lambda: "{major}.{minor}.0"
platform.python_version_tuple = lambda: ("{major}", "{minor}", "0")
sys.argv = ["pip", "install", "--no-index", "--dry-run", "--no-cache-dir", "-r", "{requirements}"]
runpy.run_module("pip", run_name="__main__")
"""


@pytest.mark.parametrize("requirements", ["requirements.txt", "requirements-app.txt"])
@pytest.mark.parametrize(("major", "minor", "told"), [(3, 10, True), (3, 14, True), (3, 11, False), (3, 13, False)])
def test_pip_says_so_too_before_it_looks_for_any_package(requirements, major, minor, told):
    done = subprocess.run([sys.executable, "-c", PIP_ELSEWHERE.format(requirements=requirements, major=major,
                                                                      minor=minor)],
                          cwd=ROOT, capture_output=True, text=True)
    first = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "")
    assert ("Autoencoder Lab needs Python 3.11, 3.12 or 3.13" in first) == told, done.stderr


INSTALLER = """#!/bin/sh
# An interpreter whose pip writes down what it is asked for, and whose Streamlit only says that it runs.
case "$*" in
    *pip*) echo "$*" >> pip.txt; echo "Collecting tensorflow"; sleep 0.2; exit $(cat status) ;;
    *streamlit*) echo "runs with $(cat pip.txt | wc -l) installs"; while [ ! -e ended ]; do sleep 0.1; done ;;
esac
"""


@pytest.mark.parametrize("status", ["0", "1"])
def test_the_app_opens_before_what_only_train_needs_is_installed(tmp_path, status):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "requirements-app.txt"):
        (tmp_path / name).touch()
    program = tmp_path / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(INSTALLER, "utf-8")
    program.chmod(0o755)
    (tmp_path / ".venv" / ".app").touch()        # the first install has been made
    (tmp_path / "status").write_text(status)
    running = subprocess.Popen(["make", "run"], cwd=tmp_path, stdout=subprocess.DEVNULL)
    installing, ready = tmp_path / ".venv" / "installing", tmp_path / ".venv" / ".ready"
    end = time.monotonic() + 60
    while not (ready.exists() and not installing.exists() if status == "0" else (tmp_path / "pip.txt").exists()):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert running.poll() is None                # the app runs meanwhile
    (tmp_path / "ended").touch()
    running.wait(60)
    assert (tmp_path / "pip.txt").read_text().split()[-1] == "requirements.txt"
    if status == "1":                            # the next `make run` tries again, and Train says so until then
        assert installing.read_text() == "Collecting tensorflow\n" and not ready.exists()
