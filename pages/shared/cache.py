"""The only cached functions of the app, the twins of ae_core's own: whatever costs more than a blink, once per server.

Models are shared by all sessions (they are safe from many threads); arrays are cached by value and never changed.
"""
import numpy as np
import streamlit as st

from ae_core import attributes as attribute_files
from ae_core import latent, model, presets
from ae_core.features import colorize, denoise, digits, faces, latent_map, reconstruct, search
from ae_core.own import design, story
from ae_core.pictures import convert, datasets, reader
from pages.shared import live


@st.cache_resource(max_entries=40, show_spinner="Opening the model …")
def _model(name, changed):
    return model.load(name)


def served(name):
    """The served model; a trained or replaced one is seen at once. Raises WeightsMissing or WeightsDamaged."""
    return _model(name, _changed(name))


def _changed(name):
    """When a model was put into the store, so that what is cached of an older one is not used."""
    card = model.store.folder_of(name) / "preset.json"
    return card.stat().st_mtime_ns if card.is_file() else None


@st.cache_data(max_entries=6, show_spinner="Opening the pictures …")
def _samples(dataset, changed, shape):
    try:
        return datasets.load(dataset, "test", shape)
    except datasets.DataMissing:
        return datasets.samples(dataset, shape)


def samples(dataset, shape=(28, 28, 1)):
    """The test pictures and labels of a data set; what is shipped in their place where they are not here."""
    return _samples(dataset, _changed(dataset), shape)


@st.cache_data(max_entries=40, show_spinner="Rebuilding the test pictures …")
def _test_errors(name, changed):
    served_model = served(name)
    pictures, labels = samples(served_model.preset.dataset, served_model.preset.shape)
    return reconstruct.run(served_model, pictures, labels if served_model.preset.labels else None).mse


def test_errors(name):
    """The squared error (10000,) of every shipped test picture through a model."""
    return _test_errors(name, _changed(name))


@st.cache_data(max_entries=40, show_spinner="Measuring PCA …")
def _pca_error(name, changed, components):
    pca = served(name)
    return float(reconstruct.run_pca(pca, samples(pca.preset.dataset, pca.preset.shape)[0], components).mse.mean())


def pca_error(name, components):
    """The mean squared error of the shipped test pictures through the first components of a PCA preset."""
    return _pca_error(name, _changed(name), components)


def size_curve():
    """Code sizes, the test error of each dense model, and that of PCA with as many numbers."""
    names = [name for name in reconstruct.DENSE_SIZES if model.store.present(name)]
    sizes = [presets.get(name).code for name in names]
    dense = [float(test_errors(name).mean()) for name in names]
    return sizes, dense, [pca_error("fashion_pca", size) for size in sizes]


@st.cache_data(max_entries=16, show_spinner="Measuring the noise levels …")
def _robustness(names, changed, mean):
    models = {model.store.preset(name).title: served(name) for name in names}
    first = model.store.preset(names[0])
    return denoise.robustness(models, samples(first.dataset, first.shape)[0][:60], denoise.CURVE_SIGMAS, mean)


def robustness(names, mean):
    """PSNR of denoisers and filters at rising noise, on the first 60 test pictures of their data set."""
    return _robustness(names, tuple(map(_changed, names)), mean)


@st.cache_data(max_entries=60, show_spinner="Reading your pictures …")
def fitted(raw, name, dataset, shape):
    """An upload as a data set shows its pictures; raises reader.BadPicture."""
    return datasets.fit(reader.read(raw, name), dataset, shape)


# --- latent spaces; shared objects, because nobody changes them -------------------------------------------

NEIGHBORS = 2000                # real pictures that a pad knows; of many dimensions fewer codes are stored


@st.cache_resource(max_entries=20, show_spinner="Opening the codes …")
def _codes(name, changed):
    return latent_map.stored_codes(name)


def codes(name):
    """The codes of the test pictures of a preset. Raises WeightsMissing or WeightsDamaged."""
    return _codes(name, _changed(name))


@st.cache_resource(max_entries=20, show_spinner="Laying out the codes …")
def _plane(name, changed):
    return latent_map.plane(served(name).preset, codes(name).mean)


