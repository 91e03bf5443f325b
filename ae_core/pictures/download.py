"""Fetch the official files of a data set."""
from pathlib import Path
from typing import Any

import numpy as np

from ae_core import files
from ae_core.pictures import datasets, formats


def fetch(name: str) -> Path:
    """Fetch the official files into the user's cache, with a progress bar and a checksum; returns the path.

    KeyError where there is no such data set, DataMissing where it may not be fetched by a program.
    """
    import pooch  # only the download needs it

    dataset = datasets.get(name)
    if not dataset.urls:
        raise formats.DataMissing(datasets.missing(name))
    target = datasets.folders()[-1] / dataset.file
    fetched = [Path(pooch.retrieve(url, checksum and f"sha256:{checksum}", path=target.parent / "official",
                                   progressbar=True)) for url, checksum in dataset.urls.items()]
    target.parent.mkdir(parents=True, exist_ok=True)
    if dataset.unpack is None:
        files.replace(fetched[0], target)
    else:
        with files.replacing(target) as partial:
            arrays: dict[str, Any] = dict(zip(formats.ARRAYS, dataset.unpack(fetched), strict=True))
            np.savez(partial, **arrays)
    return target
