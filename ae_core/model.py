"""The served model: ONNX Runtime behind encode, decode and reconstruct, or behind the chroma of a colorizer.

It knows shapes and numbers, nothing of Keras, pages or files other than through `store`. One object may be used from
many threads at once: an ONNX Runtime session is safe to share and nothing else here changes.
"""
import os
from typing import Any

import numpy as np
import onnxruntime

from ae_core import store
from ae_core.store import Stored

BATCH = 64                       # pictures a call: as fast as larger ones, and a tenth of their memory
STEP = 32                        # pixels: a colorizer halves its picture five times
BATCH_PIXELS = 2**20             # of lightness that a colorizer sees a call
Labels = int | np.ndarray | list | None          # of a conditional model: classes (n,) or one for all, or weights


class Autoencoder:
    """A trained preset.

    Codes are float32 (n, d) with d = preset.code; pictures float32 (n, h, w, c) in 0..1. A conditional model
    (preset.labels > 0) also needs labels: integers (n,) or, to blend classes, weights (n, preset.labels).
    """

    def __init__(self, stored: Stored):
        self.preset, self.card = stored.preset, stored.card
        self._encoder = _session(stored.path("encoder.onnx"))
        self._decoder = _session(stored.path("decoder.onnx"))

    def encode(self, pictures: np.ndarray, labels: Labels = None) -> np.ndarray:
        """The mean code (n, d) of pictures (n, h, w, c)."""
        return self.posterior(pictures, labels)[0]

    def posterior(self, pictures: np.ndarray, labels: Labels = None) -> tuple[np.ndarray, Any]:
        """Mean and log-variance, each (n, d), of a variational model; of a plain one, the code and None."""
        pictures = self._pictures(pictures)
        outputs = _run(self._encoder, {"picture": pictures, **self._label(labels, len(pictures))})
        code, *log_variance = (outputs[name] for name in self.preset.code_names)
        return code, log_variance[0] if log_variance else None

    def decode(self, codes: np.ndarray, labels: Labels = None) -> np.ndarray:
        """Pictures (n, h, w, c) in 0..1 of codes (n, d)."""
        codes = np.atleast_2d(np.asarray(codes, np.float32))
        if codes.ndim != 2 or codes.shape[1] != self.preset.code or not np.isfinite(codes).all():
            raise ValueError(f"{self.preset.name} decodes codes of {self.preset.code} finite numbers each; "
                             f"it was given an array of shape {codes.shape}.")
        outputs = _run(self._decoder, {"code": codes, **self._label(labels, len(codes))})
        return np.clip(outputs["picture"], 0, 1)    # a linear output may leave the picture's range

    def reconstruct(self, pictures: np.ndarray, labels: Labels = None) -> np.ndarray:
        """Pictures through the code and back, (n, h, w, c)."""
        return self.decode(self.encode(pictures, labels), labels)

    def _pictures(self, pictures):
        pictures = np.asarray(pictures, np.float32)
        if pictures.ndim != 4 or pictures.shape[1:] != self.preset.shape:
            raise ValueError(f"{self.preset.name} takes pictures of shape (n, *{self.preset.shape}); "
                             f"it was given {pictures.shape}. datasets.fit() makes them fit.")
        return _finite(pictures)

    def _label(self, labels, count):
        if not self.preset.labels:
            return {}
        if labels is None:
            raise ValueError(f"{self.preset.name} is conditional: give a label from 0 to {self.preset.labels - 1} "
                             "for each picture or code.")
        labels = np.asarray(labels)
        if labels.ndim == 0:
            labels = np.full(count, labels)
        if labels.ndim == 1 and np.isin(labels, np.arange(self.preset.labels)).all():
            labels = np.eye(self.preset.labels)[labels.astype(int)]
        if labels.shape != (count, self.preset.labels) or not np.isfinite(labels).all():
            raise ValueError(f"{self.preset.name} needs one label from 0 to {self.preset.labels - 1}, or "
                             f"{self.preset.labels} weights, for each of {count} pictures or codes; "
                             f"it was given {labels!r}.")
        return {"label": labels.astype(np.float32)}


class Colorizer:
    """A trained preset from lightness to chroma, at any size; its code is four volumes, not a row of numbers."""

    def __init__(self, stored: Stored):
        self.preset, self.card = stored.preset, stored.card
        self._encoder = _session(stored.path("encoder.onnx"))
        self._decoder = _session(stored.path("decoder.onnx"))

    def chroma(self, lightness: np.ndarray) -> np.ndarray:
        """The chroma (n, h/4, w/4, 2), a and b over 110, of lightness (n, h, w, 1) in 0..1; h and w multiples of 32."""
        lightness = np.asarray(lightness, np.float32)
        if lightness.ndim != 4 or lightness.shape[-1] != 1 or any(side % STEP or not side
                                                                  for side in lightness.shape[1:3]):
            raise ValueError(f"{self.preset.name} takes lightness of shape (n, h, w, 1) with sides that are multiples "
                             f"of {STEP}; it was given {lightness.shape}. colorize.predict() makes any picture fit.")
        batch = max(1, BATCH_PIXELS // (lightness.shape[1] * lightness.shape[2]))
        parts = [_run(self._decoder, _run(self._encoder, {"picture": _finite(lightness[start:start + batch])}))
                 for start in range(0, max(len(lightness), 1), batch)]
        return np.concatenate([part["picture"] for part in parts])


def load(name: str) -> Autoencoder | Colorizer:
    """The served model of a preset's name; raises WeightsMissing or WeightsDamaged."""
    stored = store.read(name)
    return (Colorizer if stored.preset.family.volumes else Autoencoder)(stored)


def _finite(pictures):
    if not np.isfinite(pictures).all():
        raise ValueError("The pictures hold values that are not numbers (NaN or infinite). Use 0 to 1.")
    return pictures


def _session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    options.enable_cpu_mem_arena = False         # which keeps a gigabyte for each model that saw many pictures
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")   # idle threads leave the cores alone
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _run(session, inputs):
    """Run all rows, a bounded batch at a time; {output name: array}."""
    names = [output.name for output in session.get_outputs()]
    count = len(next(iter(inputs.values())))
    parts = [session.run(names, {key: rows[start:start + BATCH] for key, rows in inputs.items()})
             for start in range(0, max(count, 1), BATCH)]
    return {name: np.concatenate(part) for name, part in zip(names, zip(*parts, strict=True), strict=True)}
