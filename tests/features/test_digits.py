"""Digits on request: the digit asked for is the digit that comes, in the style that was asked for."""
import cv2
import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from streamlit.testing.v1 import AppTest

from ae_core import latent, model
from ae_core.features import digits, latent_map
from ae_core.pictures import datasets
from tests import conftest

PAGE = "pages/digits.py"


@pytest.fixture(scope="module")
def cvae():
    return model.load(conftest.trained("digits_cvae"))


def upright(pictures):
    """Digits (n, 28, 28, 1) with their slant and place taken away, as rows: what is written, not how."""
    rows = []
    for picture in pictures[..., 0]:
        moments = cv2.moments(picture)
        skew = moments["mu11"] / max(moments["mu02"], 1e-2)
        x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
        rows.append(cv2.warpAffine(picture, np.float32([[1, -skew, 14 - x + skew * y], [0, 1, 14 - y]]), (28, 28)))
    return np.stack(rows).reshape(len(pictures), -1)


@pytest.fixture(scope="module")
def reader():
    """A classifier that has nothing in common with the model: trained on test digits, which the model never saw."""
    pictures, labels = datasets.samples("mnist")
    order = np.random.default_rng(0).permutation(len(labels))
    rows, labels = upright(pictures[order]), labels[order]
    classifier = make_pipeline(PCA(50, random_state=0), SVC(C=10)).fit(rows[:8000], labels[:8000])
    assert classifier.score(rows[8000:], labels[8000:]) >= 0.97
    return lambda made: classifier.predict(upright(made))


def test_a_generated_digit_is_the_digit_asked_for(cvae, reader):
    labels = np.arange(1000) % 10
    styles = np.random.default_rng(1).normal(size=(1000, 2))
    assert (reader(cvae.decode(styles, labels)) == labels).mean() >= 0.97


@pytest.mark.parametrize(("first", "second"), [(8, 3), (1, 7), (4, 9), (0, 6)])
def test_half_and_half_lies_between(cvae, reader, first, second):
    """Nearer to both ends than they are to each other, in every style; and mostly read as one of the two."""
    halves = []
    for seed in range(50):
        ends = digits.blend(cvae, first, second, digits.draw_style(seed), 3).pictures
        one, half, other = ends
        apart = np.linalg.norm(one - other)
        assert np.linalg.norm(one - half) < apart and np.linalg.norm(half - other) < apart
        halves.append(half)
    assert np.isin(reader(np.stack(halves)), [first, second]).mean() > 0.5


def test_blend_begins_and_ends_with_the_plain_digits(cvae):
    mixed = digits.blend(cvae, 8, 3, (0.5, -0.5), 5)
    assert np.allclose(mixed.shares, [0, 0.25, 0.5, 0.75, 1])
    assert np.allclose(mixed.pictures[[0, -1]], cvae.decode([[0.5, -0.5]] * 2, [8, 3]), atol=1e-5)


def test_style_sheet_is_digits_down_and_one_dimension_across(cvae):
    sheet = digits.style_sheet(cvae, 1, -1.5, 1.5, 4, style=(0.3, 9)).reshape(10, 4, 28, 28, 1)
    assert np.allclose(sheet[7, 0], cvae.decode([[0.3, -1.5]], 7)[0], atol=1e-5)
    assert np.allclose(sheet[2, 3], cvae.decode([[0.3, 1.5]], 2)[0], atol=1e-5)


def test_style_atlas_has_the_largest_second_number_on_top(cvae):
    atlas = digits.style_atlas(cvae, 5, (-2, 2, -1, 1), 3)
    assert atlas.shape == (3, 3, 28, 28) and atlas.dtype == np.uint8
    assert np.abs(atlas[0, 2].astype(int) - digits.decode_style(cvae, 5, (2, 1))).max() <= 1


def test_a_number_is_written_in_one_style(cvae):
    line = digits.write(cvae, "2026", (0.2, 0.4))
    assert line.shape == (1, 28, 4 * 28, 1)
    assert np.array_equal(line[0, :, :28], line[0, :, 56:84])
    assert np.allclose(line[0, :, 84:], cvae.decode([[0.2, 0.4]], 6)[0], atol=1e-5)


def test_a_tour_is_closed_and_repeats_for_its_seed():
    styles = digits.tour(3, 40)
    assert np.array_equal(styles[0], styles[-1]) and np.array_equal(styles[0], digits.draw_style(3))
    assert np.array_equal(styles, digits.tour(3, 40)) and not np.array_equal(styles, digits.tour(4, 40))
    assert np.array_equal(digits.at(styles, 0.0), styles[0])
    assert np.linalg.norm(np.diff(styles, axis=0), axis=1).max() < 1


# --- the page --------------------------------------------------------------------------------------------

def opened(**address):
    page = AppTest.from_file(f"../../{PAGE}", default_timeout=60)
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


@pytest.fixture
def weights():
    return conftest.trained("digits_cvae")


def test_page_opens_on_a_finished_blend_of_8_and_3(weights):
    page = opened()
    assert not page.info and not page.warning
    assert page.selectbox(key="from").value == "8" and page.selectbox(key="into").value == "3"
    assert page.text_input(key="number").value == "2026"
    assert not dict(page.query_params)           # untouched, it keeps nothing in its address


@pytest.mark.parametrize(("key", "value"), [
    ("digit", "42"), ("digit", "<script>alert(1)</script>"), ("at", "nan,0"), ("at", "1e9,0"), ("at", "1"),
    ("weight", "nan"), ("weight", "1e9"), ("hand", "inf"), ("hand", "<script>"), ("number", "<script>"),
    ("from", "x"), ("range", "1e9"), ("across", "z")])
def test_bad_addresses_fall_back_with_one_sentence(weights, key, value):
    page = opened(**{key: value})
    assert len(page.info) == 1 and "instead" in page.info[0].value
    assert "script" not in page.info[0].value


def test_page_keeps_its_state_in_the_address(weights):
    page = opened(digit="4", at="1.000,-1.500", weight="0.250", hand="17", number="1859")
    assert page.segmented_control(key="digit").value == "4" and page.text_input(key="number").value == "1859"
    assert page.query_params["at"] == "1.000,-1.500" and page.query_params["weight"] == "0.250"
    page.button[0].click().run()
    assert page.query_params["hand"] == "18"


def test_a_release_on_the_pad_moves_the_style(weights):
    page = opened()
    page.session_state["style"] = {"value": [1.25, -0.75]}
    page.run()
    assert page.query_params["at"] == "1.250,-0.750"


def test_an_older_link_to_a_hand_opens_in_its_style(weights):
    page, style = opened(hand="17", number="1859"), digits.draw_style(17)
    assert page.query_params["at"] == f"{style[0]:.3f},{style[1]:.3f}"
    assert not page.info and opened(across="z₂").segmented_control(key="section").value == "Sheet"


def test_a_style_far_from_all_real_ones_is_held_at_their_border(weights):
    page = opened()
    page.session_state["style"] = {"value": [-3.9, 3.9]}
    page.run()
    codes = latent_map.stored_codes("digits_cvae").mean
    within, style = latent.oval(codes, digits.REAL), [float(part) for part in page.query_params["at"].split(",")]
    assert abs(np.linalg.norm(within.inverse @ (style - within.center)) - 1) < 0.01
    inside = np.linalg.norm((codes - within.center) @ within.inverse.T, axis=1) <= 1
    assert inside.mean() == pytest.approx(digits.REAL, abs=0.001)


def test_page_without_weights_names_the_command(own_store):
    page = opened()
    assert "python -m ae_core train digits_cvae" in page.warning[0].value
