"""From a reader's choices to a preset, and to the lines that train it again."""
import dataclasses
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from ae_core import presets, store
from ae_core.own import blueprint, collection, design, jobs, story
from ae_core.pictures import convert, datasets
from ae_core.training import runs
from tests.own.test_jobs import by_hand, rings, small  # noqa: F401 -- a fixture

START = presets.get("fashion_vae_dense")
GOOD = design.Choices("Boots", "own", (28, 28, 1), "VAE", "Dense", 2, (64,), 8, 2, 1.0, 0.5, (0.0, 0.5), 1e-3, "mse", 5,
                      32, 1e-3)


def made(**changes):
    return design.design(dataclasses.replace(GOOD, **changes), START)


def started(name, **changes):
    """The design of a shipped preset in whose controls no more was changed than this."""
    start = presets.get(name)
    return design.design(design.Choices("Mine", **design.choices_of(start) | changes, classes=start.labels), start)


def picture(k, size=(40, 30), color=True):
    pixels = np.random.default_rng(k).integers(0, 255, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels if color else pixels[..., 0]).save(buffer, "PNG")
    return buffer.getvalue()


def packed(names, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for k, name in enumerate(names):
            archive.writestr(name, picture(k, **options))
    return [("mine.zip", buffer.getvalue())]


@pytest.mark.parametrize("kind", design.KINDS)
@pytest.mark.parametrize("network", design.NETWORKS)
@pytest.mark.parametrize("shape", [(28, 28, 1), (64, 64, 3)])
def test_every_combination_of_choices_is_a_preset_that_can_be_trained(kind, network, shape):
    if network not in design.networks(kind):
        return
    preset = made(kind=kind, network=network, shape=shape, classes=3)
    assert preset.variational == ("VAE" in kind) and bool(preset.corruption) == (kind == "Denoiser")
    assert blueprint.parameters(preset) > 1000 and preset.labels == (3 if kind == "Conditional VAE" else 0)


@pytest.mark.parametrize("beta", [0.01, 1.0, 100.0])
def test_beta_weighs_the_kl_term_against_the_sum_over_pixels(beta):
    assert made(beta=beta).reconstruction_weight == pytest.approx(784 / beta)


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"kind": "Conditional VAE"}, "no labels here"), ({"learning_rate": float("nan")}, "learning rate is nan"),
    ({"code": 800}, "larger than the picture"), ({"title": "x" * 90}, "too long")])
def test_choices_that_do_not_go_together_get_a_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        made(**changes)


def test_one_can_start_from_every_preset_of_a_network_and_pictures_that_can_be_trained_here():
    names = {preset.name for preset in design.starts().values()}
    assert names == {preset.name for preset in presets.PRESETS.values() if preset.family.blueprint
                     and datasets.DATASETS[preset.dataset].trainable and not preset.mixture and not preset.output}
    assert {"fashion_dense", "digits_conv", "digits_sparse", "digits_stacked", "digits_sigmoid"} <= names


@pytest.mark.parametrize("start", design.starts().values(), ids=lambda start: start.name)
def test_who_starts_from_a_preset_and_touches_nothing_gets_that_preset(start):
    found = started(start.name)
    assert found == dataclasses.replace(start, name="own_model", title="Mine")
    for key, allowed in (("kind", design.KINDS), ("network", design.NETWORKS), ("code", design.CODES),
                         ("units", design.UNITS), ("filters", design.FILTERS), ("beta", design.BETAS),
                         ("convolutions", design.CONVOLUTIONS), ("loss", design.LOSSES), ("batch_size", design.BATCHES),
                         ("penalty", design.PENALTIES), ("learning_rate", design.RATES)):
        assert design.choices_of(start)[key] in allowed


@pytest.mark.parametrize(("name", "changes", "fields"), [
    ("fashion_denoiser", {"epochs": 3}, {"epochs": 3}),
    ("fashion_denoiser", {"filters": 8}, {"arguments": {"filters": (8, 16), "activation": "leaky_relu",
                                                        "batch_norm": True}}),
    ("digits_vae_denoiser", {"code": 2}, {"code": 2}),
    ("fashion_vae", {"beta": 1.0}, {"reconstruction_weight": 1024}),
    ("fashion_vae", {"loss": "ssim"}, {"loss": "ssim"}),
    ("fashion_plane", {"convolutions": 2}, {"arguments": {"filters": (32, 64)}}),
    ("digits_sparse", {"penalty": 1e-3}, {"sparsity": 1e-3}),
    ("digits_stacked", {"units": ()}, {"arguments": {"units": (), "decoder_units": (256, 512), "output": "linear",
                                                     "code_activation": "relu"}}),
    ("digits_denoiser", {"mean": 0.0, "sigma": (0.0, 0.5)}, {"corruption": presets.Corruption((0.0, 0.0), (0.0, 0.5))}),
    ("fashion_dense", {"network": "Convolutional"}, {"network": "conv", "arguments": {"filters": (32, 64)}}),
])
def test_what_a_reader_changes_is_changed_and_nothing_else(name, changes, fields):
    start, found = presets.get(name), started(name, **changes)
    texts = {"name": "own_model", "title": "Mine", "description": found.description, "departures": found.departures}
    assert found == dataclasses.replace(start, **texts, **fields)
    assert f"started from “{start.title}” and changed:" in found.departures


