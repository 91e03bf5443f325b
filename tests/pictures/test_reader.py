"""Files of every kind: each becomes the picture that its author saw, or a sentence."""
import base64
import contextlib
import io
import struct
import zlib

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from ae_core.pictures import color, containers, metadata, reader, sheets

GRADIENT = np.linspace(0, 255, 40 * 30).reshape(30, 40).astype(np.uint8)

NOISE = np.random.default_rng(0).integers(0, 256, (40, 30), np.uint8)


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(("raw", "shape"), [
    (encoded(Image.fromarray(GRADIENT)), (30, 40, 1)),
    (encoded(Image.fromarray(GRADIENT.astype(np.uint16) * 257)), (30, 40, 1)),
    (encoded(Image.fromarray(GRADIENT).convert("P")), (30, 40, 3)),
    (encoded(Image.fromarray(GRADIENT).convert("1")), (30, 40, 1)),
    (encoded(Image.fromarray(GRADIENT).convert("RGBA")), (30, 40, 3)),
    (encoded(Image.fromarray(GRADIENT).convert("LA")), (30, 40, 3)),
    (encoded(Image.fromarray(GRADIENT).convert("CMYK"), "JPEG"), (30, 40, 3)),
    (encoded(Image.fromarray(GRADIENT).convert("RGB"), "WEBP"), (30, 40, 3)),
    (encoded(Image.fromarray(GRADIENT.astype(np.float32) / 255), "TIFF"), (30, 40, 1)),
    (encoded(Image.fromarray(GRADIENT), "GIF", save_all=True, append_images=[Image.fromarray(255 - GRADIENT)]), None),
    (encoded(Image.new("L", (1, 1), 200)), (1, 1, 1)),
], ids=["gray", "16-bit", "palette", "bilevel", "RGBA", "gray+alpha", "CMYK", "WebP", "float TIFF", "animated", "1x1"])
def test_every_kind_is_read_into_the_contract(raw, shape):
    picture = reader.read(raw)
    assert picture.dtype == np.float32 and picture.shape[-1] in (1, 3)
    assert np.isfinite(picture).all() and picture.min() >= 0 and picture.max() <= 1
    if shape:
        assert picture.shape == shape


def test_16_bits_keep_their_depth():
    deep = np.uint16([[0, 1000, 65535]])
    np.testing.assert_allclose(reader.read(encoded(Image.fromarray(deep)))[0, :, 0], deep[0] / 65535, atol=1e-6)


def test_of_an_animation_the_first_frame_counts():
    raw = encoded(Image.new("L", (4, 4), 0), "GIF", save_all=True, append_images=[Image.new("L", (4, 4), 255)])
    assert reader.read(raw).max() == 0


def test_transparency_lies_on_white():
    assert reader.read(encoded(Image.new("RGBA", (3, 3), (0, 0, 0, 0)))).min() == 1


def test_a_rotated_photo_is_turned_upright():
    image = Image.fromarray(GRADIENT)
    exif = image.getexif()
    exif[0x0112] = 6                             # the camera was held sideways
    assert reader.read(encoded(image, "JPEG", exif=exif)).shape == (40, 30, 1)


def bomb():
    """A PNG whose header promises 20,000 x 20,000 pixels."""
    raw = bytearray(encoded(Image.new("L", (1, 1))))
    raw[16:24] = (20_000).to_bytes(4, "big") * 2
    raw[29:33] = zlib.crc32(bytes(raw[12:29])).to_bytes(4, "big")
    return bytes(raw)


