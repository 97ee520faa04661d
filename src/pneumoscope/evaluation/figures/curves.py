"""Figures of curves: ranking, thresholds, calibration, net benefit, and what prevalence does to predictive values."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pneumoscope.evaluation.numbers import Number
from pneumoscope.plotting import Axis, Curve, Figure, Mark, chart

_WIDTH = 440.0
# Below this prevalence precision is drawn up to what it reaches, and thresholds on a log scale.
_RARE, _HALF = 0.2, 0.5


def roc(answer: Mapping[str, Any], curve: pd.DataFrame, *, title: str) -> Figure:
    """Draw sensitivity against the false positive rate, with its band and the operating points."""
    points = {
        name: (1 - point["specificity"].value, point["sensitivity"].value)
        for name, point in answer["operating_points"].items()
        if isinstance(point["sensitivity"], Number) and isinstance(point["specificity"], Number)
    }
    marks, height = chart(
        [
            _diagonal(1.0),
            _banded(curve, name=f"AUROC {interval(answer['auroc'])}", stepped=True),
            *(_dot(*place, name=name.replace("_", " "), colour=colour)
              for (name, place), colour in zip(points.items(), ("ink", "compared", "third", "finding"), strict=False)),
        ],
        x=Axis(title="1 - specificity", low=0, high=1),
        y=Axis(title="Sensitivity", low=0, high=1),
        width=_WIDTH,
        plot_height=_WIDTH - 60,
    )  # fmt: skip
    return _figure("roc", title, marks, height)


def precision_recall(answer: Mapping[str, Any], curve: pd.DataFrame, *, title: str) -> Figure:
    """Draw PPV against sensitivity with its band, and the prevalence: what flagging at random attains."""
    prevalence = answer["positives"] / answer["n"]
    # The leftmost point rests on one image: it may be 1 and would hide everything else.
    top = float(curve["high"][curve["x"] >= _RARE].max()) if prevalence < _RARE else 1.0
    top = min(1.0, 1.15 * max(top, 2 * prevalence))
    marks, height = chart(
        [
            _level(prevalence, name=f"prevalence {prevalence:.3f}"),
            _banded(curve, name=f"average precision {interval(answer['auprc'])}"),
        ],
        x=Axis(title="Recall (sensitivity)", low=0, high=1),
        y=Axis(title="Precision (PPV)", low=0, high=top),
    )
    return _figure("precision-recall", title, marks, height)


def f1_by_threshold(answer: Mapping[str, Any], curve: pd.DataFrame, *, title: str) -> Figure:
    """Draw F1 against the threshold with its band, beside flagging everybody."""
    prevalence = answer["positives"] / answer["n"]
    everybody = 2 * prevalence / (1 + prevalence)
    best = curve.iloc[int(np.argmax(curve["y"].to_numpy()))]
    x = curve["x"].to_numpy()
    log = bool(x.max() < _HALF or prevalence < _RARE)
    low = max(float(x[x > 0].min()), 1e-3) if log else 0.0
    high = float(x.max())
    marks, height = chart(
        [
            _level(everybody, name=f"flag everybody {everybody:.3f}", ends=(low, high)),
            _banded(curve[x >= low], name=f"F1 at {prevalence:.1%} prevalence"),
            _dot(float(best["x"]), float(best["y"]), name=f"highest, {best['y']:.3f} at {best['x']:.3g}"),
        ],
        x=Axis(title="Threshold on the probability", low=low, high=high, log=log),
        y=Axis(title="F1", low=0, high=1.08 * float(max(curve["high"].max(), everybody))),
    )
    return _figure("f1", title, marks, height)


def reliability(answer: Mapping[str, Any], curve: pd.DataFrame, *, title: str) -> Figure:
    """Draw the observed share with the finding against predicted probability, in bins of equally many images."""
    top = min(1.0, 1.1 * float(max(curve["high"].max(), curve["x"].max())))
    error = answer["calibration"]["ece"]
    bins = Curve(
        x=curve["x"].to_numpy(),
        y=curve["y"].to_numpy(),
        low=curve["low"].to_numpy(),
        high=curve["high"].to_numpy(),
        dots=True,
        name=f"calibration error {interval(error)}" if isinstance(error, Number) else "bins of equally many images",
    )
    marks, height = chart(
        [_diagonal(top, name="perfect"), bins],
        x=Axis(title="Predicted probability", low=0, high=top),
        y=Axis(title="Observed share with the finding", low=0, high=top),
        width=_WIDTH,
        plot_height=_WIDTH - 60,
    )
    return _figure("reliability", title, marks, height)


def decision(curves: Mapping[str, pd.DataFrame], *, title: str) -> Figure:
    """Draw the net benefit of acting on the score, on everybody and on nobody, by the probability one would act at."""
    model, everybody = curves["net_benefit"], curves["net_benefit_flag_all"]
    top = 1.25 * float(max(model["high"].max(), everybody["y"].max()))
    bottom, last = -0.35 * top, float(model["x"].max())
    x, y = everybody["x"].to_numpy(), everybody["y"].to_numpy()
    inside = y >= bottom
    marks, height = chart(
        [
            _level(0.0, name="flag nobody", ends=(0.0, last)),
            Curve(x=x[inside], y=y[inside], colour="compared", dashed=True, name="flag everybody"),
            _banded(model, name="flag by the score"),
        ],
        x=Axis(title="Threshold probability", low=0, high=last),
        y=Axis(title="Net benefit, per image", low=bottom, high=top),
    )
    return _figure("decision-curve", title, marks, height)


def by_prevalence(answer: Mapping[str, Any], curves: Mapping[str, pd.DataFrame], *, point: str, title: str) -> Figure:
    """Draw PPV, NPV and F1 of one operating point against prevalence, beside the F1 of flagging everybody."""
    styles = (("ppv", "PPV", "measured"), ("npv", "NPV", "third"), ("f1", "F1", "compared"))
    # A point that flags everybody has no NPV.
    there = [
        _banded(curves[f"{key}_by_prevalence"], name=name, colour=colour)
        for key, name, colour in styles
        if f"{key}_by_prevalence" in curves
    ]
    x = there[0].x
    measured = answer["positives"] / answer["n"]
    here = Curve(
        x=np.full(2, measured), y=np.array([0.0, 1.0]), colour="quiet", faint=True, name=f"here {measured:.1%}"
    )
    marks, height = chart(
        [
            *there,
            Curve(x=x, y=2 * x / (1 + x), colour="quiet", dashed=True, faint=True, name="F1 of flagging everybody"),
            here,
        ],
        x=Axis(title="Prevalence", low=float(x.min()), high=float(x.max()), log=True, form="{:.1%}",
               ticks=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)),
        y=Axis(title=f"At “{point.replace('_', ' ')}”", low=0, high=1),
    )  # fmt: skip
    return _figure("prevalence", title, marks, height)


def interval(leaf: Any, *, digits: int = 3) -> str:
    """Return a number with its interval as text, such as 0.762 [0.731, 0.789], or that there is none."""
    if not isinstance(leaf, Number):
        return "not estimable"
    return f"{leaf.value:.{digits}f} [{leaf.low:.{digits}f}, {leaf.high:.{digits}f}]"


def _figure(name: str, title: str, marks: tuple[Mark, ...], height: float) -> Figure:
    return Figure(name=name, title=title, takeaway="", caption="", width=_WIDTH, height=height, marks=marks)


def _banded(curve: pd.DataFrame, *, name: str, colour: Any = "measured", stepped: bool = False) -> Curve:
    x, y, low, high = (curve[column].to_numpy(dtype=float) for column in ("x", "y", "low", "high"))
    return Curve(x=x, y=y, low=low, high=high, colour=colour, name=name, stepped=stepped)


def _dot(x: float, y: float, *, name: str, colour: Any = "ink") -> Curve:
    return Curve(x=np.array([x]), y=np.array([y]), dots=True, colour=colour, name=name)


def _level(value: float, *, name: str, ends: tuple[float, float] = (0.0, 1.0)) -> Curve:
    return Curve(x=np.array(ends), y=np.full(2, value), colour="quiet", dashed=True, faint=True, name=name)


def _diagonal(end: float, *, name: str = "") -> Curve:
    return Curve(x=np.array([0.0, end]), y=np.array([0.0, end]), colour="quiet", dashed=True, faint=True, name=name)
