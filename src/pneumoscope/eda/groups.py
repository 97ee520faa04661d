"""What rows are grouped by, and how often the finding occurs in a group."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from pneumoscope.core import ConfigError
from pneumoscope.datasets import FINDINGS, patient_numbers
from pneumoscope.stats import Proportion, proportion

AGE_EDGES_YEARS = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90)
FOLLOW_UP_EDGES = (0, 1, 2, 5, 10, 20)

SEXES = {"F": "Female", "M": "Male"}
VIEWS = ("PA", "AP", "LATERAL")
_UNUSED = ("image_id", "study_id", "rsna_id", "boxes", "path")
NO_FINDING = "No Finding"

# Fewer positives than this and the interval of a sensitivity of 0.9 is wider than +-0.1 (exact binomial).
FEWEST_POSITIVES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that have something in common, and the share of them with the finding.

    Attributes:
        images, patients: Rows where the finding is labelled, and their patients.
        positives: Rows with the finding.
        share: Their share, its interval clustered by patient; None where no row is labelled.
    """

    variable: str
    name: str
    images: int
    patients: int
    positives: int
    share: Proportion | None


def compact(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that are explored, texts as categories: the same answers, many times faster on long tables."""
    kept = [name for name in manifest.columns if name not in _UNUSED]
    texts = {name: "category" for name in kept if not pd.api.types.is_numeric_dtype(manifest[name])}
    return manifest[kept].astype(texts)


def has(manifest: pd.DataFrame, column: str) -> bool:
    """Whether the manifest knows anything of the column."""
    return column in manifest and bool(manifest[column].notna().any())


def labelled_findings(manifest: pd.DataFrame) -> list[str]:
    """Return the findings that at least one row is labelled for, in the manifest's order."""
    return [finding for finding in FINDINGS if has(manifest, finding)]


def distinct(numbers: Int[np.ndarray, " m"]) -> int:
    """How many different numbers there are; numbers from 0."""
    return int(np.count_nonzero(np.bincount(numbers)))


def require_finding(manifest: pd.DataFrame, finding: str) -> None:
    """Check that the finding is known, and labelled in some row.

    Raises:
        ConfigError: It is not.
    """
    if finding not in FINDINGS:
        raise ConfigError(f"expected a finding among {', '.join(FINDINGS)}, found {finding!r}")
    if not has(manifest, finding):
        raise ConfigError(f"expected a manifest with labels of {finding}, found none in its {len(manifest)} rows")


def without_findings(manifest: pd.DataFrame) -> Bool[np.ndarray, " n"]:
    """Rows on which nothing is labelled as found: by the source's own word, else all labelled findings 0."""
    if has(manifest, "no_finding"):
        return np.asarray(manifest["no_finding"] == 1)
    labels = manifest[labelled_findings(manifest)]
    return np.asarray((labels.fillna(0) == 0).all(axis=1) & labels.notna().any(axis=1))


def age_bands(manifest: pd.DataFrame) -> pd.Categorical:
    """Bands of ten years, the last one open."""
    return _bands(manifest["age_years"], AGE_EDGES_YEARS)


def follow_up_bands(manifest: pd.DataFrame) -> pd.Categorical:
    """How many examinations the patient had before: 0, 1, 2-4, ..."""
    return _bands(manifest["follow_up"], FOLLOW_UP_EDGES)


def _bands(values: "pd.Series[float]", edges: tuple[int, ...]) -> pd.Categorical:
    ends = [*(edge - 1 for edge in edges[1:]), None]
    names = [
        f"{edge}+" if end is None else str(edge) if end == edge else f"{edge}\N{EN DASH}{end}"
        for edge, end in zip(edges, ends, strict=True)
    ]
    codes = np.where(values.isna(), -1, np.searchsorted(edges, values.fillna(0), side="right") - 1)
    return pd.Categorical.from_codes(codes, names, ordered=True)


def groupings(manifest: pd.DataFrame) -> Iterator[tuple[str, pd.Categorical]]:
    """Each variable that the manifest knows of age, sex, view, follow-up and source, as categories."""
    if has(manifest, "age_years"):
        yield "Age, years", age_bands(manifest)
    if has(manifest, "sex"):
        yield "Sex", pd.Categorical(manifest["sex"], categories=list(SEXES)).rename_categories(SEXES)
    if has(manifest, "view"):
        present = set(manifest["view"].dropna())
        yield "View", pd.Categorical(manifest["view"], categories=[view for view in VIEWS if view in present])
    if has(manifest, "follow_up"):
        yield "Earlier examinations", follow_up_bands(manifest)
    if manifest["source"].nunique() > 1:
        yield "Source", pd.Categorical(manifest["source"])


def shares(manifest: pd.DataFrame, *, finding: str) -> tuple[Group, ...]:
    """Return the finding's share in each group of each variable; groups without a labelled row are left out."""
    patients = patient_numbers(manifest)
    labels = manifest[finding].to_numpy()
    groups = []
    for variable, categories in groupings(manifest):
        for code, name in enumerate(categories.categories):
            rows = (categories.codes == code) & ~np.isnan(labels)
            if rows.any():
                groups.append(group_of(labels[rows] == 1, patients[rows], variable=variable, name=str(name)))
    return tuple(groups)


def group_of(positive: Bool[np.ndarray, " n"], patients: Int[np.ndarray, " n"], *, variable: str, name: str) -> Group:
    """One group's counts and share."""
    return Group(
        variable=variable,
        name=name,
        images=positive.size,
        patients=distinct(patients),
        positives=int(positive.sum()),
        share=proportion(positive, cluster=patients) if positive.size else None,
    )


def first_rows(manifest: pd.DataFrame) -> pd.DataFrame:
    """One row a patient: the earliest by follow-up number, else the first."""
    ordered = manifest.sort_values("follow_up", kind="stable") if has(manifest, "follow_up") else manifest
    return ordered.loc[~ordered["patient_id"].duplicated() | ordered["patient_id"].isna()]
