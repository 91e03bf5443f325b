"""The app as a process of its own on this machine: started, measured from outside, ended."""
import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ae_core import store

START_SECONDS = 90


@dataclass(frozen=True)
class Server:
    url: str
    pid: int

    def cpu(self) -> float:
        """Seconds of processor that the server has used, exact to the nanosecond; Linux knows the clock of another
        process by this number (clock_getcpuclockid)."""
        return time.clock_gettime(~self.pid << 3 | 2)

    def idle(self, quiet: float = 0.002) -> float:
        """Wait until the server rests, and return `cpu()`."""
        before = self.cpu()
        for _ in range(200):
            time.sleep(0.05)
            now = self.cpu()
            if now - before < quiet:
                break
            before = now
        return now

    def rss_mb(self) -> float:
        """Megabytes of memory that the server holds now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def served(script: str | Path = "app.py", environment: Mapping[str, str] | None = None,
           root: Path = store.ROOT, log: IO[bytes] | None = None) -> Iterator[Server]:
    """A Streamlit server that runs a script, on a free port of this machine alone; `log` gets all that it says."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true", f"--server.port={port}",
         "--server.address=127.0.0.1"], cwd=root, stdout=log or subprocess.DEVNULL, stderr=log,
        env={**os.environ, **(environment or {}), "PYTHONPATH": str(root)})
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process)
        yield Server(url, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _wait(url: str, process: subprocess.Popen) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health"):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the Streamlit server at {url} did not start in {START_SECONDS} s")
