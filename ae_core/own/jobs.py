"""Training runs that were asked for: a queue of folders, worked off one at a time by a process of its own.

    AE_MODELS_DIR/jobs/<id>/request.json         the preset, the seed, and what an own data set is
                            pictures.npz         own pictures, where there are any
                            status.json          what the trainer last said: state, epoch, share, time left
                            control              "pause" or "stop", for the trainer to find
                            run/                 weights and history of the run, and its story epoch by epoch

This module is the page's side: it asks, looks and steers, and never imports TensorFlow. `worker` is the other side; it
holds jobs/lock while it lives, and the system lets go of that lock however the process ends. So whoever looks knows a
running job from an interrupted one, whatever happened.
"""
import contextlib
import dataclasses
import importlib.util
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ae_core import files, store
from ae_core.own import blueprint, story
from ae_core.pictures import convert, datasets
from ae_core.presets import Preset

LOCK_SECONDS = 2                 # whoever only looks whether a worker lives holds the lock for a moment
FEWEST = 20                      # pictures that can be split into some to train on, to check with, and to show
LEAST_SHOWN = 4
MAX_TEST = 2000                  # pictures to show
WAITING, RUNNING, PAUSED, INTERRUPTED = "waiting", "running", "paused", "interrupted"
DONE, STOPPED, FAILED = "done", "stopped", "failed"
ROUGH_SPEED = 40e9               # operations a second on two laptop cores, and what every batch costs beside them:
BATCH_SECONDS = 0.003            # measured on dense and convolutional networks
START_SECONDS = 10               # TensorFlow's import and the first step
NOTHING_KEPT = "It was stopped before its first epoch was complete, so there is no model."


@dataclass(frozen=True)
class Own:
    """Pictures that are no shipped data set."""
    pictures: np.ndarray         # uint8 (n, h, w, c)
    labels: np.ndarray           # (n,) class numbers; 0 where there are no classes
    title: str
    classes: tuple[str, ...]     # one at least
    margin: int = 0              # as in data.Dataset
    photo: bool = True

    def split(self):
        """Those to train on, and those to show, which are never trained on: a tenth drawn by seed.

        Of shipped pictures it is the last of them, so that one knows which.
        """
        order = np.arange(len(self.pictures))
        if self.photo:
            order = np.random.default_rng(datasets.SEED).permutation(order)
        aside = min(MAX_TEST, max(LEAST_SHOWN, len(order) // 10)) if self.photo else MAX_TEST
        return [dataclasses.replace(self, pictures=self.pictures[rows], labels=self.labels[rows])
                for rows in (order[:-aside], order[-aside:])]

    def about(self):
        return {"title": self.title, "classes": list(self.classes), "margin": self.margin, "photo": self.photo}


@dataclass(frozen=True)
class Job:
    ident: str                   # its folder; sorts by the time of the request
    folder: Path
    preset: Preset
    seed: int
    about: dict | None           # of own pictures
    status: dict

    @property
    def state(self):
        return self.status["state"]

    @property
    def run(self):
        return self.folder / "run"

    def history(self):
        """What each epoch scored so far."""
        with contextlib.suppress(FileNotFoundError):
            return json.loads((self.run / "state.json").read_text("utf-8"))["history"]
        return []


def root():
    return store.own_root() / "jobs"


def can_train():
    """Whether TensorFlow is installed, found out without importing it."""
    try:
        return importlib.util.find_spec("tensorflow") is not None
    except ModuleNotFoundError:
        return False


# --- asking ------------------------------------------------------------------------------------------------

def request(preset, seed=0, own=None):
    """Put a run into the queue and return its Job; the preset gets a free name and title of its own.

    own: Own pictures, else the preset's data set is one of datasets.DATASETS. ValueError with one sentence where the
    preset or the pictures cannot be trained on; then nothing is written.
    """
    blueprint.check(preset)
    if own is not None:
        _check_pictures(preset, own)
    elif datasets.find(preset.dataset) is None:
        raise ValueError(f"The training pictures of {datasets.DATASETS[preset.dataset].title} are not on this machine. "
                         f"Fetch them with: python -m ae_core data --download {preset.dataset}")
    root().mkdir(parents=True, exist_ok=True)
    preset = _named(preset, own)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=root()))
    try:
        if own is not None:
            trained, shown = own.split()
            np.savez(fresh / "pictures.npz", x_train=trained.pictures, y_train=trained.labels,
                     x_test=shown.pictures, y_test=shown.labels)
        files.write_json(fresh / "request.json", {"preset": preset.to_json(), "seed": seed,
                                                  "data": own.about() if own else None})
        files.write_json(fresh / "status.json", {"state": WAITING})
        ident = f"{time.time_ns():020}"
        files.rename(fresh, root() / ident)
    except OSError as error:
        store.release(preset.name)
        raise ValueError(f"The request could not be written to {root()} ({error.strerror or error}). "
                         "Free some disk space, or set AE_MODELS_DIR to another folder.") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return read(ident)


def _named(preset, own):
    """With a free name and title; own pictures are the data set of the model that brings them along."""
    queued = [job.preset for job in every()]
    titles = {other.title for other in [*store.offered().values(), *queued]}
    title, k = preset.title, 2
    while preset.title in titles:
        preset, k = dataclasses.replace(preset, title=f"{title} {k}"), k + 1
    name = store.reserve(preset.title)
    return dataclasses.replace(preset, name=name, dataset=preset.dataset if own is None else name)


