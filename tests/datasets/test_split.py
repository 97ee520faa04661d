from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import ConfigError, InputError
from pneumoscope.datasets import (
    apply_split,
    folds_by_patient,
    read_split,
    split_by_date,
    split_by_follow_up,
    split_by_patient,
    split_of,
    split_official,
    split_stratified,
    write_split,
)


def manifest(patients: int, images: int = 3) -> pd.DataFrame:
    return pd.DataFrame(
        {"patient_id": [f"p{patient}" for patient in range(patients) for _ in range(images)], "split": None}
    )


def test_no_patient_is_on_two_sides() -> None:
    table = manifest(500)
    table["split"] = split_by_patient(table, test_share=0.2, validation_share=0.1, seed=1)
    assert (table.groupby("patient_id")["split"].nunique() == 1).all()


def test_the_shares_are_near_what_was_asked() -> None:
    place = split_by_patient(manifest(5000, images=1), test_share=0.2, validation_share=0.1, seed=1)
    shares = place.value_counts(normalize=True)
    assert abs(shares["test"] - 0.2) < 0.02
    assert abs(shares["val"] - 0.1) < 0.02


def test_a_patient_with_one_official_test_image_is_wholly_in_test() -> None:
    table = manifest(50)
    table.loc[[0, 30], "split"] = "test"
    place = split_by_patient(table, test_share=0.0, validation_share=0.1, seed=1)
    assert set(table.loc[place == "test", "patient_id"]) == {"p0", "p10"}


def test_new_patients_move_nobody() -> None:
    few, many = manifest(100), manifest(300)
    arguments = {"test_share": 0.2, "validation_share": 0.1, "seed": 7}
    before, after = split_by_patient(few, **arguments), split_by_patient(many, **arguments)
    assert (before == after.iloc[: len(before)]).all()


def test_another_seed_gives_another_split() -> None:
    one = split_by_patient(manifest(200), test_share=0.3, validation_share=0.1, seed=1)
    other = split_by_patient(manifest(200), test_share=0.3, validation_share=0.1, seed=2)
    assert (one != other).any()


