"""Whose a model or a run is: seen, stopped, shared and deleted by its visitor alone, and never too many of them."""
import hashlib
import json
import os
import re
import threading
import time

import numpy as np
import pytest
from starlette.requests import Request

from ae_core import files, guard, model, store
from ae_core.own import bundle, jobs, limits
from ae_core.pictures import datasets
from pages.shared import frame, server
from tests.own.test_bundle import files_of, trained, trained_zip, zipped  # noqa: F401 - fixtures
from tests.own.test_jobs import by_hand, rings, small  # noqa: F401

ANN, BEN = "a" * 32, "b" * 32


def packed():
    return bundle.pack("digits_conv")


def queued(owner=None, **changes):
    return jobs.request(small(**changes), collection=rings(), owner=owner)


def stopped(owner=None):
    job = queued(owner)
    jobs.steer(job, "stop")
    return jobs.read(job.ident)


# --- who sees what -------------------------------------------------------------------------------------------

def test_a_model_is_seen_by_its_visitor_until_it_is_shared():
    name = bundle.unpack(packed(), ANN).preset.name
    assert set(store.own(ANN)) == set(store.own()) == {name} and store.own(BEN) == {}
    assert name not in store.offered(BEN)
    store.share(name, True, BEN)                 # not Ben's to share
    assert store.own(BEN) == {}
    store.share(name, True, ANN)
    assert set(store.own(BEN)) == {name}
    store.share(name, False, ANN)
    assert store.own(BEN) == {}


def test_a_model_is_deleted_by_its_visitor_alone():
    name = bundle.unpack(packed(), ANN).preset.name
    store.share(name, True, ANN)
    store.remove(name, BEN)
    assert store.present(name)
    store.remove(name, ANN)
    assert not store.present(name) and [path.name for path in store.own_root().iterdir()] == [".lock"]


def test_what_nobody_owns_is_everybodys():
    """Models from before there were owners, and those of a script."""
    name, job = bundle.unpack(packed()).preset.name, queued()
    assert "owner" not in store.card(name) and set(store.own(ANN)) == {name}
    assert jobs.read(job.ident, BEN) == job
    store.remove(name, BEN)
    assert not store.present(name)


def test_a_run_and_its_model_belong_to_who_asked(by_hand):  # noqa: F811
    job = queued(ANN, epochs=1)
    assert [each.ident for each in jobs.every(ANN)] == [job.ident] and jobs.every(BEN) == []
    assert jobs.read(job.ident, BEN) is None and jobs.read(job.ident, ANN) == job == jobs.read(job.ident)
    by_hand()
    assert set(store.own(ANN)) == {"own_mine"} and store.own(BEN) == {}


@pytest.mark.parametrize("said", [7, "", [], {"a": 1}, True])
def test_an_owner_that_cannot_be_read_is_nobody(said):
    """Closed, not open: of a card that was tampered with only whoever sits at the machine sees anything."""
    name = bundle.unpack(packed(), ANN).preset.name
    path = store.folder_of(name) / "preset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"owner": said, "shared": "yes"}))
    assert store.own(ANN) == store.own(BEN) == {} and set(store.own()) == {name}


def test_two_visitors_choose_the_same_title():
    """Otherwise the number behind a title tells how many others have one."""
    titles = [bundle.unpack(packed(), owner).preset.title for owner in (ANN, BEN, ANN)]
    assert titles[0] == titles[1] != titles[2]
    assert len(store.own()) == 3
    theirs, = store.own(BEN)
    for name in store.own(ANN):
        store.share(name, True)
    assert next(iter(store.own(BEN))) == theirs, "the visitor's own comes before others of its title"


def test_nothing_of_an_owner_leaves_the_store(trained_zip):  # noqa: F811
    """A hash that is known could be told from others, and one that is brought along is not believed."""
    card = json.loads(files_of(trained_zip)["preset.json"]) | {"owner": BEN, "shared": True}
    stored = bundle.unpack(zipped(files_of(trained_zip) | {"preset.json": json.dumps(card).encode()}), ANN)
    assert stored.card["owner"] == ANN and "shared" not in stored.card
    for name in ("own_mine", stored.preset.name):
        assert not {"owner", "shared"} & set(json.loads(files_of(bundle.pack(name, True))["preset.json"]))
    assert not any(ANN.encode() in content for content in files_of(bundle.pack(stored.preset.name, True)).values())


# --- own pictures --------------------------------------------------------------------------------------------

