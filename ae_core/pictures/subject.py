"""What of a picture a small model sees: a digit on paper, a drawing, a garment before a wall.

Everything of `_pen` and `place` is made of sums over boxes, largest values over boxes and connected parts, so that
JavaScript can do the same.
"""
from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

from ae_core.pictures import convert

LARGEST = 280                    # pixels of the longer side of the copy that is looked at
SMOOTHED = 160                   # a copy smaller than this has no grain worth smoothing
WINDOW = 0.25                    # of the longer side: wider than any stroke, narrower than light and shadow change
FLAT = 0.02                      # a ground that differs by less everywhere is one color
DARKEST = 0.05                   # of paper
INK = 0.4                        # of the strongest ink: what counts as a stroke
STRONGEST = 0.005                # share of pixels whose ink is the strongest
TRACE = 0.02                     # ink at which the box begins
GRAIN = 0.15                     # of the ink is noise on paper that is not of one color
NEAR = 0.6                       # of the longer side: a part that is smaller is enlarged
FAINTEST = 0.08                  # less ink than this is no subject
LINE = 0.75                      # of a side: a thin straight line as long is ruled, not written
STROKES = 2.5                    # windows in strokes: wider than where two cross
SHARP = 0.4                      # of the steepest edge: a part without an edge half as steep is a shadow
PART = 0.05                      # of the largest part's ink: less is a speck
BORDER = 0.15                    # of a side: what touches the border over more is a table, a shadow, a finger
FRAME = 0.6                      # of both sides: what is larger and has the subject inside is a frame
CENTER = 14.5 / 28               # of a side: where MNIST has the center of mass
LEAST_DIFFERENT = 6              # delta E of a garment from the wall
NEARER = 0.6                     # of the way from the wall to the garment that Otsu finds
CLOSED = 3                       # pixels: gaps of an outline that are closed
DRAWN = 0.5                      # share of a garment that looks like the wall in an outline
DIMMEST = 0.3                    # of a garment, so that it stands out from black
TOO_MUCH = 0.7                   # of a picture is more than a subject
BOX = (0.9, 0.4, 0.0)            # orange
KINDS = ("digit", "drawing", "garment")


@dataclass(frozen=True)
class Subject:
    picture: np.ndarray          # (h, w, 1) as the model sees it, white on black
    mask: np.ndarray             # (H, W) bool: the subject's pixels in the picture that was given
    box: tuple[int, int, int, int] | None        # top, bottom, left, right of them; None where nothing was found
    dark_on_light: bool


def find(picture: np.ndarray, shape: tuple[int, ...], kind: str = "drawing", margin: int = 4,
         dark_on_light: bool | None = None) -> Subject:
    """The subject of a picture (h, w, 1 or 3) for a model of `shape`.

    kind: "digit" is scaled to 20 of 28 pixels with its center of mass in the middle, as MNIST's are; "drawing" fills
    the box that `margin` leaves; a "garment" does, too, and is looked for by its color.
    dark_on_light: what to take for granted where it is not to be found out.
    """
    look = _garment if kind == "garment" else _pen
    mask, ink, dark = look(convert.resize(picture, _within(picture.shape)), dark_on_light)
    mask, box = _enlarged(mask, picture.shape[:2])
    if box and kind != "garment" and max(picture.shape) > LARGEST:
        part = _around(box, picture.shape)
        near = picture[part]
        if max(near.shape) < NEAR * max(picture.shape):          # what is small in a large picture is looked at again
            again, close, _ = look(convert.resize(near, _within(near.shape)), dark)
            if again.any():
                ink, mask = close, np.zeros_like(mask)
                mask[part], _ = _enlarged(again, near.shape[:2])
                _, box = _enlarged(mask, mask.shape)
    return Subject(place(ink, shape, margin, by_mass=kind == "digit"), mask, box, dark)


