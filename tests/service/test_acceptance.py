import pytest
from statsmodels.stats.proportion import proportion_confint
from tests.service.conftest import build_arrival

from pneumoscope.core import InputError
from pneumoscope.service import compare
from pneumoscope.service.store import Result, images, results


@pytest.fixture
def site(store):
    """Forty studies of as many patients: of 20 with pneumonia 18 flagged, of 20 without 3."""

    def result(number, flagged):
        values = dict.fromkeys(Result.__slots__)
        values |= {"image_id": number, "study_uid": f"1.{number}", "status": "analysed", "line": "{}"}
        values |= {"probability": 0.9 if flagged else 0.1, "positive": flagged, "uncertain": number == 1}
        return Result(**(values | {"operating_point": "balanced", "model_sha256": "", "read_at": 0.0}))

    for number in range(1, 41):
        arrival = build_arrival(f"1.{number}.1", study_uid=f"1.{number}", patient_id=f"P{number}")
        images.add(store, arrival)
        images.claim(store, worker="w", limit=1, lease_s=60)
        results.record(store, result(number, number <= 18 or number >= 38), parcels=[])
    return store


@pytest.fixture
def reports(tmp_path):
    def write(text=None):
        path = tmp_path / "reports.csv"
        rows = [f"1.{number},{'yes' if number <= 20 else 'no'}" for number in range(1, 41)]
        path.write_text(text or "\n".join(["study_instance_uid,pneumonia", *rows, "9.9,yes"]))
        return path

    return write


def test_sensitivity_and_specificity_agree_with_statsmodels_and_are_judged(site, reports):
    found = compare(site, reports(), sensitivity_goal=0.6, specificity_goal=0.99)
    assert (found.compared, found.positives, found.without_result, found.uncertain) == (40, 20, 1, 1)
    sensitivity, specificity = found.goals
    assert (sensitivity.value, specificity.value) == (0.9, 0.85)
    low, high = proportion_confint(18, 20, method="beta")
    assert (sensitivity.low, sensitivity.high) == (pytest.approx(low, abs=2e-3), pytest.approx(high, abs=2e-3))
    assert (sensitivity.verdict, specificity.verdict) == ("holds", "does not hold")
    assert "goal 0.600: holds" in found.to_text()


def test_an_interval_around_the_goal_is_undecided(site, reports):
    found = compare(site, reports(), sensitivity_goal=0.9, specificity_goal=0.85)
    assert [goal.verdict for goal in found.goals] == ["undecided", "undecided"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("uid,answer\n1,yes", "expected columns pneumonia and one of"),
        ("study_instance_uid,pneumonia\n1.1,maybe", "row 2: expected pneumonia as yes or no"),
        ("study_instance_uid,pneumonia\n1.1,yes\n1.1,no", "row 3: expected one answer"),
        ("study_instance_uid,pneumonia\n1.1,yes", "with and without pneumonia, found 1 with and 0 without"),
    ],
)
def test_reports_that_cannot_be_compared_say_why(site, reports, text, words):
    with pytest.raises(InputError, match=words):
        compare(site, reports(text), sensitivity_goal=0.5, specificity_goal=0.5)
