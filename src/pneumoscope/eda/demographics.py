"""Who is in the data: ages, sexes, images a patient."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from pneumoscope.datasets import patient_numbers
from pneumoscope.eda.groups import (
    NO_FINDING,
    SEXES,
    VIEWS,
    age_bands,
    distinct,
    first_rows,
    groupings,
    has,
    labelled_findings,
    without_findings,
)

IMAGES_A_PATIENT_EDGES = (1, 2, 3, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Five numbers of a distribution, and how many rows have none."""

    least: float
    lower_quartile: float
    median: float
    upper_quartile: float
    most: float
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Images and patients of a group."""

    variable: str
    name: str
    images: int
    patients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeBand:
    """Images by sex in an age band; `unknown` has no sex."""

    name: str
    female: int
    male: int
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Patients with so many images, and the images that they have together."""

    name: str
    patients: int
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingGroup:
    """The images with a finding, or in a view: how old, of which sex, in which view (shares of the rows that say)."""

    finding: str
    images: int
    patients: int
    median_age_years: float | None
    male_share: float | None
    ap_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Demographics:
    """Images and patients, and what is known of them; None or empty where the source does not say.

    Attributes:
        patient_age_years: Of each patient's first image.
        busiest_tenth_share: Share of all images that the tenth of patients with the most images has.
    """

    images: int
    patients: int
    age_years: Spread | None
    patient_age_years: Spread | None
    images_by_sex: dict[str, int]
    patients_by_sex: dict[str, int]
    pyramid: tuple[AgeBand, ...]
    sizes: tuple[Size, ...]
    loads: tuple[Load, ...]
    mean_images_a_patient: float
    most_images_a_patient: int
    busiest_tenth_share: float
    findings: tuple[FindingGroup, ...]


def demographics(manifest: pd.DataFrame) -> Demographics:
    """Return the demographic tables of a manifest."""
    patients = patient_numbers(manifest)
    counts = np.bincount(patients)
    first = first_rows(manifest)
    tenth = np.sort(counts)[::-1][: max(1, round(counts.size / 10))]
    return Demographics(
        images=len(manifest),
        patients=counts.size,
        age_years=_spread(manifest),
        patient_age_years=_spread(first),
        images_by_sex=_by_sex(manifest),
        patients_by_sex=_by_sex(first),
        pyramid=_pyramid(manifest),
        sizes=tuple(_sizes(manifest, patients)),
        loads=_loads(counts),
        mean_images_a_patient=float(counts.mean()),
        most_images_a_patient=int(counts.max()),
        busiest_tenth_share=float(tenth.sum() / counts.sum()),
        findings=tuple(_findings(manifest, patients)),
    )


def _spread(manifest: pd.DataFrame) -> Spread | None:
    if not has(manifest, "age_years"):
        return None
    ages = manifest["age_years"].dropna()
    least, lower, median, upper, most = (float(value) for value in np.quantile(ages, (0, 0.25, 0.5, 0.75, 1)))
    return Spread(
        least=least,
        lower_quartile=lower,
        median=median,
        upper_quartile=upper,
        most=most,
        missing=len(manifest) - len(ages),
    )


def _by_sex(manifest: pd.DataFrame) -> dict[str, int]:
    if not has(manifest, "sex"):
        return {}
    counts = {name: int((manifest["sex"] == code).sum()) for code, name in SEXES.items()}
    return counts | {"Not stated": int(manifest["sex"].isna().sum())}


def _pyramid(manifest: pd.DataFrame) -> tuple[AgeBand, ...]:
    if not has(manifest, "age_years"):
        return ()
    bands = age_bands(manifest)
    sex = manifest["sex"].to_numpy()
    counts = {
        code: np.bincount(bands.codes[(bands.codes >= 0) & (sex == code)], minlength=len(bands.categories))
        for code in SEXES
    }
    every = np.bincount(bands.codes[bands.codes >= 0], minlength=len(bands.categories))
    return tuple(
        AgeBand(name=name, female=int(female), male=int(male), unknown=int(all_ - female - male))
        for name, female, male, all_ in zip(bands.categories, counts["F"], counts["M"], every, strict=True)
    )


def _sizes(manifest: pd.DataFrame, patients: Int[np.ndarray, " n"]) -> list[Size]:
    sizes = []
    for variable, categories in groupings(manifest):
        for code, name in enumerate(categories.categories):
            rows = categories.codes == code
            number = distinct(patients[rows])
            sizes.append(Size(variable=variable, name=str(name), images=int(rows.sum()), patients=number))
    return sizes


def _loads(counts: Int[np.ndarray, " patients"]) -> tuple[Load, ...]:
    place = np.searchsorted(IMAGES_A_PATIENT_EDGES, counts, side="right") - 1
    ends = [*(edge - 1 for edge in IMAGES_A_PATIENT_EDGES[1:]), None]
    return tuple(
        Load(
            name=f"{edge}+" if end is None else str(edge) if end == edge else f"{edge}\N{EN DASH}{end}",
            patients=int((place == index).sum()),
            images=int(counts[place == index].sum()),
        )
        for index, (edge, end) in enumerate(zip(IMAGES_A_PATIENT_EDGES, ends, strict=True))
    )


def _findings(manifest: pd.DataFrame, patients: Int[np.ndarray, " n"]) -> list[FindingGroup]:
    groups = {finding: (manifest[finding] == 1).to_numpy() for finding in labelled_findings(manifest)}
    groups[NO_FINDING] = without_findings(manifest)
    groups |= {
        f"{view} films": (manifest["view"] == view).to_numpy() for view in VIEWS if (manifest["view"] == view).any()
    }
    age = manifest["age_years"].to_numpy()
    male, ap = _flags(manifest, "sex", "M"), _flags(manifest, "view", "AP")
    return [
        FindingGroup(
            finding=finding,
            images=int(rows.sum()),
            patients=distinct(patients[rows]),
            median_age_years=_known(np.median, age[rows]),
            male_share=_known(np.mean, male[rows]),
            ap_share=_known(np.mean, ap[rows]),
        )
        for finding, rows in groups.items()
    ]


def _flags(manifest: pd.DataFrame, column: str, value: str) -> Float[np.ndarray, " n"]:
    """1 where the column has the value, 0 where another, NaN where it is null."""
    return np.where(manifest[column].isna(), np.nan, (manifest[column] == value).astype(float))


def _known(measure: Callable[[np.ndarray], np.floating], values: Float[np.ndarray, " n"]) -> float | None:
    known = values[~np.isnan(values)]
    return float(measure(known)) if known.size else None
