"""Which processor cores each of several readers uses, so that two readers do not each start a thread on every core."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

Cores: TypeAlias = frozenset[int] | None
"""Numbers of cores; None: all of them."""


def shares(workers: int, *, each: int = 0) -> list[Cores]:
    """Return the cores of each reader: equal shares, or `each` where that is given, one after the other.

    One reader without a limit, and a system without processor affinity, give None: all cores.
    """
    if not hasattr(os, "sched_getaffinity") or (workers == 1 and not each):
        return [None] * workers
    cores = sorted(os.sched_getaffinity(0))
    size = min(each or max(1, len(cores) // workers), len(cores))
    return [frozenset(cores[(number * size + step) % len(cores)] for step in range(size)) for number in range(workers)]


@contextmanager
def running_on(cores: Cores) -> Iterator[None]:
    """Keep the calling thread, and threads that it starts, on these cores within the block."""
    if cores is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
