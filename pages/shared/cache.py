"""The only cached functions of the app: whatever costs more than a blink, once per server.

They take the served model, and its name and checksums are the key: a model that was trained anew or replaced is another
one. What they return is shared by all sessions and never changed.
"""
import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from ae_core import attributes as attribute_files
from ae_core import browser, latent, model, presets
from ae_core.features import (
    colorize,
    denoise,
    digits,
    faces,
    home,
    latent_map,
    outliers,
    published_colorizer,
    reconstruct,
    search,
)
from ae_core.own import collection, design, story
from ae_core.pictures import convert, datasets, reader, sheets, subject
from pages.shared import figures, live, server

NEIGHBORS = 2000                 # real pictures that a pad knows; of many dimensions fewer codes are stored
SHOWN = 224                      # pixels a side of an upload beside what a model sees of it
Served = model.Autoencoder


def _identity(served: Served | model.Colorizer) -> tuple:
    return served.preset.name, sorted(served.card["sha256"].items())


def once(spinner: str | bool, entries: int) -> Callable:
    """Compute once per server and set of arguments; the oldest of more than `entries` results are forgotten."""
    return st.cache_resource(max_entries=entries, show_spinner=spinner,
                             hash_funcs={model.Autoencoder: _identity, model.Colorizer: _identity})


def _card(name: str) -> bytes:
    """The card of a stored model, which holds the checksums of its files; empty where there is none."""
    path = model.store.folder_of(name) / "preset.json"
    return path.read_bytes() if path.is_file() else b""


# --- models and their test pictures --------------------------------------------------------------------------

def served(name: str) -> Any:
    """The served model as it is stored now. Raises WeightsMissing or WeightsDamaged."""
    return _served(name, _card(name))


@once("Opening the model …", 40)
def _served(name, card):
    return model.load(name)


def samples(dataset: str, shape: tuple[int, int, int] = (28, 28, 1)) -> tuple[np.ndarray, np.ndarray]:
    """The test pictures and labels of a data set; what is shipped in their place where they are not here.

    A sentence and the end of the page where that is missing, too.
    """
    with _pictures():
        return _samples(dataset, _card(dataset), shape)  # the pictures of an own data set lie with its model


@contextlib.contextmanager
def _pictures() -> Iterator[None]:
    try:
        yield
    except datasets.DataMissing as error:
        st.warning(str(error))
        st.stop()


@once("Opening the pictures …", 6)
def _samples(dataset, card, shape):
    try:
        return datasets.load(dataset, "test", shape)
    except datasets.DataMissing:
        return datasets.samples(dataset, shape)


def pictures_of(served: Served) -> tuple[np.ndarray, np.ndarray]:
    """The test pictures and labels of the data set of a model."""
    return samples(served.preset.dataset, served.preset.shape)


def has_pictures(dataset: str) -> bool:
    """Whether the test pictures of a data set are shipped or on this machine."""
    if dataset not in datasets.DATASETS:
        return datasets.has_samples(dataset)
    return bool(datasets.DATASETS[dataset].sample or datasets.find(dataset))


@once("Reading your pictures …", 60)
def fitted(raw: bytes, name: str, dataset: str, shape: tuple[int, int, int]) -> np.ndarray:
    """An upload as a data set shows its pictures; raises reader.BadPicture."""
    return datasets.fit(reader.read(raw, name), dataset, shape)


@once("Reading your pictures …", 60)
def found(raw: bytes, name: str, dataset: str, shape: tuple[int, int, int], swap: bool, across: tuple[int, int],
          down: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, str]:
    """What a model sees of a part of an upload, given in percent; the part with the subject in a box; and a remark.

    swap: take the other one of dark and light for the subject. Raises reader.BadPicture.
    """
    photo = reader.photo(raw, name, reader.LARGEST)
    picture = convert.crop(reader.as_picture(photo), across, down)
    seen = datasets.find_subject(picture, dataset, shape)
    if swap:
        seen = datasets.find_subject(picture, dataset, shape, not seen.dark_on_light)
    remarks = " ".join(filter(None, [photo.note, subject.remark(seen, name)]))
    return seen.picture, subject.outline(picture, seen, SHOWN), remarks


