"""A headless Firefox that protects the canvas, driven by WebDriver BiDi over a web socket (Playwright cannot drive it).

resistFingerprinting is what Tor Browser, LibreWolf and Mullvad Browser ship with: pixels read back from a canvas are
noise. FIREFOX names the program; else firefox-esr or firefox is looked for.
"""
import base64
import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from websockets.sync.client import ClientConnection, connect

PREFERENCES = {
    "privacy.resistFingerprinting": True,
    "privacy.resistFingerprinting.letterboxing": False,
    "dom.w3c_touch_events.enabled": 1,           # as on a device with a touch screen
}
SECONDS = 60
DEEP = """((selector) => {
    const find = (root) => root.querySelector(selector) ??
        [...root.querySelectorAll("*")].map((element) => element.shadowRoot && find(element.shadowRoot)).find(Boolean);
    return find(document);
})"""
# A finger of the system's own, so that Firefox decides as on a phone whether it scrolls: BiDi's only reaches the page.
FINGER = """(async (places) => {
    const { screenX, screenY } = gBrowser.selectedBrowser;
    const { windowUtils, devicePixelRatio } = window;
    const touch = async ([x, y], state) => {
        const [left, top] = [(screenX + x) * devicePixelRatio, (screenY + y) * devicePixelRatio].map(Math.round);
        windowUtils.sendNativeTouchPoint(0, state, left, top, 1, 90);
        await new Promise((done) => setTimeout(done, 20));
    };
    for (const place of places) await touch(place, windowUtils.TOUCH_CONTACT);
    await touch(places.at(-1), windowUtils.TOUCH_REMOVE);
})"""


def program() -> str | None:
    """The Firefox that is installed, or None."""
    return os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")


@contextlib.contextmanager
def started(executable: str) -> Iterator["Firefox"]:
    """A Firefox with a profile of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
        Path(profile, "user.js").write_text("\n".join(lines), "utf-8")
        command = [executable, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0",
                   "--remote-allow-system-access"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        try:
            with connect(f"{_address(process)}/session", max_size=None) as socket:
                yield Firefox(socket)
        finally:
            process.terminate()
            process.wait(30)


def _address(process: subprocess.Popen) -> str:
    for line in process.stderr:
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
            return found[1]
    raise RuntimeError("Firefox ended before it listened for WebDriver BiDi")


class Firefox:
    """One tab: go somewhere, evaluate, move a pointer, take a picture."""

    def __init__(self, socket: ClientConnection):
        self.socket, self.numbers = socket, itertools.count(1)
        self("session.new", capabilities={})
        self.tab = self("browsingContext.getTree")["contexts"][0]["context"]

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its result."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(SECONDS))
            if message.get("id") == number:
                break
        if message["type"] == "error":
            raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
        return message["result"]

    def open(self, url: str, width: int, height: int) -> None:
        self("browsingContext.setViewport", context=self.tab, viewport={"width": width, "height": height})
        self("browsingContext.navigate", context=self.tab, url=url, wait="complete")

    def evaluate(self, expression: str, context: str | None = None) -> Any:
        """The value of a JavaScript expression that JSON can hold; $("...") finds an element, in shadow roots too."""
        answer = self("script.evaluate", expression=f"(async ($) => JSON.stringify(await {expression}))({DEEP})",
                      awaitPromise=True, target={"context": context or self.tab})
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"].get("value", "null"))

    def wait_for(self, expression: str) -> Any:
        """Wait until an expression is true; its value."""
        end = time.monotonic() + SECONDS
        while not (value := self.evaluate(expression)):
            if time.monotonic() > end:
                raise TimeoutError(f"never true: {expression}")
            time.sleep(0.1)
        return value

    def box(self, selector: str) -> tuple[float, float, float, float]:
        """Left, top, width and height of an element that is scrolled into view, in CSS pixels."""
        self.wait_for(f"Boolean($({selector!r}))")
        self.evaluate(f"$({selector!r}).scrollIntoView({{block: 'center'}})")
        box = self.evaluate(f"$({selector!r}).getBoundingClientRect().toJSON()")
        return box["x"], box["y"], box["width"], box["height"]

    def drag(self, *places: tuple[float, float]) -> None:
        """Press the mouse at the first place, jump to each of the others, and let go."""
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0} for x, y in places]
        actions = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:], {"type": "pointerUp", "button": 0}]
        self("input.performActions", context=self.tab, actions=[{"type": "pointer", "id": "mouse", "actions": actions}])

    def swipe(self, *places: tuple[float, float]) -> None:
        """Put a finger down at the first place, move it through the others, and lift it."""
        window = self("browsingContext.getTree", **{"moz:scope": "chrome"})["contexts"][0]["context"]
        self.evaluate(f"{FINGER}({json.dumps(places)})", window)

    def screenshot(self) -> np.ndarray:
        """What the window shows, uint8 (h, w, 3)."""
        data = base64.b64decode(self("browsingContext.captureScreenshot", context=self.tab)["data"])
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
