"""Tests that train to the end, run several processes or kill them: minutes, not seconds. `make soak` runs them."""
from tests.browser.conftest import app, browser, new_page, page, serve, server_folder  # noqa: F401 - fixtures
