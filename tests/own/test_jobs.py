"""The queue and its trainer: asked for by a page, trained by a process of its own, found again whatever happens."""
import os
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

from ae_core import files, guard, model, store
from ae_core.own import collection, jobs, speed, story
from ae_core.pictures import datasets
from tests.conftest import random_pictures, tiny


def rings(count=40, shape=(28, 28, 1), classes=("Ring", "Bar")):
    """Rings and bars of random places: something that a tiny network can learn."""
    pictures = (random_pictures(count, shape) * 60).astype(np.uint8)
    labels = np.arange(count) % len(classes)
    for k, picture in enumerate(pictures):
        picture[6 + k % 5:22, 4 + k % 9:(8 if labels[k] else 20) + k % 9] += 160
    return collection.Collection(pictures, labels, "Rings and bars", classes)


def small(name="digits_vae", **changes):
    """A preset that trains in a second and has a plane."""
    return tiny(name, **{"code": 2, "epochs": 3, "title": "Mine", **changes})


@pytest.fixture
def by_hand(monkeypatch):
    """Nobody starts a process: the test works off the queue itself."""
    monkeypatch.setattr(jobs, "start", lambda *_: None)
    from ae_core.own import worker
    monkeypatch.setattr(worker.os, "nice", lambda _: None)
    return worker.work


def losses(job_or_model):
    return [row["loss"] for row in job_or_model.history()]


def test_a_request_is_trained_and_served_with_its_own_pictures(by_hand):
    job = jobs.request(small(), collection=rings())
    assert job.state == jobs.WAITING and job.preset.name == "own_mine" == job.preset.dataset
    by_hand()
    job = jobs.read(job.ident)
    assert job.state == jobs.DONE and not job.run.exists()
    served = model.load("own_mine")
    pictures, labels = datasets.load("own_mine", "test")
    assert pictures.shape == (4, 28, 28, 1) and datasets.about("own_mine").classes == ("Ring", "Bar")
    assert served.reconstruct(pictures).shape == pictures.shape
    assert {"own_mine"} == set(store.own()) and store.preset("own_mine").title == "Mine"
    drawn, history = story.read(store.read("own_mine").path(story.FILE))
    assert list(drawn.epochs) == [0, 1, 2, 3] and drawn.codes.shape == (4, 4, 2) and drawn.rebuilt.shape[:2] == (4, 4)
    assert [row["epoch"] for row in history] == [1, 2, 3] and history[-1]["loss"] < history[0]["loss"]
    assert set(story.curves(history)) == {"Reconstruction", "KL divergence"}


@pytest.mark.soak
@pytest.mark.parametrize("changes", [
    {"name": "digits_cvae", "labels": 2}, {"name": "digits_stacked_denoiser", "arguments": {"units": (12,)}, "code": 9},
    {"name": "digits_conv", "arguments": {"filters": (2, 2)}, "shape": (32, 32, 3)},
    {"name": "digits_sparse", "code": 40, "loss": "ssim"}, {"name": "digits_single", "arguments": {"units": ()}}],
    ids=lambda row: row["name"])
def test_every_family_is_trained_on_own_pictures(by_hand, changes):
    preset = small(**{"epochs": 1, **changes})
    job = jobs.request(preset, collection=rings(shape=preset.shape))
    by_hand()
    assert jobs.read(job.ident).state == jobs.DONE
    served, (pictures, labels) = model.load("own_mine"), datasets.load("own_mine", "test")
    rebuilt = served.reconstruct(pictures, labels if preset.labels else None)
    assert rebuilt.shape == (4, *preset.shape)


def test_shipped_pictures_stand_in_for_those_that_are_not_here(by_hand):
    with pytest.raises(ValueError, match="data --download mnist"):
        jobs.request(small())
    shipped = collection.shipped("mnist")
    job = jobs.request(small(epochs=1, batch_size=1024), collection=shipped)
    (pictures, _), (shown, labels) = jobs.pictures(job)
    assert len(pictures) == 8000 and len(shown) == 2000
    np.testing.assert_array_equal(shown, datasets.samples("mnist")[0][-2000:])    # what is shown was never trained on
    np.testing.assert_array_equal(labels, datasets.samples("mnist")[1][-2000:])


