"""How much there may be of own models and runs, for one visitor and in all; the numbers are for a class.

Each is set by the environment variable of its name.
"""
import contextlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ae_core import guard, store

LIMITS = {                       # name -> (how much, the sentence for whoever wants more)
    "AE_MAX_RUNS_EACH": (3, "You have {most:g} unfinished runs, as many as one visitor may have here. Wait until one "
                            "has finished, or remove one."),
    "AE_MAX_RUNS": (60, "There are {most:g} unfinished runs, as many as this server takes. Try again when some have "
                        "finished."),
    "AE_MAX_MODELS_EACH": (30, "You have {most:g} models and runs, as many as one visitor may have here. Delete one "
                               "that you no longer need."),
    "AE_MAX_MODELS": (600, "There are {most:g} models, as many as this server keeps. Ask whoever runs it to delete "
                           "some or to raise AE_MAX_MODELS."),
    "AE_MAX_GB": (20, "Models and runs would fill more than the {most:g} GB that this server keeps. Delete some, "
                      "or ask whoever runs it to raise AE_MAX_GB."),
    "AE_IDLE_SECONDS": (300, ""),        # that a trainer with nothing to do stays; 0: none is warmed
    "AE_KEEP_DAYS": (14, ""),    # of a run that nobody is training any more, and of the pictures that came with it
}
CLOSED = ("This server is public: nothing can be trained or uploaded here. Start the lab on a computer of your own to "
          "make models.")


def public() -> bool:
    """Whether AE_PUBLIC=1 is set: anyone may come and look, and nobody trains or uploads a model."""
    return os.environ.get("AE_PUBLIC", "").strip().lower() not in ("", "0", "false", "no")


def free_memory() -> float:
    """Bytes that a process could still take here, in a container too; 0 where the system does not say (not Linux)."""
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text("ascii"))
    except OSError:
        found = None
    free = float(found[1]) * 1024 if found else 0.0
    with contextlib.suppress(OSError, ValueError):       # "max" is no number: the container has all
        group = Path("/sys/fs/cgroup")
        most = int((group / "memory.max").read_text("ascii"))
        idle = re.search(r"^inactive_file (\d+)", (group / "memory.stat").read_text("ascii"), re.M)
        free = min(free, most - int((group / "memory.current").read_text("ascii")) + (int(idle[1]) if idle else 0))
    return free


def most(name: str) -> float:
    """The number of a limit; ValueError where the environment says something else."""
    said = os.environ.get(name) or LIMITS[name][0]
    try:
        return float(said)
    except ValueError:
        raise ValueError(f"{name} is {said!r}; it must be a number.") from None


def check(owner: str | None, size: int, runs: Sequence[str | None], run: bool) -> None:
    """guard.Refused with one sentence where a visitor may not add a run, or else a model, of `size` bytes.

    runs: the owners of all unfinished runs, each of which becomes a model. Whoever sits at this machine (None) is held
    to what there may be in all.
    """
    if public():
        raise guard.Refused(CLOSED)
    owners = [*store.owners(), *runs]
    counts = {"AE_MAX_RUNS_EACH": runs.count(owner) if run and owner else 0, "AE_MAX_RUNS": len(runs) if run else 0,
              "AE_MAX_MODELS_EACH": owners.count(owner) if owner else 0, "AE_MAX_MODELS": len(owners)}
    for name, count in counts.items():
        if count >= most(name):
            raise guard.Refused(LIMITS[name][1].format(most=most(name)))
    if store.size() + size > most("AE_MAX_GB") * 1e9:
        raise guard.Refused(LIMITS["AE_MAX_GB"][1].format(most=most("AE_MAX_GB")))
