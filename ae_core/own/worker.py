"""The process that trains what is queued: python -m ae_core work.

It takes the oldest waiting job, trains it with `fit.fit`, puts the model into the reader's own folder, and goes on
to the next until none is left. It reports through small files and finds "pause" and "stop" in another.
"""
import contextlib
import errno
import os
import shutil
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from ae_core import files, store
from ae_core.features import denoise
from ae_core.own import jobs, speed, story
from ae_core.own.jobs import Job
from ae_core.pictures import convert, datasets
from ae_core.presets import Preset
from ae_core.training import fit, package, runs

REPORT_SECONDS = 0.5
LOOK_SECONDS = 0.05              # between two looks of a trainer that has nothing to do
LOOKS = 50                       # batches of the first epoch between two pictures
PATIENCE = 600                   # seconds a paused run waits in memory; then it leaves, and resumes from its last epoch


def work(idle: float = 0.0) -> None:
    """Train every waiting job, one after another. The caller holds `jobs.lock`.

    idle: seconds to stay when none is left. Meanwhile what `jobs.warm` asked for is built, so that it can begin.
    """
    if hasattr(os, "nice"):
        os.nice(10)              # whoever looks at a page comes first
    store.tidy()
    jobs.tidy()
    with contextlib.suppress(OSError):
        jobs.give_up()
    ready, seen, since = Ready(), None, time.monotonic()
    while True:
        signs = jobs.signs()
        if signs != seen:
            seen, since = signs, time.monotonic()
            while job := jobs.claim():
                run(job, ready)
                since = time.monotonic()
            if idle:
                ready.prepare(jobs.wish())
        elif time.monotonic() - since >= idle:
            return
        else:
            time.sleep(LOOK_SECONDS)


class Ready:
    """What is in memory for the next run: the pictures of one data set, and a network that is built on them."""

    def __init__(self) -> None:
        self.about: tuple[Any, ...] = ()
        self.pictures: list[tuple[np.ndarray, np.ndarray]] = []
        self.built: fit.Built | None = None

    def pictures_of(self, preset: Preset) -> list[tuple[np.ndarray, np.ndarray]]:
        """The pictures and labels of a data set, to train on and to look at."""
        about = preset.dataset, preset.shape
        if about != self.about:
            self.pictures = [datasets.load(preset.dataset, split, preset.shape) for split in ("train", "test")]
            self.about = about
        return self.pictures

    def prepare(self, preset: Preset | None) -> None:
        """Build such a network and trace its graphs, unless that is done; what fails fails again when asked for."""
        if preset is None or datasets.find(preset.dataset) is None \
                or self.built and fit.alike(self.built.preset, preset) and self.about[0] == preset.dataset:
            return
        try:
            self.built = None
            (pictures, labels), test = self.pictures_of(preset)
            built = fit.build(preset, pictures, 0, fit.fastest_precision())
            fit.warm(built, pictures, labels)
            Shown(preset, *test).look(runs.Network(built.graph, preset))
            self.built = built
        except Exception:
            traceback.print_exc()

    def take(self) -> fit.Built | None:
        """The network that is built, for one run only."""
        built, self.built = self.built, None
        return built


def run(job: Job, ready: Ready) -> None:
    """Train one job from its last epoch on, and say how it ended."""
    report = Report(job)
    try:
        train(job, report, ready)
    except Left:
        report.say(state=jobs.INTERRUPTED)
    except KeyboardInterrupt:
        report.say(**{"state": jobs.INTERRUPTED} if job.history() else
                   {"state": jobs.STOPPED, "error": jobs.NOTHING_KEPT})
    except Exception as error:   # whatever it is, the next in the queue must get its turn
        traceback.print_exc()
        _fail(job, report, _sentence(error))


def _fail(job, report, sentence):
    for path in [*job.run.glob("*part*"), *store.own_root().glob(f".{job.preset.name}-*/*")]:
        news(lambda path=path: files.unlink(path))       # on a full disk, the room for saying so
    report.say(state=jobs.FAILED, error=sentence)


def _sentence(error):
    """What went wrong, for the reader; what is not foreseen is named, and worker.log has the rest."""
    if getattr(error, "errno", None) == errno.ENOSPC or "No space left on device" in str(error):
        return (f"The disk of {store.own_root()} is full. Free some space, or set AE_MODELS_DIR to another "
                "folder, and resume.")
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return "There is not enough memory. Choose a smaller batch, a smaller network, or fewer pictures."
    if isinstance(error, (ValueError, datasets.DataMissing)) and len(str(error)) < 400:
        return str(error)
    return f"Training ended with an error ({type(error).__name__}); see worker.log next to the jobs."


class Left(Exception):
    """A paused run that nobody came back to."""


def train(job: Job, report: "Report", ready: Ready) -> None:
    """Fit, and put the model with its story and its test pictures into the store."""
    (pictures, labels), test = jobs.pictures(job) if job.about else ready.pictures_of(job.preset)
    job.run.mkdir(exist_ok=True)
    again = (job.run / "state.json").is_file()
    report.shown = Shown(job.preset, *test)
    encoder, decoder, history = fit.fit(job.preset, pictures, labels, seed=job.seed, resume=again, verbose=0,
                                        more_callbacks=[runs.Forward(report, job.preset)], folder=job.run,
                                        built=ready.take())
    report.say(state=jobs.RUNNING, share=1.0, seconds_left=0)
    beside, recorded = {}, story.read_run(job.run, len(history))
    if recorded:
        beside[story.FILE] = story.write(recorded, history, job.run / story.FILE)
    if job.about:
        beside["samples.npz"] = job.run / "samples.npz"
        np.savez_compressed(beside["samples.npz"], x_test=convert.to_uint8(test[0]), y_test=test[1].astype(np.uint8))
    package.keep(job.preset, encoder, decoder, fit.summary(job.seed, history, pictures), test, beside,
                 **({"data": job.about} if job.about else {}), **({"owner": job.owner} if job.owner else {}))
    if report.say(state=jobs.DONE, share=1.0, trained=len(history)):
        shutil.rmtree(job.run, ignore_errors=True)
        news(lambda: files.unlink(job.folder / "pictures.npz"))


