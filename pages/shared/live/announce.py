"""What has changed on a page, for those who do not see it."""
from pages.shared.live import state

ANNOUNCE = state.component("announce")


def announce(key: str, text: str) -> None:
    """Let a screen reader say a text that is another than this key had before. It takes no room on the page."""
    state.mount(ANNOUNCE, f"said:{key}", {"text": text})
