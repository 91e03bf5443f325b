import contextlib
import json
import os
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from ae_core import presets, store
from ae_core.pictures import datasets
from tests.conftest import Interrupt

PRESET = presets.get("digits_conv")


@pytest.fixture
def stored(own_store, tmp_path):
    file = tmp_path / "encoder.onnx"
    file.write_bytes(b"weights")
    return store.write(PRESET, {"encoder.onnx": file}, {"training": {"epochs": 3}})


def test_what_is_written_is_read(stored):
    again = store.read(PRESET.name)
    assert again.preset == PRESET and again.card["training"] == {"epochs": 3}
    assert again.path("encoder.onnx").read_bytes() == b"weights"


def test_missing_weights_name_the_command(own_store):
    with pytest.raises(store.WeightsMissing, match="python -m ae_core train digits_conv"):
        store.read("digits_conv")


@pytest.mark.parametrize("damage", [
    lambda folder: (folder / "encoder.onnx").write_bytes(b"weightz"),
    lambda folder: (folder / "encoder.onnx").write_bytes(b""),
    lambda folder: (folder / "encoder.onnx").unlink(),
])
def test_a_tampered_file_is_refused_by_name(stored, damage):
    damage(stored.folder)
    with pytest.raises(store.WeightsDamaged, match="digits_conv/encoder.onnx"):
        store.read(PRESET.name)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"preset": {}}', "null"])
def test_a_broken_card_is_refused(stored, text):
    (stored.folder / "preset.json").write_text(text)
    with pytest.raises(store.WeightsDamaged, match="preset.json"):
        store.read(PRESET.name)


def test_a_file_that_the_card_does_not_know_is_missing(stored):
    with pytest.raises(store.WeightsMissing, match="python -m ae_core export digits_conv"):
        store.read(PRESET.name).path("decoder.onnx")


def test_an_interrupted_swap_puts_the_old_weights_back(stored, tmp_path, monkeypatch):
    """Ctrl-C between the two renames."""
    rename, calls = os.rename, []

    def interrupted(path, target):
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return rename(path, target)
    file = tmp_path / "new"
    file.write_bytes(b"new")
    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.write(PRESET, {"encoder.onnx": file}, {})
    assert store.read(PRESET.name).path("encoder.onnx").read_bytes() == b"weights"


def test_a_card_cannot_point_outside_its_folder(stored):
    card = json.loads((stored.folder / "preset.json").read_text())
    outside = stored.folder.parent / "outside"
    outside.write_bytes(b"x")
    card["sha256"] = {"../outside": store.sha256(outside)}
    (stored.folder / "preset.json").write_text(json.dumps(card))
    with pytest.raises(store.WeightsDamaged):
        store.read(PRESET.name)


def test_a_failed_write_leaves_the_old_weights(stored, tmp_path):
    with pytest.raises(FileNotFoundError):
        store.write(PRESET, {"encoder.onnx": tmp_path / "nowhere"}, {})
    assert store.read(PRESET.name).card["training"] == {"epochs": 3}
    assert [path.name for path in store.root().iterdir()] == [PRESET.name]


def test_replacing_leaves_one_folder(stored, tmp_path):
    file = tmp_path / "new"
    file.write_bytes(b"new")
    store.write(PRESET, {"decoder.onnx": file}, {})
    assert {path.name for path in stored.folder.iterdir()} == {"decoder.onnx", "preset.json"}
    assert [path.name for path in store.root().iterdir()] == [PRESET.name]


def test_present_looks_for_the_card(stored):
    assert store.present(PRESET.name)
    shutil.rmtree(stored.folder)
    assert not store.present(PRESET.name)


