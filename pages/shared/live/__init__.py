"""Live components: what is dragged or drawn shows at once, with no call to the server.

A component is a pair of files: NAME.py is what a page calls, NAME.js what runs in the browser. It reports once, when
the reader lets go, and then Streamlit reruns the page. The components know pictures (uint8 arrays) and numbers; a
model is to them an id, under which the browser runs it or does not (`model`). The contract of the browser's side stands
at the top of common.js.
"""
from .announce import announce
from .camera import camera
from .canvas_note import canvas_note
from .cloud import COUNT as CLOUD_COUNT
from .cloud import DRAWS as CLOUD_DRAWS
from .cloud import WIDEST, Cloud, cloud
from .cloud import held as held_cloud
from .cloud import sent as sent_cloud
from .divider import divider
from .filmstrip import filmstrip, held
from .hunt import hunt
from .mixer import mixed, mixer
from .model import model
from .origins import origins
from .pad import Chorus, Neighbors, pad
from .recent import dropped, recent
from .rows import held as held_rows
from .rows import rows
from .sheet import PALETTE, Sheet, encode_grid, encode_strip
from .sketchpad import Through, sketchpad
from .state import ASSETS, Decoder, place
from .threshold import threshold
