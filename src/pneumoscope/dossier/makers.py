"""What the templates may name: each table and figure by its name."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from pneumoscope.dossier.content import Block, Column, Section, Table, texts
from pneumoscope.dossier.figure_makers import (
    curve_figure,
    flow_diagram,
    forest,
    loss_curves,
    pipeline,
    plan,
    screenshots,
    trust_boundaries,
    waits,
)
from pneumoscope.dossier.inline import Blank, escape, parse
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.markup import Maker
from pneumoscope.dossier.numbers import Numbers
from pneumoscope.dossier.tables import action, decision, device, guard, impact, performance, registers, training

_TABLES: dict[str, Callable[[Inputs, Numbers], Iterable[Block]]] = {
    "moved-up": action.moved_up,
    "counts": action.counts,
    "moved-up-groups": action.by_group,
    "moved-up-beside": action.beside,
    "accesses": action.accesses,
    "latency": action.latency,
    "simulated": action.simulated,
    "flow": action.flow,
    "native": registers.native,
    "cannot-see": registers.cannot_see,
    "outputs": device.outputs,
    "predicates": device.predicates,
    "checks": device.checks,
    "special-controls": device.special_controls,
    "parameters": training.parameters,
    "augmentation": training.augmentation,
    "layers": training.layers,
    "rules": decision.rules,
    "thresholds": decision.thresholds,
    "decision-rules": decision.decision_rules,
    "second-output": decision.second_output,
    "stages": training.stages,
    "performance": performance.performance,
    "operating-points": performance.operating_points,
    "by-prevalence": performance.by_prevalence,
    "calibration": performance.calibration,
    "uncertain": decision.uncertain,
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
        "plan": partial(plan, inputs, figures),
        "pipeline": partial(pipeline, inputs, figures),
        "loss-curves": partial(loss_curves, inputs, figures),
        "precision-recall": partial(curve_figure, inputs, numbers, "precision-recall", figures),
        "roc": partial(curve_figure, inputs, numbers, "roc", figures),
        "reliability": partial(curve_figure, inputs, numbers, "reliability", figures),
        "decision": partial(curve_figure, inputs, numbers, "decision", figures),
        "forest": partial(forest, inputs, figures),
        "waits": partial(waits, inputs, figures),
        "flow-diagram": partial(flow_diagram, inputs, figures),
        "trust-boundaries": partial(trust_boundaries, figures),
        "screenshots": partial(screenshots, inputs, folder),
        "manufacturer-items": partial(manufacturer_items, before),
    }


def manufacturer_items(before: list[Section]) -> Iterator[Table]:
    """Every place where a person must write or sign, collected from the document itself."""
    found = [
        (f"[@{section.key}:page]", escape(words))
        for section in before
        for words in dict.fromkeys(
            span.words
            for block in section.blocks
            for text in texts(block)
            for span in parse(text)
            if isinstance(span, Blank)
        )
    ]
    half = (len(found) + 1) // 2
    second = [*found[half:], ("", "")][:half]
    rows = tuple((*one, *other) for one, other in zip(found[:half], second, strict=True))
    columns = (Column("Where", 1), Column("What", 2.2))
    yield Table("table-manufacturer", "Open places of this document.", (*columns, *columns), rows)
