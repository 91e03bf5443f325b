"""A model as a zip and back; and what comes from others is refused with a sentence, whatever is wrong with it."""
import dataclasses
import io
import json
import shutil
import zipfile

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from ae_core import families, guard, model, presets, store
from ae_core.own import blueprint, bundle, jobs, story, worker
from tests.conftest import places
from tests.own.test_jobs import rings, small


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with one own model, trained once for all tests."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patched:
        for name, place in places(folder).items():
            patched.setenv(name, place)
        patched.setattr(jobs, "start", lambda: None)
        patched.setattr(worker.os, "nice", lambda _: None)
        jobs.request(small(epochs=1), collection=rings())
        worker.work()
    return folder / "models"


@pytest.fixture
def trained_zip(trained, no_foreign_data):
    """That model as a zip, in a store that has it too."""
    shutil.copytree(trained, store.own_root())
    return bundle.pack("own_mine", pictures=True)


def files_of(raw):
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def changed_card(files, change):
    card = json.loads(files["preset.json"])
    change(card)
    return files | {"preset.json": json.dumps(card).encode()}


def changed_graph(files, change, part="decoder"):
    graph = onnx.load_model_from_string(files[f"{part}.onnx"])
    change(graph)
    return files | {f"{part}.onnx": graph.SerializeToString()}


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def test_a_model_comes_back_with_the_same_outputs(trained_zip):
    stored = bundle.unpack(trained_zip)
    assert stored.preset.name == "own_mine_2" and stored.preset.title == "Mine 2"
    assert set(store.own()) == {"own_mine", "own_mine_2"}
    pictures = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)
    first, second = (model.load(name).reconstruct(pictures) for name in ("own_mine", "own_mine_2"))
    np.testing.assert_array_equal(first, second)
    for name in ("own_mine", "own_mine_2"):
        assert store.read(name).path("latents.npz").is_file() and story.read(store.read(name).path(story.FILE))


@pytest.mark.parametrize("name", [preset.name for preset in presets.PRESETS.values() if blueprint.is_own(preset)])
def test_shipped_models_of_these_families_can_be_packed_and_loaded(name):
    stored = bundle.unpack(bundle.pack(name))
    assert stored.preset.dataset == presets.get(name).dataset and stored.preset.name.startswith("own_")
    pictures = np.random.default_rng(0).random((2, *stored.preset.shape), np.float32)
    labels = [1, 2] if stored.preset.labels else None
    np.testing.assert_array_equal(model.load(name).reconstruct(pictures, labels),
                                  model.load(stored.preset.name).reconstruct(pictures, labels))


@pytest.mark.parametrize("name", families.TRAINABLE)
def test_the_operators_are_those_that_shipped_models_hold(name):
    found = {node.op_type for preset in presets.PRESETS.values() if preset.network == name and blueprint.is_own(preset)
             for part in ("encoder", "decoder")
             for node in onnx.load(store.root() / preset.name / f"{part}.onnx").graph.node}
    assert found == families.TRAINABLE[name].operators


def loop(graph):
    body = helper.make_graph([], "body", [], [])
    graph.graph.node.append(helper.make_node("Loop", ["", ""], ["more"], body=body))


def external(graph):
    graph.graph.initializer[0].data_location = TensorProto.EXTERNAL
    graph.graph.initializer[0].external_data.add(key="location", value="/etc/passwd")


def huge(graph):
    """A padding that would need terabytes; the declared output stays as it was."""
    last = graph.graph.node[-1]
    shape = helper.make_tensor("far", TensorProto.INT64, [4], [-1, 28, 28, 1])
    graph.graph.initializer.append(shape)
    kernel = helper.make_tensor("kernel", TensorProto.FLOAT, [1, 1, 1, 1], [1.0])
    graph.graph.initializer.append(kernel)
    graph.graph.node.insert(len(graph.graph.node) - 1,
                            helper.make_node("Conv", ["far_in", "kernel"], ["unused"], pads=[10**6] * 4))
    graph.graph.node.insert(len(graph.graph.node) - 2, helper.make_node("Reshape", [last.input[0], "far"], ["far_in"]))


def doubling(graph):
    """Rows beside themselves, thirty times: a thousand million from one."""
    inner = graph.graph.node[-1].input[0]
    for k in range(30):
        graph.graph.node.insert(len(graph.graph.node) - 1, helper.make_node(
            "Concat", [f"twice_{k - 1}" if k else inner] * 2, [f"twice_{k}"], axis=0))


def grown(graph):
    graph.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(10**6, np.float16), "ballast"))


