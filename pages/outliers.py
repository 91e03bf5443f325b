"""Outliers: score every picture of a collection, drag the threshold, and look at the odd ones."""
import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ae_core import metrics, model, presets
from ae_core.features import outliers
from ae_core.pictures import datasets, sheets
from pages.shared import cache, frame, live, widgets

FORMULA = (r"d(x) = \sqrt{(E(x) - \mu)^\top\, \Sigma^{-1}\, (E(x) - \mu)}, \qquad"
           r" e(x) = \frac{1}{784}\sum_i (x_i - \hat x_i)^2")
IDEA = """
The published idea: an autoencoder that was trained on sandals rebuilds sandals well and everything else badly, so the
pictures with the largest **squared error** $e(x)$ are the odd ones. With a code of 256 numbers this fails. So wide a
code can copy almost anything; a plain T-shirt, with less detail than a sandal, is copied just as well. On the
published set (7,000 sandals and 70 T-shirts) its average precision is 0.04; guessing gets 0.01.

What works is to ask not how well a picture is rebuilt but **where its code lies**. The codes of one class form a cloud
with mean $\\mu$ and covariance $\\Sigma$, and the **Mahalanobis distance** $d(x)$ counts how many standard deviations a
code is away from it, along the direction in which it lies. Intruders would widen the cloud and hide in it, so the
farthest twentieth is left out and the cloud is measured again. On the same set this gets
0.92. No label is used anywhere, and no network is trained for the class.

**Precision** is the share of intruders among the pictures beyond the threshold, **recall** the share of all intruders
that is there. **Average precision** is the mean precision over all thresholds: 1 is perfect, and guessing gets the
share of intruders. The **ROC** shows the intruders found against the false alarms.
"""
SHARES = {"0.5 %": 0.005, "1 %, as published": 0.01, "2 %": 0.02, "5 %": 0.05, "10 %": 0.1}
QUANTILES = {"0.9": 0.9, "0.95": 0.95, "0.99": 0.99, "0.995": 0.995, "0.999, as published": 0.999}
COLUMNS = 8                      # pairs in a row
SHOWN = 24                       # pictures beyond the threshold that are shown
RED, WHITE = (0.74, 0.11, 0.0), (1.0, 1.0, 1.0)
OWN_SECONDS = {"Use the codes (at once)": 0, "Train on it for 15 seconds": 15, "Train on it for a minute": 60}


def choose_mixture():
    """The regular class, the intruders, their share and the quantile of the published experiment and its kin."""
    classes = datasets.DATASETS["fashion_mnist"].classes
    regular = widgets.choose_one("Regular class", classes, "regular", index=classes.index("Sandal"))
    others = [name for name in classes if name != regular]
    intruder = widgets.choose_one("Intruders", others, "intruder")
    share = SHARES[widgets.choose_one("Intruders for each regular picture", list(SHARES), "share", index=1)]
    pictures, labels = cache.samples("fashion_mnist")
    return datasets.mix(pictures, labels, classes.index(regular), classes.index(intruder), share), regular, intruder


def rebuilder(score, regular):
    """The model that a score looks through; the published one for sandals only, which it was trained on."""
    sandals = score == outliers.ERROR and regular == "Sandal" and model.store.present(outliers.PUBLISHED)
    return widgets.served(outliers.PUBLISHED if sandals else outliers.ENCODER)


def set_threshold(key, scores, quantile):
    """A quantile moves the line; the line, once dragged, stays where it is."""
    if st.session_state.get(f"{key}:quantile") != quantile:
        st.session_state[f"{key}:quantile"] = quantile
        live.place(key, float(np.quantile(scores, quantile)))


def show_beyond(scored, pictures, beyond, intruder=None, names=None):
    """The pictures beyond the threshold, the oddest first: original over rebuilt, intruders in a red frame."""
    if not len(beyond):
        st.info("Nothing lies beyond the line. Drag it to the left.")
        return
    shown = beyond[:SHOWN]
    pairs = np.concatenate([pictures[shown], scored.rebuilt[shown]], axis=1)
    marks = np.zeros(len(shown), bool) if intruder is None else intruder[shown]
    framed = sheets.frame(pairs, [RED if mark else WHITE for mark in marks])
    more = f" The first {SHOWN} of {len(beyond)}." if len(beyond) > SHOWN else ""
    red = "" if intruder is None else " A red frame marks an intruder."
    widgets.show(sheets.tile(framed, COLUMNS, scale=2),
                 f"Beyond the line, the oddest first: each original over its reconstruction.{red}{more}",
                 f"{len(shown)} pictures beyond the threshold, {int(marks.sum())} of them intruders",
                 "outliers")


def show_judgment(scores, intruder, threshold):
    """Precision, recall and the two areas at the threshold."""
    judged = outliers.judge(scores, intruder, threshold)
    row = st.container(horizontal=True)
    for name, value in (("Precision", judged.precision), ("Recall", judged.recall),
                        ("Average precision", metrics.average_precision(intruder, scores)),
                        ("Quantile here", float((scores < threshold).mean()))):
        row.metric(name, "–" if np.isnan(value) else f"{value:.3f}")
    return judged


def show_roc(curves, judged, alt):
    figure = go.Figure([go.Scatter(x=false, y=found, name=name, line={"color": color})
                        for (name, (false, found)), color in zip(curves.items(), live.PALETTE, strict=False)])
    false_alarms = judged.false_alarms / max(judged.false_alarms + judged.passed, 1)
    figure.add_scatter(x=[false_alarms], y=[judged.recall], mode="markers", name="the line above",
                       marker={"size": 12, "color": "#bd1f01", "symbol": "circle-open", "line": {"width": 3}})
    figure.update_layout(height=360, margin={"l": 8, "r": 8, "t": 8, "b": 8}, xaxis_title="False alarms",
                         yaxis_title="Intruders found", legend={"orientation": "h", "y": -0.25})
    st.plotly_chart(figure, alt=alt, config={"displayModeBar": False})


