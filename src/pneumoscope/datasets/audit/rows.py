"""What the rows alone tell: values that cannot be, patients on two sides, labels and patients that contradict."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from pneumoscope.core import InputError
from pneumoscope.datasets.audit.finding import Finding, Severity, named
from pneumoscope.datasets.columns import FINDINGS
from pneumoscope.datasets.manifest import check

# Ages are whole years and a follow-up number is no date: less than this is no contradiction.
_YOUNGER_BY_YEARS = 2
_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm")


def row_findings(rows: pd.DataFrame) -> Iterator[Finding]:
    """Yield findings that need no pixel, the gravest first."""
    yield from _impossible_values(rows)
    yield from _patients_on_two_sides(rows)
    yield from _official_test_in_use(rows)
    yield from _contradictory_labels(rows)
    yield from _contradictory_patients(rows)


def _impossible_values(rows: pd.DataFrame) -> Iterator[Finding]:
    try:
        check(rows)
    except InputError as error:
        yield Finding(check="values", severity=Severity.ERROR, message=str(error), count=1)


def _patients_on_two_sides(rows: pd.DataFrame) -> Iterator[Finding]:
    for column in ("split", "official_split"):
        if column not in rows:
            continue
        sides = rows.groupby("patient_id")[column].nunique()
        shared = sides.index[sides > 1]
        if len(shared):
            images = rows.loc[rows["patient_id"].isin(shared) & rows[column].notna(), "image_id"]
            yield Finding(
                check="patients across splits",
                severity=Severity.ERROR,
                message=f"{len(shared)} patients ({len(images)} images) lie on more than one side of {column}: "
                f"{named(shared)}",
                count=len(shared),
                images=tuple(images),
            )


def _official_test_in_use(rows: pd.DataFrame) -> Iterator[Finding]:
    if "official_split" not in rows:
        return
    used = rows.loc[(rows["official_split"] == "test") & rows["split"].isin(("train", "val")), "image_id"]
    if len(used):
        yield Finding(
            check="official test in use",
            severity=Severity.ERROR,
            message=f"{len(used)} images of the official test are in train or val: {named(used)}",
            count=len(used),
            images=tuple(used),
        )


def _contradictory_labels(rows: pd.DataFrame) -> Iterator[Finding]:
    if "no_finding" not in rows:
        return
    findings = rows[list(FINDINGS)]
    any_found = (findings == 1).any(axis=1)
    both = rows.loc[(rows["no_finding"] == 1) & any_found, "image_id"]
    if len(both):
        yield Finding(
            check="contradictory labels",
            severity=Severity.ERROR,
            message=f"{len(both)} images are labelled No Finding and with a finding: {named(both)}",
            count=len(both),
            images=tuple(both),
        )
    neither = rows.loc[(rows["no_finding"] == 0) & ~any_found & findings.notna().all(axis=1), "image_id"]
    if len(neither):
        yield Finding(
            check="contradictory labels",
            severity=Severity.WARNING,
            message=f"{len(neither)} images have no finding and are not labelled No Finding: {named(neither)}",
            count=len(neither),
            images=tuple(neither),
        )


def _contradictory_patients(rows: pd.DataFrame) -> Iterator[Finding]:
    sexes = rows.groupby("patient_id")["sex"].nunique()
    several = sexes.index[sexes > 1]
    if len(several):
        yield Finding(
            check="contradictory patients",
            severity=Severity.WARNING,
            message=f"{len(several)} patients have both sexes: {named(several)}",
            count=len(several),
        )
    dated = rows[["patient_id", "follow_up", "age_years", "image_id"]].dropna().sort_values(["patient_id", "follow_up"])
    oldest_before = dated.groupby("patient_id")["age_years"].cummax()
    younger = dated[oldest_before - dated["age_years"] >= _YOUNGER_BY_YEARS]
    if len(younger):
        patients = younger["patient_id"].unique()
        yield Finding(
            check="contradictory patients",
            severity=Severity.WARNING,
            message=f"{len(patients)} patients are {_YOUNGER_BY_YEARS} or more years younger at a later examination "
            f"({len(younger)} images): {named(patients)}",
            count=len(patients),
            images=tuple(younger["image_id"]),
        )


def file_findings(rows: pd.DataFrame) -> Iterator[Finding]:
    """Files that the table names and that are absent, and image files beside them that it does not name."""
    paths = rows["path"].dropna()
    absent_rows = len(rows) - len(paths)
    if absent_rows:
        yield Finding(
            check="images not at hand",
            severity=Severity.NOTE,
            message=f"{absent_rows} of {len(rows)} rows have no path: what is said of pixels is said of the others",
            count=absent_rows,
        )
    present = {folder: {entry.name for entry in folder.iterdir()} for folder in _folders(paths) if folder.is_dir()}
    missing = [path for path in paths if Path(path).name not in present.get(Path(path).parent, ())]
    if missing:
        yield Finding(
            check="missing files",
            severity=Severity.ERROR,
            message=f"{len(missing)} files of {len(paths)} are not where the table says: {named(missing)}",
            count=len(missing),
            images=tuple(rows.loc[rows["path"].isin(missing), "image_id"]),
        )
    known = {Path(name).stem for name in rows["image_id"]} | {Path(path).stem for path in paths}
    strangers = sorted(
        str(folder / name)
        for folder, names in present.items()
        for name in names
        if Path(name).suffix.lower() in _IMAGE_SUFFIXES and Path(name).stem not in known
    )
    if strangers:
        yield Finding(
            check="files not in the table",
            severity=Severity.WARNING,
            message=f"{len(strangers)} image files lie beside the others and are in no row: {named(strangers)}",
            count=len(strangers),
            images=tuple(strangers),
        )


def _folders(paths: "pd.Series[str]") -> set[Path]:
    return {Path(path).parent for path in paths.unique()}
