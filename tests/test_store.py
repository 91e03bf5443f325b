import json
import os
import shutil

import pytest

from ae_core import presets, store

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
