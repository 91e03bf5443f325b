"""Every page of the table, run by Streamlit's own test driver: it opens on a finished result, its widgets work."""
import pytest
from streamlit.testing.v1 import AppTest

from ae_core import store
from pages.shared import frame


def opened(name, **query):
    app = AppTest.from_file(str(store.ROOT / frame.PAGES[name].file), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def texts(elements):
    return " ".join(element.value for element in elements)


@pytest.mark.parametrize("name", frame.PAGES)
def test_a_page_stands_alone(name):
    app = opened(name)
    assert not app.exception and not app.error and not app.warning
    assert app.title[0].value == frame.PAGES[name].title
    assert frame.PAGES[name].sentence in texts(app.markdown)


@pytest.mark.parametrize("name", [name for name in frame.PAGES if name != "home"])
def test_a_page_without_weights_names_the_command(name, own_store):
    app = opened(name)
    assert not app.exception
    assert "python -m ae_core train" in texts(app.warning)


def test_home_without_weights_still_opens(own_store):
    app = opened("home")
    assert not app.exception and "python -m ae_core train" in texts(app.caption)


@pytest.mark.parametrize("name", [name for name in frame.PAGES if name != "home"])
def test_a_page_explains_itself_and_shows_its_code(name):
    app = opened(name)
    labels = [expander.label for expander in app.expander]
    assert {"How this works", "The code"} <= set(labels)
    assert app.latex and any("def " in block.value for block in app.code)


@pytest.mark.parametrize("name", ["reconstruct", "denoise"])
@pytest.mark.parametrize("bad", ["nan", "1e9", "no_such_model", "<script>alert(1)</script>", "../../etc/passwd", ""])
def test_bad_values_in_the_address_fall_back_with_a_sentence(name, bad):
    app = opened(name, model=bad)
    assert not app.exception
    assert "not here" in texts(app.info)
    assert app.selectbox(key="model").value in app.selectbox(key="model").options


def test_reconstruct_follows_every_control():
    app = opened("reconstruct")
    errors = [metric.value for metric in app.metric]
    app.select_slider(key="size").set_value(8).run()
    assert not app.exception and [metric.value for metric in app.metric][:3] != errors[:3]
    assert float(app.metric[1].value) > float(errors[1])
    for view in ("Two rows of 25", "3 x 5 mosaic"):
        app.segmented_control(key="view").set_value(view).run()
        assert not app.exception
    worst = float(app.segmented_control(key="reconstruct_order").set_value("worst").run().metric[0].value)
    best = float(app.segmented_control(key="reconstruct_order").set_value("best").run().metric[0].value)
    assert best < float(app.metric[1].value) < worst


def test_reconstruct_draws_other_pictures_and_one_class():
    app = opened("reconstruct")
    first = app.dataframe[0].value
    app.button(key="reconstruct_again").click().run()
    assert not first.equals(app.dataframe[0].value)
    app.selectbox(key="reconstruct_class_fashion_mnist").set_value("Bag").run()
    assert set(app.dataframe[0].value["Class"]) == {"Bag"}


def test_reconstruct_opens_every_model_it_offers():
    app = opened("reconstruct")
    for title in app.selectbox(key="model").options:
        app.selectbox(key="model").set_value(title).run()
        assert not app.exception, title
    app.selectbox(key="model").set_value("Digits, sparse").run()
    assert "units** fire" in texts(app.markdown)


def test_denoise_follows_every_control():
    app = opened("denoise")
    for noise, key in (("Gaussian", "Gaussian_sigma"), ("Salt and pepper", "Salt and pepper_share"),
                       ("Speckle", "Speckle_sigma"), ("Hidden patch", "Hidden patch_side")):
        app.selectbox(key="noise").set_value(noise).run()
        slider = app.slider(key=key)
        slider.set_value(slider.max).run()
        assert not app.exception, noise
        slider.set_value(slider.min).run()
        assert not app.exception, noise


def test_uploads_are_rebuilt_or_refused_with_a_sentence():
    from tests.test_images import GRADIENT, Image, encoded

    app = opened("reconstruct")
    app.segmented_control(key="reconstruct_source").set_value("Upload").run()
    good = ("mine.png", encoded(Image.fromarray(GRADIENT)), "image/png")
    bad = ("broken.png", b"not a picture", "image/png")
    app.file_uploader(key="reconstruct_upload").set_value([good, bad]).run()
    assert not app.exception and "broken.png is not a picture" in texts(app.warning)
    assert len(app.dataframe[0].value) == 1 and app.dataframe[0].value["Class"][0] == "yours"
