"""The finding of interest: how often, in whom, with what else."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from pneumoscope.core import InputError
from pneumoscope.datasets import patient_numbers
from pneumoscope.eda.groups import Group, group_of, labelled_findings, require_finding, shares
from pneumoscope.stats import OddsRatio, Proportion, odds_ratio, proportion

MOST_COMBINATIONS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """Another finding on the same images.

    Attributes:
        together: Images with both.
        share: Of the images with the finding of interest, those that have this one too.
        odds: Odds ratio of the two, clustered by patient; None where a combination never occurs.
    """

    finding: str
    together: int
    share: float
    odds: OddsRatio | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """Images with the finding and exactly these others."""

    others: tuple[str, ...]
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What the labels say of one finding.

    Attributes:
        labelled: Images on which the finding is labelled, present or absent: the denominator throughout.
        per_patient: Patients with it on at least one image.
        alone: Images with the finding and no other labelled one, of those with it.
        cooccurrence: Row i, column j: images with finding i and finding j; on the diagonal all with i.
        findings_an_image, findings_a_patient: How many have 0, 1, 2, ... different findings.
    """

    finding: str
    labelled: int
    per_image: Proportion
    per_patient: Proportion
    positives: int
    positive_patients: int
    groups: tuple[Group, ...]
    alone: Proportion | None
    partners: tuple[Partner, ...]
    combinations: tuple[Combination, ...]
    findings: tuple[str, ...]
    cooccurrence: tuple[tuple[int, ...], ...]
    findings_an_image: tuple[int, ...]
    findings_a_patient: tuple[int, ...]


def profile(manifest: pd.DataFrame, *, finding: str) -> Profile:
    """Return the tables of one finding, over the images that are labelled for it.

    Raises:
        ConfigError: The finding is unknown, or labelled in no row.
    """
    require_finding(manifest, finding)
    rows = manifest[manifest[finding].notna()]
    patients = patient_numbers(rows)
    names = labelled_findings(rows)
    present = (rows[names] == 1).to_numpy()
    positive = present[:, names.index(finding)]
    by_patient = _any_by_patient(present, patients)
    whole = group_of(positive, patients, variable="", name="")
    counts = present.astype(np.int64)
    return Profile(
        finding=finding,
        labelled=len(rows),
        per_image=proportion(positive, cluster=patients),
        per_patient=proportion(by_patient[:, names.index(finding)]),
        positives=whole.positives,
        positive_patients=int(by_patient[:, names.index(finding)].sum()),
        groups=shares(rows, finding=finding),
        alone=_alone(present, positive, patients) if len(names) > 1 and positive.any() else None,
        partners=tuple(_partners(present, names, finding=finding, patients=patients)),
        combinations=_combinations(present[positive], names, finding=finding) if len(names) > 1 else (),
        findings=tuple(names),
        cooccurrence=tuple(map(tuple, (counts.T @ counts).tolist())),
        findings_an_image=tuple(np.bincount(present.sum(axis=1)).tolist()),
        findings_a_patient=tuple(np.bincount(by_patient.sum(axis=1)).tolist()),
    )


def _any_by_patient(
    present: Bool[np.ndarray, "n findings"], patients: Int[np.ndarray, " n"]
) -> Bool[np.ndarray, "patients findings"]:
    answer = np.zeros((int(patients.max()) + 1, present.shape[1]), dtype=bool)
    for column in range(present.shape[1]):
        answer[patients[present[:, column]], column] = True
    return answer


def _alone(
    present: Bool[np.ndarray, "n findings"], positive: Bool[np.ndarray, " n"], patients: Int[np.ndarray, " n"]
) -> Proportion:
    return proportion(present[positive].sum(axis=1) == 1, cluster=patients[positive])


def _partners(
    present: Bool[np.ndarray, "n findings"], names: list[str], *, finding: str, patients: Int[np.ndarray, " n"]
) -> list[Partner]:
    """Return the other findings, those that go with it most first; images not labelled for one count as without it."""
    positive = present[:, names.index(finding)]
    partners = []
    for column, name in enumerate(names):
        if name == finding:
            continue
        together = int((positive & present[:, column]).sum())
        try:
            odds = odds_ratio(positive, present[:, column], cluster=patients)
        except InputError:
            odds = None
        partners.append(
            Partner(finding=name, together=together, share=together / max(1, int(positive.sum())), odds=odds)
        )
    return sorted(partners, key=lambda partner: -partner.share)


def _combinations(
    present: Bool[np.ndarray, "n findings"], names: list[str], *, finding: str
) -> tuple[Combination, ...]:
    """Return the most frequent sets of other findings."""
    sets, counts = np.unique(present, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_COMBINATIONS]
    return tuple(
        Combination(
            others=tuple(name for name, here in zip(names, sets[index], strict=True) if here and name != finding),
            images=int(counts[index]),
        )
        for index in order
    )
