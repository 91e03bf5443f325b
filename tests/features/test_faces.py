"""Faces: changed, melted and measured as asked; the page keeps its state and takes any upload."""
import io

import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures
from streamlit.testing.v1 import AppTest

from ae_core import attributes, latent, model, presets
from ae_core.features import faces, latent_map
from ae_core.pictures import sheets
from pages.shared import widgets
from tests import conftest
from tests.pictures.test_reader import encoded

PAGE = "pages/faces.py"


@pytest.fixture(scope="module")
def vae():
    return model.load(conftest.trained(faces.PRESET))


@pytest.fixture(scope="module")
def stored():
    return attributes.load(conftest.trained(faces.PRESET))


@pytest.fixture(scope="module")
def codes():
    return latent_map.stored_codes(conftest.trained(faces.PRESET))


def test_what_is_shipped_is_numbers_for_every_attribute(stored, codes):
    assert len(stored.names) == 40 and stored.directions.shape == (40, 200) and np.isfinite(stored.directions).all()
    assert set(stored.kinds) <= set(attributes.WAYS) and set(faces.USUAL) <= set(stored.names)
    assert len(codes.mean) == 500 and codes.label.shape == (500, 40)
    assert len(set(stored.gallery.tolist())) == attributes.GALLERY and stored.gallery.max() < 500


def test_the_gallery_holds_all_sorts(stored, codes):
    has = codes.label[stored.gallery].astype(bool)
    for name in ("Male", "Eyeglasses", "Smiling", "Young"):
        assert 8 <= has[:, stored.names.index(name)].sum() <= 52, name


@pytest.mark.parametrize(("name", "least"), [("Smiling", 0.89), ("Eyeglasses", 0.90), ("Male", 0.91),
                                             ("Blond_Hair", 0.90), ("Young", 0.76), ("Black_Hair", 0.86)])
def test_directions_tell_who_has_the_attribute(stored, codes, name, least):
    k = stored.names.index(name)
    assert attributes.area(codes.mean @ stored.directions[k], codes.label[:, k] == 1) >= least - 0.005
    assert stored.auc[k] >= least - 0.005


def test_new_faces_repeat_for_their_seed_and_cool_down(vae):
    met, again = (faces.meet(vae, 6, 0.8, 3) for _ in range(2))
    assert met.pictures.shape == (6, 64, 64, 3)
    np.testing.assert_array_equal(met.codes, again.codes)
    assert not np.array_equal(met.codes, faces.meet(vae, 6, 0.8, 4).codes)
    cold = faces.meet(vae, 6, 0.1, 3).pictures
    assert cold.std(axis=0).mean() < met.pictures.std(axis=0).mean() / 2


def test_faces_are_drawn_where_real_codes_lie(vae, codes):
    """The same mean and the same covariance as samples of all posteriors, shrunk a little; so not those of N(0, 1)."""
    where = latent.posterior_of_all(codes.mean, codes.log_variance)
    drawn = where.sample(4000, seed=1)
    real = latent.sample_posterior(codes.mean, codes.log_variance)
    np.testing.assert_allclose(drawn.mean(axis=0), real.mean(axis=0), atol=0.2)
    assert np.median(drawn.std(axis=0) / real.std(axis=0)) == pytest.approx(1, abs=0.1)
    correlation = [np.abs(np.corrcoef(each.T) - np.eye(200)).mean() for each in (drawn, codes.mean)]
    assert correlation[0] < correlation[1]
    met = faces.meet(vae, 6, 0.8, 3, where)
    assert met.pictures.shape == (6, 64, 64, 3) and not np.allclose(met.codes, faces.meet(vae, 6, 0.8, 3).codes)
    np.testing.assert_allclose(where.sample(3, 0.0), np.broadcast_to(where.mean, (3, 200)), atol=1e-6)


def test_changes_add_up_and_zero_changes_nothing(stored):
    code, directions = np.ones(200, np.float32), stored.of(["Smiling", "Male"])
    np.testing.assert_array_equal(faces.change(code, directions, [0, 0]), code)
    np.testing.assert_allclose(faces.change(code, directions, [1, -2]), code + directions[0] - 2 * directions[1],
                               atol=1e-6)


