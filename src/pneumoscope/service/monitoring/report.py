"""Whether the node still sees what it saw at first: charts, distributions, agreement with people."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pneumoscope.core import Status
from pneumoscope.service.config import MonitoringConfig
from pneumoscope.service.monitoring.agreement import Agreement, agreement
from pneumoscope.service.monitoring.control import (
    Limits,
    Point,
    Signal,
    mean_points,
    share_points,
)
from pneumoscope.service.monitoring.sample import VIEWS, Sample, reference_of, sample_since
from pneumoscope.service.store import Store
from pneumoscope.stats import kolmogorov_smirnov

_DAY_S = 86_400.0
P_OF_SHIFT = 0.001
"""Two distributions differ where chance alone would part them so far less often than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A control chart; `is_share` tells per cent from plain numbers."""

    key: str
    title: str
    meaning: str
    is_share: bool
    limits: Limits
    points: tuple[Point, ...]

    @property
    def alarm(self) -> Point | None:
        """The last point, where it is out of control: what was and is no more is history."""
        return self.points[-1] if self.points and self.points[-1].signal is not Signal.NONE else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A histogram of the reference and of the latest as many images, as shares of each; `edges` are one more.

    Attributes:
        mark: A value to draw a line at: a threshold, the guard's limit.
        distance: Kolmogorov and Smirnov's, with its p value; None while there is nothing to compare.
    """

    key: str
    title: str
    edges: tuple[float, ...]
    reference: tuple[float, ...]
    recent: tuple[float, ...]
    mark: tuple[float, str]
    distance: float | None
    p: float | None

    @property
    def has_shifted(self) -> bool:
        """Whether the two differ by more than chance."""
        return self.p is not None and self.p < P_OF_SHIFT


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Shares of categories in the reference and in the latest images; NaN where there is none yet."""

    title: str
    rows: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole of it; `wanted` analysed images make the reference, of which there are `reference` so far."""

    reference: int
    wanted: int
    recent: int
    charts: tuple[Chart, ...]
    distributions: tuple[Distribution, ...]
    mixes: tuple[Mix, ...]
    agreement: Agreement

    @property
    def is_complete(self) -> bool:
        """Whether the reference is there, and so charts can be drawn."""
        return self.reference >= self.wanted

    @property
    def alarms(self) -> tuple[str, ...]:
        """What is out of control now, in words."""
        charts = [f"{one.title}: {one.alarm.signal}" for one in self.charts if one.alarm]
        shifts = [f"{one.title}: another distribution than at first" for one in self.distributions if one.has_shifted]
        people = [f"Agreement with people below {self.agreement.least:.0%}"] if self.agreement.is_low else []
        return (*charts, *shifts, *people)


def monitor(
    store: Store, config: MonitoringConfig, *, model_sha256: str, threshold: float, guard_limit: float
) -> Report:
    """Return the report on what one model read here; another model starts anew, with a reference of its own."""
    reference = reference_of(store, model_sha256=model_sha256, size=config.reference)
    since = store.now() - config.days * _DAY_S
    after = float(reference.at[-1]) if reference.size else 0.0
    recent = sample_since(store, model_sha256=model_sha256, moment=since, after=after)
    complete = int(reference.analysed.sum()) >= config.reference
    latest = recent.last(config.reference)
    return Report(
        reference=int(reference.analysed.sum()),
        wanted=config.reference,
        recent=recent.size,
        charts=tuple(_charts(reference, recent, batch=config.batch)) if complete else (),
        distributions=(
            _scores(reference, latest, threshold=threshold),
            _distances(reference, latest, limit=guard_limit),
        ),
        mixes=(_views(reference, latest), _ages(reference, latest)),
        agreement=agreement(store, since=since, least=config.least_agreement),
    )


