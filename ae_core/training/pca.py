"""Principal components: a linear network in closed form, and what a two-branch network starts from."""
import keras
import numpy as np
from sklearn.decomposition import PCA

from ae_core.presets import Preset
from ae_core.training import networks

STEEPNESS = 8.0                  # of a decoder that ends in a sigmoid: the range 0..1 lies where it hardly bends


def fit(preset: Preset, pictures: np.ndarray) -> tuple[keras.Model, keras.Model]:
    """The encoder and the decoder of the linear preset for pictures (n, h, w, c)."""
    pca = _components(preset.code, pictures)
    encoder, decoder = networks.build(preset)
    encoder.set_weights([pca.components_.T, -pca.components_ @ pca.mean_])
    decoder.set_weights([pca.components_, pca.mean_])
    return encoder, decoder


def start(encoder: keras.Model, decoder: keras.Model, pictures: np.ndarray) -> None:
    """Set the shortcuts of a two-branch network to the principal components of pictures (n, h, w, c).

    Codes get unit variance. The decoder's sigmoid is steep and centered on gray.
    """
    code = encoder.get_layer("shortcut").units
    pca = _components(min(code, len(pictures)), pictures)
    spread = np.maximum(np.sqrt(pca.explained_variance_), 1e-3)
    axes, width = np.zeros((2, code, pca.components_.shape[1])), len(spread)
    axes[0, :width], axes[1, :width] = pca.components_ / spread[:, None], pca.components_ * spread[:, None]
    encoder.get_layer("shortcut").set_weights([axes[0].T, -axes[0] @ pca.mean_])
    decoder.get_layer("shortcut").set_weights([STEEPNESS * axes[1], STEEPNESS * (pca.mean_ - 0.5)])


def _components(count: int, pictures: np.ndarray) -> PCA:
    return PCA(count, svd_solver="covariance_eigh").fit(pictures.reshape(len(pictures), -1))
