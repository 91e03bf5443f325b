"""A weights folder on disk: what is in it, whether it is whole, and how it is replaced.

    weights/<preset>/preset.json                  the preset, its scores, and the sha256 of every other file
                     model.keras                  to train on
                     encoder.onnx decoder.onnx    to serve
                     latents.npz                  test-set codes and labels, where a page plots them
                     attributes.npz               directions of attributes and the gallery, of faces

A reader's own models lie the same way under AE_MODELS_DIR. Their names, and only theirs, begin with "own_", so that
none can ever stand in for a shipped one. Their cards say whose they are: `owner` is the hash of a visitor's secret, and
`shared` whether others see it. Without an owner a model is everybody's; to whoever sits at this machine (visitor None:
the command line, a script) all are visible.

It knows files and checksums only; neither Keras nor ONNX Runtime. Nothing here is ever unpickled.
"""
import contextlib
import hashlib
import itertools
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ae_core import files, guard, presets
from ae_core.presets import Preset

ROOT = Path(__file__).resolve().parent.parent
OWN = "own_"
OWN_NAME = re.compile(r"own_[a-z0-9_]{1,40}")
ACCESS = ("owner", "shared")     # what a card says of whose a model is; it never leaves the store
SWAP_SECONDS = 10.0              # after which whoever replaces a folder is dead
PATIENCE = 30.0                  # seconds in which whoever else changes the own models will have finished


class WeightsMissing(FileNotFoundError):
    """The preset has no trained weights here."""


class WeightsDamaged(ValueError):
    """A file of a weights folder is not the one that its preset.json describes."""


@dataclass(frozen=True)
class Stored:
    preset: Preset
    card: dict                   # preset.json: seed, epochs, scores, layers, versions, sha256 ...
    folder: Path

    def path(self, file: str) -> Path:
        """The place of a file that the card describes; raises WeightsMissing where it describes none."""
        if file not in self.card["sha256"]:
            raise WeightsMissing(f"{self.preset.name} has no {file} here. {_advice(self.preset.name, 'export')}")
        return self.folder / file


def place(variable: str, default: str | Path) -> Path:
    """The folder that a variable of the environment names, else the default one, absolute."""
    return absolute(os.environ.get(variable) or default)


def absolute(path: str | Path) -> Path:
    """A path, absolute; `~` is the reader's home, or this repository for an account without one, as in containers."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:
        return ROOT.joinpath(*Path(path).parts[1:])


def root() -> Path:
    """The folder of all weights: AE_WEIGHTS_DIR, else weights/ of this repository."""
    return place("AE_WEIGHTS_DIR", ROOT / "weights")


def own_root() -> Path:
    """The folder of a reader's own models: AE_MODELS_DIR, else ~/.autoencoder-lab."""
    return place("AE_MODELS_DIR", "~/.autoencoder-lab")


def runs_root() -> Path:
    """The folder of unfinished runs: AE_RUNS_DIR, else .runs/ of this repository."""
    return place("AE_RUNS_DIR", ROOT / ".runs")


def runs_folder(name: str) -> Path:
    """Where the run of a preset keeps its state."""
    return runs_root() / name


def lock_of(folder: Path) -> Path:
    """The lock of whoever trains in a run's folder, beside it."""
    return folder.with_name(f"{folder.name}.lock")


def in_training(folder: Path) -> ValueError:
    """What is said to a second trainer of a run's folder."""
    return ValueError(f"Another process is training {folder.name} in {folder}. Wait until it has ended, or set "
                      "AE_RUNS_DIR to another folder.")


PLACES = {"AE_MODELS_DIR": own_root, "AE_WEIGHTS_DIR": root, "AE_RUNS_DIR": runs_root}


def environment() -> dict[str, str]:
    """The environment for a process of our own that is started elsewhere: its folders are those of this one."""
    names = [name for name in (*PLACES, "AE_DATA_DIR") if os.environ.get(name)]
    return os.environ | {name: str(place(name, "")) for name in names}


def refusal(error: OSError, place: Path | None = None) -> str:
    """One sentence on what the system refuses: which file (else in which `place`), why, and which variable moves it."""
    if not error.strerror or not (error.filename or place):
        return str(error)                        # a sentence already
    path = Path(error.filename or place or "").absolute()
    for variable, folder in PLACES.items():
        if path.is_relative_to(folder()) or folder().is_relative_to(path):
            return (f"{path} cannot be written or read ({error.strerror}). Free some disk space or allow it, or set "
                    f"{variable} to another folder.")
    return f"{path} cannot be written or read ({error.strerror}). Check its name, and whether you may."


def folder_of(name: str) -> Path:
    """Where a model's files belong, whether or not they are there."""
    return (own_root() if OWN_NAME.fullmatch(name) else root()) / name


def present(name: str) -> bool:
    """Whether a preset has weights here (not yet whether they are whole)."""
    folder = folder_of(name)
    return (folder / "preset.json").is_file() or _put_back(folder)


