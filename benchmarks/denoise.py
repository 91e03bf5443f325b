"""The denoiser of all kinds of noise at every level of every strip, on the first 1,000 test digits.

worst: the mean squared error at the hardest level of each kind. Of the levels whose noisy pictures err by more than
.03, worse_than_damaged and worse_than_best_median count those at which the restored ones err no less than these, or
than the median filter at its best setting; worst_below is the largest error at the other levels, and where.
"""
import numpy as np

from ae_core import metrics, model, presets
from ae_core.features import denoise
from ae_core.pictures import datasets

NAME, COUNT, HEAVY = "digits_denoiser_all", 1000, 0.03


def run():
    served = model.load(NAME)
    pictures = np.asarray(datasets.load("mnist", "test", served.preset.shape)[0][:COUNT])

    def error(kind, level):
        """Of the noisy pictures, through the best median, and restored."""
        noisy = denoise.corrupt(pictures, kind, denoise.EVALUATION_SEED, **{presets.NOISE[kind][0]: level})
        rows = noisy, denoise.best_filter("Median filter", pictures, noisy)[0], served.reconstruct(noisy)
        return [float(metrics.mse(pictures, row).mean()) for row in rows]
    rows = [(kind, level, *error(kind, level)) for kind in presets.NOISE for level in denoise.levels(kind)]
    heavy = [row for row in rows if row[2] > HEAVY]
    below = max((row for row in rows if row[2] <= HEAVY), key=lambda row: row[4])
    return {"levels": len(rows), "worse_than_damaged": sum(row[4] >= row[2] for row in heavy),
            "worse_than_best_median": sum(row[4] >= row[3] for row in heavy), "worst_below": below[4],
            "worst_below_at": list(below[:2]), "worst": {kind: max(row[4] for row in rows if row[0] == kind)
                                                         for kind in presets.NOISE}}