@pytest.mark.parametrize(("change", "sentence"), [
    (loop, "operator Loop"), (huge, "operator Conv"), (external, "other files"), (doubling, "too large"),
    (grown, "larger than the network"),
    (lambda graph: graph.graph.node.append(helper.make_node("Evil", [], ["x"], domain="com.evil")), "com.evil.Evil"),
    (lambda graph: graph.functions.add(), "functions"),
    (lambda graph: setattr(graph.graph.output[0], "name", "photo"), "other shapes"),
    (lambda graph: setattr(graph.graph.input[0].type.tensor_type.shape.dim[1], "dim_value", 3), "other shapes"),
    (lambda graph: graph.graph.node.pop(), "not a whole ONNX graph"),
    (lambda graph: setattr(graph.graph.initializer[0], "raw_data", b"x"), "does not run|not a whole"),
], ids=lambda value: getattr(value, "__name__", None))
def test_a_foreign_graph_is_refused(trained_zip, change, sentence):
    with pytest.raises(guard.Refused, match=sentence):
        bundle.unpack(zipped(changed_graph(files_of(trained_zip), change)))
    assert set(store.own()) == {"own_mine"}


def test_a_huge_convolution_is_refused_where_convolutions_are_not():
    with pytest.raises(guard.Refused, match="too large"):
        bundle.unpack(zipped(changed_graph(files_of(bundle.pack("digits_conv")), huge)))
    assert not store.own()


def preset_with(**values):
    return lambda card: card["preset"].update(values)


@pytest.mark.parametrize(("change", "sentence"), [
    (preset_with(code=3), "other shapes|does not belong"), (preset_with(network="evil"), "does not describe a preset"),
    (preset_with(network="linear"), "cannot be trained"),
    (preset_with(code=10**9), "code size"), (preset_with(shape=[10**5, 10**5, 1]), "28 to 64"),
    (preset_with(surprise=1), "does not describe a preset"), (preset_with(arguments={"units": [[]]}), "units"),
    (lambda card: card.pop("preset"), "describe a model"),
    (lambda card: card.update(data=None), "describe a model"),
    (lambda card: card["data"].update(classes=[]), "unknown way"),
    (lambda card: card["data"].update(margin="x"), "unknown way"),
    *((lambda card, key=key, text=text: card["preset"].update({key: text}), "printable|must be a text")
      for key in ("title", "description", "recipe") for text in ("\ud800", "a\u0000", 7, None)),
    (lambda card: card["data"].update(classes=["\ud800"] * 2), "printable"),
    (preset_with(dataset="mnist", shape=[64, 64, 3]), "another shape"),
    (preset_with(dataset="fashion_mnist", shape=[48, 48, 1]), "another shape"),
])
def test_a_card_that_does_not_fit_is_refused(trained_zip, change, sentence):
    with pytest.raises(guard.Refused, match=sentence):
        bundle.unpack(zipped(changed_card(files_of(trained_zip), change)))
    assert set(store.own()) == {"own_mine"}


def test_no_name_and_no_text_of_a_card_is_believed(trained_zip):
    """A card that calls itself a shipped model, or a path, gets a name made here; foreign keys are left behind."""
    def change(card):
        card["preset"]["name"], card["evil"], card["sha256"] = "../../digits_conv", "x" * 100, {"../../x": "0"}
        card["training"]["note"], card["preset"]["dataset"] = "<script>", "../../etc"
    stored = bundle.unpack(zipped(changed_card(files_of(trained_zip), change)))
    assert stored.preset.name == "own_mine_2" == stored.preset.dataset and "evil" not in stored.card
    assert "note" not in stored.card["training"] and all("/" not in file for file in stored.card["sha256"])


BOMB = b'\x93NUMPY\x01\x00v\x00' + b"{'descr': '|u1', 'fortran_order': False, 'shape': (900000000, 28, 28, 1), }".ljust(
    117) + b"\n"