def _charts(reference: Sample, recent: Sample, *, batch: int) -> list[Chart]:
    return [_share(one, reference, recent, batch) for one in _SHARES] + [
        _mean(one, reference, recent, batch) for one in _MEANS if np.isfinite(one.of(reference)).sum() > 1
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watched:
    """A quantity: what it is of an image, and in which images it exists."""

    key: str
    title: str
    meaning: str
    of: Callable[[Sample], np.ndarray]
    among: Callable[[Sample], np.ndarray] = lambda sample: np.ones(sample.size, dtype=bool)


_SHARES = (
    _Watched(
        key="refused",
        title="Refused",
        meaning="A sender, a protocol or a header changed, or other images are routed here.",
        of=lambda sample: sample.status == Status.REFUSED.value,
    ),
    _Watched(
        key="failed",
        title="Could not be read",
        meaning="Transfers break off, or a sender encodes otherwise.",
        of=lambda sample: sample.status == Status.FAILED.value,
    ),
    _Watched(
        key="positive",
        title="Suspicious",
        meaning="More or less disease, or images on which the model answers otherwise.",
        of=lambda sample: sample.positive,
        among=lambda sample: sample.analysed,
    ),
    _Watched(
        key="uncertain",
        title="Uncertain",
        meaning="More or fewer images on which the model's limits leave both answers or none.",
        of=lambda sample: sample.uncertain,
        among=lambda sample: sample.analysed,
    ),
    _Watched(
        key="ap",
        title="AP views",
        meaning="More bedside films: sicker patients, another ward.",
        of=lambda sample: sample.view == "AP",
        among=lambda sample: sample.analysed,
    ),
)
_MEANS = (
    _Watched(
        key="probability",
        title="Mean probability",
        meaning="The score drifts, whatever the threshold makes of it.",
        of=lambda sample: sample.probability,
    ),
    _Watched(
        key="distance",
        title="Embedding distance",
        meaning="Images move away from those that the model learnt from.",
        of=lambda sample: np.where(sample.analysed, sample.distance, np.nan),
    ),
    _Watched(
        key="pixel_mean",
        title="Mean grey value",
        meaning="Exposure, processing or windowing changed.",
        of=lambda sample: np.where(sample.analysed, sample.pixel_mean, np.nan),
    ),
    _Watched(
        key="pixel_deviation",
        title="Contrast",
        meaning="Processing or a look-up table changed.",
        of=lambda sample: np.where(sample.analysed, sample.pixel_deviation, np.nan),
    ),
    _Watched(
        key="age",
        title="Age in years",
        meaning="Other patients come.",
        of=lambda sample: np.where(sample.analysed, sample.age_years, np.nan),
    ),
)


def _share(one: _Watched, reference: Sample, recent: Sample, batch: int) -> Chart:
    among = one.among(recent)
    limits, points = share_points(
        one.of(recent)[among],
        recent.at[among],
        reference=one.of(reference)[one.among(reference)],
        batch=batch,
    )
    return Chart(key=one.key, title=one.title, meaning=one.meaning, is_share=True, limits=limits, points=points)


def _mean(one: _Watched, reference: Sample, recent: Sample, batch: int) -> Chart:
    values = one.of(recent)
    there = np.isfinite(values)
    limits, points = mean_points(values[there], recent.at[there], reference=_finite(one.of(reference)), batch=batch)
    return Chart(key=one.key, title=one.title, meaning=one.meaning, is_share=False, limits=limits, points=points)


def _scores(reference: Sample, latest: Sample, *, threshold: float) -> Distribution:
    edges = np.linspace(0, 1, 21)
    first, later = _finite(reference.probability), _finite(latest.probability)
    mark = (threshold, "threshold")
    return _distribution("scores", "Probability", first, later, edges=edges, mark=mark)


def _distances(reference: Sample, latest: Sample, *, limit: float) -> Distribution:
    """Refused images have a distance too, where the guard refused them; beyond twice the limit they share a bar."""
    edges = np.linspace(0, 2 * limit, 21)
    first, later = _finite(reference.distance), _finite(latest.distance)
    mark = (limit, "the model card's limit")
    return _distribution("distances", "Embedding distance", first, later, edges=edges, mark=mark)


def _distribution(
    key: str,
    title: str,
    first: Float[np.ndarray, " n"],
    later: Float[np.ndarray, " m"],
    *,
    edges: Float[np.ndarray, " k"],
    mark: tuple[float, str],
) -> Distribution:
    comparable = first.size > 0 and later.size > 0
    distance, p = kolmogorov_smirnov(first, later) if comparable else (None, None)
    counted = [np.histogram(np.clip(one, edges[0], edges[-1]), bins=edges)[0] for one in (first, later)]
    shares = [tuple((counts / max(1, counts.sum())).tolist()) for counts in counted]
    return Distribution(
        key=key,
        title=title,
        edges=tuple(edges.tolist()),
        reference=shares[0],
        recent=shares[1],
        mark=mark,
        distance=distance,
        p=p,
    )


def _views(reference: Sample, latest: Sample) -> Mix:
    names = {"": "not stated"}
    return Mix(
        title="View",
        rows=tuple(
            (names.get(view, view), _share_of(reference.view == view), _share_of(latest.view == view)) for view in VIEWS
        ),
    )


_OLDEST = 130
_AGES = ((0, 18), (18, 40), (40, 60), (60, 80), (80, _OLDEST))


def _ages(reference: Sample, latest: Sample) -> Mix:
    def row(name: str, of: Callable[[Sample], np.ndarray]) -> tuple[str, float, float]:
        return name, _share_of(of(reference)), _share_of(of(latest))

    rows = [
        row(
            f"{low} to {high - 1}" if high < _OLDEST else f"{low} and over",
            lambda sample, low=low, high=high: (sample.age_years >= low) & (sample.age_years < high),  # type: ignore[misc]
        )
        for low, high in _AGES
    ]
    return Mix(title="Age in years", rows=(*rows, row("not stated", lambda sample: np.isnan(sample.age_years))))


def _share_of(hits: np.ndarray) -> float:
    return float(hits.mean()) if hits.size else float("nan")


def _finite(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " m"]:
    return np.asarray(values[np.isfinite(values)])
