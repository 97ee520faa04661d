import pytest

from pneumoscope.core import HeadStart
from pneumoscope.service.store import Result
from pneumoscope.service.triage import Standing, latency, priority, standing, study_priority

RULE = HeadStart(moved_up_min=60, not_analysed_min=30, not_moved_min=0)


def result(probability=None, uncertain=False, threshold=0.5):
    values = dict.fromkeys(Result.__slots__)
    return Result(**(values | {"probability": probability, "uncertain": uncertain, "threshold": threshold}))


@pytest.mark.req("REQ-TR-01")
def test_suspicious_and_uncertain_images_are_moved_up_and_unread_ones_are_not_analysed():
    assert standing(result(0.5)) is standing(result(0.1, uncertain=True)) is Standing.MOVED_UP
    assert standing(result(0.49)) is Standing.NOT_MOVED
    assert standing(result()) is standing(None) is Standing.NOT_ANALYSED


@pytest.mark.req("REQ-TR-01")
def test_a_moved_up_image_is_read_before_one_that_arrived_less_than_the_head_start_earlier():
    for found, minutes in ((result(0.9), 60), (None, 30)):
        assert priority(found, waited_s=0, rule=RULE) > priority(result(0.1), waited_s=60 * minutes - 1, rule=RULE)
        assert priority(found, waited_s=0, rule=RULE) < priority(result(0.1), waited_s=60 * minutes + 1, rule=RULE)


@pytest.mark.req("REQ-TR-02")
def test_no_image_is_overtaken_by_one_that_arrived_more_than_the_largest_head_start_later():
    for first in (result(0.01), result(), None):
        assert priority(first, waited_s=3601, rule=RULE) > priority(result(1.0), waited_s=0, rule=RULE)


def test_among_moved_up_images_the_first_that_arrived_is_read_first_whatever_the_score():
    assert priority(result(0.6), waited_s=2) > priority(result(0.99), waited_s=1)


def test_a_suspicious_adult_comes_before_a_clear_child_and_before_what_was_not_analysed():
    adult, child = result(0.33, threshold=0.17), result(0.8, threshold=0.9)
    assert priority(adult, waited_s=0) > priority(result(), waited_s=0) > priority(child, waited_s=0)


def test_a_clock_that_was_set_back_counts_as_no_wait():
    assert priority(result(0.2), waited_s=-5) == priority(result(0.2), waited_s=0) == 0


def test_a_study_is_as_urgent_as_its_most_urgent_image():
    assert study_priority([result(0.1), result(0.7)], waited_s=0) == priority(result(0.7), waited_s=0)


@pytest.mark.req("REQ-LT-01")
def test_percentiles_of_the_time_to_result_by_hand():
    found = latency([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.n, found.median_s, found.p90_s, found.longest_s) == (5, 3.0, pytest.approx(4.6), 5.0)
    assert latency([]) is None
