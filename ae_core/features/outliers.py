"""Find the odd ones out of a collection: score every picture, set a threshold, and judge by the known intruders.

Scores are float64 (n,), higher is odder. The published score is the squared error of a wide autoencoder, trained on
the collection. A wide code rebuilds intruders as well as the rest, so three others are held against it; the best is the
distance of a picture's code from the bulk of all codes.
"""
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigh

from ae_core import metrics, model
from ae_core.model import Autoencoder
from ae_core.pictures import datasets, sheets

QUANTILE = 0.999                 # the published threshold
PUBLISHED = "sandals_outliers"
ENCODER = "fashion_codes"        # whose codes tell intruders apart best
DISTANCE, ERROR, RELATIVE = "Distance in the code", "Squared error", "Error for its detail"
MEAN, PCA = "Distance to the mean picture", "PCA error, 8 numbers"
TRIM, ROUNDS = 0.05, 3           # of the codes, so many of the farthest are left out of the mean and covariance
SHRINK = 0.01                    # of the mean variance, added to every direction: codes have units that never vary
LEAST = 20                       # pictures that have a bulk to be far from
RED = (0.74, 0.11, 0.0)          # of the frame around an intruder
LEVELS = {"Easy": ("Sandal", "T-shirt"), "Medium": ("Ankle boot", "Sandal"), "Hopeless": ("Shirt", "Pullover")}
WALL, HIDDEN = 84, 10            # pictures on the wall of a hunt, and intruders among them
OWN_CODE = 16                    # numbers of an autoencoder that is trained on the reader's own collection


@dataclass(frozen=True)
class Scored:
    rebuilt: np.ndarray          # (n, h, w, c)
    scores: np.ndarray           # (n,)


@dataclass(frozen=True)
class Wall:
    """Pictures in a random order, for a hunt."""
    rows: np.ndarray             # (WALL,) into the mixture
    intruder: np.ndarray         # (WALL,) bool, HIDDEN of them true
    scores: np.ndarray           # (WALL,), measured in the whole mixture


@dataclass(frozen=True)
class Judged:
    """What a threshold catches; the four counts are the confusion matrix."""
    caught: int                  # intruders at or beyond the threshold
    missed: int
    false_alarms: int
    passed: int                  # regular pictures before it

    @property
    def precision(self) -> float:
        """The share of intruders among those beyond; nan where nothing is."""
        return self.caught / (self.caught + self.false_alarms) if self.caught + self.false_alarms else float("nan")

    @property
    def false_alarm_rate(self) -> float:
        """The share of regular pictures that are beyond."""
        return self.false_alarms / max(self.false_alarms + self.passed, 1)

    @property
    def recall(self) -> float:
        """The share of intruders that are beyond; nan where there are none."""
        return self.caught / (self.caught + self.missed) if self.caught + self.missed else float("nan")


# --- scores ----------------------------------------------------------------------------------------------

def run(served: Autoencoder, pictures: np.ndarray, score: str = DISTANCE) -> Scored:
    """Rebuild pictures and score them by one of SCORES."""
    codes = served.encode(pictures)
    rebuilt = served.decode(codes)
    return Scored(rebuilt, SCORES[score](pictures, rebuilt, codes))


def run_all(models: Mapping[str, Autoencoder], pictures: np.ndarray) -> dict[str, np.ndarray]:
    """Pictures by every score, {score: the model that it looks through}, and by PCA; each model runs once."""
    seen = {}
    for served in {id(served): served for served in models.values()}.values():
        codes = served.encode(pictures)
        seen[id(served)] = served.decode(codes), codes
    scores = {name: SCORES[name](pictures, *seen[id(served)]) for name, served in models.items()}
    return scores | {PCA: pca_error(pictures)}