def news(action: Callable[[], None]) -> bool:
    """Do what a reader of the page may keep from being done for longer than `files` insists; returns whether it is.

    What fails is said in worker.log: it must end neither the run nor the trainer.
    """
    try:
        action()
    except OSError:
        with contextlib.suppress(OSError):       # the disk may be full
            traceback.print_exc()
        return False
    return True


class Shown:
    """What of the test pictures is looked at after every epoch."""

    def __init__(self, preset: Preset, pictures: np.ndarray, labels: np.ndarray):
        self.preset = preset
        self.pictures, self.dots = pictures[:story.SHOWN], pictures[:story.DOTS]
        self.labels = labels[:story.DOTS]
        if preset.corruption:
            noise = preset.corruption
            self.pictures = denoise.corrupt(self.pictures, "Gaussian", sigma=np.mean(noise.sigma),
                                            mean=np.mean(noise.mean), clip=noise.clip)

    def first(self) -> dict[str, np.ndarray]:
        """What stays the same for all epochs."""
        return {"given": convert.to_uint8(self.pictures), "labels": self.labels.astype(np.uint8)}

    def look(self, network: runs.Network) -> tuple[np.ndarray, np.ndarray | None]:
        """The mosaic rebuilt (12, h, w, c) uint8, and the codes (m, 2) of a plane or None; of a runs.Network."""
        shown = self.labels[:len(self.pictures)]
        rebuilt = network.decode(network.encode(self.pictures, shown), shown)
        codes = network.encode(self.dots, self.labels).astype(np.float16) if self.preset.code == 2 else None
        return convert.to_uint8(rebuilt), codes


class Report:
    """Writes status.json and the story, and does what the control file says; follows a training by `runs.Forward`."""

    def __init__(self, job: Job):
        self.job, self.said, self.status = job, 0.0, {"epochs": job.preset.epochs}
        self.shown: Shown | None = None
        self.control, self.epoch, self.paused = job.folder / "control", 0, 0.0

    def say(self, **values: Any) -> bool:
        """Write what is new into status.json, beside what was said before; returns whether it is written."""
        self.status |= values
        written = news(lambda: files.write_json(self.job.folder / "status.json", self.status))
        self.said = time.monotonic()
        return written

    def on_train_begin(self, logs=None):
        self.batches = self.params["steps"]
        self.began, self.warm, self.looked = None, False, 0
        if not (self.job.run / "story_first.npz").is_file():
            self._show(0, **self.shown.first())
        self._obey()
        self.say(state=jobs.RUNNING, epoch=self.epoch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self._obey()
        done = self.epoch * self.batches + batch + 1
        if self.began is None:                   # the first step also builds the graph: the clock starts behind it
            self._start_clock(done)
            self.say(state=jobs.RUNNING, epoch=self.epoch, share=done / (self.batches * self.status["epochs"]))
        elif time.monotonic() - self.said > REPORT_SECONDS:
            self._report(done, logs)
        if not self.epoch and done - self.looked >= LOOKS and done < self.batches:
            self.looked = done
            since = time.monotonic()
            self._show(done / self.batches)
            self.paused += time.monotonic() - since

    def _start_clock(self, done):
        self.began, self.done_before, self.paused = time.monotonic(), done, 0.0

    def _report(self, done, logs):
        total = self.batches * self.status["epochs"]
        each = (time.monotonic() - self.began - self.paused) / (done - self.done_before)
        left = (total - done) * each if self.warm else None      # not known before an epoch was checked
        self.say(state=jobs.RUNNING, epoch=self.epoch, share=done / total, seconds_left=left, batch_seconds=each,
                 loss=float((logs or {}).get("loss", np.nan)))

    def on_epoch_end(self, epoch, logs=None):
        self._show(epoch + 1)
        self.epoch, done = epoch + 1, (epoch + 1) * self.batches
        if self.warm:
            self._report(done, logs)
        else:                                    # the first validation builds a graph of its own: the clock starts anew
            self.warm = True
            self._start_clock(done)
            self.say(state=jobs.RUNNING, epoch=self.epoch)
        self._obey()

    def _show(self, epoch, **first):
        looks = self.shown.look(self.model)
        news(lambda: story.write_epoch(self.job.run, epoch, *looks, **first))

    def on_train_end(self, logs=None):
        if "batch_seconds" in self.status:
            news(lambda: speed.remember(self.job.preset, self.status["batch_seconds"]))

    def _obey(self):
        """Wait while the reader pauses; end the run where the reader stops it."""
        since = time.monotonic()
        while self._asked() == "pause":
            if self.status.get("state") != jobs.PAUSED:
                self.say(state=jobs.PAUSED)
            if time.monotonic() - since > PATIENCE:
                raise Left
            time.sleep(0.1)
        if self._asked() == "stop":
            news(lambda: files.unlink(self.control))
            raise KeyboardInterrupt              # what Ctrl-C is to `fit.fit`: the best epoch is kept
        if self.status.get("state") == jobs.PAUSED:
            self.paused += time.monotonic() - since
            self.say(state=jobs.RUNNING)

    def _asked(self):
        try:
            return files.read_text(self.control)
        except OSError:                          # nothing is asked; or it is removed at this moment
            return None