def test_each_strip_holds_the_changes_of_the_others(vae, stored, codes):
    code, directions = codes.mean[0], stored.of(["Smiling", "Male", "Young"])
    alphas = [1.5, -1.0, 0.0]
    strips = faces.strips(vae, code, directions, alphas)
    assert strips.shape == (3, faces.FRAMES, 64, 64, 3)
    now = vae.decode(faces.change(code, directions, alphas))[0]
    for row, alpha in zip(strips, alphas, strict=True):
        place = np.flatnonzero(faces.steps() == alpha)
        np.testing.assert_allclose(row[place[0]], now, atol=1e-5)
    last = vae.decode(faces.change(code, directions, [1.5, faces.REACH, 0]))[0]
    np.testing.assert_allclose(strips[1, -1], last, atol=1e-5)


def test_every_attribute_has_words_for_both_ends(stored):
    assert set(faces.ENDS) == set(stored.names) and all(low != high for low, high in faces.ENDS.values())


def test_the_sum_of_strips_is_held_in_the_ball_of_real_codes(stored, codes):
    """The radius is the 99th percentile of distances from the mean code, or that of the face itself."""
    distances = np.linalg.norm(codes.mean - codes.mean.mean(axis=0), axis=1)
    directions = stored.of(faces.USUAL)
    for row in (int(np.argsort(distances)[250]), int(np.argmax(distances))):
        ball = faces.ball(codes.mean, codes.mean[row], directions)
        assert ball.radius == pytest.approx(max(np.percentile(distances, 99), distances[row]), rel=1e-5)
        for asked in (np.full(6, 0.1), np.full(6, 50.0), np.full(6, -50.0), np.zeros(6)):
            held = np.array(ball.hold(asked))
            far = np.linalg.norm(faces.change(codes.mean[row], directions, held) - codes.mean.mean(axis=0))
            assert far <= ball.radius * (1 + 1e-5)
            if np.abs(asked).max() > 10:
                assert far == pytest.approx(ball.radius, rel=1e-4) and (held * asked >= -1e-6).all()
    assert faces.ball(codes.mean, codes.mean[0], directions).hold([1, 0, 0, 0, 0, 0]) == [1, 0, 0, 0, 0, 0]


def test_faces_to_pick_are_those_that_the_encoder_knows_again(vae, stored, codes):
    """Forty of all sorts; their codes come back from their pictures nearer than those of the others."""
    gallery = codes.mean[stored.gallery]
    pictures = vae.decode(gallery)
    rows = faces.best_of(vae, gallery, pictures)
    errors = np.square(vae.encode(pictures) - gallery).mean(axis=1)
    assert len(rows) == faces.GOOD and (np.diff(rows) > 0).all()
    assert errors[rows].max() <= np.delete(errors, rows).min()
    has = codes.label[stored.gallery[rows]].astype(bool)
    for name in ("Male", "Eyeglasses", "Smiling", "Young"):
        assert 5 <= has[:, stored.names.index(name)].sum() <= 35, name


def test_the_sheet_has_the_face_itself_in_the_middle(vae, stored, codes):
    sheet = faces.sheet(vae, codes.mean[:2], stored.directions[0], 7).reshape(2, 7, 64, 64, 3)
    np.testing.assert_allclose(sheet[:, 3], vae.decode(codes.mean[:2]), atol=1e-5)
    assert np.abs(sheet[:, 0] - sheet[:, 6]).mean() > 0.01


@pytest.mark.parametrize("along_sphere", [True, False])
def test_a_morph_begins_and_ends_with_its_faces(vae, codes, along_sphere):
    two, three = (faces.morph(vae, codes.mean[:n], 4, along_sphere) for n in (2, 3))
    ends = vae.decode(codes.mean[:3])
    assert len(two) == 5 and len(three) == 13
    np.testing.assert_allclose(two[[0, -1]], ends[:2], atol=1e-4)
    np.testing.assert_allclose(three[[0, 4, 8, 12]], ends[[0, 1, 2, 0]], atol=1e-4)


def test_normality_finds_the_number_that_is_not_normal():
    samples = np.random.default_rng(0).normal(size=(2000, 5))
    samples[:, 3] *= 0.3
    normal = faces.normality(samples, np.full(samples.shape, -12.0))
    assert normal.worst == 3 and normal.distance[3] > 0.2 > 0.05 > np.delete(normal.distance, 3).max()


