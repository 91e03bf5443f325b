"""Two visitors in two browsers: neither sees, stops or deletes what the other makes, and nobody learns a secret."""
import contextlib
import hashlib

import pytest

from ae_core import store
from ae_core.own import jobs
from benchmarks import _server
from pages.shared import server
from tests.browser.driver import READY, errors, open_page, settle
from tests.conftest import places
from tests.soak.test_jobs import wait
from tests.soak.test_train_page import TRAINED, choose, pictures_zip


@pytest.fixture
def lab(tmp_path, no_foreign_data):
    """The address of a server that logs all it can, and its log; its models are seen here too."""
    log = tmp_path / "server.log"
    with open(log, "wb") as file, contextlib.ExitStack() as running:
        running.callback(stop_all)
        yield running.enter_context(_server.served(environment=places(tmp_path) | {"STREAMLIT_LOGGER_LEVEL": "debug"},
                                                   log=file)).url, log


def stop_all():
    for job in jobs.every():
        jobs.steer(job, "stop")
    wait(lambda: not jobs.busy())


class Visitor:
    """A browser of its own, and every address that it asked for."""

    def __init__(self, page, url):
        self.page, self.url, self.asked = page, url, []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.asked.append(socket.url))

    def open(self, name, query=""):
        open_page(self.page, self.url, name, query)
        assert errors(self.page) == []

    @property
    def secret(self):
        return next(cookie for cookie in self.page.context.cookies() if cookie["name"] == server.COOKIE)

    def runs(self):
        """What Train offers to look at."""
        self.open("train")
        self.page.get_by_role("combobox", name="Run", exact=True).click()
        options = self.page.get_by_role("option").all_inner_texts()
        self.page.keyboard.press("Escape")
        settle(self.page)
        return options

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def train(self, title):
        if not self.page.get_by_label("Name of your model").is_visible():
            self.press("Settings")
        self.page.get_by_label("Name of your model").fill(title)
        slider = self.page.get_by_role("slider", name="Epochs")
        slider.focus()
        self.page.keyboard.press("End")
        settle(self.page)
        self.press("Train")
        self.page.get_by_role("progressbar").first.wait_for(timeout=READY)


def test_two_visitors(new_page, lab):
    url, log = lab
    ann, ben = Visitor(new_page(), url), Visitor(new_page(), url)

    ann.open("train")                                        # a run of Ann's pictures
    ann.press("Settings")
    choose(ann.page, "Pictures", "My own pictures")
    ann.page.get_by_text("Other visitors see these only if you share the model").wait_for(timeout=READY)
    ann.page.locator("input[type=file][accept*=png]").set_input_files(
        {"name": "rings.zip", "mimeType": "application/zip", "buffer": pictures_zip()})
    ann.page.get_by_text("200 pictures of 2 classes: bars, rings").wait_for(timeout=READY)
    ann.train("Rings of Ann")
    first = ann.secret

    assert not any("Ann" in run for run in ben.runs())       # a run of Ben's waits for it, and neither sees the other's
    ben.train("Boots of Ben")
    ben.page.get_by_text("Waiting for 1 other run to finish").wait_for(timeout=READY)
    assert "Rings of Ann" not in ben.page.content()
    ben.press("Stop and keep the best")
    ben.page.get_by_text("so there is no model").wait_for(timeout=READY)
    ben.press("Remove")
    wait(lambda: len(jobs.every()) == 1)
    assert jobs.every()[0].preset.title == "Rings of Ann" and jobs.every()[0].state in jobs.GOING_ON

    ann.page.reload()                                        # the secret survives a reload
    settle(ann.page)
    assert ann.secret == first and any("Rings of Ann" in run for run in ann.runs())
    wait(lambda: jobs.every()[0].history())
    ann.press("Stop and keep the best")
    ann.page.get_by_role("button", name="Download the model (zip)").wait_for(timeout=TRAINED)

    link = "?model=Rings+of+Ann"                             # a private model: no link leads to it
    ben.open("reconstruct", link)
    ben.page.get_by_text("or one that its maker does not share").wait_for(timeout=READY)
    assert "Rings of Ann" not in ben.page.content() and not any("Ann" in run for run in ben.runs())
    ann.open("reconstruct", link)
    ann.page.get_by_text("by “Rings of Ann”").wait_for(timeout=READY)

    ann.open("train")                                        # a shared one: seen, and no more than that
    ann.page.get_by_text("Share with everyone who uses this server").click()
    wait(lambda: store.card("own_rings_of_ann").get("shared"))
    ben.open("reconstruct", link)
    ben.page.get_by_text("by “Rings of Ann”").wait_for(timeout=READY)
    assert any("Rings of Ann" in run for run in ben.runs())
    choose(ben.page, "Run", "Rings of Ann")
    ben.page.get_by_text("shared by another visitor").wait_for(timeout=READY)
    assert not ben.page.get_by_text("Share with everyone").count() and not ben.page.get_by_text("Delete").count()

    ann.open("train")                                        # and taken back
    ann.page.get_by_text("Share with everyone who uses this server").click()
    wait(lambda: not store.card("own_rings_of_ann").get("shared"))
    assert not any("Ann" in run for run in ben.runs())
    ann.press("Delete")
    ann.press("Yes, delete it")
    wait(lambda: not store.present("own_rings_of_ann"))

    secrets = [visitor.secret for visitor in (ann, ben)]
    assert secrets[0]["value"] != secrets[1]["value"] and all(secret["httpOnly"] for secret in secrets)
    said = log.read_bytes()
    assert b"script" in said, "the log says something"
    kept = [path.read_bytes() for path in log.parent.rglob("*") if path.is_file()]
    for secret in secrets:
        value = secret["value"].encode()
        owner = hashlib.sha256(value).hexdigest()[:32].encode()
        shown = "\n".join([*ann.asked, *ben.asked, ann.page.content(), ben.page.content()]).encode()
        assert len(value) >= 32 and value not in said + shown and not any(value in content for content in kept)
        assert owner not in said + shown
    assert not any(visitor.page.console_errors for visitor in (ann, ben))


def test_a_frame_of_another_site_keeps_no_cookie_and_says_so(page, app):
    page.set_content(f'<iframe src="{app.replace("127.0.0.1", "localhost")}/train" width=1200 height=800></iframe>')
    page.frame_locator("iframe").get_by_role("button", name="Settings").click()
    page.frame_locator("iframe").get_by_text("yours only until the page is closed").wait_for(timeout=READY)
    assert server.COOKIE not in [cookie["name"] for cookie in page.context.cookies()]
