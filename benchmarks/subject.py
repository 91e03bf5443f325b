"""What of a picture a small model sees: digits on paper as phones photograph them, and garments on walls.

Test digits in 16 kinds, fitted by `subject.find` and judged by the five nearest codes of digits_conv among the other
test digits; `before` is the same with the way this was done at first: the median of the border is the ground, and a box
around all pixels beyond it the subject. Garments: the share of masks whose intersection over union with the true one is
at least 0.8.
"""
import itertools
from collections.abc import Callable

import cv2
import numpy as np
from scipy import ndimage

from ae_core import model
from ae_core.pictures import convert, datasets, subject

DIGITS, SEEDS, NEIGHBORS = 100, 2, 5
SHAPE = (28, 28, 1)
PAPER = (400, 300)               # height and width of a photograph
INK = 200                        # pixels of a digit's picture in it
GARMENT = 400                    # pixels a side
COLORS = {"black": (.08, .08, .09), "white": (.95, .95, .93), "red": (.75, .12, .14), "navy": (.11, .15, .35),
          "yellow": (.93, .84, .25), "green": (.15, .45, .25), "gray": (.5, .5, .5), "beige": (.82, .72, .58)}
WALLS = {"white": (.93, .92, .9), "gray": (.55, .55, .56), "brown": (.42, .3, .2), "blue": (.35, .5, .72),
         "dark": (.16, .16, .17)}
LEAST_DIFFERENT = 20             # delta E between garment and wall
GOOD = 0.8                       # intersection over union


def run():
    """The share of digits known by kind, now and before; the share of garments found."""
    pictures, labels = datasets.load("mnist", "test")
    served = model.load("digits_conv")
    chosen = np.random.default_rng(0).permutation(len(pictures))[:DIGITS]
    others = np.setdiff1d(np.arange(len(pictures)), chosen)
    codes = served.encode(pictures[others])

    def known(fitted):
        """The share whose class most of the nearest codes have."""
        distances = np.linalg.norm(served.encode(fitted)[:, None] - codes, axis=-1)
        nearest = labels[others][np.argsort(distances, axis=1)[:, :NEIGHBORS]]
        votes = np.array([np.bincount(row, minlength=10).argmax() for row in nearest])
        return float((votes == np.tile(labels[chosen], SEEDS)).mean())

    share, before = {}, {}
    for kind, make in KINDS.items():
        made = [make(pictures[row, ..., 0], np.random.default_rng((seed, row)))
                for seed, row in itertools.product(range(SEEDS), chosen)]
        share[kind] = known(np.stack([subject.find(each, SHAPE, "digit").picture for each in made]))
        before[kind] = known(np.stack([fit(each, SHAPE, 4) for each in made]))
    return {"digits": share, "before": before, **garments()}