def _check_pictures(preset, own):
    if len(own.pictures) < FEWEST:
        raise ValueError(f"{len(own.pictures)} picture{'s are' if len(own.pictures) != 1 else ' is'} too few to learn "
                         f"from. Give at least {FEWEST}; a few hundred give a first impression.")
    if own.pictures.shape[1:] != preset.shape:
        raise ValueError(f"The pictures are {own.pictures.shape[1:]}, but the network takes {preset.shape}. "
                         "Read the pictures again at the size that was chosen.")
    if preset.labels and (len(own.classes) < 2 or preset.labels != len(own.classes)):
        raise ValueError("A conditional VAE needs the class of every picture, and there are no labels here. "
                         "Put the pictures of each class into a separate folder, and zip those folders.")


def shipped(dataset):
    """The shipped test pictures of a data set as something to train on, where its training pictures are not here."""
    about = datasets.DATASETS[dataset]
    pictures, labels = datasets.samples(dataset)
    return Own(convert.to_uint8(pictures), labels, f"{about.title}, the shipped pictures", about.classes,
               about.margin, photo=False)


def seconds(preset, count):
    """The time a run over `count` pictures will take, and whether this machine was measured or it is a rough figure."""
    slowness = files.read_json(_speeds()).get(preset.network)
    batches = preset.epochs * math.ceil(count / preset.batch_size)
    return START_SECONDS + batches * rough_batch_seconds(preset) * (slowness or 1), slowness is not None


def rough_batch_seconds(preset):
    return BATCH_SECONDS + preset.batch_size * blueprint.operations(preset) / ROUGH_SPEED


def remember_speed(preset, batch_seconds):
    """Keep how many times as long as the rough figure a batch took here, for the next estimate."""
    speeds = files.read_json(_speeds()) | {preset.network: batch_seconds / rough_batch_seconds(preset)}
    files.write_json(_speeds(), speeds)


def _speeds():
    return store.own_root() / "speed.json"


# --- looking -----------------------------------------------------------------------------------------------

def every():
    """All jobs, the oldest first."""
    alive = busy()
    found = [_read(folder, alive) for folder in sorted(root().glob("[0-9]*"))]
    return [job for job in found if job]


def read(ident):
    """One job by its id, or None where there is none (any more)."""
    return _read(root() / ident, busy()) if str(ident).isdigit() else None


def _read(folder, alive):
    try:
        request = files.read_json(folder / "request.json")
        status = {"state": WAITING} | files.read_json(folder / "status.json")
        if status["state"] in (RUNNING, PAUSED) and not alive:
            status["state"] = INTERRUPTED
        return Job(folder.name, folder, Preset.from_json(request["preset"]), request["seed"], request["data"], status)
    except (KeyError, ValueError, OSError):
        return None


def pictures(job):
    """What a job trains on and what it keeps aside: (pictures, labels), (test pictures, labels)."""
    if job.about is None:
        return [datasets.load(job.preset.dataset, split, job.preset.shape) for split in ("train", "test")]
    with np.load(job.folder / "pictures.npz", allow_pickle=False) as arrays:
        return [(convert.as_pictures(arrays[f"x_{split}"]), arrays[f"y_{split}"].astype(np.int64))
                for split in ("train", "test")]


def story_so_far(job):
    """The story of a job so far, up to the epoch that its history has reached; None before its first picture."""
    return story.read_run(job.run, until=len(job.history()))


# --- steering ----------------------------------------------------------------------------------------------

def steer(job, word):
    """Tell the trainer to "pause" or to "stop", which keeps the best epoch; what has none yet just stops."""
    files.write(job.folder / "control", word)    # in any case: it may have begun a moment ago
    if word == "stop" and job.state in (WAITING, INTERRUPTED) and not job.history():
        files.write_json(job.folder / "status.json", {"state": STOPPED, "error": NOTHING_KEPT})
        return
    if job.state == INTERRUPTED:                 # someone must load its best epoch and put it into the store
        files.write_json(job.folder / "status.json", {"state": WAITING})
        start()


def resume(job):
    """Go on with a paused, interrupted, stopped or failed run, from its last epoch on."""
    files.unlink(job.folder / "control")
    if job.state != PAUSED:
        files.write_json(job.folder / "status.json", {"state": WAITING})
        start()


def remove(job):
    """Forget a job that nobody is training; the model that came of it stays."""
    if job.state not in (RUNNING, PAUSED):
        shutil.rmtree(job.folder, ignore_errors=True)
        store.release(job.preset.name)


def start():
    """Start the process that works off the queue, if there is something to do and none is at it yet.

    It gets a session of its own, so that neither a closed tab nor the end of the server ends it. Until it holds the
    lock, no other is started.
    """
    started = root() / "started"
    if not can_train() or busy() or not any(job.state == WAITING for job in every()) \
            or (started.is_file() and time.time() - started.stat().st_mtime < 5):
        return
    started.touch()
    with open(root() / "worker.log", "ab") as log:
        subprocess.Popen([sys.executable, "-m", "ae_core", "work"], cwd=store.ROOT, start_new_session=True,
                         stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def busy():
    """Whether a worker lives."""
    with lock() as free:
        return not free


@contextlib.contextmanager
def lock(patience=0.0):
    """Hold jobs/lock, as `files.lock` does; where nothing was ever asked for, there is nobody to keep out."""
    if not root().is_dir():
        yield True
        return
    with files.lock(root() / "lock", patience) as mine:
        yield mine
