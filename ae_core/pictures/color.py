"""Color management: samples of any color space become sRGB, relative colorimetric, by LittleCMS at 8 and 16 bits."""
import contextlib
import functools
import itertools
import os
from concurrent.futures import ThreadPoolExecutor

import imagecodecs
import numpy as np
from PIL import ImageCms

from ae_core.pictures import convert

MAX_PROFILE = 16 * 2**20         # bytes; a printer's has two or three million
SPACES = {1: (b"GRAY", "gray"), 3: (b"RGB ", "rgb"), 4: (b"CMYK", "cmyk")}       # channels -> in profiles, here
CLASSES = (b"scnr", b"mntr", b"prtr", b"spac")                  # of profiles that stand for a device or a space
RELATIVE = 1                     # rendering intent
EXACT = 0x100                    # at 16 bits LittleCMS else takes a table of 33 steps, up to a twelfth off
SRGB_GAMMA, NEAR = 1 / 2.2, 0.05                                # within 5 % of it a PNG means sRGB's own curve
PRIMARIES = {                    # ITU-T H.273's number -> x, y of white, red, green and blue
    1: (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
    9: (0.3127, 0.3290, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    12: (0.3127, 0.3290, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)}
GAMMAS = {1: SRGB_GAMMA, 4: 1 / 2.2, 5: 1 / 2.8, 8: 1, 13: SRGB_GAMMA}   # and of a curve; not of those beyond white


@functools.cache
def srgb() -> bytes:
    """The profile of sRGB."""
    return imagecodecs.cms_profile("srgb")


@functools.cache
def lab() -> bytes:
    """The profile of CIE Lab under D50, as TIFF has it."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def profile(gamma: float, places: tuple[float, ...] | None, gray: bool = False) -> bytes:
    """The profile of a gamma and of white, red, green and blue (x, y), as a PNG has them; empty where it would be sRGB.

    Nor is there one where they make no sense.
    """
    ours = not gamma or abs(gamma / SRGB_GAMMA - 1) < NEAR
    if ours and (gray or places is None or np.allclose(places, PRIMARIES[1], atol=2e-3)):
        return b""
    places = places or PRIMARIES[1]
    curve = {"transferfunction": _srgb_curve()} if ours else {"gamma": 1 / gamma}
    with contextlib.suppress(ValueError, RuntimeError):
        return (imagecodecs.cms_profile("gray", whitepoint=places[:2], **curve) if gray else
                imagecodecs.cms_profile("rgb", whitepoint=places[:2], primaries=places[2:], **curve))
    return b""


def coded(primaries: int, curve: int, gray: bool = False) -> bytes:
    """The profile of two code points of ITU-T H.273, as PNG and HEIC have them; empty for sRGB or where unknown."""
    known = primaries in PRIMARIES and curve in GAMMAS
    return profile(GAMMAS[curve], PRIMARIES[primaries], gray) if known else b""


def to_srgb(values: np.ndarray, icc: bytes = b"") -> np.ndarray:
    """Samples (h, w, c), uint8 or uint16, as sRGB (h, w, 1 or 3) of the same type.

    c = 1 is gray, 3 RGB, 4 CMYK (0 is no ink). A profile that is broken or of another space is passed over.
    """
    name, space = SPACES[values.shape[-1]]
    if len(icc) <= MAX_PROFILE and icc[12:16] in CLASSES and icc[16:20] == name:
        with contextlib.suppress(imagecodecs.CmsError):      # then as without a profile
            return _gray(values, icc) if space == "gray" else _colors(values, icc, space)
    return _from_inks(values) if space == "cmyk" else values


def from_lab(values: np.ndarray) -> np.ndarray:
    """CIE Lab (h, w, 3), uint8 or uint16, a and b from 0 as LittleCMS has them, as sRGB of the same type."""
    return _colors(values, lab(), "lab")


def _gray(values, icc):
    """Gray levels through a table: LittleCMS answers in three equal channels."""
    levels = np.arange(np.iinfo(values.dtype).max + 1, dtype=values.dtype).reshape(-1, 16)
    table = _transform(levels, icc, "gray")[..., 1].ravel()
    return table[values]


def _colors(values, icc, space):
    if space == "rgb" and _changes_nothing(icc):
        return values
    answer = np.empty((*values.shape[:2], 3), values.dtype)

    def band(rows):
        answer[rows] = _transform(np.ascontiguousarray(values[rows]), icc, space)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        list(pool.map(band, convert.bands(values.shape)))
    return answer


def _changes_nothing(icc):
    """Whether no color moves by more than a level of 8 bits: the profile is sRGB under one of its many names."""
    grid = np.array(list(itertools.product(range(0, 256, 15), repeat=3)), np.uint8).reshape(-1, 18, 3)
    return np.abs(_transform(grid, icc, "rgb").astype(int) - grid).max() <= 1


def _transform(values, icc, space):
    return imagecodecs.cms_transform(values, icc, srgb(), colorspace=space, outcolorspace="rgb", intent=RELATIVE,
                                     flags=EXACT if values.dtype == np.uint16 else None)


def _from_inks(values):
    """CMYK without a profile: every ink takes away from white."""
    top = np.iinfo(values.dtype).max
    answer = np.empty((*values.shape[:2], 3), values.dtype)
    for rows in convert.bands(values.shape):
        paper = (top - values[rows]).astype(np.float32)
        answer[rows] = paper[..., :3] * paper[..., 3:] / np.float32(top) + np.float32(0.5)
    return answer


def _srgb_curve():
    level = np.arange(1024) / 1023
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)