def test_entanglement_is_the_cosine():
    directions = np.array([[1.0, 0], [2, 2], [0, -3]])
    cosine = faces.entanglement(directions)
    np.testing.assert_allclose(cosine, [[1, 0.7071, 0], [0.7071, 1, -0.7071], [0, -0.7071, 1]], atol=1e-4)
    assert [name for name, _ in faces.most_entangled(cosine, ("a", "b", "c"), "a", 1)] == ["b"]


def test_the_directions_show_the_bias_of_the_data(stored):
    """What the page says: make-up and Male point opposite ways, a smile comes with high cheekbones."""
    cosine = faces.entanglement(stored.of(["Male", "Heavy_Makeup", "Smiling", "High_Cheekbones"]))
    assert cosine[0, 1] < -0.3 and cosine[2, 3] > 0.3


def test_evaluation_gives_the_scores_by_name(vae, stored, codes):
    """On what the model itself draws: the keys and their ranges; the photographs are not here."""
    drawn = vae.decode(codes.mean[:80])
    scores = faces.evaluate(vae, drawn, codes.label[:80].astype(bool))
    assert {"mse", "ssim", "grid", "latent_std_median", "ks_worst", "attribute_auc"} <= set(scores)
    assert len(scores["band_power"]) == 4 and 0.8 < scores["band_power"][0] < 1.2 and scores["sharpness_ratio"] > 0
    assert scores["mse"] < 0.01 and scores["ssim"] > 0.6 and 0 < scores["ks_worst"] < 1
    assert set(scores["attribute_auc"]) <= set(stored.names) and scores["attribute_auc"]["Smiling"] > 0.8


# --- the page --------------------------------------------------------------------------------------------

def opened(**address):
    page = AppTest.from_file(f"../../{PAGE}", default_timeout=60)
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def texts(elements):
    return " ".join(element.value for element in elements)


@pytest.fixture
def weights():
    return conftest.trained(faces.PRESET)


def test_page_opens_on_a_face_with_its_strips(weights):
    page = opened()
    assert not page.info and not page.warning and page.segmented_control(key="section").value == "Change"
    assert page.multiselect(key="attributes").value == list(faces.USUAL)


@pytest.mark.parametrize("section", ["Change", "Morph", "Numbers", "Look inside"])
def test_every_section_opens(weights, section):
    page = opened(section=section)
    assert not page.info and not page.warning


@pytest.mark.parametrize("panel", ["show_sheet", "show_entanglement"])
def test_every_panel_opens(weights, panel):
    page = AppTest.from_file(f"../../{PAGE}", default_timeout=60)
    page.session_state[f"panel_{panel}"] = True
    page.run()
    assert not page.exception and any("CelebA" in each.value for each in page.markdown)


def test_an_older_link_opens_what_faces_can_be_picked_from(weights):
    page = opened(section="Meet")
    assert not page.info and page.segmented_control(key="section").value == "Change"
    assert sum(str(each.key).startswith("gallery_") for each in page.button) == faces.GOOD


def test_an_older_link_is_opened_at_the_end_of_a_strip(weights):
    page = opened(change="Smiling:3.00,Male:0.50")
    assert len(page.info) == 1 and "beyond the end of a strip" in page.info[0].value
    assert page.session_state.changes[1] == {"Smiling": 2.0, "Male": 0.5}


def test_changes_are_kept_in_the_address_undone_and_reset(weights):
    page = opened()
    key = page.session_state.past[0]
    for alphas in ([1.5, 0, 0, 0, 0, 0], [1.5, 0, 2, 0, 0, 0]):
        page.session_state[key] = {"value": alphas}
        page.run()
        assert not page.exception
    assert page.query_params["change"] == "Smiling:1.50,Eyeglasses:2.00"
    button(page, "Undo").click().run()
    assert page.query_params["change"] == "Smiling:1.50"
    button(page, "Undo").click().run()
    assert "change" not in page.query_params and button(page, "Undo").disabled
    page.session_state[key] = {"value": {"at": [0, 0, 0, -1, 0, 0], "turn": 1, "epoch": 2}}
    page.run()
    assert page.query_params["change"] == "Young:-1.00"
    button(page, "Reset").click().run()
    assert not page.exception and "change" not in page.query_params


def button(page, label):
    return next(each for each in page.button if each.label == label)


def test_an_address_opens_the_same_face_with_its_changes(weights):
    page = opened(face="7", change="Bald:2.00,Smiling:-1.00")
    assert page.session_state.changes == ("face_7", {"Bald": 2.0, "Smiling": -1.0})
    assert "Bald" in page.multiselect(key="attributes").value
    page = opened(new="5,12,0.7,1")
    assert page.session_state.changes[0] == "new_5_12_0.70_1" and not page.info


