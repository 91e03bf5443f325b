"""A first visit over a slow link: 1.6 Mbit/s and 150 ms a round trip, a cold cache, through compose's own nginx.

first_drag_s: from opening the latent map to the first time that its canvas changes under a pointer that drags all the
while. mb: all bytes that a page receives until it is at rest, scripts included; data_mb: those of its own messages and
pictures. early: requests for the plotting library or the code highlighter before a panel is opened.
"""
import os
import shutil
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import _server, load
from pages.shared import frame

BITS, DELAY_MS = 1.6e6, 150
DRAGGED = "latent_map"
SURFACE, PICTURE = ".pad .surface", ".pad .picture"
WAIT = 180                       # seconds for a page
HEAVY = ("plotly", "highlighter", "prism")       # in the name of a script that only panels need
AT_REST = """() => document.querySelector('[data-testid=stExpander]') && !document.querySelector(
    '[data-testid=stSkeleton]') && document.querySelector('.stApp').dataset.testScriptState === 'notRunning'"""


def run(names: Sequence[str] = tuple(frame.PAGES)) -> dict[str, Any]:
    """{page: mb, data_mb, seconds} and, of the latent map, first_drag_s; early counts over all pages."""
    from playwright.sync_api import sync_playwright

    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with _server.served() as server, load.proxy([server.url]) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name in names:                       # the server has seen each page: the link is what is measured
            visit(browser, url, name, slow=False)
        rows = {name: visit(browser, url, name) for name in names}
        drag = first_drag(browser, url)
        browser.close()
    return {"first_drag_s": drag, "early": sum(row.pop("early") for row in rows.values()), **rows}


def visit(browser: Any, url: str, name: str, slow: bool = True) -> dict[str, float]:
    """What one page receives, and when it is at rest."""
    page, received = opened(browser, slow)
    start = time.monotonic()
    page.goto(f"{url}/{'' if name == 'home' else name}", timeout=WAIT * 1000)
    page.wait_for_function(AT_REST, timeout=WAIT * 1000)
    seconds = time.monotonic() - start
    page.context.close()
    return {"mb": sum(received.values()) / 1e6, "data_mb": sum(
        count for address, count in received.items() if "/static/" not in address) / 1e6, "seconds": seconds,
        "early": sum(any(word in address.lower() for word in HEAVY) for address in received)}


def first_drag(browser: Any, url: str) -> float:
    """Seconds from opening the latent map to the first canvas that changes under a dragging pointer."""
    page, _ = opened(browser)
    start = time.monotonic()
    page.goto(f"{url}/{DRAGGED}", timeout=WAIT * 1000)
    surface, picture = (page.locator(part).first for part in (SURFACE, PICTURE))
    surface.wait_for(timeout=WAIT * 1000)

    def seen() -> str:
        return picture.evaluate("canvas => canvas.toDataURL()")
    while time.monotonic() - start < WAIT:
        before, box = seen(), surface.bounding_box()
        for across in (0.5, 0.3, 0.6):           # pressed again each time: the page may have moved below the pointer
            page.mouse.move(box["x"] + across * box["width"], box["y"] + 0.4 * box["height"])
            if across == 0.5:
                page.mouse.down()
        page.wait_for_timeout(50)
        moved = seen()
        page.mouse.up()
        if moved != before:
            return time.monotonic() - start
    raise RuntimeError(f"nothing moved in {WAIT} s")


def opened(browser: Any, slow: bool = True) -> tuple[Any, dict[str, int]]:
    """A page in a fresh profile behind the link, and the bytes it receives, by address."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page = context.new_page()
    wire = context.new_cdp_session(page)
    addresses: dict[str, str] = {}
    received: dict[str, int] = {}
    wire.send("Network.enable")
    if slow:
        wire.send("Network.emulateNetworkConditions", {
            "offline": False, "latency": DELAY_MS, "downloadThroughput": BITS / 8, "uploadThroughput": BITS / 8})

    def count(ident: str, amount: float) -> None:
        address = addresses.get(ident, ident)
        if address.startswith("data:"):          # it came in a message
            return
        received[address] = received.get(address, 0) + int(amount)
    wire.on("Network.requestWillBeSent", lambda event: addresses.update({event["requestId"]: event["request"]["url"]}))
    wire.on("Network.webSocketCreated", lambda event: addresses.update({event["requestId"]: event["url"]}))
    wire.on("Network.loadingFinished", lambda event: count(event["requestId"], event["encodedDataLength"]))
    wire.on("Network.webSocketFrameReceived", lambda event: count(
        event["requestId"], len(event["response"]["payloadData"]) * (0.75 if event["response"]["opcode"] == 2 else 1)))
    return page, received
