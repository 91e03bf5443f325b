"""Pictures of every kind, made here and read twice: by the reader, and by ImageMagick or tifffile. And broken EXIF.

The matrix is format x depth x profile x orientation x alpha. `wrong` counts those that differ in the mean by more than
1/255 (8 bits) or 1/4096 (16 bits) or, where there is a profile, by a delta E of more than 1; `refused_wrongly` those
that the reader turned down though REFUSED does not name them. `exif` reads one JPEG behind 4,000 mutated EXIF blocks:
no block may change a pixel.
"""
import io
import itertools
import struct
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from ae_core.pictures import color, containers, datasets, reader

HEIGHT, WIDTH = 64, 96
BLOCKS = 4_000
ADOBE = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
PROPHOTO = (0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001)
P3 = color.PRIMARIES[12]
WHITE = struct.pack(">3i", 63190, 65536, 54061)                  # D50, in 65,536ths
REFUSED = {                      # formats that are named, not read
    "pdf": b"%PDF-1.7\n" + bytes(99), "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "psd": b"8BPS\0\1" + bytes(99), "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "exr": b"v/1\x01" + bytes(99), "ico": b"\0\0\1\0\1\0" + bytes(99), "ppm": b"P6 1 1 255 abc",
    "cr3": b"\0\0\0\x18ftypcrx " + bytes(99), "raf": b"FUJIFILMCCD-RAW " + bytes(99)}


@dataclass(frozen=True)
class Made:
    name: str                    # with the suffix that says what it is
    raw: bytes
    twin: bytes = b""            # the same picture as ImageMagick reads it better; empty: the file itself
    twin_profile: bytes = b""    # and the profile that it has there
    truth: np.ndarray | None = field(default=None, repr=False)   # by tifffile: (h, w, c) in 0..1, where there is one
    deep: bool = False           # beyond 8 bits
    managed: bool = False        # has a profile


def run():
    """Counts of the matrix and of the mutated EXIF blocks; the names of what went wrong."""
    made = list(files())
    counts, worst = {"read": 0, "refused_rightly": len(REFUSED), "refused_wrongly": 0, "wrong": 0}, []
    for name, raw in REFUSED.items():
        try:
            reader.pixels(raw, f"file.{name}")
            counts["refused_rightly"] -= 1
            worst.append(f"{name} was read")
        except reader.BadPicture:
            pass                                 # as it should be
    for file in made:
        try:
            pixels = reader.pixels(file.raw, file.name)
        except reader.BadPicture as error:
            counts["refused_wrongly"] += 1
            worst.append(str(error))
            continue
        counts["read"] += 1
        off, most = distance(file, pixels)
        if not off <= most:
            counts["wrong"] += 1
            worst.append(f"{file.name}: {off:.5f} > {most:.5f}")
    return {"files": len(made) + len(REFUSED), **counts, "failures": worst, "exif": mutate_exif()}


def distance(file, pixels):
    """How far pixels are from what the other reader sees, and how far they may be."""
    ours = np.broadcast_to(pixels, (*pixels.shape[:2], 3)) / np.float32(np.iinfo(pixels.dtype).max)
    theirs = magick(file) if file.truth is None else np.broadcast_to(file.truth, (*file.truth.shape[:2], 3))
    if ours.shape != theirs.shape:
        return np.inf, 0
    if file.managed:
        labs = [cv2.cvtColor(np.ascontiguousarray(each, np.float32), cv2.COLOR_RGB2Lab) for each in (ours, theirs)]
        return float(np.linalg.norm(labs[0] - labs[1], axis=-1).mean()), 1
    return float(np.abs(ours - theirs).mean()), 1 / 4096 if file.deep else 1 / 255


