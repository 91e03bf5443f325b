"""Every page of the table, run by Streamlit's own test driver: it opens on a finished result, its widgets work."""
import csv
import errno
import io
import os
import re
import shutil
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ae_core import guard, model, presets, store
from ae_core.features import denoise, published_colorizer
from ae_core.own import bundle
from ae_core.pictures import collections, convert, datasets, sheets
from pages.shared import cache, denoise_panels, frame, widgets


def opened(name, panels=(), **query):
    """A page by its name; panels: the keys of those that are open."""
    app = AppTest.from_file(str(store.ROOT / frame.PAGES[name].file), default_timeout=120)
    for key in panels:
        app.session_state[f"panel_{key}"] = True
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def texts(elements):
    """What a reader sees of them: texts of strangers are escaped."""
    return " ".join(element.value for element in elements).replace("\\", "")


@pytest.mark.parametrize("name", frame.PAGES)
def test_a_page_stands_alone(name):
    app = opened(name)
    assert not app.exception and not app.error and not app.warning
    assert app.title[0].value == frame.PAGES[name].title
    assert frame.PAGES[name].sentence in texts(app.markdown)


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """Folders in which nobody can write, whoever asks: they are below a file."""
    (tmp_path / "file").write_text("no folder")
    for variable in ("AE_MODELS_DIR", "AE_RUNS_DIR", "AE_DATA_DIR", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "file" / "below"))
    return tmp_path / "file"


@pytest.mark.parametrize("name", frame.PAGES)
def test_a_page_opens_where_nothing_can_be_written(name, nowhere):
    app = opened(name)
    assert not app.exception and not app.error and not app.warning


def test_train_says_what_is_still_being_installed(monkeypatch, tmp_path):
    (tmp_path / "installing").write_text("Collecting keras<4\nCollecting tensorflow<3,>=2.19\n  Downloading ...\n")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    app = opened("train")
    assert "still being installed (tensorflow)" in texts(app.info) and app.button(key="go").disabled
    (tmp_path / "installing").unlink()
    assert not opened("train").button(key="go").disabled


def test_on_train_a_folder_that_cannot_be_written_gets_a_sentence(nowhere):
    app = opened("train")
    app.button(key="go").click().run()
    assert f"{nowhere}" in texts(app.warning) and "set AE_MODELS_DIR to another folder" in texts(app.warning)
    assert not app.exception


@pytest.mark.parametrize("name", [name for name in frame.PAGES if name != "home"])
def test_home_has_a_picture_of_every_page(name):
    sheet, alt = frame.PAGES[name].home.draw(cache.served(frame.PAGES[name].home.model))
    assert sheet.dtype == np.uint8 and sheet.ndim == 3 and sheet.shape[2] in (1, 3) and min(sheet.shape[:2]) > 40
    assert sheet.std() > 10 and len(alt) > 10


@pytest.mark.parametrize("name", [name for name, page in frame.PAGES.items() if page.shows is not frame.nothing])
def test_a_link_from_train_opens_the_model_on_every_page_that_shows_it(name):
    """What Train says of a model, and what the page offers, are one predicate."""
    shown = [preset for preset in store.offered().values() if name in frame.pages_for(preset)
             and store.present(preset.name)]
    assert shown and all(frame.PAGES[name].shows(preset) for preset in shown)
    app = opened(name, **{frame.PAGES[name].query: shown[-1].title})
    assert not app.exception and not app.info and not app.warning
    if len(shown) > 1:
        assert app.selectbox(key="model").value == shown[-1].title


@pytest.mark.parametrize("name", [name for name in frame.PAGES if name != "home"])
def test_a_page_without_weights_names_the_command(name, own_store):
    app = opened(name)
    assert not app.exception
    assert "python -m ae_core train" in texts(app.warning)


@pytest.mark.parametrize("name", ["reconstruct", "denoise"])
def test_a_page_opens_with_one_model_alone(name, own_store):
    """Neither the baseline nor the neighbors of a model need be there."""
    only = {"reconstruct": "digits_stacked", "denoise": "digits_denoiser"}[name]
    shutil.copytree(store.ROOT / "weights" / only, own_store / only)
    app = opened(name)
    assert not app.exception and not app.error


def damage(own_store, file, change):
    """The shipped weights, one file of each model changed."""
    shutil.copytree(store.ROOT / "weights", own_store, copy_function=os.symlink)
    for path in own_store.glob(f"*/{file}"):
        raw = path.read_bytes()
        path.unlink()
        if change:
            path.write_bytes(change(raw))
    st.cache_resource.clear()


