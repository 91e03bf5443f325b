import json

import pytest

from ae_core import presets
from ae_core.pictures import datasets
from pages.shared import frame


@pytest.mark.parametrize("preset", presets.PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_survives_json(preset):
    assert presets.Preset.from_json(json.loads(json.dumps(preset.to_json()))) == preset


@pytest.mark.parametrize("preset", presets.PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_is_described_for_readers(preset):
    assert preset.name == preset.name.lower().replace(" ", "_")
    assert preset.description.endswith(".") and preset.description.count(". ") == 0
    assert preset.dataset in datasets.DATASETS
    assert preset.loss in ("mse", "bce", "ssim", "sharp", "structure", "chroma")
    assert preset.recipe and preset.title != preset.name


OURS = {                         # what no chapter prints -> a word of the sentence that says so
    "Muon": lambda preset: preset.optimizer == "muon",
    "mirrored": lambda preset: preset.augmentation,
    "sigma": lambda preset: preset.corruption and len(set(preset.corruption.sigma)) > 1,
    "anew": lambda preset: preset.corruption and preset.recipe in (presets.ADVANCED_KERAS, presets.MASTERING_TF),
    "penalty": lambda preset: preset.sparsity or preset.loss in ("sharp", "chroma"),
    "imilarity": lambda preset: preset.loss == "structure",
    "PCA": lambda preset: preset.family.start,
    "ours": lambda preset: preset.recipe.startswith("Our own"),
    f"{presets.PRESETS['digits_plane'].epochs} epochs": lambda preset: preset.name == "digits_plane",
}


@pytest.mark.parametrize("preset", presets.PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_names_its_recipe_its_departures_and_the_page_that_shows_it(preset):
    assert preset.recipe and frame.shown_on(preset)
    assert preset.departures == "" or preset.departures.endswith(".")
    for word, departs in OURS.items():
        assert not departs(preset) or word in preset.departures, word
    trained = not preset.family.closed_form
    as_printed = {"digits_sigmoid"}              # to the last number
    assert bool(preset.departures) == (trained and preset.name not in as_printed)


def test_titles_tell_presets_apart():
    assert len({preset.title for preset in presets.PRESETS.values()}) == len(presets.PRESETS)


@pytest.mark.parametrize("name", ["fashion", "", None, "../fashion_dense"])
def test_an_unknown_name_lists_the_good_ones(name):
    with pytest.raises(KeyError, match="fashion_dense.*digits_conv"):
        presets.get(name)


@pytest.mark.parametrize("change", [{"flavour": 1}, {"shape": None}, {"corruption": {"mean": [0, 1]}}])
def test_a_broken_description_is_refused(change):
    with pytest.raises(ValueError, match="preset.json"):
        presets.Preset.from_json({**presets.get("digits_conv").to_json(), **change})