def magick(file):
    """(h, w, 3) in 0..1 by ImageMagick: on white, upright, in sRGB by relative colorimetry."""
    with tempfile.TemporaryDirectory() as folder:
        source, srgb, own = Path(folder, file.name), Path(folder, "srgb.icc"), Path(folder, "own.icc")
        source.write_bytes(file.twin or file.raw)
        srgb.write_bytes(color.srgb())
        own.write_bytes(file.twin_profile)
        steps = ["-profile", own] if file.twin_profile else []
        steps += ["-intent", "Relative", "+black-point-compensation", "-profile", srgb] if file.managed else \
                 ["-colorspace", "sRGB"]
        done = subprocess.run(["convert", f"{source}[0]", *steps, "-background", "white", "-alpha", "remove",
                               "-auto-orient", "-depth", "16", "-endian", "MSB", "-format", "%w %h\n",
                               "-write", "info:-", "rgb:-"], check=True, capture_output=True).stdout
    head, _, body = done.partition(b"\n")
    width, height = map(int, head.split())
    return np.frombuffer(body, ">u2").reshape(height, width, 3) / np.float32(65535)


# --- the files ------------------------------------------------------------------------------------------------

def picture(depth=8, gray=False, alpha=False):
    """A library photograph as samples of so many bits: (h, w[, c]), with all levels of that depth in use."""
    photo = cv2.imread(str(datasets.photographs()["Astronaut"]))[..., ::-1]
    photo = cv2.resize(photo, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) / 255
    photo = photo + np.random.default_rng(0).uniform(-0.5, 0.5, photo.shape) / 255 if depth > 8 else photo
    photo = photo[..., 1] if gray else photo
    if alpha:
        ramp = np.broadcast_to(np.linspace(0, 1, WIDTH), (HEIGHT, WIDTH))
        photo = np.dstack([photo, ramp])
    levels = np.round(np.clip(photo, 0, 1) * (2**depth - 1))
    return levels.astype(np.uint8 if depth <= 8 else np.uint16 if depth <= 16 else np.uint32)


def rgb_profile(places, gamma):
    return imagecodecs.cms_profile("rgb", whitepoint=places[:2], primaries=places[2:], gamma=gamma)


def cmyk_profile():
    """A printer's profile by the format's own rules: a table of three steps of each ink to CIE Lab, 8 bits."""
    steps = np.array(list(itertools.product((0, 0.5, 1), repeat=4)))
    light = 100 * (1 - 0.85 * steps[:, 3]) * (1 - steps[:, :3] @ [0.25, 0.3, 0.06])
    a, b = (1 - steps[:, 3]) * (steps[:, :3] @ [[-30, -45], [70, -5], [-5, 85]]).T
    grid = np.stack([light * 2.55, a + 128, b + 128], axis=1).round().clip(0, 255).astype(np.uint8).tobytes()
    ramp = bytes(range(256))
    table = (b"mft1" + bytes(4) + bytes([4, 3, 3, 0]) + struct.pack(">9i", *(np.eye(3).ravel() * 65536).astype(int))
             + 4 * ramp + grid + 3 * ramp)
    tags = {b"A2B0": table, b"A2B1": table, b"wtpt": b"XYZ " + bytes(4) + WHITE,
            b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"inks\0" + bytes(78),
            b"cprt": b"text" + bytes(4) + b"none\0"}
    at, entries, bodies = 128 + 4 + 12 * len(tags), b"", b""
    for name, body in tags.items():
        body += bytes(-len(body) % 4)
        entries += name + struct.pack(">2I", at + len(bodies), len(body))
        bodies += body
    head = struct.pack(">I4sI4s4s4s", at + len(bodies), b"none", 0x02400000, b"prtr", b"CMYK", b"Lab ") + \
        struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + WHITE + bytes(48)
    return head[:128] + struct.pack(">I", len(tags)) + entries + bodies


PROFILES = {"": b"", "adobe": rgb_profile(ADOBE, 2.2), "prophoto": rgb_profile(PROPHOTO, 1.8),
            "p3": rgb_profile(P3, 2.2), "broken": b"no profile at all" * 9}
GRAYS = {"": b"", "gamma18": imagecodecs.cms_profile("gray", whitepoint=ADOBE[:2], gamma=1.8),
         "broken": PROFILES["broken"]}
UNMANAGED = ("", "broken")


def turned(value):
    """An EXIF block that says how a picture is turned."""
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def saved(array, kind, **options):
    buffer = io.BytesIO()
    Image.fromarray(array, options.pop("mode", None)).save(buffer, kind, **options)
    return buffer.getvalue()


