"""How the browser tests open a page and wait: for what is to be seen, never for seconds."""
from typing import Any

from playwright.sync_api import TimeoutError as TooLate

READY = 90_000                   # ms: the first page of a fresh server on a busy machine


def settle(page: Any) -> None:
    """Wait until nothing that was set off is left to happen: see rest.js."""
    page.wait_for_selector("[data-testid=stApp]", timeout=READY)
    painted(page)                                # what has just been done has set off all that it will
    try:
        page.wait_for_function("window.atRest()", timeout=READY)
    except TooLate as error:
        raise AssertionError(f"the page did not come to rest: {page.evaluate('window.unrest()')}") from error


def open_page(page: Any, app: str, name: str, query: str = "") -> None:
    page.goto(f"{app}/{'' if name == 'home' else name}{query}")
    settle(page)


def follow(page: Any, title: str) -> None:
    """Click a page in the navigation and wait until it stands."""
    page.locator("[data-testid=stSidebar] [data-testid=stPageLink-NavLink] p").filter(has_text=title).click()
    page.wait_for_function("title => document.querySelector('h1')?.innerText === title", arg=title, timeout=READY)
    settle(page)


def painted(page: Any) -> None:
    """Wait until what the last event changed is on the screen."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def errors(page: Any) -> list[str]:
    return page.locator("[data-testid=stException], [data-testid=stAlertContentError]").all_inner_texts()


def asked(page: Any, key: str = "at") -> str | None:
    """What the address says under a key."""
    return page.evaluate("key => new URL(location).searchParams.get(key)", key)


def record(page: Any, direction: str) -> list[Any]:
    """A list that all which goes over the page's websockets from now on in one direction is appended to."""
    frames: list[Any] = []
    page.on("websocket", lambda socket: socket.on(direction, lambda frame: frames.append(frame)))
    return frames
