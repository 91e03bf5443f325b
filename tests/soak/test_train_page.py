"""Train in a real Chromium: own pictures up, a tiny model trained to its end, taken away and brought back."""
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from ae_core import model, store
from ae_core.own import jobs, story
from tests.browser.driver import READY, errors, open_page, settle
from tests.soak.test_jobs import wait

TRAINED = 180_000                # ms: TensorFlow's start and a few epochs on a busy machine


@pytest.fixture(autouse=True)
def own_models(server_folder, no_foreign_data, monkeypatch):
    """The models that the server trains are seen here too."""
    monkeypatch.setenv("AE_MODELS_DIR", str(server_folder / "models"))


def pictures_zip(count=200):
    """Rings and bars of 40 x 40 pixels, each kind in a folder."""
    rng, buffer = np.random.default_rng(0), io.BytesIO()
    rows, columns = np.mgrid[:40, :40]
    with zipfile.ZipFile(buffer, "w") as archive:
        for k in range(count):
            y, x, radius = rng.uniform(15, 25), rng.uniform(15, 25), rng.uniform(6, 12)
            away = np.hypot(rows - y, columns - x) if k % 2 else np.abs(columns - x) + radius / 2
            drawn = Image.fromarray((255 * (np.abs(away - radius) < 3)).astype(np.uint8))
            png = io.BytesIO()
            drawn.save(png, "PNG")
            archive.writestr(f"{'rings' if k % 2 else 'bars'}/{k}.png", png.getvalue())
    return buffer.getvalue()


def choose(page, label, option):
    page.get_by_role("combobox", name=label).first.click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def test_a_model_of_own_pictures_from_upload_to_download_and_back(page, app, tmp_path):
    open_page(page, app, "train")
    page.locator(".filmstrip canvas").first.wait_for(timeout=READY)  # a finished run, never an empty form
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Name of your model").fill("Rings")
    choose(page, "Pictures", "My own pictures")
    page.locator("input[type=file][accept*=png]").set_input_files(
        {"name": "rings.zip", "mimeType": "application/zip", "buffer": pictures_zip()})
    page.get_by_text("200 pictures of 2 classes: bars, rings").wait_for(timeout=READY)
    slider = page.get_by_role("slider", name="Epochs")
    slider.focus()
    for _ in range(14):
        page.keyboard.press("ArrowLeft")
    settle(page)
    page.get_by_text("180 pictures").wait_for(timeout=READY)
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("progressbar").first.wait_for(timeout=READY)
    page.close()                                                     # a closed tab stops nothing
    page = page.context.new_page()
    open_page(page, app, "train")                                    # and the run is found again
    page.get_by_role("button", name="Download the model (zip)").wait_for(timeout=TRAINED)
    settle(page)
    for panel in ("The loss of each epoch", "The network"):
        page.get_by_text(panel, exact=True).click()
    settle(page)
    assert page.get_by_text("After 6 epochs").count() and page.locator(".js-plotly-plot").count() >= 3
    assert {"Reconstruction", "KL divergence"} <= set(page.locator(".gtitle").all_text_contents())
    drawn, history = story.read(store.read("own_rings").path(story.FILE))
    assert len(history) == 6 and history[-1]["val_loss"] < history[0]["val_loss"] and len(drawn.epochs) == 7

    with page.expect_download(timeout=READY) as download:
        page.get_by_role("button", name="Download the model (zip)").click()
    file = tmp_path / "rings.zip"
    download.value.save_as(file)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text("Load a model from a zip").click()
    page.locator("input[type=file][accept*=zip]").last.set_input_files(file)
    page.get_by_text("“Rings 2” was loaded.").wait_for(timeout=READY)
    rng = np.random.default_rng(1).random((5, 28, 28, 1), np.float32)
    np.testing.assert_array_equal(*(model.load(name).reconstruct(rng) for name in ("own_rings", "own_rings_2")))

    open_page(page, app, "reconstruct", "?model=Rings")
    page.get_by_text("by “Rings”").wait_for(timeout=READY)
    assert errors(page) == []


def test_pause_stop_and_a_bad_zip(page, app):
    open_page(page, app, "train")
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Name of your model").fill("Long")
    slider = page.get_by_role("slider", name="Epochs")
    slider.focus()
    page.keyboard.press("End")
    settle(page)
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("Epoch 1 of 100", exact=False).first.wait_for(timeout=TRAINED)
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Paused in epoch").wait_for(timeout=READY)
    page.get_by_role("button", name="Resume").click()
    wait(lambda: jobs.every()[-1].history())
    page.get_by_role("button", name="Stop and keep the best").click()
    page.get_by_role("button", name="Download the model (zip)").wait_for(timeout=TRAINED)
    assert store.preset("own_long").epochs == 100 > store.card("own_long")["training"]["epochs"]
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text("Load a model from a zip").click()
    page.locator("input[type=file][accept*=zip]").last.set_input_files(
        {"name": "x.zip", "mimeType": "application/zip", "buffer": b"no zip"})
    page.get_by_text("not a whole zip archive").wait_for(timeout=READY)
    assert set(store.own()) <= {"own_rings", "own_rings_2", "own_long"}
