"""Files and folders that others read at the same time: written whole, locked, reserved.

A reader sees the old file or the new one, never a part, however the writer ends. On Windows a file that somebody looks
at cannot be renamed, replaced or removed at that moment, or read while it is replaced; what is refused is therefore
tried again for two seconds.
"""
import contextlib
import json
import os
import random
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

PATIENCE = 2.0                   # seconds in which a refused rename is tried again
Result = TypeVar("Result")
LEFT_BEHIND = 3600               # seconds after which an unfinished file belongs to a writer that died


# --- whole files ---------------------------------------------------------------------------------------------

@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Gives a name beside `path` to write to; at the end of the block that file is flushed and becomes `path`.

    No two writers share that name, and its suffix is that of `path`. Where the block raises, `path` stays as it was.
    """
    path = Path(path)
    for old in path.parent.glob(f".part-*-{path.name}"):
        with contextlib.suppress(OSError):       # of another writer that has just finished, or of one we may not touch
            if time.time() - old.stat().st_mtime > LEFT_BEHIND:
                old.unlink()
    partial = path.with_name(f".part-{uuid.uuid4().hex[:12]}-{path.name}")
    try:
        yield partial
        flush(partial)
        replace(partial, path)
        settle(path.parent)
    finally:
        with contextlib.suppress(OSError):       # what cannot be removed now is, after an hour
            partial.unlink(missing_ok=True)


def flush(path: str | Path) -> None:
    """Wait until a file is on the disk, so that a power cut after its renaming does not leave an empty one."""
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


def settle(folder: str | Path) -> None:
    """Wait until what was renamed in a folder is on the disk; on Windows that is the system's own affair."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write(path: str | Path, content: bytes | str) -> None:
    """Write a whole file, text as UTF-8."""
    with replacing(path) as partial:
        partial.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def write_json(path: str | Path, values: Any) -> None:
    """Write a whole JSON file, its folder made where it is missing."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write(path, json.dumps(values))


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file that somebody may be replacing at this moment."""
    return _insist(lambda: Path(path).read_text("utf-8"))


def read_json(path: str | Path) -> dict[str, Any]:
    """The object in a JSON file; an empty one where there is none."""
    try:
        values = json.loads(read_text(path))
    except (OSError, ValueError):
        values = {}
    return values if isinstance(values, dict) else {}


def npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """The shape of the array in an .npy file, whether it is stored by columns, and its type; the numbers come next.

    Read by NumPy, which evaluates nothing. ValueError where it is no such header.
    """
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        return readers[np.lib.format.read_magic(file)](file)
    except Exception as error:                   # of a broken header Python's own parser raises many kinds
        raise ValueError(f"There is no whole .npy header ({type(error).__name__}).") from None


# --- what may be refused for a moment ------------------------------------------------------------------------

def replace(source: str | Path, target: str | Path) -> None:
    """Rename a file, over `target` if that exists."""
    _insist(lambda: os.replace(source, target))


def rename(source: str | Path, target: str | Path) -> None:
    """Rename a file or a folder to a name that is free."""
    _insist(lambda: os.rename(source, target))


def unlink(path: str | Path) -> None:
    """Remove a file; one that is not there is no error."""
    with contextlib.suppress(FileNotFoundError):
        _insist(lambda: os.unlink(path))


def remove(folder: Path) -> None:
    """Remove a folder at once: under a hidden name first, so that nobody ever finds the half of it.

    PermissionError where somebody holds a file of it; then all of it stays. What is held only later stays under that
    name until the next removal beside it.
    """
    gone = folder.with_name(f".gone-{uuid.uuid4().hex[:12]}-{folder.name}")
    with contextlib.suppress(FileNotFoundError):
        rename(folder, gone)
    for left in folder.parent.glob(".gone-*"):
        shutil.rmtree(left, ignore_errors=True)


def _insist(action: Callable[[], Result]) -> Result:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return action()
        except PermissionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


# --- one at a time -------------------------------------------------------------------------------------------

def reserve(folders: Iterable[Path]) -> Path:
    """The first of `folders` that nobody has; it is made here and now, so nobody else can be given it."""
    for folder in folders:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
    raise FileExistsError("All names are taken.")


@contextlib.contextmanager
def lock(path: str | Path, patience: float = 0.0) -> Iterator[bool]:
    """Hold a lock file, asking for it for `patience` seconds; gives whether it is held.

    The system releases it with the process, even by kill -9.
    """
    with open(path, "ab") as file:
        end = time.monotonic() + patience
        while not (mine := _take(file)) and time.monotonic() < end:
            time.sleep(0.05)
        yield mine


def locked(path: str | Path) -> bool:
    """Whether somebody holds a lock file.

    To look, it is held for a moment together with all others who look, so that none of them takes another for the
    holder; Windows has no such lock, and a look is repeated there instead.
    """
    end = time.monotonic() + (0.2 if sys.platform == "win32" else 0)
    while True:
        try:
            with open(path, "rb") as file:
                if _take(file, shared=True):
                    return False
        except OSError:                          # none is there, or none can be
            return False
        if time.monotonic() >= end:
            return True
        time.sleep(random.uniform(0, 0.02))


def _take(file: IO[bytes], shared: bool = False) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
