"""The optimizers of the presets: Adam in one operation, and Muon for convolutions too."""
import math

import keras
from keras import ops

from ae_core.presets import Preset

LEAST = 16                       # rows and columns of a matrix whose directions are worth making equal


def of(preset: Preset) -> keras.optimizers.Optimizer:
    """A fresh optimizer of a preset, at its learning rate."""
    if preset.adversary:                         # two that learn from each other must forget faster
        return Adam(preset.learning_rate, beta_1=0.5)
    return {"adam": Adam, "muon": Muon}[preset.optimizer](preset.learning_rate)


@keras.saving.register_keras_serializable("ae_core")
class Adam(keras.optimizers.Adam):
    """The same numbers as Keras's, whose update is a dozen passes over each weight and its two moments.

    TensorFlow has one operation that does it in a single pass: a dense network trains up to half as fast again.
    """

    def update_step(self, gradient, variable, learning_rate):
        if keras.backend.backend() != "tensorflow" or self.amsgrad:
            return super().update_step(gradient, variable, learning_rate)
        import tensorflow as tf

        index, step = self._get_variable_index(variable), tf.cast(self.iterations + 1, variable.dtype)
        return tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable), m=_handle(self._momentums[index]), v=_handle(self._velocities[index]),
            beta1_power=self.beta_1**step, beta2_power=self.beta_2**step, beta1=self.beta_1, beta2=self.beta_2,
            lr=tf.cast(learning_rate, variable.dtype), epsilon=self.epsilon, grad=tf.cast(gradient, variable.dtype))


@keras.saving.register_keras_serializable("ae_core")
class Muon(keras.optimizers.Muon):
    """A kernel (h, w, in, out) is stepped as the matrix (h w in, out) that it is (Jordan, 2024).

    Muon replaces the momentum of a matrix by the nearest one whose directions all count the same. What has fewer than
    LEAST rows or columns, such as the kernel that reads the one channel of a gray picture, stays with Adam.
    """

    def _should_use_adamw(self, variable):
        if len(variable.shape) != 4:
            return super()._should_use_adamw(variable)
        return min(_matrix(variable)) < LEAST

    def _muon_update_step(self, gradient, variable, lr, m):
        self.assign_add(m, gradient + m * (self.momentum - 1))
        direction = gradient + self.momentum * m if self.nesterov else m
        step = self.zeropower_via_newtonschulz5(ops.reshape(direction, _matrix(variable)), self.ns_steps)
        self.assign_sub(variable, ops.reshape(self.lr_adjust(lr * step), variable.shape))


def _matrix(variable):
    return math.prod(variable.shape[:-1]), variable.shape[-1]


def _handle(variable):
    """What an operation of TensorFlow changes a variable by, be it Keras's or TensorFlow's own."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
