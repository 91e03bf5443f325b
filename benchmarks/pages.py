"""What each page costs the server: its first visit, each rerun, and what is sent for them.

cold_cpu_ms is the processor's time of the first visit on a fresh server, page by page in the order of the navigation,
so that the first one pays for what all of them import; rerun_cpu_ms is the median of the reruns that follow, until the
server rests again. kb is sent for a first visit, messages and pictures. rss_mb is held after all pages. yardstick_ms is
the processor's time of a fixed sum in Python, measured beside each page: a busy machine makes both longer.
"""
import statistics
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import _server, _viewer
from pages.shared import frame

RERUNS = 8


def run(names: Sequence[str] = tuple(frame.PAGES), reruns: int = RERUNS) -> dict[str, Any]:
    """{page: cold_cpu_ms, rerun_cpu_ms, kb} and the memory after all of them."""
    with _server.served() as server:
        server.idle()
        measured = {name: _viewer.run(page(server, name, reruns)) for name in names}
        rows = {name: row for name, (row, _) in measured.items()}
        return {**rows, "rss_mb": server.rss_mb(),
                "yardstick_ms": statistics.median(yardstick for _, yardstick in measured.values())}


async def page(server: _server.Server, name: str, reruns: int) -> tuple[dict[str, float], float]:
    """The row of one page, seen by a viewer of its own, and the yardstick in milliseconds."""
    before = server.cpu()
    async with _viewer.Viewer(server.url) as viewer:
        first = await viewer.open("" if name == "home" else name)
        cold = server.idle() - before
        again = []
        for _ in range(reruns):
            before = server.idle()
            answer = await viewer.rerun()
            again.append(server.idle() - before)
            if answer.errors or first.errors:
                raise RuntimeError(f"{name} shows an error: {(first.errors + answer.errors)[0]}")
    return {"cold_cpu_ms": 1000 * cold, "rerun_cpu_ms": 1000 * statistics.median(again),
            "kb": first.bytes / 1000}, yardstick()


def yardstick() -> float:
    start = time.process_time()
    sum(range(3_000_000))
    return 1000 * (time.process_time() - start)
