"""Color over a picture's own lightness: exact, bounded, and for every kind of upload."""
import io
import zipfile

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from ae_core import metrics, model
from ae_core.features import colorize, paint, published_colorizer
from ae_core.pictures import convert, datasets, reader, sheets
from tests.conftest import random_pictures, trained
from tests.pictures.test_reader import GRADIENT, NOISE, bomb, encoded

TOP = {np.uint8: 255, np.uint16: 65535}


class Blue:
    """A network that sees blue everywhere, and remembers what it was shown."""

    def chroma(self, lightness):
        self.seen = lightness
        n, height, width, _ = lightness.shape
        return np.broadcast_to(np.float32([0.05, -0.4]), (n, height // 4, width // 4, 2)).copy()


@pytest.fixture(scope="module")
def network():
    return model.load(trained(colorize.PRESET))


@pytest.fixture(scope="module")
def published():
    return model.load(trained(published_colorizer.PRESET))


def ramp(dtype=np.uint8, height=64, width=256):
    """Every gray level from black to white, left to right: (h, w, 1)."""
    row = np.linspace(0, TOP[dtype], width).round().astype(dtype)
    return np.tile(row, (height, 1))[..., None]


def wild_tint(seed=0):
    rng = np.random.default_rng(seed)
    return paint.Tint(*(rng.normal(0, 0.3, (6, 8, 2)).astype(np.float32) for _ in range(2)))


# --- lightness is kept, colors are those that were asked for -------------------------------------------------

@pytest.mark.parametrize(("dtype", "levels"), [(np.uint8, 1), (np.uint16, 30)])
def test_no_color_changes_the_lightness(dtype, levels):
    """Not even colors far out of what a screen can show, nor at black and white."""
    gray = ramp(dtype)
    painted = paint.paint(gray, wild_tint())
    assert painted.dtype == dtype and painted.shape == (64, 256, 3)
    assert np.abs(paint.gray(painted).astype(int) - gray).max() <= levels
    assert painted[:, 0].max() <= levels and painted[:, -1].min() >= TOP[dtype] - levels
    assert np.ptp(painted[:, 64:192].astype(int), axis=-1).mean() > 0.1 * TOP[dtype]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_without_color_every_gray_level_comes_back(dtype):
    painted = paint.paint(ramp(dtype), paint.even((0, 0)))
    off = np.abs(painted.astype(int) - ramp(dtype)).max()
    assert off == 0 if dtype == np.uint8 else off <= 8


def test_a_color_within_reach_is_painted_as_asked():
    painted = paint.paint(ramp(), paint.even((0.1, -0.2)))[:1, 100:150] / np.float32(255)
    _, chroma = convert.to_lab(painted[None])
    np.testing.assert_allclose(chroma, np.broadcast_to(np.float32([0.1, -0.2]), chroma.shape), atol=0.012)


def test_lightness_is_that_of_cie_lab():
    exact = convert.to_lab(convert.to_three(ramp() / np.float32(255))[None])[0][0, ..., 0]
    np.testing.assert_allclose(paint.lightness(ramp()), exact, atol=2.5e-3)      # OpenCV's own is a spline


def test_gray_keeps_the_lightness_of_colors():
    colors = (random_pictures(1, (8, 9, 3))[0] * 255).astype(np.uint8)
    exact = convert.to_lab(colors[None] / np.float32(255))[0][0, ..., 0]
    np.testing.assert_allclose(paint.lightness(paint.gray(colors)), exact, atol=6e-3)
    np.testing.assert_array_equal(paint.gray(np.repeat(ramp(), 3, 2)), ramp())


def test_a_picture_painted_in_bands_is_the_one_painted_at_once(monkeypatch):
    gray, tint = (random_pictures(1, (77, 53, 1))[0] * 255).astype(np.uint8), wild_tint()
    banded = paint.paint(gray, tint)
    monkeypatch.setattr(paint, "BAND", 1000)
    np.testing.assert_array_equal(banded, paint.paint(gray, tint))


def test_maps_lie_over_the_picture_as_opencv_lays_them():
    """The middle of a map's pixel is the middle of the pixels it stands for."""
    tint = wild_tint()
    small, large = paint.Tint(tint.slope * 0, tint.offset * 0.2), np.full((48, 64, 1), 128, np.uint8)
    resized = cv2.resize(small.offset, (64, 48), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(paint.paint(large, small), paint.paint(large, paint.Tint(resized * 0, resized)))


def test_saturation_and_warmth_do_what_they_say():
    tint, gray = paint.even((0.05, -0.1)), np.full((4, 4, 1), 120, np.uint8)

    def chroma(**settings):
        painted = paint.paint(gray, paint.adjust(tint, **settings))
        return convert.to_lab(painted[None] / np.float32(255))[1][0, 0, 0]
    plain = chroma()
    np.testing.assert_allclose(chroma(saturation=2), 2 * plain, atol=0.015)
    np.testing.assert_allclose(chroma(saturation=0), 0, atol=0.006)
    assert (chroma(warmth=1) > plain).all() and (chroma(warmth=-1) < plain).all()


def test_the_guided_filter_finds_a_line_from_lightness_to_chroma():
    lightness = cv2.GaussianBlur(random_pictures(1, (60, 80, 1))[0], (0, 0), 3)
    lightness = (lightness - lightness.min()) / np.ptp(lightness)
    chroma = np.stack([0.5 * lightness - 0.2, 0.1 - 0.3 * lightness], axis=-1)
    tint = paint.guided(lightness, chroma, 3, 1e-8)
    np.testing.assert_allclose(tint.slope * lightness[..., None] + tint.offset, chroma, atol=0.01)
    np.testing.assert_allclose(np.median(tint.slope, axis=(0, 1)), [0.5, -0.3], atol=0.02)


def test_guided_colors_stop_at_an_edge():
    """Red against blue, reduced to a quarter across the edge and brought back: sharper than interpolation alone."""
    gray = np.full((64, 96, 1), 90, np.uint8)
    gray[:, 46:] = 170
    truth = np.where(gray[None] > 128, np.float32([0.2, 0.1]), np.float32([-0.1, -0.2]))
    chroma = truth.reshape(16, 4, 24, 4, 2).mean(axis=(1, 3))
    small = cv2.resize(paint.lightness(gray), (24, 16), interpolation=cv2.INTER_AREA)
    plain = paint.Tint(np.zeros_like(chroma), chroma)
    wrong = [np.abs(convert.to_lab(paint.paint(gray, tint)[None] / np.float32(255))[1] - truth).mean()
             for tint in (paint.guided(small, chroma, 1, 1e-3), plain)]
    assert wrong[0] < 0.5 * wrong[1]


def test_a_guided_tint_says_of_its_small_copy_what_the_chroma_says():
    lightness, chroma = random_pictures(1, (9, 7, 1))[0, ..., 0], random_pictures(1, (9, 7, 2), seed=1)[0]
    tint = paint.guided(lightness, chroma, 2, 1e-3)
    np.testing.assert_allclose(tint.slope * lightness[..., None] + tint.offset, chroma, atol=1e-5)


# --- any photograph ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (33, 47), (300, 200), (700, 1100)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_photograph_of_any_shape_comes_back_in_its_own(shape, channels):
    photo = (random_pictures(1, (*shape, channels))[0] * 255).astype(np.uint8)
    network = Blue()
    done = colorize.colorize(network, photo)
    assert done.picture.shape == (*shape, 3) and done.gray.shape == (*shape, 1)
    seen = network.seen.shape
    assert seen[1] % 32 == seen[2] % 32 == 0 and max(seen) <= colorize.SIDE
    middle = (done.gray[..., 0] > 60) & (done.gray[..., 0] < 120)
    if middle.any():
        assert (done.picture[middle][:, 2] > done.picture[middle][:, 1]).all()


def test_sixteen_bits_stay_sixteen():
    done = colorize.colorize(Blue(), ramp(np.uint16))
    assert done.picture.dtype == np.uint16 and len(np.unique(paint.gray(done.picture))) > 250
    again = reader.pixels(sheets.to_photo(ramp(np.uint16), "PNG"))
    np.testing.assert_array_equal(again, ramp(np.uint16))


def test_a_black_picture_stays_black(network):
    assert colorize.colorize(network, np.zeros((40, 60, 1), np.uint8)).picture.max() == 0


def test_the_colors_of_a_color_photograph_are_not_used(network):
    photo = (random_pictures(1, (64, 64, 3))[0] * 255).astype(np.uint8)
    np.testing.assert_array_equal(colorize.colorize(network, photo).picture,
                                  colorize.colorize(network, paint.gray(photo)).picture)


@pytest.mark.parametrize("photo", [np.zeros((4, 4, 1)), np.full((4, 4, 3), np.nan), np.zeros((4, 4), np.uint8),
                                   np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 1), np.uint8)])
def test_what_is_no_photograph_gets_a_sentence(photo):
    with pytest.raises(ValueError, match="uint8 or uint16"):
        colorize.colorize(Blue(), photo)


def test_a_prediction_does_not_depend_on_how_large_a_scan_is(network):
    small = convert.scale(reader.pixels(datasets.photographs()["Coffee"].read_bytes()), 256)
    large = cv2.resize(small, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    here, there = (colorize.colorize(network, photo).picture for photo in (small, large))
    back = cv2.resize(there, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert metrics.psnr(metrics.mse(here[None] / 255, back[None] / 255))[0] > 25


# --- uploads ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("raw", [
    encoded(Image.fromarray(GRADIENT)), encoded(Image.fromarray(GRADIENT.astype(np.uint16) * 257)),
    encoded(Image.fromarray(GRADIENT).convert("P")), encoded(Image.fromarray(GRADIENT).convert("1")),
    encoded(Image.fromarray(GRADIENT).convert("RGBA")), encoded(Image.fromarray(GRADIENT).convert("LA")),
    encoded(Image.fromarray(GRADIENT).convert("CMYK"), "JPEG"), encoded(Image.fromarray(GRADIENT), "JPEG"),
    encoded(Image.fromarray(GRADIENT).convert("RGB"), "WEBP"), encoded(Image.fromarray(GRADIENT), "TIFF"),
    encoded(Image.fromarray(GRADIENT.astype(np.float32) / 255), "TIFF"),
    encoded(Image.fromarray(GRADIENT), "GIF", save_all=True, append_images=[Image.fromarray(255 - GRADIENT)]),
    encoded(Image.new("L", (1, 1), 200)), encoded(Image.new("L", (5000, 1), 9)),
], ids=["gray", "16-bit", "palette", "bilevel", "RGBA", "gray+alpha", "CMYK", "JPEG", "WebP", "TIFF", "float TIFF",
        "animated", "1x1", "5000x1"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_every_kind_of_upload_is_colorized_at_its_own_size(raw, kind):
    look = colorize.look(Blue(), raw)
    answer = Image.open(io.BytesIO(colorize.render(raw, "photo", look.tint, kind)))
    assert answer.format == kind and answer.mode == "RGB" and answer.size == Image.open(io.BytesIO(raw)).size


@pytest.mark.parametrize(("raw", "sentence"), [
    (b"", "empty"), (encoded(Image.fromarray(NOISE))[:600], "cut off"),
    (encoded(Image.fromarray(NOISE), "JPEG")[:900], "cut off"),
    (encoded(Image.fromarray(NOISE), "TIFF")[:600], "cut off|not a picture"),
    (b"II*\0" + bytes(200), "cut off|not a picture"), (b"%PDF-1.7 not a picture either", "not a picture"),
    (bomb(), "megapixels"),
], ids=["0 bytes", "truncated PNG", "truncated JPEG", "truncated TIFF", "TIFF of zeros", "PDF", "20,000 x 20,000"])
def test_what_cannot_be_read_gets_a_sentence(raw, sentence):
    with pytest.raises(reader.BadPicture, match=sentence) as error:
        colorize.look(Blue(), raw, "photo.tif")
    assert str(error.value).startswith("photo.tif")


def camera_file():
    """A JPEG of a camera held sideways, which says who, when and where."""
    image = Image.fromarray(cv2.resize(GRADIENT, (400, 300)))
    exif = image.getexif()
    exif.update({ExifTags.Base.Orientation: 6, ExifTags.Base.Model: "Camera 5", ExifTags.Base.Artist: "A. Person",
                 ExifTags.Base.ImageDescription: "At home, 5 Some Street"})
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2020:01:02 03:04:05"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({ExifTags.GPS.GPSLatitude: (48.0, 51.0, 29.5),
                                               ExifTags.GPS.GPSLatitudeRef: "N"})
    return encoded(image, "JPEG", exif=exif, comment=b"taken in Paris", quality=95)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_camera_file_is_turned_upright_and_forgets_where_it_was_taken(kind):
    raw = camera_file()
    assert ExifTags.IFD.GPSInfo in Image.open(io.BytesIO(raw)).getexif()
    done = colorize.render(raw, "photo.jpg", colorize.look(Blue(), raw).tint, kind)
    answer = Image.open(io.BytesIO(done))
    exif = answer.getexif()
    assert answer.size == (300, 400) and exif.get(ExifTags.Base.Orientation, 1) == 1
    assert exif[ExifTags.Base.Model] == "Camera 5" and exif[ExifTags.Base.Artist] == "A. Person"
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2020:01:02 03:04:05"
    assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
    assert not any(word in done for word in (b"Paris", b"Street", b"GPS"))


def test_broken_exif_is_left_out():
    raw = bytearray(camera_file())
    at = raw.index(b"Exif")
    raw[at + 14:at + 60] = b"\xff" * 46
    photo = reader.photo(bytes(raw))
    assert photo.pixels.size == 400 * 300 and b"\xff\xff" not in photo.kept.exif


def test_a_jpeg_is_decoded_no_larger_than_asked():
    raw = encoded(Image.fromarray(cv2.resize(GRADIENT, (3000, 2000))), "JPEG")
    assert reader.pixels(raw, least=600).shape == (500, 750, 1) and reader.pixels(raw).shape == (2000, 3000, 1)


def test_gray_and_color_uploads_are_told_apart():
    gray = cv2.resize(GRADIENT, (300, 400))
    as_color = encoded(Image.fromarray(gray).convert("RGB"), "JPEG", quality=60)
    assert colorize.look(Blue(), as_color).truth is None
    colorful = encoded(Image.fromarray(np.stack([gray, gray // 2, 255 - gray], axis=-1)), "JPEG")
    assert colorize.look(Blue(), colorful).truth.shape == (400, 300, 3)


def test_thirty_photographs_become_one_zip():
    raw, shares = encoded(Image.fromarray(GRADIENT)), []
    tint = colorize.look(Blue(), raw).tint
    packed, left_out = colorize.archive([("same name.tif", raw, tint)] * 30, "PNG", shares.append)
    assert not left_out
    names = zipfile.ZipFile(io.BytesIO(packed)).namelist()
    assert len(set(names)) == 30 and names[4] == "05_same name_color.png" and len(shares) == 30
    assert zipfile.ZipFile(io.BytesIO(packed)).testzip() is None


def test_a_strip_that_no_jpeg_can_hold_costs_only_itself():
    strip = sheets.to_png(np.zeros((2, 66_000, 1), np.uint8))
    look = colorize.look(Blue(), strip)
    assert look.side == 66_000 and max(look.gray.shape) == colorize.VIEW
    photos = [("strip.png", strip, look.tint), ("photo.png", encoded(Image.fromarray(GRADIENT)), look.tint)]
    packed, left_out = colorize.archive(photos)
    assert zipfile.ZipFile(io.BytesIO(packed)).namelist() == ["02_photo_color.jpg"]
    assert len(left_out) == 1 and "strip.png is not in the zip" in left_out[0] and "Choose PNG" in left_out[0]
    assert len(zipfile.ZipFile(io.BytesIO(colorize.archive(photos, "PNG")[0])).namelist()) == 2


def test_it_is_refused_before_it_is_painted(monkeypatch):
    """Painting 40 megapixels for nothing took seconds."""
    monkeypatch.setattr(paint, "paint", lambda *_: pytest.fail("it is painted"))
    with pytest.raises(reader.BadPicture, match="at most 65500 pixels a side, this picture 66000. Choose PNG"):
        colorize.render(sheets.to_png(np.zeros((2, 66_000, 1), np.uint8)), "strip.png", wild_tint())


def test_odd_tags_are_no_reason_to_refuse_a_download():
    """What a camera's program wrote into them may not be written anew."""
    raw, rng = camera_file(), np.random.default_rng(0)
    at = raw.index(b"Exif") + 6
    for _ in range(40):
        mutated = bytearray(raw)
        for place in rng.integers(at, at + 120, 6):
            mutated[place] = rng.integers(256)
        for kind in ("JPEG", "PNG"):
            done = reader.photo(colorize.render(bytes(mutated), "a.jpg", wild_tint(), kind))
            assert sorted(done.pixels.shape) == [3, 300, 400]


def test_of_a_film_it_is_told_that_one_picture_is_shown():
    raw = encoded(Image.new("L", (40, 30)), "GIF", save_all=True, append_images=[Image.new("L", (40, 30), 255)])
    assert "animation" in colorize.look(Blue(), raw).note


# --- judging ------------------------------------------------------------------------------------------------------

def test_compare_knows_the_truth_and_the_gray_copy():
    truth = reader.pixels(datasets.photographs()["Coffee"].read_bytes())
    assert colorize.compare(truth, truth) == (pytest.approx(99), pytest.approx(1))
    psnr, ratio = colorize.compare(truth, sheets.to_rgb(paint.gray(truth)))
    assert 10 < psnr < 20 and ratio == pytest.approx(0, abs=1e-6)


def test_colorfulness_against_the_formula():
    gray = convert.to_three(ramp() / np.float32(255))[None]
    assert metrics.colorfulness(gray) == pytest.approx([0])
    red = np.zeros((1, 4, 4, 3))
    red[..., 0] = 1
    assert metrics.colorfulness(red) == pytest.approx([0.3 * np.hypot(1, 0.5)])
    assert metrics.colorfulness(np.stack([red[0], gray[0, :4, :4]])).shape == (2,)


def test_the_published_experiment_joins_chroma_with_the_lightness_that_went_in(published):
    pictures = random_pictures(5, (32, 32, 3)) * 0.5 + 0.25
    result = published_colorizer.run(published, pictures)
    assert result.predicted.shape == result.own_lightness.shape == pictures.shape
    assert result.gray.shape == (5, 32, 32, 1)
    lightness = convert.to_lab(result.own_lightness)[0]
    own = convert.to_lab(convert.to_three(result.gray[0])[None])[0]
    assert np.abs(lightness[:1] - own).mean() < 0.01
    np.testing.assert_allclose(published_colorizer.join(*convert.to_lab(pictures)), pictures, atol=0.3)
    row = published_colorizer.evaluate(published, pictures)
    assert {"mse", "psnr", "gray_mse", "gray_psnr", "mse_own_lightness", "colorfulness_ratio"} <= set(row)
    assert [row["gray_mse"], row["mse"], row["mse_own_lightness"]] == pytest.approx(published_colorizer.errors(result))


def blue_like(network):
    blue = Blue()
    blue.preset = network.preset
    return blue


def library(side=128):
    """The library's photographs as `evaluate` takes them, in the arrangement of data.Files."""
    return np.stack([convert.resize(reader.read(path.read_bytes()), (side, side))
                     for path in datasets.photographs().values()])


def test_photographs_are_measured_on_the_way_that_is_served(network):
    row = colorize.evaluate(network, library())
    assert row["n"] == 6 and row["lightness_error"] < 1e-4
    assert row["gray_psnr"] == pytest.approx(colorize.evaluate(blue_like(network), library())["gray_psnr"])
    assert set(row) == {"n", "psnr", "gray_psnr", "mean_chroma_psnr", "colorfulness_ratio", "lightness_error"}


def test_the_network_knows_more_of_color_than_the_gray_copy(network):
    row = colorize.evaluate(network, library())
    assert row["psnr"] > max(row["gray_psnr"], row["mean_chroma_psnr"]) and row["colorfulness_ratio"] > 0.3


def test_a_sheet_shows_gray_predicted_and_true(network):
    photos = [reader.pixels(path.read_bytes()) for path in datasets.photographs().values()]
    sheet = colorize.sheet([colorize.column(colorize.colorize(network, photo), photo, 64) for photo in photos], 3)
    assert sheet.shape == (2 * (3 * 64 + 4) + 4, 3 * (64 + 4) + 4, 3)
    first = sheet[4:4 + 192, 4:4 + 64].astype(int)
    assert np.ptp(first[:64], axis=-1).max() <= 1 and np.ptp(first[128:], axis=-1).max() > 60


def test_the_library_photographs_need_no_network():
    places = datasets.photographs()
    assert len(places) == 6 and all(path.is_file() for path in places.values())


def test_the_published_sheet_has_a_hundred_pieces_of_photographs_where_cifar_is_not():
    photos = [reader.read(path.read_bytes(), path.name) for path in datasets.photographs().values()]
    pieces = published_colorizer.windows(photos, 100)
    assert pieces.shape == (100, *published_colorizer.SHAPE) and pieces.min() >= 0 and pieces.max() <= 1
    assert len({piece.tobytes() for piece in pieces}) == 100
    np.testing.assert_array_equal(pieces, published_colorizer.windows(photos, 100))
