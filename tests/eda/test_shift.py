import numpy as np
import pandas as pd
import pytest

from pneumoscope.eda import shift


def test_both_sides_are_counted(many: pd.DataFrame) -> None:
    found = shift(many, finding="Pneumonia")
    assert found is not None
    assert (found.learn.images, found.learn.patients, found.test.images, found.test.patients) == (1050, 350, 450, 150)
    assert (found.learn.images_a_patient, found.shared_patients, found.column) == (3, 0, "split")
    ap = next(one for one in found.contrasts if one.name == "AP view")
    assert ap.test.value == pytest.approx((many[many["split"] == "test"]["view"] == "AP").mean())
    assert ap.differs
    assert not next(one for one in found.contrasts if one.name == "Hernia").differs


def test_patients_on_both_sides_are_counted_as_shared(many: pd.DataFrame) -> None:
    leaky = many.copy()
    leaky.loc[leaky.index[:2], "split"] = "test"
    found = shift(leaky, finding="Pneumonia")
    assert found is not None
    assert found.shared_patients == 1


def test_the_official_split_is_used_where_no_other_is_complete(many: pd.DataFrame) -> None:
    official = many.assign(
        official_split=np.where(many["split"] == "test", "test", "train_val"),
        split=many["split"].where(many["split"] == "test"),
    )
    found = shift(official, finding="Pneumonia")
    assert found is not None
    assert (found.column, found.learn.images) == ("official_split", 1050)


def test_without_a_test_there_is_no_shift(six: pd.DataFrame) -> None:
    assert shift(six, finding="Pneumonia") is None


def test_groups_with_few_positives_are_named(many: pd.DataFrame) -> None:
    found = shift(many, finding="Pneumonia")
    assert found is not None
    assert all(group.positives < 50 for group in found.small_groups)
    assert "90+" in {group.name for group in found.small_groups}
