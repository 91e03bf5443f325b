"""A 12-megapixel photograph in color, from the bytes of a JPEG to those of another, in a process of its own.

`ratio` is the time against merely decoding the same JPEG and encoding it again, alternately in one run; `rss_mb` the
peak memory of the whole process. A photograph of 50 megapixels follows in another process. Both are a library's
photograph, enlarged and with grain, so that neither the decoder nor the encoder has it easy.

`psnr_by_side` and `color_by_side` say how well six library photographs are colorized by how large the network sees
them: this is what colorize.SIDE was chosen by.
"""
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from ae_core import model
from ae_core.features import colorize
from ae_core.pictures import datasets, reader, sheets

SIZES = {12: (4000, 3000), 50: (8000, 6250)}     # megapixels -> width, height
SIDES = (96, 128, 160, 192, 256, 320, 384)
ROUNDS = 7
GRAIN = 6                                        # levels
MEASURE = """
import json, resource, sys, time
from pathlib import Path
from ae_core import model
from ae_core.features import colorize
from ae_core.pictures import reader, sheets

def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start

raw, rounds = Path(sys.argv[1]).read_bytes(), int(sys.argv[2])
served = model.load(colorize.PRESET)
ours = lambda: colorize.convert_file(served, raw)
copy = lambda: sheets.to_photo(reader.pixels(raw))
size = reader.pixels(ours()).shape
rows = [(seconds(ours), seconds(copy)) for _ in range(rounds)]
print(json.dumps({"size": size, "rows": rows, "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def run():
    """Seconds of both, their ratio and the peak memory at 12 megapixels; the same of one round at 50."""
    (seconds, copy_seconds), rss, _ = measure(12, ROUNDS)
    (seconds_50, copy_50), rss_50, size = measure(50, 1)
    return {"seconds": seconds, "copy_seconds": copy_seconds, "ratio": seconds / copy_seconds, "rss_mb": rss,
            "ratio_50": seconds_50 / copy_50, "rss_mb_50": rss_50,
            "succeeds_50": size == [*SIZES[50][::-1], 3], **by_side()}


def by_side():
    """The mean PSNR in dB and the mean ratio of colorfulness on the library's photographs, for each side."""
    served = model.load(colorize.PRESET)
    photos = [reader.pixels(path.read_bytes()) for path in datasets.photographs().values()]
    scores = {side: np.mean([colorize.compare(photo, colorize.colorize(served, photo, side).picture)
                             for photo in photos], axis=0) for side in SIDES}
    return {"psnr_by_side": {side: float(psnr) for side, (psnr, _) in scores.items()},
            "color_by_side": {side: float(ratio) for side, (_, ratio) in scores.items()}}


def measure(megapixels, rounds):
    """The median seconds of colorizing and of copying, the peak memory in MB, and the shape of what came out."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "photo.jpg")
        file.write_bytes(photograph(*SIZES[megapixels]))
        output = subprocess.run([sys.executable, "-c", MEASURE, str(file), str(rounds)], check=True,
                                capture_output=True, text=True).stdout
    measured = json.loads(output.splitlines()[-1])
    medians = [statistics.median(column) for column in zip(*measured["rows"], strict=True)]
    return medians, measured["rss_mb"], measured["size"]


def photograph(width, height):
    """The JPEG bytes of a large color photograph with grain."""
    rng = np.random.default_rng(0)
    photo = reader.pixels(datasets.photographs()["China"].read_bytes())
    photo = cv2.resize(photo, (width, height), interpolation=cv2.INTER_CUBIC)
    for row in photo:
        row[:] = np.clip(row + rng.normal(0, GRAIN, row.shape), 0, 255)
    return sheets.to_photo(photo)
