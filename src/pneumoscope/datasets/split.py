"""Patient-level splits, as a file of image ids that can be published."""

import hashlib

import pandas as pd


def split_by_patient(
    manifest: pd.DataFrame, *, test_share: float, validation_share: float, seed: int
) -> "pd.Series[str]":
    """`train`, `val` or `test` for each row; all images of a patient fall on one side.

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


def _draw(patient_id: str, seed: int) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    digest = hashlib.sha256(f"{seed}:{patient_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64
