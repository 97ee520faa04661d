"""What the reader learns from: routes, sides and what is refused before training."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import ConfigError, InputError
from pneumoscope.datasets import ROUTES, folds_by_patient, read_routes
from pneumoscope.training.images import read_manifest
from pneumoscope.training.reader.config import Continues, ReaderConfig, read_reader_config
from pneumoscope.training.reader.material import chances, check_rows, reader_rows, refuse_test_patients


@pytest.fixture(scope="module")
def nih(routed: Path) -> Path:
    return routed / "nih"


@pytest.fixture(scope="module")
def rows(nih: Path) -> pd.DataFrame:
    return read_routes(nih, split_seed=20)


@pytest.fixture(scope="module")
def config() -> ReaderConfig:
    return read_reader_config()


def test_a_patient_is_on_one_side_over_all_folders(rows: pd.DataFrame) -> None:
    assert (rows.groupby("patient_id")["split"].nunique() == 1).all()
    assert set(rows["source"]) == {route.source for route in ROUTES}


def test_who_is_held_out_does_not_depend_on_further_folders(nih: Path, rows: pd.DataFrame) -> None:
    first = read_routes(nih, split_seed=20, routes=[route for route in ROUTES if route.holds_out])
    assert set(first.loc[first["split"] == "test", "patient_id"]) == set(
        rows.loc[rows["split"] == "test", "patient_id"]
    )


def test_patients_of_the_unselected_folder_validate_and_never_train(rows: pd.DataFrame) -> None:
    unselected = set(rows.loc[rows["source"] == "rsna_256", "patient_id"])
    assert set(rows.loc[rows["patient_id"].isin(unselected), "split"]) <= {"val", "test"}


def test_patients_who_taught_the_earlier_members_do_not_validate(routed: Path) -> None:
    continues = Continues(
        release="1", sha256="", folds=2, members={"adults": 0, "children": 1}, held_out={"adults": 0, "children": 1}
    )
    fresh, rows = reader_rows(routed, split_seed=20), reader_rows(routed, split_seed=20, continues=continues)
    first = read_manifest(routed, split_seed=20)
    fold = folds_by_patient(first, folds=2, seed=20)
    children = first["source"] == "kermany"
    for part, held_out in ((~children, 0), (children, 1)):
        taught = set(first.loc[part & fold.notna() & (fold != held_out), "patient_id"])
        validating = set(rows.loc[(rows["split"] == "val"), "patient_id"])
        assert taught
        assert not taught & validating
    assert set(fresh.loc[fresh["split"] == "test", "patient_id"]) == set(
        rows.loc[rows["split"] == "test", "patient_id"]
    )


def test_a_folder_without_images_is_named(nih: Path) -> None:
    with pytest.raises(ConfigError, match="absent-224"):
        read_routes(nih, split_seed=20, routes=[replace(ROUTES[0], folder="absent-224")])


def test_an_image_that_the_table_does_not_list_is_named(nih: Path, tmp_path: Path) -> None:
    copy = tmp_path / "nih"
    shutil.copytree(nih, copy)
    shutil.copy(copy / "images-256" / "00000000_000.jpg", copy / "boxes-256" / "99999999_000.jpg")
    with pytest.raises(ConfigError, match=r"99999999_000\.jpg"):
        read_routes(copy, split_seed=20)


def test_a_test_patient_among_those_learnt_from_is_named(rows: pd.DataFrame) -> None:
    held_out = rows[rows["split"] == "test"].iloc[:1]
    with pytest.raises(ConfigError, match=str(held_out["image_id"].iloc[0])):
        refuse_test_patients(held_out.assign(split="train"), rows)


def test_a_missing_image_is_named_before_training(rows: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match=r"1 are missing, first /nowhere\.jpg"):
        check_rows(rows.assign(path=["/nowhere.jpg", *rows["path"][1:]]))


def test_one_image_with_two_classes_by_two_routes_is_named(rows: pd.DataFrame) -> None:
    twice = rows[rows["image_id"].duplicated(keep=False) & rows["rsna_class"].notna()]
    changed = rows.copy()
    changed.loc[twice.index[0], "rsna_class"] = "No Lung Opacity / Not Normal"
    with pytest.raises(InputError, match=str(twice["image_id"].iloc[0])):
        check_rows(changed)


def test_a_class_that_is_absent_on_a_side_is_named(rows: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match="adults with and without the finding on the side val"):
        check_rows(rows.assign(rsna_opacity=rows["rsna_opacity"].where(rows["split"] != "val", 0.0)))


def test_view_and_class_are_shown_independently_and_an_image_by_two_routes_counts_once(config: ReaderConfig) -> None:
    table = pd.DataFrame(
        [
            (f"{view}{kind}{number}", view, kind, source, source != "lungs_only")
            for view in ("PA", "AP")
            for kind in ("Lung Opacity", "No Lung Opacity / Not Normal", "Normal", None)
            for number in range(2 if view == "PA" else 5)
            for source in ("nih", "lungs_only")
        ],
        columns=["image_id", "view", "rsna_class", "source", "whole"],
    )
    table = pd.concat([table, table[table["image_id"] == "PANormal0"].assign(source="boxes", whole=True)])
    whole, lungs = chances(table.reset_index(drop=True), config, one_class=("rsna_normal",))
    shown = pd.Series(whole).groupby([table["view"].to_numpy(), table["rsna_class"].fillna("unread").to_numpy()]).sum()
    np.testing.assert_allclose(shown["AP"], shown["PA"])
    np.testing.assert_allclose(shown["PA"]["Lung Opacity"] * 2, config.classes["opacity"], atol=1e-9)
    by_image = pd.Series(whole).groupby(table["image_id"].to_numpy()).sum()
    np.testing.assert_allclose(by_image["PANormal0"], by_image["PANormal1"])
    np.testing.assert_allclose([whole.sum(), lungs.sum()], 1)
    assert not lungs[table["whole"].to_numpy()].any()