@pytest.mark.parametrize(("raw", "sentence"), [
    (b"", "empty"),
    (encoded(Image.fromarray(NOISE))[:600], "cut off"),
    (encoded(Image.fromarray(NOISE), "JPEG")[:900], "cut off"),
    (b"This is a text file called picture.png.", "not a picture"),
    (b"%PDF-1.7 not a picture either", "not a picture"),
    (b"\x89PNG\r\n\x1a\n" + bytes(50), "not a picture|cut off"),
    (bomb(), "20000 x 20000 pixels; at most 50 megapixels"),
], ids=["0 bytes", "truncated PNG", "truncated JPEG", "text", "PDF", "PNG of zeros", "20,000 x 20,000"])
def test_what_cannot_be_read_gets_a_sentence(raw, sentence):
    with pytest.raises(reader.BadPicture, match=sentence) as error:
        reader.read(raw, "photo.png")
    assert str(error.value).startswith("photo.png")


def test_too_many_bytes_are_refused(monkeypatch):
    monkeypatch.setattr(reader, "MAX_BYTES", 10)
    with pytest.raises(reader.BadPicture, match="MB"):
        reader.read(b"x" * 11)


@pytest.mark.parametrize("seed", range(40))
def test_mutated_files_never_crash(seed):
    rng = np.random.default_rng(seed)
    raw = bytearray(encoded(Image.fromarray(GRADIENT), ["PNG", "JPEG", "GIF", "TIFF", "WEBP"][seed % 5]))
    for at in rng.integers(0, len(raw), 8):
        raw[at] = rng.integers(256)
    with contextlib.suppress(reader.BadPicture):
        assert reader.read(bytes(raw)).shape[-1] in (1, 3)


# --- color ------------------------------------------------------------------------------------------------------

ADOBE = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
COLORS = np.random.default_rng(1).integers(0, 256, (8, 9, 3), np.uint8)


def rgb_profile(places=ADOBE, gamma=2.2):
    return imagecodecs.cms_profile("rgb", whitepoint=places[:2], primaries=places[2:], gamma=gamma)


def srgb_of(values, places=ADOBE, gamma=2.2):
    """RGB of another space in sRGB, by the definition of both: 0..1. No gamma: sRGB's own curve."""
    def xyz(places):
        x, y = np.reshape(places, (4, 2)).T
        columns = np.stack([x / y, np.ones(4), (1 - x - y) / y])
        return columns[:, 1:] * np.linalg.solve(columns[:, 1:], columns[:, 0])
    share = values / np.iinfo(values.dtype).max
    linear = share ** gamma if gamma else np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    linear = linear @ (np.linalg.inv(xyz(color.PRIMARIES[1])) @ xyz(places)).T
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(("kind", "depth"), [("PNG", 8), ("PNG", 16), ("TIFF", 8), ("TIFF", 16), ("WEBP", 8)])
def test_a_profile_is_honored(kind, depth):
    values = COLORS.astype(np.uint16) * 257 if depth == 16 else COLORS
    if kind == "TIFF":
        raw = tiff(values, photometric="rgb", iccprofile=rgb_profile())
    elif kind == "WEBP":
        raw = encoded(Image.fromarray(values), kind, icc_profile=rgb_profile(), lossless=True)
    else:
        raw = with_chunks(imagecodecs.png_encode(values), iCCP=b"x\0\0" + zlib.compress(rgb_profile()))
    ours = reader.pixels(raw)
    assert ours.dtype == values.dtype
    np.testing.assert_allclose(reader.read(raw), srgb_of(values), atol=0.012 if depth == 8 else 0.003)


def test_gamma_and_primaries_of_a_png_are_honored():
    raw = imagecodecs.png_encode(COLORS)
    places = struct.pack(">8I", *(round(place * 1e5) for place in ADOBE))
    said = with_chunks(raw, gAMA=struct.pack(">I", 55_556), cHRM=places)
    np.testing.assert_allclose(reader.read(said), srgb_of(COLORS, ADOBE, 1.8), atol=0.012)
    coded = with_chunks(raw, gAMA=struct.pack(">I", 100_000), cICP=bytes([12, 13, 0, 1]))
    np.testing.assert_allclose(reader.read(coded), srgb_of(COLORS, color.PRIMARIES[12], None), atol=0.012)


