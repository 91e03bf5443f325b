"""Large pictures are decoded apart: the same pixels, two at a time, given up by whoever leaves; nobody is harmed."""
import contextlib
import io
import os
import signal
import threading
import time

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from ae_core import guard
from ae_core.pictures import heavy, reader


@pytest.fixture(autouse=True)
def no_process_outlives_its_test():
    yield
    while heavy._spare:
        heavy._spare.pop().end()


def photograph(kind="JPEG", **options):
    """A picture of 9 megapixels that says how it is turned."""
    rows, columns = np.ogrid[:3000, :3000]
    pixels = np.stack(np.broadcast_arrays(rows // 12, columns // 12, (rows + columns) // 24), -1).astype(np.uint8)
    exif = Image.Exif()
    exif[274], exif[315] = 6, "Ann"
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, exif=exif, dpi=(300, 300), **options)
    return buffer.getvalue()


@pytest.mark.parametrize("limits", [{}, {"least": 700}, {"largest": 500}])
def test_pixels_and_metadata_are_those_of_this_process(monkeypatch, limits):
    raw = photograph()
    apart = reader.photo(raw, "a.jpg", **limits)
    assert len(heavy._spare) == 1                # it was another process indeed
    monkeypatch.setattr(reader, "HEAVY", 10**9)
    here = reader.photo(raw, "a.jpg", **limits)
    np.testing.assert_array_equal(apart.pixels, here.pixels)
    assert apart.kept == here.kept and apart.kept.exif and apart.note == here.note


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is read from /proc")
def test_a_decoder_that_waits_holds_no_picture():
    """While a photograph of 16 bits was painted, the decoder still had 300 MB of it."""
    def held():
        with open(f"/proc/{heavy._spare[0]._inner.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    reader.pixels(photograph())
    before = held()
    pixels = reader.pixels(imagecodecs.png_encode(np.full((4000, 4000, 3), 7, np.uint16), level=1))
    assert pixels.nbytes == 96_000_000 and held() - before < 40_000_000


def test_a_sentence_comes_back_as_it_is():
    with pytest.raises(reader.BadPicture, match="b.jpg is cut off"):
        reader.photo(photograph()[:-50_000], "b.jpg")
    assert reader.pixels(photograph(), "a.jpg").shape == (3000, 3000, 3)


def test_the_range_of_a_large_set_is_found_apart():
    import tifffile
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.linspace(0, 200, 9_000_000, dtype=np.float32).reshape(3000, 3000))
    assert reader.range_of(buffer.getvalue(), "a.tif") == reader.tiff.Range(0.0, 255.0)


def test_what_another_process_took_is_charged():
    budget = guard.Budget.of(10**6)
    before = budget.started
    reader.photo(photograph(), "a.jpg", budget=budget)
    assert budget.started < before


def children():
    """The processes that this one has started and that still run."""
    with open(f"/proc/{os.getpid()}/task/{threading.main_thread().native_id}/children", encoding="ascii") as file:
        return {int(each) for each in file.read().split()}


def test_a_decoder_that_dies_takes_nobody_along(monkeypatch):
    """As after a crash of a library in C."""
    reader.photo(photograph(), "a.jpg")
    process = heavy._spare[0]
    ask = heavy._Process.ask

    def killed(self, question, raw):
        os.kill(self._inner.pid, signal.SIGSEGV)
        return ask(self, question, raw)
    monkeypatch.setattr(heavy._Process, "ask", killed)
    with pytest.raises(reader.BadPicture, match=r"^c\.jpg is damaged, or takes far more time or memory"):
        reader.photo(photograph(), "c.jpg")
    monkeypatch.undo()
    assert not process.alive() and reader.photo(photograph(), "a.jpg").pixels.shape == (3000, 3000, 3)


@pytest.mark.parametrize("limit, value", [("SECONDS", 0), ("MEMORY", 2**20)])
def test_a_decoder_that_takes_too_much_is_ended(monkeypatch, tmp_path, limit, value):
    """The limits hold in the process itself; here one is set to nearly nothing there."""
    (tmp_path / "sitecustomize.py").write_text(
        f"import ae_core.pictures.heavy as heavy\nheavy.{limit} = {value}\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(heavy.store.ROOT)]))
    with pytest.raises(guard.Refused, match="more (time or )?memory|cut off or damaged"):
        for _ in range(60):                      # whole seconds are counted
            reader.photo(photograph("PNG", compress_level=0), "slow.png")


def test_whoever_leaves_gives_up(monkeypatch):
    """A stopped script raises where it reports; its process ends, and its turn is free again."""
    class Left(Exception):
        pass

    def report():
        raise Left

    @contextlib.contextmanager
    def waiting(sentence):
        said.append(sentence)
        yield report
    said = []
    raw = photograph("PNG", compress_level=0)
    monkeypatch.setattr(heavy, "waiting", waiting)
    monkeypatch.setattr(heavy, "LOOK", 0.0)
    before = children()
    for _ in range(heavy.AT_ONCE + 1):           # more often than there are turns
        with pytest.raises(Left):
            reader.photo(raw, "a.png")
    assert said[-1] == "Reading a large picture." and not heavy._spare and children() <= before


def test_two_have_a_turn_and_the_third_is_told_to_wait(monkeypatch):
    @contextlib.contextmanager
    def waiting(sentence):
        said.append(sentence)
        yield lambda: None
    said, inside, most, lock = [], [0], [0], threading.Lock()

    def work():
        with heavy.turn(), heavy.turn():         # a second turn of the same thread is none
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.05)
            with lock:
                inside[0] -= 1
    monkeypatch.setattr(heavy, "waiting", waiting)
    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [heavy.AT_ONCE] and len(said) == 5 and "first" in said[0]


def test_small_pictures_need_no_process(monkeypatch):
    monkeypatch.setattr(heavy, "ask", lambda *_: pytest.fail("it was asked"))
    buffer = io.BytesIO()
    Image.new("RGB", (2000, 2000)).save(buffer, "PNG")
    assert reader.pixels(buffer.getvalue()).shape == (2000, 2000, 3)
