"""The one door for what comes from outside: archives, texts and numbers, each with a budget.

What passes is complete, finite and bounded; what does not gets one sentence, as a `Refused`. It knows bytes and texts;
what a picture is, `pictures.reader` knows.
"""
import contextlib
import io
import struct
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

MAX_ENTRIES = 20_000             # files in one archive
MAX_DIRECTORY = 400 * MAX_ENTRIES    # bytes of its table of contents, which is read before anything can be counted
MAX_UNPACKED = 2 * 2**30         # bytes of a whole archive, as it declares them
MAX_RATIO = 200                  # pictures and weights are compressed already and hardly shrink
FREE_PIXELS = 150_000_000        # of one reading, whatever its size; three photographs of the largest kind
PIXELS_PER_BYTE = 1000           # and so many more for each byte: a scan of a blank page has a few hundred
FREE_SECONDS = 2.5               # of processor time of one reading,
SECONDS_PER_MEGABYTE = 1.0       # and so many more for each megabyte
HIDDEN = {"__MACOSX", "@eaDir", "Thumbs.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information"}
FOREIGN = {b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "RAR", b"\x1f\x8b": "gzip", b"BZh": "bzip2",
           b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "Zstandard"}
_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"


class Refused(ValueError):
    """Something from outside that is not let in; the message is one sentence for whoever sent it."""


@dataclass
class Budget:
    """What one reading may take in all, over all its files."""
    pixels: int                  # decoded
    seconds: float               # of this thread's processor time: a busy server refuses nobody
    started: float = field(default_factory=time.thread_time)

    @classmethod
    def of(cls, size: int) -> "Budget":
        """The budget of uploads of `size` bytes together."""
        return cls(FREE_PIXELS + PIXELS_PER_BYTE * size, FREE_SECONDS + SECONDS_PER_MEGABYTE * size / 2**20)

    def spend(self, pixels: int) -> None:
        """Take `pixels` out of it; Refused where they, or the time, are used up."""
        self.pixels -= pixels
        if self.pixels < 0:
            raise Refused("The pictures have far more pixels than files of this size should. "
                          "Save them smaller and try again.")
        if time.thread_time() - self.started > self.seconds:
            raise Refused("Reading takes far longer than it should for files of this size. Give fewer at once.")

    @contextlib.contextmanager
    def resting(self) -> Iterator[None]:
        """What is done in this block takes nothing out of it."""
        start = time.thread_time()
        yield
        self.started += time.thread_time() - start

    def charge(self, seconds: float) -> None:
        """Take processor time that another process spent on it out of it."""
        self.started -= seconds


@dataclass(frozen=True)
class Entry:
    """One file of an archive."""
    path: tuple[str, ...]        # its folders and its name, as its author wrote them
    size: int                    # bytes that it declares
    load: Callable[[], bytes]    # gives exactly so many, or raises Refused


def is_archive(raw: bytes) -> bool:
    """Whether bytes begin as a zip archive does."""
    return raw.startswith((b"PK\x03\x04", _END))


def foreign_archive(raw: bytes) -> str | None:
    """What bytes are, where they begin as an archive that is not opened: "7z", "RAR", "gzip" ...; else None."""
    if raw[257:262] == b"ustar":
        return "tar"
    return next((kind for magic, kind in FOREIGN.items() if raw.startswith(magic)), None)


def archive(raw: bytes, name: str = "The file", most: int = MAX_UNPACKED, most_each: int = MAX_UNPACKED) -> list[Entry]:
    """The files in the bytes of a zip archive, none of them unpacked yet; those that only systems write are left out.

    most, most_each: bytes, unpacked, of all of them and of each. Refused where the archive is damaged, leads out of
    itself, is encrypted or packed in another way than stored and deflated (which alone can be unpacked bit by bit), or
    would unpack to far more than it should. Nothing is ever written to the disk.
    """
    _expect_entries(raw, name)
    try:
        opened = zipfile.ZipFile(io.BytesIO(raw))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, struct.error):
        raise Refused(f"{name} is not a whole zip archive. Pack it again.") from None
    infos = [info for info in opened.infolist() if not info.is_dir() and not info.filename.endswith("\\")]
    if len(infos) > MAX_ENTRIES:
        raise _too_many(name, len(infos))
    unpacked = sum(info.file_size for info in infos)
    if unpacked > most or unpacked > MAX_RATIO * max(len(raw), 2**20):
        raise Refused(f"{name} would unpack to {unpacked / 2**20:,.0f} MB, far more than it should; "
                      "nothing of it was read.")
    entries = [Entry(_path(info, name), info.file_size, _loader(opened, info, name, most_each)) for info in infos]
    return [entry for entry in entries if not any(map(is_hidden, entry.path))]