@pytest.mark.soak
def test_two_of_one_title_get_two_names_and_titles(by_hand):
    first, second = (jobs.request(small(), collection=rings()) for _ in range(2))
    assert (first.preset.title, second.preset.title) == ("Mine", "Mine 2") and first.preset.name != second.preset.name
    by_hand()
    assert [job.state for job in jobs.every()] == [jobs.DONE] * 2 and len(store.own()) == 2


def test_a_queued_run_has_its_name_until_it_is_removed():
    """Otherwise a model that is opened while it waits gets the same name, and the trained one replaces it."""
    job = jobs.request(small(), collection=rings())
    assert job.preset.name == "own_mine" and store.reserve("Mine") == "own_mine_2"
    jobs.steer(job, "stop")
    jobs.remove(job)
    assert not store.folder_of("own_mine").exists() and store.reserve("Mine") == "own_mine"
    assert not store.own()


@pytest.mark.parametrize(("change", "pictures", "sentence"), [
    ({}, rings(1), "1 picture is too few"), ({"learning_rate": float("nan")}, rings(), "learning rate is nan"),
    ({"code": 785}, rings(), "larger than the picture"), ({"shape": (32, 32, 1)}, rings(), "Read the pictures again"),
    ({"name": "digits_cvae", "labels": 10}, rings(classes=("Anything",)), "no labels here")])
def test_bad_requests_get_a_sentence_and_leave_nothing(by_hand, change, pictures, sentence):
    with pytest.raises(ValueError, match=sentence):
        jobs.request(small(**change), collection=pictures)
    assert jobs.every() == [] and not store.own_root().exists()


class Steered:
    """Steers a job when its trainer next looks for what it is drawn."""

    def __init__(self, monkeypatch, words):
        from ae_core.own import worker
        self.words = iter(words)
        monkeypatch.setattr(worker.Report, "_asked", lambda report: next(self.words, None))


@pytest.mark.soak
def test_a_pause_changes_no_number(by_hand, monkeypatch):
    first = jobs.request(small(), collection=rings())
    by_hand()
    Steered(monkeypatch, [None, "pause", "pause", None, None, None, "pause"])
    second = jobs.request(small(), collection=rings())
    by_hand()
    histories = [story.read(store.read(job.preset.name).path(story.FILE))[1] for job in (first, second)]
    assert [row["loss"] for row in histories[0]] == pytest.approx([row["loss"] for row in histories[1]], rel=1e-6)


@pytest.mark.soak
def test_a_stopped_run_keeps_its_best_epoch(by_hand, monkeypatch):
    from ae_core.own import worker
    job = jobs.request(small(epochs=400), collection=rings())
    monkeypatch.setattr(worker.Report, "on_epoch_end", lambda *_, **__: jobs.steer(job, "stop"))
    by_hand()
    job = jobs.read(job.ident)
    assert job.state == jobs.DONE and store.read("own_mine").card["training"]["epochs"] == 1


def test_a_run_stopped_in_its_first_epoch_leaves_a_sentence(by_hand):
    job = jobs.request(small(), collection=rings())
    jobs.steer(job, "stop")
    job = jobs.read(job.ident)
    assert job.state == jobs.STOPPED and "no model" in job.status["error"]
    by_hand()
    assert not store.own()
    jobs.resume(job)
    by_hand()
    assert jobs.read(job.ident).state == jobs.DONE


@pytest.mark.soak
def test_a_full_disk_gets_a_sentence_and_the_earlier_model_stays(by_hand, monkeypatch):
    import errno

    import keras
    jobs.request(small(), collection=rings())
    by_hand()
    before = model.load("own_mine").card
    job = jobs.request(small(), collection=rings())
    with monkeypatch.context() as patched:
        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")
        patched.setattr(keras.Model, "save_weights", full)
        by_hand()
    job = jobs.read(job.ident)
    assert job.state == jobs.FAILED and "is full" in job.status["error"] and "AE_MODELS_DIR" in job.status["error"]
    assert model.load("own_mine").card == before and set(store.own()) == {"own_mine"}
    jobs.resume(job)
    by_hand()
    assert jobs.read(job.ident).state == jobs.DONE


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A disk of 1 MB for own models."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    monkeypatch.setenv("AE_MODELS_DIR", str(place))
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.soak
def test_a_disk_of_one_megabyte_gets_a_sentence_and_the_earlier_model_stays(by_hand, small_disk):
    jobs.request(small(epochs=1), collection=rings())
    by_hand()
    before = model.load("own_mine").card
    job = jobs.request(small(epochs=1, arguments={"units": (512,)}), collection=rings())
    by_hand()
    job = jobs.read(job.ident)
    assert job.state == jobs.FAILED and "is full" in job.status["error"]
    assert model.load("own_mine").card == before and set(store.own()) == {"own_mine"}
    with pytest.raises(ValueError, match="Free some disk space"):
        jobs.request(small(), collection=rings(3000))
    assert [each.ident for each in jobs.every()][-1] == job.ident