@pytest.mark.parametrize("name", frame.PAGES)
@pytest.mark.parametrize(("file", "change"), [
    ("decoder.onnx", lambda raw: raw[:len(raw) // 2]), ("encoder.onnx", lambda raw: raw[:-9] + b"\1" + raw[-8:]),
    ("latents.npz", None), ("preset.json", lambda raw: raw[:99])], ids=["cut", "tampered", "missing", "card"])
def test_a_page_with_damaged_weights_says_so(name, file, change, own_store):
    damage(own_store, file, change)
    app = opened(name)
    assert not app.exception and not app.error
    shown = texts(app.warning) + texts(app.caption)
    assert name not in USED[file] or f"/{file} " in shown and "python -m ae_core" in shown, shown


# the pages on which something comes from such a file
_DECODED = ("home", "reconstruct", "denoise", "latent_map", "digits", "faces", "colorize", "train")
_ENCODED = (*_DECODED, "outliers", "search")
USED = {"decoder.onnx": _DECODED, "encoder.onnx": _ENCODED, "preset.json": _ENCODED,
        "latents.npz": ("latent_map", "digits", "faces")}


@pytest.mark.parametrize("name", frame.PAGES)
@pytest.mark.parametrize("change", [None, lambda raw: raw[:len(raw) // 2]], ids=["missing", "cut"])
def test_a_page_without_its_test_pictures_says_so(name, change, monkeypatch, tmp_path):
    for path in datasets.SAMPLES.glob("*.npz") if change else ():
        (tmp_path / path.name).write_bytes(change(path.read_bytes()))
    monkeypatch.setattr(datasets, "SAMPLES", tmp_path)
    st.cache_resource.clear()
    app = opened(name)
    st.cache_resource.clear()
    assert not app.exception and not app.error
    assert name in ("home", "faces", "colorize", "train") or "is missing or damaged" in texts(app.warning)


def test_home_without_weights_still_opens(own_store):
    app = opened("home")
    assert not app.exception and "python -m ae_core train" in texts(app.caption)


@pytest.mark.parametrize("name", [name for name in frame.PAGES if name != "home"])
def test_a_page_explains_itself_and_shows_its_code(name):
    app = opened(name)
    assert {"How this works", "The code"} <= {expander.label for expander in app.expander}
    assert "$$" not in texts(app.markdown) and not app.code
    app = opened(name, panels=("how", "code"))
    assert "$$" in texts(app.markdown) and any("def " in block.value for block in app.code)


@pytest.mark.parametrize("name", frame.PAGES)
def test_no_chart_and_no_code_is_sent_before_a_panel_is_opened(name):
    """Plotly is 1.4 MB and the highlighter half a megabyte: over a slow link they would come before the first drag."""
    app = opened(name)
    assert not app.get("plotly_chart") and not app.code


@pytest.mark.parametrize("name", ["reconstruct", "denoise"])
@pytest.mark.parametrize("bad", ["nan", "1e9", "no_such_model", "<script>alert(1)</script>", "../../etc/passwd", ""])
def test_bad_values_in_the_address_fall_back_with_a_sentence(name, bad):
    app = opened(name, model=bad)
    assert not app.exception
    assert "unknown" in texts(app.info)
    assert app.selectbox(key="model").value in app.selectbox(key="model").options


def test_reconstruct_follows_every_control():
    app = opened("reconstruct", panels=("errors", "many"))
    errors = []
    for order in ("best", "random", "worst"):
        app.segmented_control(key="reconstruct_order").set_value(order).run()
        errors.append(app.dataframe[0].value["MSE"].mean())
    assert not app.exception and errors == sorted(errors)
    for view in ("Two rows of 25", "3 x 5 mosaic"):
        app.segmented_control(key="view").set_value(view).run()
        assert not app.exception
    app.toggle(key="pca").set_value(True).run()
    assert not app.exception and app.toggle(key="pca").value


def test_the_code_size_is_where_the_strip_stands_or_the_link_says():
    app = opened("reconstruct", panels=("errors",))
    errors = {8: app.dataframe[0].value["MSE"].mean()}
    for size in (64, 128):
        app.session_state["sizes_fashion_dense_8"] = {"value": size}
        app.run()
        errors[size] = app.dataframe[0].value["MSE"].mean()
        assert not app.exception and app.query_params["size"] in (str(size), [str(size)])
        other = opened("reconstruct", panels=("errors",), size=str(size))
        assert other.dataframe[0].value["MSE"].mean() == pytest.approx(errors[size])
    assert errors[8] > errors[64] > errors[128]
    assert not opened("reconstruct", size="70").info        # opens on the nearest
    assert "unknown code size" in texts(opened("reconstruct", size="<script>").info)


def test_a_drawing_for_a_model_of_clothing_is_offered_one_of_digits():
    app = opened("reconstruct")
    app.segmented_control(key="reconstruct_source").set_value("Drawing").run()
    next(button for button in app.button if button.label == "Switch to a model of digits").click().run()
    assert not app.exception and app.selectbox(key="model").value == "Digits, convolutional"
    assert "Switch to a model of digits" not in [button.label for button in app.button]


def test_reconstruct_draws_other_pictures_and_one_class():
    app = opened("reconstruct", panels=("errors",))
    first = app.dataframe[0].value
    app.button(key="draw_again").click().run()
    assert not first.equals(app.dataframe[0].value)
    app.selectbox(key="reconstruct_class_fashion_mnist").set_value("Bag").run()
    assert set(app.dataframe[0].value["Class"]) == {"Bag"}


@pytest.fixture
def few_pictures(monkeypatch):
    """The first 300 test pictures of each data set; what is kept of them is forgotten afterwards."""
    whole = cache.samples
    st.cache_resource.clear()
    with monkeypatch.context() as patched:
        patched.setattr(cache, "samples", lambda *given: tuple(part[:300] for part in whole(*given)))
        yield
    st.cache_resource.clear()


def test_reconstruct_opens_every_model_it_offers(few_pictures):
    app = opened("reconstruct")
    for title in app.selectbox(key="model").options:
        app.selectbox(key="model").set_value(title).run()
        assert not app.exception, title
    app.selectbox(key="model").set_value("Digits, sparse").run()
    assert "units** are active" in texts(app.markdown)


@pytest.mark.parametrize(("noise", "highest"), [("Gaussian", 1.2), ("Salt and pepper", 0.8), ("Speckle", 1.2),
                                                ("Hidden patch", 20)])
def test_denoise_follows_the_dragged_level(noise, highest):
    """The strip goes in steps; the address keeps the one where it stands, and a link opens on the nearest."""
    app = opened("denoise", noise=noise)
    for level in (highest, 0.1 * highest):
        app.session_state[f"noise_{noise}"] = {"value": 1.01 * level}
        app.run()
        found = app.query_params["level"]
        assert not app.exception
        assert float(found if isinstance(found, str) else found[0]) == pytest.approx(level, abs=highest / 20)
    assert not opened("denoise", noise=noise, level=f"{0.333 * highest:.3f}").info


@pytest.mark.parametrize("level", ["nan", "1e9", "-1", "<script>", "1,2"])
def test_a_bad_noise_level_in_the_address_falls_back_with_a_sentence(level):
    app = opened("denoise", level=level)
    assert not app.exception and "unknown noise level" in texts(app.info)


def test_denoise_offers_every_filter_and_other_noise():
    app = opened("denoise")
    app.multiselect[0].set_value(list(denoise.FILTERS)).run()
    assert not app.exception
    next(button for button in app.button if button.label == "Draw other noise").click().run()
    assert not app.exception and app.query_params["noise_draw"] in ("1", ["1"])


def test_uploads_are_rebuilt_or_refused_with_a_sentence():
    from tests.pictures.test_reader import GRADIENT, Image, encoded

    app = opened("reconstruct", panels=("errors",))
    app.segmented_control(key="reconstruct_source").set_value("Upload").run()
    good = ("mine.png", encoded(Image.fromarray(GRADIENT)), "image/png")
    bad = ("broken.png", b"not a picture", "image/png")
    app.file_uploader(key="reconstruct_upload").set_value([good, bad]).run()
    assert not app.exception and "broken.png is not a picture" in texts(app.warning)
    assert len(app.dataframe[0].value) == 1 and app.dataframe[0].value["Class"][0] == "yours"


@pytest.mark.parametrize("stem", ["a\0b", "x" * 300, "-rf *", "\u202egnp"])
@pytest.mark.parametrize(("page", "key"), [("reconstruct", "reconstruct_source"), ("colorize", None), ("search", None)])
def test_a_file_may_be_called_anything(page, key, stem):
    from tests.pictures.test_reader import GRADIENT, Image, encoded

    app = opened(page, where="Your pictures") if page == "search" else opened(page)
    if key:
        app.segmented_control(key=key).set_value("Upload").run()
    good, bad = encoded(Image.fromarray(GRADIENT)), b"not a picture"
    files = [(f"{stem}.{suffix}", raw, "image/png") for suffix, raw in (("png", good), ("jpg", bad), ("png", good))]
    app.file_uploader[0].set_value(files).run()
    assert not app.exception and "is not a picture" in texts(app.warning)


def test_a_full_disk_gets_a_sentence(monkeypatch):
    """A drawing and a model are put down for a moment to be looked at."""
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")
    zipped = bundle.pack("digits_conv")
    monkeypatch.setattr(Path, "write_bytes", full)
    for work in (lambda: widgets.sketches(b"", "a.bin", (32, 32, 1), 1), lambda: bundle.unpack(zipped)):
        with pytest.raises(guard.Refused, match="No space left on device.*room"):
            work()


def test_what_the_model_gets_can_be_swapped_and_cropped():
    """A page whose left half is dark: swapped, its other half counts; cropped to it, nothing stands out."""
    half = np.zeros((60, 80, 1), np.uint8)
    half[20:40, 50:70] = 255
    app = opened("reconstruct")
    app.segmented_control(key="reconstruct_source").set_value("Upload").run()
    app.file_uploader(key="reconstruct_upload").set_value([("mine.png", sheets.to_png(half), "image/png")]).run()
    assert not app.exception and not app.warning
    assert any("What the model gets of mine" in expander.label for expander in app.expander)
    next(toggle for toggle in app.toggle if toggle.label == "Crop by hand").set_value(True).run()
    across = next(slider for slider in app.slider if slider.label.startswith("Left and right"))
    across.set_range(0, 50).run()
    assert not app.exception and "Nothing stands out" in texts(app.warning)
    next(toggle for toggle in app.toggle if toggle.label == "Swap dark and light").set_value(True).run()
    assert not app.exception


def test_denoise_shows_what_becomes_of_noise_in_a_model_that_never_saw_any(digits):
    clean, twin = (cache.served(name) for name in ("digits_conv", "digits_denoiser"))
    names, decibels, _ = cache.noise_film(clean, twin, digits[0][:8], "Gaussian", (0.5, 0.8), 0, (), {"mean": 0.5})
    assert names == ["Clean", "Noisy", "Trained on noise", "Autoencoder"]
    assert (decibels[:, 2] > decibels[:, 3] + 5).all()
    words = denoise_panels.result("σ 0.50", names, decibels[0])
    assert f"{decibels[0, 3]:.1f}" in words and f"trained on noise {decibels[0, 2]:.1f}" in words
    assert "never saw noise" in denoise_panels.unseen(clean.preset, "Gaussian")
    assert "never saw this kind" in denoise_panels.unseen(twin.preset, "Speckle")
    assert denoise_panels.unseen(twin.preset, "Gaussian") == ""
    app = opened("denoise", model="Digit denoiser, sigma 0.5", panels=("sets",))
    assert not app.exception
    assert any("noise of σ 0.5, restored" in sheet.proto.imgs[0].caption for sheet in app.get("image"))


def test_search_answers_whether_a_denoisers_code_finds_more():
    app = opened("search", panels=("precision",))
    assert not app.exception and re.search(r"denoiser.*0\.\d{3}.*: noise (helps|does not help|changes nothing)",
                                           texts(app.markdown))
    assert "python -m ae_core index fashion_search" in texts(app.caption)


# --- search ---------------------------------------------------------------------------------------------------

ODD = "a*b_[x](http://e.com) :smile: $x$ `c`.png"


def own_search(monkeypatch, count):
    """The Search page over a reader's own pictures, which were read already."""
    def read(files, shape, **how):
        rng = np.random.default_rng(0)
        return collections.Collection((ODD, *(f"{k}.png" for k in range(1, count)))[:count],
                                      rng.integers(0, 256, (count, *shape), np.uint8),
                                      rng.integers(0, 256, (count, 56, 56, 3), np.uint8), ())
    monkeypatch.setattr(collections, "read", read)
    app = opened("search", where="Your pictures")
    app.file_uploader[0].set_value([("mine.zip", b"zip", "application/zip")]).run()
    assert not app.exception
    return app


def results(app):
    return [button for button in app.button if str(button.key).startswith("result_")]


def test_a_click_in_twenty_thousand_own_pictures_converts_what_is_shown(monkeypatch):
    app = own_search(monkeypatch, 20_000)
    results(app)[3].click().run()
    tracemalloc.start()
    results(app)[3].click().run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not app.exception and len(results(app)) == 16 and peak < 5 * 2**20


def test_names_of_results_are_shown_as_they_are_written(monkeypatch):
    app = own_search(monkeypatch, 5)
    assert len(results(app)) == 4
    results(app)[0].click().run()
    assert any(widgets.plain(ODD) in button.label for button in results(app))


def test_of_many_pictures_the_first_are_there_at_once_and_all_when_asked_for(monkeypatch):
    monkeypatch.setattr(widgets, "FIRST_SECONDS", 0)
    app = opened("search", where="Your pictures")
    app.file_uploader[0].set_value([photo_file(f"{k}.png") for k in range(6)]).run()
    assert not app.exception and "1 picture read. 5 more files were not read in 0 seconds." in texts(app.caption[::-1])
    app.button(key="search_read_all").click().run()
    assert not app.exception and "6 pictures read." in texts(app.caption) and "not read" not in texts(app.caption)
    assert len(results(app)) == 5


@pytest.mark.parametrize(("count", "words"), [(0, "None of these files is a picture"),
                                              (1, "nothing to be compared with")])
def test_one_picture_or_none_gets_a_sentence(monkeypatch, count, words):
    app = own_search(monkeypatch, count)
    assert words in texts(app.info) and len(results(app)) == 16


# --- colorize -------------------------------------------------------------------------------------------------

def photo_file(name, size=(60, 40), color=True):
    picture = np.random.default_rng(len(name)).integers(0, 256, (*size, 3 if color else 1), np.uint8)
    return name, sheets.to_photo(picture, "PNG"), "image/png"


def test_colorize_opens_on_a_sample_in_color():
    app = opened("colorize")
    assert "They were removed" in texts(app.caption) and not app.warning
    for sample in app.selectbox(key="photo").options:
        app.selectbox(key="photo").set_value(sample).run()
        assert not app.exception and "dB against the true colors" in texts(app.caption)


def test_colorize_never_asks_the_network_again_for_other_colors(monkeypatch):
    app = opened("colorize")
    before = texts(app.caption)
    monkeypatch.setattr(model.Colorizer, "chroma", None)
    for key, value in (("saturation", 0.0), ("warmth", 1.0)):
        app.slider(key=key).set_value(value).run()
        assert not app.exception and texts(app.caption) != before
        before = texts(app.caption)


def test_colorize_takes_several_uploads_and_names_the_broken_ones():
    app = opened("colorize")
    app.file_uploader(key="photos").set_value(
        [photo_file("one.png"), ("broken.tif", b"II*" + bytes(50), "image/tiff"), photo_file("two.png", color=False),
         photo_file("strip.png", (1, 5000)), ("empty.png", b"", "image/png")]).run()
    assert not app.exception and "broken.tif" in texts(app.warning) and "empty.png is empty" in texts(app.warning)
    assert app.selectbox(key="show_3").options == ["1. one.png", "2. two.png", "3. strip.png"]
    assert app.selectbox(key="photo").disabled
    app.selectbox(key="show_3").set_value("2. two.png").run()
    assert not app.exception and "your photo" in texts(app.caption)


def test_colorize_takes_thirty_photographs_at_once():
    app = opened("colorize")
    app.file_uploader(key="photos").set_value([photo_file(f"{k}.png", (40 + k, 30)) for k in range(30)]).run()
    assert not app.exception
    assert [sheet.proto.imgs[0].caption for sheet in app.get("image")] == ["All 30 photos."]
    next(button for button in app.button if "zip of all 30" in button.label).click().run()
    assert not app.exception and not app.warning
    packed = zipfile.ZipFile(io.BytesIO(app.session_state["zip"][1]))
    assert len(packed.namelist()) == 30 and packed.testzip() is None


def test_colorize_with_nothing_but_broken_uploads():
    app = opened("colorize")
    app.file_uploader(key="photos").set_value([("notes.png", b"these are notes", "image/png")]).run()
    assert not app.exception and "notes.png is not a picture" in texts(app.warning)


@pytest.mark.parametrize("query", [{"photo": "../../etc/passwd"}, {"view": "nan"}, {"saturation": "1e9"},
                                   {"warmth": "<script>"}])
def test_colorize_falls_back_from_a_bad_address(query):
    app = opened("colorize", **query)
    assert not app.exception and "unknown" in texts(app.info)


def test_colorize_shows_the_published_experiment_on_other_pictures_where_cifar_is_not():
    app = opened("colorize", view="The published experiment")
    assert not app.exception and "loses to the gray copy" in texts(app.markdown)
    assert app.segmented_control(key="small_source").options == ["Photographs", "Upload"]
    app.segmented_control(key="small_source").set_value("Upload").run()
    app.file_uploader(key="small_uploads").set_value([photo_file("one.png"), photo_file("strip.png", (1, 5000))]).run()
    for right in app.radio(key="small_right").options:
        app.radio(key="small_right").set_value(right).run()
        assert not app.exception


def test_colorize_shows_the_published_experiment_on_cifar_where_it_is(tmp_path):
    (tmp_path / "data").mkdir()
    pictures = np.random.default_rng(0).integers(0, 256, (120, 32, 32, 3), np.uint8)
    np.savez(tmp_path / "data" / "cifar10.npz", x_train=pictures, y_train=np.zeros(120), x_test=pictures,
             y_test=np.zeros(120))
    app = opened("colorize", view="The published experiment")
    assert not app.exception and app.segmented_control(key="small_source").value == "CIFAR-10"
    expected = published_colorizer.run(model.load(published_colorizer.PRESET), convert.as_pictures(pictures[:100]))
    assert list(app.dataframe[0].value["Here"]) == [f"{error:.5f}" for error in published_colorizer.errors(expected)]


@pytest.mark.parametrize("name", ["x" * 300 + ".ndjson", "../../etc/passwd.npy", "![a](http://b.c/d.png).bin"])
def test_a_drawing_may_be_called_anything(name):
    """Its name is shown as it is written, and is no place on the disk."""
    app = opened("reconstruct", model=presets.get("cats_vae").title)
    app.segmented_control(key="reconstruct_source").set_value("Upload").run()
    app.file_uploader(key="reconstruct_upload").set_value([(name, b"no drawing at all", "application/json")]).run()
    assert not app.exception and len(app.warning) == 1 and "![" not in app.warning[0].value


def test_a_table_holds_no_formula():
    """A spreadsheet would run a file name that begins with "="."""
    rows = [{"file": text, "score": -1.5} for text in ("=HYPERLINK(1)", "+1", "-1", "@a", "\t=1", "good.png")]
    lines = list(csv.DictReader(io.StringIO(widgets.table_csv(rows).decode())))
    assert [line["file"][:1] for line in lines] == ["'"] * 5 + ["g"] and lines[0]["score"] == "-1.5"


def test_reconstruct_shows_codes_the_drawn_network_and_the_printed_losses():
    app = opened("reconstruct", model="Digits, stacked, sigmoid", panels=("codes", "network"))
    assert not app.exception and len(app.get("plotly_chart")) == 1
    tables = [table.value for table in app.dataframe]
    assert {"Picture", "Copy", "Class", "Code"} == set(tables[0].columns) and len(tables[0].iloc[0]["Code"]) == 256
    printed = next(table for table in tables if "Printed loss" in table.columns)
    assert len(printed) == 3 and printed["Test error here"].min() < 0.003 < 0.08 < printed["Test error here"].max()
    app = opened("reconstruct", model="Digits on a plane", panels=("codes",))
    assert not app.exception and re.fullmatch(r"−?\d+\.\d\d, −?\d+\.\d\d", app.dataframe[0].value.iloc[0]["Code"])


def test_the_scatter_writes_digits_as_characters_on_request():
    app = opened("latent_map", section="Scatter")
    app.toggle(key="characters").set_value(True).run()
    assert not app.exception and '"mode":"text"' in app.get("plotly_chart")[0].proto.spec.replace(" ", "")
    app = opened("latent_map", section="Scatter", model="Fashion, dense VAE")
    assert "characters" not in [toggle.key for toggle in app.toggle]


def test_a_path_is_followed_past_its_ends_on_request():
    assert not opened("latent_map", section="Path").toggle(key="beyond").value
    app = opened("latent_map", section="Path", beyond="true")
    assert app.toggle(key="beyond").value
    app.session_state["path_True"] = {"value": 1.4}          # past the end, where the strip ends at 1.5
    app.run()
    assert not app.exception
