"""The very text of compose.yaml's proxy in a real nginx before two copies, asked from another host."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest

from ae_core.store import ROOT

MISSING = [program for program in ("nginx", "ip") if not shutil.which(program)]
pytestmark = pytest.mark.skipif(bool(MISSING) and "CI" not in os.environ or sys.platform != "linux" or
                                os.geteuid() != 0, reason=f"needs root, nginx and ip; missing: {MISSING}")
HOST, GUEST, PORT = "10.77.0.1", "10.77.0.2", 8501
ASK = """
import base64, json, os, socket, sys
host, port, origin, cookie = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
def ask(head):
    with socket.create_connection((host, port), 10) as link:
        link.sendall((head + "\\r\\n").encode())
        answer = link.recv(65536).decode("latin-1").split("\\r\\n\\r\\n")[0]
    return answer
beside = (f"Origin: {origin}\\r\\n" if origin else "") + (f"Cookie: {cookie}\\r\\n" if cookie else "")
page = ask(f"GET / HTTP/1.1\\r\\nHost: {host}:{port}\\r\\nAccept-Encoding: gzip\\r\\nConnection: close\\r\\n" + beside)
key = base64.b64encode(os.urandom(16)).decode()
stream = ask(f"GET /_stcore/stream HTTP/1.1\\r\\nHost: {host}:{port}\\r\\nUpgrade: websocket\\r\\n"
             f"Connection: Upgrade\\r\\nSec-WebSocket-Key: {key}\\r\\nSec-WebSocket-Version: 13\\r\\n" + beside)
print(json.dumps({"page": page, "stream": stream}))
"""


GIVE = """
import asyncio, sys
from benchmarks import _viewer
async def work():
    async with _viewer.Viewer(sys.argv[1], sys.argv[2]) as viewer:
        opened = await viewer.open("colorize")
        given = await viewer.upload("noise.png", sys.stdin.buffer.read())
        print(opened.errors, given.errors, len(viewer.widgets["file_uploader"]))
asyncio.run(work())
"""


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def guest():
    """The name of a network namespace that stands for another host."""
    name = f"guest{os.getpid()}"
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", "lab0", "type", "veth", "peer", "name", "lab1", "netns", name)
        run("ip", "addr", "add", f"{HOST}/24", "dev", "lab0")
        run("ip", "link", "set", "lab0", "up")
        for command in (("addr", "add", f"{GUEST}/24", "dev", "lab1"), ("link", "set", "lab1", "up"),
                        ("link", "set", "lo", "up")):
            run("ip", "-n", name, *command)
        yield name
    finally:
        subprocess.run(["ip", "link", "del", "lab0"], check=False)
        subprocess.run(["ip", "netns", "del", name], check=False)


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Two copies of the app; their addresses, and the log of each."""
    folder, servers, found = tmp_path_factory.mktemp("copies"), [], []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        servers.append(subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}",
             "--server.address=127.0.0.1"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"AE_MODELS_DIR": str(folder)}))
        found.append(f"127.0.0.1:{port}")
    try:
        for address, server in zip(found, servers, strict=True):
            wait(lambda address=address: urllib.request.urlopen(f"http://{address}/_stcore/health"), server)
        yield found
    finally:
        for server in servers:
            server.terminate()
            server.wait(10)


def wait(ask, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            return ask()
        except OSError:
            time.sleep(0.1)
    raise AssertionError("it did not start")


def text_of_compose(upstreams):
    """The proxy's configuration as compose would write it, before these copies."""
    compose = (ROOT / "compose.yaml").read_text("utf-8")
    block = re.search(r"^  nginx:\n    content: \|\n((?: {6}.*\n|\n)+)", compose, re.M)
    text = re.sub("^ {6}", "", block[1], flags=re.M).replace("$$", "$")
    return text.replace("server app:8501;", " ".join(f"server {address};" for address in upstreams)) \
               .replace("listen 80;", f"listen {HOST}:{PORT};")


@pytest.fixture(scope="module")
def proxy(guest, copies, tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxy")
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in
                     ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    log = "log_format copy '$upstream_addr $http_cookie'; access_log " + str(folder / "access.log") + " copy;"
    (folder / "nginx.conf").write_text(f"user root; daemon off; pid {folder}/pid; error_log stderr;\nevents {{}}\n"
                                       f"http {{ {places} {log}\n{text_of_compose(copies)}\n}}\n")
    process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf")])
    try:
        wait(lambda: socket.create_connection((HOST, PORT)), process)
        yield folder / "access.log"
    finally:
        process.terminate()
        process.wait(10)


def ask(guest, origin="", cookie=""):
    return json.loads(run("ip", "netns", "exec", guest, sys.executable, "-c", ASK, HOST, str(PORT), origin, cookie))


def test_another_host_opens_the_page_and_its_web_socket(guest, proxy):
    """`Host $host` dropped the port, and the app refused every handshake that did not come from localhost."""
    answer = ask(guest, f"http://{HOST}:{PORT}")
    assert answer["page"].startswith("HTTP/1.1 200") and answer["stream"].startswith("HTTP/1.1 101"), answer
    assert "content-security-policy" in answer["page"].lower()


def test_a_page_of_another_site_is_refused(guest, proxy):
    answer = ask(guest, "http://evil.example")
    assert answer["page"].startswith("HTTP/1.1 403") and answer["stream"].startswith("HTTP/1.1 403"), answer


def test_a_class_behind_one_address_is_spread_and_each_reader_stays(guest, proxy):
    given = [re.search(r"lab_copy=(\w+)", ask(guest)["page"])[1] for _ in range(24)]
    for reader in given:
        ask(guest, cookie=f"lab_copy={reader}")
    served = [line.split() for line in Path(proxy).read_text().splitlines()]
    copies = {}
    for line in served:
        if "lab_copy=" in line[-1]:
            copies.setdefault(line[-1], set()).add(line[0])
    assert len(copies) == 24 and all(len(each) == 1 for each in copies.values())
    assert len({next(iter(each)) for each in copies.values()}) == 2


def test_scripts_are_compressed(guest, copies, proxy):
    page = urllib.request.urlopen(f"http://{copies[0]}/").read().decode()
    script = re.search(r'src="\.?/?(static/js/[^"]+\.js)"', page)[1]
    request = urllib.request.Request(f"http://{HOST}:{PORT}/{script}", headers={"Accept-Encoding": "gzip"})
    assert urllib.request.urlopen(request).headers["Content-Encoding"] == "gzip"


def test_another_host_gives_a_photograph(guest, proxy):
    """Of seven megabytes: nginx by itself takes one. It comes to the copy that has the web socket."""
    noise = np.random.default_rng(0).integers(0, 256, (1600, 1600, 3), np.uint8)
    raw = cv2.imencode(".png", noise)[1].tobytes()
    assert len(raw) > 7e6
    answer = subprocess.run(["ip", "netns", "exec", guest, sys.executable, "-c", GIVE, f"http://{HOST}:{PORT}", GUEST],
                            input=raw, cwd=ROOT, capture_output=True, check=False)
    assert answer.stdout == b"() () 1\n", answer.stderr.decode()[-2000:]
