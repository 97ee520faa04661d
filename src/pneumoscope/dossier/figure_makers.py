"""What the templates may name: each figure by its name, with its caption and its words for those who cannot see it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pneumoscope.core import ConfigError
from pneumoscope.dossier.content import Block, Column, Figure, Panel, Paragraph, Table
from pneumoscope.dossier.device import Cohort
from pneumoscope.dossier.diagrams import draw_pipeline, draw_trust_boundaries, pipeline_steps
from pneumoscope.dossier.facts import key_of
from pneumoscope.dossier.figures import Measured, draw_groups, draw_losses, draw_measured, draw_power, draw_waits
from pneumoscope.dossier.flow import draw_flow, flows
from pneumoscope.dossier.inline import escape, plain
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.numbers import Numbers
from pneumoscope.dossier.plan import needs
from pneumoscope.evaluation import Number
from pneumoscope.image import Recipe


def recipe_of(inputs: Inputs) -> str:
    """Return the preprocessing recipe of the training run, described by its own code."""
    return Recipe(**inputs.tables["training"]["config"]["recipe"]).describe()


def pipeline(inputs: Inputs, figures: Path) -> Iterator[Figure]:
    """Yield the flowchart."""
    path = figures / "pipeline.svg"
    steps = pipeline_steps(inputs, recipe=recipe_of(inputs))
    draw_pipeline(steps, path)
    alternative = " Then: ".join(f"{step.title}: {step.detail}." for step in steps)
    yield Figure(
        "pipeline",
        "The path of one image, drawn from the code: steps, checks, and every way out.",
        (Panel(path, alternative),),
        0.78,
    )


def loss_curves(inputs: Inputs, figures: Path) -> Iterator[Block]:
    """Yield loss by epoch of each run, or by images shown of each stage; a remark where it was not kept."""
    networks = inputs.tables["training"]["networks"]
    curves = {reader: network["curves"] for reader, network in networks.items()}
    staged = "stages" in inputs.tables["training"]
    if not any(curves.values()) and staged:
        yield Paragraph("The loss of the stages was not kept with the evidence.")
        return
    if not (all(curves.values()) or staged):
        raise ConfigError("expected the training run's curves.csv beside its run.json, found none")
    path = figures / "loss.svg"
    draw_losses(curves, path)
    key, what = ("loss", "Training loss by images shown") if staged else ("val_loss", "Validation loss by epoch")
    told = [
        f"{reader.replace('-', ' ')}, {name}: from {values[0]:.3f} to {values[-1]:.3f}"
        for reader, runs in curves.items()
        for name, rows in list(runs.items())[: None if staged else 1]
        if (values := [float(row[key]) for row in rows if row.get(key)])
    ]
    caption = (
        "Training loss by images shown, running mean; a line a stage, which has its own mixture of images."
        if staged
        else "Training and validation loss by epoch, all heads together; a line each seed."
    )
    yield Figure("loss-curves", caption, (Panel(path, f"{what}. {'; '.join(told)}."),), 0.85)


def plan(inputs: Inputs, figures: Path) -> Iterator[Block]:
    """Sample sizes by endpoint, and the power of the first."""
    rows = tuple(
        (
            escape(need.endpoint),
            escape(need.assumption),
            *("" if count is None else f"{count:,}" for count in (need.positives, need.negatives, need.images)),
            f"{need.patients:,}",
            escape(need.method),
        )
        for need in needs(inputs.plan)
    )
    columns = (
        Column("Endpoint", 1.3), Column("Assumption", 1.7), Column("With the finding", 0.8, right=True),
        Column("Without", 0.8, right=True), Column("Images", 0.7, right=True), Column("Patients", 0.8, right=True),
        Column("Method", 2),
    )  # fmt: skip
    note = "Patients: to be enrolled, with losses and images a patient (one in the reader study) taken into account."
    yield Table("table-plan", "Sample sizes.", columns, rows, note)
    path = figures / "power.svg"
    draw_power(inputs.plan, path)
    goal = inputs.plan.sensitivity
    caption = (
        f"Power to show a sensitivity above {goal.goal:g} if {goal.expected:g} is true, by images with the finding."
    )
    yield Figure("figure-power", f"{caption} The exact test makes the saw-tooth.", (Panel(path, caption),), 0.75)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A figure of curves: whose, which curve, what its axes and its operating points show."""

    role: str
    curve: str
    caption: str
    area: tuple[str, str]
    labels: tuple[str, str]
    marks: tuple[str, ...]


_KINDS = {
    "roc": _Kind(
        role="test",
        curve="roc",
        caption="ROC curves of the test images, with the operating points",
        area=("auroc", "AUROC"),
        labels=("1 − specificity", "sensitivity"),
        marks=("specificity", "sensitivity"),
    ),
    "precision-recall": _Kind(
        role="validation",
        curve="precision_recall",
        caption="Precision against recall on validation images, with the operating points; dashed: the prevalence",
        area=("auprc", "average precision"),
        labels=("recall (sensitivity)", "precision (PPV)"),
        marks=("sensitivity", "ppv"),
    ),
    "reliability": _Kind(
        role="test",
        curve="reliability",
        caption="Reliability on test images: share with the finding by predicted probability; dashed: perfect",
        area=("calibration.ece", "calibration error"),
        labels=("predicted probability", "share with the finding"),
        marks=(),
    ),
    "decision": _Kind(
        role="test",
        curve="net_benefit",
        caption="Net benefit on test images by threshold probability; dashed: flag nobody",
        area=("prevalence", "prevalence"),
        labels=("threshold probability", "net benefit"),
        marks=(),
    ),
}


