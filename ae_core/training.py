"""Fit a preset: data in, a weights folder out.

A run keeps its state in .runs/<preset>/ (state.json, and the weights with the optimizer of its last and its best
epoch), so that it can be stopped or killed at any moment and resumed as if nothing had happened.
"""
import contextlib
import errno
import json
import math
import os
import shutil
import tempfile
from datetime import date
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np

from ae_core import (
    attributes,
    batches,
    data,
    distribution,
    export,
    losses,
    metrics,
    networks,
    optimizers,
    presets,
    store,
)

ATTRIBUTE_FACES = 30_000         # training faces are enough to find the directions of attributes
STRIDE = 2**20                   # numbers of pictures that are computed with in one go
HEADROOM = 2**17                 # bytes that a checkpoint takes beside its numbers, and what is written next to it


def runs_folder(name):
    return Path(os.environ.get("AE_RUNS_DIR") or store.ROOT / ".runs") / name


class SeedEpoch(keras.callbacks.Callback):
    """Order, noise and samples of an epoch depend on the seed and the epoch alone.

    So a resumed run sees exactly what an unbroken one would have seen.
    """

    def __init__(self, batches, seed, worker=0):
        super().__init__()
        self.batches, self.seed, self.worker = batches, seed, worker

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.shuffle(self.seed, epoch)
        for layer in self.model.layers:
            if hasattr(layer, "random"):
                key = self.seed + (self.worker << 24)              # workers share the order, not the noise
                layer.random.state.assign(np.uint32([key, epoch * 2**16]))     # its second number counts the draws


class KeepRun(keras.callbacks.Callback):
    """After each epoch: its weights with the optimizer, and the history, renamed into place.

    state.json comes last and names no file: its history says which epochs are the last and the best one, and their
    weights are there before it and removed only after it. So whenever the process dies, the two fit together.
    """

    def __init__(self, folder, run):
        super().__init__()
        self.folder, self.run, self.history = folder, run, run["history"]

    def on_epoch_end(self, epoch, logs=None):
        self.history.append({"epoch": epoch + 1, **told_apart(logs or {})})
        partial = self.folder / "part.weights.h5"
        self._expect_room()
        self.model.save_weights(partial)
        partial.replace(weights_file(self.folder, epoch + 1))
        partial = self.folder / "state.part"
        partial.write_text(json.dumps(self.run), "utf-8")
        partial.replace(self.folder / "state.json")
        needed = {weights_file(self.folder, kept) for kept in (epoch + 1, best_epoch(self.history))}
        for path in set(self.folder.glob("epoch_*")) - needed:
            path.unlink()


    def _expect_room(self):
        """OSError before a full disk makes HDF5 leave a file that it can neither finish nor close."""
        numbers = sum(math.prod(value.shape) for value in (*self.model.variables, *self.model.optimizer.variables))
        if shutil.disk_usage(self.folder).free < 4.4 * numbers + HEADROOM:
            raise OSError(errno.ENOSPC, "No space left on device", str(self.folder))


def told_apart(logs):
    """The numbers of an epoch, the KL divergence in place of the reconstruction: the loss is the sum of the two."""
    row = {key: float(value) for key, value in logs.items()}
    for loss, kl, part in (("loss", "kl", "reconstruction"), ("val_loss", "val_kl", "val_reconstruction")):
        if part in row:
            row[kl] = row[loss] - row.pop(part)
    return row


class StopEarly(keras.callbacks.Callback):
    """End the run where the validation loss has not fallen for `patience` epochs of its history."""

    def __init__(self, history, patience):
        super().__init__()
        self.history, self.patience = history, patience

    def on_epoch_end(self, epoch, logs=None):
        if stale(self.history) >= self.patience:
            self.model.stop_training = True


def weights_file(folder, epoch):
    """Where a run keeps the weights and the optimizer of an epoch, the first being 1."""
    return folder / f"epoch_{epoch:04}.weights.h5"


def best_epoch(history):
    """The first epoch of the lowest validation loss; 0 where there is none. NaN is never the lowest."""
    return min((row for row in history if not math.isnan(row["val_loss"])), key=lambda row: row["val_loss"],
               default={"epoch": 0})["epoch"]


def stale(history):
    """How many epochs have passed since the best one."""
    return len(history) - best_epoch(history)


def cosine(preset, epochs):
    """The learning rate falls along half a cosine from the preset's to a hundredth of it."""
    return keras.callbacks.LearningRateScheduler(
        lambda epoch: preset.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * epoch / epochs)) / 2))


def plateau(preset, history, patience=5, least=1e-4):
    """The learning rate after a history: lower by sqrt(0.1) each time `patience` epochs gained less than `least`."""
    rate, best, waited = preset.learning_rate, math.inf, 0
    for row in history:
        best, waited = (row["val_loss"], 0) if row["val_loss"] < best - least else (best, waited + 1)
        if waited == patience:
            rate, waited = max(rate * math.sqrt(0.1), 5e-7), 0
    return rate


