"""Pictures that a reader's own model is trained on: read from files, or the shipped ones, and split in two."""
import dataclasses
import hashlib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ae_core import guard
from ae_core.pictures import collections, convert, datasets, quickdraw
from ae_core.presets import Preset

FEWEST = 20                      # pictures that can be split into some to train on, to check with, and to show
MOST = 10_000                    # more of a reader's would not fit into a laptop's memory twice
LEAST_SHOWN = 4                  # whatever their number
MAX_TEST = 2000                  # pictures to show
DRAWINGS = "Quick, Draw! "       # what the title of a file of drawings begins with
DRAWN = (quickdraw.SIDE, quickdraw.SIDE, 1)


@dataclass(frozen=True)
class Collection:
    """Pictures that are no data set of the registry."""
    pictures: np.ndarray         # uint8 (n, h, w, c)
    labels: np.ndarray           # (n,) class numbers; 0 where there are no classes
    title: str
    classes: tuple[str, ...]     # one at least
    margin: int = 0              # as in datasets.Dataset
    photo: bool = True
    notes: tuple[str, ...] = ()  # what a reader should know of how they were read
    unread: int = 0              # as in collections.Collection

    @property
    def labeled(self) -> bool:
        """Whether each picture has a class of its own."""
        return len(self.classes) > 1

    @property
    def aside(self) -> int:
        """How many of them are only shown."""
        return aside(len(self.pictures), 10 if self.photo else 5)

    def split(self) -> tuple["Collection", "Collection"]:
        """Those to train on, and those to show, which are never trained on: a tenth drawn by seed.

        Which these are depends on the pictures alone, not on the order in which they came. Of shipped pictures it is
        the last of them, so that one knows which.
        """
        order = np.arange(len(self.pictures))
        if self.photo:
            sums = [hashlib.sha256(picture.tobytes()).digest() for picture in self.pictures]
            by_content = sorted(order, key=lambda row: (sums[row], self.labels[row]))
            order = np.random.default_rng(datasets.SEED).permutation(by_content)
        return self._of(order[:-self.aside]), self._of(order[-self.aside:])

    def _of(self, rows: np.ndarray) -> "Collection":
        return dataclasses.replace(self, pictures=self.pictures[rows], labels=self.labels[rows])

    def about(self) -> dict[str, Any]:
        """What a model's card remembers of them, beside the pictures that it keeps."""
        return {"title": self.title, "classes": list(self.classes), "margin": self.margin, "photo": self.photo}

    def check(self, preset: Preset) -> None:
        """ValueError with one sentence where a preset cannot be trained on them."""
        count, shape = len(self.pictures), self.pictures.shape[1:]
        if count < FEWEST:
            raise ValueError(f"{count} picture{'s are' if count != 1 else ' is'} too few to learn from. "
                             f"Give at least {FEWEST}; a few hundred give a first impression.")
        if shape != preset.shape:
            raise ValueError(f"The pictures are {shape}, but the network takes {preset.shape}. "
                             "Read the pictures again at the size that was chosen.")
        if preset.labels and (not self.labeled or preset.labels != len(self.classes)):
            raise ValueError(NO_LABELS)


def aside(count: int, share: int) -> int:
    """How many of so many pictures are only shown: one in `share`, within bounds."""
    return min(MAX_TEST, max(LEAST_SHOWN, count // share))


NO_LABELS = ("A conditional VAE needs the class of every picture, and there are no labels here. "
             "Put the pictures of each class into a separate folder, and zip those folders.")


def shipped(dataset: str) -> Collection:
    """The shipped test pictures of a data set, where its training pictures are not here."""
    about = datasets.DATASETS[dataset]
    pictures, labels = datasets.samples(dataset)
    return Collection(convert.to_uint8(pictures), labels, f"{about.title}, the shipped pictures", about.classes,
                      about.margin, photo=False)


def drawing_files() -> list[Path]:
    """The files of Quick, Draw! categories below AE_DATA_DIR/quickdraw, by name."""
    found = {path.name: path for folder in reversed(datasets.folders()) for path in (folder / "quickdraw").glob("*.*")
             if path.suffix.lower() in quickdraw.SUFFIXES}
    return [found[name] for name in sorted(found)]


def drawn(file: str, report: Callable[[float], None] | None = None) -> Collection:
    """The first drawings of one of `drawing_files`, by its name. guard.Refused where it is not there, or not one."""
    paths = {path.name: path for path in drawing_files()}
    if file not in paths:
        raise guard.Refused(f"{file} is not among the drawings here. Put it into "
                            f"{datasets.folders()[0] / 'quickdraw'}.")
    skipped: list[str] = []
    pictures = quickdraw.load(paths[file], MOST, report, skipped)
    name = re.sub("^full_(numpy_bitmap|simplified|raw|binary)_", "", paths[file].stem)
    return Collection(pictures[..., None], np.zeros(len(pictures), int), f"{DRAWINGS}{file}",
                      (name.capitalize()[:40] or "Drawing",), margin=2, photo=False, notes=tuple(skipped))


def read(files: Sequence[tuple[str, bytes]], shape: tuple[int, int, int],
         report: Callable[[float], None] | None = None, seconds: float = math.inf) -> Collection:
    """A reader's pictures, (name, bytes) each or in zips, as squares of `shape`; a class is the folder it lies in.

    report(share), seconds: as in `collections.read`. ValueError with one sentence where there are too few or too many.
    """
    sizes = set()

    def fit(picture: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
        sizes.add(picture.shape[:2])
        return convert.square(picture, shape)
    found = collections.read(files, shape, report=report, fit=fit, seconds=seconds)
    notes = found.notes()
    if len(sizes) > 1:
        notes.append(f"The pictures have {len(sizes)} different sizes; the center square of each is scaled to "
                     f"{shape[0]} x {shape[1]}.")
    if not FEWEST <= len(found.names) <= MOST:
        raise ValueError(" ".join([f"{len(found.names):,} pictures could be read; {FEWEST} to {MOST:,} are needed.",
                                   *notes]))
    folders = collections.classes(found.names)
    unlabeled = folders.count(None)
    classes = sorted({folder for folder in folders if folder})
    if classes and unlabeled:
        notes.append(f"{unlabeled} pictures are not in a folder, so no classes are used.")
    labels = np.zeros(len(folders), int)
    if not unlabeled and 2 <= len(classes) <= 100:
        labels = np.array([classes.index(folder) for folder in folders if folder])
        classes = collections.short(classes)
    else:
        classes = ["Yours"]
    return Collection(found.pictures, labels, "Your own pictures", tuple(classes), notes=tuple(notes),
                      unread=found.unread)
