"""What of a reader's own picture a small model sees."""

import cv2
import numpy as np

from ae_core.pictures import convert


def fit(picture, shape, margin=0):
    """Any picture (h, w, c) as the data sets show theirs: gray on black, cropped to its subject, centered; (h, w, 1).

    A light ground is inverted: the ground is the median of the border. `margin` pixels stay empty on every side.
    A picture with no subject comes back black.
    """
    gray = convert.to_gray(picture)[..., 0]
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    ground = float(np.median(border))
    ink = np.clip((ground - gray) / ground if ground > 0.5 else (gray - ground) / (1 - ground), 0, 1)
    rows, columns = np.where(ink > max(0.15, 0.15 * ink.max()))
    canvas = np.zeros(shape[:2], np.float32)
    if len(rows):
        subject = ink[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
        subject = _shrink(subject / subject.max(), (shape[0] - 2 * margin, shape[1] - 2 * margin))
        top, left = (shape[0] - subject.shape[0]) // 2, (shape[1] - subject.shape[1]) // 2
        canvas[top:top + subject.shape[0], left:left + subject.shape[1]] = subject
    return canvas[..., None]


def _shrink(picture, room):
    """Scale (h, w) to touch `room` (height, width) from inside, averaging pixels where it gets smaller."""
    size = convert.inside(picture.shape, room)
    smaller = size[0] < picture.shape[1] or size[1] < picture.shape[0]
    return np.clip(cv2.resize(picture, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR), 0, 1)
