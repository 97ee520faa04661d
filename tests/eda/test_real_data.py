"""The report's numbers on the real data, each against a line of pandas that shares nothing with the package."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from pneumoscope.datasets import import_nih
from pneumoscope.eda import explore, measure_pixels, to_json


@pytest.fixture(scope="module")
def nih(data_root: Path) -> pd.DataFrame:
    return import_nih(data_root / "nih", images=[data_root / "nih" / "images-256"]).manifest


@pytest.fixture(scope="module")
def numbers(nih: pd.DataFrame) -> dict[str, Any]:
    return json.loads(to_json(explore(nih), provenance={}))


@pytest.fixture(scope="module")
def entry(data_root: Path) -> pd.DataFrame:
    """NIH's own table, with the official test marked and the paper's labels beside."""
    table = pd.read_csv(data_root / "nih" / "Data_Entry_2017_v2020.csv").set_index("Image Index")
    test = (data_root / "nih" / "test_list.txt").read_text().split()
    first = pd.read_csv(data_root / "nih" / "labels_2017.csv").set_index("Image Index")["Finding Labels"]
    return table.assign(
        test=table.index.isin(test),
        ill=table["Finding Labels"].str.contains("Pneumonia"),
        ill_2017=first.reindex(table.index).str.contains("Pneumonia"),
    )


def test_images_patients_and_sexes(numbers: dict[str, Any], entry: pd.DataFrame) -> None:
    people = numbers["demographics"]
    assert (people["images"], people["patients"]) == (112_120, 30_805) == (len(entry), entry["Patient ID"].nunique())
    assert people["images_by_sex"]["Female"] == (entry["Patient Gender"] == "F").sum()
    assert people["most_images_a_patient"] == entry["Patient ID"].value_counts().max()
    assert people["age_years"]["median"] == entry["Patient Age"].median()
    band = next(band for band in people["pyramid"] if band["name"] == "50–59")
    men = entry[(entry["Patient Gender"] == "M") & entry["Patient Age"].between(50, 59)]
    assert band["male"] == len(men)


def test_pneumonia_in_all_by_view_and_by_patient(numbers: dict[str, Any], entry: pd.DataFrame) -> None:
    found = numbers["profile"]
    assert found["positives"] == 1_431 == entry["ill"].sum()
    assert found["positive_patients"] == entry.loc[entry["ill"], "Patient ID"].nunique()
    by_view = entry.groupby("View Position")["ill"].mean()
    for group in found["groups"]:
        if group["variable"] == "View":
            assert group["share"]["value"] == pytest.approx(by_view[group["name"]])
    assert found["alone"]["value"] == pytest.approx((entry.loc[entry["ill"], "Finding Labels"] == "Pneumonia").mean())


def test_combinations_and_odds_ratios(numbers: dict[str, Any], entry: pd.DataFrame) -> None:
    sets = entry.loc[entry["ill"], "Finding Labels"].map(lambda text: frozenset(text.split("|")) - {"Pneumonia"})
    counts = sets.value_counts()
    assert all(counts[frozenset(one["others"])] == one["images"] for one in numbers["profile"]["combinations"])
    edema = next(one for one in numbers["profile"]["partners"] if one["finding"] == "Edema")
    table = pd.crosstab(entry["Finding Labels"].str.contains("Edema"), entry["ill"]).to_numpy()
    assert edema["odds"]["value"] == pytest.approx(table[1, 1] * table[0, 0] / (table[1, 0] * table[0, 1]))


def test_views_and_sizes(numbers: dict[str, Any], entry: pd.DataFrame) -> None:
    found = numbers["acquisition"]
    assert found["views"] == {"PA": 67_310, "AP": 44_810} == entry["View Position"].value_counts().to_dict()
    edema = next(one for one in found["by_finding"] if one["finding"] == "Edema")
    ill = entry[entry["Finding Labels"].str.contains("Edema")]
    assert edema["ap"]["value"] == pytest.approx((ill["View Position"] == "AP").mean())
    size = entry["OriginalImage[Width"].astype(str) + " × " + entry["Height]"].astype(str)
    assert found["sizes"][0]["name"] == size.value_counts().index[0]
    assert found["sizes"][0]["group"]["images"] == size.value_counts().iloc[0]


def test_labels_against_rsnas_radiologists(numbers: dict[str, Any], entry: pd.DataFrame, data_root: Path) -> None:
    classes = pd.read_csv(data_root / "nih" / "rsna_classes.csv").set_index("Image Index")["rsna_class"]
    read = entry.join(classes, how="inner")
    opacity = read["rsna_class"] == "Lung Opacity"
    one = next(c for c in numbers["readers"]["comparisons"] if (c["label"], c["view"]) == ("Pneumonia", "All"))
    assert one["both"] + one["label_only"] + one["reference_only"] + one["neither"] == 26_585 == len(read)
    assert one["precision"]["value"] == pytest.approx(opacity[read["ill"]].mean())
    assert one["recall"]["value"] == pytest.approx(read["ill"][opacity].mean())
    assert one["kappa"]["value"] == pytest.approx(cohen_kappa_score(read["ill"], opacity))
    row = next(c for c in numbers["readers"]["classes"] if c["label"] == "Pneumonia")
    counts = read.loc[read["ill"], "rsna_class"].value_counts()
    assert row["classes"] == [counts[name] for name in ("Lung Opacity", "No Lung Opacity / Not Normal", "Normal")]


def test_the_official_test_is_shifted(numbers: dict[str, Any], entry: pd.DataFrame) -> None:
    found = numbers["shift"]
    assert (found["learn"]["images"], found["test"]["images"], found["shared_patients"]) == (86_524, 25_596, 0)
    per_patient = entry[entry["test"]].groupby("Patient ID").size().mean()
    assert found["test"]["images_a_patient"] == pytest.approx(per_patient) == pytest.approx(9.15, abs=0.01)
    ap = next(one for one in found["contrasts"] if one["name"] == "AP view")
    assert ap["test"]["value"] == pytest.approx((entry.loc[entry["test"], "View Position"] == "AP").mean())
    old = next(one for one in found["contrasts"] if one["name"] == "Pneumonia, labels of 2017")
    assert old["test"]["value"] == pytest.approx(477 / 25_596)


def test_floors_of_view_and_follow_up_on_the_official_test(numbers: dict[str, Any], entry: pd.DataFrame) -> None:
    test = entry[entry["test"]]
    found = {one["label"]: {f["variable"]: f["auroc"] for f in one["floors"]} for one in numbers["floors"]}
    ap = test["View Position"] == "AP"
    new, old = found["Pneumonia, labels of v2020"], found["Pneumonia, labels of 2017"]
    assert new["View"]["value"] == pytest.approx(roc_auc_score(test["ill"], ap)) == pytest.approx(0.57, abs=0.005)
    follow_up = roc_auc_score(test["ill"], test["Follow-up #"])
    assert new["Follow-up number"]["value"] == pytest.approx(follow_up) == pytest.approx(0.56, abs=0.005)
    assert old["View"]["value"] == pytest.approx(roc_auc_score(test["ill_2017"], ap))
    assert (old["View"]["positives"], new["View"]["positives"]) == (477, 555)


def test_pixels_of_some_real_films(nih: pd.DataFrame) -> None:
    some = nih[nih["path"].notna()].groupby("Pneumonia").head(120)
    measured = measure_pixels(some, finding="Pneumonia")
    assert (len(measured.table), measured.unreadable) == (240, ())
    found = explore(some, measured=measured)
    assert found.films is not None
    assert {films.view for films in found.films.by_class} == {"PA", "AP"}
