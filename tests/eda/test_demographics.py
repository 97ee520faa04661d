import pandas as pd
import pytest

from pneumoscope.eda import demographics
from pneumoscope.eda.figures.demographics import age_pyramid, images_a_patient


def test_images_patients_and_ages_are_counted_by_hand(six: pd.DataFrame) -> None:
    found = demographics(six)
    assert (found.images, found.patients, found.most_images_a_patient) == (6, 4, 2)
    assert found.mean_images_a_patient == 1.5
    assert found.images_by_sex == {"Female": 2, "Male": 3, "Not stated": 1}
    assert found.patients_by_sex == {"Female": 1, "Male": 2, "Not stated": 1}
    assert found.age_years is not None
    assert (found.age_years.least, found.age_years.median, found.age_years.missing) == (5, 45, 1)
    assert found.patient_age_years is not None
    assert (found.patient_age_years.median, found.patient_age_years.missing) == (45, 1)
    bands = {band.name: (band.female, band.male, band.unknown) for band in found.pyramid}
    assert bands["0–9"] == (2, 0, 0)
    assert bands["40–49"] == (0, 2, 0)


def test_patients_with_many_images_hold_most_of_them() -> None:
    rows = pd.DataFrame({"patient_id": ["a"] * 11 + [str(number) for number in range(9)], "source": "made"})
    found = demographics(rows.assign(age_years=float("nan"), sex=None, view=None, Pneumonia=0.0))
    assert {load.name: (load.patients, load.images) for load in found.loads if load.patients} == {
        "1": (9, 9),
        "10–19": (1, 11),
    }
    assert found.busiest_tenth_share == pytest.approx(11 / 20)


def test_a_findings_group_says_age_sex_and_view(six: pd.DataFrame) -> None:
    group = next(one for one in demographics(six).findings if one.finding == "Pneumonia")
    assert (group.images, group.patients, group.median_age_years) == (2, 2, 26)
    assert (group.male_share, group.ap_share) == (0.5, 1.0)
    none = next(one for one in demographics(six).findings if one.finding == "No Finding")
    assert (none.images, none.male_share, none.ap_share) == (3, 0.5, pytest.approx(1 / 3))


def test_a_source_without_ages_or_repeats_has_no_figure_of_them(six: pd.DataFrame) -> None:
    found = demographics(six.drop_duplicates("patient_id").assign(age_years=float("nan")))
    assert found.age_years is None
    assert age_pyramid(found) is None
    assert images_a_patient(found) is None
