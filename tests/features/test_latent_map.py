"""The latent space: where its pictures lie, how one walks through it, and what its scores mean."""
import dataclasses

import numpy as np
import pytest
from scipy.stats import norm
from streamlit.testing.v1 import AppTest

from ae_core import latent, model, presets, store
from ae_core.features import latent_map
from ae_core.pictures import datasets
from tests import conftest

PAGE = "../../pages/latent_map.py"
PLANES = [preset.name for preset in presets.PRESETS.values() if preset.code == 2 and not preset.labels]


class Stub:
    """A served model whose picture shows its code: pixel (0, 0) is the first number, (0, 1) the second."""

    def __init__(self, name="digits_vae", **changes):
        self.preset = dataclasses.replace(presets.get(name), **changes)
        self.seen = None

    def decode(self, codes, labels=None):
        codes = np.asarray(codes, np.float32)
        pictures = np.full((len(codes), 28, 28, 1), 0.5, np.float32)
        pictures[:, 0, :2, 0] = codes[:, :2]
        return pictures

    def posterior(self, pictures, labels=None):
        self.seen = pictures
        mean = np.zeros((len(pictures), self.preset.code), np.float32)
        mean[:, 0] = 2.0
        return mean, np.zeros_like(mean)


def flat(points, bounds=(-1, 1, -1, 1)):
    """The plane of a two-dimensional model."""
    return latent_map.Plane(points, bounds, ("x", "y"), np.zeros(2, np.float32), np.eye(2, dtype=np.float32))


# --- where to decode -------------------------------------------------------------------------------------

def test_lattice_runs_from_the_upper_left():
    codes = latent.lattice((-2, 4, -1, 1), 3).reshape(3, 3, 2)
    assert codes[0, 0].tolist() == [-2, 1] and codes[0, 2].tolist() == [4, 1] and codes[2, 0].tolist() == [-2, -1]
    assert codes[1, 1].tolist() == [1, 0]


def test_lattice_of_cell_centers_leaves_half_a_cell_at_the_edges():
    codes = latent.lattice((0, 1, 0, 1), 4, centers=True).reshape(4, 4, 2)
    assert codes[0, 0].tolist() == [0.125, 0.875] and codes[3, 3].tolist() == [0.875, 0.125]


def test_straight_path_has_equal_steps():
    path = latent.straight(np.float32([0, 0]), np.float32([3, 6]), 4)
    assert np.allclose(path, [[0, 0], [1, 2], [2, 4], [3, 6]])


def test_spherical_path_stays_on_its_sphere():
    start, stop = np.random.default_rng(0).normal(size=(2, 128)).astype(np.float32)
    path = latent.spherical(start, stop, 9)
    assert np.allclose(path[[0, -1]], [start, stop], atol=1e-5)
    lengths = np.linalg.norm(path, axis=1)
    assert np.allclose(lengths, np.linspace(np.linalg.norm(start), np.linalg.norm(stop), 9), rtol=1e-5)
    middle = np.linalg.norm(latent.straight(start, stop, 9)[4])
    assert middle < 0.8 * lengths[4]             # the straight line cuts through the inside


@pytest.mark.parametrize("stop", [(0, 0), (2, 0), (-1, 0)], ids=["origin", "same", "opposite"])
def test_spherical_path_is_straight_where_there_is_no_arc(stop):
    start, stop = np.float32([1, 0]), np.float32(stop)
    assert np.allclose(latent.spherical(start, stop, 5), latent.straight(start, stop, 5), atol=1e-6)


def test_there_and_back_repeats_no_frame():
    assert latent.there_and_back(np.arange(4)).tolist() == [0, 1, 2, 3, 2, 1]


# --- the plane -------------------------------------------------------------------------------------------

def test_atlas_is_a_grid_of_bytes_with_its_corners_at_the_bounds():
    atlas = latent_map.atlas(Stub(), flat(None), (0, 1, 0, 0.5), 5)
    assert atlas.shape == (5, 5, 28, 28) and atlas.dtype == np.uint8
    assert atlas[0, 0, 0, :2].tolist() == [0, 128] and atlas[4, 4, 0, :2].tolist() == [255, 0]


