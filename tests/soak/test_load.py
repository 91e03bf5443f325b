"""Several copies of the app behind nginx, with the configuration of compose.yaml."""
from benchmarks import load
from tests.conftest import missing


def test_viewers_of_two_copies_meet_no_error():
    if not load.nginx():
        missing("nginx is not installed")
    row = load.run(viewers=[8], clicks=2, copies=2)
    assert row[8]["errors"] == row["errors_when_cold"] == 0 and row[8]["reruns"] == 32 and row["copies"] == 2
