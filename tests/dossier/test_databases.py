import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

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
            "grey": [0.5, 0.4, 0.7, 0.5, 0.5],
            "contrast": [0.2, 0.2, 0.3, 0.2, 0.2],
        }
    )


def test_counts_shares_grey_levels_and_co_occurrence_are_those_of_the_table(images: pd.DataFrame) -> None:
    described = describe(images, findings=("Pneumonia", "Edema"))
    assert described["sources"]["nih"]["train"] == {
        "images": 3, "patients": 2, "most_of_a_patient": 2, "positives": 2, "negatives": 1, "share": "66.7 %",
        "age": "30 (25 to 35)", "age_range": "20 to 40", "female": "66.7 %", "views": "AP 33.3 %, PA 66.7 %",
        "grey_with": "0.60 (0.55 to 0.65)", "grey_without": "0.40 (0.40 to 0.40)",
        "contrast_with": "0.25 (0.23 to 0.28)", "contrast_without": "0.20 (0.20 to 0.20)",
    }  # fmt: skip
    assert described["sources"]["nih"]["val"]["share"] == "not recorded"
    assert described["sources"]["kermany"]["train"]["views"] == "not recorded"
    assert described["co_occurrence"]["train"] == {
        "with": {"all": "2", "Edema": "1 (50.0 %)", NONE_OTHER: "1 (50.0 %)"},
        "without": {"all": "1", "Edema": "0 (0.0 %)", NONE_OTHER: "1 (100.0 %)"},
    }


def test_a_missing_column_is_named(images: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="found no sex, split"):
        describe(images.drop(columns=["sex", "split"]), findings=())


def test_every_image_of_the_split_is_found_and_its_grey_levels_read(images: pd.DataFrame, tmp_path: Path) -> None:
    images[["source", "image_id", "split"]].to_csv(tmp_path / "split.csv", index=False)
    pixels = np.repeat(np.uint8([[51, 153]]), 64, axis=0).repeat(32, axis=1)
    Image.fromarray(pixels).save(tmp_path / "film.png")
    rows = images.drop(columns=["split", "grey", "contrast"]).assign(path=str(tmp_path / "film.png"))
    rows.to_parquet(tmp_path / "all.parquet")
    rows[1:].to_parquet(tmp_path / "some.parquet")
    rows.assign(path=None).to_parquet(tmp_path / "unplaced.parquet")
    described = describe_files([tmp_path / "all.parquet"], tmp_path)
    assert json.loads((tmp_path / "databases.json").read_text()) == described
    assert described["sources"]["nih"]["train"]["images"] == 3
    assert described["sources"]["nih"]["train"]["grey_with"] == "0.40 (0.40 to 0.40)"
    assert described["sources"]["nih"]["train"]["contrast_with"] == "0.20 (0.20 to 0.20)"
    with pytest.raises(ConfigError, match="1 of 5 images are in none of the manifests"):
        describe_files([tmp_path / "some.parquet"], tmp_path)
    with pytest.raises(ConfigError, match="5 of 5 images have no path"):
        describe_files([tmp_path / "unplaced.parquet"], tmp_path)
    with pytest.raises(ConfigError, match=r"expected the run's split.csv"):
        describe_files([tmp_path / "all.parquet"], tmp_path / "nowhere")
