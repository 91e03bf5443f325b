"""Faces: meet new ones, change what they look like along attribute directions, and morph one into another.

A face is its code, float32 (d,); pictures are float32 (n, h, w, c) in 0..1. `model` is a served variational model, and
alpha counts steps along a direction of `attributes.Attributes`: 0 changes nothing, 1 goes as far as the mean faces with
and without the attribute are apart.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ae_core import attributes, browser, latent, metrics
from ae_core.model import Autoencoder
from ae_core.pictures import convert

PRESET = "faces_vae"
SHARP = "faces_vae_sharp"        # the same codes, with a decoder trained on against an adversary
USUAL = ("Smiling", "Black_Hair", "Eyeglasses", "Young", "Male", "Blond_Hair")
REACH = 3.0                      # alpha of the published sheets goes from -3 to 3
END = 2.0                        # and of a strip from -2 to 2
HATCHED = 0.25                   # the last share of each half of a strip
HELD = 99                        # percentile of real codes' distance from their mean: no farther do strips go together
GOOD = 40                        # faces of the gallery to pick from
FRAMES = 13                      # of a strip
LEG = 24                         # frames from one face to the next
SEED = 7                         # of the samples that an evaluation draws


@dataclass(frozen=True)
class Met:
    """Faces of nobody."""
    codes: np.ndarray            # (n, d)
    pictures: np.ndarray         # (n, h, w, c)


@dataclass(frozen=True)
class Normality:
    """How normal the latents of real faces are."""
    spread: latent.Distribution  # of posterior samples
    distance: np.ndarray         # (d,) Kolmogorov-Smirnov distance of each dimension from N(0, 1)

    @property
    def worst(self) -> int:
        return int(np.argmax(self.distance))


# What the ends of a strip look like, from -alpha to alpha.
ENDS = {
    "5_o_Clock_Shadow": ("clean-shaven", "stubble"), "Arched_Eyebrows": ("straight eyebrows", "arched eyebrows"),
    "Attractive": ("rated plain", "rated attractive"),
    "Bags_Under_Eyes": ("smooth under the eyes", "bags under the eyes"),
    "Bald": ("full hair", "bald"), "Bangs": ("bare forehead", "bangs"), "Big_Lips": ("thin lips", "big lips"),
    "Big_Nose": ("small nose", "big nose"), "Black_Hair": ("lighter hair", "black hair"),
    "Blond_Hair": ("darker hair", "blond hair"), "Blurry": ("sharp", "blurry"),
    "Brown_Hair": ("other hair", "brown hair"), "Bushy_Eyebrows": ("thin eyebrows", "bushy eyebrows"),
    "Chubby": ("slim", "chubby"), "Double_Chin": ("slim chin", "double chin"),
    "Eyeglasses": ("no glasses", "eyeglasses"), "Goatee": ("no goatee", "goatee"),
    "Gray_Hair": ("other hair", "gray hair"), "Heavy_Makeup": ("no makeup", "heavy makeup"),
    "High_Cheekbones": ("flat cheeks", "high cheekbones"), "Male": ("female", "male"),
    "Mouth_Slightly_Open": ("mouth closed", "mouth open"), "Mustache": ("no mustache", "mustache"),
    "Narrow_Eyes": ("wide eyes", "narrow eyes"), "No_Beard": ("beard", "no beard"),
    "Oval_Face": ("round face", "oval face"), "Pale_Skin": ("darker skin", "pale skin"),
    "Pointy_Nose": ("broad nose", "pointy nose"), "Receding_Hairline": ("low hairline", "receding hairline"),
    "Rosy_Cheeks": ("pale cheeks", "rosy cheeks"), "Sideburns": ("no sideburns", "sideburns"),
    "Smiling": ("serious", "smiling"), "Straight_Hair": ("other hair", "straight hair"),
    "Wavy_Hair": ("other hair", "wavy hair"), "Wearing_Earrings": ("no earrings", "earrings"),
    "Wearing_Hat": ("no hat", "hat"), "Wearing_Lipstick": ("no lipstick", "lipstick"),
    "Wearing_Necklace": ("no necklace", "necklace"), "Wearing_Necktie": ("no necktie", "necktie"),
    "Young": ("older", "younger")}


@dataclass(frozen=True)
class Ball:
    """Where the sum of some strips may go: no farther from the mean of real codes than most of these are."""
    own: float                   # squared distance of the face with no change
    along: np.ndarray            # (k,) products of its place in the ball with each direction
    gram: np.ndarray             # (k, k) and of the directions with each other
    radius: float                # at least the distance of the face itself

    def hold(self, alphas: Sequence[float]) -> list[float]:
        """Alphas (k,) that a link asks for, all made smaller by one factor until their sum is in the ball."""
        change = np.asarray(alphas, np.float64)
        square, line = change @ self.gram @ change, change @ self.along
        beyond = self.own + 2 * line + square > self.radius**2
        factor = (np.sqrt(max(line**2 + square * (self.radius**2 - self.own), 0)) - line) / square if beyond else 1.0
        return (change * factor).tolist()


# --- meet, change, morph ---------------------------------------------------------------------------------

def meet(model: Autoencoder, count: int, temperature: float = 1.0, seed: int = 0,
         where: latent.Gaussian | None = None) -> Met:
    """New faces from a latent.Gaussian, else from the prior; a temperature below 1 makes them more regular."""
    codes = (where or latent.prior(model.preset.code)).sample(count, temperature, seed)
    return Met(codes, model.decode(codes))


def change(code: np.ndarray, directions: np.ndarray, alphas: Sequence[float] | np.ndarray) -> np.ndarray:
    """The code (d,) moved by alphas (k,) along directions (k, d), all at once."""
    return (code + np.asarray(alphas, np.float32) @ directions).astype(np.float32)


def ball(known: np.ndarray, code: np.ndarray, directions: np.ndarray) -> Ball:
    """The ball of real codes (n, d) that a face (d,) and the strips of its directions (k, d) are held in."""
    center = known.mean(axis=0)
    place = code - center
    limit = float(np.percentile(np.linalg.norm(known - center, axis=1), HELD))
    return Ball(float(place @ place), directions @ place, directions @ directions.T,
                max(limit, float(np.linalg.norm(place))))


def best_of(model: Autoencoder, codes: np.ndarray, pictures: np.ndarray, count: int = GOOD) -> np.ndarray:
    """The rows (count,), in their order, of the faces (n, d) whose decoded pictures the encoder knows again best."""
    errors = np.square(model.encode(pictures) - codes).mean(axis=1)
    return np.sort(np.argsort(errors, kind="stable")[:count])


def parse_changes(text: str, names: Sequence[str]) -> dict[str, float]:
    """{attribute: alpha} of "Smiling:1.50,Young:-1.00"; ValueError where an attribute or its alpha is none."""
    changes = {name: float(alpha) for name, alpha in (part.split(":") for part in text.split(",") if part)}
    if not all(name in names and abs(alpha) <= REACH for name, alpha in changes.items()):
        raise ValueError(f"{text!r} holds an unknown attribute, or an alpha beyond {REACH:g}.")
    return changes


def format_changes(changes: Mapping[str, float]) -> str:
    """The text that `parse_changes` reads."""
    return ",".join(f"{name}:{alpha:.2f}" for name, alpha in changes.items() if alpha)


def steps(count: int = FRAMES, reach: float = REACH) -> np.ndarray:
    """The alphas (count,) of a strip's frames."""
    return np.linspace(-reach, reach, count, dtype=np.float32)


