"""Does moving along an attribute do what it says? A network that has nothing in common with the model is the judge.

A small convolutional classifier learns four attributes from the training faces (a few minutes on two cores, seeded).
200 held-out faces are decoded at alpha -2 and 2. rises: share of the faces in which the classifier sees more of the
attribute at 2 than at -2. judge_auc: how far it can be trusted, on held-out photographs.
mse_outside: how far the pictures at alpha -2 and 2 lie from the one at 0 outside the change, which is the quarter of
the pixels that the attribute changes most on average; mse_between_faces: how far two of these faces lie apart in the
same pixels.
"""
import os

import numpy as np

from ae_core import attributes, model
from ae_core.features import faces, latent_map
from ae_core.pictures import datasets

NAMES = ("Smiling", "Eyeglasses", "Blond_Hair", "Male")
COUNT = 200
ALPHA = 2.0
INSIDE = 0.25                    # of the pixels are what an attribute changes
EPOCHS = 6


def run():
    """One row an attribute, and the least share over all."""
    served, stored = model.load(faces.PRESET), attributes.load(faces.PRESET)
    codes = latent_map.stored_codes(faces.PRESET).mean[:COUNT]
    judge, areas = train_judge()
    rows = {}
    for k, (name, direction) in enumerate(zip(NAMES, stored.of(NAMES), strict=True)):
        less, same, more = (served.decode(codes + alpha * direction) for alpha in (-ALPHA, 0, ALPHA))
        seen = [judge.predict(pictures, verbose=0)[:, k] for pictures in (less, more)]
        rows[name] = {"rises": float((seen[1] > seen[0]).mean()), "judge_auc": areas[k],
                      "mean_probability": [float(each.mean()) for each in seen], **outside(less, same, more)}
    return {"faces": len(codes), "rises_least": min(row["rises"] for row in rows.values()), **rows}


def outside(less, same, more):
    """Mean squared errors in the pixels that an attribute changes least: by the change, and between two faces."""
    change = np.abs(more - less).mean(axis=(0, 3))
    still = change <= np.quantile(change, 1 - INSIDE)
    mse = [np.square(pictures[:, still] - same[:, still]).mean() for pictures in (less, more)]
    return {"mse_outside": float(np.mean(mse)),
            "mse_between_faces": float(np.square(same[1:, still] - same[:-1, still]).mean())}


def train_judge():
    """The classifier, and its AUC for each attribute on the held-out photographs."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    columns = [datasets.attribute_names("celeba").index(name) for name in NAMES]
    shape = model.load(faces.PRESET).preset.shape
    (pictures, has), (held_out, held_out_has) = (datasets.load("celeba", split, shape) for split in ("train", "test"))
    x, net = np.asarray(pictures[:9000]), keras.Input(shape)
    judged = layers.RandomFlip("horizontal")(net)
    for n in (16, 32, 64, 64):
        judged = layers.BatchNormalization()(layers.Conv2D(n, 3, strides=2, padding="same", activation="relu")(judged))
    judged = layers.Dense(len(NAMES), "sigmoid")(layers.Dropout(0.3)(layers.Flatten()(judged)))
    judge = keras.Model(net, judged)
    judge.compile("adam", "binary_crossentropy", jit_compile=False)
    judge.fit(x, has[:9000, columns].astype(np.float32), batch_size=64, epochs=EPOCHS, verbose=0)
    seen = judge.predict(np.asarray(held_out), verbose=0)
    return judge, [attributes.area(*pair) for pair in zip(seen.T, held_out_has[:, columns].T, strict=True)]
