"""The app in a frame of a page of another site, as a course puts it there."""
import http.server
import threading

import pytest

from tests.browser.driver import READY
from tests.browser.test_camera import RUNS, START, camera, film  # noqa: F401 -- fixtures

FRAME = "<h1>Course</h1><iframe src='{}' width='1000' height='850'></iframe>"


@pytest.fixture
def course():
    """course(address): the address of a page of another site that shows it in a frame."""
    servers = []

    def serve(address):
        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(FRAME.format(address).encode())

            def log_message(self, *given):
                pass
        servers.append(http.server.ThreadingHTTPServer(("127.0.0.2", 0), Page))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.2:{servers[-1].server_port}"
    yield serve
    for server in servers:
        server.shutdown()


def test_in_a_foreign_frame_one_can_drag_and_reads_how_to_upload(page, app, course):
    page.goto(course(f"{app}/reconstruct?embed=true"))
    inside = page.frame_locator("iframe")
    size = inside.get_by_role("slider", name="Code size")
    size.wait_for(timeout=READY)
    size.press("ArrowRight")
    inside.get_by_text("from 16 numbers").wait_for(timeout=READY)
    inside.get_by_text("Your photo", exact=True).click()
    link = inside.get_by_role("link", name="Open this page by itself")
    link.wait_for(timeout=READY)
    assert link.get_attribute("href") == f"{app}/reconstruct"


def test_what_keeps_the_camera_from_it_is_said(camera, app, course):  # noqa: F811
    camera.goto(course(f"{app}/reconstruct?embed=true&model=Digits, convolutional"))
    inside = camera.frame_locator("iframe")
    inside.get_by_text("Your photo", exact=True).click(timeout=READY)
    inside.get_by_text("The camera, live").click(timeout=READY)
    start = inside.get_by_role("button", name=START)
    start.wait_for(timeout=READY)
    inside.locator(".camera").evaluate(RUNS)
    start.click()
    inside.get_by_text("keeps the camera from it. Open the lab in a tab of its own").wait_for()


def test_by_itself_a_page_says_nothing_of_frames(page, app):
    page.goto(f"{app}/reconstruct")
    page.get_by_text("Your photo", exact=True).click(timeout=READY)
    page.get_by_text("Your pictures (any size").wait_for(timeout=READY)
    assert page.get_by_role("link", name="Open this page by itself").count() == 0
