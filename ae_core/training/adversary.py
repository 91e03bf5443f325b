"""The second stage of a model: its decoder is trained on against a network that tells drawn pictures from real ones.

After Larsen et al., 2016: reconstruction, the distance in that network's volumes, and a small adversarial term. Both
sides learn in one step, of one loss, with one optimizer: what a side must not learn from is kept from it by
`stop_gradient`, so that Keras's own `fit` trains them on any backend.
"""
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from ae_core import presets
from ae_core.presets import Preset
from ae_core.training import losses

Tensor = Any                     # of whichever backend
SLOPE = 0.2                      # of the leaky ReLU, as in DCGAN


class Critic(layers.Layer):
    """Convolutions that halve a picture, and how real each place of the last volume looks.

    pictures (n, h, w, c) -> [logits (n, ., ., 1), *volumes]. Kernels are divided by their largest singular value
    (Miyato et al., 2018), found by one step of power iteration a batch. `fixed`: what follows from the answer reaches
    the pictures and not the kernels.
    """

    def __init__(self, filters: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.filters = tuple(filters)

    def build(self, shape):
        depths, sides = (shape[-1], *self.filters, 1), (4,) * len(self.filters) + (3,)
        half = keras.initializers.VarianceScaling(0.25, "fan_avg", "uniform")    # half of Glorot's: it learns twice
        self.kernels, self.biases, self.directions = [], [], []                  # as fast as the decoder
        for k, (side, before, after) in enumerate(zip(sides, depths[:-1], depths[1:], strict=True)):
            self.kernels.append(self.add_weight((side, side, before, after), half, name=f"kernel_{k}", autocast=False))
            self.biases.append(self.add_weight((after,), "zeros", name=f"bias_{k}"))
            self.directions.append(self.add_weight((after, 1), "random_normal", trainable=False, name=f"direction_{k}",
                                                   autocast=False))

    def call(self, pictures, fixed=False, training=False):
        volumes, x = [], pictures
        for k, bias in enumerate(self.biases):
            kernel = ops.cast(self._normalized(k, training and not fixed), self.compute_dtype)
            if fixed:
                kernel, bias = ops.stop_gradient(kernel), ops.stop_gradient(ops.convert_to_tensor(bias))
            last = k == len(self.filters)
            x = ops.conv(x, kernel, strides=1 if last else 2, padding="same") + bias
            if not last:
                x = ops.leaky_relu(x, SLOPE)
                volumes.append(x)
        return [x, *volumes]

    def _normalized(self, k, moved):
        kernel, direction = ops.convert_to_tensor(self.kernels[k]), ops.convert_to_tensor(self.directions[k])
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        fixed = ops.stop_gradient(matrix)
        left = ops.normalize(ops.matmul(fixed, direction), axis=0)
        right = ops.normalize(ops.matmul(ops.transpose(fixed), left), axis=0)
        if moved:
            self.directions[k].assign(right)
        return kernel / (ops.sum(left * ops.matmul(matrix, right)) + 1e-6)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


class Adversary(layers.Layer):
    """Lets the drawn pictures through; what they lack of real ones is a loss, and so is what the critics fail to see.

    Inputs: real and drawn pictures, both (n, h, w, c). Weights are those of `presets.Adversary`, times that of the
    preset's own loss. Outside training, power and grid alone count: a critic's mood is no measure.
    """

    def __init__(self, preset: Preset, **kwargs: Any):
        super().__init__(**kwargs)
        self.weights_of = preset.adversary or presets.Adversary("")
        self.scale = preset.reconstruction_weight
        self.critics = [Critic(filters, name=name) for name, filters in
                        (("whole", self.weights_of.filters), ("patches", self.weights_of.patch_filters))]

    def build(self, shapes):
        for critic in self.critics:
            critic.build(shapes[0])

    def call(self, inputs, training=False):
        real, drawn = inputs
        each = self.weights_of
        loss = each.power * losses.power_error(real, drawn) + each.grid * losses.grid_error(drawn)
        if training:
            both = ops.concatenate([real, ops.stop_gradient(drawn)])
            for k, critic in enumerate(self.critics):
                logits, *volumes = map(_float, critic(both, training=True))
                judged, *seen = map(_float, critic(drawn, fixed=True, training=True))
                loss += hinge(*ops.split(logits, 2)) - each.realism * ops.mean(judged)
                if k == 0:                       # the first volume is hardly more than the pixels themselves
                    loss += each.features * distance([ops.split(volume, 2)[0] for volume in volumes[1:]], seen[1:])
        self.add_loss(self.scale * loss)
        return drawn


def hinge(real: Tensor, drawn: Tensor) -> Tensor:
    """What a critic is fined: logits of real pictures below 1 and of drawn ones above -1 (Lim and Ye, 2017): -> ()."""
    return ops.mean(ops.relu(1 - real)) + ops.mean(ops.relu(1 + drawn))


def distance(real: Sequence[Tensor], drawn: Sequence[Tensor]) -> Tensor:
    """How far volumes of drawn pictures are from those of the real ones, in units of the latter's mean: -> ()."""
    real = [ops.stop_gradient(volume) for volume in real]
    apart = [ops.mean(ops.abs(one - other)) / (ops.mean(ops.abs(one)) + 1e-6)
             for one, other in zip(real, drawn, strict=True)]
    return sum(apart) / len(apart)


def _float(volume):
    return ops.cast(volume, "float32")
