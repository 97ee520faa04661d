"""Figures of an evidence folder, drawn from its numbers and curves alone."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from pneumoscope.datasets import FINDINGS
from pneumoscope.evaluation.figures import curves as lines
from pneumoscope.evaluation.figures import groups
from pneumoscope.evaluation.folder import Evidence
from pneumoscope.evaluation.literature import published_aurocs
from pneumoscope.evaluation.numbers import Number
from pneumoscope.plotting import Figure, framed, save_figure


def draw(evidence: Evidence, curves: pd.DataFrame, folder: Path) -> list[str]:
    """Write every figure that the folder's numbers and curves allow, as SVG and PNG; return their names."""
    names = []
    for figure in _figures(evidence, curves):
        save_figure(framed(figure, note=str(evidence.cohort["title"])), folder)
        names.append(figure.name)
    return names


def _figures(evidence: Evidence, curves: pd.DataFrame) -> Iterator[Figure]:
    labels: dict[str, Any] = dict(evidence.labels)
    for label, table in curves.groupby("label", sort=False):
        by_name = {str(name): part for name, part in table.groupby("curve", sort=False)}
        for figure in _of_comparison(str(label), labels[str(label)], by_name):
            yield replace(figure, name=f"{label}-{figure.name}")
    areas = {name: labels[name]["auroc"] for name in FINDINGS if name in labels}
    if len(areas) == len(FINDINGS):
        yield groups.findings(areas, published_aurocs())


def _of_comparison(name: str, answer: Mapping[str, Any], curves: Mapping[str, pd.DataFrame]) -> Iterator[Figure]:
    """Yield all figures of a score against its own label; of the same score against other references, of ranking."""
    title = _title(answer["question"])
    if "roc" in curves:
        yield lines.roc(answer, curves["roc"], title=title)
        yield lines.precision_recall(answer, curves["precision_recall"], title=title)
    if isinstance(answer["auroc"], Number):
        yield groups.subgroups(answer, title=title)
    if name == answer["question"]["score"] and "roc" in curves:
        yield from _of_decisions(answer, curves, title=title)


def _of_decisions(answer: Mapping[str, Any], curves: Mapping[str, pd.DataFrame], *, title: str) -> Iterator[Figure]:
    point = next(iter(answer["operating_points"]), "")
    yield lines.f1_by_threshold(answer, curves["f1"], title=title)
    yield lines.reliability(answer, curves["reliability"], title=title)
    yield lines.decision(curves, title=title)
    if "ppv_by_prevalence" in curves:
        yield lines.by_prevalence(answer, curves, point=point, title=title)
    if answer["comorbid"]:
        yield groups.comorbid(answer, point=point, title=title)


def _title(facts: Mapping[str, str]) -> str:
    title = facts["score"].replace("_", " ")
    if facts["reference"] != facts["score"]:
        title += f" score, {facts['reference']}"
    return title if facts["negatives"].startswith("all") else f"{title} against {facts['negatives']}"
