import json
from pathlib import Path

import pandas as pd
import pytest

from pneumoscope.core import ConfigError, InputError
from pneumoscope.dossier.databases import NONE_OTHER, describe, describe_files


@pytest.fixture
def images() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "source": ["nih"] * 4 + ["kermany"],
            "image_id": list("abcde"),
            "patient_id": ["p1", "p1", "p2", "p3", "k1"],
            "age_years": [20.0, 30.0, 40.0, None, None],
            "sex": ["F", "F", "M", None, None],
            "view": ["PA", "AP", "PA", "PA", None],
            "Pneumonia": [1.0, 0.0, 1.0, None, 1.0],
            "Edema": [1.0, 0.0, 0.0, 0.0, None],
            "split": ["train", "train", "train", "val", "train"],
        }
    )


def test_counts_shares_and_co_occurrence_are_those_of_the_table(images: pd.DataFrame) -> None:
    described = describe(images, findings=("Pneumonia", "Edema"))
    assert described["sources"]["nih"]["train"] == {
        "images": 3, "patients": 2, "positives": 2, "negatives": 1, "share": "66.7 %", "age": "30 (25 to 35)",
        "female": "66.7 %", "views": "AP 33.3 %, PA 66.7 %",
    }  # fmt: skip
    assert described["sources"]["nih"]["val"]["share"] == "not recorded"
    assert described["sources"]["kermany"]["train"]["views"] == "not recorded"
    assert described["co_occurrence"]["train"] == {"Edema": "1 of 2", NONE_OTHER: "1 of 2"}


def test_a_missing_column_is_named(images: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="found no sex, split"):
        describe(images.drop(columns=["sex", "split"]), findings=())


def test_images_of_the_split_that_no_manifest_has_are_counted(images: pd.DataFrame, tmp_path: Path) -> None:
    images[["source", "image_id", "split"]].to_csv(tmp_path / "split.csv", index=False)
    images.drop(columns="split").to_parquet(tmp_path / "all.parquet")
    images.drop(columns="split")[1:].to_parquet(tmp_path / "some.parquet")
    described = describe_files([tmp_path / "all.parquet"], tmp_path)
    assert json.loads((tmp_path / "databases.json").read_text()) == described
    assert described["sources"]["nih"]["train"]["images"] == 3
    with pytest.raises(ConfigError, match="1 of 5 images are in none of the manifests"):
        describe_files([tmp_path / "some.parquet"], tmp_path)
    with pytest.raises(ConfigError, match=r"expected the run's split.csv"):
        describe_files([tmp_path / "all.parquet"], tmp_path / "nowhere")
