"""Shortcuts: what else than the lungs tells the label."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from pneumoscope.datasets.audit.contrast import (
    FEWEST,
    Contrast,
    auroc,
    beyond_chance,
    contrasts,
    cramers_v,
    out_of_fold_rate,
)
from pneumoscope.datasets.audit.finding import Finding, Severity
from pneumoscope.datasets.audit.selection import selection_findings
from pneumoscope.datasets.patients import patient_numbers

# Cramer's V of .1 is where Cohen's "small" association begins; an AUROC of .55 is what a view alone gives in NIH.
_STRONG_V = 0.1
_STRONG_AUROC = 0.05
_CATEGORIES = ("source", "folder", "file size", "view", "sex", "manufacturer", "scanner_model")
_NUMBERS = ("age_years", "follow_up", "patient number", "sharpness", "mean", "deviation")
_WORDS = {
    "folder": "the image folder",
    "source": "the source",
    "file size": "the file's size",
    "view": "the view",
    "sex": "sex",
    "manufacturer": "the manufacturer",
    "scanner_model": "the equipment's model",
    "age_years": "age",
    "follow_up": "the follow-up number",
    "patient number": "the patient's number",
    "sharpness": "sharpness",
    "mean": "mean grey",
    "deviation": "contrast",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shortcut:
    """One factor's hold on a label: AUROC of the factor alone, Cramer's V where it is a category.

    A category's AUROC is of other patients' shares of positives in it; a number's of the number itself.
    """

    factor: str
    auroc: float
    cramers_v: float | None
    detail: str

    def __str__(self) -> str:
        association = "" if self.cramers_v is None else f"Cramer's V {self.cramers_v:.2f}, "
        return f"{_WORDS[self.factor]} ({association}AUROC {max(self.auroc, 1 - self.auroc):.2f}; {self.detail})"


def confounding_findings(rows: pd.DataFrame, looks: pd.DataFrame, *, label: str) -> Iterator[Finding]:
    """Associations of the label with each factor, over images at hand where there are any, else over all rows.

    Args:
        rows: The manifest.
        looks: `sharpness, mean, deviation` by the rows' index; rows that were not looked at are absent.
        label: Finding whose shortcuts are sought.
    """
    table = _with_factors(rows, looks)
    at_hand = table["path"].notna()
    if at_hand.any() and not at_hand.all():
        yield from selection_findings(table, at_hand.to_numpy(), label)
    scope = table[at_hand] if at_hand.any() else table
    for contrast in contrasts(scope, label):
        yield from _told_by(scope, contrast)
    # Within one folder the route of copies should be one: what tells the label there is in the pixels or the picking.
    if "folder" in scope and scope["folder"].nunique() > 1:
        for folder, part in scope.groupby("folder"):
            for contrast in contrasts(part, label):
                yield from _told_by(part, contrast, where=f" within {folder}")
    yield from _routes(scope)


def _with_factors(rows: pd.DataFrame, looks: pd.DataFrame) -> pd.DataFrame:
    number = pd.to_numeric(rows["patient_id"].str.extract(r":(\d+)$", expand=False))
    table = rows.assign(**{"patient number": number})
    if "file_width_px" in rows:
        sizes = rows["file_width_px"].astype("Int64").astype("str") + " x "
        sizes += rows["file_height_px"].astype("Int64").astype("str")
        table["file size"] = sizes.where(rows["file_width_px"].notna())
    return table.join(looks)


def _told_by(table: pd.DataFrame, contrast: Contrast, *, where: str = "") -> Iterator[Finding]:
    """One finding with every factor that tells the label, the strongest first."""
    part, truth = table[contrast.rows], contrast.truth[contrast.rows]
    patient = patient_numbers(part)
    found = [_category(part[name], truth, patient) for name in _CATEGORIES if name in part]
    found += [_number(part[name], truth, patient) for name in _NUMBERS if name in part]
    shortcuts = sorted((one for one in found if one is not None), key=lambda one: -abs(one.auroc - 0.5))
    if not shortcuts:
        return
    yield Finding(
        check="shortcut",
        severity=Severity.WARNING,
        message=f"{contrast.name}{where} ({truth.size} images, {int(truth.sum())} positive) can be told without a "
        f"lung, by {'; '.join(map(str, shortcuts))}",
        count=int(truth.size),
        numbers={"label": contrast.name + where, "shortcuts": [asdict(one) for one in shortcuts]},
    )


def _category(
    values: "pd.Series[str]", truth: Bool[np.ndarray, " n"], patient: Int[np.ndarray, " n"]
) -> _Shortcut | None:
    known = values.notna().to_numpy()
    values, truth, patient = values[known], truth[known], patient[known]
    counts = pd.crosstab(values, truth)
    if min(counts.shape) < 2 or counts.sum().min() < FEWEST:
        return None
    association = cramers_v(counts.to_numpy(dtype=float))
    score = out_of_fold_rate(pd.factorize(values)[0], truth, patient=patient)
    area = auroc(truth, score)
    strong = association >= _STRONG_V or area - 0.5 >= _STRONG_AUROC
    # Below one half is chance: other patients' shares then mislead.
    if not strong or area < 0.5 or not beyond_chance(truth, score, patient=patient):
        return None
    share = counts[True] / counts.sum(axis=1)
    frequent = share[counts.sum(axis=1) >= FEWEST].sort_values(ascending=False)
    detail = "positive " + ", ".join(f"{positive:.1%} of {name}" for name, positive in frequent[:4].items())
    return _Shortcut(factor=str(values.name), auroc=area, cramers_v=association, detail=detail)


def _number(
    values: "pd.Series[float]", truth: Bool[np.ndarray, " n"], patient: Int[np.ndarray, " n"]
) -> _Shortcut | None:
    known = values.notna().to_numpy()
    truth, patient = truth[known], patient[known]
    if min(truth.sum(), (~truth).sum()) < FEWEST:
        return None
    score = values[known].to_numpy(dtype=float)
    area = auroc(truth, score)
    if abs(area - 0.5) < _STRONG_AUROC or not beyond_chance(truth, score, patient=patient):
        return None
    detail = f"{'higher' if area > 0.5 else 'lower'} in positives"
    return _Shortcut(factor=str(values.name), auroc=area, cramers_v=None, detail=detail)


def _routes(table: pd.DataFrame) -> Iterator[Finding]:
    """Folders whose images differ in sharpness: a model can tell them apart, and with them what else differs."""
    if "folder" not in table:
        return
    looked = table[table["sharpness"].notna()]
    folders = [str(name) for name, count in looked["folder"].value_counts(sort=False).items() if count >= FEWEST]
    for place, one in enumerate(sorted(folders)):
        for other in sorted(folders)[place + 1 :]:
            pair = looked[looked["folder"].isin([one, other])]
            truth, score = (pair["folder"] == one).to_numpy(), pair["sharpness"].to_numpy()
            floor = auroc(truth, score)
            if abs(floor - 0.5) < _STRONG_AUROC or not beyond_chance(truth, score, patient=patient_numbers(pair)):
                continue
            first, second = (one, other) if floor > 0.5 else (other, one)
            yield Finding(
                check="route of copies",
                severity=Severity.WARNING,
                message=f"images in {first} are sharper than in {second}: sharpness alone tells the folders apart "
                f"with AUROC {max(floor, 1 - floor):.2f}, at one and the same size",
                count=len(truth),
                numbers={"folders": [one, other], "auroc": floor},
            )
