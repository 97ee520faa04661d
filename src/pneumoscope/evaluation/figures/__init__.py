"""Figures of an evidence folder, drawn from its numbers and curves alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pneumoscope.datasets import FINDINGS
from pneumoscope.evaluation.figures import discrimination, forest, probability, style
from pneumoscope.evaluation.folder import Evidence
from pneumoscope.evaluation.literature import published_aurocs
from pneumoscope.evaluation.numbers import Number


def draw(evidence: Evidence, curves: pd.DataFrame, folder: Path) -> list[str]:
    """Write every figure that the folder's numbers and curves allow, as SVG and PNG; their names."""
    names = []
    with style.styled():
        for name, figure in _figures(evidence, curves):
            style.save(figure, folder, name=name, note=str(evidence.cohort["title"]))
            names.append(name)
    return names


def _figures(evidence: Evidence, curves: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    labels: dict[str, Any] = dict(evidence.labels)
    for label, table in curves.groupby("label", sort=False):
        by_name = {str(name): part for name, part in table.groupby("curve", sort=False)}
        yield from (
            (f"{label}-{name}", figure) for name, figure in _of_question(str(label), labels[str(label)], by_name)
        )
    areas = {name: labels[name]["auroc"] for name in FINDINGS if name in labels}
    if len(areas) == len(FINDINGS):
        yield "findings", forest.findings(areas, published_aurocs())


def _of_question(name: str, answer: Mapping[str, Any], curves: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, Any]]:
    """All figures of a score against its own label; of the same score against other references those of ranking."""
    title = _title(answer["question"])
    if "roc" in curves:
        yield "roc", discrimination.roc(answer, curves["roc"], title=title)
        yield "precision-recall", discrimination.precision_recall(answer, curves["precision_recall"], title=title)
    if isinstance(answer["auroc"], Number):
        yield "subgroups", forest.subgroups(answer, title=title)
    if name == answer["question"]["score"] and "roc" in curves:
        yield from _of_decisions(answer, curves, title=title)


def _of_decisions(
    answer: Mapping[str, Any], curves: Mapping[str, pd.DataFrame], *, title: str
) -> Iterator[tuple[str, Any]]:
    point = next(iter(answer["operating_points"]), "")
    yield "f1", discrimination.f1_by_threshold(answer, curves["f1"], title=title)
    yield "reliability", probability.reliability(answer, curves["reliability"], title=title)
    yield "decision-curve", probability.decision(curves, title=title)
    if "ppv_by_prevalence" in curves:
        yield "prevalence", probability.by_prevalence(answer, curves, point=point, title=title)
    if answer["comorbid"]:
        yield "comorbid", forest.comorbid(answer, point=point, title=title)


def _title(facts: Mapping[str, str]) -> str:
    title = facts["score"].replace("_", " ")
    if facts["reference"] != facts["score"]:
        title += f" score, {facts['reference']}"
    return title if facts["negatives"].startswith("all") else f"{title} against {facts['negatives']}"
