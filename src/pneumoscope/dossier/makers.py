"""What the templates may name: each table and figure by its name."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pneumoscope.core import ConfigError
from pneumoscope.dossier.content import Block, Column, Figure, Panel, Section, Table, texts
from pneumoscope.dossier.device import Cohort
from pneumoscope.dossier.figures import Curve, draw_curves, draw_panels, draw_pipeline, draw_power, pipeline_steps
from pneumoscope.dossier.inline import Blank, escape, parse, plain
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.markup import Maker
from pneumoscope.dossier.numbers import Numbers
from pneumoscope.dossier.plan import needs
from pneumoscope.dossier.tables import device, guard, impact, performance, registers, training
from pneumoscope.evaluation import Number
from pneumoscope.image import Recipe

_TABLES = {
    "outputs": device.outputs,
    "predicates": device.predicates,
    "checks": device.checks,
    "special-controls": device.special_controls,
    "parameters": training.parameters,
    "augmentation": training.augmentation,
    "layers": training.layers,
    "rules": performance.rules,
    "thresholds": performance.thresholds,
    "performance": performance.performance,
    "operating-points": performance.operating_points,
    "by-prevalence": performance.by_prevalence,
    "calibration": performance.calibration,
    "uncertain": performance.uncertain,
    "subgroups": performance.subgroups,
    "comorbid": performance.comorbid,
    "floors": performance.floors,
    "gaps": performance.gaps,
    "label-noise": performance.label_noise,
    "goals": impact.goals,
    "impact": impact.impact,
    "reader-standard": impact.reader_standard,
    "localisation": impact.localisation,
    "guard": guard.refused,
    "other-films": guard.other_films,
    "evidence": registers.evidence,
    "requirements": registers.requirements,
    "risks": registers.risks,
    "bill-of-materials": registers.bill_of_materials,
}


def makers(inputs: Inputs, numbers: Numbers, *, folder: Path, before: list[Section]) -> dict[str, Maker]:
    """Tables and figures by name; `before` are the sections that stand already when one is asked for."""
    figures = folder / "figures"
    figures.mkdir(exist_ok=True)
    made: dict[str, Maker] = {name: partial(maker, inputs, numbers) for name, maker in _TABLES.items()}
    for part in ("train", "val", "test"):
        made[f"database-{part}"] = partial(training.database, numbers, part)
    for name in ("claim", "stard", "tripod"):
        made[f"{name}-checklist"] = partial(registers.checklist, name)
    return made | {
        "co-occurrence": partial(training.co_occurrence, inputs, numbers),
        "pipeline": partial(pipeline, inputs, figures),
        "loss-curves": partial(loss_curves, inputs, figures),
        "precision-recall": partial(curve_figure, inputs, numbers, "precision-recall", figures),
        "roc": partial(curve_figure, inputs, numbers, "roc", figures),
        "plan": partial(plan, inputs, figures),
        "manufacturer-items": partial(manufacturer_items, before),
    }


def recipe_of(inputs: Inputs) -> str:
    """The preprocessing recipe of the training run, described by its own code."""
    return Recipe(**inputs.tables["training"]["config"]["recipe"]).describe()


def pipeline(inputs: Inputs, figures: Path) -> Iterator[Figure]:
    """The flowchart."""
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


def loss_curves(inputs: Inputs, figures: Path) -> Iterator[Figure]:
    """Training and validation loss."""
    networks = inputs.tables["training"]["networks"]
    curves = {reader: network["curves"] for reader, network in networks.items()}
    if not all(curves.values()):
        raise ConfigError("expected the training run's curves.csv beside its run.json, found none")
    path = figures / "loss.svg"
    draw_curves(curves, path)
    told = []
    for reader, runs in curves.items():
        losses = [float(row["val_loss"]) for row in runs[0] if row.get("val_loss")]
        told.append(f"For {reader.replace('-', ' ')} validation loss goes from {losses[0]:.3f} to {losses[-1]:.3f}")
    alternative = f"Loss by epoch. {'; '.join(told)}."
    yield Figure(
        "loss-curves",
        "Training and validation loss by epoch, all heads together; a line each seed.",
        (Panel(path, alternative),),
        0.85,
    )


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
    marks: tuple[str, str]


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
}


def curve_figure(inputs: Inputs, numbers: Numbers, name: str, figures: Path) -> Iterator[Figure]:
    """A figure drawn from the curves of the evidence, a panel a cohort."""
    kind = _KINDS[name]
    cohorts = inputs.device.cohorts(kind.role)
    panels = [panel for cohort in cohorts if (panel := _panel(inputs, numbers, cohort, kind))]
    if not panels:
        return
    path = figures / f"{name}.svg"
    draw_panels(panels, path, labels=kind.labels)
    sources = "".join(dict.fromkeys(numbers.source(cohort.at("auroc")) for cohort in cohorts))
    alternative = f"{kind.caption}. " + escape("; ".join(f"{panel.title}: {panel.area}" for panel in panels))
    caption = f"{kind.caption}. Bands: pointwise intervals by the bootstrap of patients.{sources}"
    yield Figure(f"figure-{name}", caption, (Panel(path, alternative),))


def _panel(inputs: Inputs, numbers: Numbers, cohort: Cohort, kind: _Kind) -> Curve | None:
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
    for name in numbers.keys(cohort.at("operating_points")):
        x, y = (numbers.node(cohort.at(f"operating_points.{name}.{measure}")) for measure in kind.marks)
        if isinstance(x, Number) and isinstance(y, Number):
            marks[name] = (1 - x.value if kind.curve == "roc" else x.value, y.value)
    floor = numbers.node(cohort.at("prevalence"))
    return Curve(
        title=cohort.title,
        area=plain(f"{words} {numbers.cell(cohort.at(area))}"),
        points=points,
        marks=marks,
        floor=floor.value if kind.curve != "roc" and isinstance(floor, Number) else None,
    )


def manufacturer_items(before: list[Section]) -> Iterator[Table]:
    """Every place where a person must write or sign, collected from the document itself."""
    rows = tuple(
        (f"[@{section.key}:page]", escape(words))
        for section in before
        for words in dict.fromkeys(
            span.words
            for block in section.blocks
            for text in texts(block)
            for span in parse(text)
            if isinstance(span, Blank)
        )
    )
    columns = (Column("Where", 1.2), Column("What", 3))
    yield Table("table-manufacturer", "Open places of this document.", columns, rows)
