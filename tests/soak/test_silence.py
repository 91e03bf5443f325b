"""Nothing leaves the machine: all pages, dragged data and refused handshakes, in a network that counts every packet."""
import json
import os
import shutil
import subprocess
import sys

import pytest

from ae_core.store import ROOT
from pages.shared import frame

pytestmark = pytest.mark.skipif(not shutil.which("ip") or os.geteuid() != 0,
                                reason="needs root and the program ip (Debian: iproute2)")
OPEN = """
import json, os, socket, subprocess, sys, time, urllib.request
from playwright.sync_api import sync_playwright
paths, chromium = json.loads(sys.argv[1]), sys.argv[2]
server = subprocess.Popen([sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true",
                           "--server.port=8599"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(300):
        try:
            urllib.request.urlopen("http://127.0.0.1:8599/_stcore/health")
            break
        except OSError:
            time.sleep(0.2)
    else:
        raise SystemExit("the server did not start in a minute")
    refused, began = [], time.monotonic()
    for k in range(10):
        with socket.create_connection(("127.0.0.1", 8599)) as link:
            link.sendall(b"GET /_stcore/stream HTTP/1.1\\r\\nHost: 127.0.0.1:8599\\r\\nOrigin: http://evil.example\\r\\n"
                         b"Upgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\n"
                         b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\n\\r\\n")
            refused.append(link.recv(64).split()[1].decode())
    took, opened = time.monotonic() - began, []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=[
            "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--no-first-run", "--disable-quic", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"])
        page, asked, complaints = browser.new_page(), [], []
        page.set_default_timeout(120_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda line: "Security Policy" in line.text and complaints.append(line.text))
        for path in paths:
            page.goto(f"http://127.0.0.1:8599/{path}")
            page.locator("h1").first.wait_for()
            page.locator("[data-testid=stStatusWidget]").wait_for(state="detached")
            opened.append(page.locator("h1").first.inner_text())
        browser.close()
    foreign = [url for url in asked if not url.startswith(("http://127.0.0.1:8599", "data:", "blob:"))]
    print(json.dumps({"complaints": complaints, "opened": opened, "foreign": foreign, "refused": refused,
                      "took": took}))
finally:
    server.kill()
    server.wait()
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture
def quiet():
    """A network namespace whose only way out is an interface that goes nowhere and counts what is sent to it."""
    name = f"quiet{os.getpid()}"
    run("ip", "netns", "add", name)
    try:
        for command in ("link set lo up", "link add out0 type veth peer name sink0", "link set sink0 up",
                        "addr add 10.78.0.1/24 dev out0", "link set out0 up", "route add default via 10.78.0.2"):
            run("ip", "-n", name, *command.split())
        yield name
    finally:
        run("ip", "netns", "del", name)


def sent(namespace):
    """Unicast attempts to leave: packets sent, and neighbors that were looked for on the way out."""
    link, = json.loads(run("ip", "-n", namespace, "-s", "-j", "link", "show", "out0"))
    neighbors = json.loads(run("ip", "-n", namespace, "-j", "neigh", "show", "dev", "out0") or "[]")
    return link["stats64"]["tx"]["packets"] - link["stats64"]["tx"].get("multicast", 0), \
        [each for each in neighbors if each["dst"] == "10.78.0.2"]


def test_no_packet_tries_to_leave(quiet, tmp_path):
    """A foreign origin made the server ask an outside host for its own address, and froze it for two seconds each."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        pytest.skip("needs a Chromium")
    before, _ = sent(quiet)
    paths = ["" if name == "home" else name for name in frame.PAGES]
    output = run("ip", "netns", "exec", quiet, sys.executable, "-c", OPEN, json.dumps(paths), chromium, cwd=ROOT,
                 env=os.environ | {"AE_MODELS_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)})
    told = json.loads(output.splitlines()[-1])
    assert told["opened"] == [page.title for page in frame.PAGES.values()] and told["foreign"] == []
    assert told["complaints"] == [], "the app breaks its own content security policy"
    assert told["refused"] == ["403"] * 10 and told["took"] < 10
    after, neighbors = sent(quiet)
    assert neighbors == [] and after - before <= 8, "beside a few announcements of the interface itself"


def test_the_counter_counts(quiet):
    """The test above can fail: one look-up of an outside address is seen."""
    run("ip", "netns", "exec", quiet, sys.executable, "-c",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))")
    assert sent(quiet)[1] != []
