import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import ConfigError
from pneumoscope.eda.groups import (
    age_bands,
    compact,
    first_rows,
    follow_up_bands,
    group_of,
    require_finding,
    shares,
    without_findings,
)


def test_a_band_holds_its_first_year_and_the_last_band_is_open(six: pd.DataFrame) -> None:
    ages = six.assign(age_years=[0, 9, 10, 89, 90, np.nan])
    assert [str(band) for band in age_bands(ages)] == ["0–9", "0–9", "10–19", "80–89", "90+", "nan"]


def test_follow_up_bands_name_single_numbers_plainly(six: pd.DataFrame) -> None:
    rows = six.assign(follow_up=[0, 1, 2, 4, 5, 183])
    assert list(follow_up_bands(rows)) == ["0", "1", "2–4", "2–4", "5–9", "20+"]


def test_the_share_of_a_group_is_counted_by_hand(six: pd.DataFrame) -> None:
    groups = {(group.variable, group.name): group for group in shares(six, finding="Pneumonia")}
    ap = groups["View", "AP"]
    assert (ap.images, ap.patients, ap.positives) == (3, 3, 2)
    assert ap.share is not None
    assert ap.share.value == pytest.approx(2 / 3)
    assert groups["Sex", "Female"].patients == 1
    assert ("Age, years", "10–19") not in groups


def test_rows_not_labelled_are_in_no_denominator(six: pd.DataFrame) -> None:
    six.loc[1, "Pneumonia"] = np.nan
    ap = next(group for group in shares(six, finding="Pneumonia") if group.name == "AP")
    assert (ap.images, ap.positives) == (2, 1)


def test_images_of_one_patient_widen_the_interval() -> None:
    positive = np.repeat([True, False] * 20, 5)
    alone = group_of(positive, np.arange(200), variable="", name="").share
    alike = group_of(positive, np.repeat(np.arange(40), 5), variable="", name="").share
    assert alone is not None
    assert alike is not None
    assert alike.high - alike.low > 1.5 * (alone.high - alone.low)


def test_nothing_found_is_the_sources_word_where_it_says_so(six: pd.DataFrame) -> None:
    assert without_findings(six).tolist() == [True, False, False, False, True, True]
    unsaid = six.drop(columns="no_finding")
    unsaid.loc[5, ["Pneumonia", "Infiltration"]] = np.nan
    assert without_findings(unsaid).tolist() == [True, False, False, False, True, False]


def test_a_patients_first_row_is_the_earliest_examination(six: pd.DataFrame) -> None:
    assert sorted(first_rows(six.iloc[::-1]).index) == [0, 2, 4, 5]


def test_the_compact_table_gives_the_same_shares(many: pd.DataFrame) -> None:
    assert shares(compact(many), finding="Pneumonia") == shares(many, finding="Pneumonia")


@pytest.mark.parametrize(("finding", "message"), [("Cold", "found 'Cold'"), ("Mass", "labels of Mass, found none")])
def test_a_finding_that_cannot_be_explored_is_refused(six: pd.DataFrame, finding: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        require_finding(six, finding)
