"""The command line: python -m ae_core list | train | evaluate | export | colorize | index | data.

Results go to standard output, everything else to standard error. A wrong name, missing data or damaged weights end
with one line and exit status 1.
"""
import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ae_core import model, presets, store
from ae_core.features import colorize, denoise, faces, latent_map, outliers, reconstruct, search
from ae_core.own import jobs
from ae_core.pictures import datasets, quickdraw, reader, sheets

SEARCHES = 2000                  # test pictures that are searched for in an evaluation
ON_ITS_PAGE: dict[str, Callable[..., dict]] = {      # preset -> what the page that is made of it measures besides
    faces.PRESET: faces.evaluate,
    outliers.PUBLISHED: lambda served, *_: outliers.evaluate(outliers.models(), *datasets.whole(served.preset.dataset)),
    search.PRESET: lambda served, pictures, labels: search.evaluate(served, *_searched(served.preset),
                                                                    pictures[:SEARCHES], labels[:SEARCHES])}


def main(argv=None):
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except KeyboardInterrupt:
        return _fail("Stopped. The epochs that a training run has finished are kept; go on with --resume.")
    except (KeyError, ValueError, OSError) as error:
        return _fail(error.args[0] if isinstance(error, KeyError) and error.args else error)


def markdown():
    """weights/README.md: what each folder holds, and the scores its card remembers."""
    rows = []
    for preset in presets.PRESETS.values():
        card = store.read(preset.name).card
        size = sum((store.root() / preset.name / file).stat().st_size for file in card["sha256"]) / 2**20
        loss = card["training"].get("val_loss")
        epochs = card["training"]["epochs"] or "closed form"
        rows.append(f"| `{preset.name}` | {preset.description} | {preset.code} | {epochs} "
                    f"| {'–' if loss is None else f'{loss:.5g}'} | {size:.1f} | {preset.recipe} |")
    return "\n".join([WEIGHTS_README, *rows]) + "\n"