def test_own_pictures_are_in_a_zip_only_by_consent(trained_zip):  # noqa: F811
    assert set(bundle.PICTURES) <= set(files_of(trained_zip))
    without = files_of(bundle.pack("own_mine"))
    assert not set(bundle.PICTURES) & set(without) and {"latents.npz", "encoder.onnx"} <= set(without)
    assert set(json.loads(without["preset.json"])["sha256"]) == set(without) - {"preset.json"}


def test_shipped_pictures_need_no_consent():
    assert not bundle.shows_own_pictures(store.read("fashion_vae_dense").card)
    assert "story.npz" in files_of(bundle.pack("fashion_vae_dense"))


def test_a_model_without_its_pictures_opens_where_it_needs_none(trained_zip):  # noqa: F811
    from tests.test_pages import opened
    stored = bundle.unpack(bundle.pack("own_mine"))
    assert not datasets.has_samples(stored.preset.dataset) and frame.pages_for(stored.preset) == ["latent_map"]
    app = opened("latent_map", model=stored.preset.title)
    assert not app.exception and app.selectbox(key="model").value == stored.preset.title
    for section in ("Scatter", "Path"):
        app.segmented_control(key="section").set_value(section).run()
        assert not app.exception


def test_of_own_pictures_a_tenth_is_kept_and_the_rest_is_gone(by_hand):  # noqa: F811
    job = queued(ANN, epochs=1)
    assert (job.folder / "pictures.npz").is_file()
    by_hand()
    assert not (job.folder / "pictures.npz").exists() and len(datasets.load("own_mine", "test")[0]) == 4


# --- old buttons ---------------------------------------------------------------------------------------------

def test_forget_in_a_second_tab_leaves_a_resumed_run():
    job = stopped()
    jobs.resume(job)
    jobs.remove(job)                             # as it was when the other tab was drawn
    assert jobs.read(job.ident).state == jobs.WAITING


def test_buttons_of_a_run_that_is_gone_do_nothing():
    job = stopped()
    jobs.remove(job)
    for press in (lambda: jobs.steer(job, "stop"), lambda: jobs.steer(job, "pause"), lambda: jobs.resume(job),
                  lambda: jobs.remove(job)):
        press()
    assert jobs.every() == [] and not job.folder.exists()


def test_delete_in_a_second_tab_does_nothing():
    name = bundle.unpack(packed()).preset.name
    for _ in range(2):
        store.remove(name)
        store.share(name, True)
    assert not store.present(name)
    with pytest.raises(KeyError, match="no own model"):
        store.remove("digits_conv")


def test_resume_in_a_second_tab_changes_no_running_job():
    job = stopped()
    jobs.resume(job)
    with jobs.lock():                            # the trainer lives
        assert jobs.claim().ident == job.ident
        jobs.resume(job)
        jobs.remove(job)
        assert jobs.read(job.ident).state == jobs.RUNNING and jobs.claim() is None


# --- limits --------------------------------------------------------------------------------------------------

def test_a_visitor_may_have_so_many_runs(monkeypatch):
    monkeypatch.setenv("AE_MAX_RUNS_EACH", "2")
    first, _ = queued(ANN), queued(ANN)
    with pytest.raises(ValueError, match="You have 2 unfinished runs"):
        queued(ANN)
    queued(BEN)
    jobs.steer(first, "stop")
    with pytest.raises(ValueError, match="remove one"):          # its pictures are still here
        queued(ANN)
    jobs.remove(first)
    queued(ANN)


@pytest.mark.parametrize(("name", "most", "sentence"), [
    ("AE_MAX_RUNS", "1", "as many as this server takes"), ("AE_MAX_MODELS_EACH", "1", "You have 1 models and runs"),
    ("AE_MAX_MODELS", "1", "as many as this server keeps"), ("AE_MAX_GB", "1e-5", "Delete some"),
    ("AE_PUBLIC", "1", "This server is public")])
def test_what_is_too_much_gets_one_sentence_and_leaves_nothing(monkeypatch, name, most, sentence):
    queued(ANN)
    raw, before = packed(), sorted(store.own_root().rglob("*"))
    monkeypatch.setenv(name, most)
    with pytest.raises(guard.Refused, match=sentence):
        queued(ANN)
    if name != "AE_MAX_RUNS":
        with pytest.raises(guard.Refused, match=sentence):
            bundle.unpack(raw, ANN)
    assert sorted(store.own_root().rglob("*")) == before


