"""How long a training will take on this machine: a rough figure, corrected by what it has taken here before."""
import math
from pathlib import Path

from ae_core import files, store
from ae_core.own import blueprint
from ae_core.presets import Preset

OPERATIONS = 40e9                # a second on two laptop cores, and
BATCH_SECONDS = 0.003            # what every batch costs beside them: measured on dense and convolutional networks
START_SECONDS = 10               # TensorFlow's import and the first step


def seconds(preset: Preset, count: int) -> tuple[float, bool]:
    """The time a run over `count` pictures will take, and whether this machine was measured or it is a rough figure."""
    slowness = files.read_json(_file()).get(preset.network)
    batches = preset.epochs * math.ceil(count / preset.batch_size)
    return START_SECONDS + batches * rough_batch_seconds(preset) * (slowness or 1), slowness is not None


def rough_batch_seconds(preset: Preset) -> float:
    """The time that a batch takes on two laptop cores."""
    return BATCH_SECONDS + preset.batch_size * blueprint.operations(preset) / OPERATIONS


def remember(preset: Preset, batch_seconds: float) -> None:
    """Keep how many times as long as the rough figure a batch took here, for the next estimate."""
    slowness = batch_seconds / rough_batch_seconds(preset)
    files.write_json(_file(), files.read_json(_file()) | {preset.network: slowness})


def _file() -> Path:
    return store.own_root() / "speed.json"