@pytest.mark.parametrize("chunks", [{}, {"sRGB": b"\1", "gAMA": struct.pack(">I", 45_455)},
                                    {"gAMA": struct.pack(">I", 45_455)}, {"gAMA": bytes(4)}, {"cHRM": bytes(32)},
                                    {"iCCP": b"x\0\0" + zlib.compress(b"no profile" * 99)}, {"iCCP": b"x\0\0broken"}])
def test_srgb_and_nonsense_leave_colors_as_they_are(chunks):
    raw = with_chunks(imagecodecs.png_encode(COLORS), **chunks)
    np.testing.assert_array_equal(reader.pixels(raw), COLORS)


def test_an_srgb_profile_moves_no_pixel():
    raw = with_chunks(imagecodecs.png_encode(COLORS), iCCP=b"x\0\0" + zlib.compress(color.srgb()))
    np.testing.assert_array_equal(reader.pixels(raw), COLORS)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_gray_profile_is_honored(depth):
    levels = np.linspace(0, 2**depth - 1, 64).astype(np.uint8 if depth == 8 else np.uint16).reshape(8, 8)
    linear = imagecodecs.cms_profile("gray", whitepoint=ADOBE[:2], gamma=1.0)
    raw = tiff(levels, photometric="minisblack", iccprofile=linear)
    share = levels[..., None] / (2**depth - 1)
    truth = np.where(share <= 0.0031308, share * 12.92, 1.055 * share ** (1 / 2.4) - 0.055)
    light = share > (0.03 if depth == 8 else 0)                  # LittleCMS itself is coarse near black at 8 bits
    np.testing.assert_allclose(reader.read(raw)[light], truth[light], atol=0.006 if depth == 8 else 0.001)


def test_what_is_written_says_srgb():
    assert Image.open(io.BytesIO(sheets.to_photo(COLORS))).info["icc_profile"] == color.srgb()
    for pixels in (COLORS, COLORS.astype(np.uint16) * 257):
        assert b"sRGB" in containers.png(sheets.to_photo(pixels, "PNG")).body or \
            Image.open(io.BytesIO(sheets.to_photo(pixels, "PNG"))).info["srgb"] == color.RELATIVE


# --- depth and sense ----------------------------------------------------------------------------------------------

def tiff(array, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, metadata=None, **options)
    return buffer.getvalue()


def with_chunks(png, **chunks):
    body = b"".join(containers.chunk(kind.encode(), data) for kind, data in chunks.items())
    return png[:33] + body + png[33:]


DEEP = np.arange(0, 65536, 64, np.uint16).reshape(32, 32)


@pytest.mark.parametrize(("samples", "options", "truth"), [
    (DEEP, {}, DEEP / 65535),
    (65535 - DEEP, {"photometric": "miniswhite"}, DEEP / 65535),
    (DEEP.astype(np.uint32) * 65537, {}, DEEP / 65535),
    ((DEEP.astype(np.int32) - 32768).astype(np.int16), {}, DEEP / 65535),
    ((DEEP >> 1).astype(np.int16), {}, (DEEP >> 1) / 32767),
    (DEEP.astype(np.float32) / 65535, {}, DEEP / 65535),
    (DEEP.astype(np.float64) / 257, {}, DEEP / 257 / 255),
    (np.where(DEEP < 99, np.nan, DEEP / 65535).astype(np.float32), {}, np.where(DEEP < 99, 0, DEEP / 65535)),
    (DEEP, {"byteorder": ">"}, DEEP / 65535), (DEEP, {"bigtiff": True}, DEEP / 65535),
    (DEEP, {"compression": "lzw"}, DEEP / 65535), (DEEP, {"compression": "deflate", "predictor": True}, DEEP / 65535),
], ids=["16 bits", "white is zero", "32 bits", "signed", "signed, positive", "float", "float to 255", "not a number",
        "big-endian", "BigTIFF", "LZW", "deflate"])
def test_samples_of_every_kind_become_what_they_mean(samples, options, truth):
    raw = tiff(samples, **{"photometric": "minisblack", **options})
    np.testing.assert_allclose(reader.read(raw)[..., 0], truth, atol=2e-5)


