"""The contract of every kind of network: its entry names parts that exist and fit, and a preset uses it."""
import inspect
import math

import pytest

from ae_core import families, presets
from ae_core.training import batches, networks

NAMES = list(families.FAMILIES)


def preset_of(name):
    return next(preset for preset in presets.PRESETS.values() if preset.network == name)


@pytest.mark.parametrize("name", NAMES)
def test_a_family_names_parts_that_exist(name):
    family = families.FAMILIES[name]
    assert issubclass(families.part(family.batches), batches.Batches)
    assert next(iter(inspect.signature(families.part(family.builder)).parameters)) == "preset"
    if family.start:
        assert list(inspect.signature(families.part(family.start)).parameters) == ["encoder", "decoder", "pictures"]
    if family.closed_form:
        assert list(inspect.signature(families.part(family.closed_form)).parameters) == ["preset", "pictures"]


@pytest.mark.parametrize("name", NAMES)
def test_a_family_builds_what_it_says(name):
    """An encoder that gives the code by its names, and a decoder that takes it; any size where the code is volumes."""
    preset = preset_of(name)
    encoder, decoder = networks.build(preset)
    assert encoder.name == "encoder" and decoder.name == "decoder"
    assert len(encoder.outputs) == len(preset.code_names)
    if preset.family.volumes:
        assert [value.name for value in decoder.inputs] == list(preset.code_names)
        assert None in preset.shape
    else:
        assert {value.shape for value in encoder.outputs} == {(None, preset.code)}
        assert decoder.inputs[0].shape == (None, preset.code)
        assert preset.training_shape == preset.target


@pytest.mark.parametrize("name", NAMES)
def test_builders_are_named_and_not_imported(name):
    """Serving never loads Keras: the entry itself holds text."""
    family = families.FAMILIES[name]
    assert all(isinstance(path, str) and ":" in path for path in
               (family.builder, family.batches, family.start, family.closed_form) if path)


@pytest.mark.parametrize("name", families.TRAINABLE)
def test_a_blueprint_describes_its_network(name):
    blueprint = families.TRAINABLE[name]
    preset = next(preset for preset in presets.PRESETS.values() if preset.network == name)
    parameters = set(inspect.signature(families.part(preset.family.builder)).parameters)
    assert {blueprint.widths, blueprint.more_widths, *blueprint.options} - {""} <= parameters
    stages = blueprint.stages(preset, **preset.arguments)
    assert set(stages) == {"encoder", "decoder"} and stages["encoder"][0].shape == preset.shape
    assert stages["decoder"][0].shape == (preset.code,) and stages["decoder"][-1].shape == preset.target
    assert all(math.prod(stage.shape) for part in stages.values() for stage in part)


def test_one_family_is_the_baseline_and_one_gives_labels_a_place():
    assert [family.closed_form for family in families.FAMILIES.values() if family.baseline] == ["pca:fit"]
    assert any(blueprint.conditional for blueprint in families.TRAINABLE.values())


def test_an_unknown_family_is_no_preset():
    values = presets.get("digits_conv").to_json() | {"network": "transformer"}
    with pytest.raises(ValueError, match="does not describe a preset.*transformer"):
        presets.Preset.from_json(values)
