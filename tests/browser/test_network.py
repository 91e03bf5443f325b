"""The network that runs in the browser: each operation against Keras and ONNX Runtime, and all that may be refused."""
import base64
import os
import re
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from ae_core import browser as packing
from ae_core import model, store
from tests.test_browser import saved

LIVE = store.ROOT / "pages" / "shared" / "live"
SCRIPTS = "\n".join((LIVE / name).read_text("utf-8") for name in ("network.js", "worker.js"))
BYTES = "const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;"
RUN = """async ([blob, plain, values]) => {
  const network = new Network();
  try {
    const ready = await network.load("half", bytesOf(blob), plain);
    const answer = await network.run(["half"], values);
    const outputs = Object.entries(answer).filter(([, numbers]) => numbers?.length);
    return { ...ready, ...Object.fromEntries(outputs.map(([name, numbers]) => [name, [...numbers]])) };
  } finally {
    network.close();
  }
}"""
BOTH_WAYS = pytest.mark.parametrize("plain", [False, True], ids=["webassembly", "plain loops"])


@pytest.fixture
def lab(page):
    """A page with nothing on it but the scripts."""
    page.add_script_tag(content=f"{SCRIPTS}\n{BYTES}")
    return page


def text(blob):
    return base64.b64encode(blob).decode("ascii")


def run(lab, blob, values, plain=False):
    """{name: flat list} of what the browser makes of {name: array}."""
    return lab.evaluate(RUN, [text(blob), plain, {name: np.ravel(array).tolist() for name, array in values.items()}])


def keras_networks():
    """{what: builder of (input shape, layers)} that together use every kind of node."""
    from keras import layers

    def branches(x):
        thin = layers.Conv2D(2, 1, activation="relu")(x)
        return layers.Concatenate()([thin, layers.Conv2D(3, 3, padding="same", activation="relu")(x)])

    return {
        "dense": ((3, 5, 2), [layers.Flatten(), layers.Dense(17, activation="relu"), layers.Dense(3)]),
        "convolution, same, stride 2": ((7, 9, 3), [layers.Conv2D(5, 3, strides=2, padding="same")]),
        "convolution, valid, even kernel": ((8, 6, 2), [layers.Conv2D(4, (2, 4), activation="sigmoid")]),
        "transposed, stride 2": ((3, 4, 6), [layers.Conv2DTranspose(5, 3, strides=2, padding="same")]),
        "transposed, stride 1, to one channel": ((5, 4, 3), [layers.Conv2DTranspose(1, 3, padding="same")]),
        "transposed, kernel 4": ((4, 4, 3), [layers.Conv2DTranspose(2, 4, strides=2, padding="same")]),
        "pooled and enlarged": ((8, 6, 3), [layers.MaxPooling2D(2), layers.Conv2D(4, 3, padding="same"),
                                            layers.UpSampling2D(2)]),
        "leaky, normalized": ((6, 6, 2), [layers.Conv2D(4, 3), layers.LeakyReLU(0.2), layers.BatchNormalization(),
                                          layers.Conv2D(2, 3)]),
        "two branches": ((5, 7, 2), [branches]),
        "from a row to a volume": ((9,), [layers.Dense(24), layers.Reshape((2, 4, 3)), layers.Permute((2, 1, 3))]),
    }


@BOTH_WAYS
@pytest.mark.parametrize("what", ["dense", "convolution, same, stride 2", "convolution, valid, even kernel",
                                  "transposed, stride 2", "transposed, stride 1, to one channel",
                                  "transposed, kernel 4", "pooled and enlarged", "leaky, normalized", "two branches",
                                  "from a row to a volume"])
def test_keras_layers(lab, tmp_path, what, plain):
    import keras

    from ae_core.training import export

    keras.utils.set_random_seed(0)
    shape, layers = keras_networks()[what]
    x = start = keras.Input(shape, name="x")
    for layer in layers:
        x = layer(x)
    network = keras.Model(start, x)
    rng = np.random.default_rng(0)
    network.set_weights([rng.uniform(0.2, 1, weights.shape) * rng.choice([-1, 1], weights.shape)
                         if "variance" not in variable.path else rng.uniform(0.5, 2, weights.shape)
                         for variable, weights in zip(network.weights, network.get_weights(), strict=True)])
    volume = rng.normal(size=shape).astype(np.float32)
    wanted = network.predict(volume[None], verbose=0)
    export.save_onnx(network, tmp_path / "tiny.onnx", ["y"])
    blob, _ = packing.pack_graph(tmp_path / "tiny.onnx", {"x": volume})
    found = run(lab, blob, {"x": volume}, plain)
    np.testing.assert_allclose(found["y"], wanted.ravel(), rtol=1e-4, atol=1e-5)


