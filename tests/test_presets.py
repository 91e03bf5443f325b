import json

import pytest

from ae_core import presets
from ae_core.pictures import datasets


@pytest.mark.parametrize("preset", presets.PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_survives_json(preset):
    assert presets.Preset.from_json(json.loads(json.dumps(preset.to_json()))) == preset


@pytest.mark.parametrize("preset", presets.PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_is_described_for_readers(preset):
    assert preset.name == preset.name.lower().replace(" ", "_")
    assert preset.description.endswith(".") and preset.description.count(". ") == 0
    assert preset.dataset in datasets.DATASETS and preset.loss in ("mse", "bce", "sharp", "structure", "chroma")
    assert preset.recipe and preset.title != preset.name


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
