"""Ages as devices and people write them, against what they mean."""

import pytest
from pydicom import Dataset

from pneumoscope.intake import age_of, age_years

MALFORMED = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


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
    found = age_of(header(PatientAge=age))
    assert found.years == pytest.approx(years)
    assert not found.bent
    assert not found.problem


@MALFORMED
@pytest.mark.req("REQ-IN-06")
@pytest.mark.parametrize(
    ("age", "years"),
    [
        ("4Y", 4),
        ("04Y", 4),
        ("004y", 4),
        ("6 M", 0.5),
        ("006 M", 0.5),
        ("6m", 0.5),
        ("3 W", 21 / 365.25),
        ("10D", 10 / 365.25),
        ("6", 6),
        ("5", 5),
        ("060", 60),
        ("81", 81),
        ("  23 ", 23),
        ("5Y6M", 5.5),
        ("5Y 6M", 5.5),
        ("4.5Y", 4.5),
        ("6 YEARS", 6),
        ("18 months", 1.5),
        ("7 yrs", 7),
        ("65 y/o", 65),
        ("65 years old", 65),
    ],
)
def test_an_age_written_otherwise_is_read_and_said_to_be_bent(age: str, years: float) -> None:
    found = age_of(header(PatientAge=age))
    assert found.years == pytest.approx(years)
    assert "read as" in found.bent
    assert not found.problem


@MALFORMED
@pytest.mark.req("REQ-IN-06")
@pytest.mark.parametrize(
    "age", ["411Y", "148", "0x1Y", "-01Y", "ABC", "Y", "6X", "040-049", "040Y\\050Y", "5 6M", "6M5Y", "0060Y", "??"]
)
def test_a_malformed_age_is_not_an_absent_one(age: str) -> None:
    found = age_of(header(PatientAge=age))
    assert found.years is None
    assert "is no number with a unit" in found.problem


@MALFORMED
@pytest.mark.parametrize("attributes", [{}, {"PatientAge": ""}, {"PatientAge": None}, {"PatientAge": "  "}])
def test_an_absent_age_is_no_problem(attributes: dict[str, object]) -> None:
    found = age_of(header(**attributes))
    assert (found.years, found.problem, found.bent) == (None, "", "")


@MALFORMED
def test_the_birth_date_decides_where_the_age_is_malformed() -> None:
    found = age_of(header(PatientAge="ABC", PatientBirthDate="19600101", StudyDate="20200102"))
    assert found.years == pytest.approx(60, abs=0.01)
    assert "by the birth date" in found.bent


def test_without_an_age_it_is_the_study_less_the_birth() -> None:
    assert age_years(header(PatientBirthDate="19400305", StudyDate="20040826")) == pytest.approx(64.48, abs=0.01)
    assert age_years(header(PatientBirthDate="19400305", AcquisitionDate="20040826")) == pytest.approx(64.48, abs=0.01)


@MALFORMED
@pytest.mark.parametrize(
    ("born", "studied"), [("19400305", ""), ("18000101", "20040101"), ("19000101", "20040101"), ("", "20040101")]
)
def test_dates_that_say_nothing_give_no_age(born: str, studied: str) -> None:
    found = age_of(header(PatientBirthDate=born, StudyDate=studied))
    assert (found.years, found.problem) == (None, "")


@MALFORMED
@pytest.mark.parametrize(("born", "studied"), [("19400305", "19390101"), ("19401399", "20040101")])
def test_dates_that_cannot_be_are_not_absent_ones(born: str, studied: str) -> None:
    found = age_of(header(PatientBirthDate=born, StudyDate=studied))
    assert found.years is None
    assert "give no age" in found.problem


@pytest.mark.req("REQ-IN-06")
@pytest.mark.parametrize(
    ("age", "born"),
    [("005Y", "19600101"), ("060Y", "20150101"), ("045Y", "19600101"), ("005Y", "20130601"), ("006M", "20160101")],
)
def test_an_age_against_the_birth_date_cannot_be_relied_on(age: str, born: str) -> None:
    found = age_of(header(PatientAge=age, PatientBirthDate=born, StudyDate="20200102"))
    assert found.years is None
    assert "against" in found.problem


@pytest.mark.parametrize(
    ("age", "born"),
    [("060Y", "19600101"), ("059Y", "19600101"), ("061Y", "19600101"), ("005Y", "20140601"), ("060Y", "19000101")],
)
def test_an_age_that_the_birth_date_bears_out_is_relied_on(age: str, born: str) -> None:
    found = age_of(header(PatientAge=age, PatientBirthDate=born, StudyDate="20200102"))
    assert found.years == int(age[:3])
    assert not found.problem