def test_planes_stored_apart_are_put_together():
    values = np.random.default_rng(0).integers(0, 65536, (20, 30, 3), np.uint16)
    raw = tiff(np.moveaxis(values, -1, 0), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(reader.pixels(raw), values)


def test_48_bit_color_keeps_its_levels():
    ramp = np.tile(np.arange(1001, dtype=np.uint16)[:, None] * 65, (1, 1, 3))
    assert len(np.unique(reader.pixels(imagecodecs.png_encode(ramp)))) == 1001


def test_twelve_bits_reach_white():
    levels = np.tile(np.arange(64, dtype=np.uint16) * 65, (64, 1))
    raw = imagecodecs.jpeg8_encode(levels, level=100, bitspersample=12)
    assert reader.pixels(raw).max() == 65535
    np.testing.assert_allclose(reader.read(raw)[..., 0], levels / 4095, atol=2e-3)


def test_files_of_a_set_can_share_one_range():
    bright, dark = (tiff(DEEP.astype(np.float32) / share, photometric="minisblack") for share in (64, 256))
    scale = reader.range_of(bright).join(reader.range_of(dark))
    ratio = reader.read(dark, scale=scale).mean() / reader.read(bright, scale=scale).mean()
    assert ratio == pytest.approx(0.25, abs=0.001)
    assert reader.range_of(encoded(Image.fromarray(GRADIENT))) is None


def pages(*arrays, reduced=()):
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for row, array in enumerate(arrays):
            writer.write(array, photometric="minisblack", metadata=None, subfiletype=int(row in reduced))
    return buffer.getvalue()


def test_of_several_pages_the_largest_that_is_no_copy_is_read():
    large = np.arange(30 * 40, dtype=np.uint8).reshape(30, 40)
    first = reader.photo(pages(large[::4, ::4], large))
    np.testing.assert_array_equal(first.pixels[..., 0], large)
    assert first.note == "This is the largest of its 2 pages."
    np.testing.assert_array_equal(reader.pixels(pages(large[:9], large, reduced=(1,)))[..., 0], large[:9])
    assert reader.photo(pages(large, large + 1, large + 2)).note == "This is the first of its 3 pages."
    assert "animation" in reader.photo(encoded(Image.new("L", (4, 4)), "GIF", save_all=True,
                                               append_images=[Image.new("L", (4, 4), 255)])).note


# --- what a file says of itself -------------------------------------------------------------------------------------

def exif_block(**tags):
    exif = Image.Exif()
    exif.update({getattr(metadata, name.upper()): value for name, value in tags.items()})
    return exif.tobytes()


def test_tags_are_carried_over_byte_for_byte():
    exif = Image.Exif()
    exif.update({metadata.ARTIST: "Jürgen 山田".encode(), metadata.COPYRIGHT: "one\0two", metadata.MODEL: "no text",
                 metadata.ORIENTATION: 6})
    exif.get_ifd(0x8769)[metadata.DATE_ORIGINAL] = "2020:01:02 03:04:05"
    texts, other = (struct.pack(">HH", metadata.MODEL, kind) for kind in (2, 7))
    assert texts in exif.tobytes()
    raw = encoded(Image.fromarray(GRADIENT), "JPEG", exif=exif.tobytes().replace(texts, other))
    photo = reader.photo(raw)
    assert photo.pixels.shape == (40, 30, 1)
    for kind in ("JPEG", "PNG"):
        again = reader.photo(sheets.to_photo(np.repeat(photo.pixels, 3, -1), kind, photo.kept))
        tags = metadata.first(again.kept.exif)
        assert again.kept == photo.kept and again.pixels.shape == (40, 30, 3)
        assert tags[metadata.ARTIST].raw == "Jürgen 山田".encode() + b"\0" and metadata.MODEL not in tags
        assert tags[metadata.COPYRIGHT].raw == b"one\0two\0"
        details = metadata.at(again.kept.exif, int(tags[metadata.DETAILS].numbers()[0]))
        assert details[metadata.DATE_ORIGINAL].raw == b"2020:01:02 03:04:05\0"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_resolution_is_carried_over_and_turned(kind):
    raw = encoded(Image.fromarray(GRADIENT), "JPEG", dpi=(600, 300), exif=exif_block(orientation=6))
    photo = reader.photo(raw)
    assert photo.kept.density == (300, 600)
    written = Image.open(io.BytesIO(sheets.to_photo(np.repeat(photo.pixels, 3, -1), kind, photo.kept)))
    assert [round(dots) for dots in written.info["dpi"]] == [300, 600]


def test_broken_exif_decides_nothing():
    plain, rng = encoded(Image.fromarray(GRADIENT), "JPEG"), np.random.default_rng(0)
    block = bytearray(exif_block(make="Maker", artist="Person", copyright="2020")[6:])
    for _ in range(100):
        mutated = bytearray(block)
        for at in rng.integers(0, len(block), 6):
            mutated[at] = rng.integers(256)
        raw = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(mutated) + 8) + b"Exif\0\0" + mutated + plain[2:]
        assert sorted(reader.pixels(raw).shape) == [1, 30, 40]


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_orientation_is_turned_upright(turn):
    image = Image.fromarray(NOISE)
    turned = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}[turn]           # Pillow's own names for them
    truth = image if turned is None else image.transpose(Image.Transpose(turned))
    raw = with_chunks(imagecodecs.png_encode(NOISE), eXIf=exif_block(orientation=turn)[6:])
    np.testing.assert_array_equal(reader.pixels(raw)[..., 0], np.asarray(truth))


