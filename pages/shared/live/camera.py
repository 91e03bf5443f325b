"""The camera of the browser, live through a model that runs in the browser; nothing of it goes to the server."""
from pages.shared.live import sketchpad, state

CAMERA = state.component("camera")


def camera(key: str, through: sketchpad.Through, photo: bool) -> None:
    """Show what a model makes of the middle square of each picture of the camera, once the reader starts it.

    photo: the model sees the whole square; else the strokes or the thing in it, placed as a drawing is.
    """
    state.mount(CAMERA, key, {"through": through.sent(), "photo": photo})
