"""The live components without a browser: what a client sends, how pictures are packed, what bad arguments say."""
import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import live
from tests.browser import live_demo

DEMO = Path(live_demo.__file__)
TILES = np.zeros((2, 2, 4, 4), np.uint8)
MIXER = {"values": [0, 0], "exact": TILES[0, 0], "alt": "picture"}
PAD = {"bounds": (-1, 1, -1, 1), "label": "plane", "alt": "picture"}


# --- What a client sends is never trusted; no browser needed ---


def _demo(**state):
    test = AppTest.from_file(str(DEMO), default_timeout=30)
    for key, value in state.items():
        test.session_state[key] = {"value": value}
    test.run()
    assert not test.exception
    return dict(text.value.split("=") for text in test.text)


def test_values_come_from_session_state():
    shown = _demo(first=[1.5, -1], strip={"at": 0.25, "turn": 3, "epoch": 0})
    assert shown["first"] == "1.5000,-1.0000"
    assert shown["strip"] == "0.2500"


@pytest.mark.parametrize(
    "garbage", [None, "<script>", [], [1], [1, 2, 3], ["a", None], {"at": [[], {}]}, 5, True]
)
def test_garbage_becomes_the_default(garbage):
    shown = _demo(first=garbage, sketch=garbage)
    assert shown["first"] == "0.5000,-0.5000"
    assert shown["ink"] == "0"


def test_wild_numbers_are_clamped():
    assert _demo(first=[1e9, float("-inf")])["first"] == "2.0000,-2.0000"
    assert _demo(first=[float("nan"), 10**400])["first"] == "0.5000,-0.5000"
    assert _demo(strip=-1e9)["strip"] == "-1.0000"
    assert _demo(strip=float("nan"))["strip"] == "0.0000"


@pytest.mark.parametrize(("reported", "found"), [
    (None, (False, 1, [])), ("x", (False, 1, [])), ([1], (False, 1, [])), ([1, 0.5], (False, 1, [])),
    ([1, 2, "0"], (False, 1, [])), ([1, 99, 3, 3, -1, 4], (True, 4, [3])), ([0, -5], (False, 0, [])),
    ([1, 2] + [0] * 5, (False, 1, []))])
def test_a_hunt_takes_what_is_in_bounds(reported, found):
    def page(reported):
        import numpy as np
        import streamlit as st

        from pages.shared import live
        if reported is not None:
            st.session_state["hunt"] = {"value": reported}
        found = live.hunt("hunt", np.zeros((4, 4, 4), np.uint8), np.arange(4.0), np.arange(4) == 3, names=("a", "b"))
        st.text(repr(tuple(found)))
    test = AppTest.from_function(page, args=(reported,)).run()
    assert not test.exception and test.text[0].value == repr(found)


def test_a_hunt_wants_a_score_and_a_flag_for_each_picture():
    with pytest.raises(ValueError, match="one finite score and one flag"):
        live.hunt("h", TILES[0], np.array([1.0, np.nan]), np.zeros(2, bool), names=("a", "b"))


@pytest.mark.parametrize("text", ["", "!!!", "AAAA", "ÄÖ", base64.b64encode(b"x" * 99).decode()])
def test_broken_drawings_are_no_drawing(text):
    assert _demo(sketch=text)["ink"] == "0"


def test_a_drawing_arrives_as_gray_levels():
    ink = np.zeros((112, 112), np.uint8)
    ink[50:60, 50:60] = 255
    assert _demo(sketch=base64.b64encode(ink.tobytes()).decode())["ink"] == "100"


# --- Sheets and shapes ---


def test_sheets_hold_the_pictures_unchanged():
    tiles = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5, 3), np.uint8)
    sheet = live.encode_grid(tiles)
    assert (sheet.rows, sheet.columns, sheet.height, sheet.width, sheet.channels) == (2, 3, 4, 5, 3)
    shown = tiles.swapaxes(1, 2).reshape(8, 15, 3)
    assert np.array_equal(_decode(sheet), shown)


def _decode(sheet):
    raw = np.frombuffer(base64.b64decode(sheet.url.split(",")[1]), np.uint8)
    return cv2.imdecode(raw, cv2.IMREAD_COLOR_RGB)


