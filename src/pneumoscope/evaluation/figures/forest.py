"""Forest plots: one number for many groups, each with its interval, n, and how the whole compares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pneumoscope.evaluation.figures.style import BLUE, ORANGE, REFERENCE, SOFT, VERMILLION, new_figure
from pneumoscope.evaluation.literature import Published
from pneumoscope.evaluation.numbers import Leaf, Number

_ROW_IN = 0.235
_COLUMN = {"fontsize": 7.5, "va": "center_baseline", "color": SOFT}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a forest plot; a heading where it has no number."""

    text: str
    numbers: tuple[Leaf, ...] = ()
    counts: str = ""


def subgroups(answer: Mapping[str, Any], *, title: str) -> Any:
    """AUROC of every subgroup."""
    lines = [Line("All images", (answer["auroc"],), _counts(answer))]
    for axis, groups in answer["subgroups"].items():
        lines.append(Line(axis.replace("_", "-").capitalize()))
        lines += [Line(f"   {name}", (group["auroc"],), _counts(group)) for name, group in groups.items()]
    return _forest(lines, title=title, xlabel="AUROC", whole=answer["auroc"], heading="positive / n")


def comorbid(answer: Mapping[str, Any], *, point: str, title: str) -> Any:
    """Sensitivity and specificity at one operating point, with and without each other finding."""
    from matplotlib.figure import Figure

    sides = (("with", "with the finding too", BLUE, "o", -0.16), ("without", "without it", ORANGE, "s", 0.16))
    findings = answer["comorbid"]
    figure = Figure(figsize=(7.2, 1.2 + 0.3 * len(findings)))
    for axes, measure in zip(figure.subplots(1, 2, sharey=True), ("sensitivity", "specificity"), strict=True):
        number = answer["operating_points"][point][measure]
        if isinstance(number, Number):
            axes.axvline(number.value, **REFERENCE)
        for row, groups in enumerate(findings.values()):
            for side, _, colour, marker, shift in sides:
                _draw(axes, groups[side][measure], row + shift, colour, marker)
        _dress(axes, [name.replace("_", " ") for name in findings])
        axes.set(xlim=(-0.02, 1.02), xlabel=measure.capitalize())
    figure.axes[0].set_title(f"{title}, at “{point.replace('_', ' ')}”, by other finding")
    for _, words, colour, marker, _ in sides:
        figure.axes[0].plot([], [], marker, color=colour, label=f"images {words}")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def findings(areas: Mapping[str, Leaf], published: Sequence[Published]) -> Any:
    """AUROC of each finding with its interval, beside what others printed."""
    lines = [Line(name.replace("_", " "), (area,)) for name, area in areas.items()]
    figure = _forest(lines, title="AUROC by finding", xlabel="AUROC (theirs on random splits of their own)")
    axes = figure.axes[0]
    axes.plot([], [], "o", color=BLUE, label="this evidence")
    for source, colour, marker in zip(published, (SOFT, VERMILLION), ("D", "x"), strict=True):
        values = [source.auroc[name] for name in areas]
        axes.plot(values, range(len(values)), marker, color=colour, markersize=5, zorder=4, label=source.name)
    axes.legend(loc="lower left")
    return figure


def _forest(
    lines: Sequence[Line],
    *,
    title: str,
    xlabel: str,
    whole: Leaf | None = None,
    heading: str = "",
) -> Any:
    figure, axes = new_figure(width_in=6.0, height_in=1.1 + _ROW_IN * len(lines))
    if isinstance(whole, Number):
        axes.axvline(whole.value, **REFERENCE)
    for row, line in enumerate(lines):
        for number in line.numbers:
            _draw(axes, number, row, BLUE, "o")
        axes.text(1.01, row, line.counts, transform=axes.get_yaxis_transform(), **_COLUMN)
    axes.text(1.01, -1.05, heading, transform=axes.get_yaxis_transform(), **_COLUMN)
    _dress(axes, [line.text for line in lines])
    for label, line in zip(axes.get_yticklabels(), lines, strict=True):
        label.set_fontweight("normal" if line.numbers else "bold")
    axes.set(xlabel=xlabel, title=title)
    return figure


def _dress(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(len(names) - 0.4, -0.7)
    axes.spines["left"].set_visible(False)


def _draw(axes: Any, number: Leaf, row: float, colour: str, marker: str) -> None:
    if isinstance(number, Number):
        axes.plot([number.low, number.high], [row, row], color=colour, linewidth=1.4, solid_capstyle="butt", zorder=2)
        axes.plot(number.value, row, marker, color=colour, markersize=4.5, zorder=3)
    else:
        place = {"transform": axes.get_yaxis_transform(), "fontsize": 7, "va": "center_baseline"}
        axes.text(0.01, row, "too few to say", color=colour, **place)


def _counts(group: Mapping[str, Any]) -> str:
    return f"{group['positives']:,} / {group['n']:,}".replace(",", " ")
