"""Figures that the document draws itself: the pipeline from the code, training curves from the run, power curves."""

import textwrap
from dataclasses import dataclass
from html import escape as xml
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.plan import Plan, needs, power_curve

if TYPE_CHECKING:
    import pandas as pd

INK, QUIET, ACCENT, WARN, BAND = "#1b2330", "#4a5566", "#0b4f6c", "#8a4b00", "#eef2f6"

_WIDTH, _MAIN, _LINE = 760, 430, 18


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the pipeline: what happens, in detail, and what becomes of an image that fails it."""

    title: str
    detail: str
    leaves: str = ""


def draw_pipeline(steps: tuple[Step, ...], path: Path) -> None:
    """Draw the steps as boxes from top to bottom, with the way out of each on the right."""
    parts: list[str] = []
    top = 10
    boxes = []
    for step in steps:
        lines = textwrap.wrap(step.detail, 56)
        height = 34 + _LINE * len(lines)
        boxes.append((top, height))
        parts += _box(step.title, lines, top=top, height=height)
        if step.leaves:
            parts += _exit(step.leaves, middle=top + height / 2)
        top += height + 17
    for (above, height), (below, _) in pairwise(boxes):
        parts.append(_arrow(_MAIN / 2 + 10, above + height, _MAIN / 2 + 10, below))
    total = top - 7
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {total}" width="{_WIDTH}" height="{total}" '
        'font-family="DejaVu Sans, Verdana, sans-serif">'
        f'<rect width="{_WIDTH}" height="{total}" fill="#ffffff"/>'
    )
    path.write_text(head + "".join(parts) + "</svg>\n", encoding="utf-8")


def _box(title: str, lines: list[str], *, top: float, height: float) -> list[str]:
    parts = [
        f'<rect x="10" y="{top}" width="{_MAIN}" height="{height}" rx="5" fill="{BAND}" stroke="{ACCENT}"/>',
        f'<text x="24" y="{top + 21}" font-size="15" font-weight="bold" fill="{ACCENT}">{xml(title)}</text>',
    ]
    for place, line in enumerate(lines):
        y = top + 39 + _LINE * place
        parts.append(f'<text x="24" y="{y}" font-size="13" fill="{INK}">{xml(line)}</text>')
    return parts


def _exit(words: str, *, middle: float) -> list[str]:
    lines = textwrap.wrap(words, 29)
    left = _MAIN + 70
    height = 16 + 17 * len(lines)
    parts = [
        _arrow(_MAIN + 10, middle, left, middle),
        f'<rect x="{left}" y="{middle - height / 2}" width="{_WIDTH - left - 10}" height="{height}" rx="5" '
        f'fill="#ffffff" stroke="{WARN}" stroke-dasharray="5 3"/>',
    ]
    for place, line in enumerate(lines):
        y = middle - height / 2 + 20 + 17 * place
        parts.append(f'<text x="{left + 10}" y="{y}" font-size="13" fill="{WARN}">{xml(line)}</text>')
    return parts


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    tip = f"{x2 - 4},{y2 - 8} {x2 + 4},{y2 - 8}" if x1 == x2 else f"{x2 - 8},{y2 - 4} {x2 - 8},{y2 + 4}"
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{QUIET}" stroke-width="1.4"/>'
        f'<polygon points="{x2},{y2} {tip}" fill="{QUIET}"/>'
    )


def pipeline_steps(inputs: Inputs, *, recipe: str) -> tuple[Step, ...]:
    """Return the steps as the code makes them: checks by name, the recipe's own description, the claim's outputs."""
    from pneumoscope.intake import CHECKS

    names = ", ".join(check.__name__.removeprefix("check_").replace("_", " ") for check in CHECKS)
    claim = inputs.device.claim
    outputs = "structured report and Secondary Capture into the same study"
    outputs += "; heat map and outline" if claim.shows_location else "; no location"
    outputs += "; place in the worklist" if claim.orders_worklist else "; worklist order unchanged"
    config = inputs.tables["training"]["config"]
    return (
        Step(
            "1  Find and read",
            "DICOM, PNG or JPEG; modality and VOI transforms, padding, MONOCHROME1",
            "failed: not readable, with expected and found",
        ),
        Step("2  Check", names, "refused: outside the intended use, with every reason"),
        Step("3  Prepare", recipe),
        Step("4  Network", f"{config['backbone']}: logit, class activation map, embedding and distance in one pass"),
        Step(
            "5  Guard",
            "distance of the embedding from the training images",
            "refused: does not look like a frontal chest radiograph",
        ),
        Step(
            "6  Calibrate and decide",
            f"probability against the threshold “{inputs.device.operating_point}”; conformal limits",
            "uncertain: a person decides",
        ),
        Step("7  Write", outputs),
    )


def draw_curves(curves: dict[str, list[list[dict[str, str]]]], path: Path) -> None:
    """Training and validation loss by epoch, a panel a network, a line a run; validation dashed."""
    with _plot(path, width=6.6, height=2.9, panels=len(curves)) as panels:
        for axes, (reader, runs) in zip(panels, curves.items(), strict=True):
            for place, rows in enumerate(runs):
                _draw_run(axes, rows, first=place == 0)
            axes.set(title=f"for {reader.replace('-', ' ')}", xlabel="epoch", ylabel="loss (all heads)", ylim=(0, None))
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.legend(frameon=False)


def _draw_run(axes: Any, rows: list[dict[str, str]], *, first: bool) -> None:
    for name, words, style, colour in (
        ("train_loss", "training", "o-", ACCENT),
        ("val_loss", "validation", "s--", "#b35900"),
    ):
        points = [(int(row["epoch"]) + 1, float(row[name])) for row in rows if row.get(name)]
        label, alpha = (words, 1.0) if first else (None, 0.6)
        axes.plot(*zip(*points, strict=True), style, color=colour, lw=1.6, ms=3.5, label=label, alpha=alpha)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One panel: a curve of the evidence with its band, and the operating points on it.

    Attributes:
        points: Columns x, y, low and high.
        marks: Place of each operating point, by name.
        floor: What needs no image: the line of chance (None) or a share.
    """

    title: str
    area: str
    points: "pd.DataFrame"
    marks: dict[str, tuple[float, float]]
    floor: float | None = None
    steps: bool = False


