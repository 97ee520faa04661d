import numpy as np
import pytest

from pneumoscope.core import HeadStart, InputError
from pneumoscope.dossier.queueing import Scores, Site, _Stream, run, simulate

FCFS = HeadStart(moved_up_min=0, not_analysed_min=0, not_moved_min=0)
HOUR = HeadStart(moved_up_min=60, not_analysed_min=30, not_moved_min=0)


def scores(sensitivity: float = 0.9, specificity: float = 0.6, *, images: int = 1000) -> Scores:
    truth = np.arange(images) < images // 2
    rank = np.tile(np.arange(images // 2) / (images // 2), 2)
    return Scores(truth, rank < np.where(truth, sensitivity, 1 - specificity))


def stream(*images: tuple[float, float, bool]) -> _Stream:
    arrival, reading, moved = map(np.array, zip(*images, strict=True))
    return _Stream(arrival, reading, moved.astype(bool), moved.astype(bool))


def test_four_images_by_hand() -> None:
    """While the first is read for 10 min a clear, a clear and a suspicious image arrive."""
    images = stream((0, 10, False), (1, 5, False), (2, 5, False), (3, 5, True))
    site = Site(analysis_s=0)
    assert run(images, site, FCFS).tolist() == [0, 9, 13, 17]
    assert run(images, site, HOUR).tolist() == [0, 14, 18, 7]


def test_an_image_that_waited_longer_than_the_head_start_is_not_overtaken() -> None:
    images = stream((0, 70, False), (1, 5, False), (62, 5, True), (60, 5, True))
    order = np.argsort(images.arrival)
    images = _Stream(*(getattr(images, name)[order] for name in ("arrival", "reading", "truth", "moved_up")))
    waited = run(images, Site(analysis_s=0), HOUR)
    begun = images.arrival + waited
    assert begun[1] < begun[3], "the clear image came 61 min before the second suspicious one"
    assert begun[2] < begun[1], "and 59 min before the first"


def test_until_it_is_analysed_an_image_counts_as_not_analysed() -> None:
    images = stream((0, 10, False), (1, 5, True), (9.5, 5, True))
    waited = run(images, Site(analysis_s=3600), HOUR)
    assert waited.tolist() == [0, 9, 5.5]


@pytest.mark.req("REQ-TR-02")
def test_first_come_first_served_agrees_with_pollaczek_and_khinchine() -> None:
    """Mean wait of M/G/1: load * service * (1 + variation^2) / (2 (1 - load)); no function of ours."""
    site = Site(load=0.7, minutes_per_image=4, variation=0.5, images=20_000, replications=8)
    first = simulate(site, scores(), head_start=HOUR)[0]
    expected = 0.7 * 4 * 1.25 / (2 * 0.3)
    share, with_, without = site.prevalence, first.positives, first.others
    low = share * with_.mean_low + (1 - share) * without.mean_low
    high = share * with_.mean_high + (1 - share) * without.mean_high
    assert low - 0.1 <= expected <= high + 0.1


def test_two_classes_agree_with_cobhams_formula() -> None:
    """Moved up always first, not pre-empted: R / ((1 - load1)) and R / ((1 - load1)(1 - load)) (Cobham 1954)."""
    site = Site(load=0.8, minutes_per_image=4, variation=0.5, prevalence=0.3, images=15_000, analysis_s=0)
    always = simulate(site, scores(1, 1), head_start=HOUR)[2]
    residual = 0.8 * 4 * (1 + site.variation**2) / 2
    assert always.positives.mean == pytest.approx(residual / (1 - 0.24), rel=0.08)
    assert always.others.mean == pytest.approx(residual / ((1 - 0.24) * (1 - 0.8)), rel=0.12)


def test_the_released_order_bounds_overtaking_and_always_first_does_not() -> None:
    found = simulate(Site(load=0.95, images=3000, replications=3), scores(), head_start=HOUR)
    first, released, always = (one.longest_overtaking_min for one in found)
    assert first == 0
    assert released <= 60
    assert always > 60


def test_the_released_order_reads_positives_sooner_and_missed_ones_later() -> None:
    first, released, _ = simulate(Site(load=0.9, images=3000, replications=4), scores(), head_start=HOUR)
    assert released.positives.mean < first.positives.mean
    assert released.missed is not None
    assert first.missed is not None
    assert released.missed.p95 > first.missed.p95


def test_scores_of_one_class_are_refused() -> None:
    with pytest.raises(InputError, match="with and without"):
        Scores(np.ones(3, bool), np.ones(3, bool))