WEIGHTS_README = """# Trained weights

One folder per preset, written by `python -m ae_core train NAME`: `preset.json` (the preset, the run, and the sha256 of
every other file), `model.keras` (to train on), `encoder.onnx` and `decoder.onnx` (to serve) and, for models with a
latent map, `latents.npz` (codes and labels of the test pictures); for faces, `attributes.npz` (directions of 40
attributes, and which codes are the gallery). There is no pickle, and no picture of a data set.

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


def list_presets(arguments):
    """Every preset, and whether its weights are here."""
    if arguments.markdown:
        print(markdown(), end="")
        return
    for preset in presets.PRESETS.values():
        row = {"name": preset.name, "title": preset.title, "code": preset.code, "recipe": preset.recipe,
               "weights": store.present(preset.name)}
        mark = "yes" if row["weights"] else "no "
        print(json.dumps(row) if arguments.json else f"{mark}  {preset.name:26}{preset.title:32}{preset.recipe}")


def train(arguments):
    """Train a preset and put it into the store; Ctrl-C keeps the best epoch so far."""
    preset = presets.get(arguments.name)
    if arguments.resume and (arguments.batch_size or arguments.schedule or arguments.precision
                             or arguments.seed is not None):
        raise ValueError("A resumed run goes on with its own seed, batch size, schedule and precision; "
                         "leave those options out.")
    datasets.load(preset.dataset, "test", preset.target)            # a clear sentence before TensorFlow's slow start
    _quiet_tensorflow()
    from ae_core.training import distribution, fit

    strategy = distribution.begin(arguments.strategy) if arguments.strategy else None
    preset = dataclasses.replace(preset, batch_size=arguments.batch_size or preset.batch_size,
                                 schedule=arguments.schedule or preset.schedule)
    stored, replaced = fit.train(preset, arguments.epochs, arguments.seed or 0, arguments.resume,
                                 arguments.replace, arguments.precision, strategy=strategy)
    if stored is None:
        return
    loss = stored.card["training"].get("val_loss")
    print(f"Kept in {stored.folder}." if replaced else
          f"The weights in {stored.folder} have a lower validation loss ({loss:.6g}) and stay. "
          "Use --replace to replace them.")


def work(arguments):
    """Train what the Train page has queued, one run at a time; it starts this by itself."""
    with jobs.lock(jobs.LOCK_SECONDS) as mine:
        if mine:
            _quiet_tensorflow()
            from ae_core.own import worker

            worker.work()


def evaluate(arguments):
    """One JSON object a preset, measured on the test pictures."""
    if not (arguments.all or arguments.name):
        raise ValueError("Name a preset to evaluate, or use --all.")
    names = list(presets.PRESETS) if arguments.all else [presets.get(arguments.name).name]
    for name in names:
        served = model.load(name)
        try:
            pictures, labels = datasets.load(served.preset.dataset, "test", served.preset.training_shape)
        except datasets.DataMissing as error:
            if not arguments.all:
                raise
            print(f"{name} is left out. {error}", file=sys.stderr)
            continue
        pictures, labels = np.asarray(pictures[:arguments.limit]), labels[:arguments.limit]
        row = {"preset": name, **(colorize.evaluate(served, pictures) if served.preset.output else
                                  reconstruct.evaluate(served, _pca(served.preset), pictures, labels))}
        if served.preset.corruption:
            row |= denoise.evaluate(served, pictures)
        if served.preset.variational:
            row |= latent_map.evaluate(served, pictures, labels)
        if name in ON_ITS_PAGE:
            row |= ON_ITS_PAGE[name](served, pictures, labels)
        print(json.dumps(row) if arguments.json else _table(row), flush=True)


def colorize_files(arguments):
    """Colorize photographs at their full size into a folder; with --sheet, gray over predicted over true as well."""
    served, folder = model.load(colorize.PHOTO), Path(arguments.to)
    folder.mkdir(parents=True, exist_ok=True)
    for file in map(Path, arguments.files):
        target = folder / colorize.file_name(file.name, arguments.kind)
        target.write_bytes(colorize.convert_file(served, file.read_bytes(), file.name, arguments.kind))
        print(target)
    if arguments.sheet:
        photos = [reader.pixels(Path(file).read_bytes(), file) for file in arguments.files]
        (folder / "sheet.png").write_bytes(sheets.to_png(colorize.sheet(served, photos)))
        print(folder / "sheet.png")


def index(arguments):
    """Encode the pictures of a preset's data set and write their search index beside its weights."""
    served = model.load(presets.get(arguments.name).name)
    split = arguments.split or ("train" if datasets.find(served.preset.dataset) else "test")
    pictures, _ = datasets.load(served.preset.dataset, split, served.preset.shape)
    path = search.path_of(served, split, arguments.by)
    search.build(served, pictures, arguments.by).save(path)
    print(f"{len(pictures):,} pictures indexed in {path}, {path.stat().st_size / 2**20:.1f} MB.")


def sketches(arguments):
    """Draw a Quick Draw file (.bin, .ndjson or .npy) as 32x32 bitmaps into one .npy file."""
    from tqdm import tqdm

    with tqdm(total=1.0, unit="file", bar_format="{l_bar}{bar}| {elapsed}<{remaining}") as bar:
        bitmaps = quickdraw.load(arguments.file, arguments.limit, lambda share: bar.update(share - bar.n))
    np.save(arguments.to, bitmaps)
    print(f"{len(bitmaps):,} drawings in {arguments.to}.")


def export(arguments):
    """Write a preset's ONNX files and codes anew from its model.keras."""
    name = presets.get(arguments.name).name
    store.card(name)                                                # a clear sentence before TensorFlow's slow start
    _quiet_tensorflow()
    from ae_core.training import package

    print(f"Kept in {package.export_again(name).folder}.")


