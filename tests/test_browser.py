"""A graph packed for the browser: what is kept, what is refused, and that nothing is lost on the way."""
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from ae_core import browser, model, presets, store
from tests import conftest

RUNS = [name for name in presets.PRESETS if name != "photo_colorizer"]


def unpacked(blob):
    """The header and {index: array} of the constants, as network.js reads them."""
    length = int.from_bytes(blob[:4], "little")
    header = json.loads(blob[4:4 + length])
    constants = {}
    for index, place, half in header["constants"]:
        shape = header["shapes"][index]
        raw = np.frombuffer(blob, np.float16 if half else np.float32, int(np.prod(shape)), 4 + length + place)
        constants[index] = raw.astype(np.float32).reshape(shape)
    return header, constants


def saved(folder, nodes, inputs, outputs, **constants):
    """An ONNX file of a few nodes; inputs and outputs are {name: shape} without the batch axis."""
    def values(sides):
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
                for name, shape in sides.items()]

    initializers = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "tiny", values(inputs), values(outputs), initializers)
    file = folder / "tiny.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
    return file


def test_weights_stay_what_they_are():
    """float16 only where that is exactly the number; the folded vectors of a batch normalization are not."""
    header, constants = unpacked(browser.pack(store.read("fashion_conv"))["decoder"])
    halves = {index for index, _, half in header["constants"] if half}
    assert halves and halves != set(constants)
    stored = onnx.load(store.read("fashion_conv").path("decoder.onnx"))
    originals = [onnx.numpy_helper.to_array(each).astype(np.float32) for each in stored.graph.initializer]
    dense = next(array for index, array in constants.items() if array.shape[0] == 256)
    assert any(array.shape == dense.shape and np.array_equal(array, dense) for array in originals)


@pytest.mark.parametrize("name", ["digits_vae", "digits_cvae", "faces_vae"])
def test_the_known_result_is_that_of_the_served_model(name):
    stored = store.read(name)
    served, halves = model.load(name), browser.pack(stored)
    (encoder, found), (decoder, rebuilt) = (unpacked(halves[half]) for half in ("encoder", "decoder"))
    picture = browser.known_picture(stored.preset.shape)
    label = 0 if stored.preset.labels else None
    mean, log_variance = served.posterior(picture[None], label)
    np.testing.assert_allclose(found[encoder["known"]["mean"]], mean[0], atol=1e-5)
    np.testing.assert_allclose(found[encoder["known"]["log_variance"]], log_variance[0], atol=1e-5)
    np.testing.assert_allclose(rebuilt[decoder["known"]["picture"]], served.decode(mean, label)[0], atol=1e-5)


@pytest.mark.parametrize("name", RUNS)
def test_every_small_preset_is_packed(name):
    for half, blob in browser.pack(store.read(name)).items():
        header, constants = unpacked(blob)
        assert {node["kind"] for node in header["nodes"]} <= set(browser.KINDS)
        assert len(blob) < 1.02 * store.read(name).path(f"{half}.onnx").stat().st_size + 200_000
        assert all(np.isfinite(array).all() for array in constants.values())


def test_any_size_stays_with_the_server():
    with pytest.raises(browser.NotForBrowser, match="any size"):
        browser.pack(store.read("photo_colorizer"))


def refusals():
    def conv(**attributes):
        return [helper.make_node("Conv", ["x", "w"], ["y"], **attributes)]

    ones = np.ones((4, 4, 3, 3), np.float32)
    volume, grouped = {"x": (4, 8, 8)}, np.ones((4, 1, 3, 3), np.float32)
    yield pytest.param([helper.make_node("Erf", ["x"], ["y"])], volume, {}, "Erf", id="unknown kind")
    yield pytest.param(conv(group=4), volume, {"w": grouped}, "Conv with group = 4", id="groups")
    yield pytest.param(conv(dilations=[2, 2]), volume, {"w": ones}, "Conv with dilations", id="dilations")
    yield pytest.param([helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[1, 1, 1, 1])], volume, {},
                       "MaxPool with pads", id="padded maximum")
    yield pytest.param([helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], ceil_mode=1)], volume, {},
                       "MaxPool with ceil_mode", id="rounded up")
    yield pytest.param([helper.make_node("Conv", ["x", "w"], ["y"])], {"x": (4, 9)},
                       {"w": np.ones((4, 4, 3), np.float32)}, "over height and width only", id="one-dimensional")
    yield pytest.param([helper.make_node("Concat", ["x", "x", "x"], ["y"], axis=1)], volume, {}, "of 3 inputs",
                       id="three in a row")
    yield pytest.param([helper.make_node("Add", ["x", "w"], ["y"])], volume,
                       {"w": np.ones((4, 1, 8), np.float32)}, "does not run Add of", id="uneven sum")


@pytest.mark.parametrize("nodes, inputs, constants, message", list(refusals()))
def test_what_the_browser_does_not_run_is_refused_by_name(tmp_path, nodes, inputs, constants, message):
    file = saved(tmp_path, nodes, inputs, {"y": [None] * len(inputs["x"])}, **constants)
    with pytest.raises(browser.NotForBrowser, match=message):
        browser.pack_graph(file, {"x": np.ones(inputs["x"])})


def test_a_huge_graph_stays_with_the_server(tmp_path, monkeypatch):
    monkeypatch.setattr(browser, "MOST_NUMBERS", 1000)
    file = saved(tmp_path, [helper.make_node("Relu", ["x"], ["y"])], {"x": (1000,)}, {"y": (1000,)})
    with pytest.raises(browser.NotForBrowser, match="up to 1,000 numbers"):
        browser.pack_graph(file, {"x": conftest.random_pictures(1, (1000,))[0]})