@pytest.mark.soak
def test_an_error_nobody_foresaw_is_named_and_the_next_gets_its_turn(by_hand, monkeypatch):
    from ae_core.training import fit
    whole, calls = fit.fit, []

    def odd(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 1:
            raise RuntimeError("odd")
        return whole(*arguments, **options)
    monkeypatch.setattr(fit, "fit", odd)
    first, second = (jobs.request(small(), collection=rings()) for _ in range(2))
    by_hand()
    assert "RuntimeError" in jobs.read(first.ident).status["error"] and jobs.read(second.ident).state == jobs.DONE


def test_the_estimate_learns_from_a_measured_run(by_hand):
    rough, measured = speed.seconds(small(), 1000)
    assert not measured and rough > speed.START_SECONDS
    speed.remember(small(), 2 * speed.rough_batch_seconds(small()))
    twice, measured = speed.seconds(small(), 1000)
    assert measured and twice - speed.START_SECONDS == pytest.approx(2 * (rough - speed.START_SECONDS))


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '{"preset": {}}'])
def test_a_broken_job_is_left_out(by_hand, text):
    job = jobs.request(small(), collection=rings())
    (job.folder / "request.json").write_text(text)
    assert jobs.every() == [] and jobs.read(job.ident) is None and jobs.read("../x") is None


def test_a_stop_is_heard_while_the_run_is_being_built(by_hand, monkeypatch):
    job, pictures = jobs.request(small(epochs=300), collection=rings()), jobs.pictures

    def stop_meanwhile(asked):
        jobs.steer(jobs.read(asked.ident), "stop")
        return pictures(asked)

    monkeypatch.setattr(jobs, "pictures", stop_meanwhile)
    by_hand()
    assert (jobs.read(job.ident).state, job.history()) == (jobs.STOPPED, [])


def test_the_time_left_counts_no_building_of_graphs(monkeypatch):
    """The first batch and the first validation take a hundred seconds each; every batch after them one."""
    from ae_core.own import worker

    clock = 0.0
    monkeypatch.setattr(worker.time, "monotonic", lambda: clock)
    monkeypatch.setattr(worker.story, "write_epoch", lambda *_: None)
    report = worker.Report(jobs.request(small(epochs=3), collection=rings()))
    report.model, report.params = None, {"steps": 10}
    report.shown = type("Shown", (), {"look": lambda *_: (), "first": lambda _: {}})()
    report.on_train_begin()
    for epoch in range(2):
        report.on_epoch_begin(epoch)
        for batch in range(10):
            clock += 1 if epoch or batch else 100
            report.on_train_batch_end(batch)
        clock += 0 if epoch else 100
        report.on_epoch_end(epoch)
    assert report.status["batch_seconds"] == 1 and report.status["seconds_left"] == 10
    assert report.status["share"] == pytest.approx(2 / 3)


@pytest.fixture
def commands(monkeypatch):
    """The commands of the trainers that would have been started."""
    found = []
    monkeypatch.delenv("AE_IDLE_SECONDS")
    monkeypatch.setattr(jobs, "can_train", lambda: True)
    monkeypatch.setattr(jobs.subprocess, "Popen", lambda command, **options: found.append(command))
    return found


def test_a_trainer_is_warmed_where_there_is_room_and_once(monkeypatch, commands):
    monkeypatch.setattr(jobs.limits, "free_memory", lambda: jobs.ROOM - 1)
    jobs.warm(small())
    assert commands == [] and jobs.wish() is None
    monkeypatch.setattr(jobs.limits, "free_memory", lambda: jobs.ROOM)
    before = jobs.signs()
    jobs.warm(small(title="A secret", code=3))
    jobs.warm(small(code=2))
    assert [command[-3:] for command in commands] == [["work", "--idle", "300"]]
    assert jobs.wish().code == 2 and jobs.signs() != before
    assert "secret" not in (jobs.root() / jobs.WISH).read_text("utf-8")


def test_a_public_server_warms_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("AE_PUBLIC", "1")
    monkeypatch.setattr(jobs.subprocess, "Popen", lambda *_, **__: pytest.fail("a trainer was started"))
    jobs.warm(small())
    assert not jobs.root().exists()


