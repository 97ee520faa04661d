"""Patient-level splits: all images of a patient fall on one side, always."""

import hashlib

import numpy as np
import pandas as pd
from jaxtyping import Bool

from pneumoscope.core import ConfigError, InputError

# Ages, in years, at which one stratum ends and the next begins; FDA's paediatric subgroups end at 22 (21 CFR 814.3).
_AGE_BOUNDS_YEARS = (0, 22, 40, 60, 75, np.inf)


def split_by_patient(
    manifest: pd.DataFrame, *, test_share: float, validation_share: float, seed: int
) -> "pd.Series[str]":
    """Return `train`, `val` or `test` for each row; all images of a patient fall on one side.

    A patient with an image in an official test set (`split` is "test") goes to test. Of the others, `test_share`
    and `validation_share` are expected there: each patient's place is drawn from a hash of seed and patient id
    alone, so adding images, patients or sources later moves nobody.
    """
    official = set(manifest.loc[manifest["split"] == "test", "patient_id"])

    def place(patient: str) -> str:
        if patient in official:
            return "test"
        draw = _draw(patient, seed)
        return "test" if draw < test_share else "val" if draw < test_share + validation_share else "train"

    return manifest["patient_id"].map({patient: place(patient) for patient in manifest["patient_id"].unique()})


def split_stratified(
    manifest: pd.DataFrame, *, test_share: float, validation_share: float, seed: int, label: str = "Pneumonia"
) -> "pd.Series[str]":
    """Return `train`, `val` or `test` for each row, the sides alike in label, view, sex, age group and films a patient.

    Patients are put in order by stratum and, within it, by a draw from seed and patient id; then every so many go
    to test, and of the rest every so many to val. So each stratum gives its share to within one patient. A patient
    with an image in an official test set goes to test and is not counted in the shares.

    Raises:
        ConfigError: Shares are not those of a whole, or the label is not a column.
    """
    _check_shares(test_share, validation_share)
    patients = _ordered_patients(manifest, label=label, seed=seed)
    official = set(manifest.loc[manifest["split"] == "test", "patient_id"])
    free = [patient for patient in patients if patient not in official]
    test = {patient for patient, taken in zip(free, _every(len(free), test_share), strict=True) if taken}
    rest = [patient for patient in free if patient not in test]
    share = validation_share / (1 - test_share)
    val = {patient for patient, taken in zip(rest, _every(len(rest), share), strict=True) if taken}
    place = dict.fromkeys(rest, "train") | dict.fromkeys(val, "val") | dict.fromkeys(test | official, "test")
    return manifest["patient_id"].map(place)


def split_official(
    manifest: pd.DataFrame, *, validation_share: float, seed: int, label: str = "Pneumonia"
) -> "pd.Series[str]":
    """Return the publisher's test as `test`, the rest as `train` or, stratified by patient, `val`; null in no list.

    Raises:
        ConfigError: The manifest has no official split.
        InputError: A patient is on both of its sides.
    """
    official = manifest.get("official_split")
    if official is None or official.isna().all():
        raise ConfigError("official split: expected a manifest with the column official_split filled, found none")
    test = official == "test"
    shared = set(manifest.loc[test, "patient_id"]) & set(manifest.loc[~test & official.notna(), "patient_id"])
    if shared:
        raise InputError(f"official split: expected no patient on both sides, found {len(shared)}")
    sides = split_stratified(
        manifest.assign(split=official.where(test)),
        test_share=0.0,
        validation_share=validation_share,
        seed=seed,
        label=label,
    )
    return sides.where(official.notna())


def folds_by_patient(manifest: pd.DataFrame, *, folds: int, seed: int, label: str = "Pneumonia") -> "pd.Series[float]":
    """Return fold 0 to `folds` - 1 for each row, stratified by patient; NaN for patients of an official test set.

    Raises:
        ConfigError: There are fewer than two folds, or fewer patients than folds.
    """
    official = set(manifest.loc[manifest["split"] == "test", "patient_id"])
    free = [one for one in _ordered_patients(manifest, label=label, seed=seed) if one not in official]
    if not 2 <= folds <= len(free):
        raise ConfigError(f"folds: expected 2 to {len(free)} (one patient each), got {folds}")
    return manifest["patient_id"].map({patient: float(place % folds) for place, patient in enumerate(free)})


def _check_shares(test_share: float, validation_share: float) -> None:
    if not (test_share >= 0 and validation_share >= 0 and test_share + validation_share < 1):
        raise ConfigError(
            f"shares: expected test and validation shares of at least 0 that leave some for train, "
            f"got {test_share:g} and {validation_share:g}"
        )


def _ordered_patients(manifest: pd.DataFrame, *, label: str, seed: int) -> list[str]:
    """Order patients by stratum (positive film, usual view, sex, age group, films in powers of two), then by draw."""
    if label not in manifest.columns:
        raise ConfigError(f"label: expected a column of the manifest, got {label!r}")
    by_patient = manifest.groupby("patient_id", sort=True)
    age = pd.cut(by_patient["age_years"].min(), _AGE_BOUNDS_YEARS, right=False, labels=False)
    share_pa = (manifest["view"] == "PA").groupby(manifest["patient_id"], sort=True).mean()
    strata = pd.DataFrame(
        {
            "label": by_patient[label].max().fillna(-1),
            "view": (share_pa >= 0.5).astype(int),
            "sex": by_patient["sex"].first().fillna(""),
            "age": age.fillna(-1),
            "films": np.log2(by_patient.size()).astype(int),
        }
    )
    strata["draw"] = [_draw(patient, seed) for patient in strata.index]
    return list(strata.sort_values(list(strata.columns)).index)


def _every(count: int, share: float) -> Bool[np.ndarray, " n"]:
    """Return which of `count` are taken so that any run of n has n * share of them, to within one.

    Source: systematic sampling (Cochran, Sampling Techniques, 3rd edition, 1977, chapter 8), start at one half.
    """
    taken: Bool[np.ndarray, " n"] = np.diff(np.floor(np.arange(count + 1) * share + 0.5)) > 0
    return taken


def _draw(patient_id: str, seed: int) -> float:
    """Return a number in [0, 1) that depends on nothing but its arguments."""
    digest = hashlib.sha256(f"{seed}:{patient_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64
