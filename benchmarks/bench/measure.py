"""Runs two contenders by turns and says how they compare."""

import os
import platform
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

PACKAGES = (
    "pneumoscope",
    "highdicom",
    "imagecodecs",
    "numpy",
    "onnxruntime",
    "openvino",
    "pydicom",
    "pylibjpeg",
    "ray",
    "scikit-learn",
    "scipy",
    "statsmodels",
    "torch",
)
# More work of others than this share of the processors, and a ratio says little.
QUIET_SHARE = 0.1

Work = Callable[[], object]


class NotAtHandError(Exception):
    """A row cannot be measured here; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison.

    Attributes:
        name: What is done.
        peer: Who is compared.
        prepare: Makes both sides (ours, the peer's) in a context; raises `NotAtHandError` where one is not at hand.
        units: How many units of work one call does, so that times are per unit.
        unit: Of one unit: `image`, `file`, `call`.
        target: Ratio that is wanted; None where the row only informs.
    """

    name: str
    peer: str
    prepare: Callable[[bool], AbstractContextManager[tuple[Work, Work]]]
    units: int = 1
    unit: str = "call"
    target: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Seconds per unit of both sides, one for each turn, and their ratio (above 1: ours is faster)."""

    name: str
    peer: str
    unit: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    target: float | None
    skipped: str = ""

    @property
    def ratio(self) -> float:
        """Median of the ratios of the turns."""
        return median(self.ratios)

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ratio of each turn."""
        return tuple(b / a for a, b in zip(self.ours, self.theirs, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        more = {} if self.skipped else {"ratio": self.ratio, "low": min(self.ratios), "high": max(self.ratios)}
        return asdict(self) | more


def compare(row: Row, *, turns: int, quick: bool) -> Result:
    """Measure a row: one warm-up of each side, then turns that change who begins."""
    try:
        with row.prepare(quick) as (ours, theirs):
            for work in (ours, theirs):
                work()
            taken: dict[Work, list[float]] = {ours: [], theirs: []}
            for turn in range(turns):
                for work in (ours, theirs) if turn % 2 == 0 else (theirs, ours):
                    started = time.perf_counter()
                    work()
                    taken[work].append((time.perf_counter() - started) / row.units)
    except (NotAtHandError, ModuleNotFoundError) as reason:
        return _result(row, ours=(), theirs=(), skipped=str(reason))
    return _result(row, ours=tuple(taken[ours]), theirs=tuple(taken[theirs]))


def _result(row: Row, *, ours: tuple[float, ...], theirs: tuple[float, ...], skipped: str = "") -> Result:
    return Result(
        name=row.name, peer=row.peer, unit=row.unit, ours=ours, theirs=theirs, target=row.target, skipped=skipped
    )


def machine() -> dict[str, Any]:
    """Return what the numbers depend on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return {
        "processor": model or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def busy_share(before: tuple[float, float]) -> float:
    """Return the share of the machine's processor time that other processes took since `moment`."""
    wall, busy = (now - then for now, then in zip(moment(), before, strict=True))
    return max(0.0, busy / (wall * (os.cpu_count() or 1)))


def moment() -> tuple[float, float]:
    """Return the wall clock and the processor seconds of all other processes (proc(5), `/proc/stat`)."""
    own = sum(os.times()[:4])
    stat = Path("/proc/stat")
    if not stat.exists():
        return time.monotonic(), 0.0
    user, nice, system, _idle, _wait, *rest = map(int, stat.read_text().split("\n", 1)[0].split()[1:9])
    return time.monotonic(), (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK") - own
