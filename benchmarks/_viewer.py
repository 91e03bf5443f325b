"""A browser's tab without the browser: it speaks Streamlit's own protocol with a server on this machine.

A tab opens a web socket, asks for runs of a page by a BackMsg, and gets ForwardMsgs up to script_finished; pictures and
uploads go over HTTP. What a tab keeps (messages by hash, pictures by address) is kept here, so that the server sends as
little as to a browser.
"""
import asyncio
import contextlib
import http.client
import re
import time
import uuid
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import FileUploaderState, FileURLsRequest, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates

MEDIA = re.compile(rb"/media/[0-9a-f]+\.\w+")


@dataclass(frozen=True)
class Answer:
    seconds: float               # from the request to the last message and picture
    bytes: int                   # of messages and pictures
    errors: tuple[str, ...]      # exceptions that the page shows instead of itself


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns, in a thread of its own: the caller's may have a loop already, as Playwright's has."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, work).result()


class Viewer:
    """One tab. `source` is the address that it comes from: proxies send each address to one copy of the app."""

    def __init__(self, url: str, source: str = "127.0.0.1", patience: float = 120) -> None:
        self.place, self.source, self.patience = urlsplit(url).netloc, source, patience
        self.session = ""
        self.pages: dict[str, str] = {}              # hash of the script by the name in the address
        self.widgets: dict[str, list[str]] = {}      # ids by kind, in the order in which they were last drawn
        self.values: dict[str, WidgetState] = {}     # what this viewer has changed
        self.page_hash = self.query = ""
        self.known: set[str] = set()
        self.fetched: set[bytes] = set()

    async def __aenter__(self) -> "Viewer":
        given = (await self._http("GET", "/_stcore/health"))[1]
        cookies = dict(re.findall(r"(?:^|, )([\w-]+)=([^;,]*)", given))     # the server's, and that of a proxy
        self.cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        self.token = cookies.get("_streamlit_xsrf", "")
        self.socket = await websockets.connect(
            f"ws://{self.place}/_stcore/stream", subprotocols=[websockets.Subprotocol("streamlit")], max_size=None,
            additional_headers=self.cookie, local_addr=(self.source, 0), open_timeout=self.patience)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.socket.close()

    async def open(self, page: str = "", query: str = "") -> Answer:
        """Run a page as its own address does, "" for the first."""
        self.query = query
        return await self._run(page_name=page)

    async def change_page(self, page: str) -> Answer:
        """Run another page of the navigation."""
        self.query, self.page_hash, self.values = "", self.pages[page], {}
        return await self._run(page_script_hash=self.page_hash)

    async def rerun(self, change: WidgetState | None = None) -> Answer:
        """Run the page again, after a widget was changed or as it is."""
        if change:
            self.values[change.id] = change
        return await self._run(page_script_hash=self.page_hash)

    async def upload(self, name: str, content: bytes, uploader: int = 0) -> Answer:
        """Give a file to one of the uploaders of the page."""
        start, ident = time.perf_counter(), self.widgets["file_uploader"][uploader]
        await self._send(BackMsg(file_urls_request=FileURLsRequest(
            request_id=uuid.uuid4().hex, file_names=[name], session_id=self.session)))
        while (message := ForwardMsg.FromString(await self._receive())).WhichOneof("type") != "file_urls_response":
            pass
        urls = message.file_urls_response.file_urls[0]
        edge = uuid.uuid4().hex
        body = (f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
                f"Content-Type: application/octet-stream\r\n\r\n").encode() + content + f"\r\n--{edge}--\r\n".encode()
        status, _, _ = await self._http("PUT", urls.upload_url, body, self.cookie | {
            "X-Xsrftoken": self.token, "Content-Type": f"multipart/form-data; boundary={edge}"})
        if status >= 300:
            return Answer(time.perf_counter() - start, 0, (f"the upload was refused: {status}",))
        files = FileUploaderState(uploaded_file_info=[
            UploadedFileInfo(name=name, size=len(content), file_id=urls.file_id, file_urls=urls)])
        self.values[ident] = WidgetState(id=ident, file_uploader_state_value=files)
        run = await self._run(page_script_hash=self.page_hash)
        return Answer(time.perf_counter() - start, run.bytes, run.errors)

    async def _run(self, **page: Any) -> Answer:
        start = time.perf_counter()
        await self._send(BackMsg(rerun_script=ClientState(
            query_string=self.query, widget_states=WidgetStates(widgets=self.values.values()),
            cached_message_hashes=self.known, **page)))
        size, media = 0, set()
        errors: list[str] = []
        drawn: dict[str, list[str]] = {}
        while True:
            raw = await self._receive()
            message, size = ForwardMsg.FromString(raw), size + len(raw)
            media.update(MEDIA.findall(raw))
            if message.metadata.cacheable:
                self.known.add(message.hash)
            kind = message.WhichOneof("type")
            if kind == "delta":
                self._draw(message.delta.new_element, drawn, errors)
            elif kind == "new_session":
                self.session = message.new_session.initialize.session_id
                self.page_hash = message.new_session.page_script_hash or self.page_hash
                self._note(message.new_session.app_pages)
            elif kind == "navigation":
                self.page_hash = message.navigation.page_script_hash or self.page_hash
                self._note(message.navigation.app_pages)
            elif kind == "page_info_changed":
                self.query = message.page_info_changed.query_string
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                break
        self.widgets = drawn
        for path in media - self.fetched:
            size += len((await self._http("GET", path.decode()))[2])
        self.fetched |= media
        return Answer(time.perf_counter() - start, size, tuple(errors))

    def _draw(self, element: Any, drawn: dict[str, list[str]], errors: list[str]) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            errors.append(f"{element.exception.type}: {element.exception.message}")
        elif kind and (ident := getattr(getattr(element, kind), "id", "")):
            drawn.setdefault(kind, []).append(ident)

    def _note(self, pages: Any) -> None:
        self.pages |= {page.url_pathname: page.page_script_hash for page in pages}

    async def _send(self, message: BackMsg) -> None:
        await self.socket.send(message.SerializeToString())

    async def _receive(self) -> bytes:
        return await asyncio.wait_for(self.socket.recv(decode=False), self.patience)

    async def _http(self, method: str, path: str, body: bytes | None = None,
                    headers: dict[str, str] | None = None) -> tuple[int, str, bytes]:
        """A connection for each: the server ends those that were silent for a while."""
        def ask() -> tuple[int, str, bytes]:
            with contextlib.closing(http.client.HTTPConnection(
                    self.place, timeout=self.patience, source_address=(self.source, 0))) as connection:
                connection.request(method, path, body, headers or {})
                answer = connection.getresponse()
                return answer.status, answer.getheader("Set-Cookie", ""), answer.read()
        return await asyncio.to_thread(ask)
