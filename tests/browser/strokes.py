"""The formula of pages/shared/live/strokes.js in NumPy: the same points give the same bytes."""
import numpy as np

PIECES = 8


def curve(stroke):
    """The corners of a stroke's curve, (n, 2)."""
    corners = [np.array(stroke[0], float)]
    for before, point in zip(stroke, stroke[1:], strict=False):
        start, steer = corners[-1], np.array(before, float)
        stop = (steer + point) / 2
        for k in range(1, PIECES + 1):
            t = k / PIECES
            corners.append((1 - t) * (1 - t) * start + 2 * (1 - t) * t * steer + t * t * stop)
    return np.array([*corners, stroke[-1]])


def gray(strokes, side, scale, width, base=None):
    """Gray levels, uint8 (side, side), of strokes [[x, y], ...] with a pen `width` units wide."""
    down, across = np.mgrid[:side, :side] + 0.5
    squares = np.full((side, side), np.inf)
    for stroke in strokes:
        corners = curve(stroke) * scale
        for (x, y), (to_x, to_y) in zip(corners, corners[1:], strict=False):
            px, py, dx, dy = across - x, down - y, to_x - x, to_y - y
            length = dx * dx + dy * dy
            along = np.clip((px * dx + py * dy) / length, 0, 1) if length else 0.0
            ox, oy = px - along * dx, py - along * dy
            squares = np.minimum(squares, ox * ox + oy * oy)
    covered = np.clip(width * scale / 2 + 0.5 - np.sqrt(squares), 0, 1)
    levels = np.floor(255 * covered + 0.5).astype(np.uint8)
    return levels if base is None else np.maximum(levels, base)