def strips(model: Autoencoder, code: np.ndarray, directions: np.ndarray, alphas: Sequence[float] | np.ndarray,
           frames: int = FRAMES, reach: float = REACH) -> np.ndarray:
    """One strip a direction: the face with all the other changes, from alpha -reach to reach; one batch.

    Returns (k, frames, h, w, c). code (d,) is the face with no change; alphas (k,) are the changes it holds.
    """
    alphas = np.asarray(alphas, np.float32)
    others = change(code, directions, alphas) - alphas[:, None] * directions       # (k, d): each without its own
    codes = others[:, None] + steps(frames, reach)[None, :, None] * directions[:, None]
    return model.decode(codes.reshape(-1, len(code))).reshape(len(alphas), frames, *model.preset.target)


def sheet(model: Autoencoder, codes: np.ndarray, direction: np.ndarray, columns: int = 7) -> np.ndarray:
    """The published sheet: a face a row (n, d), alpha -3..3 along one direction (d,) across: (n * columns, h, w, c)."""
    moved = codes[:, None] + steps(columns)[None, :, None] * direction
    return model.decode(moved.reshape(-1, codes.shape[1]))


def morph(model: Autoencoder, codes: np.ndarray, leg: int = LEG, along_sphere: bool = True) -> np.ndarray:
    """Pictures on the way through faces (n, d), n >= 2, `leg` a pair; more than two make a loop back to the first.

    In 200 dimensions the prior lies near a sphere, so the way keeps its distance from 0; or straight, as published.
    """
    walk = latent.spherical if along_sphere else latent.straight
    stops = list(codes) + [codes[0]] * (len(codes) > 2)
    legs = [walk(start, stop, leg + 1)[:-1] for start, stop in zip(stops, stops[1:], strict=False)]
    return model.decode(np.concatenate([*legs, stops[-1:]]))