def callbacks(preset, epochs, folder, run):
    """The run's files, its learning rate and its early end, all functions of its history: a resumed run counts on."""
    history = run["history"]
    rate = keras.callbacks.LearningRateScheduler(lambda epoch: plateau(preset, history)) \
        if preset.schedule == "plateau" else cosine(preset, epochs)
    return [KeepRun(folder, run), keras.callbacks.TerminateOnNaN(), rate,
            StopEarly(history, patience(preset, epochs))]


def patience(preset, epochs):
    """How many epochs without progress end a run."""
    return 15 if preset.schedule == "plateau" else max(8, epochs // 4)


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
    epochs, folder = epochs or preset.epochs, folder or runs_folder(preset.name)
    worker = distribution.index(strategy)
    resume = resume and not (strategy and not (folder / "state.json").is_file())
    before = saved_run(folder) if resume else {"history": [], "precision": precision or fastest_precision()}
    history, precision = before["history"], before.get("precision", "float32")    # what older runs have, and do not say
    with of_precision(precision), distribution.scope(strategy):
        encoder, decoder = networks.build(preset)
        if preset.network == "two_branch":
            start_at_pca(encoder, decoder, pictures)
        graph = compile_for(preset, networks.training_graph(preset, encoder, decoder, seed))
        graph.optimizer.build(graph.trainable_variables)
    if resume:
        graph.load_weights(weights_file(folder, len(history)))
    elif not worker:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    place = Path(tempfile.mkdtemp()) if worker else folder    # all must save, as they add up counters; one is kept
    run = {"preset": preset.to_json(), "seed": seed, "epochs": epochs, "precision": precision, "history": history}

    if stale(history) >= patience(preset, epochs):    # it had ended and was stopped before anyone knew
        epochs = len(history)
    shown, check = batches.split(preset, pictures, labels, seed)
    told = [SeedEpoch(shown, seed, worker), *callbacks(preset, epochs, place, run), *more_callbacks]
    try:
        if strategy:
            distribution.fit(strategy, graph, shown, check, epochs, len(history), told)
        else:
            graph.fit(shown, validation_data=check, epochs=epochs, initial_epoch=len(history), shuffle=False,
                      verbose=verbose, callbacks=told)
    except KeyboardInterrupt:
        if not history:
            raise
    if not best_epoch(history):
        raise ValueError(f"The loss of {preset.name} was not a number from the first epoch on. "
                         "Lower the learning rate or look for bad values in the pictures.")
    best = weights_file(place, best_epoch(history))
    graph.load_weights(best if best.is_file() else weights_file(folder, best_epoch(history)))
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

    Codes get unit variance. The decoder's sigmoid is steep and centred on grey, so that it hardly bends 0..1.
    """
    from sklearn.decomposition import PCA

    code = encoder.get_layer("shortcut").units
    pca = PCA(min(code, len(pictures)), svd_solver="covariance_eigh").fit(pictures.reshape(len(pictures), -1))
    spread = np.maximum(np.sqrt(pca.explained_variance_), 1e-3)
    axes, width = np.zeros((2, code, pca.components_.shape[1])), len(spread)
    axes[0, :width], axes[1, :width] = pca.components_ / spread[:, None], pca.components_ * spread[:, None]
    encoder.get_layer("shortcut").set_weights([axes[0].T, -axes[0] @ pca.mean_])
    decoder.get_layer("shortcut").set_weights([steepness * axes[1], steepness * (pca.mean_ - 0.5)])


def saved_run(folder):
    """What an unfinished run remembers: its preset, seed, epochs and history. ValueError where there is none."""
    path = folder / "state.json"
    if not path.is_file():
        raise ValueError(f"There is no run of {folder.name} to resume. Start one without --resume.")
    return json.loads(path.read_text("utf-8"))


def train(preset, epochs=None, seed=0, resume=False, replace=False, precision=None, strategy=None):
    """Fit a preset on its data set and put it into the store; returns the store's entry and whether it was replaced.

    A resumed run goes on with the preset, the seed, the precision and (if not told otherwise) the epochs of its start.
    Weights with a lower validation loss than the new ones stay, unless `replace`. Of several workers only the chief
    keeps the model; the others return what they trained as None, False.
    """
    if resume and not (strategy and not (runs_folder(preset.name) / "state.json").is_file()):
        run = saved_run(runs_folder(preset.name))
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
    return keep(preset, encoder, decoder, training), True


def training_set(preset):
    """The pictures and labels that a preset is trained on."""
    shape = batches.PHOTO if preset.network == "chroma" else preset.target
    pictures, labels = data.load(preset.dataset, "train", shape)
    if not preset.mixture:
        return pictures, labels
    chosen = preset.mixture
    mixed = data.mix(*data.whole(preset.dataset, preset.shape), chosen.regular, chosen.intruder, chosen.share)
    order = np.random.default_rng(data.SEED).permutation(len(mixed.rows))[:int(chosen.trained * len(mixed.rows))]
    return mixed.pictures[order], mixed.labels[order]


def _rival(preset):
    """The stored weights of a preset if their loss measures the same thing; damaged ones are no rival."""
    try:
        old = store.read(preset.name)
    except (store.WeightsMissing, store.WeightsDamaged):
        return None
    same = ("dataset", "shape", "loss", "reconstruction_weight", "variational", "sparsity", "corruption", "labels")
    return old if all(getattr(old.preset, key) == getattr(preset, key) for key in same) else None


def keep(preset, encoder, decoder, training, test=None, more_files=None, **more):
    """Export a trained model with its test-set codes into the store.

    training: what preset.json remembers of the run, such as seed, epochs and val_loss; `more` is remembered beside it.
    test: (pictures, labels) where they are not the data set's; more_files: {name: path} to lie beside the others.
    """
    with tempfile.TemporaryDirectory() as scratch:
        files = export.write(preset, encoder, decoder, scratch)
        if preset.mapped:
            test = test or data.load(preset.dataset, "test", preset.shape)
            files["latents.npz"] = write_latents(preset, encoder, Path(scratch) / "latents.npz", *test)
        if preset.dataset == "celeba":
            files[attributes.FILE] = write_attributes(preset, encoder, decoder, Path(scratch) / attributes.FILE)
        layers = {"encoder": export.describe(encoder), "decoder": export.describe(decoder)}
        card = {"training": training, "layers": layers,
                "versions": {name: version(name) for name in ("keras", "onnx", "numpy")}, **more}
        return store.write(preset, files | (more_files or {}), card)


def write_latents(preset, encoder, path, pictures, labels):
    """The codes of the test pictures with their labels; of a VAE, means and log-variances.

    All of them on a plane; the first 1,000 of more dimensions, for their size.
    """
    pictures, labels = (array[:None if preset.code == 2 else 1000] for array in (pictures, labels))
    pictures = np.asarray(pictures)
    inputs = [pictures, np.eye(preset.labels, dtype=np.float32)[labels]] if preset.labels else pictures
    codes = encoder.predict(inputs, batch_size=1000, verbose=0)
    mean, log_variance = codes if preset.variational else (codes, None)
    arrays = {"mean": mean.astype(np.float16), "label": labels.astype(np.uint8)}
    if preset.variational:
        arrays["log_variance"] = log_variance.astype(np.float16)
    np.savez_compressed(path, **arrays)
    return path


def write_attributes(preset, encoder, decoder, path):
    """The directions of the attributes, found among the codes of training faces, and the gallery of held-out ones.

    A mirrored face has the same attributes, so each counts twice.
    """
    pictures, has = data.load(preset.dataset, "train", preset.shape)
    rows = np.random.default_rng(0).permutation(len(pictures))[:ATTRIBUTE_FACES]
    parts = np.array_split(rows, math.ceil(len(rows) / 500))     # a part of them in memory at a time
    codes = np.concatenate([encode_both_ways(encoder, pictures[part]) for part in parts])
    held_out, held_out_has = data.load(preset.dataset, "test", preset.shape)
    held_out, names = np.asarray(held_out), data.attribute_names()
    mean = encoder.predict(held_out, verbose=0)[0]
    missing = 1 - metrics.ssim(held_out, decoder.predict(mean, verbose=0))    # the squared error likes dim profiles
    gallery = attributes.choose_gallery(missing, held_out_has, names)
    attributes.fit(codes, np.repeat(has[rows], 2, axis=0), names, mean, held_out_has, gallery).save(path)
    return path


def encode_both_ways(encoder, pictures):
    """The mean codes (2n, d) of pictures (n, h, w, c), each followed by that of its mirror image."""
    pairs = np.stack([pictures, pictures[:, :, ::-1]], axis=1)
    return encoder.predict(pairs.reshape(-1, *pictures.shape[1:]), verbose=0)[0]


def export_again(name):
    """Write a preset's ONNX files and codes anew from its model.keras, which must be the one its card describes."""
    folder = store.folder_of(name)
    card = json.loads((folder / "preset.json").read_text("utf-8"))
    file = folder / "model.keras"
    if not file.is_file() or store.sha256(file) != card["sha256"].get(file.name):
        raise store.WeightsDamaged(f"{name}/model.keras is missing or differs from its checksum in preset.json. "
                                   f"Fetch it again or run: python -m ae_core train {name}")
    encoder, decoder = export.load_keras(file)
    return keep(presets.Preset.from_json(card["preset"]), encoder, decoder, card["training"])
