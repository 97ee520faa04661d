import pytest

from pneumoscope.service.store import Result
from pneumoscope.service.triage import latency, priority, study_priority


def result(probability=None, uncertain=False, threshold=0.5):
    values = dict.fromkeys(Result.__slots__)
    return Result(**(values | {"probability": probability, "uncertain": uncertain, "threshold": threshold}))


def test_the_more_suspicious_is_read_first():
    assert priority(result(0.9), waited_s=0) > priority(result(0.2), waited_s=0)


def test_priority_is_the_place_on_its_side_of_the_threshold_by_hand():
    assert priority(result(0.1, threshold=0.2), waited_s=0) == 0.25
    assert priority(result(0.2, threshold=0.2), waited_s=0) == 0.5
    assert priority(result(0.6, threshold=0.2), waited_s=0) == pytest.approx(0.75)
    assert priority(result(1.0, threshold=1.0), waited_s=0) == 0.5


def test_a_suspicious_adult_comes_before_a_clear_child_and_before_what_was_not_analysed():
    adult, child = result(0.33, threshold=0.17), result(0.8, threshold=0.9)
    assert priority(adult, waited_s=0) > priority(result(), waited_s=0) > priority(child, waited_s=0)


def test_what_is_uncertain_or_not_analysed_does_not_sink_below_one_just_suspicious():
    assert priority(result(0.1, uncertain=True), waited_s=0) == 0.5
    assert priority(result(), waited_s=0) == priority(None, waited_s=0) == 0.5
    assert priority(result(0.8, uncertain=True), waited_s=0) == 0.8


def test_waiting_raises_priority_up_to_the_highest():
    assert priority(result(0.2), waited_s=7200) == pytest.approx(0.4)
    assert priority(result(0.2), waited_s=10**6) == 1.0
    assert priority(result(0.2), waited_s=-5) == 0.2, "a clock that was set back"


def test_a_study_is_as_urgent_as_its_most_urgent_image():
    assert study_priority([result(0.1), result(0.7)], waited_s=0) == 0.7


def test_percentiles_of_the_time_to_result_by_hand():
    found = latency([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.n, found.median_s, found.p90_s, found.longest_s) == (5, 3.0, pytest.approx(4.6), 5.0)
    assert latency([]) is None