@pytest.mark.parametrize(("key", "value"), [
    ("face", "60"), ("face", "nan"), ("face", "<script>"), ("new", "1,2,0.5"), ("new", "1,99,0.5,0"),
    ("new", "nan,0,1,0"),
    ("change", "Smiling:9"), ("change", "Smiling"), ("change", "Wings:1.00"), ("change", "Smiling:nan"),
    ("change", "<script>alert(1)</script>"), ("section", "x")])
def test_bad_addresses_fall_back_with_one_sentence(weights, key, value):
    page = opened(**{key: value})
    assert len(page.info) == 1 and "instead" in page.info[0].value
    assert "script" not in page.info[0].value


@pytest.mark.parametrize(("key", "value"), [("via", "60"), ("via", "own_x"), ("via", "17,new_1_2"), ("via", "x"),
                                            ("via", "1," * 30 + "1"), ("sphere", "x")])
def test_bad_ways_fall_back_with_a_sentence(weights, key, value):
    page = opened(section="Morph", **{key: value})
    assert not page.exception and (key == "sphere" or "unknown path" in texts(page.info))


def test_a_click_makes_a_new_face_the_current_one(weights):
    page = opened(section="Meet", place="New faces", draw="4")
    page.button(key="new_11").click().run()
    assert not page.exception and page.segmented_control(key="section").value == "Change"
    assert page.session_state.changes[0] == "new_4_11_0.80_0"
    for count in (1, 2):
        button(page, "New face").click().run()
        assert not page.exception and page.session_state.changes[0] == f"new_{count}_0_0.80_0"
    assert page.session_state.recent[:3] == ["new_2_0_0.80_0", "new_1_0_0.80_0", "new_4_11_0.80_0"]


def test_clicked_faces_join_the_way_and_leave_it(weights):
    page = opened(section="Morph")
    page.button(key="stops_5").click().run()
    page.button(key="stops_9").click().run()
    assert page.query_params["via"].split(",")[1:] == ["5", "9"] and not page.exception
    button(page, "Remove the last").click().run()
    assert page.query_params["via"].endswith(",5")
    button(page, "Start over").click().run()
    assert "via" not in page.query_params        # the face that a path leads to at first


def test_an_own_face_is_found_rebuilt_and_changed(weights):
    page = opened(section="Meet", place="Your own")
    photo = encoded(Image.fromarray(pictures.astronaut()))
    page.file_uploader(key="own_file").set_value(("me.png", photo, "image/png")).run()
    assert not page.exception and not page.warning and not page.info
    button(page, "Change this face").click().run()
    assert not page.exception and page.segmented_control(key="section").value == "Change"
    assert page.session_state.changes[0].startswith("own_")


@pytest.mark.parametrize(("raw", "words"), [(b"no picture", "not a picture"), (b"", "is empty"),
                                            (encoded(Image.fromarray(pictures.chelsea())), "No face was found")])
def test_an_upload_without_a_face_gets_a_sentence(weights, raw, words):
    page = opened(section="Meet", place="Your own")
    page.file_uploader(key="own_file").set_value(("me.png", raw, "image/png")).run()
    assert not page.exception and words in texts(page.warning) and widgets.plain("me.png") in texts(page.warning)


def test_an_attribute_more_gets_a_strip_and_keeps_the_others(weights):
    page = opened(change="Smiling:2.00")
    page.multiselect(key="attributes").set_value([*faces.USUAL, "Bald"]).run()
    assert not page.exception and page.query_params["change"] == "Smiling:2.00"
    page.multiselect(key="attributes").set_value([]).run()
    assert not page.exception and page.session_state.changes[1] == {"Smiling": 2.0}


def test_a_way_becomes_an_animation():
    frames = conftest.random_pictures(5, (16, 16, 3))
    for encode, kind in ((sheets.to_gif, "GIF"), (sheets.to_webp, "WEBP")):
        film = Image.open(io.BytesIO(encode(frames)))
        assert film.format == kind and film.n_frames == 5 and film.size == (16, 16)
    assert presets.get(faces.PRESET).code == 200


def test_page_without_weights_names_the_command(own_store):
    assert "python -m ae_core train faces_vae" in opened().warning[0].value