def _own() -> Iterator[tuple[str, float, Preset, dict[str, Any]]]:
    """(name, when made, preset, card) of each own model; what is unreadable or has just been removed is left out."""
    for folder in own_root().glob(f"{OWN}*"):
        with contextlib.suppress(WeightsDamaged, OSError):
            yield folder.name, (folder / "preset.json").stat().st_mtime, *_card(folder)


def damaged() -> list[str]:
    """A sentence for each own model whose card cannot be read; `own` leaves it out."""
    sentences = []
    for path in own_root().glob(f"{OWN}*/preset.json"):
        try:
            _card(path.parent)
        except WeightsDamaged as error:
            sentences.append(str(error))
    return sentences


def own(visitor: str | None = None) -> dict[str, Preset]:
    """{name: preset} of the own models that a visitor sees: the visitor's first, then the others, the newest first."""
    seen = [(visitor is not None and card.get("owner") != visitor, -made, name, preset)
            for name, made, preset, card in _own() if visible(card, visitor)]
    return {name: preset for *_, name, preset in sorted(seen, key=lambda entry: entry[:2])}


def owners() -> list[str | None]:
    """Whose the own models are, one entry a model."""
    return [card.get("owner") for *_, card in _own()]


def visible(card: Mapping[str, Any], visitor: str | None) -> bool:
    """Whether a visitor sees what has this card, or a run what has this request."""
    return visitor is None or card.get("owner") in (None, visitor) or card.get("shared") is True


def belongs(card: Mapping[str, Any], visitor: str | None) -> bool:
    """Whether a visitor may change and delete what has this card."""
    return visitor is None or card.get("owner") in (None, visitor)


def size() -> int:
    """Bytes of all own models and runs."""
    total = 0
    for path in own_root().rglob("*"):
        with contextlib.suppress(OSError):       # it has just gone
            total += path.lstat().st_size
    return total


def offered(visitor: str | None = None) -> dict[str, Preset]:
    """{name: preset} of every model that a visitor sees: the shipped ones, then own ones."""
    return presets.PRESETS | own(visitor)


def preset(name: str) -> Preset:
    """The preset called `name`, shipped or own; KeyError with the good names where there is none."""
    if OWN_NAME.fullmatch(name):
        with contextlib.suppress(WeightsDamaged):
            return _card(folder_of(name))[0]
    return presets.get(name)


def reserve(title: str) -> str:
    """A free name for an own model of this title: "Boots, 2nd try" -> own_boots_2nd_try.

    Its empty folder is made here and now, so that a model that is trained for hours still has its name at the end.
    """
    words = re.sub("[^a-z0-9]+", "_", title.lower()).strip("_")[:30].strip("_") or "model"
    return files.reserve(own_root() / f"{OWN}{words}{f'_{k}' * (k > 1)}" for k in itertools.count(1)).name


def release(name: str) -> None:
    """Give back a reserved name that no model came to have."""
    with contextlib.suppress(OSError):           # a model lies there
        folder_of(name).rmdir()


def free_title(title: str, taken: Iterable[str] = (), visitor: str | None = None) -> str:
    """The title; with a number where a model that the visitor sees or one of `taken` has it: "Boots" -> "Boots 2"."""
    used = {*taken, *(other.title for other in offered(visitor).values())}
    return next(free for k in itertools.count(1) if (free := f"{title} {k}" if k > 1 else title) not in used)


def read(name: str, only: str | None = None) -> Stored:
    """The stored model, every checksum compared; or that of one file alone, which must be there.

    Raises WeightsMissing (with the command that trains it) or WeightsDamaged (with the file's name).
    """
    preset, card = _card(_present(name))
    for file in [only] if only else card["sha256"]:
        path = folder_of(name) / file
        if Path(file).name != file or not path.is_file() or sha256(path) != card["sha256"].get(file):
            command = "train" if file == "model.keras" else "export"
            raise WeightsDamaged(f"{name}/{file} is missing or differs from its checksum in preset.json. "
                                 + _advice(name, command))
    return Stored(preset, card, folder_of(name))


def card(name: str) -> dict[str, Any]:
    """What preset.json says of a model, its files not looked at; WeightsMissing or WeightsDamaged."""
    return _card(_present(name))[1]


def _advice(name: str, command: str) -> str:
    """What to do about a model whose files are not as they should be; the commands know the shipped ones alone."""
    if OWN_NAME.fullmatch(name):
        return "Load its zip again on the Train page, or train it anew there."
    return f"Fetch it again or run: python -m ae_core {command} {name}"


def _present(name: str) -> Path:
    if not present(name):
        raise WeightsMissing(f"{name} has no trained weights here. {_advice(name, 'train')}")
    return folder_of(name)