def is_hidden(part: str) -> bool:
    """Whether a part of a path is one that systems write beside a person's files."""
    return part.startswith(".") or part in HIDDEN


def split(path: str) -> tuple[str, ...]:
    """The parts of a path, written with either slash."""
    return tuple(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))


def text(value: object, most: int, what: str) -> str:
    """A text of a stranger, NFC and without spaces around it; Refused where it is none, too long or not printable."""
    if not isinstance(value, str):
        raise Refused(f"{what} must be a text, not {type(value).__name__}.")
    clean = unicodedata.normalize("NFC", value).strip()
    if len(clean) > most or not clean.isprintable():
        raise Refused(f"{what} must be at most {most} printable characters.")
    return clean


def file_name(written: str, most: int = 60) -> str:
    """The last part of a path as a name that every disk takes: printable, its end kept, for that says what it is."""
    last = unicodedata.normalize("NFC", (split(written) or ("file",))[-1])
    clean = "".join(letter if letter.isprintable() else "_" for letter in last)
    return clean[-most:]


def _expect_entries(raw: bytes, name: str) -> None:
    """Refused where the end of an archive declares more than is read, before its table of contents is."""
    end = raw.rfind(_END, max(0, len(raw) - 2**16 - 22))
    if end < 0 or len(raw) < end + 22:
        raise Refused(f"{name} is not a whole zip archive. Pack it again.")
    count, size = struct.unpack_from("<HI", raw, end + 10)
    if end >= 20 and raw[end - 20:end - 16] == _LOCATOR_64:
        record = raw.rfind(_END_64, 0, end)
        if record < 0 or len(raw) < record + 56:
            raise Refused(f"{name} is not a whole zip archive. Pack it again.")
        count, size = struct.unpack_from("<QQ", raw, record + 32)
    if count > MAX_ENTRIES or size > MAX_DIRECTORY:
        raise _too_many(name, count)


def _too_many(name: str, count: int) -> Refused:
    return Refused(f"{name} holds {count:,} files; at most {MAX_ENTRIES:,} are read. Pack fewer into one archive.")


def _path(info: zipfile.ZipInfo, name: str) -> tuple[str, ...]:
    written = info.orig_filename
    if not info.flag_bits & 0x800:               # zipfile took the bytes for cp437, which most programs do not write
        with contextlib.suppress(UnicodeDecodeError, UnicodeEncodeError):    # else it is cp437 indeed
            written = written.encode("cp437").decode("utf-8")
    written = unicodedata.normalize("NFC", written)
    parts = split(written)
    if written[:1] in ("/", "\\") or written[1:2] == ":" or ".." in parts or "\0" in written or not parts:
        raise Refused(f"{name} holds a path that leads out of it ({written[:80]!r}); nothing of it was read.")
    return tuple(part.encode("utf-8", "replace").decode("utf-8")[:255] for part in parts)


def _loader(opened: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, most: int) -> Callable[[], bytes]:
    def load() -> bytes:
        called = f"{name}/{PurePosixPath(info.filename).name[:80]}"
        if info.file_size > most:
            raise Refused(f"{called} has {info.file_size / 2**20:,.0f} MB; at most {most / 2**20:,.0f} MB can be read.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 0x1:
            raise Refused(f"{called} is encrypted or compressed in an unusual way. Pack it again, plainly.")
        try:
            with opened.open(info) as file:
                content = file.read(info.file_size + 1)          # inflated no further, whatever lies behind
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError,
                struct.error):
            content = b""
        if len(content) != info.file_size:
            raise Refused(f"{called} is damaged in its archive. Pack it again.")
        return content
    return load