@pytest.mark.parametrize(("name", "words"), [
    ("fashion_conv", ("leaky ReLU", "batch normalization")), ("fashion_dense", ("ReLU on the code",)),
    ("fashion_vae", ("a weight of 500", "32 x 32")),
    ("digits_stacked", ("a linear last layer", "Muon", "256, then 512")),
    ("digits_stacked_denoiser", ("not clipped",)), ("digits_sigmoid", ("sigmoids", "deviation of 1.0", "plateau")),
    ("digits_plane", ())])
def test_what_is_on_no_control_is_said(name, words):
    found = "; ".join(design.carried(started(name)))
    assert all(word in found for word in words) and bool(found) == bool(words)


def test_a_loss_that_its_network_cannot_have_gets_a_sentence():
    with pytest.raises(ValueError, match="Cross-entropy needs pictures from 0 to 1"):
        started("digits_stacked", loss="bce")


def test_the_nearest_beta_is_the_one_to_start_with():
    assert design.choices_of(presets.get("fashion_vae_beta_small"))["beta"] == 0.001
    assert design.choices_of(presets.get("fashion_vae_beta_large"))["beta"] == 100


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)])
def test_folders_are_classes(shape):
    read = collection.read(packed([f"toys/{name}/{k}.png" for name in ("cars", "bears") for k in range(10)]), shape)
    assert read.labeled and read.classes == ("bears", "cars") and read.notes == ()
    assert read.pictures.shape == (20, *shape) and read.pictures.dtype == np.uint8
    assert list(read.labels) == [1] * 10 + [0] * 10


def test_mixed_sizes_and_missing_labels_are_said():
    files = [*packed([f"a/{k}.png" for k in range(10)]), *packed([f"b/{k}.png" for k in range(10)], size=(90, 64)),
             ("single.png", picture(3))]
    read = collection.read(files, (28, 28, 1))
    assert not read.labeled and read.classes == ("Yours",) and set(read.labels) == {0}
    assert "2 different sizes" in read.notes[0] and "1 pictures are not in a folder" in read.notes[1]


def test_too_few_pictures_get_a_sentence_that_names_the_bad_ones():
    with pytest.raises(ValueError, match="1 pictures could be read; 20.*notes.png is not a picture"):
        collection.read([("one.png", picture(0)), ("notes.png", b"notes")], (28, 28, 1))


def test_a_square_is_the_middle_of_the_picture():
    wide = np.zeros((10, 30, 3), np.float32)
    wide[:, 10:20, 0] = 1
    square = convert.square(wide, (28, 28, 3))
    assert square.shape == (28, 28, 3) and (square[..., 0] == 1).all() and (square[..., 1:] == 0).all()
    assert convert.square(wide[..., :1], (32, 32, 3)).shape == (32, 32, 3)
    np.testing.assert_allclose(convert.square(wide, (28, 28, 1)), 0.299, atol=1e-6)