def test_atlas_of_color_keeps_its_channels():
    color = Stub()
    color.decode = lambda codes: np.zeros((len(codes), 8, 8, 3), np.float32)
    assert latent_map.atlas(color, flat(None), (0, 1, 0, 1), 2).shape == (2, 2, 8, 8, 3)


def test_probability_view_goes_through_the_normal_quantiles():
    atlas = latent_map.atlas(Stub(), flat(None), (0.5, 0.8, 0.5, 0.8), 4, probability=True)
    expected = np.round(255 * norm.ppf(np.linspace(0.5, 0.8, 4)))
    assert np.abs(atlas[0, :, 0, 0] - expected).max() <= 1


def test_bounds_hold_the_codes_but_not_the_strays():
    points = np.random.default_rng(0).uniform((-3.2, 0.1), (1.1, 7.9), (5000, 2))
    points[0] = 1000
    assert latent_map.bounds_of(points) == (-3.5, 1.5, 0.0, 8.0)
    assert latent_map.bounds_of(points, square=True) == (-8, 8, -8, 8)


def test_nearest_codes_come_in_order():
    codes = np.float32([[0, 0], [5, 5], [1, 0], [0, 3]])
    assert latent_map.nearest(codes, np.float32([0.2, 0]), 3).tolist() == [0, 2, 3]


def test_plane_of_many_dimensions_leads_back_to_its_codes():
    rng = np.random.default_rng(0)
    codes = (rng.normal(size=(300, 2)) @ rng.normal(size=(2, 16)) + 1).astype(np.float32)    # they do lie on a plane
    plane = latent_map.plane(dataclasses.replace(presets.get("digits_vae_wide"), code=16), codes)
    assert plane.points.shape == (300, 2) and plane.names == ("PC 1", "PC 2")
    assert np.allclose(plane.lift(plane.points), codes, atol=1e-4)


def test_tsne_separates_two_clouds_and_reports():
    rng = np.random.default_rng(0)
    codes = np.concatenate([rng.normal(-5, 1, (40, 8)), rng.normal(5, 1, (40, 8))])
    shares = []
    points = latent_map.project_tsne(codes, report=shares.append).points
    first, second = points[:40], points[40:]
    apart = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))
    assert apart > 2 * max(first.std(), second.std()) and shares == sorted(shares) and shares[-1] == 1.0


def test_tsne_can_be_stopped():
    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        latent_map.project_tsne(np.random.default_rng(0).normal(size=(40, 4)), report=stop)


# --- new pictures ----------------------------------------------------------------------------------------

def test_a_vae_draws_from_its_prior():
    drawn = latent_map.draw(Stub(), None, 4000, seed=1)
    assert np.abs(drawn.codes.mean(axis=0)).max() < 0.05 and np.abs(drawn.codes.std(axis=0) - 1).max() < 0.05
    assert "prior" in drawn.rule


def test_an_autoencoder_draws_from_the_box_of_its_codes():
    codes = np.float32([[-7, 1], [3, 2], [0, 5]])
    drawn = latent_map.draw(Stub("digits_plane"), codes, 2000, seed=1)
    assert (drawn.codes >= [-7, 1]).all() and (drawn.codes <= [3, 5]).all()
    assert np.abs(drawn.codes.mean(axis=0) - [-2, 3]).max() < 0.3
    assert np.array_equal(drawn.codes, latent_map.draw(Stub("digits_plane"), codes, 2000, seed=1).codes)


def test_distribution_is_a_density_and_knows_the_unused_dimensions():
    rng = np.random.default_rng(0)
    spread = latent.distribution(rng.normal(0, (1, 0.01, 2), (5000, 3)))
    widths = np.diff(spread.edges)
    assert np.allclose((spread.density * widths).sum(axis=1), 1) and abs((spread.normal * widths).sum() - 1) < 1e-3
    assert spread.active.tolist() == [2, 0]


# --- scores ----------------------------------------------------------------------------------------------

