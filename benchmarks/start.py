"""Importing all that the app needs against importing TensorFlow, each in a fresh process, alternately."""
import json
import statistics
import subprocess
import sys

APP = ("import streamlit, plotly.graph_objects, ae_core.model, ae_core.pictures.datasets, "
       "ae_core.features.reconstruct, ae_core.features.denoise, ae_core.features.latent_map, ae_core.features.digits")
TENSORFLOW = "import tensorflow"
MEASURE = """
import json, resource, time
start = time.perf_counter()
{imports}
seconds = time.perf_counter() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""
ROUNDS = 3


def run():
    """Seconds and peak memory (MB) of both, and how many times faster the app starts."""
    measured = {APP: [], TENSORFLOW: []}
    for _ in range(ROUNDS):
        for imports, rows in measured.items():
            output = subprocess.run([sys.executable, "-c", MEASURE.format(imports=imports)], check=True,
                                    capture_output=True, text=True).stdout
            rows.append(json.loads(output.splitlines()[-1]))
    (seconds, rss), (tensorflow_seconds, tensorflow_rss) = (
        [statistics.median(column) for column in zip(*rows, strict=True)] for rows in measured.values())
    return {"seconds": seconds, "tensorflow_seconds": tensorflow_seconds, "seconds_ratio": tensorflow_seconds / seconds,
            "rss_mb": rss, "tensorflow_rss_mb": tensorflow_rss}
