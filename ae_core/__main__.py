"""The command line: python -m ae_core COMMAND; --help lists the commands.

Results go to standard output, everything else to standard error. A wrong name, missing data or damaged weights end
with one line and exit status 1.
"""
import argparse
import dataclasses
import glob
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ae_core import attributes, browser, files, guard, model, presets, store
from ae_core.features import colorize, denoise, faces, latent_map, outliers, published_colorizer, reconstruct, search
from ae_core.own import jobs
from ae_core.pictures import datasets, download, quickdraw, reader, sheets

Arguments = argparse.Namespace
LIVE = store.ROOT / "pages" / "shared" / "live"  # the live components
SEARCHES = 2000                  # test pictures that are searched for in an evaluation
ON_A_SHEET = 96                  # photographs; of more there are several sheets, so that one fits into the memory
MADE = re.compile(r"(.+)_color(_\d+)?")         # what a colorized file is called
ON_ITS_PAGE: dict[str, Callable[..., dict]] = {      # preset -> what the page that is made of it measures besides
    faces.PRESET: faces.evaluate, faces.SHARP: faces.evaluate,
    outliers.PUBLISHED: lambda served, *_: outliers.evaluate(outliers.models(), *datasets.whole(served.preset.dataset)),
    search.PRESET: lambda served, pictures, labels: search.evaluate(served, *_searched(served.preset),
                                                                    pictures[:SEARCHES], labels[:SEARCHES])}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except KeyboardInterrupt:
        return _fail("Stopped." + (_resumable(arguments.name) if arguments.run is train else ""))
    except (KeyError, ValueError, OSError) as error:
        return _fail(error.args[0] if isinstance(error, KeyError) and error.args else
                     store.refusal(error) if isinstance(error, OSError) else error)


# --- the commands --------------------------------------------------------------------------------------------

def list_presets(arguments: Arguments) -> None:
    """List every preset and whether its weights are here."""
    if arguments.markdown:
        print(markdown(), end="")
        return
    for preset in presets.PRESETS.values():
        row = {"name": preset.name, "title": preset.title, "code": preset.code, "recipe": preset.recipe,
               "weights": store.present(preset.name)}
        mark = "yes" if row["weights"] else "no "
        print(json.dumps(row) if arguments.json else f"{mark}  {preset.name:26}{preset.title:32}{preset.recipe}")


def train(arguments: Arguments) -> None:
    """Train a preset and put it into the store; Ctrl-C keeps the best epoch so far."""
    preset = presets.get(arguments.name)
    if arguments.resume and arguments.restart:
        raise ValueError("--resume goes on with an interrupted run, and --restart gives it up; use one of them.")
    if arguments.resume and (arguments.batch_size or arguments.schedule or arguments.precision
                             or arguments.seed is not None):
        raise ValueError("A resumed run keeps its own seed, batch size, schedule and precision; "
                         "leave those options out.")
    if not arguments.strategy and files.locked(store.lock_of(folder := store.runs_folder(preset.name))):
        raise store.in_training(folder)                             # clear sentences before TensorFlow's slow start
    datasets.load(preset.dataset, "test", preset.target)
    _quiet_tensorflow()
    from ae_core.training import distribution, fit

    strategy = distribution.begin(arguments.strategy) if arguments.strategy else None
    preset = dataclasses.replace(preset, batch_size=arguments.batch_size or preset.batch_size,
                                 schedule=arguments.schedule or preset.schedule)
    stored, replaced = fit.train(preset, arguments.epochs, arguments.seed or 0, arguments.resume,
                                 arguments.replace, arguments.precision, strategy, arguments.restart)
    if stored is None:
        return
    training = stored.card["training"]
    if replaced:
        print(f"Saved in {stored.folder}." + _resumable(preset.name))
    elif fit.measured_on(stored, fit.training_set(preset)[0]):
        print(f"The weights in {stored.folder} have a lower validation loss ({training['val_loss']:.6g}) and stay. "
              "Use --replace to replace them.")
    else:
        print(f"The weights in {stored.folder} were scored on other pictures than those that are here, so their loss "
              "cannot be compared, and they stay. Use --replace to replace them.")


def _resumable(name: str) -> str:
    """A sentence on the run of a preset that can go on; none where there is nothing to resume."""
    run = files.read_json(store.runs_folder(name) / "state.json")
    if not run.get("history") or run.get("ended"):
        return ""
    return (f" {len(run['history'])} of {run['epochs']} epochs are trained; go on with: "
            f"python -m ae_core train {name} --resume")


def work(arguments: Arguments) -> None:
    """Train what the Train page has queued, one run at a time; the page starts this itself."""
    with jobs.lock(jobs.LOCK_SECONDS) as mine:
        if mine:
            _quiet_tensorflow()
            from ae_core.own import worker

            worker.work(arguments.idle)


