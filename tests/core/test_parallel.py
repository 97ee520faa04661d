import threading
from collections.abc import Iterator

import pytest

from pneumoscope.core import ConfigError
from pneumoscope.core.parallel import LOOK_AHEAD, map_in_order


def test_results_come_in_input_order_whatever_each_takes() -> None:
    released = threading.Event()

    def first_is_slow(number: int) -> int:
        if number == 0:
            assert released.wait(10)
        if number == 3:
            released.set()
        return number * 10

    assert list(map_in_order(first_is_slow, range(6), workers=3)) == [0, 10, 20, 30, 40, 50]


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_inputs_are_taken_ahead_than_the_bound(workers: int) -> None:
    taken = 0

    def inputs() -> Iterator[int]:
        nonlocal taken
        for number in range(50):
            taken += 1
            yield number

    bound = workers * LOOK_AHEAD
    for fetched, _ in enumerate(map_in_order(lambda number: number, inputs(), workers=workers), start=1):
        assert taken == min(50, fetched - 1 + bound)


def test_nothing_is_taken_before_the_first_result_is_asked_for() -> None:
    taken: list[int] = []
    map_in_order(lambda number: number, (taken.append(number) or number for number in range(9)), workers=2)
    assert taken == []


def test_an_error_ends_the_run_where_it_belongs_and_cancels_what_waits() -> None:
    done: list[int] = []

    def third_fails(number: int) -> int:
        done.append(number)
        if number == 2:
            raise RuntimeError
        return number

    results = map_in_order(third_fails, range(100), workers=1)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(RuntimeError):
        next(results)
    assert len(done) <= 2 + 2 * LOOK_AHEAD


def test_without_a_worker_nothing_can_be_read() -> None:
    with pytest.raises(ConfigError, match="expected 1 or more, got 0"):
        map_in_order(str, [1], workers=0)