def test_a_large_text_is_passed_over():
    raw = with_chunks(imagecodecs.png_encode(NOISE), zTXt=b"note\0\0" + zlib.compress(bytes(70 * 2**20)))
    np.testing.assert_array_equal(reader.pixels(raw)[..., 0], NOISE)


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_missing_end_is_forgiven_where_the_pixels_are_whole(options):
    raw = encoded(Image.fromarray(cv2.resize(NOISE, (80, 60))), "JPEG", **options)
    np.testing.assert_array_equal(reader.pixels(raw[:-2]), reader.pixels(raw))
    for share in np.linspace(0.4, 0.97, 20):
        with pytest.raises(reader.BadPicture, match="cut off"):
            reader.pixels(raw[:int(share * len(raw))])
    png = imagecodecs.png_encode(NOISE)
    np.testing.assert_array_equal(reader.pixels(png[:-12]), reader.pixels(png))


# --- formats --------------------------------------------------------------------------------------------------------

HEIC = zlib.decompress(base64.b85decode(         # four squares in color, as libheif writes them
    "c-muNV30{GsVvAy&8%Pmg51nBLl8SRGck>UfiW~UwIq=N0u(b+a*CjAhJwuG5(YG&l$n#C3}U!AFfalk5HMCkXdti$V&%-tyfiQmBq|Ezq%uKy"
    "8D+_aASPcyW=Sqw$<@q)q5>ejEwdmwA4r!2l{quAZ~&R}EI^9nJ}~_G|KkS(13z;DP=~k!BM;;M{~!g-U=_?jCA*j$5`l7BPK=DG5))Vi6gJ)U"
    "R5d+&z}c}8Bqj+W7&(%F$~jyZ4;HoYFsT4-5l+s}DauREsQ`-eGO#rOg+wxo3sRw8bAV!jg3O9ckN`6W2gr%ynFYD9&;tetOCu9A3y|rao013$"
    "JZlZc^_&ls%@*1J|5?oa|K|j?_Fwt)FU_gv6|euDbpQVwBVXbFANF<dKY#q||Esqz#Y$JCJ%2MjHol~F0|4SeVi^"))


