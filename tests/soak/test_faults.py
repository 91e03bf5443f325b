"""What goes wrong around the app costs nobody anything: its end, a read-only disk, two servers, cut connections."""
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

from ae_core import store
from ae_core.own import bundle, jobs
from benchmarks import _server, _viewer, hostile
from pages.shared import frame
from tests.browser.driver import READY, asked, errors, open_page, painted, settle
from tests.browser.test_latent_map import drag, plane, point
from tests.conftest import places
from tests.own.test_jobs import rings, small
from tests.own.test_owner import packed
from tests.soak.test_jobs import process, wait  # noqa: F401 - a fixture

END_SECONDS = 5


@pytest.fixture
def lab(tmp_path):
    """A server of this test's own; its models and runs are seen here."""
    with _server.served(environment=places(tmp_path)) as server:
        yield server


# --- the end -------------------------------------------------------------------------------------------------

def test_a_server_ends_with_its_decoder_while_readers_look(lab):
    """SIGTERM, with an open tab, and a large picture that has just been decoded in a process of its own."""
    def decoders():
        found = subprocess.run(["ps", "-eo", "ppid=,args="], capture_output=True, text=True, check=True).stdout
        return [line for line in found.splitlines() if "ae_core.pictures.reader" in line]

    async def visit():
        async with _viewer.Viewer(lab.url) as viewer:
            await viewer.open("colorize")
            answer = await viewer.upload("large.png", hostile.blank_png(3100, 3000))
            assert answer.errors == () and len(mine := decoders()) >= 1
            os.kill(lab.pid, signal.SIGTERM)
            end = time.monotonic() + END_SECONDS
            while alive(lab.pid) and time.monotonic() < end:
                time.sleep(0.05)
            return mine
    before = decoders()
    mine = _viewer.run(visit())
    assert not alive(lab.pid)
    wait(lambda: len(decoders()) <= len(before), END_SECONDS)
    assert len(mine) > len(before)


def alive(pid):
    """Whether a process runs; one that has ended and is not yet asked about does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_trainer_ends_and_its_run_goes_on_later(process, monkeypatch):  # noqa: F811
    monkeypatch.setattr(jobs, "can_train", lambda: False)    # the test starts the processes itself
    job = jobs.request(small(epochs=400), collection=rings(200))
    worker = process()
    wait(lambda: jobs.read(job.ident).history())
    worker.send_signal(signal.SIGTERM)
    worker.wait(END_SECONDS)
    job = jobs.read(job.ident)
    assert job.state == jobs.INTERRUPTED and not jobs.busy() and (before := job.history())
    jobs.resume(job)
    process()
    wait(lambda: len(jobs.read(job.ident).history()) > len(before))
    assert jobs.read(job.ident).history()[:len(before)] == before
    jobs.steer(jobs.read(job.ident), "stop")
    wait(lambda: jobs.read(job.ident).state == jobs.DONE)


# --- the disk ------------------------------------------------------------------------------------------------

@pytest.fixture
def read_only(tmp_path):
    """A home on a disk that nobody can write to."""
    place = tmp_path / "home"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", place], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_every_page_opens_in_a_home_that_is_read_only(read_only):
    """And what would be written there is refused in words."""
    async def visit(url):
        async with _viewer.Viewer(url) as viewer:
            found = [(await viewer.open("" if name == "home" else name)).errors for name in frame.PAGES]
            await viewer.open("train")
            return [*found, (await viewer.upload("model.zip", packed())).errors]
    home = {"HOME": str(read_only), "AE_MODELS_DIR": "", "AE_RUNS_DIR": "", "AE_DATA_DIR": ""}
    with _server.served(environment=home) as server:
        assert _viewer.run(visit(server.url)) == [()] * (len(frame.PAGES) + 1)
    assert list(read_only.iterdir()) == []


# --- two servers ---------------------------------------------------------------------------------------------

ASK = """
import sys
from tests.own.test_jobs import rings, small
from tests.own.test_owner import ANN, packed
from ae_core.own import bundle, jobs
raw = packed()
for _ in range(4):
    print(jobs.request(small(), collection=rings(), owner=None).preset.name)
    print(bundle.unpack(raw, ANN).preset.name)
