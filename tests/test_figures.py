"""What is measured once and kept beside the weights: it is that of the shipped models, and of no others."""
import io

import numpy as np
import pytest
from PIL import Image

from ae_core import presets, store
from ae_core.features import denoise, outliers, reconstruct, search
from ae_core.pictures import datasets
from pages.shared import cache, figures, frame
from tests.conftest import trained

STALE = "run: python -m pages.shared.figures"


@pytest.fixture
def nothing_is_measured(monkeypatch):
    def measured(*given, **named):
        pytest.fail(f"A first visit has to measure what should lie in weights/figures; {STALE}")
    for module, names in ((reconstruct, ("run", "run_pca")), (denoise, ("robustness",)), (outliers, ("run_all",)),
                          (search, ("leave_one_out",))):
        for name in names:
            monkeypatch.setattr(module, name, measured)
    cache.st.cache_resource.clear()
    yield
    cache.st.cache_resource.clear()


def test_a_first_visit_measures_nothing(nothing_is_measured):
    cache.measure_all()
    sizes, dense, pca = cache.size_curve()
    assert sizes == sorted(sizes) and len(dense) == len(pca) == len(sizes)


@pytest.mark.parametrize("name", [name for name, page in frame.PAGES.items() if page.home])
def test_home_shows_what_its_models_draw_now(name):
    home = frame.PAGES[name].home
    png, alt = cache.home_picture(frame.PAGES[name])
    sheet, drawn_alt = home.draw(cache.served(trained(home.model)))
    kept = np.asarray(Image.open(io.BytesIO(png))).reshape(sheet.shape)
    assert alt == drawn_alt and np.abs(kept.astype(int) - sheet).mean() < 0.5, STALE


def test_kept_errors_are_the_errors():
    served = cache.served(trained("fashion_dense_8"))
    pictures, _ = datasets.samples("fashion_mnist")
    assert cache.test_errors(served)[:50] == pytest.approx(reconstruct.run(served, pictures[:50]).mse, rel=1e-3)


def test_other_models_other_pictures_and_broken_files_are_measured_anew(own_store):
    card, other = {"sha256": {"encoder.onnx": "a"}}, {"sha256": {"encoder.onnx": "b"}}
    pictures = np.zeros((3, 2, 2, 1), np.float32)

    def kept(value, card=card, pictures=pictures):
        return figures.kept("thing", [card], pictures, lambda: {"value": np.array(value)})["value"]
    own_store.mkdir()
    with figures.writing():
        assert kept(1) == 1
    assert kept(2) == 1
    assert kept(3, card=other) == 3 and kept(4, pictures=pictures + 1) == 4 and kept(5, pictures=pictures[:2]) == 5
    path = figures.folder() / "thing.npz"
    path.write_bytes(path.read_bytes()[:40])
    assert kept(6) == 6
    path.unlink()
    assert kept(7) == 7 and not path.exists()


def test_only_shipped_models_have_figures():
    known = {*presets.PRESETS, *frame.PAGES, *datasets.DATASETS}
    found = [path.stem for path in (store.ROOT / "weights" / "figures").glob("*.npz")]
    assert found and all(stem == "betas" or stem.split("_", 1)[1] in known or stem.startswith("outliers_")
                         for stem in found)