def squared_error(pictures: np.ndarray, rebuilt: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The published score: the mean squared error of each picture."""
    return metrics.mse(pictures, rebuilt)


def error_for_detail(pictures: np.ndarray, rebuilt: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The squared error for the picture's own detail: busy pictures are hard to rebuild, odd or not.

    Detail is the mean squared difference between neighboring pixels; 0.01 keeps flat pictures finite.
    """
    down, across = np.diff(pictures, axis=1), np.diff(pictures, axis=2)
    detail = np.square(down).mean(axis=(1, 2, 3)) + np.square(across).mean(axis=(1, 2, 3))
    return metrics.mse(pictures, rebuilt) / (detail + 0.01)


def code_distance(pictures: np.ndarray, rebuilt: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The Mahalanobis distance of each code from the bulk of the collection: how many standard deviations away.

    Intruders would widen the covariance and hide in it. So the farthest twentieth is left out, and mean and
    covariance are taken anew, three times: the "concentration steps" of Rousseeuw and Van Driessen, 1999.
    """
    codes = codes.astype(np.float64)
    bulk = np.ones(len(codes), bool)
    for _ in range(ROUNDS):
        distance = _mahalanobis(codes, codes[bulk])
        bulk = distance <= np.quantile(distance, 1 - TRIM)
    return _mahalanobis(codes, codes[bulk])


def mean_distance(pictures: np.ndarray, rebuilt: np.ndarray | None = None,
                  codes: np.ndarray | None = None) -> np.ndarray:
    """The baseline that needs no model: the squared distance to the mean picture."""
    return metrics.mse(pictures, pictures.mean(axis=0))


def pca_error(pictures: np.ndarray, components: int = 8) -> np.ndarray:
    """The other baseline: what the first principal components of the collection leave of each picture."""
    flat = pictures.reshape(len(pictures), -1)
    flat = flat - flat.mean(axis=0)
    size = flat.shape[1]
    _, axes = eigh(flat.T @ flat, subset_by_index=(size - components, size - 1))
    return np.square(flat - flat @ axes @ axes.T).mean(axis=1, dtype=np.float64)


SCORES = {DISTANCE: code_distance, ERROR: squared_error, RELATIVE: error_for_detail, MEAN: mean_distance}


def _mahalanobis(codes, bulk):
    centered, away = bulk - bulk.mean(axis=0), codes - bulk.mean(axis=0)
    covariance = centered.T @ centered / len(bulk)
    ridge = SHRINK * max(np.trace(covariance) / len(covariance), 1e-12)
    inverse = np.linalg.inv(covariance + ridge * np.eye(len(covariance)))
    return np.sqrt((away @ inverse * away).sum(axis=1))


def wall(scores: np.ndarray, intruder: np.ndarray, seed: int) -> Wall:
    """Intruders and regular pictures of a mixture with (n,) scores, drawn by seed: too few of either are all taken."""
    rng = np.random.default_rng(seed)
    hidden = rng.permutation(np.flatnonzero(intruder))[:HIDDEN]
    rows = rng.permutation(np.concatenate([hidden, rng.permutation(np.flatnonzero(~intruder))[:WALL - len(hidden)]]))
    return Wall(rows, intruder[rows], scores[rows])


# --- an own collection -----------------------------------------------------------------------------------

def fit(pictures: np.ndarray, seconds: float = 60, report: Callable[[float], None] | None = None,
        clock: Callable[[], float] = time.monotonic) -> Scored:
    """Train a small dense autoencoder on a collection (n, h, w, c), n >= 20, and score by the distance of its codes.

    Plain scikit-learn, so that it runs where TensorFlow is not installed. report(share): called with the share of the
    time used, after every pass over the collection; it may raise to stop.
    """
    from sklearn.neural_network import MLPRegressor  # a page without it opens a second sooner

    enough(pictures)
    flat = pictures.reshape(len(pictures), -1)
    network = MLPRegressor(hidden_layer_sizes=(128, OWN_CODE, 128), batch_size=min(64, len(flat)),
                           random_state=datasets.SEED, learning_rate_init=2e-3)
    start = clock()
    while (share := (clock() - start) / seconds) < 1:
        network.partial_fit(flat, flat)
        if report:
            report(share)
    rebuilt = np.clip(network.predict(flat), 0, 1).astype(np.float32).reshape(pictures.shape)
    codes = flat
    for weights, biases in list(zip(network.coefs_, network.intercepts_, strict=True))[:2]:
        codes = np.maximum(codes @ weights + biases, 0)
    return Scored(rebuilt, code_distance(pictures, rebuilt, codes))


def enough(pictures: Sequence | np.ndarray) -> None:
    """ValueError with a sentence where a collection, or the list of its names, is too small to have a bulk."""
    if len(pictures) < LEAST:
        raise ValueError(f"At least {LEAST} pictures are needed to tell what is typical; these are {len(pictures)}.")


def ranking(scores: np.ndarray, beyond: int, columns: Mapping[str, Sequence | np.ndarray]) -> list[dict[str, Any]]:
    """A row for each picture, the oddest first, as a table; beyond: how many lie beyond the threshold."""
    return [{"rank": k + 1, "score": float(scores[row]), "beyond": bool(k < beyond),
             **{name: values[row] for name, values in columns.items()}}
            for k, row in enumerate(np.argsort(-scores, kind="stable"))]


def pairs(pictures: np.ndarray, rebuilt: np.ndarray, intruder: np.ndarray) -> np.ndarray:
    """Pictures over their reconstructions, (n, 2h + 2, w + 2, 3), those of intruders in a red frame."""
    both = np.concatenate([pictures, rebuilt], axis=1)
    return sheets.frame(both, [RED if odd else (1, 1, 1) for odd in intruder])


# --- judging ---------------------------------------------------------------------------------------------

def judge(scores: np.ndarray, intruder: np.ndarray, threshold: float) -> Judged:
    """What lies at or beyond a threshold, counted by what it is."""
    beyond = scores >= threshold
    counts = [int((one & other).sum()) for one in (intruder, ~intruder) for other in (beyond, ~beyond)]
    caught, missed, false_alarms, passed = counts
    return Judged(caught, missed, false_alarms, passed)


def rebuilder(score: str, regular: str) -> str:
    """The name of the model that a score looks through: the published one for sandals, which it was trained on."""
    sandals = score == ERROR and regular == "Sandal" and model.store.present(PUBLISHED)
    return PUBLISHED if sandals else ENCODER


def models() -> dict[str, Any]:
    """The served model that each score looks through in the published experiment."""
    published, ours = model.load(PUBLISHED), model.load(ENCODER)
    return {ERROR: published, RELATIVE: published, DISTANCE: ours}


def evaluate(models: dict[str, Autoencoder], pictures: np.ndarray, labels: np.ndarray, regular: int = 5,
             intruder: int = 0) -> dict[str, Any]:
    """The scores of the published experiment: 1 % T-shirts among sandals, seed 84.

    models: {"Squared error": the published model, "Distance in the code": the one with the best codes, ...}
    """
    mixed = datasets.mix(pictures, labels, regular, intruder)
    scored = {name: run(served, mixed.pictures, name).scores for name, served in models.items()}
    scored |= {MEAN: mean_distance(mixed.pictures), PCA: pca_error(mixed.pictures)}
    precision = {name: metrics.average_precision(mixed.intruder, scores) for name, scores in scored.items()}
    best = max(models, key=lambda score: precision[score])
    at_quantile = {name: judge(scores, mixed.intruder, np.quantile(scores, QUANTILE)).recall
                   for name, scores in scored.items()}
    return {"pictures": len(mixed.rows), "intruders": int(mixed.intruder.sum()),
            "average_precision": precision[ERROR], "best_average_precision": precision[best], "best_score": best,
            "recall_at_quantile": at_quantile[ERROR], "best_recall_at_quantile": at_quantile[best],
            "average_precisions": precision}
