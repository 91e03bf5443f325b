"""How a component is registered and shown, and whose value it has: the reader's, the page's or the default.

Everything heavy (atlas, dots, thumbnails) travels as one message of its own, the *parts*. Streamlit sends a message
that did not change only once, so a rerun after a release costs a few kilobytes, whatever the size of the atlas.

A component reports {"at": value, "turn": how many reports before, "epoch": which placement it has seen}. The turn tells
the browser whether an answer is about the point it shows; the epoch makes a placement by the page win over what the
browser still holds. Where a model does not run in the browser, its component reports that as "lacks", and is sent what
was left out because of it.
"""
import contextlib
import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from ae_core import browser
from pages.shared.live import sheet

ASSETS = Path(__file__).parent
LACKING = "live:lacking"         # in a session: the models of which its browser has said that it does not run them


def component(name: str) -> Callable[..., Any]:
    """Register NAME.js, after common.js and what else `browser.COMPONENTS` names, and NAME.css if it has its own look.

    Called once a component, when its module is imported. Streamlit registers it anew where it must (a second server
    or an AppTest in the same process).
    """
    script, style = browser.component(ASSETS, name)
    return st.components.v2.component(f"autoencoder_lab_{name}", js=script, css=style)


PARTS = component("parts")


def mount(shown: Callable[..., Any], key: str, data: dict[str, Any], parts: dict[str, Any] | None = None,
          on_change: Callable[[], None] | None = None, default: Any = None) -> Any:
    """Show a component (and its parts) and return its value, unchecked."""
    with contextlib.nullcontext() if parts is None else st.container(gap=None):
        if parts is not None:
            data = data | {"parts": _digest(parts)}
            PARTS(key=f"{key}:parts", data={"id": data["parts"], "parts": _plain(parts)})
        result = shown(key=key, data=data | {"key": key}, on_value_change=on_change or (lambda: None),
                       on_lacks_change=lambda: _note(key))
    return _value(result, key, default).at


def _note(key: str) -> None:
    """Remember the model of which this browser says that it does not run there."""
    st.session_state[LACKING] = {*st.session_state.get(LACKING, ()), str(st.session_state[key].get("lacks"))}


def _plain(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: asdict(part) if isinstance(part, sheet.Sheet) else part for name, part in parts.items()}


def _digest(parts: dict[str, Any]) -> str:
    names = {name: part.digest if isinstance(part, sheet.Sheet) else part for name, part in parts.items()}
    return hashlib.sha1(json.dumps(names).encode(), usedforsecurity=False).hexdigest()


Affine = tuple[np.ndarray, np.ndarray]           # origin (d,) and directions (k, d)


class Decoder(NamedTuple):
    """A model in the browser that decodes the numbers (k,) of a component, exactly, while they move.

    Each of its inputs is origin + numbers @ directions.
    """
    model: str | None                            # id, of `live.model`; None where no browser runs it
    code: Affine
    label: Affine | None = None                  # of a conditional model, a weight a class

    def sent(self) -> dict[str, Any] | None:
        if self.model is None:
            return None
        given = {"code": self.code} | ({"label": self.label} if self.label else {})
        return {"model": self.model, "inputs": {
            name: [sheet.packed(np.asarray(part, "<f4")) for part in parts] for name, parts in given.items()}}


def runs_there(decoder: Decoder | None) -> bool:
    """Whether the browser decodes the numbers of a component, as far as it has said."""
    return decoder is not None and decoder.model is not None and decoder.model not in st.session_state.get(LACKING, ())


class Value(NamedTuple):
    at: Any                      # unchecked
    turn: int | None             # None: the reader has not touched it since it was placed
    epoch: int

    def sent(self, at: Any) -> dict[str, Any]:
        """For the browser, with the place as it was checked."""
        return {"at": at, "turn": self.turn, "epoch": self.epoch}


def place(key: str, value: Any) -> None:
    """Set the value of a component from the page, for example behind a button.

    Call it before the component is shown in this run, or in a callback. The value is (x, y) for a pad, a number for a
    filmstrip or threshold, one a strip for a mixer; for a sketchpad a float picture in 0..1 (square, `size * 4` pixels
    a side) or None, which clears it.
    """
    _, epoch = st.session_state.get(f"{key}:placed", (None, 0))
    st.session_state[f"{key}:placed"] = (value, epoch + 1)
    st.session_state.pop(key, None)


def current(key: str, default: Any) -> Value:
    """The value before the component is shown: the reader's, else the page's, else the default."""
    return _value(st.session_state.get(key), key, default)


def _value(state: Any, key: str, default: Any) -> Value:
    placed, epoch = st.session_state.get(f"{key}:placed", (default, 0))
    value = state.get("value") if hasattr(state, "get") else None
    if value is None:
        return Value(placed, None, epoch)
    if not isinstance(value, dict):              # a bare value, as an AppTest sets it
        return Value(value, None, epoch)
    if value.get("epoch") != epoch:              # reported before the page placed another value
        return Value(placed, None, epoch)
    turn = value.get("turn")
    return Value(value.get("at"), turn if type(turn) is int else None, epoch)


def number(value: Any, low: float, high: float, default: float) -> float:
    """A finite number within [low, high], whatever a browser or an address sent."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    return min(max(default if math.isnan(found) else found, low), high)
