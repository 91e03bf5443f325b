"""Fixtures for tests in a real Chromium: a browser, a page, and a Streamlit server for a script.

CHROMIUM names the browser's program. With AE_REQUIRE_BROWSER=1 a missing browser fails the tests
that need one; else they are skipped.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
START_SECONDS = 60


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium for the whole test session."""
    playwright = _playwright()
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")  # None: Playwright's own
    with playwright.sync_playwright() as driver:
        try:
            chromium = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        except playwright.Error as error:
            _missing(f"no Chromium to start: {error}")
        yield chromium
        chromium.close()


def _playwright() -> Any:
    try:
        from playwright import sync_api
    except ImportError:
        _missing("the playwright package is not installed")
    return sync_api


def _missing(reason: str) -> None:
    if os.environ.get("AE_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page in a fresh context; what its console calls an error is in page.console_errors."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.console_errors = []
    page.on("pageerror", lambda error: page.console_errors.append(str(error)))
    page.on("console", lambda line: _note(line, page.console_errors))
    yield page
    context.close()


def _note(line: Any, errors: list[str]) -> None:
    """Opened at /denoise, Streamlit first looks for its server under /denoise/_stcore: those 404s are its own."""
    if line.type == "error" and "/_stcore/" not in line.location["url"]:
        errors.append(line.text)


@pytest.fixture(scope="session")
def serve() -> Callable[..., contextlib.AbstractContextManager[str]]:
    """serve(script, *args): a context manager that runs the script and gives its address."""
    return _serve


@contextlib.contextmanager
def _serve(script: str | Path, *args: str) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1"]
    command += ["--browser.gatherUsageStats=false", "--server.fileWatcherType=none", "--", *args]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_healthy(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_healthy(url: str, server: subprocess.Popen) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health"):
            return
        time.sleep(0.2)
    raise RuntimeError(f"the Streamlit server at {url} did not start in {START_SECONDS} s")