@pytest.mark.soak
@pytest.mark.parametrize("source", ["zip", "dropped", "shipped", "whole"])
def test_the_lines_train_the_same_model_again(by_hand, source, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    preset = small(epochs=2)
    if source in ("zip", "dropped"):
        names = [f"{k % 2}/{k}.png" for k in range(30)]
        files = packed(names)
        (tmp_path / "pictures.zip").write_bytes(files[0][1])
        if source == "dropped":                  # in another order than the zip has them
            files = [(name, picture(k)) for k, name in enumerate(names)][::-1]
        job = jobs.request(preset, collection=collection.read(files, preset.shape), seed=3)
    elif source == "shipped":
        job = jobs.request(small(epochs=1, batch_size=512), collection=collection.shipped("fashion_mnist"), seed=3)
    else:
        (tmp_path / "data").mkdir()
        raw = np.random.default_rng(0).integers(0, 255, (64, 28, 28), np.uint8)
        labels = raw[:, 0, 0] % 10
        np.savez(tmp_path / "data" / "mnist.npz", x_train=raw, y_train=labels, x_test=raw, y_test=labels)
        job = jobs.request(preset, seed=3)
    by_hand()
    stored = store.read(job.preset.name)
    scope = {}
    exec(design.lines(stored.preset, 3, stored.card.get("data")), scope)
    _, history = story.read(stored.path(story.FILE))
    assert [row["val_loss"] for row in scope["history"]] == pytest.approx([row["val_loss"] for row in history],
                                                                        rel=1e-4)
    best = runs.best_row(scope["history"])["val_loss"]
    assert best == pytest.approx(stored.card["training"]["val_loss"], rel=1e-4)


def test_a_story_is_drawn_with_its_plane(by_hand):  # noqa: F811
    jobs.request(small(epochs=2), collection=rings())
    by_hand()
    drawn, history = story.read(store.read("own_mine").path(story.FILE))
    frames = story.frames(drawn, ["#ff0000", "#0000ff"])
    assert frames.shape[0] == 3 and frames.dtype == np.uint8 and frames.shape[2] > frames.shape[1]
    red, blue = ((frames[-1] == color).all(axis=-1).sum() for color in ((255, 0, 0), (0, 0, 255)))
    assert red > 10 and blue > 10                            # both classes are on the plane
    assert story.frames(drawn, ["#ff0000"], most=2).shape[0] == 2
    assert set(story.curves(history)) == {"Reconstruction", "KL divergence"}
    whole = story.curves([{"loss": 1.0, "val_loss": 2.0}])
    assert whole == {"Loss": {"Training": [1.0], "Validation": [2.0]}}


def test_the_shipped_story_is_here_and_of_the_shipped_model():
    drawn, history = story.read(store.read(design.STORY).path(story.FILE))
    card = store.read(design.STORY).card
    assert len(history) == card["training"]["epochs"] == drawn.epochs[-1]
    assert history[-1]["val_loss"] == pytest.approx(card["training"]["val_loss"], rel=0.02)
    np.testing.assert_array_equal(convert.as_pictures(drawn.given), datasets.samples("fashion_mnist")[0][:story.SHOWN])


# --- in the pages --------------------------------------------------------------------------------------------

@pytest.mark.soak
@pytest.mark.parametrize(("changes", "pages"), [
    ({"code": 2}, ("reconstruct", "latent_map")), ({"code": 5, "shape": (32, 32, 3)}, ("reconstruct", "latent_map")),
    ({"name": "digits_cvae", "labels": 12}, ("reconstruct",)),
    ({"name": "digits_stacked_denoiser", "code": 9, "shape": (48, 48, 3)}, ("denoise",))],
    ids=["plane", "color", "conditional", "denoiser"])
def test_an_own_model_appears_in_the_pages_that_can_show_it(by_hand, changes, pages):  # noqa: F811
    from tests.test_pages import opened
    preset = small(**{"epochs": 1, **changes})
    jobs.request(preset, collection=rings(60, preset.shape, [f"class {k}" for k in range(preset.labels or 2)]))
    by_hand()
    for page in pages:
        app = opened(page, model="Mine")
        assert not app.exception and not app.info and app.selectbox(key="model").value == "Mine"
        if page == "latent_map":
            for section in ("Path", "Scatter", "Sheet", "Dimensions"):
                app.segmented_control(key="section").set_value(section).run()
                assert not app.exception, section


@pytest.mark.soak
def test_digits_offers_an_own_model_of_the_ten_digits(by_hand):  # noqa: F811
    from tests.test_pages import opened
    assert "model" not in [box.key for box in opened("digits").selectbox]
    jobs.request(small("digits_cvae", epochs=1, batch_size=512), collection=collection.shipped("mnist"))
    by_hand()
    app = opened("digits", model="Mine")
    assert not app.exception and app.selectbox(key="model").value == "Mine"


def chosen_run(app):
    return app.selectbox(key="run").value


def test_the_page_follows_its_controls():
    from tests.test_pages import opened, texts
    app = opened("train")
    assert chosen_run(app) == design.STORY and "807,700 parameters" in texts(app.markdown)
    app.selectbox(key="start").set_value("Digits, convolutional").run()
    assert app.selectbox(key="new_dataset").value == "mnist" and app.segmented_control(key="new_network").value == \
        "Convolutional"
    assert "178,001 parameters" in texts(app.markdown)       # as the chapter prints it
    for kind in design.KINDS:
        app.selectbox(key="new_kind").set_value(kind).run()
        assert not app.exception and "parameters" in texts(app.markdown)


def test_the_page_asks_shows_and_steers_a_run(by_hand):  # noqa: F811
    from tests.test_pages import opened, texts
    app = opened("train")
    app.slider(key="new_epochs").set_value(1)
    app.selectbox(key="new_units").set_value((64,))
    app.text_input(key="new_title").set_value("Quick").run()
    app.button(key="go").click().run()
    job, = jobs.every()
    assert chosen_run(app) == f"job {job.ident}" and job.state == jobs.WAITING and not app.exception
    app.button(key="stop").click().run()
    assert "no model" in texts(app.warning)
    app.button(key="hold").click().run()
    by_hand()
    app.run()
    assert chosen_run(app) == "own_quick" and not app.exception and not app.warning
    app.button(key="delete").click().run()
    assert chosen_run(app) == design.STORY and store.own() == {}


@pytest.mark.soak
def test_an_interrupted_run_is_found_again(by_hand, monkeypatch):  # noqa: F811
    from ae_core.own import worker
    from tests.test_pages import opened, texts

    class Killed(BaseException):
        pass

    def killed(report, epoch, logs=None):
        if epoch == 1:
            raise Killed
    job = jobs.request(small(), collection=rings())
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(worker.Report, "on_epoch_begin", killed)
        by_hand()
    app = opened("train")
    assert chosen_run(app) == f"job {job.ident}"
    assert "interrupted after 1 of 3 epochs" in texts(app.warning) and not app.exception
    app.button(key="hold").click().run()
    by_hand()
    assert jobs.read(job.ident).state == jobs.DONE
    app = opened("train", panels=("losses", "network"))
    assert chosen_run(app) == "own_mine" and len(app.get("plotly_chart")) == 3


def test_own_pictures_and_zips_get_sentences(by_hand):  # noqa: F811
    from tests.test_pages import opened, texts
    app = opened("train")
    app.selectbox(key="new_dataset").set_value(design.OWN).run()
    assert "20 to 10,000" in texts(app.info) and app.button(key="go").disabled
    app.file_uploader(key="train_files_False").set_value([("one.png", picture(0), "image/png")]).run()
    assert "1 pictures could be read; 20" in texts(app.info) and app.button(key="go").disabled
    files = [(name, raw, "application/zip") for name, raw in packed([f"{k}.png" for k in range(30)])]
    app.file_uploader(key="train_files_False").set_value(files).run()
    assert "30 pictures" in texts(app.caption) and not app.button(key="go").disabled
    app.selectbox(key="new_kind").set_value("Conditional VAE").run()
    assert "no labels here" in texts(app.warning) and app.button(key="go").disabled
    app.file_uploader(key="model_zip").set_value([("x.zip", b"no zip", "application/zip")]).run()
    assert "not a whole zip archive" in texts(app.warning) and not app.exception


def test_what_is_kept_aside_depends_on_the_pictures_not_on_their_order():
    """Dropped, reversed or zipped: or the lines of "The same run in Python" train on what counts as unseen."""
    files = [(f"{k}.png", picture(k)) for k in range(30)]
    splits = [collection.read(given, (28, 28, 1)).split()
              for given in (files, files[::-1], packed([name for name, _ in files]))]
    for trained, shown in splits[1:]:
        np.testing.assert_array_equal(trained.pictures, splits[0][0].pictures)
        np.testing.assert_array_equal(shown.pictures, splits[0][1].pictures)
    assert splits[0][1].pictures.shape[0] == 4


def test_choices_of_own_pictures_come_back_after_a_visit_to_another_page():
    from streamlit.testing.v1 import AppTest

    def opened(choices=None):
        app = AppTest.from_file(str(store.ROOT / "pages" / "train.py"), default_timeout=60)
        if choices:
            app.session_state["choices"] = choices
        return app.run()
    app = opened()
    app.selectbox(key="new_dataset").set_value(design.OWN).run()
    before = dict(app.session_state["choices"])
    assert (before["side"], before["color"]) == (28, "Gray")
    app = opened(before | {"side": 48, "color": "Color"})        # Streamlit forgets what is not on the page
    assert not app.exception and app.session_state["new_dataset"] == design.OWN
    assert (app.session_state["new_side"], app.session_state["new_color"]) == (48, "Color")


def test_a_file_of_drawings_can_be_learned(by_hand, tmp_path):  # noqa: F811
    from tests.test_pages import opened, texts
    folder = tmp_path / "data" / "quickdraw"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    np.save(folder / "dog.npy", rng.integers(0, 2, (60, 784), np.uint8) * 255)
    (folder / "notes.txt").write_text("no drawings")
    assert [path.name for path in collection.drawing_files()] == ["dog.npy"]
    read = collection.drawn("dog.npy")
    assert read.pictures.shape == (60, *collection.DRAWN) and read.classes == ("Dog",) and read.aside == 12
    with pytest.raises(ValueError, match="wolf.npy is not among the drawings here"):
        collection.drawn("wolf.npy")
    app = opened("train")
    app.selectbox(key="new_dataset").set_value("Quick, Draw! dog.npy")
    app.slider(key="new_epochs").set_value(1).run()
    assert not app.exception and "60 drawings" in texts(app.caption)
    app.button(key="go").click().run()
    job, = jobs.every()
    assert not app.exception and job.preset.shape == collection.DRAWN and job.about["title"] == "Quick, Draw! dog.npy"
    assert 'collection.drawn("dog.npy")' in design.lines(job.preset, 0, job.about)
