"""Directions of a latent space along which an attribute of a face appears, and a gallery: numbers beside the weights.

Codes are float32 (n, d), attributes bool (n, k) with k names. Nothing here knows a model or a picture.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ae_core import metrics, store

FILE = "attributes.npz"
GALLERY = 60
KEPT_ASIDE = 0.1                 # of the training faces, to choose between the two ways by
MEAN, LOGISTIC = "mean difference", "logistic regression"


@dataclass(frozen=True)
class Attributes:
    names: tuple[str, ...]       # (k,)
    directions: np.ndarray       # (k, d); one of them is a step of alpha 1
    kinds: tuple[str, ...]       # (k,) MEAN or LOGISTIC
    auc: np.ndarray              # (k,) on held-out faces; nan of an attribute that all or none of them have
    gallery: np.ndarray          # (g,) rows among the held-out codes

    def of(self, names: Sequence[str]) -> np.ndarray:
        """The directions (n, d) of some attributes by their names."""
        return self.directions[[self.names.index(name) for name in names]]

    def save(self, path: Path) -> None:
        """Write them all into one npz."""
        np.savez_compressed(path, names=np.array(self.names), directions=self.directions.astype(np.float16),
                            kinds=np.array(self.kinds), auc=self.auc.astype(np.float32),
                            gallery=self.gallery.astype(np.int32))


def load(name: str) -> Attributes:
    """What is stored beside a preset's weights; raises WeightsMissing or WeightsDamaged."""
    with np.load(store.read(name).path(FILE), allow_pickle=False) as arrays:
        return Attributes(tuple(arrays["names"].tolist()), arrays["directions"].astype(np.float32),
                          tuple(arrays["kinds"].tolist()), arrays["auc"], arrays["gallery"])


def mean_difference(codes: np.ndarray, has: np.ndarray) -> np.ndarray:
    """From the mean of the codes without an attribute to the mean of those with it, as published."""
    return codes[has].mean(axis=0) - codes[~has].mean(axis=0)


def logistic(codes: np.ndarray, has: np.ndarray) -> np.ndarray:
    """The direction that tells codes with an attribute best from those without, by logistic regression."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.1, max_iter=1000).fit(codes, has).coef_[0]


WAYS = {MEAN: mean_difference, LOGISTIC: logistic}


def fit(codes: np.ndarray, attributes: np.ndarray, names: Sequence[str], held_out: np.ndarray,
        held_out_attributes: np.ndarray, gallery: np.ndarray) -> Attributes:
    """Each attribute's direction by the better of two ways, chosen on training faces that neither has seen.

    codes (n, d) and attributes (n, k) of training faces in any order; the AUC is that of the held-out ones.
    """
    found = [fit_one(codes, has) for has in attributes.T]
    directions = np.stack([direction for direction, _ in found])
    return Attributes(tuple(names), directions, tuple(kind for _, kind in found),
                      auc(directions, held_out, held_out_attributes), gallery)


def fit_one(codes: np.ndarray, has: np.ndarray) -> tuple[np.ndarray, str]:
    """The direction (d,) of one attribute, and which way found it; zeros where all faces have it or none."""
    if has.all() or not has.any():
        return np.zeros(codes.shape[1], np.float32), MEAN
    fitted = np.arange(len(codes)) < len(codes) * (1 - KEPT_ASIDE)
    scores = {kind: area(codes[~fitted] @ way(codes[fitted], has[fitted]), has[~fitted])
              for kind, way in WAYS.items() if len(np.unique(has[fitted])) == 2}
    kind = max(scores, key=lambda each: np.nan_to_num(scores[each]), default=MEAN)
    return step(WAYS[kind](codes, has), codes, has), kind


def step(direction: np.ndarray, codes: np.ndarray, has: np.ndarray) -> np.ndarray:
    """A direction made as long as it is from the mean code without the attribute to the mean with it.

    Along a direction of logistic regression the two means lie nearer to each other, and a step from one to the other
    would hardly be seen.
    """
    length = np.linalg.norm(mean_difference(codes, has)) / max(float(np.linalg.norm(direction)), 1e-9)
    return (direction * length).astype(np.float32)


def auc(directions: np.ndarray, codes: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """How well the place along each direction tells who has its attribute: the area under each ROC, (k,)."""
    return np.array([area(place, has) for place, has in zip((codes @ directions.T).T, attributes.T, strict=True)])


def area(scores: np.ndarray, has: np.ndarray) -> float:
    """The area under the ROC, nan where all have the attribute or none."""
    return metrics.roc_area(has, scores) if has.any() and not has.all() else np.nan


def choose_gallery(errors: np.ndarray, attributes: np.ndarray, names: Sequence[str], count: int = GALLERY,
                   seed: int = 0) -> np.ndarray:
    """Rows (count,) of well rebuilt faces: women and men, with glasses and without, in turn while there are any.

    errors (n,): of their reconstructions. Drawn by seed from the better half of each of the four groups.
    """
    rng = np.random.default_rng(seed)
    group = 2 * attributes[:, names.index("Eyeglasses")] + attributes[:, names.index("Male")]
    places = np.full(len(errors), np.inf)        # in the order of its group
    for number in range(4):
        rows = np.flatnonzero(group == number)
        best = rows[np.argsort(errors[rows], kind="stable")][:-(-len(rows) // 2)]
        places[rng.permutation(best)] = np.arange(len(best))
    order = np.lexsort((group, places))
    return order[np.isfinite(places[order])][:count]
