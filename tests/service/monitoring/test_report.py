"""What the report says of a node that goes on as it began, and of one that does not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pneumoscope.service.config import MonitoringConfig
from pneumoscope.service.monitoring import Report, monitor
from pneumoscope.service.monitoring.sample import reference_of
from pneumoscope.service.store import Store, people

SHA256 = "ab" * 32
CONFIG = MonitoringConfig(reference=40, batch=10)


@pytest.fixture
def report(store: Store) -> Callable[[], Report]:
    def make() -> Report:
        return monitor(store, CONFIG, model_sha256=SHA256, threshold=0.3, guard_limit=76.0)

    return make


def steady(number: int, seed: int) -> Any:
    return np.random.default_rng(seed).beta(2, 6, number)


def test_charts_begin_when_the_reference_is_complete(read: Any, report: Any) -> None:
    read(steady(39, 1))
    assert not report().is_complete
    assert report().charts == ()
    read(0.2)
    assert report().is_complete
    assert all(chart.points == () for chart in report().charts)


def test_a_node_that_goes_on_as_it_began_is_in_control(read: Any, report: Any) -> None:
    read(steady(80, 2))
    assert report().alarms == ()
    assert {chart.key: len(chart.points) for chart in report().charts}["probability"] == 4


@pytest.mark.req("REQ-SV-09")
def test_a_score_that_drifts_is_an_alarm_in_chart_and_distribution(read: Any, report: Any) -> None:
    read(steady(40, 3))
    read(np.clip(steady(40, 4) + 0.3, 0, 1))
    alarms = " ".join(report().alarms)
    for words in ("Mean probability: beyond the limits", "Suspicious: beyond", "Probability: another distribution"):
        assert words in alarms


@pytest.mark.req("REQ-SV-09")
def test_refusals_that_become_frequent_are_an_alarm(read: Any, report: Any) -> None:
    read(steady(40, 5))
    read([0.1, np.nan] * 5)
    assert "Refused: beyond the limits" in report().alarms


def test_an_alarm_ends_when_the_last_batch_is_in_control_again(read: Any, report: Any) -> None:
    read(steady(40, 5))
    read([np.nan] * 10)
    assert "Refused: beyond the limits" in report().alarms
    read(steady(10, 6))
    assert "Refused: beyond the limits" not in report().alarms


def test_images_that_move_away_from_the_training_images_are_an_alarm(read: Any, report: Any) -> None:
    read(steady(40, 7))
    read(steady(40, 8), distance=60.0)
    distances = {one.key: one for one in report().distributions}["distances"]
    assert distances.has_shifted
    assert distances.mark == (76.0, "the model card's limit")
    assert "Embedding distance: beyond the limits" in report().alarms


def test_another_model_starts_with_a_reference_of_its_own(read: Any, report: Any) -> None:
    read(steady(60, 9), sha256="cd" * 32)
    assert report().reference == 0
    read(steady(40, 9))
    assert report().is_complete


def test_the_reference_stays_the_first_images_however_many_follow(store: Store, read: Any) -> None:
    read([np.nan, *steady(45, 10)])
    first = reference_of(store, model_sha256=SHA256, size=40)
    read(steady(30, 11))
    again = reference_of(store, model_sha256=SHA256, size=40)
    assert first.size == again.size == 41
    assert first.analysed.sum() == 40


def test_only_the_days_asked_for_are_charted(store: Store, read: Any, clock: Any) -> None:
    read(steady(60, 12))
    clock.now += 100 * 86_400
    found = monitor(store, CONFIG, model_sha256=SHA256, threshold=0.3, guard_limit=76.0)
    assert (found.reference, found.recent) == (40, 0)


def test_the_mix_counts_each_image_once(read: Any, report: Any) -> None:
    read(steady(40, 13), view="PA")
    read(steady(20, 14), view="AP")
    view, age = report().mixes
    assert [row for row in view.rows if row[1] or row[2]] == [("PA", 1.0, 0.0), ("AP", 0.0, 1.0)]
    assert sum(row[1] for row in age.rows) == pytest.approx(1)


def test_a_person_s_last_word_counts_and_low_agreement_is_an_alarm(store: Store, read: Any, report: Any) -> None:
    found = read([0.9] * 15 + [0.1] * 15)
    for image in found:
        people.add_feedback(store, image, person="Dr. A", agrees=True, comment="")
    assert [(row.agreed, row.n) for row in report().agreement.rows] == [(30, 30), (15, 15), (15, 15)]
    for image in found[:15]:
        people.add_feedback(store, image, person="Dr. A", agrees=False, comment="")
    assert [(row.agreed, row.n) for row in report().agreement.rows] == [(15, 30), (0, 15), (15, 15)]
    assert report().alarms == ("Agreement with people below 80%",)