@pytest.mark.parametrize(("name", "raw", "off"), [
    ("photo.jfif", encoded(Image.fromarray(COLORS), "JPEG", quality=100, subsampling=0), 3),
    ("photo.jp2", imagecodecs.jpeg2k_encode(COLORS, level=0), 0),
    ("photo.j2k", imagecodecs.jpeg2k_encode(COLORS, level=0, codecformat="j2k"), 0),
    ("photo.avif", encoded(Image.fromarray(COLORS), "AVIF", quality=100, subsampling="4:4:4"), 3),
    ("photo.bmp", encoded(Image.fromarray(COLORS), "BMP"), 0)])
def test_every_format_is_read_and_offered(name, raw, off):
    assert name[-5:].lstrip("o") in reader.SUFFIXES
    assert np.abs(reader.pixels(raw, name).astype(int) - COLORS).max() <= off


def test_a_photograph_of_an_iphone_is_read():
    pixels = reader.pixels(HEIC, "IMG_0001.HEIC")
    squares = {(0, 0): (250, 20, 40), (0, 32): (10, 200, 30), (32, 0): (0, 60, 240), (32, 32): (128, 128, 128)}
    for (top, left), level in squares.items():
        assert np.abs(pixels[top:top + 32, left:left + 32] - np.array(level)).max() <= 1
    assert {".heic", ".heif"} <= set(reader.SUFFIXES)


def test_the_first_picture_of_a_camera_with_two_lenses_is_read():
    buffer = io.BytesIO()
    Image.fromarray(COLORS).save(buffer, "MPO", save_all=True, append_images=[Image.new("RGB", (4, 4))])
    assert reader.pixels(buffer.getvalue()).shape == COLORS.shape


def test_an_alpha_channel_with_nothing_in_it_is_none():
    empty = np.dstack([COLORS, np.zeros(COLORS.shape[:2], np.uint8)])
    np.testing.assert_array_equal(reader.pixels(encoded(Image.fromarray(empty), "BMP")), COLORS)


@pytest.mark.parametrize("depth", [8, 16])
def test_half_transparent_pixels_lie_on_white(depth):
    top = 2**depth - 1
    half = np.full((2, 2, 4), top // 2, np.uint8 if depth == 8 else np.uint16)
    np.testing.assert_allclose(reader.read(imagecodecs.png_encode(half)), 0.75, atol=0.003)
    multiplied = tiff(half, photometric="rgb", extrasamples=["assocalpha"])
    np.testing.assert_allclose(reader.read(multiplied), 1, atol=0.003)


@pytest.mark.parametrize(("raw", "words"), [
    (b"%PDF-1.7 " + bytes(99), "a PDF document"), (b"<svg xmlns='a'>", "an SVG drawing"), (b"8BPS\0\1", "Photoshop"),
    (b"\0\0\0\x18ftypcrx " + bytes(99), "camera's raw file"), (b"<!DOCTYPE html>", "a web page")])
def test_what_is_not_read_is_named_for_what_it_is(raw, words):
    with pytest.raises(reader.BadPicture, match=f"holiday.jpg is not a picture that can be read here, but .*{words}"):
        reader.pixels(raw, "holiday.jpg")


def test_a_wrong_suffix_is_named_for_what_it_is():
    with pytest.raises(reader.BadPicture, match="scan.jpg, in truth a PNG file, is cut off"):
        reader.pixels(imagecodecs.png_encode(NOISE)[:200], "scan.jpg")
    assert reader.pixels(imagecodecs.png_encode(NOISE), "scan.jpg").shape == (40, 30, 1)


def test_no_switch_of_the_whole_process_is_touched():
    from PIL import ImageFile, PngImagePlugin

    assert Image.MAX_IMAGE_PIXELS and not ImageFile.LOAD_TRUNCATED_IMAGES
    assert PngImagePlugin.MAX_TEXT_CHUNK == 2**20


# --- what it may cost ---------------------------------------------------------------------------------------------

def made_tiff(tags, body):
    """A TIFF of numbers (tag, value) and one strip."""
    start = 8 + 2 + 12 * (len(tags) + 2) + 4
    tags = {**tags, 273: start, 279: len(body)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + body


def scanned_often():
    raw = encoded(Image.fromarray(NOISE), "JPEG", progressive=True)
    last = raw[raw.rindex(b"\xff\xda"):-2]
    return raw[:-2] + 500 * last + raw[-2:]


def strip(width):
    return containers.PNG_SIGNATURE + containers.chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)) + \
        containers.chunk(b"IDAT", zlib.compress(bytes(width + 1))) + containers.chunk(b"IEND", b"")


