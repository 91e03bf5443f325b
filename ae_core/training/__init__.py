"""From a preset to trained weights: the only rooms that may import Keras."""
