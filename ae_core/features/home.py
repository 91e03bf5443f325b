"""A picture in a few numbers, each of which a hand can move: what the first screen shows."""
from dataclasses import dataclass

import numpy as np

from ae_core.model import Autoencoder

MODEL = "fashion_dense_8"        # eight numbers: few enough to see them all, enough to tell ten garments apart
REACH = (1, 99)                  # percent of the real codes between the two ends of a strip
FRAMES = 13                      # along a strip


@dataclass(frozen=True)
class Reach:
    """How far each number of the code of a model goes over real pictures."""
    low: np.ndarray              # (d,)
    high: np.ndarray             # (d,)

    def shares(self, codes: np.ndarray) -> np.ndarray:
        """Codes (n, d) as places between the two ends, 0 to 1."""
        return np.clip((codes - self.low) / np.maximum(self.high - self.low, 1e-6), 0, 1)

    def codes(self, shares: np.ndarray) -> np.ndarray:
        """The way back: (n, d) -> (n, d)."""
        return (self.low + shares * (self.high - self.low)).astype(np.float32)


def reach(model: Autoencoder, pictures: np.ndarray) -> Reach:
    """How far the code goes over pictures (n, h, w, c), but for the rarest percent at each end."""
    low, high = np.percentile(model.encode(pictures), REACH, axis=0)
    return Reach(low, high)


def strips(model: Autoencoder, reach: Reach, shares: np.ndarray) -> np.ndarray:
    """The pictures (d, FRAMES, h, w, c) along each number, with every other number at its share (d,)."""
    count = len(shares)
    grid = np.broadcast_to(shares, (count, FRAMES, count)).copy()
    grid[np.arange(count), :, np.arange(count)] = np.linspace(0, 1, FRAMES)
    pictures = model.decode(reach.codes(grid.reshape(-1, count)))
    return pictures.reshape(count, FRAMES, *pictures.shape[1:])