def draw_panels(panels: list[Curve], path: Path, *, labels: tuple[str, str]) -> None:
    """Curves side by side, each under its cohort's name, in letters that can be read in print."""
    with _plot(path, width=6.6, height=3.0, panels=len(panels)) as every:
        for axes, panel in zip(every, panels, strict=True):
            curve = panel.points.sort_values("x", kind="stable") if not panel.steps else panel.points
            step = "post" if panel.steps else None
            axes.fill_between(curve["x"], curve["low"], curve["high"], step=step, color=ACCENT, alpha=0.18, lw=0)
            style = "default" if step is None else f"steps-{step}"
            axes.plot(curve["x"], curve["y"], color=ACCENT, lw=1.5, drawstyle=style)
            floor = (0, 1) if panel.floor is None else (panel.floor, panel.floor)
            axes.plot((0, 1), floor, "--", color=QUIET, lw=0.9)
            for marker, (name, (x, y)) in zip("osD^v", panel.marks.items(), strict=False):
                axes.plot(x, y, marker, color=WARN, ms=4.5, label=name, zorder=4)
            low = -0.02 if curve["y"].min() >= 0 else -0.15
            axes.set(xlim=(-0.02, 1.02), ylim=(low, 1.03), xlabel=labels[0], ylabel=labels[1])
            wide = 78 // len(panels)
            title = f"{textwrap.fill(panel.title, wide)}\n{textwrap.fill(panel.area, wide)}"
            axes.set_title(title, fontsize=8.5, loc="left")
        if any(panel.marks for panel in panels):
            shown = every[0].get_legend_handles_labels()
            every[0].figure.legend(*shown, loc="outside lower center", ncols=5, frameon=False)


def draw_forest(groups: dict[str, dict[str, Any]], path: Path) -> None:
    """Sensitivity (filled) and specificity (open) of each group, a panel a cohort."""
    most = max(map(len, groups.values()))
    with _plot(path, width=6.6, height=1.5 + 0.32 * most, panels=len(groups)) as panels:
        for place, (axes, (title, named)) in enumerate(zip(panels, groups.items(), strict=True)):
            rows = list(reversed(named.items()))
            for height, (_, one) in enumerate(rows):
                for name, shift, fill in (("sensitivity", 0.14, "full"), ("specificity", -0.14, "none")):
                    number = one[name]
                    if hasattr(number, "value"):
                        axes.plot((number.low, number.high), (height + shift,) * 2, color=ACCENT, lw=1.2)
                        axes.plot(number.value, height + shift, "o", color=ACCENT, ms=5, fillstyle=fill)
            labels = [name if place == 0 else "" for name, _ in rows]
            axes.set(xlim=(0, 1), yticks=range(len(rows)), yticklabels=labels, xlabel="share")
            axes.set_title(textwrap.fill(title, 26), fontsize=9, loc="left")


