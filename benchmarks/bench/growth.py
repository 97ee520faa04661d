"""Time and memory of growing jobs, and the exponent that fits the times."""

import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np

SIZES = (10, 100, 1_000, 10_000, 100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """One job at several sizes; `exponent` is the slope of log time over log size, 1 where time is linear."""

    job: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    peak_mb: tuple[float, ...]
    exponent: float


def statistics_of(rows: int) -> None:
    """AUROC with interval of so many rows."""
    from pneumoscope.stats import auroc

    rng = np.random.default_rng(1)
    truth = np.arange(rows) % 5 == 0
    auroc(truth, rng.normal(size=rows) + truth)


def listing_of(rows: int) -> None:
    """Sort and walk so many names of files, as a folder is listed."""
    import os
    import tempfile
    from pathlib import Path

    from pneumoscope.intake import find_images

    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "a.dcm"
        first.write_bytes(b"\0" * 128 + b"DICM")
        for place in range(rows - 1):
            os.link(first, Path(folder) / f"{place:07}.dcm")
        assert sum(1 for _ in find_images([Path(folder)])) == rows


JOBS = {"AUROC of N rows": statistics_of, "list N files": listing_of}


def measure(sizes: tuple[int, ...] = SIZES) -> list[Growth]:
    """Run each job at each size in a process of its own."""
    found = []
    for job in JOBS:
        answers = []
        for size in sizes:
            command = [sys.executable, "-m", "benchmarks.bench.growth", job, str(size)]
            answers.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        seconds = tuple(one["seconds"] for one in answers)
        peaks = tuple(one["peak_mb"] for one in answers)
        found.append(Growth(job=job, sizes=sizes, seconds=seconds, peak_mb=peaks, exponent=exponent(sizes, seconds)))
    return found


def exponent(sizes: tuple[int, ...], seconds: tuple[float, ...]) -> float:
    """Return the slope over the larger half of the sizes, where a start's constant counts less."""
    half = max(2, len(sizes) // 2 + 1)
    slope, _ = np.polyfit(np.log(sizes[-half:]), np.log(seconds[-half:]), 1)
    return float(slope)


def to_json(growths: list[Growth]) -> list[dict[str, object]]:
    """Return plain values."""
    return [asdict(one) for one in growths]


if __name__ == "__main__":
    work, count = JOBS[sys.argv[1]], int(sys.argv[2])
    work(10)
    began = time.perf_counter()
    work(count)
    took = time.perf_counter() - began
    print(json.dumps({"seconds": took, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
