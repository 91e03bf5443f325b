"""The command line: python -m ae_core list | train | evaluate | export | data.

Results go to standard output, everything else to standard error. A wrong name, missing data or damaged weights end
with one line and exit status 1.
"""
import argparse
import json
import os
import sys

from ae_core import data, denoise, latent_map, model, presets, reconstruct, store


def main(argv=None):
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except KeyboardInterrupt:
        return _fail("Stopped before the first epoch was finished; nothing was kept.")
    except (KeyError, ValueError, OSError) as error:
        return _fail(error.args[0] if isinstance(error, KeyError) and error.args else error)


def list_presets(arguments):
    """Every preset, and whether its weights are here."""
    for preset in presets.PRESETS.values():
        row = {"name": preset.name, "title": preset.title, "code": preset.code, "recipe": preset.recipe,
               "weights": store.present(preset.name)}
        mark = "yes" if row["weights"] else "no "
        print(json.dumps(row) if arguments.json else f"{mark}  {preset.name:26}{preset.title:32}{preset.recipe}")


def train(arguments):
    """Train a preset and put it into the store; Ctrl-C keeps the best epoch so far."""
    preset = presets.get(arguments.name)
    if preset.network != "linear":
        data.load(preset.dataset, "test")        # a clear sentence before TensorFlow's slow start
    training = _training()
    if arguments.batch_size:
        import dataclasses
        preset = dataclasses.replace(preset, batch_size=arguments.batch_size)
    stored, replaced = training.train(preset, arguments.epochs, arguments.seed, arguments.resume, arguments.replace)
    loss = stored.card["training"].get("val_loss")
    print(f"Kept in {stored.folder}." if replaced else
          f"The weights in {stored.folder} have a lower validation loss ({loss:.6g}) and stay. "
          "Use --replace to replace them.")


def evaluate(arguments):
    """One JSON object a preset, measured on the test pictures."""
    if not (arguments.all or arguments.name):
        raise ValueError("Name a preset to evaluate, or use --all.")
    names = list(presets.PRESETS) if arguments.all else [presets.get(arguments.name).name]
    for name in names:
        served = model.load(name)
        pictures, labels = data.load(served.preset.dataset, "test", served.preset.shape)
        pictures, labels = pictures[:arguments.limit], labels[:arguments.limit]
        row = {"preset": name, **reconstruct.evaluate(served, _pca(served.preset), pictures, labels)}
        if served.preset.corruption:
            row |= denoise.evaluate(served, pictures)
        if served.preset.variational:
            row |= latent_map.evaluate(served, pictures, labels)
        print(json.dumps(row) if arguments.json else _table(row), flush=True)


def export(arguments):
    """Write a preset's ONNX files and codes anew from its model.keras."""
    name = presets.get(arguments.name).name
    if not store.present(name):
        raise store.WeightsMissing(f"{name} has no trained weights here. Train it with: python -m ae_core train {name}")
    print(f"Kept in {_training().export_again(name).folder}.")


def datasets(arguments):
    """Which data sets are here, and where they are looked for."""
    if arguments.download:
        if arguments.download not in data.DATASETS:
            raise KeyError(f"There is no data set called {arguments.download!r}. "
                           f"Choose one of: {', '.join(data.DATASETS)}.")
        print(data.download(arguments.download))
        return
    print("Looked for in: " + ", ".join(str(folder) for folder in data.folders()))
    for name, dataset in data.DATASETS.items():
        place = data.find(name) or "not here; its test pictures are in samples/"
        print(f"{name:16}{dataset.title:18}{place}")


def _parser():
    parser = argparse.ArgumentParser("python -m ae_core", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, run):
        sub = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        sub.set_defaults(run=run)
        return sub

    command("list", list_presets).add_argument("--json", action="store_true", help="one JSON object a line")
    sub = command("train", train)
    sub.add_argument("name")
    sub.add_argument("--epochs", type=_positive)
    sub.add_argument("--batch-size", type=_positive)
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--resume", action="store_true", help="go on from the last epoch of the run that was stopped")
    sub.add_argument("--replace", action="store_true", help="replace the weights in the store even by worse ones")
    sub = command("evaluate", evaluate)
    sub.add_argument("name", nargs="?")
    sub.add_argument("--all", action="store_true")
    sub.add_argument("--limit", type=_positive, help="only the first so many test pictures")
    sub.add_argument("--json", action="store_true", help="one JSON object a line")
    command("export", export).add_argument("name")
    command("data", datasets).add_argument("--download", metavar="NAME", help="fetch the official files first")
    return parser


def _positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _training():
    """TensorFlow takes seconds to import, so only the commands that need it do."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("ABSL_MIN_LOG_LEVEL", "3")
    from ae_core import training
    return training


def _pca(preset):
    """The PCA model of the preset's data set and picture size, where there is one."""
    name = next((other.name for other in presets.PRESETS.values()
                 if other.network == "linear" and (other.dataset, other.shape) == (preset.dataset, preset.shape)), None)
    return model.load(name) if name and store.present(name) else None


def _table(row):
    return "\n".join(f"{key:24}{value}" for key, value in row.items()) + "\n"


def _fail(message):
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
