"""Forest plots: one number for many groups, each with its interval, n, and how the whole compares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pneumoscope.evidence.figures.style import BLUE, FAINT, INK, ORANGE, REFERENCE, SOFT, VERMILLION, new_figure
from pneumoscope.evidence.literature import Published
from pneumoscope.evidence.numbers import Leaf, Number

_ROW_IN = 0.235
_COLUMN = {"fontsize": 7.5, "va": "center", "color": SOFT}


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
    return _forest(lines, title=title, xlabel="AUROC", whole=answer["auroc"], colours=(BLUE,), heading="positive / n")


def comorbid(answer: Mapping[str, Any], *, point: str, title: str) -> Any:
    """Sensitivity and specificity at one operating point, with and without each other finding."""
    lines = []
    for finding, sides in answer["comorbid"].items():
        lines.append(Line(finding.replace("_", " ")))
        lines += [
            Line(f"   {side}", (group["sensitivity"], group["specificity"]), _counts(group))
            for side, group in sides.items()
        ]
    figure = _forest(
        lines,
        title=title,
        xlabel=f"At the operating point “{point.replace('_', ' ')}”",
        whole=None,
        colours=(BLUE, ORANGE),
        heading="positive / n",
    )
    axes = figure.axes[0]
    for colour, marker, name in ((BLUE, "o", "sensitivity"), (ORANGE, "s", "specificity")):
        axes.plot([], [], marker, color=colour, label=name)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.07), ncols=2)
    return figure


def findings(areas: Mapping[str, Leaf], published: Sequence[Published], *, title: str) -> Any:
    """AUROC of each finding with its interval, beside what others printed."""
    lines = [Line(name.replace("_", " "), (area,)) for name, area in areas.items()]
    figure = _forest(lines, title=title, xlabel="AUROC", whole=None, colours=(BLUE,), heading="")
    axes = figure.axes[0]
    axes.plot([], [], "o", color=BLUE, label="this evidence")
    for source, colour, marker in zip(published, (SOFT, VERMILLION), ("D", "x"), strict=True):
        values = [source.auroc[name] for name in areas]
        axes.plot(values, range(len(values)), marker, color=colour, markersize=5, zorder=4, label=source.name)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.09), ncols=3)
    return figure


def _forest(
    lines: Sequence[Line],
    *,
    title: str,
    xlabel: str,
    whole: Leaf | None,
    colours: Sequence[str],
    heading: str,
) -> Any:
    figure, axes = new_figure(width_in=6.0, height_in=1.1 + _ROW_IN * len(lines))
    if isinstance(whole, Number):
        axes.axvline(whole.value, **REFERENCE)
    for row, line in enumerate(lines):
        for shift, number, colour, marker in zip((-0.13, 0.13), line.numbers, colours, "os", strict=False):
            place = row if len(line.numbers) == 1 else row + shift
            _draw(axes, number, place, colour, marker)
        axes.text(1.01, row, line.counts, transform=axes.get_yaxis_transform(), **_COLUMN)
    axes.text(1.01, -1.05, heading, transform=axes.get_yaxis_transform(), **_COLUMN)
    axes.set_yticks(range(len(lines)), [line.text for line in lines])
    for label, line in zip(axes.get_yticklabels(), lines, strict=True):
        label.set(fontweight="bold" if not line.numbers else "normal", color=INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set(ylim=(len(lines) - 0.4, -0.7), xlabel=xlabel, title=title)
    axes.spines["left"].set_visible(False)
    return figure


def _draw(axes: Any, number: Leaf, row: float, colour: str, marker: str) -> None:
    if isinstance(number, Number):
        axes.plot([number.low, number.high], [row, row], color=colour, linewidth=1.4, solid_capstyle="butt", zorder=2)
        axes.plot(number.value, row, marker, color=colour, markersize=4.5, zorder=3)
    else:
        axes.text(
            0.5, row, "too few to say", transform=axes.get_yaxis_transform(), fontsize=7, color=FAINT, ha="center",
            va="center",
        )  # fmt: skip


def _counts(group: Mapping[str, Any]) -> str:
    return f"{group['positives']:,} / {group['n']:,}".replace(",", " ")