def test_a_trainer_that_stays_takes_what_comes_and_leaves_after_its_time(by_hand, monkeypatch):
    from ae_core.own import worker

    clock, asked = [0.0], []

    def sleep(seconds):
        clock[0] += seconds
        if clock[0] > 7 and not asked:
            asked.append(jobs.request(small(epochs=1), collection=rings()))
            files.write(jobs.root() / jobs.ASKED, "")
    jobs.root().mkdir(parents=True)
    monkeypatch.setattr(worker.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(worker.time, "sleep", sleep)
    by_hand(10.0)
    assert jobs.read(asked[0].ident).state == jobs.DONE and 17 <= clock[0] < 19


def test_a_network_is_built_before_it_is_asked_for(by_hand, monkeypatch):
    from ae_core.own import worker

    ready, preset = worker.Ready(), small("digits_vae", epochs=1)
    monkeypatch.setattr(worker.datasets, "find", lambda name: "here")
    monkeypatch.setattr(worker.datasets, "load", lambda *_: (random_pictures(40), np.arange(40) % 10))
    ready.prepare(preset)
    first = ready.built
    ready.prepare(small("digits_vae", epochs=2, title="Other"))
    assert first and ready.built is first        # nothing of it differs
    ready.prepare(small("digits_vae", code=3))
    assert ready.built is not first and ready.take().preset.code == 3 and ready.take() is None


def test_the_first_epoch_is_seen_growing(by_hand, monkeypatch):
    from ae_core.own import worker

    monkeypatch.setattr(worker, "LOOKS", 2)
    monkeypatch.setattr(worker.fit, "stride", lambda preset: 1)
    job, seen = jobs.request(small(epochs=1, batch_size=4), collection=rings(60)), []
    write = story.write_epoch
    monkeypatch.setattr(worker.story, "write_epoch", lambda *given, **first: (
        write(*given, **first), seen.append(jobs.story_of(job).epochs[-1])))
    by_hand()
    assert len(seen) > 4 and seen == sorted(seen) and seen[0] == 0 and 0 < seen[1] < 1 == seen[-1]
    assert story.read(store.read("own_mine").path(story.FILE))[0].epochs.tolist() == [0, 1]


def test_two_stories_are_one_film():
    drawn = [story.Story(np.zeros((12, 28, 28, 1), np.uint8), np.zeros(3, np.uint8), np.arange(count),
                         np.full((count, 12, 28, 28, 1), count, np.uint8), codes)
             for count, codes in ((3, np.zeros((3, 3, 2), np.float16)), (5, None))]
    film, epochs = story.pair(*drawn, ["#ff0000"])
    single = [story.frames(each, ["#ff0000"]) for each in drawn]
    assert epochs.tolist() == [0, 1, 2, 3, 4] and film.shape[0] == 5 and film.shape[2] == single[0].shape[2]
    assert np.array_equal(film[4, :single[0].shape[1]], single[0][2])
    assert film.shape[1] == single[0].shape[1] + single[1].shape[1] + 16


def test_runs_of_a_trainer_that_died_are_given_up_by_the_next(by_hand, monkeypatch):
    job = jobs.request(small(), collection=rings())
    files.write_json(job.folder / "status.json", {"state": jobs.RUNNING, "epoch": 1})
    monkeypatch.setattr(jobs, "busy", lambda: True)          # by the next
    by_hand()
    assert files.read_json(job.folder / "status.json") == {"state": jobs.INTERRUPTED, "epoch": 1}


# --- what Windows refuses ------------------------------------------------------------------------------------

@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(files, "PATIENCE", 0.05)


def refuse(monkeypatch, name, file):
    """Whatever is done by `os.name` with a file of this name is refused, as where somebody has it open."""
    real = getattr(os, name)

    def refused(*paths, **options):
        if any(str(path).endswith(file) for path in paths):
            raise PermissionError(13, "in use", str(paths[0]))
        return real(*paths, **options)
    monkeypatch.setattr(os, name, refused)


@pytest.mark.parametrize("refused", [("replace", "status.json"), ("unlink", "pictures.npz"), ("unlink", "control"),
                                     ("replace", "speed.json"), ("replace", "story_0002.npz")])
def test_what_is_refused_for_good_ends_no_run(by_hand, monkeypatch, impatient, refused):
    """Nor the trainer; and a run whose end could not be written down is done all the same."""
    job = jobs.request(small(epochs=2), collection=rings())
    with monkeypatch.context() as patched:
        if refused[1] == "status.json":          # the claim is written, what comes after is not
            claim = jobs.claim
            patched.setattr(jobs, "claim", lambda: (claim(), refuse(patched, *refused))[0])
        else:
            refuse(patched, *refused)
        by_hand()
    assert jobs.read(job.ident).state == jobs.DONE and store.read("own_mine").card["training"]["epochs"] == 2


@pytest.mark.parametrize("raw", [None, b"", b"{half", b"[]", b'{"state": 7}'])
def test_an_unreadable_status_makes_no_run_begin_again(by_hand, raw):
    kept, other = (jobs.request(small(epochs=1, title=title), collection=rings()) for title in ("Kept", "Other"))
    files.write_json(store.folder_of(kept.preset.name) / "preset.json", {})
    for job in (kept, other):
        files.unlink(job.folder / "status.json")
        if raw is not None:
            (job.folder / "status.json").write_bytes(raw)
    assert [jobs.read(job.ident).state for job in (kept, other)] == [jobs.DONE, jobs.INTERRUPTED]
    assert jobs.claim() is None


def test_a_run_or_a_model_that_is_held_stays_whole(by_hand, monkeypatch, impatient):
    job = jobs.request(small(epochs=1), collection=rings())
    by_hand()
    for remove, path in ((lambda: jobs.remove(job), job.folder), (lambda: store.remove("own_mine"),
                                                                  store.folder_of("own_mine"))):
        before = sorted(path.rglob("*"))
        with monkeypatch.context() as patched:
            refuse(patched, "rename", path.name)
            with pytest.raises(guard.Refused, match="AE_MODELS_DIR"):
                remove()
        assert sorted(path.rglob("*")) == before
        with monkeypatch.context() as patched:   # a file is held only when the folder has gone from view
            refuse(patched, "unlink", "preset.json")
            refuse(patched, "unlink", "request.json")
            remove()
        assert not path.exists()
    assert not jobs.every() and not store.own()


def test_a_trainer_is_started_apart_and_finds_the_same_folders(monkeypatch, tmp_path):
    """Ctrl-C in the terminal of the server must not reach it, nor a relative folder mean another one to it."""
    started = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AE_MODELS_DIR", "here/models")
    monkeypatch.setattr(jobs, "can_train", lambda: True)
    monkeypatch.setattr(jobs.subprocess, "Popen", lambda command, **options: started.append(options))
    monkeypatch.setattr(jobs.subprocess, "CREATE_NEW_PROCESS_GROUP", 512, raising=False)
    for platform, apart in (("linux", ("start_new_session", True)), ("win32", ("creationflags", 512))):
        jobs.request(small(), collection=rings())
        files.unlink(jobs.root() / "started")
        with monkeypatch.context() as patched:
            patched.setattr(jobs, "busy", lambda: False)
            patched.setattr(jobs, "sys", SimpleNamespace(platform=platform, executable="python"))
            jobs.start()
        assert apart in started[-1].items() and ("start_new_session" in started[-1]) == (platform == "linux")
        assert started[-1]["env"]["AE_MODELS_DIR"] == str(tmp_path / "here" / "models")


def test_an_interrupted_run_says_how_far_it_got(by_hand, monkeypatch):
    from ae_core.own import worker
    job = jobs.request(small(epochs=400), collection=rings())
    with monkeypatch.context() as patched:
        patched.setattr(worker.package, "keep", lambda *_, **__: exec("raise KeyboardInterrupt"))
        patched.setattr(worker.Report, "on_epoch_end", lambda *_, **__: jobs.steer(job, "stop"))
        by_hand()
    assert jobs.read(job.ident).state == jobs.INTERRUPTED and len(jobs.read(job.ident).history()) == 1
    jobs.steer(jobs.read(job.ident), "stop")
    by_hand()
    status = jobs.read(job.ident).status
    assert (status["state"], status["trained"], status["epochs"]) == (jobs.DONE, 1, 400)


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_that_cannot_be_written_gets_a_sentence(monkeypatch, tmp_path, place):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("AE_MODELS_DIR", str(tmp_path / place))
    with pytest.raises(ValueError, match="cannot be written.*AE_MODELS_DIR"):
        jobs.request(small(), collection=rings())
    assert jobs.every() == [] and not store.own()