def varied(patients: int = 1200) -> pd.DataFrame:
    """Patients with 1 to 5 films, of either sex, all ages, a tenth ill."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "patient_id": [f"p{patient}" for patient in range(patients)],
            "sex": rng.choice(["F", "M"], patients),
            "age_years": rng.uniform(0, 95, patients),
            "Pneumonia": rng.random(patients) < 0.1,
        }
    ).loc[np.repeat(np.arange(patients), rng.integers(1, 6, patients))]
    table = table.reset_index(drop=True).assign(split=None, source="s", view=rng.choice(["PA", "AP"], len(table)))
    table["follow_up"] = table.groupby("patient_id").cumcount()
    return table.assign(image_id=[f"i{number}" for number in range(len(table))], Pneumonia=table["Pneumonia"] * 1.0)


def test_a_stratified_split_has_its_shares_and_like_patients_on_each_side() -> None:
    table = varied()
    table["side"] = split_stratified(table, test_share=0.25, validation_share=0.15, seed=3)
    patients = table.groupby("patient_id").agg(
        side=("side", "first"), sides=("side", "nunique"), ill=("Pneumonia", "max"), age=("age_years", "min")
    )
    assert (patients["sides"] == 1).all()
    assert patients["side"].value_counts().to_dict() == {"train": 720, "test": 300, "val": 180}
    ill = patients.groupby("side")["ill"].mean()
    assert ill.max() - ill.min() < 0.01
    ages = patients.groupby("side")["age"].mean()
    assert ages.max() - ages.min() < 3


def test_an_official_split_is_taken_as_published_and_its_rest_divided() -> None:
    table = varied()
    official = table["patient_id"].isin([f"p{number}" for number in range(300)])
    table["official_split"] = np.where(official, "test", "train_val")
    side = split_official(table, validation_share=0.2, seed=1)
    assert ((side == "test") == official).all()
    assert set(side[~official]) == {"train", "val"}
    table.loc[0, "official_split"] = "train_val"
    table.loc[1, ["patient_id", "official_split"]] = [table.loc[0, "patient_id"], "test"]
    with pytest.raises(InputError, match="no patient on both sides"):
        split_official(table, validation_share=0.2, seed=1)
    with pytest.raises(ConfigError, match="official_split"):
        split_official(varied(10), validation_share=0.2, seed=1)


def test_folds_hold_each_patient_once_and_like_shares_of_the_ill() -> None:
    table = varied()
    table["fold"] = folds_by_patient(table, folds=5, seed=1)
    assert (table.groupby("patient_id")["fold"].nunique() == 1).all()
    assert table.drop_duplicates("patient_id")["fold"].value_counts().to_list() == [240] * 5
    ill = table.drop_duplicates("patient_id").groupby("fold")["Pneumonia"].sum()
    assert ill.max() - ill.min() <= 2
    with pytest.raises(ConfigError, match="expected 2 to 1200"):
        folds_by_patient(table, folds=1, seed=1)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (-0.1, 0.1), (0.9, 0.2)])
def test_shares_that_leave_nothing_to_train_on_are_refused(shares: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="leave some for train"):
        split_stratified(varied(10), test_share=shares[0], validation_share=shares[1], seed=0)


def test_a_split_by_date_keeps_the_future_out_of_training() -> None:
    table = varied(400)
    days = pd.Timestamp("2015-01-01") + pd.to_timedelta(np.arange(len(table)), unit="D")
    table["study_date"] = days.strftime("%Y-%m-%d").astype("str")
    side = split_by_date(table, test_share=0.2, validation_share=0.1)
    assert table.loc[side == "train", "study_date"].max() < table.loc[side == "val", "study_date"].min()
    assert table.loc[side == "val", "study_date"].max() < table.loc[side == "test", "study_date"].min()
    assert not set(table.loc[side == "train", "patient_id"]) & set(table.loc[side == "test", "patient_id"])
    assert abs((side == "test").mean() - 0.2) < 0.01
    with pytest.raises(InputError, match="expected study_date in every row"):
        split_by_date(table.assign(study_date=None), test_share=0.2, validation_share=0.1)


def test_a_split_by_follow_up_tests_later_films_of_other_patients() -> None:
    table = varied(400)
    side = split_by_follow_up(table, test_share=0.3, validation_share=0.1, seed=0)
    assert table.loc[side == "train", "follow_up"].max() < table.loc[side == "test", "follow_up"].min()
    assert not set(table.loc[side == "train", "patient_id"]) & set(table.loc[side == "test", "patient_id"])
    assert side.isna().any()


def test_a_split_file_comes_back_and_is_applied_and_says_what_did_not_match(tmp_path: Path) -> None:
    table = varied(50)
    sides = split_stratified(table, test_share=0.2, validation_share=0.1, seed=0)
    write_split(split_of(table, sides, {"method": "stratified", "seed": 0}), tmp_path / "s.csv")
    found = read_split(tmp_path / "s.csv")
    assert found.made == {"method": "stratified", "seed": 0}
    applied, notes = apply_split(table, found)
    assert (applied["split"] == sides).all()
    assert not notes
    few, notes = apply_split(table.iloc[:10].assign(image_id=["new", *table["image_id"].iloc[1:10]]), found)
    assert pd.isna(few["split"].iloc[0])
    assert notes == [
        f"{len(table) - 9} images of the split are not in the manifest",
        "1 images of the manifest are on no side",
    ]


def test_an_edited_split_file_is_refused(tmp_path: Path) -> None:
    table = varied(20)
    write_split(
        split_of(table, split_by_patient(table, test_share=0.5, validation_share=0.1, seed=0), {}), tmp_path / "s"
    )
    text = (tmp_path / "s").read_text()
    (tmp_path / "s").write_text(text.replace(",test", ",train", 1))
    with pytest.raises(InputError, match="edited since"):
        read_split(tmp_path / "s")
    (tmp_path / "s").write_text("source,image_id,split\n")
    with pytest.raises(ConfigError, match="expected a split"):
        read_split(tmp_path / "s")


def test_one_fold_of_a_file_becomes_val(tmp_path: Path) -> None:
    table = varied(50)
    write_split(split_of(table, folds_by_patient(table, folds=5, seed=0), {}), tmp_path / "f.csv")
    found = read_split(tmp_path / "f.csv")
    applied, _ = apply_split(table, found, fold=2)
    assert ((applied["split"] == "val") == (folds_by_patient(table, folds=5, seed=0) == 2)).all()
    assert set(applied["split"]) == {"train", "val"}
    with pytest.raises(ConfigError, match="expected one of 0, 1, 2, 3, 4"):
        apply_split(table, found, fold=5)
    with pytest.raises(ConfigError, match="expected a fold's number"):
        apply_split(table, found)


def test_the_draws_of_a_released_seed_never_change() -> None:
    table = pd.DataFrame({"patient_id": [f"nih:{number}" for number in range(12)], "split": None})
    assert (
        "".join(side[1] for side in split_by_patient(table, test_share=0.3, validation_share=0.3, seed=7))
        == "raeareereaaa"
    )
