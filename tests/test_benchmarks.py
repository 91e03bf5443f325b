"""Each benchmark is found by its name and comes back with its numbers, however little it is given to measure."""
import asyncio
import json
import subprocess
import sys

import pytest

from ae_core import store
from benchmarks import __main__ as benchmarks
from benchmarks import _server, _viewer, load, pages

pytestmark = pytest.mark.slow


@pytest.mark.soak
def test_they_are_listed_and_report_ratios():
    assert {"decode", "start", "drag", "grid", "pages", "load"} <= set(benchmarks.NAMES)
    done = subprocess.run([sys.executable, "-m", "benchmarks", "decode", "--json"], cwd=store.ROOT, capture_output=True,
                          text=True)
    row = json.loads(done.stdout.splitlines()[-1])
    assert {"ratio", "seconds", "keras_seconds"} <= set(row) and row["largest_difference"] < 2e-3


@pytest.mark.soak
def test_a_page_is_measured_on_a_server_of_its_own():
    row = pages.run(["home", "reconstruct"], reruns=2)
    for name in ("home", "reconstruct"):
        assert row[name]["cold_cpu_ms"] > row[name]["rerun_cpu_ms"] > 0 and row[name]["kb"] > 10
    assert row["rss_mb"] > 50 and row["yardstick_ms"] > 0
    json.dumps(row)


def test_viewers_open_rerun_change_and_upload():
    row = load.run(viewers=[2], clicks=1)
    assert row[2]["errors"] == row["errors_when_cold"] == 0 and row[2]["reruns"] == 4
    assert row[2]["p95_ms"] >= row[2]["p50_ms"] > 0 and row["rss_after"] > 50 < row["rss_before"]


def test_a_viewer_sees_an_exception_and_keeps_what_it_knows(tmp_path):
    script = tmp_path / "page.py"
    script.write_text("import streamlit as st\nst.text('x' * 100_000)\nst.file_uploader('File')\n"
                      "if st.slider('Number', 0, 9) == 3:\n    raise ValueError('three')\n", "utf-8")

    async def visit():
        with _server.served(script) as server:
            async with _viewer.Viewer(server.url) as viewer:
                first, again = await viewer.open(), await viewer.rerun()
                slider = _viewer.WidgetState(id=viewer.widgets["slider"][0])
                slider.double_array_value.data.append(3)
                return first, again, await viewer.upload("a.txt", b"text"), await viewer.rerun(slider)

    first, again, upload, three = asyncio.run(visit())
    assert first.errors == again.errors == upload.errors == () and len(three.errors) == 1
    assert first.bytes > 100_000 > 20_000 > again.bytes           # a long message is sent once


def test_a_proxy_without_its_program_gets_a_sentence(monkeypatch):
    monkeypatch.setattr(load.shutil, "which", lambda *_, **__: None)
    with pytest.raises(SystemExit, match="install nginx"), load.proxy(["http://127.0.0.1:1"]):
        pass
