"""How the test differs from what a model learns from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool

from pneumoscope.datasets import patient_numbers
from pneumoscope.eda.groups import (
    FEWEST_POSITIVES,
    Group,
    distinct,
    group_of,
    has,
    labelled_findings,
    shares,
)
from pneumoscope.eda.sides import sides
from pneumoscope.stats import Proportion, proportion

RELEASES = {"pneumonia_2017": "Pneumonia, labels of 2017", "pneumonia_2020": "Pneumonia, labels of v2020"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of the split."""

    images: int
    patients: int
    images_a_patient: float
    mean_age_years: float | None
    mean_follow_up: float | None
    finding: Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A share on either side, clustered by patient."""

    name: str
    learn: Proportion
    test: Proportion

    @property
    def differs(self) -> bool:
        """Whether the two intervals have nothing in common."""
        return self.test.low > self.learn.high or self.test.high < self.learn.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Both sides, and what differs.

    Attributes:
        column: The manifest's column that says which side a row is on.
        shared_patients: Patients with images on both sides: none, in a sound split.
        small_groups: Groups of the test with too few positives to say much of.
    """

    column: str
    learn: Side
    test: Side
    shared_patients: int
    contrasts: tuple[Contrast, ...]
    small_groups: tuple[Group, ...]


def shift(manifest: pd.DataFrame, *, finding: str) -> Shift | None:
    """Training and validation against test; None where the manifest has no such split."""
    rows = manifest[manifest[finding].notna()]
    split = sides(rows)
    if split is None:
        return None
    patients = patient_numbers(rows)
    return Shift(
        column=split.column,
        learn=_side(rows[split.learn], finding),
        test=_side(rows[split.test], finding),
        shared_patients=np.intersect1d(patients[split.learn], patients[split.test]).size,
        contrasts=tuple(
            Contrast(
                name=name,
                learn=proportion(flag[split.learn & known], cluster=patients[split.learn & known]),
                test=proportion(flag[split.test & known], cluster=patients[split.test & known]),
            )
            for name, flag, known in _flags(rows)
            if (split.learn & known).any() and (split.test & known).any()
        ),
        small_groups=tuple(
            group for group in shares(rows[split.test], finding=finding) if group.positives < FEWEST_POSITIVES
        ),
    )


def _side(rows: pd.DataFrame, finding: str) -> Side:
    patients = patient_numbers(rows)
    return Side(
        images=len(rows),
        patients=distinct(patients),
        images_a_patient=len(rows) / distinct(patients),
        mean_age_years=float(rows["age_years"].mean()) if has(rows, "age_years") else None,
        mean_follow_up=float(rows["follow_up"].mean()) if has(rows, "follow_up") else None,
        finding=group_of((rows[finding] == 1).to_numpy(), patients, variable="", name=""),
    )


def _flags(rows: pd.DataFrame) -> list[tuple[str, Bool[np.ndarray, " n"], Bool[np.ndarray, " n"]]]:
    """Name, whether a row has it, whether that is known."""
    flags = []
    for name, column, value in (("AP view", "view", "AP"), ("Male", "sex", "M")):
        if has(rows, column) and rows[column].nunique() > 1:
            flags.append((name, (rows[column] == value).to_numpy(), rows[column].notna().to_numpy()))
    if has(rows, "follow_up"):
        flags.append(("Follow-up", (rows["follow_up"] > 0).to_numpy(), rows["follow_up"].notna().to_numpy()))
    if has(rows, "no_finding"):
        flags.append(("No Finding", (rows["no_finding"] == 1).to_numpy(), rows["no_finding"].notna().to_numpy()))
    releases = {column: name for column, name in RELEASES.items() if has(rows, column)}
    names = {finding: finding for finding in labelled_findings(rows) if not (releases and finding == "Pneumonia")}
    for column, name in {**releases, **names}.items():
        flags.append((name.replace("_", " "), (rows[column] == 1).to_numpy(), rows[column].notna().to_numpy()))
    return flags
