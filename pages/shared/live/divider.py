"""A picture left of a line and another one right of it; the reader drags the line."""
import base64

from pages.shared.live import state

DIVIDER = state.component("divider")


def divider(
    key: str,
    left: bytes,                                 # JPEG or PNG, no larger than it is shown
    right: bytes,
    *,
    label: str,                                  # name of the control, spoken by a screen reader
    size: tuple[int, int],                       # (width, height) of both in pixels; kept free before they arrive
    names: tuple[str, str],                      # of the two, shown in their corners
    alts: tuple[str, str],                       # what each shows, in words
    height: int = 560,                           # most CSS pixels down; it shrinks with the page
    pixels: bool = False,                        # whether enlarged pixels stay sharp squares
) -> None:
    """Show two pictures of one size on either side of a line.

    It never calls the server: where the line stands matters to the eye alone. New pictures come under the line where
    it stands.
    """
    if min(size) < 1:
        raise ValueError(f"size is {size}, but must be two positive numbers, width and height.")
    data = {
        "label": label,
        "size": [int(side) for side in size],
        "names": list(names),
        "alts": list(alts),
        "height": int(height),
        "pixels": bool(pixels),
    }
    parts = {"left": left, "right": right}
    state.mount(DIVIDER, key, data, {name: base64.b64encode(part).decode() for name, part in parts.items()})
