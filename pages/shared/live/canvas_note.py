"""A sentence for browsers that return noise for the pixels of a canvas, beside a control that has to read them."""
from pages.shared.live import state

CANVAS_NOTE = state.component("canvas_note")


def canvas_note(key: str, text: str) -> None:
    """Show a text where the browser protects the canvas, as Tor Browser does; else nothing."""
    state.mount(CANVAS_NOTE, key, {"text": text})
