"""1, 10 and 50 viewers at once, each clicking again within a second, over Streamlit's own protocol on this machine.

A viewer opens a page, reruns it, changes to another, reruns that, and has a photograph colorized. p50_ms and p95_ms are
those of a rerun, errors counts exceptions on a page, refused uploads, lost connections and viewers that did not come to
their end in time. --copies 2 puts as many copies of the app behind nginx with the configuration of compose.yaml.
"""
import argparse
import asyncio
import contextlib
import io
import random
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ae_core import store
from benchmarks import _server, _viewer
from pages.shared import frame

VIEWERS = (1, 10, 50)
CLICKS = 6                       # reruns of each of two pages
LIMIT = 240                      # seconds for all viewers of one number
UPLOADS = "colorize"             # the page that takes a file as it opens
NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/1; uwsgi_temp_path {folder}/2; scgi_temp_path {folder}/3;
  {servers}
}}
"""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--copies", type=int, default=1, help="copies of the app behind nginx")


def run(viewers: Sequence[int] = VIEWERS, clicks: int = CLICKS, copies: int = 1) -> dict[str, Any]:
    """{viewers: errors, p50_ms, p95_ms}, rss_before and rss_after (MB) of all copies together."""
    with contextlib.ExitStack() as running:
        servers = [running.enter_context(_server.served()) for _ in range(copies)]
        url = running.enter_context(proxy([server.url for server in servers])) if copies > 1 else servers[0].url
        warm = [_viewer.run(crowd(server.url, 1, 1)) for server in servers for _ in range(2)]
        before = memory(servers)
        rows: dict[Any, Any] = {count: _viewer.run(crowd(url, count, clicks)) for count in viewers}
        return {**rows, "errors_when_cold": sum(row["errors"] for row in warm), "copies": copies,
                "rss_before": before, "rss_after": memory(servers)}


def memory(servers: Sequence[_server.Server]) -> float:
    for server in servers:
        server.idle()
    return sum(server.rss_mb() for server in servers)


async def crowd(url: str, count: int, clicks: int) -> dict[str, Any]:
    """What so many viewers saw, all at once."""
    seconds: list[float] = []
    errors: list[str] = []
    await asyncio.gather(*(asyncio.wait_for(visit(url, number, clicks, seconds, errors), LIMIT)
                           for number in range(count)), return_exceptions=True)
    return {"errors": len(errors), "reruns": len(seconds)} | {
        f"p{share}_ms": 1000 * float(np.percentile(seconds, share)) for share in (50, 95) if seconds}


async def visit(url: str, number: int, clicks: int, seconds: list[float], errors: list[str]) -> None:
    """One viewer from the first page to the last, each with an address of its own: 127.0.0.1, .2, ..."""
    chance = random.Random(number)
    pages = [page for page in frame.PAGES if page not in ("home", UPLOADS)]
    photo = photograph(number)
    try:
        async with _viewer.Viewer(url, f"127.0.0.{number + 1}") as viewer:
            first, second = chance.sample(pages, 2)
            answers = [await viewer.open(first)]
            for page in (first, second):
                if page == second:
                    answers.append(await viewer.change_page(page))
                for _ in range(clicks):
                    await asyncio.sleep(chance.random())
                    answers.append(await viewer.rerun())
                    seconds.append(answers[-1].seconds)
            answers += [await viewer.change_page(UPLOADS), await viewer.upload("photo.png", photo)]
            errors += [error for answer in answers for error in answer.errors]
    except BaseException as error:               # also the limit, and a connection that was lost
        errors.append(repr(error))
        raise


def photograph(seed: int) -> bytes:
    """A small gray PNG, another for each viewer."""
    gray = np.random.default_rng(seed).integers(0, 256, (12, 16), np.uint8)
    file = io.BytesIO()
    Image.fromarray(gray).resize((160, 120)).save(file, "PNG")
    return file.getvalue()


def nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@contextlib.contextmanager
def proxy(urls: Sequence[str]) -> Iterator[str]:
    """nginx before some copies, configured as compose.yaml does."""
    program = nginx()
    if not program:
        raise SystemExit("--copies needs nginx: install nginx or nginx-light.")
    port = _server.free_port()
    compose = (store.ROOT / "compose.yaml").read_text("utf-8")
    block = re.search(r"^  nginx:\n    content: \|\n((?: {6}.*\n|\n)+)", compose, re.M)
    assert block, "compose.yaml has no configuration of nginx"
    content = block[1].replace("$$", "$").replace("listen 80;", f"listen 127.0.0.1:{port};").replace(
        "server app:8501;", "".join(f"server {url.removeprefix('http://')};" for url in urls))
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder, "nginx.conf")
        configuration.write_text(NGINX.format(folder=folder, servers=content), "utf-8")
        process = subprocess.Popen([program, "-c", str(configuration), "-e", f"{folder}/errors"])
        try:
            url, end = f"http://127.0.0.1:{port}", time.monotonic() + 20
            while time.monotonic() < end and process.poll() is None:
                with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health"):
                    break
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.wait(10)
