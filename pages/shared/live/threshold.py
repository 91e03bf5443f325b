"""A histogram of scores with a line to drag across it; what lies beyond the line is counted at once."""
from collections.abc import Callable

import numpy as np

from pages.shared.live import sheet, state

THRESHOLD = state.component("threshold")


def threshold(
    key: str,
    scores: np.ndarray,                          # (n,) finite numbers
    wanted: np.ndarray | None = None,            # (n,) bool, those to be found, with a color and counts of their own
    *,
    label: str,                                  # name of the control, spoken by a screen reader
    value: float,                                # where the line opens
    names: tuple[str, str] = ("regular", "intruders"),    # of the others and of the wanted, in the plural
    bins: int = 120,
    height: int = 220,                           # CSS pixels
    on_change: Callable[[], None] | None = None,
) -> float:
    """Show a histogram with its line; return where the line stands: within the scores, or a hair above the highest.

    While the reader drags, the browser counts what lies at or beyond the line. The heights are logarithmic, so that a
    single picture among thousands can be seen. It reports once, on release. Other scores keep the line unless the key
    changes, too.
    """
    scores = np.asarray(scores, float)
    if scores.ndim != 1 or not len(scores) or not np.isfinite(scores).all():
        raise ValueError(f"scores is {scores.shape}, but must be one or more finite numbers.")
    low, high = float(scores.min()), float(scores.max())
    high += max((high - low) * 0.01, 1e-9)
    wanted = np.zeros(len(scores), bool) if wanted is None else np.asarray(wanted, bool)
    now = state.current(key, value)
    data = now.sent(state.number(now.at, low, high, value)) | {
        "low": low,
        "high": high,
        "label": label,
        "names": list(names),
        "known": bool(wanted.any()),
        "height": int(height),
        "bins": int(bins),
        "colors": [sheet.PALETTE[0], sheet.PALETTE[2]],
    }
    parts = {name: sheet.packed(np.sort(scores[rows]).astype("<f8"))
             for name, rows in (("others", ~wanted), ("wanted", wanted))}
    return state.number(state.mount(THRESHOLD, key, data, parts, on_change, value), low, high, value)