def draw(ink: np.ndarray, shape: tuple[int, ...], kind: str = "drawing", margin: int = 4) -> np.ndarray:
    """A drawing (h, w), 1 where there is ink, for a model of `shape`: (*shape[:2], 1); see `find`.

    It is taken as it is; of a garment, whose outline is drawn, the inside is filled.
    """
    if kind == "garment":
        ink = np.maximum(ink, _filled(ink > 0.5))
    return place(ink, shape, margin, by_mass=kind == "digit")


def remark(found: Subject, name: str) -> str:
    """A sentence where nothing or nearly all of a picture was found; else empty."""
    if found.box is None:
        return f"Nothing stands out from its ground in {name}. Swap dark and light, or crop it by hand."
    if found.mask.mean() > TOO_MUCH:
        return f"Nearly all of {name} was taken for the subject. Crop it by hand, so that some ground is left."
    return ""


def outline(picture: np.ndarray, found: Subject, side: int) -> np.ndarray:
    """A copy of the picture (h, w, 1 or 3) that was given, in a square of `side` pixels, with the subject in a box."""
    framed = convert.to_three(picture).copy()
    if found.box:
        top, bottom, left, right = found.box
        width = max(1, round(max(picture.shape) / side))
        cv2.rectangle(framed, (left, top), (right - 1, bottom - 1), BOX, 2 * width)
    return convert.to_uint8(convert.thumbnail(framed, side))


def place(ink: np.ndarray, shape: tuple[int, ...], margin: int, by_mass: bool) -> np.ndarray:
    """Ink (h, w) in 0..1 on a canvas (*shape[:2], 1): its box scaled to touch the margin, its middle in the middle.

    Every pixel of the canvas is the exact mean of the area it covers, wherever that begins. by_mass: the middle is the
    center of mass, and lies where MNIST has it. placing.js does the same in the browser.
    """
    ink = np.asarray(ink, float)
    rows, columns = (np.flatnonzero((ink > TRACE).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return np.zeros((*shape[:2], 1), np.float32)
    box = np.array([[rows[0], rows[-1] + 1], [columns[0], columns[-1] + 1]], float)
    room = np.array(shape[:2]) - 2 * margin
    scale = (room / (box[:, 1] - box[:, 0])).min()
    middle, target = box.mean(axis=1), np.array(shape[:2]) / 2
    if by_mass:
        total = ink.sum()
        middle = np.array([(ink.sum(axis=1) @ (np.arange(ink.shape[0]) + 0.5)) / total,
                           (ink.sum(axis=0) @ (np.arange(ink.shape[1]) + 0.5)) / total])
        target = target + (CENTER - 0.5) * 28
    down, across = (_coverage(shape[k], ink.shape[k], scale, target[k] - scale * middle[k]) for k in (0, 1))
    return np.clip(down @ ink @ across.T, 0, 1).astype(np.float32)[..., None]


def _coverage(count, length, scale, start):
    """(count, length): which share of each of `count` pixels every one of `length` scaled ones covers."""
    edges = start + scale * np.arange(length + 1)
    pixel = np.arange(count)[:, None]
    return np.clip(np.minimum(edges[1:], pixel + 1) - np.maximum(edges[:-1], pixel), 0, None)


def _around(box, shape):
    """The part of a picture around a box, with as much again on every side as half its longer one."""
    top, bottom, left, right = box
    more = max(bottom - top, right - left) // 2
    return slice(max(0, top - more), bottom + more), slice(max(0, left - more), right + more)


def _within(shape):
    return convert.inside(shape, (min(LARGEST, shape[0]), min(LARGEST, shape[1])))[::-1]


def _enlarged(mask, size):
    """A mask as large as the picture, and its box."""
    whole = cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)
    rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    return whole, (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1) if len(rows) else None


# --- strokes --------------------------------------------------------------------------------------------------

def _pen(picture, dark_on_light):
    """The strokes of a picture: their mask, their ink (h, w) in 0..1, and whether they are darker than the ground."""
    plane, dark = _plane(picture)
    dark = dark if dark_on_light is None else dark_on_light
    plane = plane if dark else 1 - plane
    side = max(plane.shape)
    smooth = cv2.blur(cv2.blur(plane, (3, 3)), (3, 3)) if side >= SMOOTHED else plane
    window = WINDOW * side                       # first wider than any stroke, then as wide as these need
    for _ in range(2):
        ink = _ink(plane, smooth, window)
        count = max(1, int(STRONGEST * ink.size))
        strongest = np.partition(ink.ravel(), -count)[-count:].mean()
        mask = _written(_unruled(ink > INK * strongest), ink) if strongest > FAINTEST else np.zeros(ink.shape, bool)
        if not mask.any():
            return mask, np.zeros(ink.shape, np.float32), dark
        rim = mask & ~ndimage.binary_erosion(mask)
        window = STROKES * 2 * mask.sum() / rim.sum()
    reach = ndimage.binary_dilation(mask, iterations=1 + side // SMOOTHED)
    floor = 0 if _is_flat(plane) else GRAIN
    return mask, np.clip((ink * reach / np.quantile(ink[mask], 0.8) - floor) / (1 - floor), 0, 1), dark


def _plane(picture):
    """The one of gray, red, green and blue in which strokes stand out most, and whether they are dark in it.

    Strokes are few: what differs from the mean around it is lopsided, towards them.
    """
    planes = [np.ascontiguousarray(plane) for plane in (convert.to_gray(picture)[..., 0], *np.moveaxis(picture, -1, 0))]
    side = _odd(WINDOW * max(picture.shape[:2]))
    around = [np.median(_border(plane)) if _is_flat(plane) else
              cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT) for plane in planes]
    off = [plane - mean for plane, mean in zip(planes, around, strict=True)]
    lopsided = [np.mean(each * each * each, dtype=float) for each in off]
    best = int(np.argmax(np.abs(lopsided)))
    return planes[best], lopsided[best] < 0


def _ink(plane, smooth, window):
    """How much darker than the paper around it every pixel is, 0..1; the paper is what closing a window leaves."""
    paper = np.median(_border(plane))
    if not _is_flat(plane):
        closed = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones((_odd(window) + 2,) * 2, np.uint8))
        paper = cv2.blur(closed, (_odd(window / 2),) * 2)
    return np.clip((paper - smooth) / np.maximum(paper, DARKEST), 0, 1)


