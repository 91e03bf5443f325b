import json

import numpy as np
import pytest

from ae_core import model, store
from ae_core.features import search
from ae_core.pictures import datasets
from tests.conftest import trained


def codes(n=300, d=40, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@pytest.fixture(params=[False, True], ids=["as they are", "projected"])
def index(request):
    return search.Index.build(codes(), projected=request.param)


def test_the_nearest_is_oneself_and_the_order_is_exact():
    vectors = codes()
    found = search.Index.build(vectors).search(vectors[:20])
    distances = np.linalg.norm(vectors[:20, None] - vectors, axis=2)
    assert np.array_equal(found.ids, np.argsort(distances, axis=1)[:, :16])
    np.testing.assert_allclose(found.distances, np.sort(distances, axis=1)[:, :16], atol=2e-3)


def test_angles_ignore_how_far_out_a_code_lies():
    vectors = codes()
    index = search.Index.build(vectors, projected=True)
    center = vectors.mean(axis=0)
    assert index.search(center + 3 * (vectors[:5] - center)).ids[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert index.search(vectors[:5]).distances.max() <= 2


def test_an_index_reopens_without_loss(index, tmp_path):
    index.save(tmp_path / "a.faiss")
    again = search.Index.open(tmp_path / "a.faiss")
    before, after = index.search(codes(seed=1)), again.search(codes(seed=1))
    assert np.array_equal(before.ids, after.ids) and np.array_equal(before.distances, after.distances)


def test_adding_and_removing_survive_saving(index, tmp_path):
    index.save(tmp_path / "a.faiss")
    mapped = search.Index.open(tmp_path / "a.faiss")
    mapped.remove([0, 7])
    mapped.add(codes(2, seed=5), [900, 901])
    mapped.save(tmp_path / "a.faiss")            # over the very file that it was mapped from
    again = search.Index.open(tmp_path / "a.faiss")
    assert len(again) == 300 and set(again.ids) == (set(range(300)) - {0, 7}) | {900, 901}
    assert again.search(codes(2, seed=5)).ids[:, 0].tolist() == [900, 901]
    assert not np.isin(again.search(codes()).ids, [0, 7]).any()


def test_every_id_is_used_once(index):
    with pytest.raises(ValueError, match="id of its own"):
        index.add(codes(1), [5])
    with pytest.raises(ValueError, match="id of its own"):
        search.Index.build(codes(2), ids=[1, 1])


def test_an_empty_or_small_index_gives_what_it_has():
    assert search.Index.build(codes(3)).search(codes(2, seed=1)).ids.shape == (2, 3)
    index = search.Index.build(codes(1))
    index.remove([0])
    assert index.search(codes(1)).ids.shape == (1, 0)


def test_a_large_index_becomes_a_graph_and_can_still_forget(monkeypatch, tmp_path):
    monkeypatch.setattr(search, "EXACT_UP_TO", 250)
    vectors = codes(400, 8)
    index = search.Index.build(vectors[:200])
    assert index.exact
    index.add(vectors[200:], np.arange(200, 400))
    assert not index.exact and len(index) == 400
    index.remove([3])
    index.save(tmp_path / "graph.faiss")
    again = search.Index.open(tmp_path / "graph.faiss")
    assert (again.search(vectors).ids[:, 0] == np.arange(400)).mean() > 0.98 and 3 not in again.ids


@pytest.mark.parametrize("keep", [0, 10, 1000])
def test_a_damaged_file_is_refused_by_name(keep, tmp_path):
    search.Index.build(codes()).save(tmp_path / "a.faiss")
    (tmp_path / "a.faiss").write_bytes((tmp_path / "a.faiss").read_bytes()[:keep])
    with pytest.raises(search.BadIndex, match="a.faiss is not a whole"):
        search.Index.open(tmp_path / "a.faiss")


def test_faiss_never_opens_a_path_itself(tmp_path, monkeypatch):
    """On Windows it cannot open "Käfer"; nor can its vectors be mapped from the file by its own means."""
    for name in ("read_index", "write_index"):
        real = getattr(search.faiss, name)
        monkeypatch.setattr(search.faiss, name, lambda *given, real=real: real(*given) if not isinstance(
            given[-1], str) and not isinstance(given[0], str) else pytest.fail("a path"))
    path, vectors = tmp_path / "Käfer" / "index_test_angle_0123.faiss", codes()
    path.parent.mkdir()
    search.Index.build(vectors).save(path)
    index = search.Index.open(path)
    assert (index.search(vectors).ids[:, 0] == np.arange(len(vectors))).all()
    index.remove([0])
    assert 0 not in index.ids and len(search.Index.open(path)) == len(vectors)
    path.write_bytes(path.read_bytes()[:99])
    with pytest.raises(search.BadIndex, match="index Käfer --split test --by angle"):
        search.Index.open(path)


def test_an_interrupted_write_keeps_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "a.faiss"
    search.Index.build(codes(50)).save(path)

    def torn(index, writer):
        write(index, writer)
        raise KeyboardInterrupt
    write = search.faiss.write_index
    monkeypatch.setattr(search.faiss, "write_index", torn)
    with pytest.raises(KeyboardInterrupt):
        search.Index.build(codes(60)).save(path)
    assert len(search.Index.open(path)) == 50


def test_precision_counts_the_class_and_never_oneself():
    vectors = np.repeat(np.arange(4), 20)[:, None] * 100 + codes(80, 3, seed=2)
    labels = np.repeat(np.arange(4), 20)
    index = search.Index.build(vectors)
    assert search.leave_one_out(index, vectors, labels, np.arange(80)).mean() == 1
    twins = np.zeros((40, 3), np.float32)        # all the same: oneself may not even be among the results
    assert search.leave_one_out(search.Index.build(twins), twins, np.zeros(40, int), np.arange(40)).mean() == 1


def test_likeness_leaves_the_query_out():
    served = model.load(trained(search.PRESET))
    pictures = datasets.samples("fashion_mnist")[0][:200]
    index = search.build(served, pictures)
    found = search.like(index, served, pictures[7], but=7)
    assert len(found.ids) == 16 and 7 not in found.ids and (np.diff(found.distances) >= 0).all()
    assert search.like(index, served, pictures[7]).ids[0] == 7


def test_the_file_beside_the_weights_belongs_to_its_encoder():
    served = model.load(trained(search.PRESET))
    path = search.path_of(served, "test")
    assert path.parent == store.root() / search.PRESET and served.card["sha256"]["encoder.onnx"][:12] in path.name


def test_the_shipped_index_holds_the_shipped_pictures():
    served = model.load(trained(search.PRESET))
    index = search.of_preset(served, "test")
    assert index is not None and sorted(index.ids) == list(range(10_000)) and index.exact
    pictures = datasets.samples("fashion_mnist")[0][:50]
    assert (index.search(served.encode(pictures), 1).ids[:, 0] == np.arange(50)).mean() > 0.9


def test_ours_beats_the_baselines():
    served = model.load(trained(search.PRESET))
    pictures, labels = datasets.samples("fashion_mnist")
    row = search.evaluate(served, pictures[2000:], labels[2000:], pictures[:500], labels[:500])
    scores = row["precisions"]
    assert row["best_precision_at_16"] == max(scores[search.STRAIGHT], scores[search.ANGLE])
    assert row["best_precision_at_16"] > max(scores["Raw pixels"], scores["PCA, 32 numbers"])


# --- the page --------------------------------------------------------------------------------------------

@pytest.fixture
def page():
    from tests.test_pages import opened

    trained(search.PRESET)
    return opened("search")


def results(page):
    return [button.label.split(") ")[-1] for button in page.button if (button.key or "").startswith("result_")]


def test_the_page_opens_on_sixteen_results(page):
    assert not page.exception and not page.warning and len(results(page)) == 16


def test_a_click_on_a_result_makes_it_the_query(page):
    before = results(page)
    page.button(key="result_3").click().run()
    assert not page.exception and results(page) != before and page.query_params["picture"] != ["0"]


def test_the_page_opens_on_a_boot_and_says_how_many_of_its_results_are_boots(page):
    signs = [label.lstrip()[0] for label in results(page)]
    said = next(each.value for each in page.markdown if "are of the same class" in each.value)
    assert set(signs) <= {"✓", "✗"} and said == f"**{signs.count('✓')} of 16** are of the same class."
    assert all(("Ankle boot" in label) == (sign == "✓") for label, sign in zip(results(page), signs, strict=True))


def test_a_query_before_is_a_click_away(page):
    first = results(page)
    page.button(key="result_3").click().run()
    second = results(page)
    page.button(key="result_5").click().run()
    assert results(page) != second
    page.button(key="trail_0").click().run()
    assert not page.exception and results(page) == second
    page.button(key="trail_1").click().run()
    assert results(page) == first


def test_the_map_shows_the_query_and_its_results(page):
    page.toggle(key="map").set_value(True).run()
    assert not page.exception and not results(page)
    drawn = json.loads(page.get("plotly_chart")[0].proto.spec)["data"]
    assert [trace["name"] for trace in drawn[-3:]] == ["Ankle boot", "Results", "Query"]


def test_codes_lie_on_the_plane_where_their_vectors_do(index):
    points, spots = index.plane(codes()[[3, 7]])
    np.testing.assert_allclose(points[[3, 7]], spots, atol=1e-4)
    assert points.shape == (300, 2) and points[:, 0].var() >= points[:, 1].var() > 0


def test_every_code_and_another_picture(page):
    for title in page.selectbox(key="ruler").options:
        page.selectbox(key="ruler").set_value(title).run()
        assert not page.exception and len(results(page)) == 16


@pytest.mark.parametrize("bad", ["nan", "1e9", "-1", "x"])
def test_a_bad_place_in_the_address_falls_back_with_a_sentence(bad):
    from tests.test_pages import opened

    trained(search.PRESET)
    page = opened("search", picture=bad)
    assert not page.exception and any("unknown" in info.value for info in page.info) and len(results(page)) == 16


def test_an_uploaded_picture_is_searched_for(page):
    from tests.pictures.test_collections import png

    before = results(page)
    page.segmented_control(key="source").set_value("Upload").run()
    page.file_uploader(key="query_upload").set_value([("mine.png", png(), "image/png")]).run()
    assert not page.exception and len(results(page)) == 16 and results(page) != before
    page.button(key="result_0").click().run()
    assert not page.exception and len(results(page)) == 16


def test_own_pictures_are_searched(page):
    from tests.pictures.test_collections import png, zipped

    page.segmented_control(key="where").set_value("Your pictures").run()
    assert not page.exception and any("Until then" in info.value for info in page.info)
    archive = zipped([(f"{k}.png", png(k)) for k in range(30)])
    page.file_uploader(key="search_files_False").set_value([("mine.zip", archive, "application/zip")]).run()
    assert not page.exception and len(results(page)) == 16 and "mine.zip/" in results(page)[0]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_cut_off_index_is_none(monkeypatch, tmp_path, share):
    """Home and Search build another in memory, in place of an error."""
    served, path = model.load(trained("fashion_search")), tmp_path / "a.faiss"
    search.Index.build(codes(2000)).save(path)
    path.write_bytes(path.read_bytes()[:int(share * path.stat().st_size)])
    monkeypatch.setattr(search, "path_of", lambda *_: path)
    assert search.of_preset(served, "test") is None


def test_whether_noise_helps_is_said_with_the_numbers():
    titles = {name: name.upper() for pair in search.CLEAN.items() for name in pair}
    hits = {"fashion_denoiser": 0.7, "fashion_conv": 0.8, "fashion_codes": 0.8, "fashion_dense_64": 0.8}
    scores = {search.named(name, search.ANGLE): np.full(10, share) for name, share in hits.items()}
    said = search.claim(scores, titles)
    assert "“FASHION_DENOISER” 0.700, “FASHION_CONV” 0.800: noise does not help" in said
    assert "“FASHION_CODES” 0.800, “FASHION_DENSE_64” 0.800: noise changes nothing" in said
    assert search.claim({}, titles) == ""
