"""Which half holds digits_conv back: its error by the codes of its encoder, and by the best codes there are.

The decoder stays as it is. For each of the first test pictures gradient descent looks for the 16 numbers that the
decoder makes the most of, beginning at those that the encoder gave. What is between the two errors is the encoder's
(the amortization gap of Cremer et al., 2018); what is left is the decoder's.
"""
import os

from ae_core import store
from ae_core.pictures import datasets

NAME, COUNT, STEPS, RATE = "digits_conv", 1000, 200, 0.3


def run():
    """The mean squared errors by the encoder's codes and by the best ones."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    from ae_core.training import export

    encoder, decoder = export.load_keras(store.read(NAME).path("model.keras"))
    pictures = tf.constant(datasets.samples("mnist")[0][:COUNT])
    codes = tf.Variable(encoder(pictures))
    schedule = keras.optimizers.schedules.CosineDecay(RATE, STEPS)
    optimizer = keras.optimizers.Adam(schedule)

    def errors():
        return tf.reduce_mean(tf.square(decoder(codes) - pictures), axis=(1, 2, 3))

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(errors())
        return tape.gradient(loss, codes)

    by_encoder = float(tf.reduce_mean(errors()))
    for _ in range(STEPS):
        optimizer.apply([gradient()], [codes])
    best = float(tf.reduce_mean(errors()))
    return {"preset": NAME, "pictures": COUNT, "mse": by_encoder, "best_code_mse": best, "ratio": by_encoder / best}