def plane(name):
    """The plane of a preset: its own, or that of the first two principal components."""
    return _plane(name, _changed(name))


@st.cache_resource(max_entries=40, show_spinner="Decoding the plane …")
def _atlas(name, changed, bounds, n, probability, centers):
    tiles = latent_map.atlas(served(name), plane(name), bounds, n, probability, centers)
    return live.encode_grid(tiles)


def atlas(name, bounds, n, probability=False, centers=False):
    """The decoded plane of a preset as the pad takes it."""
    return _atlas(name, _changed(name), bounds, n, probability, centers)


def has_pictures(dataset):
    """Whether the test pictures of a data set are shipped or on this machine."""
    return dataset not in datasets.DATASETS or bool(datasets.DATASETS[dataset].sample or datasets.find(dataset))


def coded_pictures(name):
    """The pictures behind a preset's stored codes; where they may not be shipped and are not here, their copies."""
    preset = served(name).preset
    if has_pictures(preset.dataset):
        return samples(preset.dataset, preset.shape)[0][:len(codes(name).mean)]
    return served(name).decode(codes(name).mean)


@st.cache_resource(max_entries=20, show_spinner="Opening the pictures …")
def _neighbors(name, changed):
    return live.encode_strip(latent.tiles(coded_pictures(name)[:NEIGHBORS], 1)[:, 0])


def neighbors(name):
    """The pictures behind the first of a preset's stored codes, as the pad takes them."""
    return _neighbors(name, _changed(name))


@st.cache_resource
def _layouts():
    return {}


def tsne(name, report):
    """The t-SNE layout of a preset's codes, computed once; kept by hand, so that `report` can show the progress."""
    key = name, _changed(name)
    if key not in _layouts():
        _layouts()[key] = latent_map.project_tsne(codes(name).mean, report=report)
    return _layouts()[key]


@st.cache_resource(max_entries=40, show_spinner="Decoding the styles …")
def _styles(name, changed, digit, bounds, n, centers):
    return live.encode_grid(digits.style_atlas(served(name), digit, bounds, n, centers))


def styles(name, digit, bounds, n, centers=False):
    """The plane of styles of one digit as the pad takes it."""
    return _styles(name, _changed(name), digit, bounds, n, centers)


@st.cache_resource(max_entries=10, show_spinner="Opening the pictures …")
def class_strip(dataset, label):
    """All test pictures of one class as the pad takes them."""
    pictures, labels = samples(dataset)
    return live.encode_strip(convert.to_uint8(pictures[labels == label])[..., 0])


# --- training ----------------------------------------------------------------------------------------------

@st.cache_resource(max_entries=20, show_spinner="Opening the run …")
def _story(name, changed):
    stored = model.store.read(name)
    told, history = story.read(stored.path(story.FILE))
    return told, history, live.encode_strip(story.frames(told, live.PALETTE), quality=92)


def story_of(name):
    """The story of a model's training, its history, and its frames as the filmstrip takes them."""
    return _story(name, _changed(name))


@st.cache_resource(max_entries=1, show_spinner="Decoding the planes …")
def _betas(changed):
    models = [served(name) for name in design.BETA_PRESETS]
    return live.encode_strip(design.beta_frames(models), quality=92)


def betas():
    """The planes of three sizes of beta side by side, from near to far, as the filmstrip takes them."""
    return _betas(tuple(map(_changed, design.BETA_PRESETS)))


# --- faces -------------------------------------------------------------------------------------------------

@st.cache_resource(max_entries=4, show_spinner="Opening the attributes …")
def _attributes(name, changed):
    return attribute_files.load(name)


def attributes(name):
    """The attribute directions and the gallery of a preset. Raises WeightsMissing or WeightsDamaged."""
    return _attributes(name, _changed(name))


@st.cache_resource(max_entries=4, show_spinner="Decoding the gallery …")
def _gallery(name, changed):
    codes_of_gallery = codes(name).mean[attributes(name).gallery]
    return codes_of_gallery, served(name).decode(codes_of_gallery)


def gallery(name):
    """The codes (n, d) of the gallery's faces and their pictures (n, h, w, c)."""
    return _gallery(name, _changed(name))