@once("Reading the training pictures …", 8)
def training_pictures(dataset: str, shape: tuple[int, int, int], count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first training pictures and labels of a data set that is on this machine. Raises DataMissing."""
    pictures, labels = datasets.load(dataset, "train", shape)
    return np.array(pictures[np.arange(count)]), labels[:count]


@once("Reconstructing the test pictures …", 40)
def test_errors(served: Served) -> np.ndarray:
    """The squared error (n,) of every test picture through a model."""
    pictures, labels = pictures_of(served)
    return figures.kept(f"errors_{served.preset.name}", [served.card], pictures, lambda: {"mse": reconstruct.run(
        served, pictures, labels if served.preset.labels else None).mse.astype(np.float32)})["mse"]


@once("Measuring PCA …", 40)
def pca_error(pca: Served, components: int) -> float:
    """The mean squared error of the test pictures through the first components of a PCA model."""
    pictures, sizes = pictures_of(pca)[0], reconstruct.compared_with(pca.preset)
    if components not in sizes:
        return float(reconstruct.run_pca(pca, pictures, components).mse.mean())
    return float(figures.kept(f"sizes_{pca.preset.name}", [pca.card], pictures, lambda: {"mse": np.array(
        [reconstruct.run_pca(pca, pictures, size).mse.mean() for size in sizes])})["mse"][sizes.index(components)])


@once("Reconstructing the pictures …", 40)
def size_film(models: tuple[Served, ...], pca: Served | None, pictures: np.ndarray, labels: np.ndarray | None,
              with_pca: bool) -> tuple[reconstruct.Film, live.Sheet]:
    """Pictures through models of rising code size, and their rows as `live.rows` takes them."""
    found = reconstruct.film(models, pca, pictures, labels)
    rows = [np.broadcast_to(pictures, found.rebuilt.shape), found.rebuilt, *([found.linear] if with_pca else [])]
    return found, _sheet_of_rows(np.stack(rows, axis=1))


def _sheet_of_rows(pictures):
    """Rows (places, rows, n, h, w, c) of pictures as one sheet."""
    levels = convert.to_uint8(np.nan_to_num(pictures)).reshape(-1, *pictures.shape[2:])
    return live.encode_grid(levels[..., 0] if levels.shape[-1] == 1 else levels)


def size_curve() -> tuple[list[int], list[float], list[float]]:
    """Code sizes, the test error of each dense model, and that of PCA with as many numbers."""
    names = [name for name in reconstruct.DENSE_SIZES if model.store.present(name)]
    sizes = [presets.get(name).code for name in names]
    dense = [float(test_errors(served(name)).mean()) for name in names]
    return sizes, dense, [pca_error(served("fashion_pca"), size) for size in sizes]


@once("Measuring the noise levels …", 16)
def robustness(models: tuple[Served, ...], mean: float) -> dict[str, list[float]]:
    """PSNR of models and filters at rising noise, on the first 60 test pictures of their data set."""
    pictures = pictures_of(models[0])[0][:60]

    def measure():
        curves = denoise.robustness({each.preset.name: each for each in models}, pictures, denoise.CURVE_SIGMAS, mean)
        return {name: np.array(values) for name, values in curves.items()}
    curves = figures.kept(f"noise_{models[0].preset.dataset}", [each.card for each in models], pictures, measure) \
        if mean == denoise.MEAN else measure()
    titles = {each.preset.name: each.preset.title for each in models}
    return {titles.get(name, name): values.tolist() for name, values in curves.items()}


@once(False, 16)
def robustness_of(served: Served, mean: float) -> list[float]:
    """The same of one model alone."""
    pictures = pictures_of(served)[0][:60]
    return denoise.robustness({"it": served}, pictures, denoise.CURVE_SIGMAS, mean, filters=False)["it"]


@once("Restoring the pictures …", 16)
def noise_film(served: Served, twin: Served | None, pictures: np.ndarray, kind: str, values: tuple[float, ...],
               seed: int, filters: tuple[str, ...], others: dict[str, Any]) -> tuple[list[str], np.ndarray, live.Sheet]:
    """Rows of pictures at rising levels of noise as `live.rows` takes them, their names, and the PSNR of each.

    twin: what a model that never saw noise is held against.
    """
    models = {"Trained on noise": twin} if twin else {}
    found = denoise.film(models | {"Autoencoder": served}, pictures, kind, values, seed, filters, **others)
    return found.names, found.psnr, _sheet_of_rows(found.pictures)


@once("Scoring the pictures …", 16)
def outlier_scores(models: tuple[tuple[str, Served], ...], regular: int, intruder: int, share: float) \
        -> tuple[datasets.Mixed, dict[str, np.ndarray]]:
    """A mixture of two classes of clothing, and its scores, each through its model, and through PCA."""
    mixed = datasets.mix(*samples("fashion_mnist"), regular, intruder, share)
    return mixed, figures.kept(f"outliers_{regular}_{intruder}_{share}", [each.card for _, each in models],
                               mixed.pictures, lambda: outliers.run_all(dict(models), mixed.pictures))


@once("Scoring the pictures …", 16)
def odd_ones(served: Served, regular: int, intruder: int) -> tuple[datasets.Mixed, np.ndarray]:
    """A mixture of two classes of clothing, a hundredth of it intruders, and its scores by the distance of codes."""
    mixed = datasets.mix(*samples("fashion_mnist"), regular, intruder)
    return mixed, outliers.run(served, mixed.pictures).scores


@once("Drawing the pictures of this page …", 20)
def _home_picture(page, name, card, _draw):
    def draw():
        sheet, alt = _draw(served(name))
        return {"png": np.frombuffer(sheets.to_png(sheet), np.uint8), "alt": np.array(alt)}
    found = figures.kept(f"home_{page}", [model.store.card(name)], None, draw)
    return found["png"].tobytes(), str(found["alt"])


@once(False, 4)
def reach(served: Served) -> home.Reach:
    """How far each number of a code goes, over the first thousand test pictures."""
    return home.reach(served, pictures_of(served)[0][:1000])


def home_picture(page: Any) -> tuple[bytes, str]:
    """The picture of a page of the table on Home as PNG bytes, and its alt text. Raises as `served`."""
    return _home_picture(page.name, page.home.model, _card(page.home.model), page.home.draw)


def measure_all() -> None:
    """Whatever a page measures of the shipped models; `figures` keeps it."""
    here = [served(name) for name, preset in presets.PRESETS.items()
            if model.store.present(name) and not preset.output and datasets.has_samples(preset.dataset)]
    for each in here:
        test_errors(each)
        if each.preset.family.baseline:
            pca_error(each, reconstruct.compared_with(each.preset)[0])
    for dataset in sorted({each.preset.dataset for each in here if each.preset.corruption}):
        robustness(tuple(map(served, denoise.compared(dataset))), denoise.MEAN)
    outlier_scores(tuple((name, served(outliers.rebuilder(name, "Sandal"))) for name in outliers.SCORES), 5, 0, 0.01)
    search_precision(served(search.PRESET))
    story_of(served(design.STORY))
    betas(tuple(map(served, design.BETA_PRESETS)))


@once(False, 40)
def runs_in_browser(served: Served) -> bool:
    """Whether the browser runs a model."""
    try:
        return bool(server.packed(served))
    except browser.NotForBrowser:
        return False


# --- latent spaces -------------------------------------------------------------------------------------------

@once("Opening the codes …", 20)
def codes(served: Served) -> latent_map.Codes:
    """The codes of the test pictures of a model. Raises WeightsMissing or WeightsDamaged."""
    return latent_map.stored_codes(served.preset.name)


@once("Laying out the codes …", 20)
def plane(served: Served) -> latent_map.Plane:
    """The plane of a model: its own, or that of the first two principal components."""
    return latent_map.plane(served.preset, codes(served).mean)


@once("Turning every number …", 20)
def sway(served: Served) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The numbers of a code, those first that change the picture most; the deviation of each, and what it changes."""
    known = codes(served).mean if served.preset.mapped else served.encode(pictures_of(served)[0][:1000])
    deviation = known.std(axis=0)
    effect = latent.sway(served.decode, known[:4], deviation)
    return np.argsort(-effect, kind="stable"), deviation, effect


@once(False, 40)
def number_strips(served: model.Autoencoder, code: np.ndarray, rows: tuple[int, ...],
                  alphas: tuple[float, ...]) -> tuple[live.Sheet, np.ndarray]:
    """A strip of frames for each of some numbers of a code (d,) as the mixer takes them, and the picture now, uint8."""
    directions = np.diag(sway(served)[1])[list(rows)]
    frames = faces.strips(served, code, directions, alphas)
    now = served.decode(faces.change(code, directions, alphas)[None])
    grid = latent.tiles(frames.reshape(-1, *frames.shape[2:]), frames.shape[1])
    return live.encode_grid(grid, quality=92), latent.tiles(now, 1)[0, 0]


@once("Decoding the plane …", 40)
def atlas(served: Served, bounds: tuple, n: int, probability: bool = False, centers: bool = False) -> live.Sheet:
    """The decoded plane of a model as the pad takes it."""
    return live.encode_grid(latent_map.atlas(served, plane(served), bounds, n, probability, centers), quality=85)


def coded_pictures(served: model.Autoencoder) -> np.ndarray:
    """The pictures behind a model's stored codes; where they may not be shipped and are not here, their copies."""
    stored = codes(served).mean
    return pictures_of(served)[0][:len(stored)] if has_pictures(served.preset.dataset) else served.decode(stored)


@once("Opening the pictures …", 20)
def neighbors(served: model.Autoencoder) -> live.Sheet:
    """The pictures behind the first of a model's stored codes, as the pad takes them."""
    return live.encode_strip(latent.tiles(coded_pictures(served)[:NEIGHBORS], 1)[:, 0], quality=75)


@once(False, 20)
def _layout(served):
    return {}


def tsne(served: Served, report: Callable[[float], None]) -> latent_map.Plane:
    """The t-SNE layout of a model's codes; outside the cached function, so that `report` can show the progress."""
    kept = _layout(served)
    if not kept:
        kept["plane"] = latent_map.project_tsne(codes(served).mean, report=report)
    return kept["plane"]


@once("Decoding the styles …", 40)
def styles(served: Served, digit: int, bounds: tuple, n: int, centers: bool = False) -> live.Sheet:
    """The plane of styles of one digit as the pad takes it."""
    return live.encode_grid(digits.style_atlas(served, digit, bounds, n, centers), quality=85)


@once("Opening the pictures …", 10)
def class_strip(served: Served, label: int) -> live.Sheet:
    """All test pictures of one class of a model's data set, as the pad takes them."""
    pictures, labels = pictures_of(served)
    return live.encode_strip(convert.to_uint8(pictures[labels == label])[..., 0], quality=75)


# --- training ------------------------------------------------------------------------------------------------

def drawings(file: str) -> collection.Collection:
    """The drawings of a Quick, Draw! category by the name of its file. Raises guard.Refused."""
    return _drawings(file, [(path, path.stat().st_mtime_ns) for path in collection.drawing_files()])


@once("Reading the drawings …", 2)
def _drawings(file, files):
    return collection.drawn(file)


@once("Opening the run …", 20)
def story_of(served: Served) -> tuple[story.Story, list[dict], live.Sheet]:
    """The story of a model's training, its history, and its frames as the filmstrip takes them."""
    recorded, history = story.read(model.store.read(served.preset.name).path(story.FILE))
    strip = _kept_strip(f"story_{served.preset.name}", [served], lambda: story.frames(recorded, live.PALETTE))
    return recorded, history, strip


@once("Opening the runs …", 4)
def pair_of(one: Served, other: Served) -> tuple[live.Sheet, list[int]]:
    """The stories of two trainings one above the other as the filmstrip takes them, and the epochs of their frames."""
    film, epochs = story.pair(story_of(one)[0], story_of(other)[0], live.PALETTE)
    return live.encode_strip(film, quality=92), epochs.tolist()


@once("Decoding the planes …", 1)
def betas(models: tuple[Served, ...]) -> live.Sheet:
    """The planes of three sizes of beta side by side, from near to far, as the filmstrip takes them."""
    return _kept_strip("betas", models, lambda: design.beta_frames(list(models)))


def _kept_strip(name, models, frames):
    """The sheet of frames() as `figures` keeps it."""
    found = figures.kept(name, [each.card for each in models], None,
                         lambda: dataclasses.asdict(live.encode_strip(frames(), quality=92)))
    return live.Sheet(**{field: np.asarray(value).item() for field, value in found.items()})


# --- faces ---------------------------------------------------------------------------------------------------

@once("Opening the attributes …", 4)
def attributes(served: Served) -> attribute_files.Attributes:
    """The attribute directions and the gallery of a model. Raises WeightsMissing or WeightsDamaged."""
    return attribute_files.load(served.preset.name)


@once("Decoding the faces …", 60)
def face_sheet(served: model.Autoencoder, codes: np.ndarray, row: int) -> np.ndarray:
    """The published sheet of an attribute, a face (d,) a row, uint8."""
    pictures = faces.sheet(served, codes, attributes(served).directions[row])
    return sheets.axes(sheets.tile(sheets.smooth(pictures, 2), 7, ground=255), (-faces.REACH, faces.REACH, 7), None,
                       ("", ""))


@once("Decoding the gallery …", 4)
def gallery(served: model.Autoencoder) -> tuple[np.ndarray, np.ndarray]:
    """The codes (n, d) of the gallery's faces and their pictures (n, h, w, c)."""
    chosen = codes(served).mean[attributes(served).gallery]
    return chosen, served.decode(chosen)


@once("Choosing faces …", 4)
def good_faces(served: model.Autoencoder) -> np.ndarray:
    """The rows of the gallery that can be picked from."""
    return faces.best_of(served, *gallery(served))


@once(False, 40)
def recent_faces(served: model.Autoencoder, codes: np.ndarray) -> live.Sheet:
    """The faces of some codes (n, d) as a row of small pictures."""
    return live.encode_strip(convert.to_uint8(served.decode(codes)), quality=90)


@once("Fitting the codes …", 4)
def where_codes_lie(served: Served) -> latent.Gaussian:
    """The normal distribution of all stored codes of a variational model."""
    return latent.posterior_of_all(codes(served).mean, codes(served).log_variance)


@once(False, 40)
def strips(served: model.Autoencoder, code: np.ndarray, names: tuple[str, ...],
           alphas: list) -> tuple[live.Sheet, np.ndarray]:
    """A strip of frames for each of some attributes as the mixer takes them, and the picture (h, w, c) uint8 now."""
    directions = attributes(served).of(names)
    frames = convert.to_uint8(faces.strips(served, code, directions, alphas, reach=faces.END))
    now = served.decode(faces.change(code, directions, alphas))[0]
    return live.encode_grid(frames, quality=92), convert.to_uint8(now)


@once("Measuring the latents …", 4)
def normality(served: Served) -> faces.Normality:
    """How the latents of the held-out pictures of a model lie against N(0, 1)."""
    return faces.normality(codes(served).mean, codes(served).log_variance)


def originals(served: Served, rows: np.ndarray) -> np.ndarray | None:
    """The test pictures behind rows (n,) of the stored codes of a model, where its data set is here; else None."""
    path = datasets.find(served.preset.dataset)
    return _originals(served, path, rows) if path else None


@once("Opening the pictures …", 2)
def _originals(served: Served, path: Path, rows: np.ndarray) -> np.ndarray | None:
    try:
        return datasets.load(served.preset.dataset, "test", served.preset.shape)[0][rows]
    except datasets.DataMissing:                     # a file of it is damaged
        return None


# --- search --------------------------------------------------------------------------------------------------

def searched(split: str) -> tuple[np.ndarray, np.ndarray]:
    """The pictures that are searched and their labels; where they are missing, as `samples`."""
    with _pictures():
        return _searched(split)


@once("Opening the pictures …", 2)
def _searched(split):
    return datasets.load("fashion_mnist", split)


@once("Building the index …", 4)
def index(served: Served, split: str, ruler: str = search.ANGLE) -> search.Index:
    """The index of Fashion-MNIST: mapped from its file, or built now where there is none."""
    return search.of_preset(served, split, ruler) or search.build(served, searched(split)[0], ruler)


@once("Searching 1,000 times …", 8)
def search_precision(served: model.Autoencoder) -> dict[str, np.ndarray]:
    """Precision at 16 of 1,000 test pictures, each among all others: {ruler, baseline or `search.named`: (1000,)}."""
    (pictures, labels), queries = searched("test"), np.arange(1000)
    names = [name for pair in search.CLEAN.items() for name in pair if model.store.present(name)]
    others = dict(zip(names, map(_served, names, map(_card, names)), strict=True))

    def measure():
        vectors = served.encode(pictures[queries])
        scores = {ruler: search.leave_one_out(index(served, "test", ruler), vectors, labels, queries)
                  for ruler in (search.ANGLE, search.STRAIGHT)}
        codes = search.baselines(pictures) | {search.named(name, search.ANGLE): (other.encode(pictures), True)
                                              for name, other in others.items()}
        return scores | {name: search.leave_one_out(search.Index.build(vectors, projected=projected),
                                                    vectors[queries], labels, queries)
                         for name, (vectors, projected) in codes.items()}
    cards = [served.card, *(other.card for other in others.values())]
    return figures.kept(f"precision_{served.preset.name}", cards, pictures, measure)


# --- colorize ------------------------------------------------------------------------------------------------

@once("Colorizing …", 40)
def look(served: model.Colorizer, ident: str, _raw: bytes, name: str) -> colorize.Look:
    """An upload in color at the size of a page, known again by `ident`. Raises reader.BadPicture."""
    return colorize.look(served, _raw, name)


@once("Cutting up photographs …", 1)
def windows(count: int) -> np.ndarray:
    """Small squares of the photographs that are always here, (count, 32, 32, 3)."""
    photos = [reader.read(path.read_bytes(), path.name) for path in datasets.photographs().values()]
    return published_colorizer.windows(photos, count)


@once("Colorizing CIFAR-10 …", 2)
def published(served: Served) -> published_colorizer.Published:
    """The first 100 test pictures of CIFAR-10 through the published colorizer; raises DataMissing."""
    pictures, _ = datasets.load(served.preset.dataset, "test", served.preset.target)
    return published_colorizer.run(served, pictures[:100])
