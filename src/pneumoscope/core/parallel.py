"""Work done ahead in threads, results in order, memory bounded."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int = 2, ahead: int = 4
) -> Iterator[Result]:
    """Yield `work` of each item in order, computed in threads while the caller uses earlier results.

    Args:
        work: Called in a worker thread; what it raises is raised here, at its item's turn.
        items: Read lazily, at most `ahead` items before the result that is yielded.
        threads: Worker threads.
        ahead: Results finished or in progress at any time.
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="ahead") as pool:
        try:
            remaining = iter(items)
            while True:
                for item in itertools.islice(remaining, ahead - len(waiting)):
                    waiting.append(pool.submit(work, item))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
