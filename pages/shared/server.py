"""What Streamlit's own server gives this app beyond pages: who a visitor is, what a browser may load, and silence.

A visitor is known by a random secret in a cookie of the browser, never by an address. Only its hash is ever written
down: it is the `owner` of the runs and models that were made with it.
"""
import hashlib
import secrets
from http.cookies import CookieError, SimpleCookie

import streamlit as st
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import net_util

COOKIE = "autoencoder_lab_owner"
YEAR = 365 * 24 * 3600
# Scripts of the live components and their Workers are blobs; Streamlit needs styles and evaluates no strings but
# WebAssembly. Nothing is ever fetched from another address, so a picture in a stranger's text cannot call home.
POLICY = "; ".join((
    "default-src 'self'", "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:", "worker-src 'self' blob:",
    "style-src 'self' 'unsafe-inline'", "img-src 'self' data: blob:", "media-src 'self' data: blob:",
    "font-src 'self' data:", "connect-src 'self' ws: wss: data: blob:", "frame-src 'self' blob: data:",
    "object-src 'none'", "base-uri 'self'", "form-action 'self'"))

# Asked for a foreign origin, Streamlit would look up this machine's own address on the internet, and wait for it.
net_util.get_external_ip = lambda: None


class Visitors:
    """Gives every browser its secret, and every answer the policy."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        fresh = None if _secret(headers.get(b"cookie", b"").decode("latin-1")) else secrets.token_urlsafe(24)
        secure = scope.get("scheme") == "https" or headers.get(b"x-forwarded-proto") == b"https"

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode()),
                                      (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin")]
                if fresh and b"text/html" in dict(message["headers"]).get(b"content-type", b""):
                    message["headers"].append((b"set-cookie", _cookie(fresh, secure).encode()))
            await send(message)
        await self.app(scope, receive, answer)


def _cookie(secret: str, secure: bool) -> str:
    return f"{COOKIE}={secret}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")


def _secret(cookies: str) -> str | None:
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return found.value if found and len(found.value) >= 24 else None


def owner() -> str:
    """Who the visitor is, as a hash of the browser's secret; where it keeps none, one that lasts the visit."""
    secret = st.context.cookies.get(COOKIE) or st.session_state.setdefault("owner_secret", secrets.token_urlsafe(24))
    return hashlib.sha256(secret.encode()).hexdigest()[:32]


def is_remembered() -> bool:
    """Whether the browser keeps the visitor's secret beyond this visit; a foreign frame often does not."""
    return COOKIE in st.context.cookies


MIDDLEWARE = [Middleware(Visitors)]
