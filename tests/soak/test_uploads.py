"""What a visitor uploaded goes with the visitor: at once where the tab was closed, later where the connection broke."""
import asyncio
import http.client
import re
import urllib.request
import uuid

import pytest

from benchmarks import _server, _viewer
from tests.conftest import places
from tests.soak.test_jobs import wait

FILE = bytes(3 * 2**20)
WAIT = 15                        # seconds in which a broken connection may come back
LOOKED = 5.5                     # and for which the server repeats how much it holds


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    given = places(tmp_path_factory.mktemp("server")) | {"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": str(WAIT)}
    with _server.served(environment=given) as server:
        yield server.url


def held(url):
    """Bytes of all uploads that the server holds."""
    told = urllib.request.urlopen(f"{url}/_stcore/metrics").read().decode()
    sizes = re.findall(r'cache_memory_bytes\{.*UploadedFileManager.*\} (\S+)', told)
    return sum(int(float(size)) for size in sizes)


async def uploaded(url):
    """A tab on Search that has uploaded a file."""
    viewer = await _viewer.Viewer(url).__aenter__()
    await viewer.open("search", "where=Your+pictures")
    assert (await viewer.upload("a.zip", FILE)).errors == ()
    return viewer


async def until_held(url, size):
    while held(url) != size:
        await asyncio.sleep(0.2)


def test_a_closed_tab_takes_its_uploads_along(url):
    """12 uploads of 90 MB were held for 150 s."""
    async def visit():
        viewer = await uploaded(url)
        await until_held(url, len(FILE))
        await viewer.socket.close(1001)          # as browsers do
    _viewer.run(visit())
    wait(lambda: held(url) == 0, WAIT - 2)


def test_a_broken_connection_is_waited_for_and_then_given_up(url):
    """Streamlit itself looks only when the next one breaks."""
    async def visit():
        viewer = await uploaded(url)
        await until_held(url, len(FILE))
        viewer.socket.transport.abort()
        await asyncio.sleep(LOOKED)
        return held(url)
    assert _viewer.run(visit()) == len(FILE)
    wait(lambda: held(url) == 0)


def test_an_upload_that_ends_after_its_tab_is_not_kept(url):
    async def visit():
        viewer = await uploaded(url)
        edge = uuid.uuid4().hex
        body = (f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="b.zip"\r\n\r\n').encode() + \
            FILE + f"\r\n--{edge}--\r\n".encode()
        late = http.client.HTTPConnection(viewer.place)
        late.putrequest("PUT", f"/_stcore/upload_file/{viewer.session}/{uuid.uuid4()}")
        for name, value in (viewer.cookie | {"X-Xsrftoken": viewer.token, "Content-Length": str(len(body)),
                            "Content-Type": f"multipart/form-data; boundary={edge}"}).items():
            late.putheader(name, value)
        late.endheaders(body[:2**20])
        await until_held(url, len(FILE))         # by then the server reads it
        await viewer.socket.close(1001)
        await until_held(url, 0)
        late.send(body[2**20:])
        status = late.getresponse().status
        await asyncio.sleep(LOOKED)
        return status
    assert _viewer.run(visit()) == 204 and held(url) == 0