def fit(picture, shape, margin=0):
    """How a subject was found before: ground is the median of the border, and all that differs from it counts."""
    gray = convert.to_gray(picture)[..., 0]
    ground = float(np.median(np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])))
    ink = np.clip((ground - gray) / ground if ground > 0.5 else (gray - ground) / (1 - ground), 0, 1)
    rows, columns = np.where(ink > max(0.15, 0.15 * ink.max()))
    canvas = np.zeros(shape[:2], np.float32)
    if len(rows):
        found = ink[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
        size = convert.inside(found.shape, (shape[0] - 2 * margin, shape[1] - 2 * margin))
        smaller = size[0] < found.shape[1] or size[1] < found.shape[0]
        found = cv2.resize(found / found.max(), size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        top, left = (shape[0] - size[1]) // 2, (shape[1] - size[0]) // 2
        canvas[top:top + size[1], left:left + size[0]] = np.clip(found, 0, 1)
    return canvas[..., None]


# --- digits ---------------------------------------------------------------------------------------------------

def large(digit, side=INK):
    return np.clip(cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC), 0, 1)


def as_it_is(digit, rng):
    return digit[..., None]


def in_a_corner(digit, rng):
    canvas = np.zeros((300, 300), np.float32)
    top, left = rng.integers(4, 30, 2) + rng.integers(0, 2, 2) * 200
    canvas[top:top + 56, left:left + 56] = large(digit, 56)
    return canvas[..., None]


def pen(change, width):
    def make(digit, rng):
        disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
        return change(large(digit), disk)[..., None]
    return make


def slanted(digit, rng):
    lean = rng.choice([-1, 1]) * rng.uniform(0.15, 0.35)
    turn = np.float32([[1, lean, -lean * INK / 2], [0, 1, 0]])
    return cv2.warpAffine(large(digit), turn, (INK, INK))[..., None]


def stray_dot(digit, rng):
    canvas = np.zeros((120, 120), np.float32)
    canvas[32:88, 32:88] = large(digit, 56)
    y, x = rng.integers(4, 14, 2) + rng.integers(0, 2, 2) * 100
    cv2.circle(canvas, (int(x), int(y)), 2, 1.0, -1)
    return canvas[..., None]


def inverted(digit, rng):
    return 1 - digit[..., None]


def on_paper(light=None, things=None, contrast=0.75, grain=0.015):
    """A photograph of a digit in blue or black ink: its light(rng), and things(picture, rng) that lie there too."""
    def make(digit, rng):
        height, width = PAPER
        ink = np.zeros(PAPER, np.float32)
        top, left = rng.integers(30, height - INK - 30), rng.integers(20, width - INK - 20)
        ink[top:top + INK, left:left + INK] = large(digit)
        color = np.float32([1, 0.95, 0.8]) if rng.random() < 0.5 else np.float32([1, 1, 1])
        paper = np.float32([0.9, 0.88, 0.83]) * (1 - contrast * ink[..., None] * color)
        if things:
            paper = things(paper, rng)
        if light:
            paper = paper * light(rng)[..., None]
        paper = cv2.GaussianBlur(paper, (0, 0), 1) + rng.normal(0, grain, paper.shape)
        return np.clip(paper, 0, 1).astype(np.float32)
    return make


def place(rng):
    """Coordinates -1..1 of every pixel along a random direction and across it."""
    y, x = np.mgrid[-1:1:PAPER[0] * 1j, -1:1:PAPER[1] * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    return np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x


def from_one_side(rng):
    along, _ = place(rng)
    return 0.62 + 0.36 * np.clip(along, -1, 1)


def phones_shadow(rng):
    along, across = place(rng)
    edge = along - rng.uniform(-0.2, 0.2)
    inside = 1 / (1 + np.exp(-edge / 0.03)) * (np.abs(across) < 0.9)
    return 1 - 0.5 * cv2.GaussianBlur(inside, (0, 0), 4)


def vignette(rng):
    y, x = np.mgrid[-1:1:PAPER[0] * 1j, -1:1:PAPER[1] * 1j]
    return 1 - 0.38 * (x**2 + y**2)


def ruled(paper, rng):
    step, color = rng.integers(24, 40), np.float32([0.55, 0.65, 0.85])
    for top in range(int(rng.integers(4, step)), PAPER[0], int(step)):
        paper[top:top + 2] = np.minimum(paper[top:top + 2], color)
    return paper


def table_edge(paper, rng):
    along, _ = place(np.random.default_rng(int(rng.integers(4))))
    side = int(rng.integers(4))
    y, x = np.mgrid[0:PAPER[0], 0:PAPER[1]]
    depth = rng.integers(12, 28) + rng.uniform(-0.05, 0.05) * (x if side < 2 else y)
    beyond = (y < depth, y > PAPER[0] - depth, x < depth, x > PAPER[1] - depth)[side]
    paper[beyond] = np.float32([0.35, 0.22, 0.14]) * (1 + 0.1 * np.sin(along[beyond] * 40))[:, None]
    return paper


def speck(paper, rng):
    y, x = rng.integers(5, 25, 2)
    cv2.circle(paper, (int(x), int(y)), int(rng.integers(2, 5)), (0.2, 0.15, 0.1), -1)
    return paper


KINDS: dict[str, Callable] = {
    "as they are": as_it_is, "small in a corner": in_a_corner, "thick pen": pen(cv2.dilate, 13),
    "thin pen": pen(cv2.erode, 9), "slanted": slanted, "one stray dot": stray_dot, "inverted": inverted,
    "even light": on_paper(), "light from one side": on_paper(from_one_side),
    "a phone's shadow": on_paper(phones_shadow), "vignette": on_paper(vignette),
    "ruled lines": on_paper(things=ruled), "a table edge": on_paper(things=table_edge),
    "a speck": on_paper(things=speck), "pale pencil": on_paper(contrast=0.22),
    "pale pencil, light from one side": on_paper(from_one_side, contrast=0.22)}


# --- garments -------------------------------------------------------------------------------------------------

def garments(seed=0):
    """The share of garments whose mask is good, how many there were, and the share by wall."""
    pictures, labels = datasets.load("fashion_mnist", "test")
    rng, scores = np.random.default_rng(seed), {}
    for label, (color, paint), (wall, ground) in itertools.product(range(10), COLORS.items(), WALLS.items()):
        if delta_e(paint, ground) < LEAST_DIFFERENT:
            continue
        garment = pictures[labels == label][0, ..., 0]
        photo, true = hang(garment, np.float32(paint), np.float32(ground), rng)
        found = subject.find(photo, SHAPE, "garment").mask
        scores[label, color, wall] = (found & true).sum() / (found | true).sum()
    good = {key: score >= GOOD for key, score in scores.items()}
    return {"garments": len(good), "garments_found": float(np.mean(list(good.values()))),
            "garments_by_wall": {wall: float(np.mean([good[key] for key in good if key[2] == wall])) for wall in WALLS},
            "mean_iou": float(np.mean(list(scores.values())))}


def hang(garment, paint, ground, rng):
    """A photograph (400, 400, 3) of a garment in a color before a wall, unevenly lit, and its true mask."""
    cloth = np.clip(cv2.resize(garment, (GARMENT, GARMENT), interpolation=cv2.INTER_CUBIC), 0, 1)
    true = ndimage.binary_fill_holes(cloth > 0.1)
    folds = 0.75 + 0.35 * cloth[..., None]
    light = np.linspace(1, rng.uniform(0.8, 0.95), GARMENT)[:, None, None]
    edge = cv2.GaussianBlur(true.astype(np.float32), (0, 0), 1)[..., None]
    photo = (edge * paint * folds + (1 - edge) * ground) * light + rng.normal(0, 0.02, (GARMENT, GARMENT, 3))
    return np.clip(photo, 0, 1).astype(np.float32), true


def delta_e(first, second):
    labs = cv2.cvtColor(np.float32([[first, second]]), cv2.COLOR_RGB2Lab)[0]
    return float(np.linalg.norm(labs[0] - labs[1]))
