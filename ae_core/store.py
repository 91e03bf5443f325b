"""A weights folder on disk: what is in it, whether it is whole, and how it is replaced.

    weights/<preset>/preset.json                  the preset, its scores, and the sha256 of every other file
                     model.keras                  to train on
                     encoder.onnx decoder.onnx    to serve
                     latents.npz                  test-set codes and labels, where a page plots them
                     attributes.npz               directions of attributes and the gallery, of faces

It knows files and checksums only; neither Keras nor ONNX Runtime. Nothing here is ever unpickled.
"""
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ae_core.presets import Preset

ROOT = Path(__file__).resolve().parent.parent


class WeightsMissing(FileNotFoundError):
    """The preset has no trained weights here."""


class WeightsDamaged(ValueError):
    """A file of a weights folder is not the one that its preset.json describes."""


@dataclass(frozen=True)
class Stored:
    preset: Preset
    card: dict                   # preset.json: seed, epochs, scores, layers, versions, sha256 ...
    folder: Path

    def path(self, file):
        """The place of a file that the card describes; raises WeightsMissing where it describes none."""
        if file not in self.card["sha256"]:
            raise WeightsMissing(f"{self.preset.name} has no {file} here. "
                                 f"Write it with: python -m ae_core export {self.preset.name}")
        return self.folder / file


def root():
    """The folder of all weights: AE_WEIGHTS_DIR, else weights/ of this repository."""
    return Path(os.environ.get("AE_WEIGHTS_DIR") or ROOT / "weights")


def present(name):
    """Whether a preset has weights here (not yet whether they are whole)."""
    return (root() / name / "preset.json").is_file()


def read(name):
    """The stored model, every checksum compared.

    Raises WeightsMissing (with the command that trains it) or WeightsDamaged (with the file's name).
    """
    folder = root() / name
    if not present(name):
        raise WeightsMissing(f"{name} has no trained weights here. Train it with: python -m ae_core train {name}")
    try:
        card = json.loads((folder / "preset.json").read_text("utf-8"))
        preset = Preset.from_json(card["preset"])
        checksums = dict(card["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsDamaged(f"{name}/preset.json cannot be read ({error}). "
                             f"Fetch it again or run: python -m ae_core train {name}") from None
    for file, expected in checksums.items():
        path = folder / file
        if Path(file).name != file or not path.is_file() or sha256(path) != expected:
            command = "train" if file == "model.keras" else "export"
            raise WeightsDamaged(f"{name}/{file} is missing or differs from its checksum in preset.json. "
                                 f"Fetch it again or run: python -m ae_core {command} {name}")
    return Stored(preset, card, folder)


def write(preset, files, card):
    """Put a preset's files in place all at once, so that a reader sees the old folder or the new one.

    files: {name: path of a finished file}; card: what preset.json says beside the preset and the checksums.
    """
    root().mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{preset.name}-", dir=root()))
    try:
        for name, path in files.items():
            shutil.copyfile(path, fresh / name)
        card = {"preset": preset.to_json(), **card, "sha256": {name: sha256(fresh / name) for name in sorted(files)}}
        (fresh / "preset.json").write_text(json.dumps(card, indent=1) + "\n", "utf-8")
        fresh.chmod(0o755)
        _swap(fresh, root() / preset.name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return read(preset.name)


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _swap(fresh, folder):
    """A folder cannot be replaced in one step; the old one is moved aside first, so that it is never lost."""
    old = folder.with_name(f".{folder.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    try:
        fresh.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
