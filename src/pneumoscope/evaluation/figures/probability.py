"""Reliability, net benefit, and what predictive values become at another prevalence."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pneumoscope.evaluation.figures.style import (
    BAND_OPACITY,
    BLUE,
    GREEN,
    INK,
    ORANGE,
    REFERENCE,
    SOFT,
    interval,
    new_figure,
)
from pneumoscope.evaluation.numbers import Number


def reliability(answer: Mapping[str, Any], curve: pd.DataFrame, *, title: str) -> Any:
    """Observed share with the finding against predicted probability, in bins of equally many images."""
    figure, axes = new_figure()
    top = min(1.0, 1.15 * float(max(curve["high"].max(), curve["x"].max())))
    axes.plot([0, top], [0, top], **REFERENCE, label="perfect")
    y = curve["y"].to_numpy()
    spread = [(y - curve["low"]).clip(lower=0), (curve["high"] - y).clip(lower=0)]
    axes.errorbar(curve["x"], y, yerr=spread, fmt="o", color=BLUE, markersize=4.5, linewidth=1.2, zorder=3)
    error = answer["calibration"]["ece"]
    if isinstance(error, Number):
        axes.plot([], [], "o", color=BLUE, label=f"calibration error {interval(error)}")
    axes.set(
        xlim=(0, top), ylim=(0, top), xlabel="Predicted probability", ylabel="Observed share with the finding",
        title=title, aspect="equal",
    )  # fmt: skip
    axes.legend(loc="upper left")
    return figure


def decision(curves: Mapping[str, pd.DataFrame], *, title: str) -> Any:
    """Net benefit of acting on the score, on everybody and on nobody, by the probability that one would act at."""
    figure, axes = new_figure()
    model, everybody = curves["net_benefit"], curves["net_benefit_flag_all"]
    axes.axhline(0, **REFERENCE, label="flag nobody")
    axes.plot(everybody["x"], everybody["y"], color=ORANGE, linestyle="--", linewidth=1.4, label="flag everybody")
    axes.fill_between(model["x"], model["low"], model["high"], color=BLUE, alpha=BAND_OPACITY, linewidth=0)
    axes.plot(model["x"], model["y"], color=BLUE, label="flag by the score", zorder=3)
    top = 1.25 * float(max(model["high"].max(), everybody["y"].max()))
    axes.set(
        xlim=(0, float(model["x"].max())),
        ylim=(-0.35 * top, top),
        xlabel="Threshold probability",
        ylabel="Net benefit, per image",
        title=title,
    )
    axes.legend(loc="upper right")
    return figure


def by_prevalence(answer: Mapping[str, Any], curves: Mapping[str, pd.DataFrame], *, point: str, title: str) -> Any:
    """PPV, NPV and F1 of one operating point against prevalence, beside the F1 of flagging everybody."""
    figure, axes = new_figure()
    styles = (("ppv", "PPV", BLUE, "-"), ("npv", "NPV", GREEN, "-."), ("f1", "F1", ORANGE, "--"))
    # A point that flags everybody has no NPV.
    there = [(curves[f"{key}_by_prevalence"], *style) for key, *style in styles if f"{key}_by_prevalence" in curves]
    for curve, name, colour, dashes in there:
        axes.fill_between(curve["x"], curve["low"], curve["high"], color=colour, alpha=BAND_OPACITY, linewidth=0)
        axes.plot(curve["x"], curve["y"], color=colour, linestyle=dashes, label=name, zorder=3)
    x = there[0][0]["x"].to_numpy()
    axes.plot(x, 2 * x / (1 + x), **(REFERENCE | {"color": INK}), label="F1, flag everybody")
    measured = answer["positives"] / answer["n"]
    axes.axvline(measured, color=SOFT, linewidth=0.9, linestyle=":")
    axes.annotate(
        f" here {measured:.1%}",
        (measured, 1.02),
        xycoords=("data", "axes fraction"),
        fontsize=7.5,
        color=SOFT,
        ha="center",
    )
    axes.set_xscale("log")
    ticks = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
    axes.set_xticks(ticks, [f"{tick:.1%}".replace(".0%", "%") for tick in ticks])
    axes.minorticks_off()
    axes.set(
        xlim=(x.min(), x.max()),
        ylim=(0, 1.01),
        xlabel="Prevalence",
        ylabel=f"At “{point.replace('_', ' ')}”",
        title=title,
    )
    axes.legend(loc="center left", bbox_to_anchor=(0.0, 0.72))
    return figure
