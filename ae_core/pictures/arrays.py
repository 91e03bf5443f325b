"""Arrays of pictures as people save them, in any type, range, order and shape, and the labels beside them."""
import gzip
import io
import struct
from pathlib import Path

import numpy as np

from ae_core import files, guard
from ae_core.pictures import convert

SUFFIXES = (".npz", ".npy")
MOST = guard.MAX_ENTRIES         # pictures of an upload
RANGES = {                       # kind of number -> black and white, the first that holds all values
    "b": ((0, 1),), "u": ((0, 1), (0, 255), (0, 65535)), "i": ((0, 1), (0, 255), (0, 65535)),
    "f": ((0, 1), (-1, 1), (0, 255))}
NARROW = 1 / 8                   # of its range: an array that uses less was scaled twice, or is no picture
BAND = 4096                      # pictures that are scaled at a time
PAIRS = {                        # names of pictures in an archive -> of their labels
    "x_train": "y_train", "x_test": "y_test", "x_val": "y_val", "x": "y", "X": "y", "images": "labels",
    "train_images": "train_labels", "val_images": "val_labels", "test_images": "test_labels", "arr_0": "arr_1"}
WANTED = ("Expected are n pictures as (n, h, w), (n, h, w, 1 or 3), (n, 1 or 3, h, w) or (n, side * side): bool, "
          "uint8, uint16 up to 65535, or floats in 0..1, -1..1 or 0..255. Save them as uint8.")
IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def pictures(array: np.ndarray, name: str) -> np.ndarray:
    """An array of pictures as uint8 (n, h, w, 1 or 3). Refused with its type, shape and range where it is none."""
    placed, range_ = _placed(array), _range(array)
    if placed is None or range_ is None:
        raise guard.Refused(f"{name} {_described(array)}. {WANTED}")
    if array.dtype == np.uint8 and range_[1] == 255:
        return placed
    black, white = range_
    result = np.empty(placed.shape, np.uint8)
    for start in range(0, len(placed), BAND):
        result[start:start + BAND] = convert.to_uint8(
            (placed[start:start + BAND].astype(np.float32) - black) / (white - black))
    return result


def labels(array: np.ndarray, count: int, name: str, classes: int | None = None) -> np.ndarray:
    """Class numbers (n,) int64 of `count` pictures; of one-hot rows (n, k) the columns. Refused where they are not."""
    found, wanted = np.atleast_1d(array), f"whole numbers from 0 {f'to {classes - 1}' if classes else 'on'}"
    found = found.reshape(len(found), -1).astype(float) if found.dtype.kind in RANGES else np.full((1, 1), np.nan)
    if found.shape[1] > 1 and np.isin(found, (0, 1)).all() and (found.sum(axis=1) == 1).all():
        found = found.argmax(axis=1)[:, None]
    if found.shape != (count, 1) or not (np.isfinite(found).all() and (found == np.floor(found)).all()
                                         and found.min(initial=0) >= 0 and found.max(initial=0) < (classes or np.inf)):
        raise guard.Refused(f"The labels of {name}: the array {_described(array)}. "
                            f"Expected are {count:,} {wanted}, one a picture, or one-hot rows.")
    return found[:, 0].astype(np.int64)


def uploaded(raw: bytes, name: str) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Pictures (n, h, w, c) uint8 in the bytes of an .npy or .npz file, each with its labels (n,) or None.

    Nothing is unpickled. Refused where there are none, or too many.
    """
    if guard.is_archive(raw):
        stored = {"/".join(entry.path).removesuffix(".npy"): entry.load for entry in guard.archive(raw, name)}
        pairs = {x: y for x, y in PAIRS.items() if x in stored} or dict.fromkeys(stored if len(stored) == 1 else ())
        if not pairs:
            raise guard.Refused(f"{name} holds the arrays {', '.join(sorted(stored)[:9]) or '(none)'}, and none of "
                                "them is called x_train, x or images. Save the pictures as x and their labels as y.")
        found = [(_array(stored[x](), f"{x} of {name}"), _array(stored[y](), f"{y} of {name}") if y in stored else None,
                  f"{x} of {name}") for x, y in pairs.items()]
    else:
        found = [(_array(raw, name), None, name)]
    if sum(len(array) for array, _, _ in found if array.ndim) > MOST:
        raise guard.Refused(f"{name} holds more than {MOST:,} pictures, and no more are read. Save fewer.")
    return [((read := pictures(array, called)), None if beside is None else labels(beside, len(read), called))
            for array, beside, called in found]


def idx(path: Path) -> np.ndarray:
    """An array in MNIST's own format: two zero bytes, a type byte, the rank, big-endian sizes, then the numbers."""
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    if raw[:2] != b"\0\0" or raw[2] not in IDX_TYPES:
        raise ValueError("It does not begin as an IDX file does.")
    shape = struct.unpack_from(f">{raw[3]}I", raw, 4)
    return np.frombuffer(raw, IDX_TYPES[raw[2]], offset=4 + 4 * raw[3]).reshape(shape)


def _array(raw, name):
    """The array in the bytes of an .npy file."""
    stream = io.BytesIO(raw)
    try:
        shape, by_columns, dtype = files.npy_header(stream)
    except ValueError:
        raise guard.Refused(f"{name} is no whole .npy array. Save it with numpy.save or numpy.savez.") from None
    count = int(np.prod(shape, dtype=object))
    if dtype.hasobject or dtype.itemsize * count != len(raw) - stream.tell():
        raise guard.Refused(f"{name} is an array of {dtype} of shape {shape} that is cut off, or holds Python objects. "
                            "Save its numbers with numpy.save.")
    return np.frombuffer(raw, dtype, count, stream.tell()).reshape(shape, order="F" if by_columns else "C")


def _placed(array):
    """An array as (n, h, w, 1 or 3), whatever its values; None where its shape is not one of pictures."""
    if array.ndim == 2 and (side := round(array.shape[1] ** 0.5)) > 1 and side * side == array.shape[1]:
        return array.reshape(-1, side, side, 1)
    if array.ndim == 3:
        return array[None] if array.shape[2] in (1, 3) else array[..., None]
    if array.ndim == 4 and array.shape[3] not in (1, 3):
        array = np.moveaxis(array, 1, 3)
    return array if array.ndim == 4 and array.shape[3] in (1, 3) else None


def _range(array):
    """What stands for black and for white; None where the values are no picture's."""
    if not array.size or array.dtype.kind not in RANGES:
        return None
    low, high = float(array.min()), float(array.max())
    black, white = next(((black, white) for black, white in RANGES[array.dtype.kind]
                         if black - 0.001 <= low and high <= white + 0.001), (0, 0))
    span = white - black
    if array.dtype == np.uint8:
        return black, white
    fits = np.isfinite(low) and high - black >= NARROW * span and (black == 0 or low - black <= NARROW * span)
    return (black, white) if span and fits else None


def _described(array):
    numbers = array.size and array.dtype.kind in RANGES
    values = f" with values from {float(array.min()):g} to {float(array.max()):g}" if numbers else ""
    return f"is {array.dtype} of shape {array.shape}{values}"
