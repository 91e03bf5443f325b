"""Training runs that were asked for: a queue of folders, worked off one at a time by a process of its own.

    AE_MODELS_DIR/jobs/<id>/request.json         the preset, the seed, what an own data set is, and whose the run is
                            pictures.npz         own pictures, where there are any
                            status.json          what the trainer last said: state, epoch, share, time left
                            control              "pause" or "stop", for the trainer to find
                            run/                 weights and history of the run, and its story epoch by epoch

This module is the page's side: it asks, looks and steers, and never imports TensorFlow. `worker` is the other side; it
holds jobs/lock while it lives, and the system lets go of that lock however the process ends. So whoever looks knows a
running job from an interrupted one, whatever happened. A visitor sees its own runs and those that are nobody's.
"""
import contextlib
import dataclasses
import importlib.util
import re
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

from ae_core import files, guard, store
from ae_core.own import blueprint, limits, story
from ae_core.own.collection import Collection
from ae_core.pictures import convert, datasets
from ae_core.presets import Preset

ROOM = 2e9                       # bytes of memory that must be free for a trainer with nothing to do
LOCK_SECONDS = 2                 # whoever only looks whether a worker lives may hold the lock for a moment
WAITING, RUNNING, PAUSED, INTERRUPTED = "waiting", "running", "paused", "interrupted"
DONE, STOPPED, FAILED = "done", "stopped", "failed"
GOING_ON, ENDED = (WAITING, RUNNING, PAUSED), (INTERRUPTED, STOPPED, FAILED)
WISH, ASKED = "wish.json", "asked"               # files that a trainer with nothing to do looks at
NOTHING_KEPT = "It was stopped before its first epoch was complete, so there is no model."


@dataclass(frozen=True)
class Job:
    ident: str                   # its folder; sorts by the time of the request
    folder: Path
    preset: Preset
    seed: int
    about: dict | None           # of own pictures
    owner: str | None            # a visitor, as in the store
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
        return files.read_json(self.run / "state.json").get("history", [])


def root() -> Path:
    """The folder of all jobs."""
    return store.own_root() / "jobs"


def can_train() -> bool:
    """Whether TensorFlow is installed, found out without importing it; never on a public server."""
    try:
        return not limits.public() and not installing() and importlib.util.find_spec("tensorflow") is not None
    except ModuleNotFoundError:
        return False


def installing() -> str:
    """What `make run` is installing for training meanwhile, "tensorflow" or another package; "" when it has ended."""
    try:
        log = Path(sys.prefix, "installing").read_text("utf-8", "replace")
    except OSError:
        return ""
    return next(reversed(re.findall(r"^Collecting (\w+)", log, re.MULTILINE)), "packages")


# --- asking ------------------------------------------------------------------------------------------------

def request(preset: Preset, seed: int = 0, collection: Collection | None = None, owner: str | None = None) -> Job:
    """Put a run into the queue and return its Job; the preset gets a free name and title of its own.

    collection: what to train on, else the preset's data set is one of datasets.DATASETS; owner: the visitor who asks.
    ValueError with one sentence where the preset or the pictures cannot be trained on, or too much is asked for; then
    nothing is written.
    """
    blueprint.check(preset)
    if collection:
        collection.check(preset)
    elif datasets.find(preset.dataset) is None:
        raise ValueError(f"The training pictures of {datasets.DATASETS[preset.dataset].title} are not on this machine. "
                         f"Fetch them with: python -m ae_core data --download {preset.dataset}")
    tidy()
    with store.changing():
        limits.check(owner, collection.pictures.nbytes if collection else 0, unfinished(), run=True)
        return _put(_named(preset, collection, owner), seed, collection, owner)


def _put(preset: Preset, seed: int, collection: Collection | None, owner: str | None) -> Job:
    """The request of a named preset as a folder of the queue, all at once; where that fails its name is free again."""
    root().mkdir(parents=True, exist_ok=True)
    fresh, ident = Path(tempfile.mkdtemp(prefix=".new-", dir=root())), f"{time.time_ns():020}"
    about, status = collection.about() if collection else None, {"state": WAITING}
    try:
        if collection:
            trained, shown = collection.split()
            np.savez(fresh / "pictures.npz", x_train=trained.pictures, y_train=trained.labels,
                     x_test=shown.pictures, y_test=shown.labels)
        files.write_json(fresh / "request.json",
                         {"preset": preset.to_json(), "seed": seed, "data": about, "owner": owner})
        files.write_json(fresh / "status.json", status)
        files.rename(fresh, root() / ident)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        store.release(preset.name)
        raise
    return Job(ident, root() / ident, preset, seed, about, owner, status)


