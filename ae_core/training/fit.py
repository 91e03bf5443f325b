"""Fit a preset: data in, a weights folder out.

A run keeps its state in .runs/<preset>/ (state.json, and the weights with the optimizer of its last and its best
epoch), so that it can be stopped or killed at any moment and resumed as if nothing had happened.
"""
import contextlib
import math
import shutil
import tempfile
from datetime import date
from pathlib import Path

import keras
import numpy as np

from ae_core import presets, store
from ae_core.pictures import datasets
from ae_core.training import batches, distribution, export, losses, networks, optimizers, runs

STRIDE = 2**20                   # numbers of pictures that are computed with in one go


def compile_for(preset, graph):
    """jit_compile=False: XLA trains slower on a CPU, and Keras up to 3.14 takes it if not told otherwise."""
    loss = losses.of(preset)
    apart = [keras.metrics.MeanMetricWrapper(loss, name="reconstruction")] if preset.variational else []
    graph.compile(optimizers.of(preset), loss, metrics=apart, jit_compile=False, steps_per_execution=stride(preset))
    return graph


def stride(preset):
    """How many batches are computed before Python is asked again, which takes a fifth of the time of small ones."""
    if keras.backend.backend() == "torch":       # which knows no such thing
        return 1
    height, width, channels = batches.PHOTO if preset.network == "chroma" else preset.target
    return max(1, min(32, STRIDE // (preset.batch_size * height * width * channels)))


def fit(preset, pictures, labels, epochs=None, seed=0, resume=False, precision=None, verbose="auto",
        more_callbacks=(), folder=None, strategy=None):
    """Train a preset on pictures (n, h, w, c); returns the encoder, the decoder and the history, best epoch loaded.

    precision: of the arithmetic, "float32" or "mixed_bfloat16"; else what this processor is fastest in. Weights, losses
    and the last step to a picture are float32 all the same. Interrupting it (Ctrl-C) keeps the best epoch so far. The
    run's files lie in `folder`, else in `runs_folder`. With a strategy of `distribution` the work is shared out; then
    every worker must see that folder, but only the chief writes there, and `resume` begins anew where there is nothing.
    A resumed run keeps its precision. ValueError where there is too little to train on.
    """
    shape = batches.PHOTO if preset.network == "chroma" else preset.target
    if len(pictures) < 2 or pictures.shape[1:] != shape:
        raise ValueError(f"{preset.name} trains on at least 2 pictures of shape {shape}; "
                         f"it was given {len(pictures)} of {pictures.shape[1:]}.")
    keras.utils.set_random_seed(seed)
    epochs, folder = epochs or preset.epochs, folder or runs.runs_folder(preset.name)
    worker = distribution.index(strategy)
    resume = resume and not (strategy and not (folder / "state.json").is_file())
    before = runs.saved_run(folder) if resume else {"history": [], "precision": precision or fastest_precision()}
    history, precision = before["history"], before.get("precision", "float32")    # what older runs have, and do not say
    with of_precision(precision), distribution.scope(strategy):
        encoder, decoder = networks.build(preset)
        if preset.network == "two_branch":
            start_at_pca(encoder, decoder, pictures)
        graph = compile_for(preset, networks.training_graph(preset, encoder, decoder, seed))
        graph.optimizer.build(graph.trainable_variables)
    if resume:
        graph.load_weights(runs.weights_file(folder, len(history)))
    elif not worker:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    place = Path(tempfile.mkdtemp()) if worker else folder    # all must save, as they add up counters; one is kept
    run = {"preset": preset.to_json(), "seed": seed, "epochs": epochs, "precision": precision, "history": history}

    if runs.stale(history) >= runs.patience(preset, epochs):    # it had ended and was stopped before anyone knew
        epochs = len(history)
    shown, check = batches.split(preset, pictures, labels, seed)
    told = [runs.SeedEpoch(shown, seed, worker), *runs.callbacks(preset, epochs, place, run), *more_callbacks]
    try:
        if strategy:
            distribution.fit(strategy, graph, shown, check, epochs, len(history), told)
        else:
            graph.fit(shown, validation_data=check, epochs=epochs, initial_epoch=len(history), shuffle=False,
                      verbose=verbose, callbacks=told)
    except KeyboardInterrupt:
        if not history:
            raise
    if not runs.best_epoch(history):
        raise ValueError(f"The loss of {preset.name} was not a number from the first epoch on. "
                         "Lower the learning rate or look for bad values in the pictures.")
    best = runs.weights_file(place, runs.best_epoch(history))
    graph.load_weights(best if best.is_file() else runs.weights_file(folder, runs.best_epoch(history)))
    if worker:
        shutil.rmtree(place)
    plain = networks.build(preset)
    for exact, fast in zip(plain, (encoder, decoder), strict=True):
        exact.set_weights(fast.get_weights())
    return *plain, history


def fastest_precision():
    """mixed_bfloat16 where the processor computes in it (AVX-512 BF16 or AMX), up to twice as fast, else float32."""
    told = Path("/proc/cpuinfo")                 # what is not Linux on x86 is taken to have neither
    flags = told.read_text("utf-8").split() if told.is_file() else ()
    return "mixed_bfloat16" if {"avx512_bf16", "amx_bf16"} & set(flags) else "float32"


@contextlib.contextmanager
def of_precision(policy):
    """Layers made inside compute in this precision; a Keras dtype policy by its name."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def fit_pca(preset, pictures):
    """The linear preset in closed form, by scikit-learn's PCA; returns what `fit` returns, with no history."""
    from sklearn.decomposition import PCA

    pca = PCA(preset.code, svd_solver="covariance_eigh").fit(pictures.reshape(len(pictures), -1))
    encoder, decoder = networks.build(preset)
    encoder.set_weights([pca.components_.T, -pca.components_ @ pca.mean_])
    decoder.set_weights([pca.components_, pca.mean_])
    return encoder, decoder, []


def start_at_pca(encoder, decoder, pictures, steepness=8.0):
    """Set the shortcuts of a two-branch network to the principal components of pictures (n, h, w, c).

    Codes get unit variance. The decoder's sigmoid is steep and centered on gray, so that it hardly bends 0..1.
    """
    from sklearn.decomposition import PCA

    code = encoder.get_layer("shortcut").units
    pca = PCA(min(code, len(pictures)), svd_solver="covariance_eigh").fit(pictures.reshape(len(pictures), -1))
    spread = np.maximum(np.sqrt(pca.explained_variance_), 1e-3)
    axes, width = np.zeros((2, code, pca.components_.shape[1])), len(spread)
    axes[0, :width], axes[1, :width] = pca.components_ / spread[:, None], pca.components_ * spread[:, None]
    encoder.get_layer("shortcut").set_weights([axes[0].T, -axes[0] @ pca.mean_])
    decoder.get_layer("shortcut").set_weights([steepness * axes[1], steepness * (pca.mean_ - 0.5)])


def train(preset, epochs=None, seed=0, resume=False, replace=False, precision=None, strategy=None):
    """Fit a preset on its data set and put it into the store; returns the store's entry and whether it was replaced.

    A resumed run goes on with the preset, the seed, the precision and (if not told otherwise) the epochs of its start.
    Weights with a lower validation loss than the new ones stay, unless `replace`. Of several workers only the chief
    keeps the model; the others return what they trained as None, False.
    """
    if resume and not (strategy and not (runs.runs_folder(preset.name) / "state.json").is_file()):
        run = runs.saved_run(runs.runs_folder(preset.name))
        preset, seed, epochs = presets.Preset.from_json(run["preset"]), run["seed"], epochs or run["epochs"]
    pictures, labels = training_set(preset)
    if preset.network == "linear":
        encoder, decoder, history = fit_pca(preset, pictures)
    else:
        encoder, decoder, history = fit(preset, pictures, labels, epochs, seed, resume, precision, strategy=strategy)
    if strategy:
        distribution.tell(strategy, history, encoder, decoder)
        if distribution.index(strategy):
            return None, False
    best = min(history, key=lambda row: row["val_loss"], default={})
    old = None if replace or not best else _rival(preset)
    if old and old.card["training"].get("val_loss", math.inf) < best["val_loss"]:
        return old, False
    training = {"seed": seed, "epochs": len(history), **best, "pictures": len(pictures), "date": str(date.today())}
    return export.keep(preset, encoder, decoder, training), True


def training_set(preset):
    """The pictures and labels that a preset is trained on."""
    shape = batches.PHOTO if preset.network == "chroma" else preset.target
    pictures, labels = datasets.load(preset.dataset, "train", shape)
    if not preset.mixture:
        return pictures, labels
    chosen = preset.mixture
    mixed = datasets.mix(*datasets.whole(preset.dataset, preset.shape), chosen.regular, chosen.intruder, chosen.share)
    order = np.random.default_rng(datasets.SEED).permutation(len(mixed.rows))[:int(chosen.trained * len(mixed.rows))]
    return mixed.pictures[order], mixed.labels[order]


def _rival(preset):
    """The stored weights of a preset if their loss measures the same thing; damaged ones are no rival."""
    try:
        old = store.read(preset.name)
    except (store.WeightsMissing, store.WeightsDamaged):
        return None
    same = ("dataset", "shape", "loss", "reconstruction_weight", "variational", "sparsity", "corruption", "labels")
    return old if all(getattr(old.preset, key) == getattr(preset, key) for key in same) else None
