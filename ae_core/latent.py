"""Where in the latent space to decode: lattices over a plane, and paths between two codes.

A plane's bounds are (x0, x1, y0, y1). Lattices run row by row from the upper left corner, as a picture does: x grows
to the right, y grows upwards, so row 0 has the largest y.
"""
import numpy as np

from ae_core import images


def lattice(bounds, n, centres=False):
    """The codes (n*n, 2) of an n x n lattice: its corners are the bounds, or the centres of n x n equal cells."""
    x0, x1, y0, y1 = bounds
    share = (np.arange(n) + 0.5) / n if centres else np.linspace(0, 1, n)
    across, up = np.meshgrid(x0 + share * (x1 - x0), y1 - share * (y1 - y0))
    return np.stack([across.ravel(), up.ravel()], axis=1).astype(np.float32)


def straight(start, stop, n):
    """n codes (n, d) at equal steps on the line between two codes (d,)."""
    share = np.linspace(0, 1, n, dtype=np.float32)[:, None]
    return (1 - share) * start + share * stop


def spherical(start, stop, n):
    """n codes (n, d) at equal angles around the origin, their length changing evenly.

    In many dimensions N(0, 1) lies near a sphere, and a straight line would cut through its empty inside (White, 2016).
    Where no one arc is the shortest, the way is straight.
    """
    lengths = np.linalg.norm([start, stop], axis=1)
    if lengths.min() < 1e-6:
        return straight(start, stop, n)
    one, other = start / lengths[0], stop / lengths[1]
    angle = np.arccos(np.clip(one @ other, -1, 1))
    if np.sin(angle) < 1e-4:                     # the same or the opposite direction: no one arc between them
        return straight(start, stop, n)
    share = np.linspace(0, 1, n)[:, None]
    direction = (np.sin((1 - share) * angle) * one + np.sin(share * angle) * other) / np.sin(angle)
    return (direction * ((1 - share) * lengths[0] + share * lengths[1])).astype(np.float32)


def tiles(pictures, columns):
    """Decoded pictures (n, h, w, c) as a uint8 grid (rows, columns, h, w[, 3]); gray ones lose their last axis."""
    grid = images.to_uint8(pictures).reshape(-1, columns, *pictures.shape[1:])
    return grid[..., 0] if grid.shape[-1] == 1 else grid


def there_and_back(frames):
    """Frames (n, ...) of a way, then those of the way back (2n - 2, ...), for an animation without a jump."""
    return np.concatenate([frames, frames[-2:0:-1]])
