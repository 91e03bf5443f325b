import numpy as np
import pytest

from ae_core import metrics, model
from ae_core.features import outliers
from ae_core.pictures import datasets
from pages.shared import widgets
from tests.conftest import random_pictures, trained


def cloud(n=400, d=6, odd=8, seed=0):
    """Codes of one stretched cloud with a few far from it, and which those are."""
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(n + odd, d)) * np.geomspace(10, 0.1, d)
    codes[n:, -1] += 3                           # far along the narrowest direction only
    return codes, np.arange(n + odd) >= n


def test_the_published_mixture():
    pictures, labels = datasets.samples("fashion_mnist")
    mixed = datasets.mix(pictures, labels, 5, 0)
    assert mixed.intruder.sum() == 10 and len(mixed.rows) == 1010
    assert set(labels[mixed.rows[~mixed.intruder]]) == {5} and set(labels[mixed.rows[mixed.intruder]]) == {0}
    assert np.array_equal(mixed.rows, datasets.mix(pictures, labels, 5, 0).rows)
    assert not np.array_equal(mixed.rows, datasets.mix(pictures, labels, 5, 0, seed=1).rows)


def test_the_distance_sees_what_the_plain_norm_does_not():
    codes, odd = cloud()
    assert metrics.average_precision(odd, outliers.code_distance(None, None, codes)) > 0.95
    assert metrics.average_precision(odd, np.linalg.norm(codes, axis=1)) < 0.1


def test_intruders_cannot_hide_in_the_covariance_they_widen():
    codes, odd = cloud(odd=16)
    plain = np.sqrt(np.square((codes - codes.mean(axis=0)) @ np.linalg.inv(np.cov(codes.T))).sum(axis=1))
    robust = outliers.code_distance(None, None, codes)
    assert metrics.average_precision(odd, robust) > metrics.average_precision(odd, plain)


def test_units_that_never_vary_are_no_obstacle():
    assert np.isfinite(outliers.code_distance(None, None, np.zeros((30, 5)))).all()


def test_the_errors_are_what_they_say():
    pictures, rebuilt = random_pictures(5), random_pictures(5, seed=1)
    np.testing.assert_allclose(outliers.squared_error(pictures, rebuilt, None), metrics.mse(pictures, rebuilt))
    flat = np.full((1, 28, 28, 1), 0.5, np.float32)
    assert outliers.error_for_detail(flat, flat + 0.1, None) == pytest.approx(0.01 / 0.01, rel=1e-3)
    everything = outliers.pca_error(random_pictures(6), 5)
    assert everything == pytest.approx(np.zeros(6), abs=1e-5)


def test_judging_counts_every_picture_once():
    scores, odd = np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True])
    judged = outliers.judge(scores, odd, 3.0)
    assert (judged.caught, judged.missed, judged.false_alarms, judged.passed) == (1, 1, 1, 1)
    assert judged.precision == judged.recall == 0.5
    assert np.isnan(outliers.judge(scores, odd, 9.0).precision)
    assert np.isnan(outliers.judge(scores, np.zeros(4, bool), 2.0).recall)


def test_average_precision_and_roc_agree_with_scikit_learn():
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(0)
    wanted, scores = rng.random(300) < 0.1, rng.integers(0, 40, 300)          # many ties
    assert metrics.average_precision(wanted, scores) == pytest.approx(average_precision_score(wanted, scores))
    assert np.trapezoid(*metrics.roc(wanted, scores)[::-1]) == pytest.approx(roc_auc_score(wanted, scores))
    with pytest.raises(ValueError, match="Both kinds"):
        metrics.roc(np.zeros(3, bool), np.arange(3))


def test_an_own_collection_is_trained_on_until_the_time_is_up():
    pictures = np.concatenate([random_pictures(30) * 0.1, 1 - random_pictures(1) * 0.1])
    clock, shares = iter(np.arange(0, 60, 0.4)), []
    scored = outliers.fit(pictures, 10, shares.append, lambda: next(clock))
    assert scored.scores.argmax() == 30 and scored.rebuilt.shape == pictures.shape
    assert shares == sorted(shares) and shares[-1] < 1
    with pytest.raises(ValueError, match="At least 20"):
        outliers.fit(pictures[:19])


@pytest.mark.parametrize("pair", [(5, 0), (1, 8), (8, 1), (0, 5), (7, 3)])
def test_ours_beats_the_baselines_for_any_pair(pair):
    pictures, labels = datasets.samples("fashion_mnist")
    mixed = datasets.mix(pictures, labels, *pair)
    served = model.load(trained(outliers.ENCODER))
    ours, mean, pca = (metrics.average_precision(mixed.intruder, scores) for scores in (
        outliers.run(served, mixed.pictures).scores, outliers.mean_distance(mixed.pictures),
        outliers.pca_error(mixed.pictures)))
    assert ours > 0.45 and ours > max(mean, pca)


def test_the_published_score_is_weak_and_ours_is_not():
    trained(outliers.PUBLISHED), trained(outliers.ENCODER)
    row = outliers.evaluate(outliers.models(), *datasets.samples("fashion_mnist"))
    assert row["average_precision"] < 0.5 and row["best_average_precision"] >= 0.65
    assert row["best_score"] in outliers.SCORES and 0 <= row["recall_at_quantile"] <= 1