@st.cache_resource(max_entries=4, show_spinner="Looking where faces lie …")
def _where_codes_lie(name, changed):
    return latent.posterior_of_all(codes(name).mean, codes(name).log_variance)


def where_codes_lie(name):
    """The normal distribution of all stored codes of a variational preset, as latent.Gaussian."""
    return _where_codes_lie(name, _changed(name))


@st.cache_resource(max_entries=40, show_spinner=False)
def _strips(name, changed, code, names, alphas):
    start = np.frombuffer(code, np.float32)
    directions = attributes(name).of(names)
    frames = convert.to_uint8(faces.strips(served(name), start, directions, alphas))
    now = served(name).decode(faces.change(start, directions, alphas))[0]
    return live.encode_grid(frames, quality=92), convert.to_uint8(now)


def strips(name, code, names, alphas):
    """A strip of frames for each of some attributes as the mixer takes them, and the picture (h, w, c) uint8 now."""
    return _strips(name, _changed(name), code.tobytes(), names, alphas)


@st.cache_data(max_entries=4, show_spinner="Measuring the latents …")
def _normality(name, changed):
    stored = codes(name)
    return faces.normality(faces.sample_posterior(stored.mean, stored.log_variance))


def normality(name):
    """How the latents of the held-out pictures of a preset lie against N(0, 1)."""
    return _normality(name, _changed(name))


@st.cache_data(max_entries=2, show_spinner="Opening the pictures …")
def _originals(path, rows):
    try:
        return datasets.load("celeba", "test", (64, 64, 3))[0][rows]
    except datasets.DataMissing:                     # a file of it is damaged
        return None


def original_faces(rows):
    """The held-out pictures of CelebA behind rows (n,) of the stored codes, where the data set is here; else None."""
    path = datasets.find("celeba")
    return _originals(path, rows) if path else None


# --- search ------------------------------------------------------------------------------------------------

@st.cache_resource(max_entries=4, show_spinner="Building the index …")
def _index(changed, split, ruler):
    served_model = served(search.PRESET)
    return search.of_preset(served_model, split, ruler) or search.build(served_model, searched(split)[0], ruler)


def index(split, ruler=search.ANGLE):
    """The index of Fashion-MNIST: mapped from its file, or built now where there is none."""
    return _index(_changed(search.PRESET), split, ruler)


@st.cache_resource(max_entries=2, show_spinner="Opening the pictures …")
def searched(split):
    """The pictures that are searched and their labels."""
    return datasets.load("fashion_mnist", split)


@st.cache_data(max_entries=8, show_spinner="Searching 1,000 times …")
def _search_precision(changed):
    (pictures, labels), queries = searched("test"), np.arange(1000)
    codes = served(search.PRESET).encode(pictures[queries])
    scores = {ruler: search.leave_one_out(index("test", ruler), codes, labels, queries)
              for ruler in (search.ANGLE, search.STRAIGHT)}
    return scores | {name: search.leave_one_out(search.Index.build(vectors, projected=projected), vectors[queries],
                                                labels, queries)
                     for name, (vectors, projected) in search.baselines(pictures).items()}


def search_precision():
    """Precision at 16 of 1,000 test pictures, each among all others: {ruler or baseline: (1000,)}."""
    return _search_precision(_changed(search.PRESET))


# --- colorize; shared objects, because nobody changes them ---------------------------------------------------

@st.cache_resource(max_entries=40, show_spinner="Colorizing …")
def _look(changed, ident, _raw, name):
    return colorize.look(served(colorize.PHOTO), _raw, name)


def look(ident, raw, name):
    """An upload in color at the size of a page, known again by `ident`. Raises reader.BadPicture."""
    return _look(_changed(colorize.PHOTO), ident, raw, name)


@st.cache_data(max_entries=2, show_spinner="Colorizing CIFAR-10 …")
def _published(changed):
    return colorize.publish(served(colorize.PUBLISHED), datasets.load("cifar10", "test", (32, 32, 3))[0][:100])


def published():
    """The first 100 test pictures of CIFAR-10 through the published colorizer; raises data.DataMissing."""
    return _published(_changed(colorize.PUBLISHED))
