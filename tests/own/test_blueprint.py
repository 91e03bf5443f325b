"""The arithmetic of networks against Keras's own count, and the bounds of what a reader may ask for."""
import dataclasses
import math

import pytest

from ae_core import families, presets, store
from ae_core.own import blueprint
from ae_core.training import networks
from tests.conftest import tiny, trained

OURS = [preset for preset in presets.PRESETS.values() if blueprint.is_own(preset)]
EXTRA = [tiny("digits_cvae", shape=(32, 32, 3), labels=4), tiny("fashion_vae", shape=(64, 64, 3), code=7),
         tiny("fashion_conv", shape=(48, 48, 3), arguments={"filters": (8, 16, 32, 64), "batch_norm": True})]


@pytest.mark.parametrize("preset", [*OURS, *EXTRA], ids=lambda preset: f"{preset.name}-{preset.shape[0]}")
def test_parameters_and_shapes_are_what_keras_counts(preset):
    encoder, decoder = networks.build(preset)
    assert blueprint.parameters(preset) == encoder.count_params() + decoder.count_params()
    stages = blueprint.stages(preset)
    for part, model in (("encoder", encoder), ("decoder", decoder)):
        counts = [layer.count_params() for layer in model.layers if layer.count_params()]
        if not preset.arguments.get("batch_norm"):
            assert [stage.parameters for stage in stages[part] if stage.parameters] == counts
    assert stages["decoder"][-1].shape == decoder.output_shape[1:]


def test_every_family_that_readers_train_is_among_the_shipped_presets():
    assert {preset.network for preset in OURS} == set(families.TRAINABLE) and len(OURS) > 12


def test_the_work_of_a_convolution_is_counted_by_pixel():
    stages = blueprint.stages(presets.get("digits_conv"))
    assert stages["encoder"][1].work == 14 * 14 * 9 * 32
    assert stages["decoder"][2].work == 7 * 7 * 9 * 64 * 64


@pytest.mark.parametrize(("change", "sentence"), [
    ({"learning_rate": math.nan}, "learning rate is nan"), ({"learning_rate": 5.0}, "learning rate is 5.0"),
    ({"learning_rate": "fast"}, "learning rate is fast"), ({"code": 785}, "larger than the picture"),
    ({"code": 0}, "code size is 0"), ({"code": 2.5}, "whole number"), ({"code": True}, "code size is True"),
    ({"epochs": 10**9}, "number of epochs"), ({"batch_size": 0}, "batch size"), ({"shape": (20, 28, 1)}, "28 to 64"),
    ({"shape": (28, 28, 2)}, "gray"), ({"shape": (28, 28)}, "28 to 64"), ({"network": "linear"}, "cannot be trained"),
    ({"arguments": {"filters": ()}, "network": "conv"}, "filters from 1"),
    ({"arguments": {"units": (9999,)}}, "units from 1"),
    ({"arguments": {"units": (8,), "surprise": 1}}, "units from 1"), ({"arguments": {"units": 8}}, "units from 1"),
    ({"arguments": {"units": (2048, 2048, 2048, 2048)}, "shape": (64, 64, 3)}, "parameters"),
    ({"labels": 10}, "conditional VAE"), ({"reconstruction_weight": math.inf}, "reconstruction weight"),
    ({"corruption": presets.Corruption((0, 1), (math.nan, 1))}, "sigma from 0 to 2"), ({"title": "x" * 81}, "too long"),
    ({"sparsity": 2.0}, "penalty on the code is 2.0"),
    ({"sparsity": math.nan}, "penalty"), ({"loss": "chroma"}, "mse, bce, ssim"),
    ({"loss": "bce", "arguments": {"units": (8,), "output": "linear"}}, "Cross-entropy needs"),
    ({"departures": "x" * 3000}, "too long"),
])
def test_what_cannot_be_trained_gets_a_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        blueprint.check(dataclasses.replace(tiny("fashion_dense"), **change))


def test_convolutions_that_do_not_fit_get_a_sentence():
    with pytest.raises(ValueError, match="fewer filters"):
        blueprint.check(tiny("fashion_conv", shape=(64, 64, 3), arguments={"filters": (128, 128)}))
    with pytest.raises(ValueError, match="divisible by 8"):
        blueprint.check(tiny("fashion_conv", arguments={"filters": (8, 16, 32)}))


@pytest.mark.parametrize("name", ["digits_conv", "digits_vae", "fashion_conv", "digits_single", "digits_pooled",
                                  "cats_vae"])
def test_the_layers_on_a_card_are_those_of_the_network(name):
    card = store.read(trained(name)).card["layers"]
    found = blueprint.of_card(card)
    assert found["encoder"][0].shape == presets.get(name).shape and found["decoder"][0].kind in ("Input", "Code")
    for part, stages in found.items():
        assert sum(stage.parameters for stage in stages) == sum(layer["parameters"] for layer in card[part])
    if presets.get(name).family.blueprint and "batch_norm" not in presets.get(name).arguments:
        ours = blueprint.stages(presets.get(name))["encoder"]
        assert [stage.shape for stage in found["encoder"]] == [stage.shape for stage in ours]


@pytest.mark.parametrize("kinds", [{}, [], {"Gaussian": 0.5}, {"Rain": 1.0}, {"Gaussian": 1.5, "Speckle": -0.5},
                                   {"Gaussian": "1"}, {"Gaussian": float("nan")}])
def test_kinds_of_noise_that_do_not_add_up_are_refused(kinds):
    preset = presets.get("digits_denoiser_all")
    bad = dataclasses.replace(preset, corruption=dataclasses.replace(preset.corruption, kinds=kinds))
    with pytest.raises(ValueError, match="kinds of noise must be some of Gaussian, Salt and pepper"):
        blueprint.check(bad)
