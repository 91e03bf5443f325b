"""Find the face in any photograph and cut it out as CelebA's own pictures are cut: eyes level, at their places.

OpenCV's cascades find faces and eyes (Viola and Jones, 2001). A photograph is worked on as a reduced copy, whatever its
size, and each way up; what is found is one `Found`, or a `BadPicture` with a sentence.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from ae_core.pictures import convert, formats, reader

LARGEST = 1280                   # pixels of the longer side of the copy that is searched
SMALLEST = 48                    # pixels of a face across, brow to brow; a smaller one holds less than the model draws
SURE = 96                        # pixels from which on a face box counts without eyes: bricks pass for small ones
HEIGHT, WIDTH = 218, 178         # of an aligned picture of CelebA,
EYES = np.array([[69.5, 111.5], [107.5, 111.5]], np.float32)     # and where its eyes are: x, y of the left one
BOX_EYES = np.array([[0.309, 0.387], [0.682, 0.387]], np.float32)    # as shares of a face box, medians of CelebA
SIDEWAYS = {0: None, 1: cv2.ROTATE_90_CLOCKWISE, 3: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180}
FINEST = 6                       # times as fine as an aligned picture is what a face is cut from
MOST_TILT = 0.35                 # of eyes against their distance; cascades find no head that leans more


@dataclass(frozen=True)
class Found:
    face: np.ndarray             # (h, w, 3) as the model sees faces
    count: int                   # faces found; the largest is taken
    turned: int                  # quarter turns clockwise that put it upright
    eyes: bool                   # whether both eyes were found; else the face box tells where they are


@dataclass(frozen=True)
class Candidate:
    boxes: np.ndarray            # (n, 4) x, y, width, height of faces, the largest first
    eyes: np.ndarray | None      # (2, 2) of the largest one
    confidence: float


def find_face(raw: bytes, name: str, shape: Sequence[int]) -> Found:
    """The largest face in the bytes of an upload, cut out as CelebA's are, `shape` large.

    It is looked for in a reduced copy and cut from the photo itself. BadPicture where there is none to be seen.
    """
    photo = reader.pixels(raw, name)
    copy = convert.scale(photo, min(LARGEST, max(photo.shape)))
    turned, candidate = best_way_up(convert.to_three(copy) / np.float32(np.iinfo(copy.dtype).max))
    if candidate is None:
        raise reader.BadPicture(f"No face was found in {name}. The face must be seen from the front, with both eyes "
                                f"visible and at least {SMALLEST} pixels wide. Try another photo, or a closer one.")
    box, factor = candidate.boxes[0], max(photo.shape) / max(copy.shape)
    if box[2] * factor < SMALLEST:
        raise reader.BadPicture(f"The face in {name} is only about {box[2] * factor:.0f} pixels wide; at least "
                                f"{SMALLEST} are needed. Crop a larger version of the photo to the face, or take a "
                                "closer one.")
    eyes = places_of_eyes(box, candidate.eyes) * factor
    face = cut_out(photo, turned, eyes, shape)
    return Found(face, len(candidate.boxes), turned, candidate.eyes is not None)


def places_of_eyes(box: np.ndarray, eyes: np.ndarray | None = None) -> np.ndarray:
    """Where the eyes (2, 2) of a face box are: as on most faces, or as found.

    The found ones tell how the head leans; their middle and distance are steadier together with those of the box (on
    CelebA itself 90 % come to lie within 3.2 pixels of 178, against 4.4 by either alone).
    """
    usual = box[:2] + box[2:] * BOX_EYES
    if eyes is None:
        return usual
    middle = (usual.mean(axis=0) + eyes.mean(axis=0)) / 2
    (apart, usually), = np.linalg.norm([np.diff(eyes, axis=0), np.diff(usual, axis=0)], axis=-1).T
    way = (eyes[1] - eyes[0]) / apart * (apart + usually) / 4
    return np.stack([middle - way, middle + way])


def best_way_up(picture: np.ndarray) -> tuple[int, Candidate | None]:
    """The quarter turns of a picture (h, w, 3) and the candidate in it then; none where it has a face with eyes."""
    found = []
    for turned in SIDEWAYS:
        candidate = look(_turn(picture, turned))
        if candidate:
            found.append((turned, candidate))
            if turned == 0 and candidate.eyes is not None:
                break
    return max(found, key=lambda each: (each[1].eyes is not None, each[1].confidence), default=(0, None))


def look(picture: np.ndarray) -> Candidate | None:
    """The `Candidate` of one way up, or None; without eyes only a large box is believed to be a face."""
    gray = cv2.equalizeHist(convert.to_uint8(convert.to_gray(picture))[..., 0])
    boxes, _, weights = _cascade("frontalface_alt2").detectMultiScale3(
        gray, 1.1, 4, minSize=(SMALLEST // 2, SMALLEST // 2), outputRejectLevels=True)
    if not len(boxes):
        return None
    order = np.argsort(-boxes[:, 2], kind="stable")
    eyes = find_eyes(gray, boxes[order[0]])
    if eyes is None and boxes[order[0], 2] < SURE:
        return None
    return Candidate(boxes[order], eyes, float(np.ravel(weights)[order[0]]))


def find_eyes(gray: np.ndarray, box: np.ndarray) -> np.ndarray | None:
    """The middles (2, 2) of both eyes in a face box of a gray picture, the left one in the picture first; or None."""
    x, y, width, height = box
    upper = cv2.resize(gray[y:y + round(0.6 * height), x:x + width], (240, 144), interpolation=cv2.INTER_LINEAR)
    spots = _cascade("eye").detectMultiScale(upper, 1.05, 4, minSize=(30, 30), maxSize=(110, 110))
    if len(spots) < 2:
        return None
    middles = (spots[:, :2] + spots[:, 2:] / 2) / 240
    expected = BOX_EYES[:, None] - middles[None]
    nearest = np.linalg.norm(expected, axis=2).argmin(axis=1)
    eyes = middles[nearest]
    apart, tilt = eyes[1] - eyes[0]
    if not 0.25 < apart < 0.5 or abs(tilt) > MOST_TILT * apart:
        return None
    return (eyes * width + (x, y)).astype(np.float32)


def cut_out(photo: np.ndarray, turned: int, eyes: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The face (h, w, 3) of `shape` in pixels (h, w, 1 or 3) that have to be turned: level, and as large as CelebA's.

    A similarity transform puts the eyes (2, 2), of the turned photo, where CelebA has them; then pixels are averaged.
    """
    usual = EYES[1, 0] - EYES[0, 0]
    apart = float(np.linalg.norm(eyes[1] - eyes[0]))
    smaller = min(1.0, FINEST * usual / apart)
    if smaller < 1:
        photo, eyes = convert.scale(photo, max(1, round(smaller * max(photo.shape)))), eyes * smaller
    finer = int(np.clip(smaller * apart / usual, 1, FINEST))
    transform, _ = cv2.estimateAffinePartial2D(eyes.astype(np.float32), EYES * finer)
    aligned = cv2.warpAffine(_turn(photo, turned), transform, (WIDTH * finer, HEIGHT * finer),
                             borderMode=cv2.BORDER_REPLICATE).reshape(HEIGHT * finer, WIDTH * finer, -1)
    return formats.crop_face(convert.to_three(aligned) / np.float32(np.iinfo(photo.dtype).max), shape)


def _turn(picture, turned):
    rotation = SIDEWAYS[turned]
    return picture if rotation is None else cv2.rotate(picture, rotation)


@cache
def _xml(name):
    return Path(cv2.data.haarcascades, f"haarcascade_{name}.xml").read_text("utf-8")


def _cascade(name):
    """A fresh one each time: a cascade keeps what it works on, so two readers must not share one.

    OpenCV is given the text, never a path: on Windows it cannot open one beyond ASCII.
    """
    cascade = cv2.CascadeClassifier()
    stored = cv2.FileStorage(_xml(name), cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
    cascade.read(stored.getFirstTopLevelNode())  # which is gone with what it is stored in
    return cascade
