"""A model for the components of a page, to run in the browser itself."""
import hashlib
from collections.abc import Mapping

from pages.shared.live import state

MODEL = state.component("model")


def model(halves: Mapping[str, str]) -> str:
    """Offer a model to the components of this page; return the id by which they are told of it.

    halves: the address of each packed half, "encoder" and "decoder", from where the app is on; one that changes with
    what lies there. Nothing is fetched before a component asks; where the model does not run, they do without it.
    """
    ident = hashlib.sha1(halves["decoder"].encode(), usedforsecurity=False).hexdigest()
    state.mount(MODEL, f"runs:{ident}", {"id": ident, "halves": dict(halves)})
    return ident