def draw_waits(loads: dict[str, dict[str, Any]], path: Path) -> None:
    """95th percentile of the wait by load, a panel for all positives and one for those left, a line an order."""
    orders = (("first", "first come", ":"), ("released", "released order", "-"), ("always", "always first", "--"))
    at = [float(load.rstrip(" %")) / 100 for load in loads]
    with _plot(path, width=6.6, height=2.8, panels=2) as panels:
        for axes, (group, title) in zip(
            panels, (("positives", "with the finding"), ("missed", "with the finding, left in place")), strict=True
        ):
            for key, label, style in orders:
                found = [case[f"{key}_{group}_numbers"] for case in loads.values()]
                values = [one["p95"] if one else float("nan") for one in found]
                axes.plot(at, values, style, color=ACCENT, marker="o", ms=3.5, lw=1.5, label=label)
            axes.set(xlabel="load", ylabel="95th percentile, min", ylim=(0, None))
            axes.set_title(title, fontsize=9, loc="left")
        panels[0].legend(frameon=False, fontsize=9)


def draw_trust_boundaries(path: Path) -> None:
    """Boxes for what talks, arrows for what crosses, dashes for where trust ends."""
    boxes = (
        (10, 60, "Modality, PACS", "C-STORE, STOW-RS"),
        (10, 150, "Watched folder", "files"),
        (10, 240, "Browser, REST", "HTTPS, sign-in, roles"),
        (300, 150, "Pneumoscope node", "limits, checks, audit"),
        (560, 60, "PACS, FHIR, HL7", "SR, SC, text"),
        (560, 150, "Spool, database", "patients' pixels"),
        (560, 240, "Webhook", "alerts, no patient data"),
    )
    parts = [_labelled(x, y, title, words) for x, y, title, words in boxes]
    parts += [_arrow(200, y + 28, 300, y + 28) for y in (60, 150, 240)]
    parts += [_arrow(490, y + 28, 560, y + 28) for y in (60, 150, 240)]
    for x in (250, 525):
        parts.append(
            f'<line x1="{x}" y1="20" x2="{x}" y2="320" stroke="{WARN}" stroke-width="1.6" stroke-dasharray="7 5"/>'
        )
    parts.append(f'<line x1="300" y1="88" x2="300" y2="268" stroke="{QUIET}" stroke-width="1.4"/>')
    parts.append(f'<line x1="490" y1="88" x2="490" y2="268" stroke="{QUIET}" stroke-width="1.4"/>')
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 335" width="760" height="335" '
        'font-family="DejaVu Sans, Verdana, sans-serif"><rect width="760" height="335" fill="#ffffff"/>'
    )
    path.write_text(head + "".join(parts) + "</svg>\n", encoding="utf-8")


def _labelled(x: float, y: float, title: str, words: str) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="190" height="56" rx="5" fill="{BAND}" stroke="{ACCENT}"/>'
        f'<text x="{x + 12}" y="{y + 23}" font-size="14" font-weight="bold" fill="{ACCENT}">{xml(title)}</text>'
        f'<text x="{x + 12}" y="{y + 43}" font-size="13" fill="{INK}">{xml(words)}</text>'
    )


def draw_power(plan: Plan, path: Path) -> None:
    """Power to show the sensitivity, by images with the finding; the exact test's saw-tooth is real."""
    need = needs(plan)[0].positives or 0
    counts, powers = power_curve(plan, most=2 * need)
    with _plot(path, width=6.2, height=2.6) as axes:
        axes.plot(counts, powers, color=ACCENT, lw=1.3)
        axes.axhline(plan.power, color=QUIET, lw=0.9, ls=":")
        axes.plot([need], [powers[counts.index(need)]], "o", color="#b35900", ms=5)
        axes.annotate(f"{need} images", (need, plan.power), xytext=(6, -14), textcoords="offset points")
        axes.set(xlabel="images with the finding", ylabel="power", ylim=(0, 1.02))


def _plot(path: Path, *, width: float, height: float, panels: int = 0) -> Any:
    """Axes to draw on (a list, where there are `panels`); written when the block ends, the same bytes for the same."""
    from contextlib import contextmanager

    from matplotlib import rc_context
    from matplotlib.figure import Figure

    @contextmanager
    def drawing() -> Any:
        settings: Any = {"svg.hashsalt": "pneumoscope", "svg.fonttype": "path", "font.size": 9, "axes.edgecolor": QUIET}
        with rc_context(settings):
            figure = Figure(figsize=(width, height), layout="constrained")
            every = list(figure.subplots(1, max(panels, 1), squeeze=False)[0])
            for axes in every:
                axes.spines[["top", "right"]].set_visible(False)
                axes.grid(alpha=0.25)
            yield every if panels else every[0]
            figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})

    return drawing()