def files():
    """All files of the matrix that are to be read."""
    yield from (*jpegs(), *pngs(), *tiffs(), *modern(), *plain())


def jpegs():
    rgb, gray = picture(), picture(gray=True)
    for name, icc in PROFILES.items():
        yield Made(f"rgb_{name}.jpg", saved(rgb, "JPEG", quality=95, icc_profile=icc), managed=name not in UNMANAGED)
    for name, icc in GRAYS.items():
        yield Made(f"gray_{name}.jpe", saved(gray, "JPEG", quality=95, icc_profile=icc), managed=name == "gamma18")
    for turn in range(1, 9):
        yield Made(f"turned_{turn}.jpeg", saved(rgb, "JPEG", quality=95, exif=turned(turn)))
        yield Made(f"turned_{turn}_adobe.jpg", saved(rgb, "JPEG", exif=turned(turn), icc_profile=PROFILES["adobe"]),
                   managed=True)
    for name, options in {"progressive": {"progressive": True}, "444": {"subsampling": 0}, "422": {"subsampling": 1},
                          "keep_rgb": {"keep_rgb": True}, "restarts": {"restart_marker_rows": 1}}.items():
        yield Made(f"{name}.jfif", saved(rgb, "JPEG", quality=95, **options))
    inks = 255 - np.dstack([rgb, np.full((HEIGHT, WIDTH), 220, np.uint8)])
    yield Made("cmyk.jpg", saved(inks, "JPEG", mode="CMYK", quality=95))
    yield Made("cmyk_inks.jpg", saved(inks, "JPEG", mode="CMYK", quality=95, icc_profile=cmyk_profile()), managed=True)
    frames = [Image.fromarray(rgb), Image.fromarray(rgb[:32, :48])]
    buffer = io.BytesIO()
    frames[0].save(buffer, "MPO", save_all=True, append_images=frames[1:], quality=95)
    yield Made("two.mpo", buffer.getvalue(), saved(rgb, "JPEG", quality=95))
    yield Made("no_end.jpg", saved(rgb, "JPEG", quality=95)[:-2], saved(rgb, "JPEG", quality=95))
    deep = picture(12)
    yield Made("12_bits.jpg", imagecodecs.jpeg8_encode(deep, level=100, bitspersample=12, subsampling="444"),
               truth=deep / 4095)
    yield Made("12_bits_gray.jpg", imagecodecs.jpeg8_encode(picture(12, gray=True), level=100, bitspersample=12),
               truth=picture(12, gray=True)[..., None] / 4095, deep=True)


def pngs():
    for depth, gray, alpha in itertools.product((8, 16), (False, True), (False, True)):
        array = picture(depth, gray, alpha)
        raw = imagecodecs.png_encode(array)
        title = f"{'gray' if gray else 'rgb'}{'a' if alpha else ''}{depth}"
        for name, icc in (GRAYS if gray else PROFILES).items():
            packed = containers.chunk(b"iCCP", b"x\0\0" + imagecodecs.zlib_encode(icc)) if icc else b""
            yield Made(f"{title}_{name}.png", raw[:33] + packed + raw[33:], deep=depth == 16,
                       managed=name not in UNMANAGED, twin=raw if name == "broken" else b"")
        for turn in (3, 6):
            yield Made(f"{title}_turned_{turn}.png", raw[:33] + containers.chunk(b"eXIf", turned(turn)[6:]) + raw[33:],
                       imagecodecs.png_encode(upright(array, turn)), deep=depth == 16)
        for name, chunks, places, gamma in (
                ("linear", {b"gAMA": struct.pack(">I", 100_000)}, ADOBE[:2] + color.PRIMARIES[1][2:], 1.0),
                ("chrm", {b"gAMA": struct.pack(">I", 55_556),
                          b"cHRM": struct.pack(">8I", *(round(place * 1e5) for place in P3))}, P3, 1.8)):
            body = b"".join(containers.chunk(kind, data) for kind, data in chunks.items())
            profile = imagecodecs.cms_profile("gray", whitepoint=places[:2], gamma=gamma) if gray else \
                rgb_profile(places, gamma)
            yield Made(f"{title}_{name}.png", raw[:33] + body + raw[33:], raw, profile, deep=depth == 16, managed=True)
        srgb = containers.chunk(b"sRGB", b"\1") + containers.chunk(b"gAMA", struct.pack(">I", 45_455))
        yield Made(f"{title}_srgb.png", raw[:33] + srgb + raw[33:], raw, deep=depth == 16)
    rgb = picture()
    for colors in (2, 4, 16, 256):
        table = Image.fromarray(rgb).quantize(colors)
        buffer = io.BytesIO()
        table.save(buffer, "PNG")
        yield Made(f"palette_{colors}.png", buffer.getvalue())
    clear = io.BytesIO()
    Image.fromarray(rgb).quantize(16).save(clear, "PNG", transparency=3)
    yield Made("palette_clear.png", clear.getvalue())
    yield Made("bilevel.png", saved(picture(gray=True) > 99, "PNG"))
    yield Made("interlaced.png", magick_made(rgb, "PNG", "-interlace", "PNG"))


