"""Reverse image search: every picture becomes a short code, and the nearest codes belong to the most similar pictures.

Codes are float32 (n, d) and go into a faiss index, each known by an id. Distances are Euclidean, of the codes as they
are (published) or, better, of their first 32 principal directions, half whitened and at unit length.
"""
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np

from ae_core import files, store
from ae_core.model import Autoencoder

RESULTS = 16
SIZE = 32                        # numbers by which pictures are compared
PRESET = "fashion_search"
CLEAN = {"fashion_denoiser": "fashion_conv", "fashion_codes": "fashion_dense_64"}    # learned from noise -> did not
ANGLE, STRAIGHT = "angle", "straight"            # how codes are compared: projected, or as they are (published)
NONE = 1e-7                      # of the largest variance: what counts as no variance in float32
EXACT_UP_TO = 100_000            # vectors; beyond, a graph is searched in place of the whole list
LINKS, EFFORT = 32, 128          # of the graph: neighbors a vector, and candidates held while building and searching
CORES = os.cpu_count() or 1
FEW = 16                         # queries are done before other threads would have woken up (0.2 ms against 44 ms)


class BadIndex(ValueError):
    """A file that is not a whole search index."""


@dataclass(frozen=True)
class Found:
    ids: np.ndarray              # (n, k) int64, the nearest first
    distances: np.ndarray        # (n, k) float32


