"""One query over 60,000 x 32 against the published Python loop, alternately in one run; and HNSW at 1,000,000 x 32.

Codes: of the training pictures (the shipped test pictures, repeated with a little noise, where those are not here). The
million are the same codes with noise of a third of each number's deviation, so that they lie as codes lie.
"""
import os
import statistics
import tempfile
import time

import faiss
import numpy as np

from ae_core import model
from ae_core.features import search
from ae_core.pictures import datasets

MANY = 1_000_000
QUERIES = 500
ROUNDS = 15


def run():
    """Seconds a query of both, their ratio, and the recall, seconds and bytes of the graph."""
    codes, rng = _codes(60_000), np.random.default_rng(0)
    index, queries = search.Index.build(codes), rng.choice(codes, ROUNDS) + 0.05 * codes.std(axis=0)
    queries = queries.astype(np.float32)
    index.search(queries[:1])                    # warm
    seconds, same = {"ours": [], "loop": []}, []
    for query in queries:
        found = {}
        for name, call in (("ours", lambda q: index.search(q[None]).ids[0]), ("loop", lambda q: _loop(q, codes))):
            start = time.perf_counter()
            found[name] = call(query)
            seconds[name].append(time.perf_counter() - start)
        same.append(set(found["ours"]) == set(found["loop"]))
    median = {name: statistics.median(values) for name, values in seconds.items()}
    return {"seconds": median["ours"], "loop_seconds": median["loop"], "ratio": median["loop"] / median["ours"],
            "same_neighbors": all(same), "hnsw": _graph(codes, rng)}


def _loop(query, codes):
    """The published search, in our words: a distance for every vector, one after the other, then a sort."""
    distances = [(np.linalg.norm(query - code), place) for place, code in enumerate(codes)]
    return [place for _, place in sorted(distances)[:search.RESULTS]]


def _graph(codes, rng):
    spread = codes.std(axis=0) / 3
    many = np.concatenate([codes[start % len(codes):][:50_000] + rng.normal(0, spread, (50_000, codes.shape[1]))
                           for start in [0] * (MANY // 50_000)]).astype(np.float32)
    queries = many[rng.integers(0, MANY, QUERIES)] + rng.normal(0, spread, (QUERIES, many.shape[1])).astype(np.float32)
    start = time.perf_counter()
    index = search.Index.build(many)
    seconds = time.perf_counter() - start
    exact = faiss.IndexFlatL2(many.shape[1])
    exact.add(many)
    truth, found = exact.search(queries, search.RESULTS)[1], index.search(queries).ids
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "graph.faiss")
        index.save(path)
        size = os.path.getsize(path)
    recall = np.mean([len(set(a) & set(b)) / search.RESULTS for a, b in zip(truth, found, strict=True)])
    return {"vectors": MANY, "recall": float(recall), "build_seconds": seconds, "bytes": size}


def _codes(count):
    served = model.load(search.PRESET)
    pictures = datasets.load(served.preset.dataset, "train" if datasets.find(served.preset.dataset) else "test")[0]
    codes = served.encode(pictures)
    more = np.concatenate([codes] * -(-count // len(codes)))[:count]
    noise = np.random.default_rng(1).normal(0, 0.1, more.shape) * codes.std(axis=0)
    return np.where(np.arange(count)[:, None] < len(codes), more, more + noise).astype(np.float32)