def forest(inputs: Inputs, figures: Path) -> Iterator[Figure]:
    """Sensitivity and specificity of moving up by group, a panel a cohort that has groups."""
    groups = {}
    for cohort in inputs.device.cohorts("test"):
        found = inputs.tables["action"][key_of(cohort)]["groups"]
        estimable = {name: one for name, one in found.items() if isinstance(one["specificity"], Number)}
        if estimable:
            groups[cohort.title] = estimable
    if not groups:
        return
    path = figures / "forest.svg"
    draw_groups(groups, path)
    alternative = "; ".join(f"{title}: {', '.join(names)}" for title, names in groups.items())
    caption = "Moved up, by group: sensitivity (filled) and specificity (open) with 95 % intervals."
    yield Figure("figure-forest", caption, (Panel(path, f"{caption} {escape(alternative)}. Numbers: table."),), 0.95)


def waits(inputs: Inputs, figures: Path) -> Iterator[Figure]:
    """Yield simulated waits by load."""
    loads = inputs.tables["simulation"].get("by_load")
    if not loads:
        return
    path = figures / "waits.svg"
    draw_waits(loads, path)
    caption = (
        "Simulated 95th percentile of the wait by load: images with the finding, and of these the ones that are left "
        "in place."
    )
    yield Figure("figure-waits", caption, (Panel(path, f"{caption} Numbers: table of simulated waits."),), 0.9)


def trust_boundaries(figures: Path) -> Iterator[Figure]:
    """Yield what talks to the node, and where trust ends."""
    path = figures / "trust-boundaries.svg"
    draw_trust_boundaries(path)
    words = (
        "Modalities, archive and browsers of the site's network; the node; its spool and database; alerts by webhook."
    )
    yield Figure(
        "figure-trust", f"Trust boundaries (dashed) and what crosses them. {words}", (Panel(path, words),), 0.85
    )


def flow_diagram(inputs: Inputs, figures: Path) -> Iterator[Figure]:
    """Yield the flow of images of each test cohort, drawn from counts that were compared."""
    path = figures / "flow.svg"
    found = flows(inputs)
    draw_flow(found, path)
    told = "; ".join(
        f"{one.title}: {one.images:,} images, {one.labelled:,} with the reference, {one.positives:,} with the finding"
        for one in found
    )
    caption = "Flow of test images, from the images at hand to what the device did with each."
    yield Figure("figure-flow", caption, (Panel(path, f"{caption} {escape(told)}."),), 0.95)


def screenshots(inputs: Inputs, folder: Path) -> Iterator[Figure]:
    """Worklist and study page with synthetic studies, where the pictures are there."""
    images = inputs.device_path.parent.parent / "images"
    kinds = {"worklist": "The worklist", "study": "One study"}
    found = {words: path for name, words in kinds.items() for path in sorted(images.glob(f"*{name}*.png"))[:1]}
    if found:
        copies = []
        for words, path in found.items():
            copy = folder / "figures" / path.name
            copy.write_bytes(path.read_bytes())
            copies.append(Panel(copy, f"{words}, with synthetic studies."))
        shown = [words if place == 0 else f"{words[0].lower()}{words[1:]}" for place, words in enumerate(found)]
        caption = f"{' and '.join(shown)} in the browser, with synthetic studies."
        yield Figure("figure-screenshots", caption, tuple(copies))


def curve_figure(inputs: Inputs, numbers: Numbers, name: str, figures: Path) -> Iterator[Figure]:
    """Yield a figure drawn from the curves of the evidence, a panel a cohort."""
    kind = _KINDS[name]
    cohorts = inputs.device.cohorts(kind.role)
    panels = [panel for cohort in cohorts if (panel := _panel(inputs, numbers, cohort, kind))]
    if not panels:
        return
    path = figures / f"{name}.svg"
    draw_measured(panels, path, labels=kind.labels)
    sources = "".join(dict.fromkeys(numbers.source(cohort.at("auroc")) for cohort in cohorts))
    alternative = f"{kind.caption}. " + escape("; ".join(f"{panel.title}: {panel.area}" for panel in panels))
    caption = f"{kind.caption}. Bands: pointwise 95 % intervals.{sources}"
    yield Figure(f"figure-{name}", caption, (Panel(path, alternative),))


def _panel(inputs: Inputs, numbers: Numbers, cohort: Cohort, kind: _Kind) -> Measured | None:
    import pandas as pd

    file = inputs.release[cohort.evidence].path / "curves.parquet"
    try:
        table = pd.read_parquet(file)
        points = table[(table["label"] == cohort.question) & (table["curve"] == kind.curve)]
    except (OSError, ValueError, KeyError):
        points = pd.DataFrame()
    if points.empty:
        numbers.missing.append(f"{cohort.evidence}: curve {kind.curve!r} of {cohort.question} in curves.parquet")
        return None
    area, words = kind.area
    marks = {}
    for name in numbers.keys(cohort.at("operating_points")) if kind.marks else ():
        x, y = (numbers.node(cohort.at(f"operating_points.{name}.{measure}")) for measure in kind.marks)
        if isinstance(x, Number) and isinstance(y, Number):
            marks[name] = (1 - x.value if kind.curve == "roc" else x.value, y.value)
    floor = numbers.node(cohort.at("prevalence"))
    return Measured(
        title=cohort.title,
        area=plain(f"{words} {numbers.cell(cohort.at(area))}"),
        points=points,
        marks=marks,
        floor=_floor(kind, floor),
        steps=kind.curve == "precision_recall",
    )


def _floor(kind: _Kind, prevalence: object) -> float | None:
    """Return what needs no image: the diagonal (None), the prevalence, or no benefit."""
    if kind.curve == "net_benefit":
        return 0.0
    return prevalence.value if kind.curve == "precision_recall" and isinstance(prevalence, Number) else None
