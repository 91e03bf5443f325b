"""The published experiment of the Outliers page: a mixture of two classes, its scores, and a line to drag."""
import numpy as np
import streamlit as st

from ae_core import metrics
from ae_core.features import outliers
from ae_core.pictures import datasets, sheets
from pages.shared import cache, charts, live, own_outliers, widgets

SHARES = {"0.5 %": 0.005, "1 %, as published": 0.01, "2 %": 0.02, "5 %": 0.05, "10 %": 0.1}
QUANTILES = {"0.9": 0.9, "0.95": 0.95, "0.99": 0.99, "0.995": 0.995, "0.999, as published": 0.999}
SHOWN = own_outliers.SHOWN
KEYS = ("regular", "intruder", "share", "score", "quantile")    # of its address


def _choose_mixture():
    """The mixture of the published experiment and its kin, all its scores, and the names of its two classes."""
    classes = datasets.DATASETS["fashion_mnist"].classes
    regular = widgets.choose_one("Regular class", classes, "regular", index=classes.index("Sandal"))
    others = [name for name in classes if name != regular]
    intruder = widgets.choose_one("Intruders", others, "intruder")
    share = SHARES[widgets.choose_one("Intruders per regular picture", list(SHARES), "share", index=1)]
    models = tuple((name, widgets.served(outliers.rebuilder(name, regular))) for name in outliers.SCORES)
    return *cache.outlier_scores(models, classes.index(regular), classes.index(intruder), share), regular, intruder


def _drag(scores, mixed, score, quantile, key):
    """The histogram with its line; a new quantile moves the line, and once dragged it stays where it is."""
    value = float(np.quantile(scores, quantile))
    if st.session_state.get(f"{key}:quantile") != quantile:
        st.session_state[f"{key}:quantile"] = quantile
        live.place(key, value)
    threshold = live.threshold(key, scores, mixed.intruder, label="Threshold", value=value)
    st.caption(f"How many pictures have which score ({score.lower()}; heights are logarithmic): regular pictures in "
               "blue, intruders in red. Drag the line.")
    return threshold


def _show_beyond(served, pictures, beyond, intruder):
    """The pictures beyond the threshold, the oddest first: original over reconstruction, intruders in a red frame."""
    if not len(beyond):
        st.info("Nothing lies beyond the line. Drag it to the left.")
        return
    shown = beyond[:SHOWN]
    more = f" The first {SHOWN} of {len(beyond)} are shown." if len(beyond) > SHOWN else ""
    pairs = outliers.pairs(pictures[shown], served.reconstruct(pictures[shown]), intruder[shown])
    widgets.show(sheets.tile(pairs, own_outliers.COLUMNS, scale=2),
                 "Beyond the line, the highest score first: each original above its reconstruction. A red frame marks "
                 f"an intruder.{more}",
                 f"{len(shown)} pictures beyond the threshold, {int(intruder[shown].sum())} of them intruders",
                 "outliers")


def _show_judgment(scores, intruder, threshold):
    """Precision, recall and the area at the threshold."""
    judged = outliers.judge(scores, intruder, threshold)
    row = st.container(horizontal=True)
    for name, value in (("Precision", judged.precision), ("Recall", judged.recall),
                        ("Average precision", metrics.average_precision(intruder, scores)),
                        ("Quantile here", float((scores < threshold).mean()))):
        row.metric(name, "–" if np.isnan(value) else f"{value:.3f}")
    return judged


def _show_all_scores(everything, judged, mixed, regular, intruder):
    """Every score at every threshold, and the confusion matrix at this one."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Every threshold at once")
        charts.curves({name: metrics.roc(mixed.intruder, scores) for name, scores in everything.items()},
                      "False alarms", "Intruders found", f"ROC of every score for {intruder} among {regular}",
                      point=("the line above", judged.false_alarm_rate, judged.recall), height=360, markers=False)
    with right:
        st.subheader("At this threshold")
        st.dataframe([{"": f"Intruders ({intruder})", "Beyond the line": judged.caught, "Before it": judged.missed},
                      {"": f"Regular ({regular})", "Beyond the line": judged.false_alarms, "Before it": judged.passed}],
                     hide_index=True)
        st.markdown("Which score finds the intruders?")
        st.dataframe([{"Score": name, "Average precision": round(metrics.average_precision(mixed.intruder, scores), 3)}
                      for name, scores in everything.items()], hide_index=True)
        st.caption(f"Guessing would get {mixed.intruder.mean():.3f}. The squared error of the wide code, the published "
                   "choice, is a weak one; the panel below explains why.")


def show() -> None:
    """The published experiment, for any pair of classes."""
    picture, controls = st.columns([5, 3], gap="medium")
    with controls:
        mixed, everything, regular, intruder = _choose_mixture()
        score = widgets.choose_one("Score", list(outliers.SCORES), "score")
        quantile = QUANTILES[widgets.choose_one("Threshold at quantile", list(QUANTILES), "quantile", index=2)]
        scores, served = everything[score], widgets.served(outliers.rebuilder(score, regular))
        st.caption(f"{(~mixed.intruder).sum():,} × {regular} and {mixed.intruder.sum()} × {intruder} from the test "
                   f"pictures, seen by “{served.preset.title}”.")
        downloads = st.container()
    with picture:
        threshold = _drag(scores, mixed, score, quantile, f"line_{regular}_{intruder}_{score}_{len(mixed.rows)}")
        beyond = np.argsort(-scores, kind="stable")[:int((scores >= threshold).sum())]
        judged = _show_judgment(scores, mixed.intruder, threshold)
        _show_beyond(served, mixed.pictures, beyond, mixed.intruder)
    with downloads:
        classes = np.array(datasets.DATASETS["fashion_mnist"].classes)[mixed.labels]
        own_outliers.download_csv(scores, len(beyond), {"test_picture": mixed.rows, "class": classes,
                                                               "intruder": mixed.intruder})
    widgets.panel("Every threshold and every score", lambda: _show_all_scores(everything, judged, mixed, regular,
                                                                             intruder), "show_chart", "scores")