def test_folders_of_the_environment_are_absolute(monkeypatch, tmp_path):
    """A trainer that is started elsewhere would take a relative one for another."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for variable, folder in (*store.PLACES.items(), ("AE_DATA_DIR", lambda: datasets.folders()[0])):
        for said, meant in (("a/b", tmp_path / "a" / "b"), ("~/b", tmp_path / "home" / "b"), ("/c", Path("/c"))):
            monkeypatch.setenv(variable, said)
            assert folder() == meant and store.environment()[variable] == str(meant)


@pytest.mark.skipif(os.name != "posix", reason="Windows knows every user")
def test_who_has_no_home_has_this_repository(monkeypatch):
    """As a container that is given any user id; the command line and a script need no home."""
    for variable in ("HOME", "AE_MODELS_DIR", "AE_DATA_DIR"):
        monkeypatch.delenv(variable)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)      # KeyError, as of an unknown number
    assert store.own_root() == store.ROOT / ".autoencoder-lab"
    assert datasets.folders() == [store.ROOT / ".cache" / "autoencoder-lab"]


def test_advice_on_an_own_model_is_no_command_that_knows_only_shipped_ones(own_store):
    for name, advice in (("own_boots", "Train page"), ("digits_conv", "python -m ae_core train digits_conv")):
        with pytest.raises(store.WeightsMissing, match=advice):
            store.read(name)


def test_weights_that_a_killed_process_moved_aside_are_put_back(stored, tmp_path):
    """kill -9 between the two renames: the next writer took what was aside for a leftover."""
    stored.folder.rename(stored.folder.with_name(".digits_conv-old"))
    with pytest.raises(FileNotFoundError):
        store.write(PRESET, {"encoder.onnx": tmp_path / "nowhere"}, {})
    store.recover(PRESET.name)
    assert store.read(PRESET.name).card["training"] == {"epochs": 3}


def test_an_interrupt_at_any_instruction_of_a_write_leaves_the_old_weights_or_the_new(stored, tmp_path):
    file, traced = tmp_path / "new", "/ae_core/"
    file.write_bytes(b"new")
    counting = Interrupt(traced)
    sys.settrace(counting)
    store.write(PRESET, {"encoder.onnx": file}, {})
    sys.settrace(None)
    for k, at in enumerate(np.random.default_rng(5).integers(1, counting.seen + 1, 50)):
        file.write_bytes(b"new %d" % k)
        before = store.read(PRESET.name).path("encoder.onnx").read_bytes()
        sys.settrace(Interrupt(traced, at))
        with contextlib.suppress(KeyboardInterrupt):
            store.write(PRESET, {"encoder.onnx": file}, {})
        sys.settrace(None)
        assert store.read(PRESET.name).path("encoder.onnx").read_bytes() in (before, b"new %d" % k), at


# --- cards of strangers ----------------------------------------------------------------------------------------

def own_model(name, **changes):
    """A model in the own store whose card was changed by hand."""
    preset = presets.PRESETS["digits_plane"].to_json() | {"name": name, "title": name}
    folder = store.own_root() / name
    folder.mkdir(parents=True)
    (folder / "preset.json").write_text(json.dumps({"preset": preset | changes, "sha256": {}}))
    return folder


@pytest.mark.parametrize("changes", [
    {"title": "\ud800"}, {"title": 7}, {"title": "a\nb"}, {"description": None}, {"epochs": "many"}, {"code": True},
    {"learning_rate": float("nan")}, {"shape": [28]}, {"shape": "abc"}, {"arguments": []}, {"network": "none"},
    {"labels": 1e300}, {"recipe": "x" * 5000}])
def test_a_bad_card_is_left_out_and_named(changes):
    own_model("own_good")
    own_model("own_bad", **changes)
    assert set(store.own()) == {"own_good"} and set(store.offered()) == {"own_good", *presets.PRESETS}
    sentence, = store.damaged()
    assert sentence.startswith("own_bad/preset.json cannot be read") and sentence.isprintable()


@pytest.mark.parametrize("text", ["[" * 100_000, '{"preset": [], "sha256": {}}', '{"preset": {}, "sha256": []}', "3"])
def test_a_card_that_is_none_is_left_out_and_named(text):
    (own_model("own_bad") / "preset.json").write_text(text)
    assert store.own() == {} and len(store.damaged()) == 1


def test_models_that_come_and_go_are_no_error():
    """A folder that vanishes between two looks raised in 56 of 96,483."""
    done, failures = threading.Event(), []

    def come_and_go():
        while not done.is_set():
            shutil.rmtree(own_model("own_b"))
    own_model("own_a")
    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(1500):
            try:
                assert "own_a" in store.own()
            except OSError as error:
                failures.append(error)
    finally:
        done.set()
        thread.join()
    assert not failures


def test_a_writer_killed_between_its_renames_leaves_the_old_weights(stored, tmp_path):
    """kill -9 after the old folder was moved aside: a shipped model would be missing for good."""
    aside = stored.folder.with_name(f".{PRESET.name}-old")
    stored.folder.rename(aside)
    assert not store.present(PRESET.name)        # somebody may be writing at this moment
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store, "SWAP_SECONDS", 0.0)
        assert store.read(PRESET.name).card["training"] == {"epochs": 3} and not aside.exists()


def test_the_next_writer_after_a_killed_one_loses_nothing(stored, tmp_path, monkeypatch):
    stored.folder.rename(stored.folder.with_name(f".{PRESET.name}-old"))
    file = tmp_path / "new"
    file.write_bytes(b"new")
    with monkeypatch.context() as full, pytest.raises(OSError):
        full.setattr(os, "rename", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        store.write(PRESET, {"encoder.onnx": file}, {})
    monkeypatch.setattr(store, "SWAP_SECONDS", 0.0)
    assert store.read(PRESET.name).path("encoder.onnx").read_bytes() == b"weights"