def test_a_limit_that_is_no_number_is_named(monkeypatch):
    monkeypatch.setenv("AE_MAX_RUNS", "many")
    with pytest.raises(ValueError, match="AE_MAX_RUNS is 'many'"):
        queued()


def test_the_readme_names_every_limit_and_its_number():
    table = (store.ROOT / "README.md").read_text("utf-8")
    for name, (most, _) in limits.LIMITS.items():
        assert re.search(rf"`{name}` \| {most:g} \|", table), name
    assert "`AE_PUBLIC=1`" in table


def test_eight_at_once_never_get_more_than_allowed(monkeypatch):
    monkeypatch.setenv("AE_MAX_RUNS_EACH", "3")
    refused = []

    def ask():
        try:
            queued(ANN)
        except guard.Refused as error:
            refused.append(error)
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jobs.every()) == 3 and len(refused) == 5
    assert len({job.preset.name for job in jobs.every()}) == len({job.preset.title for job in jobs.every()}) == 3


def test_eight_uploads_at_once_are_eight_models():
    raw, uploaded = packed(), []
    threads = [threading.Thread(target=lambda: uploaded.append(bundle.unpack(raw, ANN).preset)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({preset.name for preset in uploaded}) == len({preset.title for preset in uploaded}) == 8
    assert set(store.own(ANN)) == {preset.name for preset in uploaded}


# --- clearing away -------------------------------------------------------------------------------------------

def aged(path, days):
    os.utime(path, (time.time() - days * 24 * 3600,) * 2)


def test_a_run_that_ended_long_ago_is_cleared_with_its_pictures():
    old, young, waiting = stopped(), stopped(), queued()
    broken = stopped()
    (broken.folder / "request.json").write_text("{")
    for job in (old, waiting, broken):
        aged(job.folder / "status.json", 15)
    jobs.tidy()
    assert {job.ident for job in jobs.every()} == {young.ident, waiting.ident}
    assert not old.folder.exists() and not broken.folder.exists() and not store.folder_of(old.preset.name).exists()


def test_pictures_of_a_request_that_was_killed_are_cleared():
    queued()
    left = jobs.root() / ".new-x"
    left.mkdir()
    np.savez(left / "pictures.npz", rings().pictures)
    with store.changing():                       # somebody is asking: this may be theirs
        jobs.tidy()
        assert left.is_dir()
    jobs.tidy()
    assert not left.exists() and len(jobs.every()) == 1


def test_a_starting_trainer_clears_nothing_that_is_being_written(monkeypatch):
    """It took the folder of an upload for one that a killed process had left."""
    raw, write = packed(), store.write
    cleared = []

    def slow(*arguments):
        tidying = threading.Thread(target=lambda: (store.tidy(), cleared.append(True)))
        tidying.start()
        tidying.join(0.2)
        assert not cleared
        try:
            return write(*arguments)
        finally:
            threads.append(tidying)
    threads = []
    monkeypatch.setattr(store, "write", slow)
    stored = bundle.unpack(raw)
    threads[0].join()
    assert cleared and model.load(stored.preset.name)


# --- many at once --------------------------------------------------------------------------------------------

def together(*tasks, seconds=1.0):
    """Run tasks over and over in threads; what they raised."""
    end, raised = time.monotonic() + seconds, []

    def repeat(task):
        while time.monotonic() < end and not raised:
            try:
                task()
            except BaseException as error:       # any of them is what the test looks for
                raised.append(error)
    threads = [threading.Thread(target=repeat, args=[task]) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_models_are_listed_while_they_come_and_go():
    stays = bundle.unpack(packed())
    text = (stays.folder / "preset.json").read_text()

    def come_and_go():
        folder = store.own_root() / f"own_{threading.get_ident()}"
        folder.mkdir(exist_ok=True)
        (folder / "preset.json").write_text(text)
        (folder / "preset.json").unlink()
        folder.rmdir()

    def look():
        assert stays.preset.name in store.own()
    assert together(come_and_go, come_and_go, look, look, seconds=2) == []


def test_eight_who_look_never_take_each_other_for_a_trainer():
    queued()
    seen = []
    assert together(*[lambda: seen.append(jobs.busy())] * 8) == []
    assert len(seen) > 100 and not any(seen)
    with jobs.lock() as mine:
        assert mine and jobs.busy()
    assert not jobs.busy() and not files.locked(jobs.root() / "nowhere")


# --- the visitor and the pages -------------------------------------------------------------------------------

def test_pages_ask_in_their_visitors_name():
    """Without one, every visitor's models and runs are returned."""
    asks = re.compile(r"\b(?:store\.(?:own|offered)|jobs\.(?:every|read|request)|bundle\.unpack)\(")
    calls = 0
    for path in (store.ROOT / "pages").rglob("*.py"):
        for line in path.read_text("utf-8").splitlines():
            found = len(asks.findall(line))
            calls += found
            assert line.count("server.owner()") >= found, line
    assert calls > 5


def test_a_secret_is_hashed_and_a_short_one_is_none(monkeypatch):
    class Context:
        cookies = {server.COOKIE: "x" * 32}
    monkeypatch.setattr(server.st, "context", Context)
    monkeypatch.setattr(server.st, "session_state", {})
    kept = server.owner()
    assert re.fullmatch("[0-9a-f]{32}", kept) and server.is_remembered()
    for cookies in ({}, {server.COOKIE: "guess"}):
        Context.cookies = cookies
        assert not server.is_remembered() and server.owner() == server.owner() != kept
    assert "x" * 32 not in kept


def test_halves_of_a_model_are_given_to_those_who_see_it():
    """Whoever knew its checksum was given any model."""
    def status(served, secret=None):
        headers = [(b"cookie", f"other=1; {server.COOKIE}={secret}".encode())] if secret else []
        parts = [dict(zip(("name", "half", "checksum"), address.split("/")[1:], strict=True))
                 for address in server.halves(served).values()]
        return {route.endpoint(Request({"type": "http", "headers": headers, "path_params": part})).status_code
                for part in parts}
    (route,), ann, ben = server.ROUTES, "a" * 32, "b" * 32
    name = bundle.unpack(packed(), hashlib.sha256(ann.encode()).hexdigest()[:32]).preset.name
    served = model.load(name)
    assert [status(served, who) for who in (ann, ben, None, "a")] == [{200}, {404}, {404}, {404}]
    store.share(name, True)
    assert [status(served, who) for who in (ann, ben, None)] == [{200}] * 3
    store.share(name, False)
    assert [status(served, who) for who in (ann, ben, None)] == [{200}, {404}, {404}]
    assert status(model.load("digits_conv")) == {200}


def test_a_link_to_a_private_model_gets_a_sentence():
    from tests.test_pages import opened, texts
    title = bundle.unpack(packed(), ANN).preset.title
    app = opened("reconstruct", model=title)
    assert not app.exception and "its maker does not share" in texts(app.info)
    assert title not in app.selectbox(key="model").options
    store.share(next(iter(store.own())), True)
    app = opened("reconstruct", model=title)
    assert not app.info and app.selectbox(key="model").value == title


def test_train_shows_what_is_the_visitors(monkeypatch):
    from tests.test_pages import opened, texts
    monkeypatch.setattr(jobs, "start", lambda: None)
    name, job = bundle.unpack(packed(), ANN).preset.name, queued(ANN)
    app = opened("train")
    assert app.selectbox(key="run").value == "fashion_vae_dense" and not {name, job.ident} & set(
        app.selectbox(key="run").options)
    assert "until the page is closed" in texts(app.caption)
    monkeypatch.setattr(server, "owner", lambda: BEN)
    app = opened("train")
    mine = queued(BEN)
    app = opened("train")
    assert app.selectbox(key="run").value == f"job {mine.ident}" and "1 other run" in app.get("progress")[0].proto.text
    store.share(name, True)
    app = opened("train")
    app.selectbox(key="run").set_value(name).run()
    assert "shared by another visitor" in texts(app.caption) and "delete" not in [each.key for each in app.button]
    monkeypatch.setattr(server, "owner", lambda: ANN)
    app = opened("train")
    app.selectbox(key="run").set_value(name).run()
    assert app.toggle(key="share").value
    app.toggle(key="share").set_value(False).run()
    assert store.own(BEN) == {} and not app.exception and not app.toggle(key="share").value
    app.button(key="delete").click().run()
    assert not store.present(name) and not app.exception


def test_a_public_server_says_that_nothing_is_trained(monkeypatch):
    from tests.test_pages import opened, texts
    name = bundle.unpack(packed()).preset.name
    monkeypatch.setenv("AE_PUBLIC", "1")
    app = opened("train")
    assert limits.CLOSED in texts(app.info) and not app.exception
    assert not {"go", "delete"} & {each.key for each in app.button} and not app.file_uploader
    app.selectbox(key="run").set_value(name).run()
    assert "belongs to everybody" in texts(app.caption) and "delete" not in [each.key for each in app.button]
