"""A model for the components of a page, to run in the browser itself."""
import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from pages.shared.live import sheet, state

MODEL = state.component("model", "network.js", "worker.js")


def model(halves: Mapping[str, str]) -> str:
    """Offer a model to the components of this page; return the id by which they are told of it.

    halves: the address of each packed half, "encoder" and "decoder", from where the app is on; one that changes with
    what lies there. Nothing is fetched before a component asks; where the model does not run, they do without it.
    """
    ident = hashlib.sha1(halves["decoder"].encode(), usedforsecurity=False).hexdigest()
    state.mount(MODEL, f"runs:{ident}", {"id": ident, "halves": dict(halves)})
    return ident


Affine = tuple[np.ndarray, np.ndarray]           # origin (d,) and directions (k, d)


class Decoder(NamedTuple):
    """A model in the browser that decodes the numbers (k,) of a component, exactly, while they move.

    Each of its inputs is origin + numbers @ directions.
    """
    model: str                                   # id, of `model`
    code: Affine
    label: Affine | None = None                  # of a conditional model, a weight a class

    def sent(self) -> dict[str, Any]:
        given = {"code": self.code} | ({"label": self.label} if self.label else {})
        return {"model": self.model, "inputs": {
            name: [sheet.packed(np.asarray(part, "<f4")) for part in parts] for name, parts in given.items()}}