# --- look inside -----------------------------------------------------------------------------------------

def normality(mean: np.ndarray, log_variance: np.ndarray) -> Normality:
    """Each dimension of one sample of each posterior, (n, d) twice, held against N(0, 1)."""
    from scipy.stats import kstest  # half a second that the other sections do without

    samples = latent.sample_posterior(mean, log_variance, SEED)
    return Normality(latent.distribution(samples, 41), np.array([kstest(column, "norm").statistic
                                                                 for column in samples.T]))


def entanglement(directions: np.ndarray) -> np.ndarray:
    """The cosine (k, k) between every two directions (k, d): 1 the same way, 0 nothing to do with each other."""
    unit = directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-9)
    return unit @ unit.T


def most_entangled(cosine: np.ndarray, names: Sequence[str], name: str, count: int = 3) -> list[tuple[str, float]]:
    """The (name, cosine) of the attributes that move most when one is moved, in either way."""
    row = cosine[names.index(name)]
    order = [k for k in np.argsort(-np.abs(row), kind="stable") if names[k] != name]
    return [(names[k], float(row[k])) for k in order[:count]]


def evaluate(model: Autoencoder, pictures: np.ndarray, has: np.ndarray) -> dict[str, Any]:
    """The scores of the face model and of its attribute directions, as `python -m ae_core evaluate` prints them.

    pictures (n, h, w, c) and has (n, k): held-out faces and their attributes.
    """
    stored = attributes.load(model.preset.name)
    mean, log_variance = model.posterior(pictures)
    normal = normality(mean, log_variance)
    areas = attributes.auc(stored.directions, mean, has)
    rebuilt = model.decode(mean)
    return {"mse": float(metrics.mse(pictures, rebuilt).mean()), "ssim": float(metrics.ssim(pictures, rebuilt).mean()),
            "band_power": (metrics.power(rebuilt) / metrics.power(pictures)).tolist(), "grid": metrics.grid(rebuilt),
            "sharpness_ratio": float(metrics.sharpness(rebuilt).mean() / metrics.sharpness(pictures).mean()),
            "latent_std_median": float(np.median(normal.spread.std)), "ks_worst": float(normal.distance.max()),
            "ks_worst_dimension": normal.worst + 1, "kl_nats": float(latent.kl_divergence(mean, log_variance).mean()),
            "attribute_auc": {name: float(area) for name, area in zip(stored.names, areas, strict=True)
                              if np.isfinite(area)}}


def take_along(model: Autoencoder, code: np.ndarray, directions: np.ndarray, names: Sequence[str],
               alphas: Sequence[float]) -> browser.Contents:
    """A face (d,) with a strip for each of some directions (k, d), for `browser.page`, opened at some changes."""
    frames = latent.tiles(strips(model, code, directions, alphas, 9, END).reshape(-1, *model.preset.target), 9)
    height, width, channels = model.preset.target
    now = convert.to_uint8(model.decode(change(code, directions, alphas))[0])
    data = browser.placed(list(alphas)) | {
        "key": "mixer", "parts": "mixer", "tile": [height, width, channels], "scale": 16, "start": -END, "stop": END,
        "labels": [name.replace("_", " ") for name in names], "alt": "A face, with the changes of the strips",
        "caption": "Drag the strips; double-click one to undo its change.", "smooth": True, "hatch": HATCHED,
        "ends": [ENDS.get(name, ("without", name.replace("_", " "))) for name in names],
        "exact": browser.numbers(now, "u1"), "decoder": browser.decoder((code, directions))}
    return [("parts", {"id": "mixer", "parts": {"frames": browser.sheet(frames)}}), ("mixer", data)]
