"""Every number this project claims: python -m benchmarks NAME [--json].

A benchmark is a module of this folder with a run() that returns a dict, and options(parser) where run takes some.
Timings are ratios of two things measured alternately in one run, or stand beside a yardstick, because machines are
shared and noisy.
"""
import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

NAMES = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.name[0] != "_")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="name", required=True, metavar="NAME", help=", ".join(NAMES))
    arguments = sys.argv[1:] if argv is None else argv
    for name in NAMES:
        command = commands.add_parser(name)
        command.add_argument("--json", action="store_true", help="one JSON object on standard output")
        if name in arguments and hasattr(module(name), "options"):     # the others are not imported: some need Keras
            module(name).options(command)
    given = vars(parser.parse_args(arguments))
    name, as_json = given.pop("name"), given.pop("json")
    result = {"benchmark": name, **module(name).run(**given)}
    print(json.dumps(result) if as_json else "\n".join(f"{key:28}{value}" for key, value in result.items()))


def module(name: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.{name}")


if __name__ == "__main__":
    main()
