"""What a canvas shows of a weighted sum of pictures, drawn over each other, against the sum itself."""
import numpy as np
import pytest

from pages.shared.live import state

SIDE = 8
SHOW = """async ([levels, side, channels, calls]) => {
    const count = levels.length / (side * side * channels);
    const image = new ImageData(side * count, side);
    for (let k = 0; k < count; k++) {
        for (let i = 0; i < side * side; i++) {
            const [row, column] = [Math.floor(i / side), i % side];
            const at = 4 * (row * side * count + k * side + column);
            for (let c = 0; c < 3; c++) image.data[at + c] = levels[(k * side * side + i) * channels + c % channels];
            image.data[at + 3] = 255;
        }
    }
    const sheet = { image: await createImageBitmap(image), columns: count, width: side, height: side };
    const picture = new Picture("");
    picture.resize(side, side);
    for (const [name, ...parts] of calls) picture[name](sheet, ...parts);
    return Array.from(picture.context.getImageData(0, 0, side, side).data);
}"""


def shown(page, pictures, *calls):
    """RGB levels (side, side, 3) after calls of a Picture's methods on a sheet of pictures (n, side, side, c)."""
    script = (state.ASSETS / "common.js").read_text("utf-8")
    levels = page.evaluate(f"{script}\n({SHOW})", [pictures.ravel().tolist(), SIDE, pictures.shape[-1], calls])
    return np.array(levels, float).reshape(SIDE, SIDE, 4)[..., :3]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_blend_is_the_weighted_sum(page, channels):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (6, SIDE, SIDE, channels), np.uint8)
    for _ in range(20):
        weights = rng.dirichlet(np.ones(4))
        chosen = rng.choice(6, 4, replace=False)
        wanted = np.tensordot(weights, pictures[chosen].astype(float), 1)
        parts = [[int(k), float(weight)] for k, weight in zip(chosen, weights, strict=True)]
        assert np.abs(shown(page, pictures, ["blend", parts]) - wanted).max() <= 1.1


def test_one_picture_alone_is_shown_as_it_is(page):
    pictures = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
    assert np.array_equal(shown(page, pictures, ["blend", [[1, 1], [2, 0]]]), pictures[1])


def test_changes_are_added_and_taken_away_within_what_a_pixel_holds(page):
    rng = np.random.default_rng(2)
    pictures = rng.integers(0, 256, (5, SIDE, SIDE, 3), np.uint8)
    base, before, after = [[0, 0.25], [1, 0.75]], [[2, 1], [3, 0]], [[3, 0.4], [4, 0.6]]
    whole = pictures.astype(float)
    wanted = 0.25 * whole[0] + 0.75 * whole[1] + 0.4 * whole[3] + 0.6 * whole[4] - whole[2]
    assert (wanted < 0).any() and (wanted > 255).any()
    changed = shown(page, pictures, ["blend", base], ["change", before, after])
    assert np.abs(changed - np.clip(wanted, 0, 255)).max() <= 2