def _named(preset: Preset, collection: Collection | None, owner: str | None) -> Preset:
    """With a free name and title; own pictures are the data set of the model that brings them along."""
    title = store.free_title(preset.title, [job.preset.title for job in every(owner)], owner)
    name = store.reserve(title)
    return dataclasses.replace(preset, name=name, title=title, dataset=name if collection else preset.dataset)


# --- looking -----------------------------------------------------------------------------------------------

def every(visitor: str | None = None) -> list[Job]:
    """All jobs that a visitor sees, the oldest first."""
    alive = busy()
    found = [_read(folder, alive) for folder in sorted(root().glob("[0-9]*"))]
    return [job for job in found if job and store.visible(vars(job), visitor)]


def read(ident: str, visitor: str | None = None) -> Job | None:
    """One job by its id, or None where there is none (any more) that the visitor sees."""
    job = _read(root() / ident, busy()) if str(ident).isdigit() else None
    return job if job and store.visible(vars(job), visitor) else None


def _read(folder: Path, alive: bool) -> Job | None:
    try:
        request = files.read_json(folder / "request.json")
        preset, status = Preset.from_json(request["preset"]), files.read_json(folder / "status.json")
        state = status.get("state")
        if state not in (WAITING, DONE, STOPPED, FAILED) and store.present(preset.name):
            status["state"] = DONE               # whatever could not be written, or read
        elif state not in (*GOING_ON, DONE, *ENDED) or state in (RUNNING, PAUSED) and not alive:
            status["state"] = INTERRUPTED        # and nothing begins again unasked
        return Job(folder.name, folder, preset, request["seed"], request["data"], request.get("owner"), status)
    except (KeyError, ValueError, OSError):
        return None


def unfinished() -> list[str | None]:
    """Whose the runs are that have not come to a model, one entry a run."""
    return [job.owner for job in every() if job.state != DONE]


def ahead(job: Job) -> int:
    """How many runs come before one that waits, whosever they are."""
    return sum(other.state in (RUNNING, PAUSED) or other.state == WAITING and other.ident < job.ident
               for other in every())


def pictures(job: Job) -> list[tuple[np.ndarray, np.ndarray]]:
    """What a job trains on and what it keeps aside: (pictures, labels), (test pictures, labels)."""
    if job.about is None:
        return [datasets.load(job.preset.dataset, split, job.preset.shape) for split in ("train", "test")]
    with np.load(job.folder / "pictures.npz", allow_pickle=False) as arrays:
        return [(convert.as_pictures(arrays[f"x_{split}"]), arrays[f"y_{split}"].astype(np.int64))
                for split in ("train", "test")]


def story_of(job: Job) -> story.Story | None:
    """The story of a job so far, up to the epoch that its history has reached; None before its first picture."""
    return story.read_run(job.run, len(job.history()), parts=True)


# --- steering ----------------------------------------------------------------------------------------------

@contextlib.contextmanager
def _now(job: Job, states: tuple[str, ...]) -> Iterator[Job | None]:
    """The job as it is, unchanged by others meanwhile; None where it is gone or in none of `states`.

    A button may be minutes old, and another tab, or the trainer, was faster.
    """
    with store.changing():
        now = read(job.ident)
        yield now if now and now.state in states else None


def steer(job: Job, word: str) -> None:
    """Tell the trainer to "pause" or to "stop", which keeps the best epoch; what has none yet just stops."""
    with _now(job, (*GOING_ON, INTERRUPTED)) as now:
        if now is None:
            return
        files.write(now.folder / "control", word)
        if word == "stop" and now.state in (WAITING, INTERRUPTED) and not now.history():
            files.write_json(now.folder / "status.json", {"state": STOPPED, "error": NOTHING_KEPT})
        elif now.state == INTERRUPTED:           # someone must load its best epoch and put it into the store
            files.write_json(now.folder / "status.json", {"state": WAITING})
    start()


def resume(job: Job) -> None:
    """Go on with a paused, interrupted, stopped or failed run, from its last epoch on."""
    with _now(job, (PAUSED, *ENDED)) as now:
        if now:
            files.unlink(now.folder / "control")
        if now and now.state != PAUSED:
            files.write_json(now.folder / "status.json", {"state": WAITING})
    start()


