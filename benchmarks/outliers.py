"""Intruders among every class: average precision over all 90 ordered pairs of classes, 1 % intruders, seed 84.

ours: the distance of the code from the bulk of the codes. The baselines of the same run: the squared distance to the
mean picture, and what PCA with 8 numbers leaves. Nothing is told which pictures are intruders; the encoder has seen
all ten classes without their names.
"""
import itertools

import numpy as np

from ae_core import metrics, model
from ae_core.features import outliers
from ae_core.pictures import datasets


def run():
    """The three means, and ours for each regular class."""
    pictures, labels = datasets.whole("fashion_mnist")
    codes = model.load(outliers.ENCODER).encode(pictures)
    scores = {"ours": [], "mean_picture": [], "pca_8": []}
    for regular, intruder in itertools.permutations(range(10), 2):
        mixed = datasets.mix(pictures, labels, regular, intruder)
        for name, values in (("ours", outliers.code_distance(None, None, codes[mixed.rows])),
                             ("mean_picture", outliers.mean_distance(mixed.pictures)),
                             ("pca_8", outliers.pca_error(mixed.pictures))):
            scores[name].append(metrics.average_precision(mixed.intruder, values))
    classes = datasets.DATASETS["fashion_mnist"].classes
    by_class = np.reshape(scores["ours"], (10, 9)).mean(axis=1)
    return {"pairs": 90, "pictures": len(pictures), **{name: float(np.mean(values)) for name, values in scores.items()},
            "ours_by_regular_class": dict(zip(classes, by_class.round(4).tolist(), strict=True))}