def evaluate(arguments: Arguments) -> None:
    """Measure a preset on the test pictures."""
    if not (arguments.all or arguments.name):
        raise ValueError("Name a preset to evaluate, or use --all.")
    for name in presets.PRESETS if arguments.all else [presets.get(arguments.name).name]:
        try:
            row = _measure(name, arguments.limit)
        except datasets.DataMissing as error:
            if not arguments.all:
                raise
            print(f"{name} is left out. {error}", file=sys.stderr)
            continue
        print(json.dumps(row) if arguments.json else
              "\n".join(f"{key:24}{value}" for key, value in row.items()) + "\n", flush=True)


def export(arguments: Arguments) -> None:
    """Rewrite a preset's ONNX files and codes from its model.keras."""
    name = presets.get(arguments.name).name
    store.card(name)                                                # a clear sentence before TensorFlow's slow start
    _quiet_tensorflow()
    from ae_core.training import package

    print(f"Saved in {package.export_again(name).folder}.")


def colorize_files(arguments: Arguments) -> int:
    """Colorize photos, folders or patterns of them at full size; what cannot be done is told, the rest is done."""
    served: Any = model.load(colorize.PRESET)
    folder = Path(arguments.to)
    folder.mkdir(parents=True, exist_ok=True)
    photos, empty = _photos(arguments.files)
    for sentence in empty:
        print(sentence, file=sys.stderr)
    failed, taken, columns = len(empty), set[str](), []
    for file in photos:
        try:
            photo = reader.photo(file.read_bytes(), str(file))
            target = _target(folder, colorize.file_name(file.name, arguments.kind), taken, arguments.replace)
            done = colorize.colorize(served, photo.pixels)
            files.write(target, sheets.to_photo(done.picture, arguments.kind, photo.kept))
        except (ValueError, OSError) as error:
            failed += 1
            print(store.refusal(error) if isinstance(error, OSError) else error, file=sys.stderr)
            continue
        print(target)
        if photo.note:
            print(f"{file}: {photo.note}", file=sys.stderr)
        if arguments.sheet:
            columns.append(colorize.column(done, photo.pixels))
            if len(columns) == ON_A_SHEET:
                _write_sheet(folder, columns, taken, arguments.replace)
                columns.clear()
    if columns:
        _write_sheet(folder, columns, taken, arguments.replace)
    return 1 if failed else 0


def _write_sheet(folder: Path, columns: Sequence[np.ndarray], taken: set[str], replace: bool) -> None:
    target = _target(folder, "sheet.png", taken, replace)
    files.write(target, sheets.to_png(colorize.sheet(columns)))
    print(target)


def page(arguments: Arguments) -> None:
    """Write a model as one HTML file that needs no server and no network."""
    stored = browser.check(store.read(arguments.name))
    preset, served, label = stored.preset, model.Autoencoder(stored), 0 if stored.preset.labels else None
    if preset.name == faces.PRESET:
        known = attributes.load(preset.name)
        contents = faces.take_along(served, latent_map.stored_codes(preset.name).mean[known.gallery[0]],
                                    known.of(faces.USUAL), faces.USUAL, [0.0] * len(faces.USUAL))
    elif preset.mapped:
        codes = latent_map.stored_codes(preset.name)
        contents = latent_map.take_along(served, codes, latent_map.pictures_of(served, codes), label)
    else:
        contents = reconstruct.take_along(served, label)
    path = Path(arguments.to or f"{preset.name}.html")
    files.write(path, browser.page(stored, LIVE, contents).encode())
    print(path)


def index(arguments: Arguments) -> None:
    """Build the search index of a preset's data set, next to its weights."""
    served: Any = model.load(presets.get(arguments.name).name)
    split = arguments.split or ("train" if datasets.find(served.preset.dataset) else "test")
    pictures, _ = datasets.load(served.preset.dataset, split, served.preset.shape)
    path = search.path_of(served, split, arguments.by)
    search.build(served, pictures, arguments.by).save(path)
    print(f"{len(pictures):,} pictures indexed in {path}, {path.stat().st_size / 2**20:.1f} MB.")


def sketches(arguments: Arguments) -> None:
    """Convert a Quick, Draw! file (.bin, .ndjson or .npy) to 32x32 bitmaps in one .npy file."""
    from tqdm import tqdm

    skipped: list[str] = []
    with tqdm(total=1.0, unit="file", bar_format="{l_bar}{bar}| {elapsed}<{remaining}") as bar:
        bitmaps = quickdraw.load(arguments.file, arguments.limit, lambda share: bar.update(share - bar.n), skipped)
    for sentence in skipped:
        print(sentence, file=sys.stderr)
    np.save(arguments.to, bitmaps)
    print(f"{len(bitmaps):,} drawings in {arguments.to}.")


