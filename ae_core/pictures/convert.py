"""The picture contract, float32, NHWC, 0..1, and the ways from one form of a picture to another."""
import cv2
import numpy as np

CHROMA = 110                     # a and b of what a screen can show lie within -108 .. 99


def to_gray(picture):
    """(h, w, c) -> (h, w, 1), weighing the channels as the eye does (ITU-R BT.601)."""
    return picture if picture.shape[-1] == 1 else picture @ np.float32([[0.299], [0.587], [0.114]])


def to_lab(pictures):
    """RGB (n, h, w, 3) -> CIE Lab (D65): lightness (n, h, w, 1) in 0..1, and chroma a, b (n, h, w, 2) over 110."""
    n, height, width, _ = pictures.shape
    lab = cv2.cvtColor(np.ascontiguousarray(pictures, np.float32).reshape(n * height, width, 3), cv2.COLOR_RGB2Lab)
    lab = lab.reshape(n, height, width, 3)
    return lab[..., :1] / 100, lab[..., 1:] / CHROMA


def from_lab(lightness, chroma):
    """The RGB pictures (n, h, w, 3) of what `to_lab` gives, clipped to what a screen can show."""
    n, height, width, _ = lightness.shape
    lab = np.concatenate([lightness * 100, chroma * CHROMA], axis=-1, dtype=np.float32)
    rgb = cv2.cvtColor(lab.reshape(n * height, width, 3), cv2.COLOR_Lab2RGB)
    return np.clip(rgb.reshape(n, height, width, 3), 0, 1)


def to_three(picture):
    """(h, w, 1 or 3) -> (h, w, 3)."""
    return np.broadcast_to(picture, (*picture.shape[:2], 3))


def resize(picture, shape):
    """A picture (h, w, c) as large as `shape` (height, width, ...): averaged where it shrinks, interpolated else."""
    height, width = shape[:2]
    if picture.shape[:2] == (height, width):
        return picture
    smaller = height * width < picture.shape[0] * picture.shape[1]
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return np.clip(resized.reshape(height, width, -1), 0, 1)


def square(picture, shape):
    """The middle square of any picture (h, w, c), scaled to `shape` (side, side, 1 or 3), in gray or in color."""
    height, width, _ = picture.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = picture[top:top + side, left:left + side]
    middle = to_gray(middle) if shape[-1] == 1 else np.broadcast_to(middle, (side, side, 3))
    how = cv2.INTER_AREA if side > shape[0] else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(middle), shape[1::-1], interpolation=how)
    return np.clip(small, 0, 1).reshape(shape)


def thumbnail(picture, side):
    """Any picture (h, w, c) inside a black square (side, side, 3), its proportions kept."""
    small = cv2.resize(picture, inside(picture.shape, (side, side)), interpolation=cv2.INTER_AREA)
    canvas = np.zeros((side, side, 3), np.float32)
    top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    canvas[top:top + small.shape[0], left:left + small.shape[1]] = small.reshape(*small.shape[:2], -1)
    return np.clip(canvas, 0, 1)


def add_gaussian(pictures, rng, sigma=0.5, mean=0.5, clip=True):
    """x + N(mean, sigma) for pictures (n, h, w, c), clipped to 0..1 unless told otherwise.

    mean and sigma: numbers, or arrays (n, 1, 1, 1) of one for each picture.
    """
    noisy = pictures + rng.normal(mean, sigma, pictures.shape).astype(np.float32)
    return np.clip(noisy, 0, 1) if clip else noisy


def to_uint8(pictures):
    return (np.clip(pictures, 0, 1) * 255 + 0.5).astype(np.uint8)


def inside(shape, room):
    """The (width, height) at which a picture of `shape` (h, w, ...) touches `room` (height, width) from inside."""
    factor = min(room[0] / shape[0], room[1] / shape[1])
    return [max(1, round(side * factor)) for side in shape[1::-1]]
