"""Shortcuts: what else than the lungs tells the label, and how the images at hand were picked."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pneumoscope.datasets.audit.contrast import FEWEST, Contrast, auroc, contrasts, cramers_v
from pneumoscope.datasets.audit.finding import Finding, Severity

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
        yield from _selection(table, at_hand.to_numpy(), label)
    scope = table[at_hand] if at_hand.any() else table
    for contrast in contrasts(scope, label):
        yield from _by_category(scope, contrast)
        yield from _by_number(scope, contrast)
    for contrast, folder, part in _within_folders(scope, label):
        yield from _by_number(part, contrast, where=f" within {folder}")
    yield from _routes(scope)


def _with_factors(rows: pd.DataFrame, looks: pd.DataFrame) -> pd.DataFrame:
    number = pd.to_numeric(rows["patient_id"].str.extract(r":(\d+)$", expand=False))
    table = rows.assign(**{"patient number": number})
    if "file_width_px" in rows:
        sizes = rows["file_width_px"].astype("Int64").astype("str") + " x "
        sizes += rows["file_height_px"].astype("Int64").astype("str")
        table["file size"] = sizes.where(rows["file_width_px"].notna())
    return table.join(looks)


def _by_category(table: pd.DataFrame, contrast: Contrast) -> Iterator[Finding]:
    for factor in _CATEGORIES:
        if factor not in table:
            continue
        values = table.loc[contrast.rows, factor]
        known = values.notna().to_numpy()
        truth = pd.Series(contrast.truth[contrast.rows][known], index=values.index[known])
        counts = pd.crosstab(values[known], truth)
        if counts.shape[0] < 2 or counts.shape[1] < 2 or counts.sum().min() < FEWEST:
            continue
        association = cramers_v(counts.to_numpy(dtype=float))
        floor = auroc(truth.to_numpy(), values[known].map(truth.groupby(values[known]).mean()).to_numpy(dtype=float))
        if association < _STRONG_V and floor - 0.5 < _STRONG_AUROC:
            continue
        shares = (counts[True] / counts.sum(axis=1)).where(counts.sum(axis=1) >= FEWEST).dropna()
        shown = ", ".join(f"{share:.1%} of {name}" for name, share in shares.sort_values(ascending=False)[:4].items())
        yield Finding(
            check="shortcut",
            severity=Severity.WARNING,
            message=f"{_WORDS[factor]} tells {contrast.name}: Cramer's V {association:.2f}, AUROC alone {floor:.2f} "
            f"({int(counts.to_numpy().sum())} images; positive: {shown})",
            count=int(counts.to_numpy().sum()),
            numbers={
                "label": contrast.name,
                "factor": factor,
                "cramers_v": association,
                "auroc": floor,
                "counts": {str(name): [int(row[False]), int(row[True])] for name, row in counts.iterrows()},
            },
        )


def _by_number(table: pd.DataFrame, contrast: Contrast, *, where: str = "") -> Iterator[Finding]:
    for factor in _NUMBERS:
        values = table[factor].to_numpy()[contrast.rows]
        known = ~np.isnan(values)
        truth = contrast.truth[contrast.rows][known]
        if min(truth.sum(), (~truth).sum()) < FEWEST:
            continue
        floor = auroc(truth, values[known])
        if abs(floor - 0.5) < _STRONG_AUROC:
            continue
        direction = "higher" if floor > 0.5 else "lower"
        yield Finding(
            check="shortcut",
            severity=Severity.WARNING,
            message=f"{_WORDS[factor]} tells {contrast.name}{where}: AUROC alone {max(floor, 1 - floor):.2f}, {direction} "
            f"in positives ({truth.size} images, {int(truth.sum())} positive)",
            count=int(truth.size),
            numbers={"label": contrast.name + where, "factor": factor, "auroc": floor},
        )


def _within_folders(table: pd.DataFrame, label: str) -> Iterator[tuple[Contrast, str, pd.DataFrame]]:
    """Within one folder the route of copies is one, or should be; only pixels and order are asked about there."""
    if "folder" not in table or table["folder"].nunique() < 2:
        return
    for folder, part in table.groupby("folder"):
        for contrast in contrasts(part, label):
            yield contrast, str(folder), part


def _routes(table: pd.DataFrame) -> Iterator[Finding]:
    """Folders whose images differ in sharpness: a model can tell them apart, and with them what else differs."""
    if "folder" not in table:
        return
    looked = table[table["sharpness"].notna()]
    groups = [(str(name), part["sharpness"].to_numpy()) for name, part in looked.groupby("folder")]
    groups = [(name, values) for name, values in groups if len(values) >= FEWEST]
    for place, (one, sharp) in enumerate(groups):
        for other, blunt in groups[place + 1 :]:
            truth = np.repeat([True, False], [len(sharp), len(blunt)])
            floor = auroc(truth, np.concatenate([sharp, blunt]))
            if abs(floor - 0.5) < _STRONG_AUROC:
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


def _selection(table: pd.DataFrame, at_hand: np.ndarray, label: str) -> Iterator[Finding]:
    """How the images at hand differ in view, sex and the label from the other rows of the table."""
    groups = {"all": np.ones(len(table), dtype=bool), label: (table[label] == 1).to_numpy()}
    if "no_finding" in table:
        groups["No Finding"] = (table["no_finding"] == 1).to_numpy()
    for name, inside in groups.items():
        for factor in ("view", "sex", *((label,) if name == "all" else ())):
            values = table.loc[inside, factor]
            counts = pd.crosstab(values, at_hand[inside])
            if counts.shape[0] < 2 or counts.shape[1] < 2 or counts.sum().min() < FEWEST:
                continue
            shares = counts / counts.sum()
            difference = (shares[True] - shares[False]).abs()
            if difference.max() < 0.05:
                continue
            value = difference.idxmax()
            whose = "images" if name == "all" else f"{name} images"
            said = f"{value}" if factor != label else f"{label} {value:g}"
            yield Finding(
                check="selection",
                severity=Severity.WARNING,
                message=f"{whose} at hand are not like the others of the table: {shares.loc[value, True]:.1%} are "
                f"{said}, {shares.loc[value, False]:.1%} of the rest; predictive values from them mean nothing",
                count=int(counts[True].sum()),
                numbers={"group": name, "factor": factor, "cramers_v": cramers_v(counts.to_numpy(dtype=float))},
            )
