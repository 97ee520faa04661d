"""Site acceptance: a silent node's results against the site's own reports; does the operating point hold here?"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pneumoscope.core import InputError
from pneumoscope.service.store import Image, Result, Store, results
from pneumoscope.stats import Proportion, sensitivity, specificity

KEYS = ("sop_instance_uid", "study_instance_uid", "accession")
"""Columns by which a report may be matched; the first that the file has is taken."""

ANSWER = "pneumonia"
_YES, _NO = frozenset({"1", "yes", "true", "positive"}), frozenset({"0", "no", "false", "negative"})
_MOST_IMAGES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One number that must hold here, and whether it does.

    Attributes:
        value: Measured share; `low` and `high` are its two-sided 95 % interval, clustered by patient.
        n: Studies that it was measured on.
        verdict: `holds`: the interval's lower end reaches the goal; `does not hold`: its upper end is below it;
            `undecided`: more reports are needed.
    """

    name: str
    goal: float
    value: float
    low: float
    high: float
    n: int
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What the comparison found.

    Attributes:
        compared: Studies (or images) with a report and an analysed image.
        without_report: Analysed ones that no report names.
        without_result: Reports that name nothing that was analysed here; refused and failed images are among them.
        uncertain: Compared ones that the node left to a person; they count by the side of the threshold.
    """

    matched_by: str
    operating_point: str
    compared: int
    positives: int
    without_report: int
    without_result: int
    uncertain: int
    goals: tuple[Goal, ...]

    def to_text(self) -> str:
        """Return the report for a person."""
        lines = [
            "Site acceptance, research use only",
            f"compared        {self.compared}, {self.positives} with pneumonia by report, matched by {self.matched_by}",
            f"no report for   {self.without_report} analysed here",
            f"nothing for     {self.without_result} reports: not received, refused or failed",
            f"uncertain       {self.uncertain} of those compared",
            f"operating point {self.operating_point}",
        ]
        lines += [
            f"{goal.name:15} {goal.value:.3f} [{goal.low:.3f}, {goal.high:.3f}], n = {goal.n}; "
            f"goal {goal.goal:.3f}: {goal.verdict}"
            for goal in self.goals
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    patient: str
    score: float
    flagged: bool
    uncertain: bool
    operating_point: str


def compare(
    store: Store, reports: Path, *, sensitivity_goal: float, specificity_goal: float, since: float = 0.0
) -> Acceptance:
    """Compare the node's results since `since` with the reports in a CSV file.

    A study is flagged if one of its analysed images is. Intervals are exact, clustered where patients have several.

    Raises:
        InputError: The file lacks a column or has another answer than yes or no, or nothing can be compared.
    """
    key, answers = read_reports(reports)
    cases = _cases(store, key, since=since)
    both = sorted(set(cases) & set(answers))
    truth = np.array([answers[name] for name in both], dtype=bool)
    if not truth.any() or truth.all():
        found = f"{int(truth.sum())} with and {int((~truth).sum())} without"
        raise InputError(f"{reports}: expected analysed studies with and without pneumonia, found {found}")
    flagged = np.array([float(cases[name].flagged) for name in both])
    patients = np.array([cases[name].patient for name in both])
    cluster = patients if len(set(patients)) < len(patients) else None  # independent: the exact interval as it is
    goals = (("sensitivity", sensitivity, sensitivity_goal), ("specificity", specificity, specificity_goal))
    return Acceptance(
        matched_by=key,
        operating_point=", ".join(sorted({cases[name].operating_point for name in both})),
        compared=len(both),
        positives=int(truth.sum()),
        without_report=len(set(cases) - set(answers)),
        without_result=len(set(answers) - set(cases)),
        uncertain=sum(cases[name].uncertain for name in both),
        goals=tuple(
            _judged(name, goal, measure(truth, flagged, threshold=0.5, cluster=cluster))
            for name, measure, goal in goals
        ),
    )


def read_reports(path: Path) -> tuple[str, dict[str, bool]]:
    """Return the key column's name and each report's answer.

    Raises:
        InputError: A column is missing, an answer is neither yes nor no, or two reports contradict each other.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: expected a CSV file in UTF-8, found {type(error).__name__}") from error
    columns = set(rows[0]) if rows else set()
    key = next((name for name in KEYS if name in columns), None)
    if key is None or ANSWER not in columns:
        expected = f"columns {ANSWER} and one of {', '.join(KEYS)}"
        raise InputError(f"{path}: expected {expected}, found {', '.join(sorted(map(str, columns))) or 'no rows'}")
    answers: dict[str, bool] = {}
    for number, name, answer in _answers(rows, key):
        if answer not in _YES | _NO:
            raise InputError(f"{path}: row {number}: expected {ANSWER} as yes or no, found another word")
        if answers.setdefault(name, answer in _YES) != (answer in _YES):
            raise InputError(f"{path}: row {number}: expected one answer for each {key}, found two that differ")
    return key, answers


def _answers(rows: Sequence[Mapping[str, str]], key: str) -> Iterator[tuple[int, str, str]]:
    """Row number in the file, key and answer of each report."""
    for number, row in enumerate(rows, start=2):
        yield number, (row[key] or "").strip(), (row[ANSWER] or "").strip().lower()


def _cases(store: Store, key: str, *, since: float) -> dict[str, _Case]:
    """Return what was analysed here, by the key; of several images the most suspicious one."""
    cases: dict[str, _Case] = {}
    for image, result in results.joined(store, limit=_MOST_IMAGES, since=since):
        name = _name(image, key)
        if result is None or result.probability is None or not name:
            continue
        case = _case(image, result)
        if name not in cases or case.score > cases[name].score:
            cases[name] = case
    return cases


def _case(image: Image, result: Result) -> _Case:
    assert result.probability is not None, "analysed"
    return _Case(
        patient=image.patient_id or image.study_uid,
        score=result.probability,
        flagged=bool(result.positive),
        uncertain=bool(result.uncertain),
        operating_point=result.operating_point or "",
    )


def _name(image: Image, key: str) -> str:
    return {"sop_instance_uid": image.uid, "study_instance_uid": image.study_uid, "accession": image.accession}[key]


def _judged(name: str, goal: float, found: Proportion) -> Goal:
    verdict = "holds" if found.low >= goal else "does not hold" if found.high < goal else "undecided"
    return Goal(name=name, goal=goal, value=found.value, low=found.low, high=found.high, n=found.n, verdict=verdict)