def test_a_strip_is_nearly_square():
    sheet = live.encode_strip(np.full((11, 4, 4), 7, np.uint8))
    assert (sheet.rows, sheet.columns, sheet.count) == (3, 4, 11)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: live.encode_grid(TILES / 255), "multiply pictures in 0..1 by 255"),
        (lambda: live.encode_strip(TILES[0, 0]), "(n, h, w[, 3])"),
        (lambda: live.pad("p", TILES, **PAD | {"bounds": (1, -1, 0, 1)}), "x0 < x1"),
        (lambda: live.pad("p", TILES, **PAD, warp=True), "probabilities"),
        (lambda: live.pad("p", TILES, **PAD, backdrop="sky"), "plain, grid, points, both"),
        (lambda: live.pad("p", TILES, **PAD, dots=np.zeros(3)), "(n, 2)"),
        (lambda: live.pad("p", TILES, **PAD, dots=np.zeros((3, 2)), dot_labels=[0, 1]), "one a point"),
        (lambda: live.pad("p", TILES, **PAD, neighbors=live.Neighbors(np.zeros((3, 2)), TILES[0])),
         "one picture a point"),
        (lambda: live.pad("p", TILES, **PAD, exact=TILES), "as the sheet is"),
        (lambda: live.filmstrip("f", TILES[0][:1], label="l", alt="a"), "two or more"),
        (lambda: live.filmstrip("f", TILES[0], label="l", alt="a", captions=["x"]), "one a frame"),
        (lambda: live.filmstrip("f", TILES[0], label="l", alt="a", stop=0), "two different"),
        (lambda: live.mixer("m", TILES, ["one"], **MIXER), "one row a label"),
        (lambda: live.mixer("m", TILES[:, :1], ["one", "two"], **MIXER), "of two frames or more"),
        (lambda: live.mixer("m", TILES, ["one", "two"], **MIXER | {"exact": TILES}), "as the sheet"),
        (lambda: live.sketchpad("s", label="l", alt="a", size=0), "positive"),
        (lambda: live.divider("d", b"", b"", label="l", size=(0, 5), names=("a", "b"), alts=("a", "b")),
         "two positive numbers"),
    ],
)
def test_wrong_arguments_are_explained(call, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        call()


def test_probability_view_speaks_latent_units():
    def script():
        import numpy as np
        import streamlit as st

        from pages.shared import live

        tiles = np.zeros((3, 3, 4, 4), np.uint8)
        point = live.pad("p", tiles, bounds=(0.1, 0.9, 0.1, 0.9), warp=True, point=(9, 1), label="l", alt="a")
        st.text(f"{point[0]:.3f} {point[1]:.3f}")

    test = AppTest.from_function(script, default_timeout=30).run()
    assert not test.exception
    assert test.text[0].value == "1.282 1.000"


@pytest.mark.parametrize(("lacking", "model", "made"),
                         [((), "a", 0), (("a",), "a", 1), (("b",), "a", 0), ((), None, 1)])
def test_an_atlas_is_made_only_where_no_network_runs(lacking, model, made):
    def script():
        import numpy as np
        import streamlit as st

        from pages.shared import live

        def atlas():
            st.text("made")
            return np.zeros((3, 3, 4, 4), np.uint8)
        decoder = live.Decoder(st.session_state.model, (np.zeros(2), np.eye(2)))
        live.pad("p", atlas, bounds=(0, 1, 0, 1), label="l", alt="a", grid=np.zeros((2, 2, 4, 4), np.uint8),
                 exact=np.zeros((4, 4), np.uint8), decoder=decoder)

    test = AppTest.from_function(script, default_timeout=30)
    test.session_state["model"], test.session_state[live.state.LACKING] = model, set(lacking)
    test.run()
    assert not test.exception and len(test.text) == made


@pytest.mark.parametrize(
    ("reported", "shown"),
    [
        (None, (0.5, -0.5)),
        ({"value": [0.25, 1]}, (0.25, 1.0)),
        ({"value": {"at": [9e9, -9e9], "turn": 1, "epoch": 0}}, (1.0, -1.0)),
        ({"value": [float("nan"), "x"]}, (0.5, -0.5)),
        ({"value": [0.1]}, (0.5, -0.5)),
        ({"value": "<script>"}, (0.5, -0.5)),
    ],
)
def test_a_mixer_shows_what_was_reported_within_bounds(reported, shown):
    def script():
        import numpy as np
        import streamlit as st

        from pages.shared import live

        values = live.mixed("m", [0.5, -0.5])
        tiles = np.zeros((2, 3, 4, 4, 3), np.uint8)
        again = live.mixer("m", tiles, ["one", "two"], values=[0.5, -0.5], exact=tiles[0, 0], alt="a")
        st.text(f"{values == again} {values}")

    test = AppTest.from_function(script, default_timeout=30)
    if reported is not None:
        test.session_state["m"] = reported
    test.run()
    assert not test.exception
    assert test.text[0].value == f"True {shown}"


# --- clouds and origins ---


CLOUD = live.Cloud((0.5, -0.5), (0.1, 0.2), 0)
BOUNDS = (-2, 2, -1, 1)


@pytest.mark.parametrize(("at", "wanted"), [
    (None, CLOUD), ([1, 2, 3], CLOUD), ("text", CLOUD), ([None] * 5, CLOUD),
    ([9, 9, 9, 9, 999], live.Cloud((2, 1), (live.WIDEST, live.WIDEST), live.CLOUD_DRAWS - 1)),
    ([float("nan"), 0, 0.5, float("inf"), 1.7], live.Cloud((0.5, 0), (0.5, live.WIDEST), 1))])
def test_a_cloud_is_finite_and_on_its_plane_whatever_is_asked(at, wanted):
    assert live.held_cloud("cloud", CLOUD, BOUNDS, at) == wanted


def test_the_point_of_a_plain_autoencoder_has_no_spread():
    point = live.Cloud((0.5, -0.5), (0.0, 0.0), 0)
    assert live.held_cloud("point", point, BOUNDS, [1, 0, 1, 1, 3]) == live.Cloud((1, 0), (0, 0), 3)
    np.testing.assert_allclose(point.samples(), np.tile([0.5, -0.5], (live.CLOUD_COUNT, 1)))


def test_draws_of_a_cloud_are_those_of_its_distribution():
    drawn = np.concatenate([live.Cloud((1, -1), (0.5, 2), draw).samples() for draw in range(live.CLOUD_DRAWS)])
    np.testing.assert_allclose(drawn.mean(axis=0), [1, -1], atol=0.4)
    np.testing.assert_allclose(drawn.std(axis=0), [0.5, 2], rtol=0.15)


@pytest.mark.parametrize("points", [np.zeros((3, 2)), np.zeros((4, 3)), np.full((4, 2), np.nan)])
def test_every_new_picture_needs_a_place(points):
    with pytest.raises(ValueError, match="one finite x, y a picture"):
        live.origins("new", TILES.reshape(4, 4, 4), points, bounds=BOUNDS, label="plane")