def random_graphs(rng):
    """(nodes, input shape, constants) of one node each, with numbers that Keras never asks for."""
    for _ in range(2):
        channels, height, width, filters = (int(rng.integers(low, 7)) for low in (1, 5, 5, 1))
        kernel, strides, pads = rng.integers(1, 4, 2), rng.integers(1, 4, 2), rng.integers(0, 3, 4)
        window = {"kernel_shape": kernel.tolist(), "strides": strides.tolist()}
        weights, bias = rng.normal(size=(filters, channels, *kernel)), rng.normal(size=filters)
        shape = (channels, height, width)
        yield ([helper.make_node("Conv", ["x", "w", "b"], ["y"], pads=pads.tolist(), **window)], shape,
               {"w": weights, "b": bias})
        yield ([helper.make_node("ConvTranspose", ["x", "w"], ["y"], pads=[0, 0, 0, 0], **window)], shape,
               {"w": weights.swapaxes(0, 1)})
        yield [helper.make_node("MaxPool", ["x"], ["y"], **window)], shape, {}
        for term in (rng.normal(size=(channels, 1, 1)), rng.normal(size=(1,)), rng.normal(size=(1, *shape)),
                     rng.normal(size=(width,)), rng.normal(size=(height, width))):
            for kind in ("Add", "Mul"):
                yield [helper.make_node(kind, ["w", "x"], ["y"])], shape, {"w": term}
        order = [0, *(1 + rng.permutation(3))]
        yield [helper.make_node("Transpose", ["x"], ["y"], perm=order)], shape, {}
        yield [helper.make_node("Tile", ["x", "n"], ["y"])], shape, {"n": np.array([1, *rng.integers(1, 4, 3)])}
        for axis in (1, 2, -1):
            nodes = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Concat", ["r", "x"], ["y"], axis=axis)]
            yield nodes, shape, {}
        weights = rng.normal(size=(width, filters))
        yield [helper.make_node("Gemm", ["x", "w"], ["y"])], (width,), {"w": weights}
        yield [helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1)], (width,), {"w": weights.T.copy(), "b": bias}
        yield [helper.make_node("Gemm", ["x", "w", "b"], ["y"])], (width,), {"w": weights, "b": rng.normal(size=1)}


@BOTH_WAYS
def test_one_node_of_any_numbers(lab, tmp_path, plain):
    """Uneven kernels, strides and pads, every axis, every way of repeating: as ONNX Runtime computes them."""
    rng = np.random.default_rng(0)
    for nodes, shape, constants in random_graphs(rng):
        constants = {name: array.astype(np.int64 if name == "n" else np.float32) for name, array in constants.items()}
        rank = 1 if nodes[0].op_type == "Gemm" else 3
        file = saved(tmp_path, nodes, {"x": shape}, {"y": [None] * rank}, **constants)
        known, other = rng.normal(size=(2, *shape)).astype(np.float32)
        blob, _ = packing.pack_graph(file, {"x": known})
        _, wanted = packing.pack_graph(file, {"x": other})
        found = run(lab, blob, {"x": other}, plain)
        np.testing.assert_allclose(found["y"], wanted["y"].ravel(), rtol=1e-4, atol=1e-5, err_msg=str(nodes))


def test_multiply_is_what_its_text_says():
    """The bytes in network.js are multiply.wat, assembled."""
    wasmtime = pytest.importorskip("wasmtime")
    listing = re.search(r"const MULTIPLY = .*?\";", (LIVE / "network.js").read_text("utf-8"), re.S)[0]
    code = base64.b64decode("".join(re.findall(r'"([^"]+)"', listing)))
    assembled = bytes(wasmtime.wat2wasm((LIVE / "multiply.wat").read_text("utf-8")))
    names = assembled[len(code):]                # wasmtime adds the names of the locals
    assert code and assembled[:len(code)] == code and (not names or (names[0] == 0 and b"name" in names[:8]))


# --- What may be refused, and what may break -------------------------------------------------------------------------


