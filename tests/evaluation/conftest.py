"""A small invented cohort: patients with several images, two findings, and radiologists who read some of them."""

import numpy as np
import pandas as pd
import pytest

from pneumoscope.datasets import FINDINGS
from pneumoscope.evaluation import Cohort, Question, Settings, default_questions

PATIENTS, IMAGES = 120, 3


def _make_rows(*, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(PATIENTS), IMAGES)
    place, n = np.tile(np.arange(IMAGES), PATIENTS), patient.size
    ill = (rng.random(PATIENTS) < 0.3)[patient]
    rows = pd.DataFrame(
        {
            "image_id": [
                f"{one:04d}_{place}.png" for one, place in zip(patient, np.tile(range(IMAGES), PATIENTS), strict=True)
            ],
            "source": "made",
            "patient_id": [f"made:{one}" for one in patient],
            "split": np.where(patient % 2, "test", "val"),
            "view": np.where(rng.random(n) < 0.4, "AP", "PA"),
            "sex": np.where((rng.random(PATIENTS) < 0.5)[patient], "F", "M"),
            "age_years": rng.integers(16, 90, PATIENTS)[patient].astype(float),
            "follow_up": place.astype(float),
        }
    )
    rows[list(FINDINGS)] = 0.0
    rows["Pneumonia"] = (ill & (rng.random(n) < 0.8)).astype(float)
    rows["Effusion"] = (rng.random(n) < 0.2).astype(float)
    read = rng.random(n) < 0.6
    rows["rsna_opacity"] = np.where(read, (ill | (rng.random(n) < 0.1)).astype(float), np.nan)
    for finding in ("Pneumonia", "Effusion"):
        logit = 2.0 * rows[finding] - 1.5 + rng.normal(size=n)
        rows[f"prob_{finding}"] = 1 / (1 + np.exp(-logit))
    return rows


@pytest.fixture
def rows() -> pd.DataFrame:
    return _make_rows()


@pytest.fixture
def settings() -> Settings:
    return Settings(resamples=60)


def _make_cohort(rows: pd.DataFrame, **changes) -> Cohort:
    plain = {
        "title": "Made-up films",
        "rows": rows,
        "left_out": {},
        "questions": [*default_questions(rows, ("Pneumonia", "Effusion")), Question("Pneumonia", "rsna_opacity")],
        "model": {"name": "dice", "version": "1", "sha256": "0"},
        "manifest_sha256": "0",
    }
    return Cohort(**plain | changes)


@pytest.fixture(scope="session")
def make_rows():
    return _make_rows


@pytest.fixture(scope="session")
def make_cohort():
    return _make_cohort
