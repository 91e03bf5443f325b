"""Uploads of every kind: each becomes a picture or a sentence."""
import contextlib
import io

import numpy as np
import pytest
from PIL import Image

from ae_core.pictures import reader, sheets, subject

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
    import zlib
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


# --- fitting a reader's picture ------------------------------------------------------------------------

def test_dark_ink_on_a_light_ground_is_inverted_and_centered():
    paper = np.ones((200, 300, 3), np.float32)
    paper[20:80, 30:60] = 0.1
    fitted = subject.fit(paper, (28, 28, 1), margin=4)
    assert fitted.shape == (28, 28, 1)
    assert fitted[14, 14] == pytest.approx(1, abs=0.01) and fitted[0].max() == 0
    rows, columns = np.where(fitted[..., 0] > 0.5)
    assert rows.max() - rows.min() + 1 == 20 and abs((columns.min() + columns.max()) / 2 - 13.5) <= 1


def test_light_ink_on_black_stays():
    board = np.zeros((50, 50, 1), np.float32)
    board[10:40, 20:30] = 0.8
    assert subject.fit(board, (28, 28, 1))[14, 14] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (28, 28), (3000, 20)])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_pictures_without_a_subject_come_back_black(size, level):
    fitted = subject.fit(np.full((*size, 3), level, np.float32), (28, 28, 1))
    assert fitted.shape == (28, 28, 1) and fitted.max() == 0


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 1)])
def test_noise_of_any_size_fits(shape):
    fitted = subject.fit(np.random.default_rng(0).random((333, 77, 3), np.float32), shape)
    assert fitted.shape == shape and fitted.min() >= 0 and fitted.max() <= 1


# --- sheets ----------------------------------------------------------------------------------------------

def test_a_tile_keeps_pixels_sharp_and_in_order():
    pictures = np.zeros((3, 2, 2, 1), np.float32)
    pictures[1, 0, 1] = 1
    sheet = sheets.tile(pictures, 2, gap=1, scale=3)
    assert sheet.shape == (7 * 3, 7 * 3, 1) and sheet.dtype == np.uint8
    assert (sheet[3:6, 15:18] == 255).all() and set(np.unique(sheet)) == {0, 64, 255}


def test_a_label_covers_nothing():
    sheet = sheets.tile(np.ones((1, 28, 28, 1), np.float32), 1, scale=4)
    labeled = sheets.label(sheet, "Original")
    assert labeled.shape[-1] == 3 and (labeled[-len(sheet):] == sheet).all()
    assert (labeled[:-len(sheet)] < 128).any()


def test_png_and_gif_survive_the_way_out():
    pictures = np.random.default_rng(0).random((5, 6, 6, 1)).astype(np.float32)
    sheet = sheets.tile(pictures, 5)
    assert (np.asarray(Image.open(io.BytesIO(sheets.to_png(sheet)))) == sheet[..., 0]).all()
    gif = Image.open(io.BytesIO(sheets.to_gif(pictures, fps=10, scale=2)))
    assert gif.n_frames == 5 and gif.size == (12, 12) and gif.info["duration"] == 100


def test_stack_keeps_every_sheet():
    stacked = sheets.stack(np.zeros((4, 5, 1), np.uint8), np.full((3, 5, 3), 9, np.uint8), gap=2)
    assert stacked.shape == (9, 5, 3) and (stacked[-3:] == 9).all() and (stacked[4:6] == 255).all()
