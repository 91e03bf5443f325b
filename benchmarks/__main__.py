"""Every number this project claims: python -m benchmarks NAME [--json].

A benchmark is a module of this folder with a run() that returns a dict. Timings are ratios of two things measured
alternately in one run, because machines are shared and noisy.
"""
import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path

NAMES = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.name[0] != "_")


def main(argv=None):
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args(argv)
    result = {"benchmark": arguments.name, **importlib.import_module(f"benchmarks.{arguments.name}").run()}
    print(json.dumps(result) if arguments.json else "\n".join(f"{key:28}{value}" for key, value in result.items()))


if __name__ == "__main__":
    sys.exit(main())
