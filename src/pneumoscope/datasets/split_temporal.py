"""Splits in time for the data of one site: trained on the past, tested on what came after, by patient all the same."""

import pandas as pd

from pneumoscope.core import ConfigError, InputError
from pneumoscope.datasets.split import split_by_patient


def split_by_date(manifest: pd.DataFrame, *, test_share: float, validation_share: float) -> "pd.Series[str]":
    """Return the latest `test_share` of films as test, those before as val, earlier ones as train; null across borders.

    Films of a patient whose examinations lie on two sides are null: nobody is seen in training and tested later.

    Raises:
        InputError: A row has no `study_date`.
    """
    dates = _filled(manifest, "study_date").rank(method="max", pct=True)
    side = pd.cut(
        dates, [0, 1 - test_share - validation_share, 1 - test_share, 1], labels=["train", "val", "test"]
    ).astype("str")
    patients = side.groupby(manifest["patient_id"])
    return side.where(patients.transform("nunique") == 1)


def split_by_follow_up(
    manifest: pd.DataFrame, *, test_share: float, validation_share: float, seed: int
) -> "pd.Series[str]":
    """Return early films of most patients as train and val, late films of the others as test; null elsewhere.

    For sources without dates. Patients are drawn as by `split_by_patient`; a film is late if its follow-up number
    is above the median of the patients who have more than one. So a model is tested on later examinations than it
    was trained on, of patients that it has not seen.

    Raises:
        ConfigError: No patient has two films.
        InputError: A row has no follow-up number.
    """
    follow_up = _filled(manifest, "follow_up")
    repeated = manifest["patient_id"].duplicated(keep=False)
    if not repeated.any():
        raise ConfigError("split by follow-up: expected patients with more than one film, found none")
    late = follow_up > follow_up[repeated].median()
    side = split_by_patient(manifest, test_share=test_share, validation_share=validation_share, seed=seed)
    return side.where((side == "test") == late)


def _filled(manifest: pd.DataFrame, name: str) -> "pd.Series[float]":
    values = manifest.get(name)
    if values is None or values.isna().any():
        missing = len(manifest) if values is None else int(values.isna().sum())
        raise InputError(f"temporal split: expected {name} in every row, found {missing} of {len(manifest)} without")
    return values