def tiffs():
    for depth, kind in ((8, np.uint8), (16, np.uint16)):
        top = 2**depth - 1
        for gray, alpha in itertools.product((False, True), (False, True)):
            array = picture(depth, gray, alpha).astype(kind)
            title = f"{'gray' if gray else 'rgb'}{'a' if alpha else ''}{depth}"
            options = {"photometric": "minisblack" if gray else "rgb",
                       "extrasamples": ["unassalpha"] if alpha else None}
            for packing in (None, "lzw", "deflate", "packbits"):
                yield Made(f"{title}_{packing}.tif", tiff(array, compression=packing, **options), deep=depth == 16)
            for name, icc in (GRAYS if gray else PROFILES).items():
                if icc and not alpha:
                    yield Made(f"{title}_{name}.tif", tiff(array, iccprofile=icc, **options), deep=depth == 16,
                               managed=name != "broken", twin=tiff(array, **options) if name == "broken" else b"")
        array = picture(depth).astype(kind)
        for turn in (2, 6, 8):
            raw = tiff(array, photometric="rgb", extratags=[(274, "H", 1, turn, True)])
            yield Made(f"turned_{turn}_{depth}.tiff", raw, deep=depth == 16)
        yield Made(f"planar_{depth}.tif", tiff(np.moveaxis(array, -1, 0), photometric="rgb", planarconfig="separate"),
                   deep=depth == 16)
        yield Made(f"tiled_{depth}.tif", tiff(array, photometric="rgb", tile=(32, 32), compression="deflate"),
                   deep=depth == 16)
        yield Made(f"big_endian_{depth}.tif", tiff(array, photometric="rgb", byteorder=">"), deep=depth == 16)
        yield Made(f"bigtiff_{depth}.tif", tiff(array, photometric="rgb", bigtiff=True), deep=depth == 16)
        gray = picture(depth, gray=True).astype(kind)
        yield Made(f"white_is_zero_{depth}.tif", tiff(top - gray, photometric="miniswhite"), deep=depth == 16,
                   truth=gray[..., None] / top)
        inks = np.dstack([top - array, np.full((HEIGHT, WIDTH), top // 8, kind)])
        yield Made(f"cmyk_{depth}.tif", tiff(inks, photometric="separated"), deep=depth == 16)
        yield Made(f"cmyk_inks_{depth}.tif", tiff(inks, photometric="separated", iccprofile=cmyk_profile()),
                   managed=True)
        yield Made(f"thumbnail_first_{depth}.tif", several(array[::4, ::4], array), truth=array / top, deep=depth == 16)
        yield Made(f"reduced_later_{depth}.tif", several(array, array[::2, ::2], reduced=1), truth=array / top,
                   deep=depth == 16)
    deep = picture(16, gray=True)
    for name, samples, truth in (
            ("float32", deep.astype(np.float32) / 65535, deep / 65535), ("float64", deep / 65535, deep / 65535),
            ("float16", (deep / 65535).astype(np.float16), deep / 65535),
            ("float_255", deep.astype(np.float32) / 257, deep / 65535),
            ("uint32", deep.astype(np.uint32) * 65537, deep / 65535),
            ("int16", (deep.astype(np.int32) - 32768).astype(np.int16), deep / 65535),
            ("int16_positive", (deep >> 1).astype(np.int16), (deep >> 1) / 32767),
            ("int8", (picture(gray=True).astype(np.int16) - 128).astype(np.int8), picture(gray=True) / 255)):
        yield Made(f"{name}.tif", tiff(samples, photometric="minisblack"), truth=truth[..., None], deep=name != "int8")
    twelve = picture(12, gray=True)
    yield Made("gray12.tif", packed_12(twelve), truth=twelve[..., None] / 4095, deep=True)
    bits = picture(gray=True) > 99
    for packing in (None, "packbits", "ccittfax4"):
        raw = magick_made(bits.astype(np.uint8) * 255, "TIFF", "-monochrome", "-compress",
                          {None: "none", "packbits": "RLE", "ccittfax4": "Group4"}[packing])
        yield Made(f"bilevel_{packing}.tif", raw)
    yield Made("jpeg_inside.tif", magick_made(picture(), "TIFF", "-compress", "JPEG", "-quality", "95"))
    yield Made("palette.tif", magick_made(picture(), "TIFF", "-type", "Palette"))
    values = imagecodecs.cms_transform(picture(16), color.srgb(), color.lab(), colorspace="rgb", outcolorspace="lab",
                                       intent=color.RELATIVE) // 257
    yield Made("lab.tif", tiff((values ^ [0, 128, 128]).astype(np.uint8), photometric="cielab"),
               truth=picture() / 255, managed=True)


def modern():
    """Formats that ImageMagick reads late or badly: it is given the samples that went in, as a PNG."""
    rgb = picture()
    close = {"WEBP": {"lossless": True}, "AVIF": {"quality": 100, "subsampling": "4:4:4"}}
    for (kind, options), (name, icc) in itertools.product(close.items(), PROFILES.items()):
        known, raw = name not in UNMANAGED, saved(rgb, kind, icc_profile=icc, **options)
        seen = rgb if kind == "WEBP" else imagecodecs.avif_decode(raw)           # which is never quite without loss
        yield Made(f"{name}.{kind.lower()}", raw, saved(seen, "PNG"), icc if known else b"", managed=known)
    for (kind, options), turn in itertools.product(close.items(), (1, 3, 6, 8)):
        yield Made(f"turned_{turn}.{kind.lower()}", saved(rgb, kind, exif=turned(turn), **options),
                   saved(upright(rgb, turn), "PNG"))
    for (kind, options), alpha in itertools.product(close.items(), (False, True)):
        array = picture(alpha=alpha)
        yield Made(f"alpha_{alpha}.{kind.lower()}", saved(array, kind, **options), truth=on_white(array, 8))
    for depth, gray, alpha in itertools.product((8, 12, 16), (False, True), (False, True)):
        array = picture(depth, gray, alpha)
        yield Made(f"{depth}_{gray}_{alpha}.jp2", imagecodecs.jpeg2k_encode(array, level=0, bitspersample=depth),
                   truth=on_white(array, depth), deep=depth > 8)
    yield Made("stream.j2k", imagecodecs.jpeg2k_encode(rgb, level=0, codecformat="j2k"), truth=rgb / 255)
    soft = cv2.GaussianBlur(rgb, (0, 0), 2)      # readers enlarge its halved colors differently
    for name in ("", "p3"):
        yield Made(f"iphone_{name}.heic", magick_made(soft, "heic", "-quality", "100", icc_profile=PROFILES[name]),
                   managed=bool(name))


def plain():
    rgb, gray = picture(), picture(gray=True)
    yield Made("rgb.gif", saved(rgb, "GIF"))
    yield Made("gray.gif", saved(gray, "GIF"))
    still = io.BytesIO()
    Image.fromarray(rgb).save(still, "GIF", save_all=True, append_images=[Image.fromarray(255 - rgb)])
    yield Made("moving.gif", still.getvalue())
    yield Made("rgb.bmp", saved(rgb, "BMP"))
    yield Made("gray.bmp", saved(gray, "BMP"))
    yield Made("bilevel.bmp", saved(gray > 99, "BMP"))
    yield Made("rle.bmp", magick_made(gray, "BMP3", "-type", "Palette", "-compress", "RLE"))
    empty = np.dstack([rgb, np.zeros((HEIGHT, WIDTH), np.uint8)])
    yield Made("empty_alpha.bmp", saved(empty, "BMP"), saved(rgb, "PNG"))


def tiff(array, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, metadata=None, **options)
    return buffer.getvalue()


def several(*pages, reduced=0):
    """A TIFF of several pages, all but the first of which may be called reduced."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for number, page in enumerate(pages):
            writer.write(page, photometric="rgb", metadata=None, subfiletype=reduced if number else 0)
    return buffer.getvalue()


def packed_12(array):
    """A TIFF whose samples take twelve bits each: two in three bytes."""
    first, second = array[:, ::2], array[:, 1::2]
    rows = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=-1).astype(np.uint8).tobytes()
    tags = {256: WIDTH, 257: HEIGHT, 258: 12, 259: 1, 262: 1, 273: 122, 277: 1, 278: HEIGHT, 279: len(rows)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)).ljust(122, b"\0") + rows


def magick_made(array, kind, *options, **said):
    """A file that ImageMagick wrote; said: what it is told of the picture beside its samples."""
    done = subprocess.run(["convert", "png:-", *options, f"{kind}:-"], input=saved(array, "PNG", **said), check=True,
                          capture_output=True)
    return done.stdout


def upright(array, turn):
    """A picture as EXIF's orientation wants it."""
    return np.ascontiguousarray({1: array, 3: array[::-1, ::-1], 6: np.rot90(array, -1), 8: np.rot90(array)}[turn])


def on_white(array, depth):
    """(h, w, c) in 0..1 of samples with or without alpha."""
    share = (array if array.ndim == 3 else array[..., None]) / (2**depth - 1)
    channels = share.shape[-1]
    if channels in (2, 4):
        return share[..., :-1] * share[..., -1:] + 1 - share[..., -1:]
    return share


# --- broken EXIF ------------------------------------------------------------------------------------------------

def mutate_exif(seed=0):
    """How many JPEGs with a mutated EXIF block were refused, made the reader crash, or changed a pixel."""
    rng, photo = np.random.default_rng(seed), picture()
    plain, block = saved(photo, "JPEG"), camera_block()
    truth, counts = reader.pixels(plain), {"blocks": BLOCKS, "refused": 0, "crashed": 0, "changed": 0}
    for mutated in mutations(block, rng, BLOCKS):
        try:
            pixels = reader.pixels(plain[:2] + b"\xff\xe1" + struct.pack(">H", len(mutated) + 8) + b"Exif\0\0" + mutated
                                   + plain[2:])
            counts["changed"] += not same(pixels, truth)
        except reader.BadPicture:
            counts["refused"] += 1
        except Exception:                        # counted: nothing may come through
            counts["crashed"] += 1
    return counts


def camera_block():
    """The EXIF block of a camera: texts, numbers, dates, a place, a resolution."""
    exif = Image.Exif()
    exif.update({271: "Maker", 272: "Model", 305: "Software", 306: "2020:01:02 03:04:05", 315: "A. Person",
                 33432: "Nobody", 282: 300.0, 283: 300.0, 296: 2})
    exif.get_ifd(0x8769).update({36867: "2020:01:02 03:04:05", 33434: 0.01, 34855: 100, 37386: 50.0})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.5)})
    return exif.tobytes()[6:]


def mutations(block, rng, count):
    """Blocks with some bytes changed, cut off or repeated."""
    for number in range(count):
        mutated = bytearray(block)
        for at in rng.integers(0, len(block), rng.integers(1, 16)):
            mutated[at] = rng.integers(256)
        if number % 4 == 1:
            mutated = mutated[:rng.integers(1, len(block))]
        if number % 4 == 2:
            at = rng.integers(0, len(block))
            mutated[at:at] = mutated[:at]
        yield bytes(mutated)


def same(pixels, truth):
    """Whether two pictures are equal, turned as EXIF may ask."""
    turns: tuple[Callable, ...] = (lambda each: each, *reader.TURNS.values())
    return any(pixels.shape == turn(truth).shape and (pixels == turn(truth)).all() for turn in turns)