def guarded(page, policy):
    """A page under a policy of what may run."""
    page.set_content(f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    page.add_script_tag(content=f"{SCRIPTS}\n{BYTES}")
    return page


@pytest.fixture(scope="module")
def digits():
    return packing.pack(store.read("digits_vae"))


def test_a_refused_worker_says_so(new_page, digits):
    lab = guarded(new_page(bypass_csp=False), "worker-src 'none'")
    with pytest.raises(Exception, match="refused the Worker"):
        run(lab, digits["decoder"], {"code": [0, 0]})


def test_refused_webassembly_leaves_plain_loops(new_page, digits):
    lab = guarded(new_page(bypass_csp=False), "script-src 'unsafe-inline' blob:")
    found = run(lab, digits["decoder"], {"code": [0, 0]}, plain=False)
    assert not found["simd"] and found["error"] < 1e-5
    np.testing.assert_allclose(found["picture"], model.load("digits_vae").decode([0, 0])[0].ravel(), atol=1e-5)


def test_other_weights_never_go_live(lab, digits):
    """A network that does not rebuild its known result is refused, whatever the reason."""
    broken = bytearray(digits["decoder"])
    half = len(broken) // 2
    broken[half:half + 20_000] = np.random.default_rng(0).normal(size=5000).astype(np.float16).tobytes() * 2
    with pytest.raises(Exception, match="off by"):
        run(lab, bytes(broken), {"code": [0, 0]})


def test_a_slow_network_is_left_to_the_server(page, digits):
    page.add_script_tag(content=f"{SCRIPTS}\n{BYTES}".replace("LIMIT_MS = 20_000", "LIMIT_MS = 0"))
    with pytest.raises(Exception, match="not ready in time"):
        run(page, digits["decoder"], {"code": [0, 0]})


def test_a_closed_network_answers_nobody(lab, digits):
    message = lab.evaluate("""async (blob) => {
      const network = new Network();
      await network.load("decoder", bytesOf(blob));
      const asked = network.run(["decoder"], { code: [0, 0] }).catch((error) => error.message);
      network.close();
      return [await asked, await network.run(["decoder"], { code: [0, 0] }).catch((error) => error.message)];
    }""", text(digits["decoder"]))
    assert message == ["The network was closed."] * 2


def test_two_components_wait_in_a_slot_each(lab, digits):
    """Of a burst of questions a component gets the first and the last, whatever the other one asks meanwhile."""
    answers = lab.evaluate("""async (blob) => {
      const network = new Network();
      await network.load("decoder", bytesOf(blob));
      const answers = { left: [], right: [] };
      await new Promise((done) => {
        const take = (side) => (answer, about) => {
          answers[side].push([about, answer.picture[300]]);
          if (answers.left.length === 2 && answers.right.length === 2) done();
        };
        const slots = { left: new Slot(network, take("left")), right: new Slot(network, take("right")) };
        for (let step = 0; step < 50; step++) {
          slots.left.ask(["decoder"], { code: [step / 25 - 1, 0] }, step);
          slots.right.ask(["decoder"], { code: [0, step / 25 - 1] }, step);
        }
      });
      network.close();
      return answers;
    }""", text(digits["decoder"]))
    served = model.load("digits_vae")
    for side, axis in (("left", 0), ("right", 1)):
        assert [about for about, _ in answers[side]] == [0, 49]
        codes = np.zeros((2, 2))
        codes[:, axis] = [-1, 49 / 25 - 1]
        wanted = served.decode(codes).reshape(2, -1)[:, 300]
        np.testing.assert_allclose([number for _, number in answers[side]], wanted, atol=1e-5)


def test_both_halves_in_one_go(lab):
    """Encoder, then decoder on what it found: one message there and one back."""
    halves, picture = packing.pack(store.read("digits_cvae")), packing.known_picture((28, 28, 1))
    found = lab.evaluate("""async ([encoder, decoder, picture, label]) => {
      const network = new Network();
      await Promise.all([network.load("encoder", bytesOf(encoder)), network.load("decoder", bytesOf(decoder))]);
      const { mean, picture: rebuilt } = await network.run(["encoder", "decoder"], { picture, label });
      network.close();
      return [[...mean], [...rebuilt]];
    }""", [text(halves["encoder"]), text(halves["decoder"]), picture.ravel().tolist(), np.eye(10)[3].tolist()])
    served = model.load("digits_cvae")
    code = served.encode(picture[None], 3)
    np.testing.assert_allclose(found[0], code[0], atol=1e-5)
    np.testing.assert_allclose(found[1], served.decode(code, 3).ravel(), atol=1e-5)


def test_twenty_models_leave_no_memory_behind(lab, browser):
    """Closing a network gives its memory back, however many came before."""
    halves = [text(blob) for blob in packing.pack(store.read("faces_vae")).values()]
    lab.evaluate("(halves) => { window.halves = halves.map(bytesOf); }", halves)
    load = """async (models) => {
      for (let n = 0; n < models; n++) {
        const network = new Network();
        await Promise.all(halves.map((bytes, k) => network.load(String(k), bytes)));
        network.close();
      }
    }"""
    processes = browser.new_browser_cdp_session()

    def megabytes():
        lab.wait_for_timeout(300)
        pids = [each["id"] for each in processes.send("SystemInfo.getProcessInfo")["processInfo"]
                if each["type"] == "renderer"]
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20

    lab.evaluate(load, 3)
    before = megabytes()
    lab.evaluate(load, 17)
    assert megabytes() < before + 60             # one of them takes more than that
    assert lab.workers == []


def test_of_many_models_the_last_three_are_kept(page, digits):
    script = packing.component(LIVE, "model")[0].replace("export default ", "window.offer = ")
    page.add_script_tag(content=script)
    page.evaluate("""async (address) => {
      for (const id of ["a", "b", "c", "d", "e", "f"]) {
        window.offer({ data: { id, halves: { decoder: address } } });
        await (await modelEntry(id).ready).slot(["decoder"]);
      }
    }""", f"data:application/octet-stream;base64,{text(digits['decoder'])}")
    assert page.evaluate("[...modelStore.keys()].join()") == "d,e,f"
    assert len(page.workers) == 3
