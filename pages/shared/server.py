"""What Streamlit's own server gives this app beyond pages: who a visitor is, what a browser may load, models, silence.

A visitor is known by a random secret in a cookie of the browser, never by an address. Only its hash is ever written
down: it is the `owner` of the runs and models that were made with it. Where a browser keeps no cookie, as in a frame of
another site, the secret lasts as long as the page stays open.
"""
import asyncio
import contextvars
import functools
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, net_util
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from ae_core import guard
from ae_core.own import limits

HALVES = ("encoder", "decoder")
PACKED = 8                       # models whose packed halves are kept: 1 MB each, faces 3
COOKIE = "autoencoder_lab_owner"
YEAR = 365 * 24 * 3600
SHORTEST = 24                    # characters of a secret; a shorter one can be guessed, so it is none
# Scripts of the live components and their Workers are blobs; Streamlit needs styles and evaluates no strings but
# WebAssembly. Nothing is ever fetched from another address, so a picture in a stranger's text cannot call home.
POLICY = "; ".join((
    "default-src 'self'", "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:", "worker-src 'self' blob:",
    "style-src 'self' 'unsafe-inline'", "img-src 'self' data: blob:", "media-src 'self' data: blob:",
    "font-src 'self' data:", "connect-src 'self' ws: wss: data: blob:", "frame-src 'self' blob: data:",
    "object-src 'none'", "base-uri 'self'", "form-action 'self'"))

# Asked for a foreign origin, Streamlit would look up this machine's own address on the internet, and wait for it.
net_util.get_external_ip = lambda: None
for name in limits.LIMITS:
    limits.most(name)            # a slip in the environment is told at the start, not to a visitor


class Visitors:
    """Gives every browser its secret, and every answer the policy."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, _noting_the_end(receive), send)
            return
        headers = dict(scope["headers"])
        fresh = None if _kept(_cookies(headers.get(b"cookie", b"").decode("latin-1"))) else secrets.token_urlsafe(24)
        secure = scope.get("scheme") == "https" or headers.get(b"x-forwarded-proto") == b"https"

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode()),
                                      (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin")]
                if fresh and b"text/html" in dict(message["headers"]).get(b"content-type", b""):
                    message["headers"].append((b"set-cookie", _cookie(fresh, secure).encode()))
            await send(message)
        await self.app(scope, receive, answer)
        if upload := UPLOAD.search(scope["path"]):
            _drop_late(upload[1])


def _cookie(secret: str, secure: bool) -> str:
    return f"{COOKIE}={secret}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")


def _cookies(text: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(text).items()}
    except CookieError:
        return {}


def _kept(cookies: Mapping[str, str]) -> str | None:
    """The secret among cookies, or None."""
    secret = cookies.get(COOKIE, "")
    return secret if len(secret) >= SHORTEST else None


def owner() -> str:
    """Who the visitor is, as a hash of the browser's secret; where it keeps none, of one that lasts the visit."""
    return _hash(_kept(st.context.cookies) or
                 st.session_state.setdefault("owner_secret", secrets.token_urlsafe(24)))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:32]


def is_remembered() -> bool:
    """Whether the browser keeps the visitor's secret beyond this visit; a foreign frame often does not."""
    return _kept(st.context.cookies) is not None


# --- uploads, and those of who left --------------------------------------------------------------------------

def _naming(add: Callable[..., None]) -> Callable[..., None]:
    """Every part of an upload's name is one that can be shown; of a NUL, which a browser never sends, pages would die.
    """
    def added(manager: MemoryUploadedFileManager, session_id: str, file: UploadedFileRec) -> None:
        parts = [guard.file_name(part, 255) for part in guard.split(file.name)]
        add(manager, session_id, file._replace(name="/".join(parts) or "file"))
    return added


MemoryUploadedFileManager.add_file = _naming(MemoryUploadedFileManager.add_file)     # type: ignore[method-assign]

GOING_AWAY = 1001                # how a browser ends the connection of a tab that is closed or loaded again
UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/")
_closed = contextvars.ContextVar("closed", default=False)
_expected: dict[str, asyncio.TimerHandle] = {}       # sessions whose connection broke, until they are given up


def _noting_the_end(receive: Receive) -> Receive:
    async def listen() -> Message:
        message = await receive()
        _closed.set(message.get("code") == GOING_AWAY)
        return message
    return listen


def _letting_go(disconnect: Callable[..., None]) -> Callable[..., None]:
    """What a closed tab had goes at once, as nobody can come back to it; a connection that broke is waited for.

    Streamlit keeps both for minutes, and until the next one ends: a dozen uploads of 90 MB were held.
    """
    def disconnected(runtime: Runtime, session_id: str, **options: Any) -> None:
        disconnect(runtime, session_id, **options)
        if before := _expected.pop(session_id, None):
            before.cancel()
        wait = 0 if _closed.get() else config.get_option("server.disconnectedSessionTTL") - 1
        _expected[session_id] = asyncio.get_running_loop().call_later(wait, _give_up, runtime, session_id)
    return disconnected


def _give_up(runtime: Runtime, session_id: str) -> None:
    del _expected[session_id]
    if not runtime.is_active_session(session_id):
        runtime.close_session(session_id)


def _drop_late(session_id: str) -> None:
    """Forget an upload that ended after its session had: nobody would ever clear it away."""
    runtime = Runtime.instance()
    if session_id not in _expected and not runtime.is_active_session(session_id):
        runtime.uploaded_file_mgr.remove_session_files(session_id)


Runtime.disconnect_session = _letting_go(Runtime.disconnect_session)     # type: ignore[method-assign]

# --- models for the browser ----------------------------------------------------------------------------------

def packed(served: Any) -> dict[str, bytes]:
    """Both halves of a model as they are sent, packed once a server. Raises browser.NotForBrowser."""
    return _packed(served.preset.name, *(served.card["sha256"][f"{half}.onnx"] for half in HALVES))


def halves(served: Any) -> dict[str, str]:
    """The address of each half of a model, from where the app is on. It says the checksum, so it can be kept forever.

    A browser is given the half only where its visitor sees the model.
    """
    sums = served.card["sha256"]
    return {half: f"networks/{served.preset.name}/{half}/{sums[f'{half}.onnx']}" for half in HALVES}


def _half(request: Request) -> Response:
    """A packed half of a model; a sentence where there is none, or the browser does not run it."""
    # the server starts without ONNX Runtime
    from ae_core import browser, store

    name, half, checksum = (request.path_params[key] for key in ("name", "half", "checksum"))
    try:
        card = store.card(store.preset(name).name)
        sums, visitor = card["sha256"], _hash(_kept(request.cookies) or secrets.token_urlsafe(24))
        if half not in HALVES or sums.get(f"{half}.onnx") != checksum or not store.visible(card, visitor):
            raise KeyError(half)
        packed = _packed(name, *(sums.get(f"{each}.onnx") for each in HALVES))[half]
    except (KeyError, store.WeightsMissing, store.WeightsDamaged, browser.NotForBrowser) as error:
        # the same of a model that somebody does not share as of one that nobody has
        said = "There is no such half of a model." if isinstance(error, KeyError) else str(error)
        return PlainTextResponse(said, 404)
    return Response(packed, media_type="application/octet-stream",
                    headers={"Cache-Control": "private, max-age=31536000, immutable"})


@functools.lru_cache(PACKED)
def _packed(name: str, *sums: str) -> dict[str, bytes]:
    from ae_core import browser, store

    return browser.pack(store.read(name))


MIDDLEWARE = [Middleware(Visitors)]
ROUTES = [Route("/networks/{name}/{half}/{checksum}", _half)]