def show_confusion(judged, regular, intruder):
    st.dataframe([{"": f"Intruders ({intruder})", "Beyond the line": judged.caught, "Before it": judged.missed},
                  {"": f"Regular ({regular})", "Beyond the line": judged.false_alarms, "Before it": judged.passed}],
                 hide_index=True)


def show_csv(scores, beyond, columns, key):
    rows = [{"rank": k + 1, "score": float(scores[row]), "beyond": bool(k < beyond),
             **{name: values[row] for name, values in columns.items()}}
            for k, row in enumerate(np.argsort(-scores, kind="stable"))]
    st.download_button("Download CSV", widgets.table_csv(rows), "outliers.csv", "text/csv", on_click="ignore",
                       icon=":material/download:", key=key)


def experiment():
    """The published experiment, for any pair of classes."""
    picture, controls = st.columns([5, 3], gap="medium")
    with controls:
        mixed, regular, intruder = choose_mixture()
        score = widgets.choose_one("Score", list(outliers.SCORES), "score")
        quantile = QUANTILES[widgets.choose_one("Threshold at the quantile", list(QUANTILES), "quantile", index=2)]
        served = rebuilder(score, regular)
        scored = outliers.run(served, mixed.pictures, score)
        st.caption(f"{(~mixed.intruder).sum():,} × {regular} and {mixed.intruder.sum()} × {intruder} from the test "
                   f"pictures, seen by “{served.preset.title}”.")
        downloads = st.container()
    key = f"line_{regular}_{intruder}_{score}_{len(mixed.rows)}"
    set_threshold(key, scored.scores, quantile)
    with picture:
        threshold = live.threshold(key, scored.scores, mixed.intruder, label="Threshold",
                                   value=float(np.quantile(scored.scores, quantile)))
        st.caption(f"How many pictures have which score ({score.lower()}; heights are logarithmic): regular ones blue, "
                   "intruders red. Drag the line.")
        beyond = np.argsort(-scored.scores, kind="stable")[:int((scored.scores >= threshold).sum())]
        judged = show_judgment(scored.scores, mixed.intruder, threshold)
        show_beyond(scored, mixed.pictures, beyond, mixed.intruder)
    with downloads:
        classes = np.array(datasets.DATASETS["fashion_mnist"].classes)
        show_csv(scored.scores, len(beyond), {"test_picture": mixed.rows, "class": classes[mixed.labels],
                                              "intruder": mixed.intruder}, "csv_experiment")

    left, right = st.columns(2, gap="large")
    everything = {name: outliers.run(rebuilder(name, regular), mixed.pictures, name).scores for name in outliers.SCORES}
    everything[outliers.PCA] = outliers.pca_error(mixed.pictures)
    with left:
        st.subheader("Every threshold at once")
        show_roc({name: metrics.roc(mixed.intruder, scores) for name, scores in everything.items()}, judged,
                 f"ROC of every score for {intruder} among {regular}")
    with right:
        st.subheader("At this threshold")
        show_confusion(judged, regular, intruder)
        st.markdown("Which score finds the intruders?")
        st.dataframe([{"Score": name, "Average precision": round(metrics.average_precision(mixed.intruder, scores), 3)}
                      for name, scores in everything.items()], hide_index=True)
        st.caption(f"Guessing would get {mixed.intruder.mean():.3f}. The squared error of the wide code, the published "
                   "choice, is a weak one; the panel below says why.")


def own_collection():
    """A reader's own pictures: the odd ones out, with no labels."""
    st.subheader("Your own collection")
    picture, controls = st.columns([5, 3], gap="medium")
    with controls:
        collected = widgets.collect("outliers", presets.get(outliers.ENCODER))
        seconds = OWN_SECONDS[st.selectbox("How", list(OWN_SECONDS), key="own_how")]
        share = st.slider("Share to show, %", 1, 50, 10, key="own_share") / 100
    with picture:
        if collected is None:
            st.info(f"Drop {outliers.LEAST} pictures or more, or a zip of them; those unlike the rest come first.")
            return
        try:
            outliers.enough(collected.pictures)
        except ValueError as error:
            st.info(str(error))
            return
        scored = own_scores(collected, seconds)
        order = np.argsort(-scored.scores, kind="stable")
        shown = order[:max(1, round(share * len(order)))]
        widgets.show(sheets.tile(datasets.as_pictures(collected.thumbnails[shown[:SHOWN]]), COLUMNS),
                     f"The odd ones out, the oddest first: {', '.join(collected.names[row] for row in shown[:SHOWN])}.",
                     f"The {len(shown[:SHOWN])} oddest pictures of {len(order)}", "odd_ones")
        show_csv(scored.scores, len(shown), {"file": np.array(collected.names)}, "csv_own")


def own_scores(collected, seconds):
    """The scores of a collection, kept for as long as it and the way stay the same."""
    key = collected.names, seconds
    if st.session_state.get("own_scored", (None,))[0] != key:
        if seconds:
            with widgets.progress("Training on your pictures", "own_training") as report:
                scored = outliers.fit(collected.pictures, seconds, report)
        else:
            scored = outliers.run(widgets.served(outliers.ENCODER), collected.pictures)
        st.session_state.own_scored = key, scored
    return st.session_state.own_scored[1]


frame.open_page("outliers")
experiment()
own_collection()
widgets.explain(IDEA, FORMULA, presets.get(outliers.PUBLISHED).recipe)
widgets.code(outliers.code_distance, outliers.run, outliers.judge)
