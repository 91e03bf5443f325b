"""A reader's own collection: many uploads or a zip, read one by one; what cannot be used is left out and named.

Nothing is ever unpacked onto the disk, and no archive can make the memory overflow: sizes are checked before anything
is decompressed, and no entry is read beyond the size that it declares.
"""
import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from ae_core.pictures import convert, reader, subject

MAX_UNPACKED = 2 * 2**30         # bytes of a whole archive
MAX_ENTRIES = 20_000
MAX_RATIO = 200                  # pictures are compressed already and hardly shrink
THUMBNAIL = 56                   # pixels a side


@dataclass(frozen=True)
class Collection:
    names: tuple[str, ...]
    pictures: np.ndarray         # (n, h, w, c) as the model sees them
    thumbnails: np.ndarray       # (n, 56, 56, 3) uint8, as the reader knows them
    skipped: tuple[str, ...]     # a sentence for every file that was left out


def read(files: Sequence[tuple[str, bytes]], shape: Sequence[int], margin: int = 0,
         report: Callable[[float], None] | None = None, fit: Callable[..., np.ndarray] | None = None) -> Collection:
    """The pictures in uploads [(name, bytes), ...], zip archives among them opened, fitted to `shape`.

    fit(picture, shape): how, where a subject on black with an empty `margin` is not what is wanted.
    report(share): called with the share of the work done before every picture; it may raise to stop.
    """
    names, pictures, thumbnails, skipped = [], [], [], []
    fit = fit or (lambda picture, shape: subject.find(picture, shape, margin=margin).picture)
    entries = [entry for name, raw in files for entry in _entries(name, raw)]
    for done, (name, load) in enumerate(entries):
        if report:
            report(done / len(entries))
        try:
            picture = reader.read(load(), name)
        except reader.BadPicture as error:
            skipped.append(str(error))
            continue
        names.append(name)
        pictures.append(fit(picture, shape))
        thumbnails.append(convert.to_uint8(convert.thumbnail(picture, THUMBNAIL)))
    return Collection(tuple(names), np.array(pictures, np.float32).reshape(-1, *shape),
                      np.array(thumbnails, np.uint8).reshape(-1, THUMBNAIL, THUMBNAIL, 3), tuple(skipped))


def _entries(name, raw):
    """What an upload holds, as (name, function that gives the bytes or raises BadPicture)."""
    if not raw.startswith(b"PK"):
        return [(name, lambda: raw)]
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
        _check(name, archive)
    except reader.BadPicture as error:
        return [(name, _refuse(str(error)))]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return [(name, _refuse(f"{name} is not a whole zip archive. Pack it again."))]
    return [(f"{name}/{info.filename}", _unpack(archive, info, name)) for info in archive.infolist()
            if not info.is_dir() and not PurePosixPath(info.filename).name.startswith(".")
            and not info.filename.startswith("__MACOSX/")]


def _check(name, archive):
    """BadPicture where an archive as a whole is not to be trusted."""
    entries = archive.infolist()
    for info in entries:
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise reader.BadPicture(f"{name} holds a path that leads out of it ({info.filename}); "
                                    "nothing of it was read.")
    unpacked, packed = sum(info.file_size for info in entries), sum(info.compress_size for info in entries)
    if len(entries) > MAX_ENTRIES:
        raise reader.BadPicture(f"{name} holds {len(entries):,} files; at most {MAX_ENTRIES:,} are read. "
                                "Pack fewer into one archive.")
    if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(packed, 2**20):
        raise reader.BadPicture(f"{name} would unpack to {unpacked / 2**20:,.0f} MB, far more than pictures do; "
                                "nothing of it was read.")


def _unpack(archive, info, name):
    def load():
        if info.file_size > reader.MAX_BYTES:
            raise reader.BadPicture(f"{name}/{info.filename} has {info.file_size / 2**20:.0f} MB; "
                                    f"at most {reader.MAX_BYTES // 2**20} MB can be read.")
        try:
            return archive.read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError):
            raise reader.BadPicture(f"{name}/{info.filename} is damaged or encrypted in its archive. "
                                    "Pack it again.") from None
    return load


def _refuse(message):
    def load():
        raise reader.BadPicture(message)
    return load
