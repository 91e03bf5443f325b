"""The door for what comes from outside: what is good passes, whatever is not gets a sentence at little cost."""
import io
import resource
import struct
import time
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ae_core import guard


def zipped(entries, kind=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, raw in entries:
            archive.writestr(name, raw)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_inflates_without_bound_is_refused(kind):
    """These unpack all or nothing: 1.6 KB can become 4 GB before anyone can look."""
    entry, = guard.archive(zipped([("a.png", bytes(10 * 2**20))], kind), "x.zip", most=2**34)
    with pytest.raises(guard.Refused, match="unusual way"):
        entry.load()


def lying(size):
    """An archive whose one entry declares another size than it unpacks to."""
    raw = bytearray(zipped([("a.bin", bytes(50 * 2**20))]))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.find(signature)
        struct.pack_into("<I", raw, at + offset, size)
    return bytes(raw)


@pytest.mark.parametrize("size", [1000, 60 * 2**20])
def test_nothing_is_inflated_beyond_its_declared_size(size):
    entry, = guard.archive(lying(size), "x.zip")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(guard.Refused, match="damaged"):
        entry.load()
    assert size > 2**20 or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def crowded(count):
    """An archive that lists `count` entries of one empty file, without one being written."""
    name = b"a"
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + name
    central = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + name
    directory = central * count
    locator = b""
    if count > 65_535:
        record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(directory), len(local))
        locator = record + struct.pack("<4sIQI", b"PK\x06\x07", 0, len(local) + len(directory), 1)
    few = min(count, 65_535)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, few, few, len(directory), len(local), 0)
    return local + directory + locator + end


def test_entries_are_counted_before_they_are_listed(monkeypatch):
    """Two million entries took 14 seconds and 750 MB to list."""
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("it was listed"))
    with pytest.raises(guard.Refused, match="holds 2,100,000 files; at most 20,000"):
        guard.archive(crowded(2_100_000), "many.zip")


def test_an_archive_that_understates_its_entries_is_refused_all_the_same():
    raw = bytearray(crowded(30_000))
    struct.pack_into("<HH", raw, len(raw) - 14, 3, 3)
    with pytest.raises(guard.Refused, match="not a whole zip|at most 20,000"):
        guard.archive(bytes(raw), "many.zip")


@pytest.mark.parametrize("path", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "..\\evil.png", "C:\\evil.png",
                                  "\\\\host\\evil.png"])
def test_a_path_that_leads_out_is_refused(path):
    with pytest.raises(guard.Refused, match="leads out of it"):
        guard.archive(zipped([("good.png", b"x"), (path, b"x")]), "slip.zip")


@pytest.mark.parametrize("written, read", [
    ("data\\zero\\1.png", ("data", "zero", "1.png")), ("Ka\u0308fer/1.png", ("K\u00e4fer", "1.png")),
    ("./a//b.png", ("a", "b.png"))])
def test_paths_are_what_their_author_wrote(written, read):
    entry, = guard.archive(zipped([(written, b"x")]))
    assert entry.path == read and entry.load() == b"x"


def test_names_without_the_flag_are_read_as_utf8_where_they_are_valid():
    """Finder writes UTF-8 and does not say so; old programs write cp437."""
    for name in ("Käfer.png", "K\u0084fer.png"):
        coded = name.encode("utf-8" if "ä" in name else "latin-1")
        raw = zipped([("#" * len(coded), b"x")]).replace(b"#" * len(coded), coded)
        entry, = guard.archive(raw)
        assert entry.path == ("Käfer.png",)


def test_what_only_systems_write_is_passed_over():
    names = ["a.png", ".DS_Store", "__MACOSX/._a.png", "x/@eaDir/a.png/SYNOPHOTO_THUMB_M.jpg", "x/Thumbs.db",
             "x/.ipynb_checkpoints/a-checkpoint.png", "x/._b.png", "x/b.png", "x\\"]
    entries = guard.archive(zipped([(name, b"") for name in names]))
    assert [entry.path for entry in entries] == [("a.png",), ("x", "b.png")]


@pytest.mark.parametrize("kind", ["7z", "RAR", "gzip", "tar"])
def test_other_archives_are_named(kind):
    raw = {"7z": b"7z\xbc\xaf\x27\x1c", "RAR": b"Rar!\x1a\x07\x01", "gzip": b"\x1f\x8b\x08",
           "tar": bytes(257) + b"ustar\0"}[kind]
    assert guard.foreign_archive(raw + bytes(100)) == kind and guard.foreign_archive(b"\x89PNG" + bytes(300)) is None


@pytest.mark.parametrize("value", ["\ud800", "a\u0000b", "a\nb", "x" * 81, 7, None, ["a"], "\u202egnp"])
def test_a_text_that_is_none_is_refused(value):
    with pytest.raises(guard.Refused, match="title must be"):
        guard.text(value, 80, "Its title")


def test_a_text_is_normalized():
    assert guard.text("  Ka\u0308fer ", 80, "Its title") == "Käfer"


@pytest.mark.parametrize("written, name", [
    ("a\0b.bin", "a_b.bin"), ("../../etc/passwd", "passwd"), ("x" * 300 + ".npy", "x" * 56 + ".npy"), ("", "file"),
    ("C:\\temp\\Ka\u0308fer.png", "Käfer.png"), ("a\u202egnp.exe", "a_gnp.exe"), ("/", "file")])
def test_a_file_name_is_one_that_every_disk_takes(written, name, tmp_path):
    assert guard.file_name(written) == name
    (tmp_path / name).write_bytes(b"")


def test_a_budget_counts_pixels_over_all_files():
    budget = guard.Budget.of(1000)
    budget.spend(100_000_000)
    with pytest.raises(guard.Refused, match="far more pixels"):
        budget.spend(100_000_000)


def test_a_budget_counts_processor_time():
    budget = guard.Budget(pixels=10**12, seconds=0.01)
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
    with pytest.raises(guard.Refused, match="far longer"):
        budget.spend(1)


WHOLE = zipped([("a.png", b"\x89PNG" + bytes(300)), ("b/c.txt", b"text " * 50)])


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_mutated_archive_is_read_or_refused(drawn):
    raw = bytearray(WHOLE)
    for _ in range(drawn.draw(st.integers(1, 8))):
        raw[drawn.draw(st.integers(0, len(raw) - 1))] = drawn.draw(st.integers(0, 255))
    try:
        for entry in guard.archive(bytes(raw[:drawn.draw(st.integers(1, len(raw)))])):
            assert len(entry.load()) == entry.size
    except guard.Refused as error:
        assert str(error).endswith((".", ")"))