def test_evaluate_adds_up_to_the_loss(digits):
    pictures, labels = digits
    row = latent_map.evaluate(Stub(), pictures, labels)
    assert row["kl_nats"] == pytest.approx(2.0)              # of N((2, 0), 1) from N(0, 1): 2^2 / 2
    assert row["elbo_nats"] == pytest.approx(row["reconstruction_nats"] + row["kl_nats"])
    assert row["reconstruction_nats"] == pytest.approx(784 * np.log(2), abs=20)    # of a picture that is gray all over
    assert row["latent_mean"] == [2.0, 0.0] and row["latent_std"] == [0.0, 0.0]


def test_evaluate_of_squared_error_has_no_nats(digits):
    assert set(latent_map.evaluate(Stub("fashion_vae_dense"), *digits)) == {"latent_mean", "latent_std"}


def test_evaluate_feeds_a_denoiser_its_own_noise(digits):
    stub = Stub("digits_vae_denoiser")
    first = latent_map.evaluate(stub, *digits)
    noise = stub.seen - digits[0]
    assert abs(noise.std() - 0.5) < 0.01 and abs(noise.mean()) < 0.01 and stub.seen.min() < 0    # it is not clipped
    assert latent_map.evaluate(stub, *digits) == first


@pytest.mark.parametrize(("name", "bound"), [("digits_vae", 150.3), ("digits_cvae", 130.4), ("digits_vae_wide", 103)])
def test_published_losses_are_reached(name, bound):
    served = model.load(conftest.trained(name))
    assert latent_map.evaluate(served, *datasets.samples("mnist"))["elbo_nats"] <= bound


def test_fashion_vae_fills_its_prior():
    served = model.load(conftest.trained("fashion_vae"))
    row = latent_map.evaluate(served, *datasets.samples("fashion_mnist", served.preset.shape))
    assert all(0.7 < std < 1.3 for std in row["latent_std"]) and all(abs(mean) < 0.2 for mean in row["latent_mean"])


@pytest.mark.parametrize("name", PLANES)
def test_stored_codes_are_those_of_the_encoder(name):
    served, codes = model.load(conftest.trained(name)), latent_map.stored_codes(name)
    pictures, labels = datasets.samples(served.preset.dataset, served.preset.shape)
    assert np.array_equal(codes.label[:200], labels[:200])
    assert np.allclose(codes.mean[:200], served.encode(pictures[:200]), atol=0.02, rtol=0.002)
    assert (codes.log_variance is not None) == served.preset.variational


def test_stored_codes_that_are_missing_name_the_command(own_store):
    with pytest.raises(store.WeightsMissing, match="train digits_vae"):
        latent_map.stored_codes("digits_vae")


# --- the page --------------------------------------------------------------------------------------------

@pytest.fixture
def weights():
    return conftest.trained("digits_vae")


def opened(**address):
    page = AppTest.from_file(PAGE, default_timeout=120)
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def test_page_opens_on_a_vae_with_points_over_its_grid(weights):
    page = opened()
    assert not page.info and not page.warning
    assert page.selectbox(key="model").value == "Digits, VAE" and page.selectbox(key="view").value == "Points over grid"


@pytest.mark.parametrize("section", ["New pictures", "Cloud", "Numbers", "Path", "Scatter", "Sheet", "Dimensions"])
@pytest.mark.parametrize("title", ["Digits, VAE", "Digits, wide VAE"])
def test_every_section_opens(section, title):
    conftest.trained(next(name for name, preset in presets.PRESETS.items() if preset.title == title))
    page = opened(model=title, section=section)
    refused = (section, title) == ("Cloud", "Digits, wide VAE")
    assert ["A cloud is drawn" in info.value for info in page.info] == [True] * refused


@pytest.mark.parametrize("view", ["Points over grid", "Points", "Grid", "Probability"])
def test_two_models_side_by_side(weights, view):
    conftest.trained("digits_plane")
    page = opened(**{"with": "Digits on a plane", "view": view})
    for name in ("digits_vae", "digits_plane"):
        page.session_state[f"pad_{name}"] = {"value": [0.6, 0.4]}
    page.run()
    assert not page.exception and {"at", "at2"} <= set(page.query_params)


