import pandas as pd

from pneumoscope.datasets import split_by_patient


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