def _card(folder: Path) -> tuple[Preset, dict[str, Any]]:
    """The preset and the card in a folder; WeightsDamaged where they cannot be read.

    The title and the sentences of a shipped model are the registry's, whatever its card said when it was trained.
    """
    name = folder.name
    try:
        card = json.loads(files.read_text(folder / "preset.json"))
        preset = Preset.from_json(card["preset"])
        for field in ("title", "description", "recipe", "departures"):
            guard.text(getattr(preset, field), 2000, f"Its {field}")
        card |= {key: dict(card[key]) for key in ("training", "layers", "data") if key in card}
        card["sha256"] = dict(card["sha256"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsDamaged(f"{name}/preset.json cannot be read ({error}). {_advice(name, 'train')}") from None
    registered = presets.PRESETS.get(preset.name)
    if registered:
        preset = replace(preset, title=registered.title, description=registered.description, recipe=registered.recipe,
                         departures=registered.departures)
    return preset, card


def write(preset: Preset, contents: Mapping[str, Path], card: dict[str, Any]) -> Stored:
    """Put a preset's files in place all at once, so that a reader sees the old folder or the new one.

    contents: {name: path of a finished file}; card: what preset.json says beside the preset and the checksums.
    """
    folder = folder_of(preset.name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{preset.name}-", dir=folder.parent))
    try:
        for name, path in contents.items():
            shutil.copyfile(path, fresh / name)
        card = {"preset": preset.to_json(), **card, "sha256": {name: sha256(fresh / name) for name in sorted(contents)}}
        (fresh / "preset.json").write_text(json.dumps(card, indent=1) + "\n", "utf-8")
        for path in fresh.iterdir():
            files.flush(path)
        fresh.chmod(0o755)
        _swap(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return read(preset.name)


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for a moment; guard.Refused where the system refuses what is written there, as on a full disk."""
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    except OSError as error:
        if error.strerror is None:
            raise                                # a model that is missing, in its own words
        raise guard.Refused(f"The server cannot put the file down to look at it ({error.strerror}). "
                            "Ask whoever runs it for room in its folder of temporary files.") from None


@contextlib.contextmanager
def changing(patience: float = PATIENCE) -> Iterator[None]:
    """Held by whoever adds, shares or removes own models and runs, or clears away: one at a time, on all servers.

    guard.Refused where others hold it for longer than `patience` seconds, or the system refuses what is done there.
    """
    try:
        own_root().mkdir(parents=True, exist_ok=True)
        with files.lock(own_root() / ".lock", patience) as mine:
            if not mine:
                raise guard.Refused("Somebody else is just adding a model. Try again in a moment.")
            yield
    except OSError as error:
        if error.strerror is None:
            raise                                # a model that is missing, in its own words
        raise guard.Refused(refusal(error, own_root())) from None


def share(name: str, shared: bool, visitor: str | None = None) -> None:
    """Show an own model to all visitors, or to its owner alone; nothing where it is gone or not the visitor's."""
    with changing(), contextlib.suppress(WeightsMissing, WeightsDamaged):
        said, path = card(name), folder_of(name) / "preset.json"
        if OWN_NAME.fullmatch(name) and belongs(said, visitor):
            made = path.stat()
            files.write_json(path, said | {"shared": shared})
            os.utime(path, ns=(made.st_atime_ns, made.st_mtime_ns))      # it is as old as before


def remove(name: str, visitor: str | None = None) -> None:
    """Delete an own model; nothing where it is gone or not the visitor's. KeyError where it can be none."""
    if not OWN_NAME.fullmatch(name):
        raise KeyError(f"There is no own model called {name!r}. Own models are in {own_root()}.")
    with changing(), contextlib.suppress(WeightsMissing, WeightsDamaged):
        if belongs(card(name), visitor):
            files.remove(folder_of(name))


def tidy() -> None:
    """Clear away what a killed process left half done among the own models; only the one trainer calls it.

    No page writes there meanwhile, and the trainer has not begun.
    """
    with changing():
        for old in own_root().glob(f".{OWN}*-old"):
            recover(old.name[1:].removesuffix("-old"))
        for left in own_root().glob(f".{OWN}*-*"):
            shutil.rmtree(left, ignore_errors=True)


def recover(name: str) -> None:
    """Put back the files of a model that a process which was killed while it replaced them had moved aside."""
    folder = folder_of(name)
    if _aside(folder).exists() and not folder.exists():
        files.rename(_aside(folder), folder)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}-old")


def _put_back(folder: Path) -> bool:
    """`recover`, by a reader: only what lies aside for longer than a writer needs, for then that one is dead."""
    try:
        if time.time() - _aside(folder).stat().st_ctime < SWAP_SECONDS:
            return False
        recover(folder.name)
    except OSError:                              # nothing lies aside, or another reader was faster
        return False
    return (folder / "preset.json").is_file()


def _swap(fresh: Path, folder: Path) -> None:
    """A folder cannot be replaced in one step; the old one is moved aside first, so that it is never lost."""
    recover(folder.name)
    shutil.rmtree(_aside(folder), ignore_errors=True)
    try:
        if folder.exists():
            files.rename(folder, _aside(folder))
        files.rename(fresh, folder)
    except BaseException:
        recover(folder.name)
        raise
    files.settle(folder.parent)
    shutil.rmtree(_aside(folder), ignore_errors=True)
