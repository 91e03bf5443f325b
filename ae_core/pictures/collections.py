"""A reader's own collection: many uploads or a zip, read one by one; what cannot be used is left out and named.

Nothing is ever unpacked onto the disk, and all files together have one budget of pixels and of time (`guard`).
"""
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import cast

import numpy as np

from ae_core import guard
from ae_core.pictures import arrays, convert, reader, subject, tiff

MAX_RESULT = 400 * 2**20         # bytes of all pictures as the model sees them, and of their thumbnails
THUMBNAIL = 56                   # pixels a side
NAMED = 5                        # of the pictures that were left out
DARK = 1 / 8                     # of the range of gray levels: a set that uses less is told so
RANGELESS = (".tif", ".tiff")    # files whose samples may have no range of their own

SEVERAL = (".zip", *arrays.SUFFIXES)     # files of several pictures; one may be a class, called after it without these
REFUSED = ("7z", "rar", "tar", "tgz", "gz", "bz2", "xz", "zst")  # suffixes of archives that get a sentence by name

Fit = Callable[[np.ndarray, tuple], np.ndarray]
Entry = tuple[str, Callable[[], bytes | np.ndarray]]     # a name, and what gives a file's bytes or a picture's pixels


@dataclass(frozen=True)
class Collection:
    names: tuple[str, ...]
    pictures: np.ndarray         # (n, h, w, c) uint8, as the model sees them
    thumbnails: np.ndarray       # (n, 56, 56, 3) uint8, as the reader knows them
    skipped: tuple[str, ...]     # a sentence for every picture that was left out
    passed_over: int = 0         # files that are no pictures and do not claim to be any
    brightest: float = 1.0       # of all pictures, in 0..1
    unread: int = 0              # files that were not looked at in the seconds there were

    def floats(self, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Pictures in 0..1, (n, h, w, c) float32: all, or those of some rows."""
        return convert.as_pictures(self.pictures[rows])

    def notes(self) -> list[str]:
        """What was left out, in words: the first few pictures by name, and how much else."""
        told = list(self.skipped[:NAMED])
        if len(self.skipped) > NAMED:
            told.append(f"{len(self.skipped) - NAMED:,} more could not be read.")
        if self.passed_over:
            told.append(f"{self.passed_over:,} other files were passed over." if self.passed_over > 1 else
                        "One other file was passed over.")
        if self.names and self.brightest < DARK:
            told.append(f"The brightest pixel of all pictures has {self.brightest:.1%} of what their files can hold: "
                        "they are nearly black. Save them with a wider range of gray levels.")
        return told


def read(files: Sequence[tuple[str, bytes]], shape: tuple, margin: int = 0,
         report: Callable[[float], None] | None = None, fit: Fit | None = None,
         seconds: float = math.inf) -> Collection:
    """The pictures in uploads [(name, bytes), ...], zip archives and arrays among them opened, fitted to `shape`.

    Files whose samples have no range of their own, such as floats, share one.
    fit(picture, shape): how, where a subject on black with an empty `margin` is not what is wanted.
    report(share): called with the share of the work done before every picture; it may raise to stop.
    seconds: on the clock, after which what is left is not looked at (`unread`), but for one file.
    """
    end = time.monotonic() + seconds
    names: list[str] = []
    pictures, thumbnails, skipped, passed_over = bytearray(), bytearray(), [], 0
    fit = fit or (lambda picture, shape: subject.find(picture, shape, margin=margin).picture)
    budget = guard.Budget.of(sum(len(raw) for _, raw in files))
    entries = [entry for name, raw in files for entry in _entries(name, raw)]
    scale, unread, brightest = *_range(entries, budget, end - seconds / 2), 0.0
    every = len(entries)
    for done, (name, load) in enumerate(entries[:every - unread]):
        if done and time.monotonic() > end:
            unread = every - done
            break
        if report:
            report(done / every)
        if len(pictures) + len(thumbnails) > MAX_RESULT:
            skipped.append(f"Only the first {len(names):,} pictures are kept; more would not fit into memory.")
            break
        try:
            picture = _picture(load(), name, scale, budget)
        except guard.Refused as error:
            if isinstance(error, reader.BadPicture) and "/" in name and not _may_hold_a_picture(name):
                passed_over += 1
                continue
            skipped.append(str(error))
            if budget.pixels < 0:
                break
            continue
        names.append(name)
        brightest = max(brightest, float(picture.max()))
        with budget.resting():                   # what is done with it costs a reader time, too, but is no harm
            pictures += convert.to_uint8(fit(picture, shape)).tobytes()
            thumbnails += convert.to_uint8(convert.thumbnail(picture, THUMBNAIL)).tobytes()
    return Collection(tuple(names), np.frombuffer(pictures, np.uint8).reshape(-1, *shape),
                      np.frombuffer(thumbnails, np.uint8).reshape(-1, THUMBNAIL, THUMBNAIL, 3), tuple(skipped),
                      passed_over, brightest, unread)


def _picture(given: bytes | np.ndarray, name: str, scale: tiff.Range | None, budget: guard.Budget) -> np.ndarray:
    if isinstance(given, bytes):
        return reader.read(given, name, scale=scale, budget=budget)
    budget.spend(given.shape[0] * given.shape[1])
    return given / np.float32(255)


def _range(entries: Sequence[Entry], budget: guard.Budget, end: float) -> tuple[tiff.Range | None, int]:
    """The range that all samples without one of their own share, None where there are none; and how many entries were
    not looked at before the clock stood at `end`.
    """
    shared = None
    for done, (name, load) in enumerate(entries):
        if name.lower().endswith(RANGELESS):
            if done and time.monotonic() > end:
                return shared, len(entries) - done
            with contextlib.suppress(guard.Refused):             # it is named when it is read
                found = reader.range_of(cast(bytes, load()), name, budget)
                shared = shared.join(found) if shared and found else found or shared
    return shared, 0


def classes(names: Sequence[str]) -> list[str | None]:
    """The class of each picture by its name in a collection; None for one that lies in no folder of its own.

    A class is the folder that tells pictures apart: one that wraps them all, or an "images" below every class, is none.
    Folders of the same name under different parents stay different.
    """
    folders = [guard.split(name)[:-1] for name in names]
    some = [folder for folder in folders if folder]
    first, last = _shared(some), _shared([folder[::-1] for folder in some])
    last = min(last, max(0, min(map(len, some), default=0) - first - 1))
    found = ["/".join(folder[first:len(folder) - last]) for folder in folders]
    return [next((name[:-len(suffix)] for suffix in SEVERAL if name.lower().endswith(suffix)), name) or None
            for name in found]


def short(names: Sequence[str], most: int = 40) -> list[str]:
    """Names of at most so many characters, still different from each other; the end of a path tells most."""
    cut = [name if len(name) <= most else "…" + name[1 - most:] for name in names]
    return [name if cut.count(name) == 1 else f"{name[:most - 5]} ({k + 1})" for k, name in enumerate(cut)]


def _shared(paths: list[tuple[str, ...]]) -> int:
    """How many parts all paths begin with."""
    if not paths:
        return 0
    return next((k for k, parts in enumerate(zip(*paths, strict=False)) if len(set(parts)) > 1), min(map(len, paths)))


def _may_hold_a_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in ("", ".zip", *reader.SUFFIXES)


def _entries(name: str, raw: bytes) -> list[Entry]:
    """What an upload holds; a function that raises guard.Refused in place of what cannot be opened."""
    if any(map(guard.is_hidden, guard.split(name))):
        return []
    if kind := guard.foreign_archive(raw):
        return [(name, _refuse(f"{name} is a {kind} archive, and only zip archives are opened. "
                               "Unpack it, and pack the pictures as a zip."))]
    try:
        if name.lower().endswith(arrays.SUFFIXES):
            return _rows(name, arrays.uploaded(raw, name))
        if guard.is_archive(raw):
            return [("/".join((name, *entry.path)), entry.load)
                    for entry in guard.archive(raw, name, most_each=reader.MAX_BYTES)]
    except guard.Refused as error:
        return [(name, _refuse(str(error)))]
    return [(name, lambda: raw)]


def _rows(name: str, found: Sequence[tuple[np.ndarray, np.ndarray | None]]) -> list[Entry]:
    """The pictures of arrays, each in a folder of its class where there are labels."""
    entries: list[Entry] = []
    for pictures, labels in found:
        for row, picture in enumerate(pictures):
            folder = name if labels is None else f"{name}/{labels[row]}"
            entries.append((f"{folder}/{len(entries):05}", partial(picture.copy)))
    return entries


def _refuse(message: str) -> Callable[[], bytes]:
    def load() -> bytes:
        raise guard.Refused(message)
    return load