@pytest.mark.parametrize(("change", "sentence"), [
    (lambda files: files | {"../evil.py": b"x"}, "leads out of it"),
    (lambda files: files | {"weights.pkl": b"x"}, "not part of a model"),
    (lambda files: {name: files[name] for name in files if name != "encoder.onnx"}, "no encoder.onnx"),
    (lambda files: files | {"preset.json": b" " * (2**20 + 1)}, "at most 1 MB"),
    *((lambda files, card=card: files | {"preset.json": card}, "describe a model.*It is not what the Train page writes")
      for card in (b"\xff\xfe", b"{}\x80", b"[" * 10**5, b"{", b"7" * 5000, "{}".encode("utf-16"))),
    (lambda files: files | {"encoder.onnx": b""}, "encoder.onnx"),
    (lambda files: files | {"encoder.onnx": b"\x80\x04\x95"}, "encoder.onnx"),
    (lambda files: files | {"samples.npz": zipped({"x_test.npy": BOMB, "y_test.npy": BOMB})}, "samples.npz"),
    (lambda files: files | {"samples.npz": npz(x_test=np.array([object()]), y_test=np.zeros(1, np.uint8))}, "samples"),
    (lambda files: files | {"samples.npz": npz(x_test=np.zeros((4, 9, 9, 1), np.uint8),
                                               y_test=np.zeros(4, np.uint8))}, "does not belong"),
    (lambda files: files | {"samples.npz": npz(x_test=np.zeros((4, 28, 28, 1), np.uint8),
                                               y_test=np.full(4, 7, np.uint8))}, "does not belong"),
    (lambda files: {name: files[name] for name in files if name != "latents.npz"}, "latents.npz"),
    (lambda files: files | {"latents.npz": npz(mean=np.full((4, 2), np.nan, np.float16), label=np.zeros(4, np.uint8),
                                               log_variance=np.zeros((4, 2), np.float16))}, "does not hold"),
    (lambda files: files | {"latents.npz": npz(mean=np.full((4, 2), 1e30), label=np.zeros(4, np.uint8),
                                               log_variance=np.zeros((4, 2)))}, "does not hold"),
    (lambda files: files | {"latents.npz": npz(mean=np.zeros((4, 2), np.float16), label=np.full(4, 200, np.uint8),
                                               log_variance=np.zeros((4, 2), np.float16))}, "does not belong"),
    (lambda files: files | {"story.npz": npz(given=np.zeros(3, np.uint8))}, "story.npz"),
])
def test_a_zip_with_other_things_in_it_is_refused(trained_zip, change, sentence):
    with pytest.raises(guard.Refused, match=sentence):
        bundle.unpack(zipped(change(files_of(trained_zip))))
    assert set(store.own()) == {"own_mine"}


@pytest.mark.parametrize("raw", [b"", b"PK", b"no zip at all", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip_is_refused(raw):
    with pytest.raises(guard.Refused):
        bundle.unpack(raw)


def test_a_cut_off_zip_is_refused(trained_zip):
    for share in (0.1, 0.5, 0.99):
        with pytest.raises(guard.Refused):
            bundle.unpack(trained_zip[:int(len(trained_zip) * share)])


def test_a_zip_that_lies_about_its_sizes_is_refused(trained_zip):
    files = files_of(trained_zip)
    raw = bytearray(zipped(files | {"preset.json": b" " * 10**6}))
    at = raw.rindex(b"preset.json") - 46 + 24                # the size in the central directory
    raw[at:at + 4] = (100).to_bytes(4, "little")
    with pytest.raises(guard.Refused):
        bundle.unpack(bytes(raw))


def test_the_preset_of_a_zip_is_the_one_that_was_trained(trained_zip):
    stored, again = store.read("own_mine"), bundle.unpack(trained_zip)
    assert dataclasses.replace(again.preset, name="own_mine", title="Mine", dataset="own_mine") == stored.preset
    assert again.card["data"] == stored.card["data"]


def test_a_strangers_keras_file_is_not_handed_on(trained_zip):
    """It is never opened here, so nobody knows what is in it."""
    stored = bundle.unpack(trained_zip)
    assert "model.keras" not in stored.card["sha256"] and not (stored.folder / "model.keras").exists()
    assert "model.keras" not in files_of(bundle.pack(stored.preset.name))


def test_a_zip_packed_again_by_finder_is_read(trained_zip):
    again = {f"own_mine/{name}": content for name, content in files_of(trained_zip).items()}
    again |= {f"__MACOSX/own_mine/._{name}": b"\0" * 64 for name in files_of(trained_zip)}
    assert bundle.unpack(zipped(again)).preset.title == "Mine 2"


def test_a_network_of_a_fixed_batch_is_refused(trained_zip):
    """It answers one picture, and fails for every page that asks for more."""
    def fixed(graph):
        for value in (*graph.graph.input, *graph.graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = 1
        for node in graph.graph.node:
            if node.op_type == "Reshape":
                for tensor in graph.graph.initializer:
                    if tensor.name == node.input[1]:
                        sizes = onnx.numpy_helper.to_array(tensor).copy()
                        sizes[0] = 1
                        tensor.CopyFrom(onnx.numpy_helper.from_array(sizes, tensor.name))
    with pytest.raises(guard.Refused):
        bundle.unpack(zipped(changed_graph(files_of(trained_zip), fixed)))


@pytest.mark.parametrize("what", ["initializer", "node"])
def test_a_crowded_graph_is_refused_before_each_part_is_looked_at(trained_zip, monkeypatch, what):
    """80,000 weights of one number took ten seconds."""
    def crowd(graph):
        part = getattr(graph.graph, what)
        one = min(part, key=lambda each: each.ByteSize())
        for _ in range(2_000):
            part.add().CopyFrom(one)
    raw = zipped(changed_graph(files_of(trained_zip), crowd, "encoder"))
    monkeypatch.setattr(onnx.checker, "check_model", lambda *_: pytest.fail("it was looked at"))
    with pytest.raises(guard.Refused, match="larger than the network"):
        bundle.unpack(raw)