def show_data(arguments):
    """Which data sets are here, and where they are looked for."""
    if arguments.download:
        if arguments.download not in datasets.DATASETS:
            raise KeyError(f"There is no data set called {arguments.download!r}. "
                           f"Choose one of: {', '.join(datasets.DATASETS)}.")
        print(datasets.download(arguments.download))
        return
    print("Looked for in: " + ", ".join(str(folder) for folder in datasets.folders()))
    for name, dataset in datasets.DATASETS.items():
        place = datasets.find(name) or "not here; its test pictures are in samples/"
        print(f"{name:16}{dataset.title:18}{place}")


def _parser():
    parser = argparse.ArgumentParser("python -m ae_core", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, run):
        sub = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        sub.set_defaults(run=run)
        return sub

    sub = command("list", list_presets)
    sub.add_argument("--json", action="store_true", help="one JSON object a line")
    sub.add_argument("--markdown", action="store_true", help="the table of weights/README.md")
    sub = command("train", train)
    sub.add_argument("name")
    sub.add_argument("--epochs", type=_positive)
    sub.add_argument("--batch-size", type=_positive)
    sub.add_argument("--seed", type=_positive_or_zero)
    sub.add_argument("--schedule", choices=["cosine", "plateau"], help="how the learning rate falls")
    sub.add_argument("--precision", choices=["float32", "mixed_bfloat16"],
                     help="of the arithmetic; without it, what this processor is fastest in")
    sub.add_argument("--resume", action="store_true", help="go on from the last epoch of the run that was stopped")
    sub.add_argument("--strategy", choices=["mirrored", "multiworker"],
                     help="share the work among devices, or among the workers that TF_CONFIG names")
    sub.add_argument("--replace", action="store_true", help="replace the weights in the store even by worse ones")
    command("work", work)
    sub = command("evaluate", evaluate)
    sub.add_argument("name", nargs="?")
    sub.add_argument("--all", action="store_true")
    sub.add_argument("--limit", type=_positive, help="only the first so many test pictures")
    sub.add_argument("--json", action="store_true", help="one JSON object a line")
    command("export", export).add_argument("name")
    sub = command("colorize", colorize_files)
    sub.add_argument("files", nargs="+", metavar="FILE")
    sub.add_argument("--to", default=".", metavar="FOLDER")
    sub.add_argument("--kind", choices=list(sheets.PHOTO_OPTIONS), default="JPEG")
    sub.add_argument("--sheet", action="store_true", help="one picture of them all, to compare by")
    sub = command("index", index)
    sub.add_argument("name")
    sub.add_argument("--split", choices=("train", "test"), help="training pictures where they are here, else test")
    sub.add_argument("--by", choices=(search.ANGLE, search.STRAIGHT), default=search.ANGLE,
                     help="compare codes by the angle of their whitened directions, or straight, as published")
    sub = command("sketches", sketches)
    sub.add_argument("file")
    sub.add_argument("--to", default="sketches.npy", metavar="FILE")
    sub.add_argument("--limit", type=_positive, default=100_000, help="only the first so many drawings")
    command("data", show_data).add_argument("--download", metavar="NAME", help="fetch the official files first")
    return parser


def _positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _positive_or_zero(text):
    return 0 if text == "0" else _positive(text)


def _quiet_tensorflow():
    """Before its import, which takes seconds: only the commands that need it do that."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("ABSL_MIN_LOG_LEVEL", "3")


def _pca(preset):
    """The PCA model of the preset's data set and picture size, where there is one."""
    name = reconstruct.baseline(preset)
    return model.load(name) if name else None


def _searched(preset: presets.Preset) -> tuple[np.ndarray, np.ndarray]:
    """The training pictures and labels; where those are not here, the test pictures that are not searched for."""
    if datasets.find(preset.dataset):
        return datasets.load(preset.dataset, "train", preset.shape)
    pictures, labels = datasets.load(preset.dataset, "test", preset.shape)
    return pictures[SEARCHES:], labels[SEARCHES:]


def _table(row):
    return "\n".join(f"{key:24}{value}" for key, value in row.items()) + "\n"


def _fail(message):
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
