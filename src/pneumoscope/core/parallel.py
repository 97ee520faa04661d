"""A function over many inputs in threads: results in input order, a bounded number of inputs held at any time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from pneumoscope.core.errors import ConfigError

Input = TypeVar("Input")
Output = TypeVar("Output")

LOOK_AHEAD = 2
"""Inputs taken for each thread, done or not, before the first result is fetched. An image may take 40 MB."""


def map_in_order(function: Callable[[Input], Output], inputs: Iterable[Input], *, workers: int) -> Iterator[Output]:
    """Return an iterator of the function's results, in input order, made in threads ahead of who asks for them.

    Inputs are taken lazily: of those whose results were not fetched yet at most `workers * LOOK_AHEAD`.

    Raises:
        ConfigError: There is no worker.
    """
    if workers < 1:
        raise ConfigError(f"workers: expected 1 or more, got {workers}")
    return _results(function, iter(inputs), workers=workers)


def _results(function: Callable[[Input], Output], inputs: Iterator[Input], *, workers: int) -> Iterator[Output]:
    waiting: deque[Future[Output]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="work")
    try:
        while True:
            waiting.extend(pool.submit(function, one) for one in islice(inputs, workers * LOOK_AHEAD - len(waiting)))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
