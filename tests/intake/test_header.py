"""Ages and malformed attributes."""

import pytest
from pydicom import Dataset

from pneumoscope.intake.header import age_years, integer, numbers, text


def header(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("age", "years"),
    [("061Y", 61), ("000Y", 0), ("006M", 0.5), ("010W", 70 / 365.25), ("005D", 5 / 365.25), ("122Y", 122)],
)
def test_an_age_has_a_number_and_a_unit(age: str, years: float) -> None:
    assert age_years(header(PatientAge=age)) == pytest.approx(years)


@pytest.mark.req("REQ-IN-06")
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("age", ["81", "411Y", "8Y", "0x1Y", "061y", "", "-01Y"])
def test_an_age_that_is_malformed_or_beyond_any_human_is_unknown(age: str) -> None:
    assert age_years(header(PatientAge=age)) is None


def test_without_an_age_it_is_the_study_less_the_birth() -> None:
    assert age_years(header(PatientBirthDate="19400305", StudyDate="20040826")) == pytest.approx(64.48, abs=0.01)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize(
    ("born", "studied"),
    [("19400305", ""), ("19400305", "19390101"), ("18000101", "20040101"), ("19401399", "20040101")],
)
def test_dates_that_give_no_age_give_none(born: str, studied: str) -> None:
    assert age_years(header(PatientBirthDate=born, StudyDate=studied)) is None


def test_several_values_are_no_single_number() -> None:
    assert integer(header(Rows=[5, 6]), "Rows", absent=3) is None
    assert integer(header(), "Rows", absent=3) == 3


def test_several_values_are_joined_as_in_the_file() -> None:
    dataset = header(ImageType=["DERIVED", "PRIMARY"], WindowCenter=["1.5", "2"])
    assert text(dataset, "ImageType") == "DERIVED\\PRIMARY"
    assert numbers(dataset, "WindowCenter") == (1.5, 2)
