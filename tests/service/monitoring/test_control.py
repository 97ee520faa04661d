"""Limits and signals, by hand."""

import numpy as np
import pytest

from pneumoscope.service.monitoring.control import (
    RUN,
    Signal,
    mean_points,
    share_points,
)


def test_a_batch_that_is_refused_as_never_before_is_out_of_control_and_the_others_are_not() -> None:
    reference = np.arange(200) % 20 == 0  # 5 %
    hits = np.zeros(100, dtype=bool)
    hits[50:60] = True
    limits, points = share_points(hits, np.arange(100.0), reference=reference, batch=25)
    assert limits.centre == pytest.approx(11 / 202)
    assert [point.value for point in points] == [0, 0, 0.4, 0]
    assert [point.signal for point in points] == [Signal.NONE, Signal.NONE, Signal.BEYOND, Signal.NONE]


def test_limits_of_a_mean_are_three_standard_errors() -> None:
    reference = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    limits, points = mean_points(np.full(4, 3.0), np.arange(4.0), reference=reference, batch=4)
    assert limits.centre == 3
    assert (points[0].low, points[0].high) == pytest.approx((3 - 1.5 * 2.5**0.5, 3 + 1.5 * 2.5**0.5))


def test_eight_points_in_a_row_on_one_side_are_a_signal_though_all_are_inside() -> None:
    reference = np.array([0.0, 1.0] * 50)
    _, points = mean_points(np.full(10 * 5, 0.6), np.arange(50.0), reference=reference, batch=5)
    assert [point.signal for point in points] == [Signal.NONE] * (RUN - 1) + [Signal.RUN] * 3


def test_a_rare_event_that_does_not_happen_is_no_signal() -> None:
    reference = np.arange(200) == 7
    _, points = share_points(np.zeros(500, dtype=bool), np.arange(500.0), reference=reference, batch=25)
    assert {point.signal for point in points} == {Signal.NONE}


def test_images_that_do_not_fill_a_batch_wait() -> None:
    _, points = share_points(np.ones(60, dtype=bool), np.arange(60.0), reference=np.ones(100, dtype=bool), batch=25)
    assert [point.n for point in points] == [25, 25]


def test_an_unchanged_process_is_seldom_out_of_control() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0.3, 0.1, 25 * 2000)
    _, points = mean_points(
        values, np.arange(values.size, dtype=float), reference=rng.normal(0.3, 0.1, 20_000), batch=25
    )
    beyond = sum(point.signal is Signal.BEYOND for point in points)
    assert 0 <= beyond <= 14  # 5.4 expected; P(more than 14) is about 0.0004


def _signals(values: list[float]) -> list[Signal]:
    """Signals of a mean chart with centre 0 and wide limits, one value a batch of five."""
    spread = np.tile([-10.0, 10.0], 10)
    every = np.repeat(values, 5)
    _, points = mean_points(every, np.arange(every.size, dtype=float), reference=spread, batch=5)
    return [point.signal for point in points]


def test_a_run_starts_anew_on_the_other_side_and_after_a_point_on_the_centre() -> None:
    assert Signal.RUN not in _signals([1.0] * (RUN - 1) + [-1.0] * (RUN - 1))
    assert Signal.RUN not in _signals([1.0] * (RUN - 1) + [0.0] + [1.0] * (RUN - 1))
    assert Signal.RUN not in _signals([0.0] * (2 * RUN)), "on the centre is on no side"
    assert _signals([-1.0] * RUN)[-1] is Signal.RUN, "below as above"


@pytest.mark.parametrize(("hits", "signals"), [(1, set()), (8, {Signal.RUN})])
def test_a_run_without_hits_is_a_signal_only_where_hits_are_expected_in_every_batch(
    hits: int, signals: set[Signal]
) -> None:
    reference = np.arange(40) < hits  # of 25 images, 1 or 5 are expected
    few = np.tile(np.arange(25) < hits * 25 // 40 - 1, RUN)
    _, points = share_points(few, np.arange(few.size, dtype=float), reference=reference, batch=25)
    assert {point.signal for point in points} - {Signal.NONE, Signal.BEYOND} == signals
