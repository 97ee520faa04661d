"""Worklist simulation: how long images wait to be read, first come first served and under the released order.

Images arrive at random and wait for the next free reader. What is drawn for each image (finding, and whether the
device moves it up) comes from a cohort's measured scores; arrivals and reading times are assumptions.
"""

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float
from pydantic import ConfigDict, Field
from scipy.stats import t as student

from pneumoscope.core import HeadStart, InputError

Share = Annotated[float, Field(gt=0, lt=1)]
Rule = Literal["first come, first served", "released order", "moved up always first"]

RULES: tuple[Rule, ...] = ("first come, first served", "released order", "moved up always first")
LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Assumptions on one site's reading room.

    Attributes:
        readers: Radiologists who read from the list at the same time.
        minutes_per_image: Mean time of a reading; times are log-normal with the coefficient of variation `variation`.
        load: Share of the readers' time that reading takes; at 1 the list grows without end.
        prevalence: Share of arriving images with the finding.
        analysis_s: Seconds from receipt to result; until then an image counts as not analysed.
        images: Simulated arrivals in each of the replications.
        replications: Independent repetitions, from which the intervals come.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    readers: Annotated[int, Field(ge=1, le=100)] = 1
    minutes_per_image: Annotated[float, Field(gt=0, le=240)] = 3.0
    variation: Annotated[float, Field(gt=0, le=5)] = 0.5
    load: Annotated[float, Field(gt=0, le=0.98)] = 0.8
    prevalence: Share = 0.05
    analysis_s: Annotated[float, Field(ge=0, le=3600)] = 10.0
    images: Annotated[int, Field(ge=500, le=200_000)] = 4000
    replications: Annotated[int, Field(ge=3, le=100)] = 8


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """A cohort as the simulation needs it, one row an image: reference, and whether the device moves it up."""

    truth: Bool[np.ndarray, " n"]
    moved_up: Bool[np.ndarray, " n"]

    def __post_init__(self) -> None:
        if len(self.truth) != len(self.moved_up) or not self.truth.any() or self.truth.all():
            raise InputError("worklist simulation: expected images with and without the finding, found one kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Minutes from arrival to the start of reading: mean and 95th percentile with 95 % intervals, of `n` images."""

    mean: float
    mean_low: float
    mean_high: float
    p95: float
    p95_low: float
    p95_high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Waits under one rule, by group of images; None where a group is empty.

    Attributes:
        positives: Images with the finding.
        missed: Images with the finding that the device did not move up.
        others: Images without the finding.
        longest_overtaking_min: The largest lead in arrival time that an image lost to a later one.
    """

    rule: str
    share_moved_up: float
    positives: Wait
    missed: Wait | None
    others: Wait
    longest_overtaking_min: float


@dataclass(frozen=True, slots=True, eq=False)
class _Stream:
    """Arrivals of one replication, the same for every rule: arrival and reading time in minutes, truth, moved up."""

    arrival: Float[np.ndarray, " n"]
    reading: Float[np.ndarray, " n"]
    truth: Bool[np.ndarray, " n"]
    moved_up: Bool[np.ndarray, " n"]


def simulate(site: Site, scores: Scores, *, head_start: HeadStart, seed: int = 0) -> tuple[Waits, ...]:
    """Return the waits under each rule of `RULES`, from the same arrivals."""
    streams = [_stream(site, scores, np.random.default_rng((seed, one))) for one in range(site.replications)]
    return tuple(_waits(site, streams, rule=rule, head_start=head_start) for rule in RULES)


def _stream(site: Site, scores: Scores, rng: np.random.Generator) -> _Stream:
    n = site.images
    gap = site.minutes_per_image / (site.readers * site.load)
    spread = np.sqrt(np.log1p(site.variation**2))
    truth = rng.random(n) < site.prevalence
    moved_up = np.where(
        truth, rng.choice(scores.moved_up[scores.truth], n), rng.choice(scores.moved_up[~scores.truth], n)
    )
    return _Stream(
        np.cumsum(rng.exponential(gap, n)),
        rng.lognormal(np.log(site.minutes_per_image) - spread**2 / 2, spread, n),
        truth,
        moved_up.astype(bool),
    )


def _waits(site: Site, streams: list[_Stream], *, rule: Rule, head_start: HeadStart) -> Waits:
    starts = [_start_head(rule, head_start)] * len(streams)
    waited = [run(one, site, start) for one, start in zip(streams, starts, strict=True)]
    groups = {
        "positives": [one.truth for one in streams],
        "missed": [one.truth & ~one.moved_up for one in streams],
        "others": [~one.truth for one in streams],
    }
    found = {name: _wait([w[g] for w, g in zip(waited, of, strict=True)]) for name, of in groups.items()}
    positives, others = found["positives"], found["others"]
    if positives is None or others is None:
        raise InputError(
            "worklist simulation: expected images of both kinds in every replication; simulate more images"
        )
    return Waits(
        rule=rule,
        share_moved_up=float(np.mean([one.moved_up.mean() for one in streams])),
        positives=positives,
        missed=found["missed"],
        others=others,
        longest_overtaking_min=max(_overtaking(one, w) for one, w in zip(streams, waited, strict=True)),
    )


def _start_head(rule: Rule, released: HeadStart) -> HeadStart:
    if rule == "released order":
        return released
    first = 0.0 if rule == "first come, first served" else 1e9
    return HeadStart(moved_up_min=first, not_analysed_min=first / 2, not_moved_min=0.0)


def run(stream: _Stream, site: Site, rule: HeadStart) -> Float[np.ndarray, " n"]:
    """Return each image's wait in minutes: SimPy's events, readers that take the image with the most counted wait."""
    import simpy

    environment = simpy.Environment()
    waiting = _Waiting(stream, rule, analysis_min=site.analysis_s / 60)
    waited = np.zeros(len(stream.arrival))
    idle: deque[simpy.Event] = deque()

    def arrive() -> Generator[simpy.Event, None, None]:
        for image, at in enumerate(stream.arrival):
            yield environment.timeout(at - environment.now)
            waiting.add(image)
            if idle:
                idle.popleft().succeed()

    def read() -> Generator[simpy.Event, None, None]:
        while True:
            if not waiting:
                idle.append(woken := environment.event())
                yield woken
                continue
            image = waiting.take(environment.now)
            waited[image] = environment.now - stream.arrival[image]
            yield environment.timeout(stream.reading[image])

    arrivals = environment.process(arrive())
    for _ in range(site.readers):
        environment.process(read())
    environment.run(until=arrivals)
    environment.run(until=environment.now + stream.reading.sum())
    return waited


class _Waiting:
    """The list: a queue by arrival for each standing, so that the next image is one of three heads."""

    def __init__(self, stream: _Stream, rule: HeadStart, *, analysis_min: float) -> None:
        self._stream, self._rule, self._analysis_min = stream, rule, analysis_min
        self._fresh: deque[int] = deque()
        self._moved: deque[int] = deque()
        self._left: deque[int] = deque()

    def __bool__(self) -> bool:
        return bool(self._fresh or self._moved or self._left)

    def add(self, image: int) -> None:
        """Put an image on the list; it is not analysed yet."""
        self._fresh.append(image)

    def take(self, now: float) -> int:
        """Remove and return the image with the most counted wait, of equal ones the first that arrived."""
        while self._fresh and now - self._stream.arrival[self._fresh[0]] >= self._analysis_min:
            image = self._fresh.popleft()
            (self._moved if self._stream.moved_up[image] else self._left).append(image)
        starts = (self._rule.not_analysed_min, self._rule.moved_up_min, self._rule.not_moved_min)
        queues = [
            (self._stream.arrival[queue[0]] - start, queue[0], queue)
            for queue, start in zip((self._fresh, self._moved, self._left), starts, strict=True)
            if queue
        ]
        return min(queues, key=lambda one: one[:2])[2].popleft()


def _wait(waited: list[Float[np.ndarray, " _"]]) -> Wait | None:
    """Mean and 95th percentile over replications, with Student's t intervals."""
    if any(len(one) == 0 for one in waited):
        return None
    means = np.array([one.mean() for one in waited])
    tails = np.array([np.percentile(one, 95) for one in waited])
    reach = student.ppf((1 + LEVEL) / 2, len(waited) - 1) / np.sqrt(len(waited))
    (mean, mean_low, mean_high), (p95, p95_low, p95_high) = (
        (float(of.mean()), max(0.0, float(of.mean() - reach * spread)), float(of.mean() + reach * spread))
        for of, spread in ((means, means.std(ddof=1)), (tails, tails.std(ddof=1)))
    )
    return Wait(
        mean=mean, mean_low=mean_low, mean_high=mean_high, p95=p95, p95_low=p95_low, p95_high=p95_high,
        n=sum(map(len, waited)),
    )  # fmt: skip


def _overtaking(stream: _Stream, waited: Float[np.ndarray, " n"]) -> float:
    """Return the largest difference in arrival by which an image was read before an earlier one, in minutes."""
    begun = np.argsort(stream.arrival + waited, kind="stable")
    earliest_after = np.minimum.accumulate(stream.arrival[begun][::-1])[::-1]
    return float(np.max(stream.arrival[begun] - earliest_after))
