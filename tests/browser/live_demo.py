"""A page with the live components on synthetic pictures: what test_live.py drives."""

import cv2
import numpy as np
import streamlit as st

from pages.shared import live

CLASSES = ("Disc", "Ring", "Bar")


@st.cache_data
def blob(x: np.ndarray, y: np.ndarray, side: int = 28) -> np.ndarray:
    """A soft spot at (x, y), each -2..2, its width growing with x: uint8 (..., side, side)."""
    across = np.linspace(-3, 3, side)
    x, y = np.asarray(x)[..., None, None], np.asarray(y)[..., None, None]
    distance = (across - x) ** 2 + (across[::-1, None] - y) ** 2
    ring = np.cos(4 * np.sqrt(distance)) * 0.25 + 0.75
    return np.uint8(255 * ring * np.exp(-distance / (0.6 + 0.25 * (x + 2))))


@st.cache_data
def sheets() -> tuple[live.Sheet, live.Sheet, live.Sheet]:
    """The atlas of 48 x 48 tiles, a row of 24 frames, and the pictures of 300 dots."""
    nodes = np.linspace(-2, 2, 48)
    atlas = live.encode_grid(blob(*np.meshgrid(nodes, nodes[::-1])))
    strip = live.encode_strip(blob(np.linspace(-2, 2, 24), np.zeros(24)))
    return atlas, strip, live.encode_strip(blob(*points()[:300].T))


def points() -> np.ndarray:
    """3,000 latent points, (n, 2)."""
    return np.random.default_rng(0).normal(size=(3000, 2)) * 0.8


def lines() -> None:
    """The page at ?lines: every component with a line to drag, and room to scroll."""
    atlas, strip, near = sheets()
    faces = blob(np.linspace(-2, 2, 9), np.zeros(9))
    pictures = [cv2.imencode(".png", blob(np.array(x), np.array(0)))[1].tobytes() for x in (-1, 1)]
    live.filmstrip("strip", strip, start=-1, stop=1, label="Path", alt="A soft spot that travels", scale=3)
    values = live.mixed("mix", [0, 0])
    live.mixer("mix", np.stack([faces, faces[::-1]]), ["Smile", "Hat"], values=[0, 0], exact=faces[4], alt="A mixture")
    live.threshold("line", points()[:, 0], points()[:, 1] > 1.5, label="Limit", value=1.0)
    live.divider("halves", *pictures, label="Halves", size=(28, 28), names=("before", "after"),
                 alts=("A spot", "Another spot"), height=300)
    st.html("<div style='height: 1500px'></div>")
    st.text(f"mix={values}")
    live.canvas_note("note", "Photographs taken here would be noise.")


def main() -> None:
    """The page: two pads, a filmstrip, a sketchpad, and below what the server got from them."""
    atlas, strip, near = sheets()
    st.set_page_config("Live components", layout="wide")
    if "lines" in st.query_params:
        lines()
        return
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    st.title("Live components")
    backdrop = st.radio("Backdrop", ("both", "points", "grid", "plain"), horizontal=True)
    st.button("Rerun")
    if st.button("Place"):
        live.place("first", (-1.0, 1.0))
        live.place("strip", 0.25)
        live.place("sketch", None)

    labels = (points()[:, 0] // 1 % 3).astype(int)
    first = live.pad(
        "first",
        atlas,
        bounds=(-2, 2, -2, 2),
        point=(0.5, -0.5),
        backdrop=backdrop,
        dots=points(),
        dot_labels=labels,
        classes=CLASSES,
        neighbors=live.Neighbors(points()[:300], near, labels[:300]),
        exact=lambda x, y: blob(x, y),
        label="Latent plane",
        alt="A soft spot, decoded from the point",
    )
    warped = "warp" in st.query_params
    second = live.pad(
        "second",
        atlas,
        bounds=(0.02, 0.98, 0.02, 0.98) if warped else (-2, 2, -2, 2),
        warp=warped,
        label="Other plane",
        alt="The other soft spot",
    )
    value = live.filmstrip(
        "strip",
        strip,
        start=-1,
        stop=1,
        captions=[f"frame {number}" for number in range(24)],
        ends=("left", "right"),
        autoplay="autoplay" in st.query_params,
        label="Path",
        alt="A soft spot that travels",
    )
    ink = live.sketchpad("sketch", label="Drawing", alt="Your drawing")

    st.text(f"first={first[0]:.4f},{first[1]:.4f}")
    st.text(f"second={second[0]:.4f},{second[1]:.4f}")
    st.text(f"strip={value:.4f}")
    st.text(f"ink={0 if ink is None else int((ink > 0.5).sum())}")
    # Last, so that whoever sees a new count sees the new values above it.
    st.text(f"runs={st.session_state['runs']}")


if __name__ == "__main__":
    main()