def show_data(arguments: Arguments) -> None:
    """List the data sets found here, and what is shipped where one is missing."""
    if arguments.download:
        print(download.fetch(arguments.download))
        return
    print("Looked for in: " + ", ".join(map(str, datasets.folders())))
    width = max(len(dataset.title) for dataset in datasets.DATASETS.values()) + 2
    for name, dataset in datasets.DATASETS.items():
        shipped = f"; {dataset.sample_size:,} of its test pictures are in samples/" if dataset.sample else ""
        print(f"{name:16}{dataset.title:{width}}{datasets.find(name) or f'not here{shipped}'}")


# --- their options -------------------------------------------------------------------------------------------

def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is no whole number from {least} on")
        return int(text)
    return number


FLAG, COUNT = {"action": "store_true"}, {"type": _at_least(1), "metavar": "N"}
COMMANDS: dict[str, tuple[Callable[[Arguments], int | None], dict[str, dict[str, Any]]]] = {
    "list": (list_presets, {
        "--json": FLAG | {"help": "one JSON object per line"},
        "--markdown": FLAG | {"help": "the table of weights/README.md"}}),
    "train": (train, {
        "name": {}, "--epochs": COUNT, "--batch-size": COUNT, "--seed": {"type": _at_least(0), "metavar": "N"},
        "--schedule": {"choices": ("cosine", "plateau"), "help": "how the learning rate falls"},
        "--precision": {"choices": ("float32", "mixed_bfloat16"),
                        "help": "of the arithmetic; by default the one that this processor is fastest in"},
        "--resume": FLAG | {"help": "continue from the last epoch of a stopped run"},
        "--restart": FLAG | {"help": "give up an interrupted run and begin anew"},
        "--strategy": {"choices": ("mirrored", "multiworker"),
                       "help": "split each batch among devices, or among the workers that TF_CONFIG names"},
        "--replace": FLAG | {"help": "replace the weights in the store even if they are better"}}),
    "work": (work, {"--idle": {"type": float, "default": 0.0, "metavar": "SECONDS",
                               "help": "stay so long when nothing is left to train, ready for the next run"}}),
    "evaluate": (evaluate, {
        "name": {"nargs": "?"}, "--all": FLAG,
        "--limit": COUNT | {"help": "only the first N test pictures"},
        "--json": FLAG | {"help": "one JSON object per line"}}),
    "export": (export, {"name": {}}),
    "colorize": (colorize_files, {
        "files": {"nargs": "+", "metavar": "FILE", "help": "or a folder, or a pattern in quotation marks"},
        "--to": {"default": ".", "metavar": "FOLDER"},
        "--kind": {"choices": sheets.PHOTO_KINDS, "default": "JPEG"},
        "--sheet": FLAG | {"help": "also one picture of all: gray, colorized, original"},
        "--replace": FLAG | {"help": "overwrite files of the same names"}}),
    "page": (page, {"name": {}, "--to": {"metavar": "FILE"}}),
    "index": (index, {
        "name": {},
        "--split": {"choices": ("train", "test"), "help": "by default the training pictures, if they are here"},
        "--by": {"choices": (search.ANGLE, search.STRAIGHT), "default": search.ANGLE,
                 "help": "compare codes by the angle of their whitened directions, or straight, as published"}}),
    "sketches": (sketches, {
        "file": {}, "--to": {"default": "sketches.npy", "metavar": "FILE"},
        "--limit": COUNT | {"default": 100_000, "help": "only the first N drawings"}}),
    "data": (show_data, {"--download": {"metavar": "NAME", "help": "fetch the official files of a data set"}}),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m ae_core", description="Autoencoder Lab at the command line.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (run, options) in COMMANDS.items():
        command = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        command.set_defaults(run=run)
        for option, settings in options.items():
            command.add_argument(option, **settings)
    return parser


# --- what they share -----------------------------------------------------------------------------------------

def markdown() -> str:
    """weights/README.md: what each folder holds, and the scores its card remembers."""
    rows = []
    for preset in presets.PRESETS.values():
        card = store.read(preset.name).card
        size = sum((store.root() / preset.name / file).stat().st_size for file in card["sha256"]) / 2**20
        loss = card["training"].get("val_loss")
        epochs = card["training"]["epochs"] or "closed form"
        rows.append(f"| `{preset.name}` | {preset.description} | {preset.code} | {epochs} "
                    f"| {'–' if loss is None else f'{loss:.5g}'} | {size:.1f} | {preset.recipe} |")
    departs = [f"- `{preset.name}`: {preset.departures}" for preset in presets.PRESETS.values() if preset.departures]
    return "\n".join([WEIGHTS_README, *rows, DEPARTURES, *departs]) + "\n"


WEIGHTS_README = """# Trained weights

One folder per preset, written by `python -m ae_core train NAME`: `preset.json` (the preset, the run, and the sha256 of
every other file), `model.keras` (to train on), `encoder.onnx` and `decoder.onnx` (to serve) and, for models with a
latent map, `latents.npz` (codes and labels of the test pictures); for faces, `attributes.npz` (directions of 40
attributes, and which codes are the gallery). There is no pickle, and no picture of a data set but for a
dozen of those in `samples/`. `figures/` holds what the pages show to everyone, measured once by
`python -m pages.shared.figures`: test errors, curves, and the pictures on Home.

**Half precision.** Weights are rounded to float16 on disk, in all three files alike, and widened to float32 on loading:
a `Cast` node in the ONNX files, which ONNX Runtime folds away, and float16 arrays in the Keras file, which Keras widens
when it assigns them. The arithmetic stays float32. It halves the files and changes the test error by less than one part
in ten thousand (measured on `fashion_dense`, `fashion_conv` and `digits_stacked`); `tests/test_weights.py` checks
that the Keras and the ONNX files of every preset give the same pictures.

This table is generated: `python -m ae_core list --markdown > weights/README.md`. The loss is the preset's own (for a
VAE with its KL term), on 2,000 held-out training pictures; scores on the test pictures come from
`python -m ae_core evaluate --all`.

| folder | what it is | numbers | epochs | loss | MB | recipe |
|---|---|---|---|---|---|---|"""


DEPARTURES = f"""
## How the models depart from their recipes

{presets.EVERYWHERE} Beside that, those that are not on this list are as printed.
"""


def _photos(given: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The files that are given, or lie in folders or fit patterns that are, each once; and what held none.

    In folders and patterns, hidden files and what was made of others there are passed over.
    """
    found, empty = [], []
    for text in given:
        path = Path(text)
        if path.is_dir():
            some = [each for each in sorted(path.rglob("*")) if each.suffix.lower() in reader.SUFFIXES
                    and not any(map(guard.is_hidden, each.relative_to(path).parts))]
        elif not path.exists() and glob.has_magic(text):
            some = [Path(each) for each in sorted(glob.glob(text, recursive=True)) if Path(each).is_file()]
        else:
            found.append(path)
            continue
        stems = {each.stem for each in some}
        found += [each for each in some if not ((made := MADE.fullmatch(each.stem)) and made[1] in stems)]
        if not some:
            empty.append(f"There is no photo in {text}.")
    return list({each.resolve(): each for each in found}.values()), empty


def _target(folder: Path, name: str, taken: set[str], replace: bool) -> Path:
    """A place for a file that no other of this run has; ValueError where one of another run stands there."""
    stem, suffix = os.path.splitext(name)
    number, free = 1, name
    while free.lower() in taken:                 # some disks do not tell capitals apart
        number += 1
        free = f"{stem}_{number}{suffix}"
    taken.add(free.lower())
    if (folder / free).exists() and not replace:
        raise ValueError(f"{folder / free} is there already and is kept. Use --replace to overwrite it, "
                         "or another folder with --to.")
    return folder / free


def _measure(name: str, limit: int | None) -> dict[str, Any]:
    """The scores of a preset on the first `limit` test pictures."""
    served: Any = model.load(name)
    preset = served.preset
    pictures, labels = datasets.load(preset.dataset, "test", preset.training_shape)
    pictures, labels = np.asarray(pictures[:limit]), labels[:limit]
    row: dict[str, Any] = {"preset": name}
    if preset.output:
        colorizer = colorize if isinstance(served, model.Colorizer) else published_colorizer
        return row | colorizer.evaluate(served, pictures)
    baseline = reconstruct.baseline(preset)
    pca: Any = model.load(baseline) if baseline else None
    row |= reconstruct.evaluate(served, pca, pictures, labels)
    if preset.corruption:
        row |= denoise.evaluate(served, pictures)
    if preset.variational:
        row |= latent_map.evaluate(served, pictures, labels)
    return row | (ON_ITS_PAGE[name](served, pictures, labels) if name in ON_ITS_PAGE else {})


def _searched(preset: presets.Preset) -> tuple[np.ndarray, np.ndarray]:
    """The training pictures and labels; where those are not here, the test pictures that are not searched for."""
    if datasets.find(preset.dataset):
        return datasets.load(preset.dataset, "train", preset.shape)
    pictures, labels = datasets.load(preset.dataset, "test", preset.shape)
    return pictures[SEARCHES:], labels[SEARCHES:]


def _quiet_tensorflow() -> None:
    """Before its import, which takes seconds: only the commands that need it do that."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("ABSL_MIN_LOG_LEVEL", "3")


def _fail(message: object) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
