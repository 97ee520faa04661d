"""ROC, precision-recall, and F1 against the threshold."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pneumoscope.evaluation.figures.style import BAND_OPACITY, BLUE, INK, REFERENCE, interval, new_figure
from pneumoscope.evaluation.numbers import Node, Number

# Markers of operating points, in order; told apart by shape as well as by label.
_MARKERS = "osD^v"
_HIGH, _LOW = 0.5, 0.2


def roc(answer: Mapping[str, Any], curve: pd.DataFrame, *, title: str) -> Any:
    """Sensitivity against the false positive rate, with its band and the operating points."""
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], **REFERENCE)
    _band(axes, curve, label=f"AUROC {interval(answer['auroc'])}", step="post")
    for marker, (name, point) in zip(_MARKERS, answer["operating_points"].items(), strict=False):
        if _numbers(point["sensitivity"], point["specificity"]):
            place = 1 - point["specificity"].value, point["sensitivity"].value
            axes.plot(*place, marker, color=INK, markersize=5, label=_words(name), zorder=4)
    axes.set(
        xlim=(-0.01, 1.01),
        ylim=(-0.01, 1.01),
        xlabel="1 − specificity",
        ylabel="Sensitivity",
        title=title,
        aspect="equal",
    )
    axes.legend(loc="lower right")
    return figure


def precision_recall(answer: Mapping[str, Any], curve: pd.DataFrame, *, title: str) -> Any:
    """PPV against sensitivity with its band, and the prevalence: what flagging at random attains."""
    figure, axes = new_figure()
    prevalence = answer["positives"] / answer["n"]
    axes.axhline(prevalence, **REFERENCE, label=f"prevalence {prevalence:.3f}")
    _band(axes, curve, label=f"average precision {interval(answer['auprc'])}")
    # The leftmost point rests on one image: it may be 1 and would hide everything else.
    top = float(curve["high"][curve["x"] >= _LOW].max()) if prevalence < _LOW else 1.0
    axes.set(
        xlim=(0, 1.01),
        ylim=(0, min(1.02, 1.15 * max(top, 2 * prevalence))),
        xlabel="Recall (sensitivity)",
        ylabel="Precision (PPV)",
        title=title,
    )
    axes.legend(loc="upper right")
    return figure


def f1_by_threshold(answer: Mapping[str, Any], curve: pd.DataFrame, *, title: str) -> Any:
    """F1 against the threshold with its band, beside flagging everybody."""
    figure, axes = new_figure()
    prevalence = answer["positives"] / answer["n"]
    everybody = 2 * prevalence / (1 + prevalence)
    axes.axhline(everybody, **REFERENCE, label=f"flag all {everybody:.3f}")
    best = int(np.argmax(curve["y"].to_numpy()))
    at = curve.iloc[best]
    _band(axes, curve, label=f"F1 at {prevalence:.1%} prevalence, highest {at['y']:.3f}")
    axes.plot(at["x"], at["y"], "o", color=INK, markersize=5, zorder=4)
    shown = curve["x"].to_numpy() > 0
    if curve["x"].max() < _HIGH or prevalence < _LOW:
        axes.set_xscale("log")
        axes.set_xlim(left=max(float(curve["x"][shown].min()), 1e-3))
    axes.set(ylim=(0, None), xlabel="Threshold on the probability", ylabel="F1", title=title)
    axes.legend(loc="upper left")
    return figure


def _band(axes: Any, curve: pd.DataFrame, *, label: str, step: str | None = None) -> None:
    x, y = curve["x"].to_numpy(), curve["y"].to_numpy()
    axes.fill_between(x, curve["low"], curve["high"], step=step, color=BLUE, alpha=BAND_OPACITY, linewidth=0)
    axes.plot(x, y, color=BLUE, label=label, drawstyle="default" if step is None else f"steps-{step}", zorder=3)


def _numbers(*nodes: Node) -> bool:
    return all(isinstance(node, Number) for node in nodes)


def _words(name: str) -> str:
    return name.replace("_", " ")