def _is_flat(plane):
    """Whether the border has one color."""
    return np.ptp(np.quantile(_border(plane), (0.1, 0.9))) < FLAT


def _border(plane):
    return np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])


def _unruled(mask):
    """A mask without thin straight lines across and down, except where they are written over."""
    for _ in range(2):                           # across, then down
        thick = 3 + max(mask.shape) // 50
        length = max(1, int(LINE * mask.shape[1]))
        line = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
        bold = cv2.morphologyEx(line, cv2.MORPH_OPEN, np.ones((thick, 1), np.uint8))
        ruled = cv2.dilate(line & ~bold, np.ones((3, 1), np.uint8)) > 0
        if ruled.any():
            rest = (mask & ~ruled).astype(np.uint8)
            mask = mask & cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((2 * thick + 1, 1), np.uint8)) > 0
        mask = mask.T
    return mask


def _written(mask, ink):
    """Of a mask the parts that belong to the subject: no specks or shadows, nothing along the border, no frame."""
    parts, count = ndimage.label(mask, np.ones((3, 3)))
    if not count:
        return mask
    every = np.arange(1, count + 1)
    mass = np.bincount(parts.ravel(), ink.ravel())
    boxes = ndimage.find_objects(parts)
    kept = [part for part in every if not _comes_in(parts, part)] or list(every)
    sharp = np.zeros(count + 1)
    np.maximum.at(sharp, parts[mask], _steepness(ink)[mask])
    kept = [part for part in kept if sharp[part] >= SHARP * sharp[kept].max()]
    kept = [part for part in kept if mass[part] >= PART * mass[kept].max()]
    framed = [part for part in kept if not (_is_frame(boxes[part - 1], mask.shape) and any(
        _inside(boxes[other - 1], boxes[part - 1]) for other in kept))]
    kept = [part for part in framed if mass[part] >= PART * mass[framed].max()]
    return np.isin(parts, kept)


