"""The examples of CONTRIBUTING.md, made in a copy of the tree and held to the contracts of the shipped entries."""
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from ae_core.pictures import datasets
from ae_core.store import ROOT
from benchmarks import _server
from tests.browser.driver import settle
from tests.test_house import tracked

BLOCK = re.compile(r"(?:[Ii]n `(?P<file>[\w./]+)`,|and the entry,)(?P<words>[^`]*(?:`(?P<table>[A-Z]+)`)?[^`]*):\n\n"
                   r"```\w+\n(?P<text>.*?)```", re.S)
PLACES = {"A model": 1, "A kind of network": 3, "A data set": 2, "A page": 3, "A live component": 3}
DEMO = """import streamlit as st
from pages.shared import live
st.text(f"share={live.dial('share', label='Share', value=0.5):.2f}")
"""


def sections():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    return dict(re.findall(r"^## ([^:]+):[^\n]*\n(.*?)(?=^## |\Z)", text, re.S | re.M))


def blocks(body):
    """(file, table or None, words on the place, text) of each example; one that names no file goes on in the last."""
    file = None
    for found in BLOCK.finditer(body):
        file = found["file"] or file
        yield file, found["table"], found["words"], found["text"]


def put(tree, file, table, words, text):
    path = tree / file
    if "a new file" in words:
        assert not path.exists()
        path.write_text(text, "utf-8")
        return
    before = path.read_text("utf-8")
    if not table:
        path.write_text(before + "\n\n" * text.startswith("def") + text, "utf-8")
        return
    start = re.search(rf"^{table}\b.*\n", before, re.M)
    if "above" in words:
        place, text = start.start(), text + "\n\n"
    else:
        place = re.compile(r"^[)}]", re.M).search(before, start.end()).start()
    path.write_text(before[:place] + text + before[place:], "utf-8")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of all that is tracked, with every example in its place."""
    copy = tmp_path_factory.mktemp("copy") / "lab"
    for file in tracked():
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, copy / file)
    for body in sections().values():
        for block in blocks(body):
            put(copy, *block)
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        subprocess.run(command, cwd=copy, check=True)
    return copy


@pytest.fixture
def run(tree, tmp_path):
    """run(module, *arguments) in the copy, with MNIST's shipped pictures to train on."""
    (tmp_path / "data").mkdir()
    pictures, labels = datasets.samples("mnist")
    raw = (pictures[..., 0] * 255 + 0.5).astype(np.uint8)
    np.savez(tmp_path / "data" / "mnist.npz", x_train=raw[:1000], y_train=labels[:1000], x_test=raw, y_test=labels)

    def ran(module, *arguments):
        done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=tree, capture_output=True, text=True,
                              env=os.environ | {"PYTHONPATH": str(tree)})
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout
    return ran


def test_each_noun_is_added_in_as_few_places_as_the_page_says():
    for title, body in sections().items():
        assert len({file for file, *_ in blocks(body)}) == PLACES[title], title


def test_what_was_added_is_written_as_the_rest(run):
    run("ruff", "check", "--fix", "--select", "I", "pages/shared/live/__init__.py")
    run("ruff", "check", ".")
    run("mypy")
    run("pytest", "-n", "0", "-q", "tests/test_house.py", "tests/test_live.py", "-k", "not requirements")


def test_models_and_kinds_of_network_keep_the_contract(run, tree):
    names = ("digits_dense", "digits_residual")
    for name in names:
        run("ae_core", "train", name, "--epochs", "1")
    (tree / "weights" / "README.md").write_text(run("ae_core", "list", "--markdown"), "utf-8")
    run("pytest", "-n", "0", "-q", "tests/test_presets.py", "tests/test_families.py", "tests/test_weights.py", "-k",
        f"{' or '.join(names)} or residual or titles or table")


def test_a_data_set_keeps_the_contract_and_its_files_are_unpacked(run, tree, tmp_path):
    run("pytest", "-n", "0", "-q", "tests/pictures/test_datasets.py", "-k", "kuzushiji")
    np.savez(tmp_path / "part.npz", np.arange(5))
    script = tree / "unpack.py"
    script.write_text("import sys, pathlib\nfrom ae_core.pictures import formats\n"
                      "print(formats.unpack_arrays([pathlib.Path(sys.argv[1])])[0].sum())\n", "utf-8")
    assert run("unpack", str(tmp_path / "part.npz")) == "10\n"


def test_a_page_keeps_the_contract(run):
    assert "passed" in run("pytest", "-n", "0", "-q", "tests/test_pages.py", "-k", "hardest")


def test_a_live_component_reports_what_the_keyboard_set(tree, page):
    script = tree / "demo.py"
    script.write_text(DEMO, "utf-8")
    with _server.served(script, root=tree) as server:
        page.goto(server.url)
        page.get_by_text("share=0.50").wait_for()
        line = page.get_by_role("slider", name="Share")
        line.press("ArrowRight")
        page.get_by_text("share=0.51").wait_for()
        settle(page)
        assert line.get_attribute("aria-valuetext") == "0.51" and page.console_errors == []
