"""A drag costs the server nothing, however many look on: the network runs in the browser of whoever drags."""
import asyncio
import math
import threading
import time

from benchmarks import _server, _viewer
from tests.browser import driver
from tests.browser.test_exact import RUNS

SOCKETS, SECONDS = 100, 30


class Audience:
    """Open tabs of one page that listen; `messages` counts what they hear."""

    def __init__(self, url):
        self.url, self.messages = url, []
        self.seated, self.over = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=lambda: _viewer.run(self.sit()))

    def __enter__(self):
        self.thread.start()
        assert self.seated.wait(600)
        return self

    def __exit__(self, *error):
        self.over.set()
        self.thread.join()

    async def sit(self):
        viewers = [_viewer.Viewer(self.url, patience=600) for _ in range(SOCKETS)]
        for viewer in viewers:
            await viewer.__aenter__()
            await viewer.open("latent_map")
        listeners = [asyncio.create_task(self.listen(viewer)) for viewer in viewers]
        self.seated.set()
        while not self.over.is_set():
            await asyncio.sleep(0.1)
        for listener, viewer in zip(listeners, viewers, strict=True):
            listener.cancel()
            await viewer.__aexit__()

    async def listen(self, viewer):
        async for message in viewer.socket:
            self.messages.append(message)


def test_a_drag_before_a_hundred_tabs_costs_the_server_nothing(page):
    with _server.served() as server, Audience(server.url) as audience:
        messages = [driver.record(page, way) for way in ("framesent", "framereceived")]
        page.goto(f"{server.url}/latent_map")
        surface = page.locator(".pad .surface")
        surface.wait_for(timeout=driver.READY)
        page.locator(".pad").evaluate(RUNS)
        server.idle()
        start = server.cpu()
        time.sleep(SECONDS)
        resting = server.cpu() - start

        box = surface.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        for each in (*messages, audience.messages):
            each.clear()
        start, began, pictures = server.cpu(), time.monotonic(), set()
        while (passed := time.monotonic() - began) < SECONDS:
            x, y = (0.5 + 0.4 * math.sin(passed * speed) for speed in (2.1, 3.3))
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            pictures.add(page.locator(".pad .readout").inner_text())
        dragging = server.cpu() - start
        print(f"server: {resting:.2f} s at rest, {dragging:.2f} s while dragging; {len(pictures)} places")
        assert messages == [[], []] and audience.messages == [] and len(pictures) > SECONDS