def remove(job: Job) -> None:
    """Forget a run that has ended; the model that came of it stays."""
    with _now(job, (DONE, *ENDED)) as now:
        if now:
            _remove(now)


def _remove(job: Job) -> None:
    files.remove(job.folder)
    store.release(job.preset.name)


def claim() -> Job | None:
    """The trainer's next job, from now on running; None where none waits."""
    with store.changing():
        job = next((job for job in every() if job.state == WAITING), None)
        if job:
            files.write_json(job.folder / "status.json", {"state": RUNNING})
        return job


def tidy() -> None:
    """Clear away runs that ended AE_KEEP_DAYS ago, with their pictures, and what a killed process left half asked for.

    Another time where somebody is just asking for a run.
    """
    if not root().is_dir():
        return
    before, alive = time.time() - limits.most("AE_KEEP_DAYS") * 24 * 3600, busy()
    with contextlib.suppress(guard.Refused, OSError), store.changing(patience=0):
        for left in root().glob(".new-*"):
            shutil.rmtree(left, ignore_errors=True)
        for folder in root().glob("[0-9]*"):
            job = _read(folder, alive)
            if (job is None or job.state not in GOING_ON) and _said_last(folder) < before:
                _remove(job) if job else files.remove(folder)
        needed = {job.preset.name for job in every()}
        for folder in store.own_root().glob(f"{store.OWN}*"):
            if folder.name not in needed:
                store.release(folder.name)       # a name that was reserved for nothing


def _said_last(folder: Path) -> float:
    """When a job's state was last written; of a broken one, when its folder was."""
    status = folder / "status.json"
    return (status if status.is_file() else folder).stat().st_mtime


def warm(preset: Preset) -> None:
    """Have a trainer ready that has built just such a network, if there is room for it: a run then begins at once."""
    if not can_train() or not busy() and not idle():
        return
    wanted = dataclasses.replace(preset, name="own_warm", title="Warm").to_json()
    with contextlib.suppress(OSError):           # it saves seconds, no more
        root().mkdir(parents=True, exist_ok=True)
        if files.read_json(root() / WISH) != wanted:
            files.write_json(root() / WISH, wanted)
        (root() / WISH).touch()
        _spawn(idle())


def idle() -> float:
    """How long a trainer stays when it has nothing to do, in seconds."""
    return limits.most("AE_IDLE_SECONDS") if limits.free_memory() >= ROOM else 0.0


def signs() -> tuple[float, ...]:
    """Changes whenever somebody asks for a trainer: what one that has nothing to do looks at."""
    return tuple(path.stat().st_mtime if path.is_file() else 0.0 for path in (root() / WISH, root() / ASKED))


def wish() -> Preset | None:
    """What `warm` was last asked for."""
    try:
        return Preset.from_json(files.read_json(root() / WISH))
    except (KeyError, ValueError, TypeError, OSError):
        return None


def give_up() -> None:
    """Runs of a trainer that died are interrupted, says the next one, before it takes its first."""
    with store.changing():
        for job in every():
            if job.state in (RUNNING, PAUSED):
                files.write_json(job.folder / "status.json", job.status | {"state": INTERRUPTED})


def start(idle: float = 0.0) -> None:
    """Start the process that works off the queue, if there is something to do and none is at it yet.

    idle: seconds that it stays then.

    It gets a session of its own (a process group on Windows), so that neither a closed tab nor the end of the server
    ends it. Until it holds the lock, no other is started. guard.Refused where nothing can be written.
    """
    if not can_train() or not any(job.state == WAITING for job in every()):
        return
    try:
        (root() / ASKED).touch()
        _spawn(idle)
    except OSError as error:
        raise guard.Refused(store.refusal(error)) from None


def _spawn(idle):
    started = root() / "started"
    if busy() or started.is_file() and time.time() - started.stat().st_mtime < 5:
        return
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    started.touch()
    with open(root() / "worker.log", "ab") as log:
        subprocess.Popen([sys.executable, "-m", "ae_core", "work", "--idle", f"{idle:g}"], cwd=store.ROOT,
                         env=store.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, **apart)


def busy() -> bool:
    """Whether a worker lives."""
    return files.locked(root() / "lock")


@contextlib.contextmanager
def lock(patience: float = 0.0) -> Iterator[bool]:
    """Hold jobs/lock, as `files.lock` does; where nothing was ever asked for, there is nobody to keep out."""
    if not root().is_dir():
        yield True
        return
    with files.lock(root() / "lock", patience) as mine:
        yield mine
