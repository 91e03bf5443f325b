"""The story of a training run: what the same few pictures and codes looked like after every epoch.

The trainer writes one small file an epoch; `read` puts those of a run together, `write` into one file, story.npz, that
stays with the trained model. Pictures here are uint8.
"""
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ae_core import files
from ae_core.pictures import sheets
from ae_core.presets import Preset

SHOWN = 12                       # pictures of the mosaic
DOTS = 1000                      # codes of the plane
COLUMNS = 3
MOST_FRAMES = 31                 # of a film: enough to follow, and small enough to send
FILE = "story.npz"


@dataclass(frozen=True)
class Story:
    given: np.ndarray            # uint8 (12, h, w, c) what the network is shown
    labels: np.ndarray           # uint8 (m,) of the codes
    epochs: np.ndarray           # (e,) epochs done; 0 is the untrained network
    rebuilt: np.ndarray          # uint8 (e, 12, h, w, c) what it makes of it
    codes: np.ndarray | None     # float16 (e, m, 2), None where a code has more than two numbers


def write_epoch(folder: Path, epoch: float, rebuilt: np.ndarray, codes: np.ndarray | None = None,
                **first: np.ndarray) -> None:
    """Add what an epoch looks like to a run's folder, all at once; `first` are the arrays that never change.

    A part of an epoch is one of its own, 0.25.
    """
    if first:
        _save(folder / "story_first.npz", first)
    name = f"{epoch:04}" if epoch == int(epoch) else f"{epoch:08.3f}"
    _save(folder / f"story_{name}.npz", {"rebuilt": rebuilt} | ({} if codes is None else {"codes": codes}))


def read_run(folder: Path, until: int, parts: bool = False) -> Story | None:
    """The story of a run up to an epoch, or None where nothing is written; `parts`: also of those of the next one."""
    found = sorted((float(path.stem.split("_")[1]), path) for path in Path(folder).glob("story_[0-9]*.npz"))
    epochs, paths = [epoch if parts else int(epoch) for epoch, _ in found], [path for _, path in found]
    chosen = [k for k, (epoch, _) in enumerate(found)
              if (epoch < until + 1 if parts else epoch <= until and epoch == int(epoch))]
    if not chosen or not (Path(folder) / "story_first.npz").is_file():
        return None
    looks = [_load(paths[k]) for k in chosen]
    codes = np.stack([look["codes"] for look in looks]) if "codes" in looks[0] else None
    return Story(**_load(Path(folder) / "story_first.npz"), epochs=np.array([epochs[k] for k in chosen]),
                 rebuilt=np.stack([look["rebuilt"] for look in looks]), codes=codes)


def write(story: Story, history: list[dict[str, float]], path: Path) -> Path:
    """A whole story and the history {metric: value} of every epoch, in one npz."""
    arrays = {key: value for key, value in vars(story).items() if value is not None}
    columns = sorted(set.intersection(*(set(row) for row in history)))
    np.savez_compressed(path, **arrays, history=np.array([[row[key] for key in columns] for row in history]),
                        columns=np.array(columns))
    return path


def read(path: Path) -> tuple[Story, list[dict[str, float]]]:
    """The story and the history that `write` put into a file."""
    arrays = _load(path)
    columns = [str(name) for name in arrays.pop("columns")]
    history = [dict(zip(columns, map(float, row), strict=True)) for row in arrays.pop("history")]
    return Story(**{"codes": None, **arrays}), history


def curves(history: list[dict[str, float]]) -> dict[str, dict[str, list[float]]]:
    """The loss of training and validation; of a VAE taken apart, as the two terms that it adds up.

    {chart: {line: [a value an epoch]}}
    """
    if not history or "kl" not in history[0]:
        return {"Loss": {name: [row[key] for row in history] for name, key in
                         (("Training", "loss"), ("Validation", "val_loss"))}}
    pairs = (("Training", "loss", "kl"), ("Validation", "val_loss", "val_kl"))
    return {"Reconstruction": {name: [row[loss] - row[kl] for row in history] for name, loss, kl in pairs},
            "KL divergence": {name: [row[kl] for row in history] for name, _, kl in pairs}}


