"""A hospital's own data: its labels from its own CSV, its own source name, its own columns as subgroups."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import InputError
from pneumoscope.datasets import FINDINGS, write_manifest
from pneumoscope.evaluation import Number, Question, Request, Settings, cohort_of, recompute, write_evidence

WARDS = ("ICU", "ward 1.2", "outpatients")


@pytest.fixture
def manifest() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 240
    table = pd.DataFrame(
        {
            "image_id": [f"1.2.840.{number}" for number in range(n)],
            "path": None,
            "source": "st-elsewhere",
            "patient_id": [f"st-elsewhere:{number // 2}" for number in range(n)],
            "age_years": rng.integers(20, 90, n).astype(float),
            "view": rng.choice(["PA", "AP"], n),
            "x_ward": rng.choice(WARDS, n),
            "x_kv": rng.choice([90.0, 120.0], n),
        }
    )
    return table.assign(**(dict.fromkeys(FINDINGS, np.nan) | {"Pneumonia": (rng.random(n) < 0.3).astype(float)}))


def request(manifest: pd.DataFrame, folder: Path, **options: object) -> Request:
    """Write manifest and predictions, and ask for their evaluation."""
    write_manifest(manifest, folder / "m.parquet")
    rng = np.random.default_rng(1)
    score = 1 / (1 + np.exp(-(2 * manifest["Pneumonia"].fillna(0) - 1 + rng.normal(size=len(manifest)))))
    table = pd.DataFrame({"image_id": manifest["image_id"], "prob_Pneumonia": score})
    table.to_csv(folder / "p.csv", index=False)
    return Request(predictions=folder / "p.csv", manifest=folder / "m.parquet", **options)


def test_any_source_is_evaluated_and_its_own_columns_cut_subgroups(manifest, tmp_path):
    axes = ("x_ward", "x_kv")
    cohort = cohort_of(request(manifest, tmp_path, axes=axes))
    evidence = write_evidence(cohort, tmp_path / "evidence", settings=Settings(resamples=40, axes=axes))
    assert evidence.cohort["images"] == 240
    subgroups = evidence.at("labels.Pneumonia.subgroups")
    assert set(subgroups["x_ward"]) == {"ICU", "ward 1·2", "outpatients"}
    assert set(subgroups["x_kv"]) == {"90", "120"}
    assert isinstance(subgroups["x_ward"]["ICU"]["auroc"], Number)
    assert sum(group["n"] for group in subgroups["x_ward"].values()) == 240
    assert "x_ward" in evidence.at("labels.Pneumonia.gaps")
    assert recompute(evidence)["Pneumonia"]["subgroups"]["x_kv"]["90"]["n"] == subgroups["x_kv"]["90"]["n"]


def test_labels_of_one_class_are_refused_with_their_counts(manifest, tmp_path):
    with pytest.raises(InputError, match="one class only: 240 of 240 by Pneumonia"):
        cohort_of(request(manifest.assign(Pneumonia=1.0), tmp_path))


def test_images_without_any_label_of_the_scores_are_refused(manifest, tmp_path):
    with pytest.raises(InputError, match=r"labels one of the scores \(Pneumonia\), found none labelled"):
        cohort_of(request(manifest.assign(Pneumonia=np.nan), tmp_path))


def test_a_reference_of_its_own_stands_for_a_missing_label(manifest, tmp_path):
    own = manifest.assign(Pneumonia=np.nan, x_report=manifest["Pneumonia"])
    asked = [Question("Pneumonia", "x_report")]
    cohort = cohort_of(request(own, tmp_path, asked=asked))
    assert [question.name for question in cohort.questions] == ["Pneumonia_as_x_report"]


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        ("x_floor", "the column x_floor to cut subgroups by, found none"),
        ("image_id", "at most 30 groups, found image_id"),
    ],
)
def test_a_column_that_cuts_no_subgroups_is_named(manifest, tmp_path, axis, message):
    with pytest.raises(InputError, match=message):
        cohort_of(request(manifest, tmp_path, axes=(axis,)))
