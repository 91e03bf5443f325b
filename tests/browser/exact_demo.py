"""A mixer of 128 strips, one a number of a code: what test_exact.py drives."""
import base64

import numpy as np
import streamlit as st

from ae_core import browser, presets, store
from pages.shared import live

NAME = next(name for name, preset in presets.PRESETS.items() if preset.code == 128 and store.present(name))
REACH = 2.0
CODE = np.linspace(-1, 1, 128, dtype=np.float32)


@st.cache_resource
def halves() -> dict[str, str]:
    """The packed halves, within their own addresses."""
    return {half: f"data:application/octet-stream;base64,{base64.b64encode(blob).decode()}"
            for half, blob in browser.pack(store.read(NAME)).items()}


def main() -> None:
    """The page, and below it the values that the server got."""
    runs = live.model(halves())
    frames = np.zeros((128, 2, 28, 28), np.uint8)
    values = live.mixer("code", frames, [f"Number {k + 1}" for k in range(128)], values=[0] * 128, exact=frames[0, 0],
                        alt="The picture of the code", start=-REACH, stop=REACH,
                        decoder=live.Decoder(runs, (CODE, np.eye(128))))
    st.text(f"moved={sum(map(bool, values))}")


if __name__ == "__main__":
    main()