# --- the page --------------------------------------------------------------------------------------------

@pytest.fixture
def page():
    from tests.test_pages import opened

    trained(outliers.ENCODER)
    return opened("outliers", panels=("scores",), section="The published experiment")


def test_the_page_opens_on_intruders_that_were_found(page):
    assert not page.exception and not page.warning
    numbers = {metric.label: metric.value for metric in page.metric}
    assert float(numbers["Average precision"]) >= 0.65 and float(numbers["Recall"]) > 0


def test_every_control_of_the_page_answers(page):
    page.selectbox(key="regular").set_value("Bag").run()
    assert not page.exception and "Bag" not in page.selectbox(key="intruder").options
    for key, value in (("intruder", "Coat"), ("share", "10 %"), ("quantile", "0.9")):
        page.selectbox(key=key).set_value(value).run()
        assert not page.exception, key
    for score in outliers.SCORES:
        page.selectbox(key="score").set_value(score).run()
        assert not page.exception, score


def test_a_dragged_threshold_changes_what_lies_beyond_it(page):
    before = page.dataframe[0].value["Beyond the line"].sum()
    page.session_state[f"line_Sandal_T-shirt_{outliers.DISTANCE}_1010"] = {"value": 0.0}
    page.run()
    assert not page.exception and page.dataframe[0].value["Beyond the line"].sum() == 1010 > before


def test_the_quantile_moves_the_line(page):
    def beyond(quantile):
        page.selectbox(key="quantile").set_value(quantile).run()
        return page.dataframe[0].value["Beyond the line"].sum()
    assert beyond("0.9") == 101 and beyond("0.99") == 11


def test_a_link_to_the_experiment_of_earlier_days_still_opens_it(page):
    from tests.test_pages import opened

    app = opened("outliers", regular="Bag")
    assert not app.exception and app.selectbox(key="regular").value == "Bag"


def test_the_page_opens_on_a_wall_to_hunt_on():
    from tests.test_pages import opened

    trained(outliers.ENCODER)
    app = opened("outliers", level="Medium")
    assert not app.exception and not app.get("download_button")
    app.session_state["hunt_Medium_0"] = {"value": [1, 12, 3, 5]}
    app.run()
    assert not app.exception and "Ankle boot" in " ".join(caption.value for caption in app.caption)
    assert app.get("download_button")


@pytest.mark.parametrize("pair", outliers.LEVELS.values())
def test_a_wall_hides_ten_intruders(pair):
    pictures, labels = datasets.samples("fashion_mnist")
    classes = datasets.DATASETS["fashion_mnist"].classes
    mixed = datasets.mix(pictures, labels, *map(classes.index, pair))
    scores = outliers.mean_distance(mixed.pictures)
    wall = outliers.wall(scores, mixed.intruder, 3)
    assert len(set(wall.rows)) == outliers.WALL and wall.intruder.sum() == outliers.HIDDEN
    assert np.array_equal(wall.scores, scores[wall.rows]) and np.array_equal(wall.intruder, mixed.intruder[wall.rows])
    assert wall.intruder[:outliers.HIDDEN].sum() < outliers.HIDDEN              # they are mixed with the rest
    assert np.array_equal(wall.rows, outliers.wall(scores, mixed.intruder, 3).rows)
    assert not np.array_equal(wall.rows, outliers.wall(scores, mixed.intruder, 4).rows)


def test_the_levels_are_as_hard_as_they_say():
    """By how many of the ten highest scores of a wall are intruders, the mean of twenty walls."""
    pictures, labels = datasets.samples("fashion_mnist")
    classes = datasets.DATASETS["fashion_mnist"].classes
    served = model.load(trained(outliers.ENCODER))
    found = []
    for pair in outliers.LEVELS.values():
        mixed = datasets.mix(pictures, labels, *map(classes.index, pair))
        scores = outliers.run(served, mixed.pictures).scores
        walls = [outliers.wall(scores, mixed.intruder, seed) for seed in range(20)]
        found.append(np.mean([wall.intruder[np.argsort(-wall.scores)[:outliers.HIDDEN]].sum() for wall in walls]))
    easy, medium, hopeless = found
    assert easy > 9 > medium > 4 > hopeless


def test_own_pictures_are_ranked_and_bad_ones_named():
    from tests.pictures.test_collections import png, zipped
    from tests.test_pages import opened

    trained(outliers.ENCODER)
    page = opened("outliers", section="Your pictures")
    few = ("few.zip", zipped([("a.png", png())]), "application/zip")
    page.file_uploader(key="outliers_files_False").set_value([few]).run()
    assert not page.exception and any("At least 20" in info.value for info in page.info)
    files = [(f"{k}.png", png(k), "image/png") for k in range(24)] + [("bad.png", b"x", "image/png")]
    page.file_uploader(key="outliers_files_False").set_value(files).run()
    assert not page.exception and any(widgets.plain("bad.png") in warning.value for warning in page.warning)
    assert any("24 pictures read" in caption.value for caption in page.caption)
