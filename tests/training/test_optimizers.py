"""What our optimizers override in Keras is still there; private parts of it may change with any release."""
import inspect

import keras
import pytest

from ae_core.training import networks, optimizers

pytestmark = pytest.mark.slow

OURS = (optimizers.Adam, optimizers.Muon, networks.BatchNormalization)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in OURS for name in vars(kind)
                                            if inspect.isfunction(vars(kind)[name])],
                         ids=lambda value: getattr(value, "__name__", value))
def test_every_method_that_is_overridden_takes_what_keras_gives_it(kind, name):
    parent = kind.__mro__[1]
    assert parent.__module__.startswith("keras.") and hasattr(parent, name), "Keras calls it no more"
    assert list(inspect.signature(getattr(kind, name)).parameters) == \
        list(inspect.signature(getattr(parent, name)).parameters)


@pytest.mark.parametrize(("kind", "private"), [
    (optimizers.Adam, ("_get_variable_index", "_momentums", "_velocities", "iterations", "amsgrad", "epsilon")),
    (optimizers.Muon, ("zeropower_via_newtonschulz5", "lr_adjust", "ns_steps", "nesterov", "momentum"))])
def test_what_is_used_of_keras_inside_is_there(kind, private):
    optimizer = kind(0.01)
    optimizer.build([keras.Variable([[1.0, 2.0]])])
    assert not [name for name in private if not hasattr(optimizer, name)]
