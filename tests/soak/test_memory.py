"""What the server holds, over hundreds of reruns: Streamlit's own collection after each is switched off."""
from benchmarks import _server, _viewer
from tests.conftest import places

PAGES = ("reconstruct", "denoise", "latent_map", "faces")
RERUNS = 8                       # by each viewer; one leaves before the next comes


async def round_of_viewers(url):
    for page in PAGES:
        async with _viewer.Viewer(url) as viewer:
            answers = [await viewer.open(page)] + [await viewer.rerun() for _ in range(RERUNS)]
        assert not any(answer.errors for answer in answers)


def test_memory_stays_bounded_while_viewers_click_and_leave(tmp_path):
    with _server.served(environment=places(tmp_path)) as server:
        held = []
        for _ in range(12):
            _viewer.run(round_of_viewers(server.url))
            server.idle()
            held.append(server.rss_mb())
    print("megabytes after each round:", *map(round, held))
    assert max(held[7:]) < 1.15 * max(held[2:7])     # the first rounds open models; then it goes up and down by a tenth