def frames(story: Story, palette: Sequence[str], most: int = MOST_FRAMES) -> np.ndarray:
    """One picture an epoch: given, rebuilt, and beside them the plane of codes in class colors: uint8 (e, h, w, 3).

    palette: "#rrggbb" of each class; most: of more epochs than so many, some are left out, `shown_epochs` says which.
    """
    chosen = shown_epochs(story, most)
    story = replace(story, rebuilt=story.rebuilt[chosen], codes=None if story.codes is None else story.codes[chosen])
    scale = max(1, 64 // story.given.shape[1])
    given = sheets.label(sheets.tile(story.given / np.float32(255), COLUMNS, scale=scale), "Input")
    gap = np.full((len(given), 6, 3), 255, np.uint8)
    mosaics = [np.concatenate([given, gap, sheets.label(sheets.tile(rebuilt / np.float32(255), COLUMNS, scale=scale),
                                                        "Output"), gap], axis=1) for rebuilt in story.rebuilt]
    if story.codes is None:
        return np.stack(mosaics)
    colors = np.array([[int(color[k:k + 2], 16) for k in (1, 3, 5)] for color in palette], np.uint8)
    height, dots = mosaics[0].shape[0], colors[story.labels % len(colors)]
    planes = [plane(codes, dots, reach(story.codes), height) for codes in story.codes]
    return np.stack([np.concatenate(pair, axis=1) for pair in zip(mosaics, planes, strict=True)])


def pair(one: Story, other: Story, palette: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Two stories as one: frames as of `frames`, one above the other, and the epochs (e,) after which they are.

    A story that is shorter stays at its end.
    """
    epochs = np.union1d(one.epochs, other.epochs)
    epochs = epochs[np.unique(np.linspace(0, len(epochs) - 1, min(MOST_FRAMES, len(epochs))).round().astype(int))]
    films = []
    for each in (one, other):
        rows = np.searchsorted(each.epochs, epochs, side="right") - 1
        codes = None if each.codes is None else each.codes[rows]
        films.append(frames(replace(each, epochs=epochs, rebuilt=each.rebuilt[rows], codes=codes), palette))
    width = max(film.shape[2] for film in films)
    films = [np.pad(film, ((0, 0), (0, 8), (0, width - film.shape[2]), (0, 0)), constant_values=255) for film in films]
    return np.concatenate(films, axis=1), epochs


def reach(codes: np.ndarray) -> float:
    """How far from 0 the drawn plane of codes (e, m, 2) reaches: as far as nearly all of the last epoch."""
    return float(np.ceil(np.percentile(np.abs(codes[-1].astype(np.float32)), 99))) or 1.0


def shown_epochs(story: Story, most: int = MOST_FRAMES) -> np.ndarray:
    """Which rows of a story are drawn: all, or `most` of them evenly, the last one always."""
    return np.unique(np.linspace(len(story.epochs) - 1, 0, min(most, len(story.epochs))).round().astype(int))


def blank(preset: Preset) -> Story:
    """A story of one gray frame, the size of the real ones: what stands in their place before the first is there."""
    gray = np.full((SHOWN, *preset.shape), 64, np.uint8)
    return Story(gray, np.zeros(1, np.uint8), np.zeros(1, int), gray[None],
                 np.zeros((1, 1, 2), np.float16) if preset.code == 2 else None)


def plane(codes: np.ndarray, colors: np.ndarray, reach: float, side: int) -> np.ndarray:
    """Codes (m, 2) as dots of their colors (m, 3) on a square of `side` pixels that holds -reach..reach, 0 marked."""
    canvas = np.full((side, side, 3), 255, np.uint8)
    middle = side // 2
    canvas[middle], canvas[:, middle] = 220, 220
    places = np.clip((codes.astype(np.float32) / reach * [1, -1] + 1) / 2 * side, -99, side + 99).round().astype(int)
    for place, color in zip(places, colors, strict=True):
        cv2.circle(canvas, tuple(map(int, place)), 3, tuple(map(int, color)), cv2.FILLED, cv2.LINE_AA)
    return canvas


def _save(path, arrays):
    with files.replacing(path) as partial:
        np.savez_compressed(partial, **arrays)


def _load(path):
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)
