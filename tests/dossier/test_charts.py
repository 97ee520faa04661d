"""The false-alarm rates in the document are those of the node's own charts."""

import tomllib
from importlib import resources

import numpy as np
import pytest

from pneumoscope.core import released_device
from pneumoscope.service.monitoring.control import mean_points, share_points

TABLE = tomllib.loads((resources.files("pneumoscope.dossier") / "charts.toml").read_text(encoding="utf-8"))
REPEATS = 250


def alarmed(kind: str, *, share: float = 0.5) -> float:
    rng, monitoring = np.random.default_rng(7), released_device().monitoring
    recent = TABLE["images"] - monitoring.reference
    hits = 0
    for _ in range(REPEATS):
        at = np.arange(recent, dtype=float)
        if kind == "mean":
            drawn = rng.normal(size=TABLE["images"])
            first, later = drawn[: monitoring.reference], drawn[monitoring.reference :]
            points = mean_points(later, at, reference=first, batch=monitoring.batch)[1]
        else:
            flags = rng.random(TABLE["images"]) < share
            first, later = flags[: monitoring.reference], flags[monitoring.reference :]
            points = share_points(later, at, reference=first, batch=monitoring.batch)[1]
        hits += any(point.signal for point in points)
    return hits / REPEATS


@pytest.mark.parametrize(
    ("kind", "share", "key"),
    [("mean", 0.5, "mean_chart"), ("share", 0.3, "share_chart"), ("share", 0.1, "share_chart_rare")],
)
def test_the_stated_false_alarm_rates_are_those_of_the_charts(kind: str, share: float, key: str) -> None:
    stated = float(TABLE[key].rstrip(" %")) / 100
    reach = 3.3 * np.sqrt(stated * (1 - stated) / REPEATS)
    assert alarmed(kind, share=share) == pytest.approx(stated, abs=reach)