SMALL = {256: 16, 257: 16, 258: 8, 262: 1, 277: 1}


@pytest.mark.parametrize(("raw", "words"), [
    (scanned_often(), "passes over its pixels"), (strip(3_000_000), "100,000 a side"),
    (made_tiff({**SMALL, 259: 1, 322: 16_000, 323: 16_000}, bytes(256)), "once it is unpacked"),
    (made_tiff({**SMALL, 259: 7, 278: 16}, encoded(Image.new("L", (3000, 3000)), "JPEG")), "cut off or damaged"),
    (made_tiff({**SMALL, 262: 32803, 259: 1, 278: 16}, bytes(256)), "camera's raw file"),
    (b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\2\0\0\0\xff\x3f\0\xff\x3f\0" + bytes(30), "50 megapixels"),
    (encoded(Image.new("L", (6000, 6000)), "AVIF", speed=10), "24 megapixels"),
], ids=["500 scans", "3,000,000 wide", "a tile of 16,000", "a JPEG in a strip", "raw", "a WebP canvas", "AVIF"])
def test_what_would_cost_too_much_is_refused_before_it_is_decoded(raw, words):
    with pytest.raises(reader.BadPicture, match=words):
        reader.pixels(raw)


def test_a_strip_that_blows_up_gives_no_more_than_its_pixels():
    bomb = made_tiff({**SMALL, 259: 8, 278: 16}, zlib.compress(bytes(50 * 2**20)))
    with contextlib.suppress(reader.BadPicture):
        assert reader.pixels(bomb).size <= 3 * 256


def test_one_text_of_a_png_is_inflated(monkeypatch):
    """Each may become 16 MB; a file of a megabyte holds thousands."""
    inflated = []
    monkeypatch.setattr(containers, "_inflate", lambda packed: inflated.append(packed) or b"")
    raw = encoded(Image.new("L", (9, 9)))
    text = containers.chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(1000)))
    assert reader.pixels(raw[:33] + 50 * text + raw[33:]).shape == (9, 9, 1) and len(inflated) == 1


def test_tags_that_all_claim_the_whole_file_take_no_memory():
    """Two thousand copies of one megabyte took two gigabytes."""
    entries = b"".join(struct.pack("<HHII", 300 + k, 7, 10**6, 8) for k in range(2000))
    raw = b"II*\0" + struct.pack("<I", 8 + 10**6) + bytes(10**6) + struct.pack("<H", 2000) + entries + bytes(4)
    tags, = metadata.directories(raw)
    assert 0 < len(tags) <= metadata.MAX_TAGS and all(tag.view.obj is raw for tag in tags.values())


def test_of_a_number_with_millions_of_values_one_is_read():
    count = 10**6
    raw = b"II*\0" + struct.pack("<I", 8 + 4 * count) + bytes([9, 0, 0, 0]) * count + struct.pack(
        "<HHHII", 1, 256, 4, count, 8) + bytes(4)
    tags, = metadata.directories(raw)
    assert metadata.number(tags, 256) == 9 and len(tags[256].numbers(1)) == 1


def test_a_picture_to_be_seen_is_shrunk_where_it_is_large():
    raw = encoded(Image.fromarray(cv2.resize(NOISE, (3000, 1500))))
    assert reader.read(raw).shape == (1024, 2048, 1) and reader.read(raw, largest=300).shape == (150, 300, 1)