@pytest.mark.parametrize(("key", "value"), [
    ("at", "nan,nan"), ("at", "1e9,0"), ("at", "inf,-inf"), ("at", "1"), ("at", "<script>alert(1)</script>"),
    ("model", "Nobody"), ("model", "<script>alert(1)</script>"), ("with", "1e9"), ("view", "nan"), ("grid", "0 x 0"),
    ("section", "<script>"), ("seed", "1e9")])
def test_bad_addresses_fall_back_with_one_sentence(weights, key, value):
    page = opened(**{key: value})
    assert len(page.info) == 1 and "instead" in page.info[0].value
    assert "script" not in page.info[0].value
    assert page.query_params.get(key) != value


@pytest.mark.parametrize(("key", "value"), [("side", "1e9"), ("side", "<script>"), ("range", ["nan", "nan"]),
                                            ("range", ["1"]), ("range", ["-99", "99"])])
def test_bad_numbers_of_a_sheet_fall_back_with_one_sentence(weights, key, value):
    page = opened(section="Sheet", sheet="My own", **{key: value})
    assert len(page.info) == 1 and "instead" in page.info[0].value
    assert page.slider(key="side").value == 15 and page.slider(key="range").value == (-3, 3)


def test_a_release_moves_the_point_in_the_address(weights):
    page = opened(at="0.500,-1.250")
    assert page.query_params["at"] == "0.500,-1.250"
    page.session_state["pad_digits_vae"] = {"value": [1.5, 0.25]}
    page.run()
    assert page.query_params["at"] == "1.500,0.250"


def test_another_model_forgets_the_point_and_its_companion(weights):
    conftest.trained("digits_vae_wide")
    conftest.trained("digits_plane")
    page = opened(**{"with": "Digits on a plane", "view": "Probability", "at": "0.5,0.5"})
    page.selectbox(key="model").select("Digits, wide VAE").run()
    assert not page.exception and not page.info
    assert not {"with", "at", "at2"} & set(page.query_params) and page.selectbox(key="view").value == "Points over grid"
    assert "kind" not in [each.key for each in page.segmented_control]      # it has no counterpart


def test_vae_plain_autoencoder_or_both(weights):
    conftest.trained("digits_plane")
    page, plain = opened(at="0.5,0.5"), "Digits on a plane"
    page.segmented_control(key="kind").set_value("Both").run()
    assert page.query_params["with"] == plain and page.query_params["at"] == "0.500,0.500" and not page.exception
    page.segmented_control(key="kind").set_value("Plain autoencoder").run()
    assert page.selectbox(key="model").value == plain and "with" not in page.query_params and not page.exception
    assert page.segmented_control(key="kind").value == "Plain autoencoder"
    page.segmented_control(key="kind").set_value("VAE").run()
    assert page.selectbox(key="model").value == "Digits, VAE" and not page.exception


def test_page_without_weights_names_the_command(own_store):
    assert "python -m ae_core train" in opened().warning[0].value


@pytest.mark.parametrize("title", ["Cats", "Cats, VAE"])
@pytest.mark.parametrize("section", ["New pictures", "Path", "Scatter", "Dimensions"])
def test_drawings_have_a_map_of_real_ones(title, section):
    page = opened(model=title, section=section)
    assert not page.info and not page.warning
    assert not any("its copies of them are shown" in caption.value for caption in page.caption)


def test_a_hole_is_farther_from_every_code_than_codes_are_from_each_other():
    codes = np.random.default_rng(0).normal(size=(3000, 2)).astype(np.float32)
    found = latent_map.holes(codes, np.float32([[0, 0], [30, 0], [0.5, -0.5], [-9, 9]]))
    assert found.tolist() == [False, True, False, True]


@pytest.mark.parametrize("name", ["digits_vae", "digits_plane"])
def test_the_posterior_of_one_picture_is_a_cloud_or_a_point(name):
    served, picture = model.load(conftest.trained(name)), datasets.samples("mnist")[0][7]
    mean, deviation = latent_map.posterior_of(served, picture)
    np.testing.assert_allclose(mean, served.encode(picture[None])[0], atol=1e-6)
    assert mean.shape == deviation.shape == (2,)
    assert (deviation > 0).all() if served.preset.variational else not deviation.any()
