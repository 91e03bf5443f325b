"""Fixtures for tests in a real Chromium: a browser and the servers, started once a worker, and a fresh page a test.

CHROMIUM names the browser's program; where it is missing, see tests.conftest.missing.
"""
import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ae_core.store import ROOT
from benchmarks import _server
from tests import conftest
from tests.browser import firefox

REST = Path(__file__).with_name("rest.js")
# Playwright's waits evaluate strings, which the app's policy forbids; that pages keep to it, soak/test_silence.py sees.
PAGE = {"viewport": {"width": 1280, "height": 900}, "bypass_csp": True}


def chromium_program() -> str | None:
    """The browser's program; None: Playwright's own."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium for all tests of a worker."""
    try:
        from playwright import sync_api
    except ImportError:
        conftest.missing("the playwright package is not installed")
    with sync_api.sync_playwright() as driver:
        try:
            chromium = driver.chromium.launch(executable_path=chromium_program(), args=["--no-sandbox"])
        except sync_api.Error as error:
            conftest.missing(f"no Chromium to start: {error}")
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """new_page(**options) opens a page in a fresh context; what its console calls an error is in console_errors."""
    contexts = []

    def opened(**options: Any) -> Any:
        contexts.append(browser.new_context(**PAGE | options))
        contexts[-1].add_init_script(path=REST)
        page = contexts[-1].new_page()
        page.console_errors = []
        page.on("pageerror", lambda error: page.console_errors.append(str(error)))
        page.on("console", lambda line: _note(line, page.console_errors))
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    return new_page()


@pytest.fixture(scope="module")
def fox() -> Iterator[firefox.Firefox]:
    """Debian's Firefox, which Playwright cannot drive."""
    if not firefox.program():
        conftest.missing("no Firefox is installed")
    with firefox.started(firefox.program()) as started:
        yield started


def _note(line: Any, errors: list[str]) -> None:
    """Opened at /denoise, Streamlit first looks for its server under /denoise/_stcore: those 404s are its own."""
    if line.type == "error" and "/_stcore/" not in line.location["url"]:
        errors.append(line.text)


@pytest.fixture(scope="session")
def server_folder(tmp_path_factory: Any) -> Path:
    """What the servers have for a home: the models that are trained on a page are below it."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def serve(server_folder: Path) -> Iterator[Callable[[Path], str]]:
    """serve(script): the address of a Streamlit server that runs it, one for all tests of a worker."""
    servers: dict[Path, str] = {}
    with contextlib.ExitStack() as running:

        def address(script: Path) -> str:
            if script not in servers:
                servers[script] = running.enter_context(
                    _server.served(script, conftest.places(server_folder))
                ).url
            return servers[script]

        yield address


@pytest.fixture(scope="session")
def app(serve: Callable[[Path], str]) -> str:
    """The address of the app."""
    return serve(ROOT / "app.py")
