"""The training loop on several devices or machines, by TensorFlow's own strategies: the same batches, shared out.

Keras 3.15 builds and updates its weights under a `tf.distribute` strategy, but its `fit` fails under
`MultiWorkerMirroredStrategy` (it reduces whole batches, and scalars along an axis they do not have). So the loop over
batches is ours, and the step is Keras's own `train_step`. Each replica takes its own rows of every global batch; the
optimizer adds the gradients up, so that all replicas keep the same weights. For training only; but for one operation
in `optimizers` and one in `networks`, the only place that knows TensorFlow by name.
"""
import contextlib
import hashlib
import json
import os
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Strategy = Any                   # tf.distribute.Strategy


def begin(name: str) -> Strategy:
    """The strategy of this name, before anything else of TensorFlow is used; ValueError where TF_CONFIG is missing."""
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        config["cluster"]["worker"][config["task"]["index"]]
    except (KeyError, IndexError, TypeError, ValueError):
        raise ValueError('Several workers find each other by TF_CONFIG. Set it for each of them, such as {"cluster": '
                         '{"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}.') from None
    return tf.distribute.MultiWorkerMirroredStrategy()


def index(strategy: Strategy | None) -> int:
    """Which worker this process is; 0 is the chief, who writes what is kept, and every single one."""
    resolver = strategy.cluster_resolver if strategy else None
    return (resolver.task_id or 0) if resolver else 0


def scope(strategy: Strategy | None) -> contextlib.AbstractContextManager[Any]:
    """Where the weights of a strategy are made."""
    return strategy.scope() if strategy else contextlib.nullcontext()


def report(strategy: Strategy, history: list[dict[str, Any]], encoder: keras.Model, decoder: keras.Model) -> None:
    """Print one line a worker: equal losses and equal weights show that they have trained one network."""
    weights = b"".join(array.tobytes() for model in (encoder, decoder) for array in model.get_weights())
    print(f"Worker {index(strategy)}: validation loss {history[-1]['val_loss']:.9g} after {len(history)} epochs, "
          f"weights {hashlib.sha256(weights).hexdigest()[:16]}.", flush=True)


def fit(strategy: Strategy, graph: keras.Model, batches: keras.utils.PyDataset, check: keras.utils.PyDataset,
        epochs: int, initial_epoch: int, callbacks: list[keras.callbacks.Callback]) -> None:
    """What graph.fit does, each replica on its own share of every batch. Metrics are those of all replicas together.

    ValueError with one sentence where another worker is lost.
    """
    called = keras.callbacks.CallbackList(callbacks, model=graph, epochs=epochs, steps=len(batches))
    train, test = (tf.function(lambda batch, step=step: strategy.run(step, args=(batch,)), reduce_retracing=True)
                   for step in (graph.train_step, graph.test_step))
    graph.stop_training = False
    try:
        _agree(strategy, initial_epoch)
        called.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            called.on_epoch_begin(epoch)
            logs = _pass(strategy, graph, train, batches, called)
            logs |= {f"val_{name}": value for name, value in _pass(strategy, graph, test, check).items()}
            called.on_epoch_end(epoch, logs)
            if graph.stop_training:
                break
        called.on_train_end()
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError,
            tf.errors.CancelledError, tf.errors.InternalError) as error:
        raise ValueError("Another worker was lost. The epochs that were finished are kept; start all workers again "
                         f"with --resume. ({type(error).__name__})") from None


def _agree(strategy, epoch):
    """ValueError where the workers would begin at different epochs."""
    def gather():
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.constant(float(epoch)))
    total = strategy.experimental_local_results(strategy.run(tf.function(gather)))[0]
    if float(total) != epoch * strategy.num_replicas_in_sync:
        raise ValueError("The workers do not see the same run. Let AE_RUNS_DIR name a folder that all of them share, "
                         "and start them all again with --resume.")


def _pass(strategy, graph, step, batches, called=None):
    """Every batch once; the metrics {name: number} over all of them."""
    graph.reset_metrics()
    for k in range(len(batches)):
        whole = batches[k]
        if len(keras.tree.flatten(whole)[0]) < strategy.num_replicas_in_sync:
            continue                             # the last rows of an epoch are too few to go round

        def share(context, whole=whole):
            return keras.tree.map_structure(
                lambda rows: rows[context.replica_id_in_sync_group::context.num_replicas_in_sync], whole)
        step(strategy.experimental_distribute_values_from_function(share))
        if called:
            called.on_train_batch_end(k)
    return {name: float(np.mean(value)) for name, value in graph.get_metrics_result().items()}
