"""From a picture to its cloud on the plane to pictures drawn from it, in one row."""
import zlib
from typing import Any

import numpy as np
import streamlit as st

from ae_core import latent
from ae_core.features import latent_map
from pages.shared import address, cache, live, widgets


def show(served: Any, runs: str | None) -> None:
    """Choose or draw a picture; see the normal distribution that the encoder makes of it, and draw from that.

    served: a model of two numbers without labels; runs: its id in the browser.
    """
    plane, codes = widgets.opened(cache.plane, served), cache.codes(served)
    if served.preset.variational:
        st.markdown("The encoder of a VAE answers a picture with a **cloud**: a mean and a deviation for each number. "
                    "What is decoded is drawn from it, so all that lies within it has to look alike. Drag its middle "
                    "or the corner of its ellipse (two deviations), and see what the six draws become.")
    else:
        st.markdown("The encoder of a plain autoencoder answers with **one point**; there is no cloud to draw from, "
                    "and nothing asks what lies beside it to look like anything. Drag it there.")
    controls, row = st.container(horizontal=True, vertical_alignment="bottom"), st.container()

    def draw(key, preset):
        with row:
            return widgets.drawn(key, preset, widgets.through(preset, runs))
    with controls:
        picked = widgets.pick_pictures("cloud", served.preset, 1, draw=draw)
    picture = picked.pictures[0]
    mean, deviation = latent_map.posterior_of(served, picture)
    own = live.Cloud((float(mean[0]), float(mean[1])), (float(deviation[0]), float(deviation[1])), 0)
    drawing = st.session_state.cloud_source == "Drawing"     # from the first stroke on
    key = f"cloud_{served.preset.name}_{'drawn' if drawing else zlib.crc32(picture.tobytes())}"
    bounds = _around(plane.bounds, own)
    field = _field(bounds)
    at = field.read() if st.session_state.setdefault("cloud_of", key) == key else None     # the link is of its picture
    here = live.held_cloud(key, own, bounds, at)
    with row:
        here = live.cloud(
            key, own, picture=latent.tiles(picture[None], 1)[0, 0], bounds=bounds, at=at, follows=drawing,
            decoded=latent.tiles(served.decode(here.samples()), live.CLOUD_COUNT)[0], dots=plane.points,
            dot_labels=codes.label, axes=plane.names, decoder=live.Decoder(runs, (np.zeros(2), np.eye(2))),
            label=f"The plane of {served.preset.title}, with the cloud of the picture")
    field.write(None if here == own else live.sent_cloud(here))


def _around(bounds: latent.Bounds, own: live.Cloud) -> latent.Bounds:
    """The bounds of a plane, wide enough for a code beyond them."""
    (x, y), (x0, x1, y0, y1) = own.mean, bounds
    return min(x0, x), max(x1, x), min(y0, y), max(y1, y)


def _field(bounds: latent.Bounds) -> address.Field:
    """Where the address keeps a cloud that is not the picture's own: mean, deviations, draw."""
    x0, x1, y0, y1 = bounds
    deviation = (0, live.WIDEST)
    ranges = [(x0, x1), (y0, y1), deviation, deviation, (0, live.CLOUD_DRAWS - 1)]
    inner = address.numbers("cloud", ranges, None, "cloud")
    return address.Field("cloud", "cloud", None, inner.parse, lambda found: inner.format(found) if found else "")