"""


def test_two_servers_over_one_folder_lose_nothing():
    """Both add models and runs of one title at once, while a third clears away and looks."""
    both = [subprocess.Popen([sys.executable, "-c", ASK], cwd=store.ROOT, stdout=subprocess.PIPE, text=True)
            for _ in range(2)]
    while any(each.poll() is None for each in both):
        jobs.tidy()
        store.own(), jobs.every()
        assert store.damaged() == []
    names = [name for each in both for name in each.communicate()[0].split()]
    assert [each.returncode for each in both] == [0, 0]
    assert len(names) == len(set(names)) == 16
    models, runs = set(store.own()), {job.preset.name for job in jobs.every()}
    assert models | runs == set(names) and len(models) == len(runs) == 8
    assert all(store.read(name) for name in models)
    assert len({job.preset.title for job in jobs.every()}) == 8


def test_what_one_server_keeps_the_other_has(tmp_path, lab):
    """A model that was loaded here is there at once, and gone once it is deleted here."""
    with _server.served(environment=places(tmp_path)) as other:
        stored = bundle.unpack(packed())
        assert [status(server, stored) for server in (lab, other)] == [200, 200]
        store.remove(stored.preset.name)
        assert [status(server, stored) for server in (lab, other)] == [404, 404]


def status(server, stored):
    try:
        name, checksum = stored.preset.name, stored.card["sha256"]["decoder.onnx"]
        return urllib.request.urlopen(f"{server.url}/networks/{name}/decoder/{checksum}").status
    except urllib.error.HTTPError as error:
        return error.code


# --- connections ---------------------------------------------------------------------------------------------

def noise_png(side):
    """A picture that does not shrink."""
    from ae_core.pictures import sheets
    return sheets.to_png(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8))


def test_a_reload_in_the_middle_of_an_upload_leaves_a_page_that_works(new_page, app):
    page = new_page()
    open_page(page, app, "colorize")
    link = page.context.new_cdp_session(page)
    link.send("Network.enable")
    link.send("Network.emulateNetworkConditions",
              {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000})
    under_way = threading.Event()
    page.on("request", lambda request: "upload_file" in request.url and under_way.set())
    file = {"name": "mine.png", "mimeType": "image/png", "buffer": noise_png(1000)}
    page.locator("input[type=file]").first.set_input_files(file)
    wait(lambda: page.evaluate("1") and under_way.is_set(), 60)
    link.send("Network.emulateNetworkConditions",
              {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
    page.reload()
    settle(page)
    assert errors(page) == [] and not page.get_by_text("mine.png").count()
    page.locator("input[type=file]").first.set_input_files(file)
    page.get_by_text("mine.png").first.wait_for(timeout=READY)
    settle(page)
    assert errors(page) == []


def test_a_connection_that_is_cut_in_the_middle_of_a_drag_loses_nothing(new_page, app):
    """The plane follows the hand all the same; what it was let go at arrives once the connection is back."""
    page, sockets = new_page(), []

    def relay(socket):
        sockets.append(socket)
        socket.connect_to_server()
    page.route_web_socket(re.compile("_stcore/stream"), relay)
    open_page(page, app, "latent_map")
    plane(page).wait_for()
    drag(page, [(0.5, 0.5), (0.3, 0.4)])
    before, first = asked(page), point(page)
    drag(page, [(0.3, 0.4), (0.6, 0.6)], release=False)
    count = len(sockets)
    sockets[-1].close()
    box = plane(page).bounding_box()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.3 * box["height"], steps=5)
    page.mouse.up()
    painted(page)
    place = point(page)
    wait(lambda: page.evaluate("1") and len(sockets) > count, 60)
    settle(page)
    wait(lambda: page.evaluate("1") and asked(page) != before, 60)
    assert point(page) == place != first and errors(page) == []
    page.reload()
    settle(page)
    assert point(page) == place and errors(page) == []