class Index:
    """Codes that can be searched, added to, removed from, saved and opened again; one file holds all of it.

    Up to 100,000 are compared one by one; beyond, HNSW searches a graph (Malkov and Yashunin, 2016).
    """

    def __init__(self, inner: faiss.Index, mapped: np.ndarray | None = None):
        self._inner, self._mapped = inner, mapped    # the bytes of the file in which the vectors are, if in any

    @classmethod
    def build(cls, codes: np.ndarray, ids: Sequence[int] | np.ndarray | None = None, projected: bool = False) -> Self:
        """The index of codes (n, d); ids (n,) are 0, 1, 2 ... where none are given.

        projected: compare the first 32 principal directions of these codes, half whitened, by angle.
        """
        codes = _vectors(codes)
        steps = _projection(codes) if projected else []
        size = SIZE if projected else codes.shape[1]
        index = cls(_chain(steps, _empty(size, len(codes))))
        index.add(codes, np.arange(len(codes)) if ids is None else ids)
        return index

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """An index from its file, which is mapped into memory and read where it is needed.

        faiss is given bytes, never a path, here and in `save`: on Windows it cannot open one beyond ASCII.
        Raises BadIndex where it is not whole.
        """
        try:
            raw = np.memmap(path, np.uint8, "r")
            reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(raw), raw.size)     # type: ignore[attr-defined]
            return cls(faiss.read_index(reader), raw)
        except (RuntimeError, ValueError):
            parts = Path(path).stem.split("_")
            of = f"{Path(path).parent.name} --split {parts[1]} --by {parts[2]}" if len(parts) == 4 else "NAME"
            raise BadIndex(f"{Path(path).name} is not a whole search index. "
                           f"Build it anew with: python -m ae_core index {of}") from None

    def save(self, path: str | Path) -> None:
        """Write the file whole, so that a reader sees the old index or the new one."""
        with files.replacing(path) as partial, open(partial, "wb") as file:
            faiss.write_index(self._inner, faiss.PyCallbackIOWriter(file.write))    # type: ignore[attr-defined]

    def __len__(self) -> int:
        return self._inner.ntotal

    @property
    def ids(self) -> np.ndarray:
        """The id of every vector (n,), in no order."""
        return faiss.vector_to_array(self._map().id_map)

    def add(self, codes: np.ndarray, ids: Sequence[int] | np.ndarray) -> None:
        """More codes (n, d) with their ids (n,), none of them in use yet."""
        codes, ids = _vectors(codes), np.asarray(ids, np.int64)
        if len(np.unique(np.concatenate([self.ids, ids]))) < len(self) + len(ids):
            raise ValueError("Every code needs an id of its own; some of these are in use.")
        self._own()
        total = len(self) + len(codes)
        if self.exact and total > EXACT_UP_TO:
            self._rebuild(np.ones(len(self), bool), total)
        self._inner.add_with_ids(codes, ids)

    def remove(self, ids: Sequence[int] | np.ndarray) -> None:
        """Forget the vectors with these ids; unknown ones are no error."""
        self._own()
        self._rebuild(~np.isin(self.ids, ids), len(self))   # a graph cannot forget: it is built anew from its vectors

    def search(self, codes: np.ndarray, count: int = RESULTS) -> Found:
        """The `count` nearest to each of codes (n, d), or as many as there are."""
        codes, count = _vectors(codes), min(count, len(self))
        if not count:
            return Found(np.zeros((len(codes), 0), np.int64), np.zeros((len(codes), 0), np.float32))
        faiss.omp_set_num_threads(1 if len(codes) < FEW else CORES)
        squared, ids = self._inner.search(codes, count)
        return Found(ids, np.sqrt(np.maximum(squared, 0)))

    def plane(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The vectors as points (n, 2) of their first two principal directions, in the order of their ids; and where
        other codes (m, d) lie there: (m, 2).
        """
        place, inner = self._map(), faiss.downcast_index(self._inner)
        chain: Any = inner.chain if isinstance(inner, faiss.IndexPreTransform) else None
        vectors = faiss.downcast_index(place.index).reconstruct_n(0, place.ntotal)[np.argsort(self.ids)]
        codes = _vectors(codes)
        for k in range(chain.size() if chain else 0):
            codes = chain.at(k).apply(codes)
        mean = vectors.mean(axis=0)
        axes = np.linalg.eigh(np.cov((vectors - mean).T))[1][:, :-3:-1].astype(np.float32)
        return (vectors - mean) @ axes, (codes - mean) @ axes

    @property
    def exact(self) -> bool:
        """Whether every vector is compared."""
        return not isinstance(faiss.downcast_index(self._map().index), faiss.IndexHNSW)

    def _map(self):
        """The part that knows ids, behind the projection if there is one."""
        inner = faiss.downcast_index(self._inner)
        return faiss.downcast_index(inner.index) if isinstance(inner, faiss.IndexPreTransform) else inner

    def _own(self):
        """Vectors that are mapped from a file cannot change: read them into memory first."""
        if self._mapped is not None:
            self._inner, self._mapped = faiss.deserialize_index(np.array(self._mapped)), None

    def _rebuild(self, kept, total):
        old, ids = faiss.downcast_index(self._map().index), self.ids
        fresh = _empty(old.d, total)
        if kept.any():
            fresh.add_with_ids(old.reconstruct_n(0, old.ntotal)[kept], ids[kept])
        inner = faiss.downcast_index(self._inner)
        chain = inner.chain if isinstance(inner, faiss.IndexPreTransform) else None
        steps = [chain.at(k) for k in range(chain.size())] if chain else []
        self._before, self._inner = self._inner, _chain(steps, fresh)    # the steps belong to the index before


def of_preset(served: Autoencoder, split: str, ruler: str = ANGLE) -> Index | None:
    """The index beside a preset's weights of a split of its data set.

    None where there is none, another model's, or one that is damaged: it can be built again.
    """
    path = path_of(served, split, ruler)
    try:
        return Index.open(path) if path.is_file() else None
    except BadIndex as error:
        logging.getLogger(__name__).warning("%s It is built anew in memory.", error)
        return None


def path_of(served: Autoencoder, split: str, ruler: str = ANGLE) -> Path:
    """Where the index of a preset and a split lies; its name holds the checksum of the encoder that made its codes."""
    encoder = served.card["sha256"]["encoder.onnx"][:12]
    return store.folder_of(served.preset.name) / f"index_{split}_{ruler}_{encoder}.faiss"


def build(served: Autoencoder, pictures: np.ndarray, ruler: str = ANGLE) -> Index:
    """The index of pictures (n, h, w, c), their places as ids; compared by ANGLE or STRAIGHT."""
    codes = served.encode(pictures)
    enough = min(codes.shape) >= SIZE and len(codes) > 2 * SIZE      # for 32 directions of their own
    return Index.build(codes, projected=ruler == ANGLE and enough)


def like(index: Index, served: Autoencoder, picture: np.ndarray, count: int = RESULTS, but: int | None = None) -> Found:
    """The pictures most like one picture (h, w, c): ids (k,) and distances (k,). `but`: an id to leave out, its own."""
    found = index.search(served.encode(picture[None]), count + (but is not None))
    keep = found.ids[0] != but if but is not None else slice(None)
    return Found(found.ids[0][keep][:count], found.distances[0][keep][:count])


# --- scores ----------------------------------------------------------------------------------------------

def precision(ids: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The share of each query's results that have its label: ids (n, k), labels of all ids, wanted (n,) -> (n,)."""
    return (labels[ids] == wanted[:, None]).mean(axis=1)


def leave_one_out(index: Index, codes: np.ndarray, labels: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Precision at 16 (n,) of pictures of the index itself, each without itself; queries: their places (n,)."""
    ids = index.search(codes, RESULTS + 1).ids
    others = ids != queries[:, None]
    others[others.all(axis=1), -1] = False       # a twin stood in its place
    return precision(ids[others].reshape(len(queries), RESULTS), labels, labels[queries])


def baselines(pictures: np.ndarray, size: int = SIZE) -> dict[str, tuple[np.ndarray, bool]]:
    """What needs no network, {name: (codes (n, d), projected)}: raw pixels, PCA, and PCA compared as our codes are."""
    flat = _vectors(pictures.reshape(len(pictures), -1))
    return {"Raw pixels": (flat, False), f"PCA, {size} numbers": (_principal(flat, 0, size).apply(flat), False),
            f"PCA, {size} numbers, by angle": (flat, True)}


def claim(scores: dict[str, np.ndarray], titles: dict[str, str]) -> str:
    """Whether codes that learned from noise find more of the same class, as a sentence with the numbers.

    scores: {(name, ruler) as `named` writes it: hits (n,)} of models of both kinds; titles: {name: title}.
    """
    parts = []
    for taught, clean in CLEAN.items():
        if all(named(name, ANGLE) in scores for name in (taught, clean)):
            one, other = (float(scores[named(name, ANGLE)].mean()) for name in (taught, clean))
            verdict = "helps" if one > other + 0.002 else "does not help" if one < other - 0.002 else "changes nothing"
            parts.append(f"“{titles[taught]}” {one:.3f}, “{titles[clean]}” {other:.3f}: noise {verdict}")
    return "; ".join(parts)


def named(name: str, ruler: str) -> str:
    """What a model's codes, compared by a ruler, are called among the scores."""
    return f"{name}, {ruler}"


def evaluate(served: Autoencoder, pictures: np.ndarray, labels: np.ndarray, queries: np.ndarray,
             query_labels: np.ndarray) -> dict[str, Any]:
    """Precision at 16 of test queries against the pictures of an index: codes compared both ways, and the baselines."""
    scores, many = {}, len(pictures)
    everything = np.concatenate([pictures, queries])
    codes = served.encode(everything)
    ours = {STRAIGHT: (codes, False), ANGLE: (codes, True)}
    for name, (codes, projected) in (ours | baselines(everything)).items():
        ids = Index.build(codes[:many], projected=projected).search(codes[many:]).ids
        scores[name] = float(precision(ids, labels, query_labels).mean())
    best = max(ours, key=lambda ruler: scores[ruler])
    return {"queries": len(queries), "indexed": many, "precision_at_16": scores[STRAIGHT],
            "best_precision_at_16": scores[best], "best_code": f"{served.preset.name}, {best}", "precisions": scores}


# --- pieces ----------------------------------------------------------------------------------------------

def _vectors(codes):
    return np.ascontiguousarray(codes, np.float32)


def _empty(size, count):
    if count <= EXACT_UP_TO:
        return faiss.IndexIDMap2(faiss.IndexFlatL2(size))
    graph = faiss.IndexHNSWFlat(size, LINKS)
    graph.hnsw.efConstruction = graph.hnsw.efSearch = EFFORT
    return faiss.IndexIDMap2(graph)


def _projection(codes):
    """Principal directions, each divided by the square root of its standard deviation, then unit length.

    Fully whitened, the last directions would count as much as the first; as they are, the first would drown the rest.
    """
    return [_principal(codes, -0.25), faiss.NormalizationTransform(SIZE, 2.0)]


def _principal(codes, power, size=SIZE):
    """The first principal directions of codes (n, d), multiplied by their variance to some power."""
    directions = faiss.PCAMatrix(codes.shape[1], size, power)
    directions.max_points_per_d = len(codes)     # all of them are looked at
    directions.train(codes)
    variances = faiss.vector_to_array(directions.eigenvalues)
    faiss.copy_array_to_vector(np.maximum(variances, NONE * variances[0]), directions.eigenvalues)
    directions.prepare_Ab()                      # once more: a unit that never varies has a variance of -1e-7 or so
    return directions


def _chain(steps, inner):
    for step in reversed(steps):
        if isinstance(faiss.downcast_index(inner), faiss.IndexPreTransform):
            inner.prepend_transform(step)
        else:
            inner = faiss.IndexPreTransform(step, inner)
    return inner