def _steepness(ink):
    """How fast ink begins and ends."""
    down, across = np.gradient(ink)
    return np.hypot(down, across)


def _comes_in(parts, part):
    """Whether a part lies along the border."""
    return any((edge == part).mean() > BORDER for edge in (parts[0], parts[-1], parts[:, 0], parts[:, -1]))


def _is_frame(box, shape):
    return all(side.stop - side.start > FRAME * length for side, length in zip(box, shape, strict=True))


def _inside(inner, outer):
    return all(a.start > b.start and a.stop < b.stop for a, b in zip(inner, outer, strict=True))


def _odd(length):
    return 2 * (int(length) // 2) + 1


# --- garments -------------------------------------------------------------------------------------------------

def _garment(picture, dark_on_light):
    """What stands out from a wall by its color: mask, picture (h, w) in 0..1, and whether it is darker."""
    lab = convert.to_lab(convert.to_three(picture)[None])
    lab = cv2.blur(np.concatenate(lab, axis=-1)[0] * np.float32([100, convert.CHROMA, convert.CHROMA]), (3, 3))
    off = lab - _wall(lab)
    distance = np.linalg.norm(off, axis=-1)
    seen = distance > max(LEAST_DIFFERENT, _split(distance))
    mask = ndimage.binary_opening(_filled(seen))
    parts, count = ndimage.label(mask)
    size = np.bincount(parts.ravel(), minlength=2)[1:]
    mask = np.isin(parts, 1 + np.flatnonzero(size >= PART * size.max())) & mask
    if not mask.any():
        return mask, np.zeros(mask.shape, np.float32), True
    dark = float(np.median(off[seen & mask, 0])) < 0 if dark_on_light is None else dark_on_light
    if (seen & mask).sum() < DRAWN * mask.sum():                 # an outline on paper: what it surrounds is the garment
        return mask, mask.astype(np.float32), dark
    light = lab[..., 0] if not dark else 100 - lab[..., 0]
    low, high = np.quantile(light[mask], (0.02, 0.98))
    shade = np.clip((light - low) / max(high - low, 30), 0, 1)
    return mask, (mask * (DIMMEST + (1 - DIMMEST) * shade)).astype(np.float32), dark


def _filled(mask):
    """A mask with small gaps closed and with what it surrounds."""
    closed = ndimage.binary_closing(np.pad(mask, CLOSED), iterations=CLOSED)
    return ndimage.binary_fill_holes(closed)[CLOSED:-CLOSED, CLOSED:-CLOSED]


def _wall(lab):
    """The colors of an unevenly lit wall (h, w, 3): a curved surface through the border, without what does not fit."""
    height, width, _ = lab.shape
    y, x = (grid.ravel() for grid in np.mgrid[-1:1:height * 1j, -1:1:width * 1j])
    surface = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    band = np.ones((height, width), bool)
    rim = max(1, min(height, width) // 20)
    band[rim:-rim, rim:-rim] = False
    rows, colors = np.flatnonzero(band), lab.reshape(-1, 3)
    middle = np.median(colors[rows], axis=0)
    off = np.linalg.norm(colors[rows] - middle, axis=1)
    for _ in range(3):
        fits = rows[off <= max(np.median(off) * 2, LEAST_DIFFERENT / 2)]
        weights = np.linalg.lstsq(surface[fits], colors[fits], rcond=None)[0]
        off = np.linalg.norm(colors[rows] - surface[rows] @ weights, axis=1)
    return (surface @ weights).reshape(lab.shape).astype(np.float32)


def _split(values):
    """Otsu's threshold (1979), between the two groups that differ most."""
    top = float(values.max()) or 1.0
    levels = np.round(values * (255 / top)).astype(np.uint8)
    return cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0] * top / 255 * NEARER
