"""What a page keeps in its address, so that a link opens the same thing: read by a rule, written where it differs.

Streamlit's own widgets replace the entry of the browser's history (`bind="query-params"`); a script that sets
`st.query_params` adds one, and Back would have to be pressed once for each. `replace_history` ends that.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

REPLACE = """
export default function () {
  if (history.pushState.replaces) return;
  const push = history.pushState.bind(history);
  history.pushState = (state, title, url) => {
    const here = new URL(url ?? "", location).pathname === location.pathname;
    return here ? history.replaceState(state, title, url) : push(state, title, url);
  };
  history.pushState.replaces = true;
}
"""
_REPLACE = st.components.v2.component("autoencoder_lab_address", js=REPLACE)


def replace_history() -> None:
    """From now on a change of the address within a page replaces the browser's entry, so that Back leaves the page."""
    _REPLACE(key="address:replace")


@dataclass(frozen=True)
class Field:
    """One value in the address, under a key."""
    key: str
    what: str                    # in words, for the sentence: "point"
    default: Any
    parse: Callable[[str], Any]  # ValueError where the text asks for what is not there
    format: Callable[[Any], str]

    def read(self) -> Any:
        """The value in the address; a sentence and the default where it is none."""
        asked = st.query_params.get(self.key)
        if asked is None:
            return self.default
        try:
            return self.parse(asked)
        except ValueError:
            refuse(self.key, self.what)
            return self.default

    def write(self, value: Any) -> None:
        """Keep a value in the address; the default is left out."""
        text = self.format(value)
        write({self.key: None if self.default is not None and text == self.format(self.default) else text})


def numbers(key: str, ranges: Sequence[tuple[float, float]], default: tuple | None, what: str) -> Field:
    """A field of one number or several, each within its (lowest, highest)."""
    def parse(text):
        found = tuple(float(part) + 0.0 for part in text.split(","))      # -0 is 0: no standard deviation is negative
        if not all(low <= number <= high for number, (low, high) in zip(found, ranges, strict=True)):
            raise ValueError(text)
        return found
    return Field(key, what, default, parse, lambda found: ",".join(f"{number:.3f}" for number in found))


def whole(key: str, highest: int, default: int, what: str) -> Field:
    """A field of one whole number from 0 to `highest`."""
    inner = numbers(key, [(0, highest)], None, what)

    def parse(text):
        number, = inner.parse(text)
        if number != int(number):
            raise ValueError(text)
        return int(number)
    return Field(key, what, default, parse, str)


def write(texts: dict[str, str | None]) -> None:
    """Set keys of the address, or remove those of None; nothing is sent where nothing changes."""
    now = st.query_params
    for key in [key for key, text in texts.items() if text is None and key in now]:
        del now[key]
    changed = {key: text for key, text in texts.items() if text is not None and now.get(key) != text}
    if changed:
        now.update(changed)


def make_room() -> None:
    """What is said of the address stands here, whichever part of the page reads it: some of them are closed."""
    st.session_state["address:said"] = st.container()


def refuse(key: str, what: str, shown: str = "the default") -> None:
    """Say that the address asks for what is not there, and forget it."""
    st.session_state.get("address:said", st).info(f"The link contains an unknown {what}; showing {shown} instead.")
    del st.query_params[key]
