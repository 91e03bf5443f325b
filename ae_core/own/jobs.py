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
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ae_core import files, store
from ae_core.own import blueprint, story
from ae_core.own.collection import Collection
from ae_core.pictures import convert, datasets
from ae_core.presets import Preset

LOCK_SECONDS = 2                 # whoever only looks whether a worker lives holds the lock for a moment
WAITING, RUNNING, PAUSED, INTERRUPTED = "waiting", "running", "paused", "interrupted"
DONE, STOPPED, FAILED = "done", "stopped", "failed"
NOTHING_KEPT = "It was stopped before its first epoch was complete, so there is no model."


@dataclass(frozen=True)
class Job:
    ident: str                   # its folder; sorts by the time of the request
    folder: Path
    preset: Preset
    seed: int
    about: dict | None           # of own pictures
    status: dict

    @property
    def state(self) -> str:
        """One of WAITING to FAILED."""
        return self.status["state"]

    @property
    def run(self) -> Path:
        """The folder of its weights, history and story."""
        return self.folder / "run"

    def history(self) -> list[dict[str, Any]]:
        """What each epoch scored so far."""
        with contextlib.suppress(FileNotFoundError):
            return json.loads((self.run / "state.json").read_text("utf-8"))["history"]
        return []


def root() -> Path:
    """The folder of all jobs."""
    return store.own_root() / "jobs"


def can_train() -> bool:
    """Whether TensorFlow is installed, found out without importing it."""
    try:
        return importlib.util.find_spec("tensorflow") is not None
    except ModuleNotFoundError:
        return False


# --- asking ------------------------------------------------------------------------------------------------

def request(preset: Preset, seed: int = 0, collection: Collection | None = None) -> Job:
    """Put a run into the queue and return its Job; the preset gets a free name and title of its own.

    collection: what to train on, else the preset's data set is one of datasets.DATASETS. ValueError with one sentence
    where the preset or the pictures cannot be trained on; then nothing is written.
    """
    blueprint.check(preset)
    if collection:
        collection.check(preset)
    elif datasets.find(preset.dataset) is None:
        raise ValueError(f"The training pictures of {datasets.DATASETS[preset.dataset].title} are not on this machine. "
                         f"Fetch them with: python -m ae_core data --download {preset.dataset}")
    about, status = collection.about() if collection else None, {"state": WAITING}
    root().mkdir(parents=True, exist_ok=True)
    preset = _named(preset, collection)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=root()))
    try:
        if collection:
            trained, shown = collection.split()
            np.savez(fresh / "pictures.npz", x_train=trained.pictures, y_train=trained.labels,
                     x_test=shown.pictures, y_test=shown.labels)
        files.write_json(fresh / "request.json", {"preset": preset.to_json(), "seed": seed, "data": about})
        files.write_json(fresh / "status.json", status)
        ident = f"{time.time_ns():020}"
        files.rename(fresh, root() / ident)
    except OSError as error:
        store.release(preset.name)
        raise ValueError(f"The request could not be written to {root()} ({error.strerror or error}). "
                         "Free some disk space, or set AE_MODELS_DIR to another folder.") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Job(ident, root() / ident, preset, seed, about, status)


def _named(preset: Preset, collection: Collection | None) -> Preset:
    """With a free name and title; own pictures are the data set of the model that brings them along."""
    queued = [job.preset for job in every()]
    title = store.free_title(preset.title, [other.title for other in queued])
    name = store.reserve(title)
    return dataclasses.replace(preset, name=name, title=title, dataset=name if collection else preset.dataset)


# --- looking -----------------------------------------------------------------------------------------------

def every() -> list[Job]:
    """All jobs, the oldest first."""
    alive = busy()
    found = [_read(folder, alive) for folder in sorted(root().glob("[0-9]*"))]
    return [job for job in found if job]


def read(ident: str) -> Job | None:
    """One job by its id, or None where there is none (any more)."""
    return _read(root() / ident, busy()) if str(ident).isdigit() else None


def _read(folder: Path, alive: bool) -> Job | None:
    try:
        request = files.read_json(folder / "request.json")
        status = {"state": WAITING} | files.read_json(folder / "status.json")
        if status["state"] in (RUNNING, PAUSED) and not alive:
            status["state"] = INTERRUPTED
        return Job(folder.name, folder, Preset.from_json(request["preset"]), request["seed"], request["data"], status)
    except (KeyError, ValueError, OSError):
        return None


def pictures(job: Job) -> list[tuple[np.ndarray, np.ndarray]]:
    """What a job trains on and what it keeps aside: (pictures, labels), (test pictures, labels)."""
    if job.about is None:
        return [datasets.load(job.preset.dataset, split, job.preset.shape) for split in ("train", "test")]
    with np.load(job.folder / "pictures.npz", allow_pickle=False) as arrays:
        return [(convert.as_pictures(arrays[f"x_{split}"]), arrays[f"y_{split}"].astype(np.int64))
                for split in ("train", "test")]


def story_of(job: Job) -> story.Story | None:
    """The story of a job so far, up to the epoch that its history has reached; None before its first picture."""
    return story.read_run(job.run, until=len(job.history()))


# --- steering ----------------------------------------------------------------------------------------------

def steer(job: Job, word: str) -> None:
    """Tell the trainer to "pause" or to "stop", which keeps the best epoch; what has none yet just stops."""
    files.write(job.folder / "control", word)    # in any case: it may have begun a moment ago
    if word == "stop" and job.state in (WAITING, INTERRUPTED) and not job.history():
        files.write_json(job.folder / "status.json", {"state": STOPPED, "error": NOTHING_KEPT})
        return
    if job.state == INTERRUPTED:                 # someone must load its best epoch and put it into the store
        files.write_json(job.folder / "status.json", {"state": WAITING})
        start()


def resume(job: Job) -> None:
    """Go on with a paused, interrupted, stopped or failed run, from its last epoch on."""
    files.unlink(job.folder / "control")
    if job.state != PAUSED:
        files.write_json(job.folder / "status.json", {"state": WAITING})
        start()


def remove(job: Job) -> None:
    """Forget a job that nobody is training; the model that came of it stays."""
    if job.state not in (RUNNING, PAUSED):
        shutil.rmtree(job.folder, ignore_errors=True)
        store.release(job.preset.name)


def start() -> None:
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


def busy() -> bool:
    """Whether a worker lives."""
    with lock() as free:
        return not free


@contextlib.contextmanager
def lock(patience: float = 0.0) -> Iterator[bool]:
    """Hold jobs/lock, as `files.lock` does; where nothing was ever asked for, there is nobody to keep out."""
    if not root().is_dir():
        yield True
        return
    with files.lock(root() / "lock", patience) as mine:
        yield mine
