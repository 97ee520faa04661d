"""The table of ablations, on scores made by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import ArtifactError
from pneumoscope.evaluation.page import render_page
from pneumoscope.stats import auroc_clustered, holm, paired_auroc_difference
from pneumoscope.training.comparison import compare

ROOT = Path(__file__).resolve().parents[2]
REFERENCES = ("rsna_opacity", "Pneumonia")


@pytest.fixture
def films() -> pd.DataFrame:
    rng, count = np.random.default_rng(0), 240
    truth = rng.random(count) < 0.4
    return pd.DataFrame(
        {
            "image_id": [f"{number:03d}" for number in range(count)],
            "patient_id": [f"p{number // 2}" for number in range(count)],
            "view": np.where(np.arange(count) % 3 == 0, "AP", "PA"),
            "rsna_opacity": np.where(np.arange(count) % 4 == 0, np.nan, truth.astype(float)),
            "Pneumonia": truth.astype(float),
        }
    )


def put(
    folder: Path, name: str, films: pd.DataFrame, *, skill: float, against: str = "default", plan: str = "s"
) -> None:
    """A variant whose scores, of two seeds, follow the label by so much."""
    rng = np.random.default_rng(len(name))
    rank = [skill * films["Pneumonia"] + rng.normal(size=len(films)) for _ in range(2)]
    pd.concat([films.assign(seed=seed, rank=one) for seed, one in enumerate(rank)]).to_parquet(
        folder / f"{name}.parquet"
    )
    facts = {"variant": name, "against": against, "what": f"skill {skill}", "trainings": 6, "seconds": 60.0}
    hashes = {"images_per_s": 40.0, "config_sha256": "c", "shared_sha256": plan, "manifest_sha256": "m"}
    (folder / f"{name}.json").write_text(json.dumps(facts | hashes))


@pytest.fixture
def folder(tmp_path: Path, films: pd.DataFrame) -> Path:
    put(tmp_path, "default", films, skill=1.0)
    put(tmp_path, "better", films, skill=3.0)
    put(tmp_path, "same", films, skill=1.0)
    return tmp_path


def test_areas_and_differences_are_those_of_the_statistics_room(folder: Path, films: pd.DataFrame) -> None:
    table = compare(folder, REFERENCES).set_index(["variant", "reference", "view"])
    kept = films[films["rsna_opacity"].notna() & (films["view"] == "PA")]
    score = {
        name: pd.read_parquet(folder / f"{name}.parquet")
        .groupby("image_id")["rank"]
        .mean()[kept["image_id"]]
        .to_numpy()
        for name in ("default", "better")
    }
    truth, patient = kept["rsna_opacity"].to_numpy() == 1, kept["patient_id"].to_numpy()
    area = auroc_clustered(truth, score["better"], cluster=patient)
    change = paired_auroc_difference(truth, first=score["better"], second=score["default"], cluster=patient)
    line = table.loc[("better", "rsna_opacity", "PA")]
    assert (line["auroc"], line["auroc_low"], line["n"]) == (area.value, area.low, len(kept))
    assert (line["difference"], line["difference_high"]) == (change.value, change.high)
    assert change.p_value < 0.01


def test_what_is_not_compared_has_no_p_value_and_all_others_of_the_page_are_corrected_together(folder: Path) -> None:
    table = compare(folder, REFERENCES).set_index("variant")
    assert table.loc["default", ["p_holm", "difference"]].isna().all(axis=None)
    compared = table.loc[["better", "same"]]
    assert len(compared) == 2 * len(REFERENCES) * 3
    np.testing.assert_allclose(compared["p_holm"], holm(compared["p_value"].to_numpy()))


def test_a_variant_that_lacks_its_rival_is_shown_alone(tmp_path: Path, films: pd.DataFrame) -> None:
    put(tmp_path, "resnet", films, skill=1.0, against="scratch")
    table = compare(tmp_path, REFERENCES)
    assert table["auroc"].notna().all()
    assert "difference" not in table


def test_one_class_in_a_view_is_not_estimable_and_leaves_a_gap(tmp_path: Path, films: pd.DataFrame) -> None:
    put(tmp_path, "default", films[(films["view"] == "PA") | (films["Pneumonia"] == 0)], skill=1.0)
    table = compare(tmp_path, REFERENCES).set_index(["reference", "view"])
    assert np.isnan(table.loc[("Pneumonia", "AP"), "auroc"])
    assert table.loc[("Pneumonia", "AP"), "positives"] == 0


def test_variants_of_plans_that_differ_are_not_compared(folder: Path, films: pd.DataFrame) -> None:
    put(folder, "longer", films, skill=1.0, plan="another")
    with pytest.raises(ArtifactError, match="shared_sha256 different for"):
        compare(folder, REFERENCES)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="expected variants"):
        compare(tmp_path, REFERENCES)


def test_the_page_names_what_is_beyond_chance_and_only_that(folder: Path) -> None:
    compare(folder, REFERENCES)
    page = render_page(ROOT / "docs" / "explanation" / "ablations.md.jinja", folder)
    noise = page.split("## What is noise")[1].split("##")[0]
    assert "`better` against `default`" in noise
    assert "`same`" not in noise
    assert "Of 12 differences on this page" in noise
    assert "| `same` | skill 1.0 |" in page


def test_variants_that_read_other_films_are_not_compared(folder: Path, films: pd.DataFrame) -> None:
    put(folder, "fewer", films[10:], skill=1.0)
    with pytest.raises(ArtifactError, match=r"expected variants that read the same films, .*fewer"):
        compare(folder, REFERENCES)


def test_a_page_of_differences_that_are_all_chance_says_none(tmp_path: Path, films: pd.DataFrame) -> None:
    put(tmp_path, "default", films, skill=1.0)
    put(tmp_path, "same", films, skill=1.0)
    compare(tmp_path, REFERENCES)
    page = render_page(ROOT / "docs" / "explanation" / "ablations.md.jinja", tmp_path)
    assert "Of 6 differences on this page none is beyond chance.\nAll may be chance" in page
