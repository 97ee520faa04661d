"""Rules by view."""

import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import ConfigError, Population, View
from pneumoscope.training.export.rules import common_sensitivity, rule_by_view, threshold_at


@pytest.fixture(scope="module")
def films() -> tuple[np.ndarray, np.ndarray, pd.Series]:
    """Scores that run a unit higher AP than PA, whatever the class."""
    rng = np.random.default_rng(0)
    view = pd.Series(np.where(np.arange(1200) % 2, "AP", "PA"))
    truth = rng.random(1200) < np.where(view == "AP", 0.5, 0.2)
    logit = rng.normal(size=1200) + 2 * truth + (view == "AP").to_numpy()
    return logit, truth, view


def test_the_balanced_threshold_has_one_sensitivity_in_both_views(films: tuple) -> None:
    logit, truth, view = films
    rule = rule_by_view(logit, truth, view, population=Population.ADULTS, output=0)
    found = []
    for name in (View.PA, View.AP):
        part, own = (view == name.value).to_numpy(), rule.for_view(name)
        flagged = own.calibration.probability(logit[part]) >= own.operating_points["balanced"].threshold
        found.append(flagged[truth[part]].mean())
    assert abs(found[0] - found[1]) < 0.02
    assert rule.for_view(None) is rule
    assert "view is unknown" in rule.fitted_on


def test_points_are_in_order_in_each_view(films: tuple) -> None:
    logit, truth, view = films
    rule = rule_by_view(logit, truth, view, population=Population.ADULTS, output=0)
    for one in (None, View.PA, View.AP):
        points = rule.for_view(one).operating_points
        assert points["screening"].threshold <= points["balanced"].threshold <= points["confirmatory"].threshold


def test_a_probability_counts_on_the_lungs_alone_and_thresholds_on_the_view(films: tuple) -> None:
    logit, truth, view = films
    rule = rule_by_view(logit, truth, view, population=Population.ADULTS, output=0)
    ways = [rule.for_view(one) for one in (None, View.PA, View.AP)]
    assert {way.calibration for way in ways} == {rule.calibration}
    assert rule.calibration.prevalence == truth.mean()
    assert len({way.operating_points["balanced"].threshold for way in ways}) == 3
    assert len({way.conformal for way in ways}) == 3


def test_a_view_with_one_class_is_named(films: tuple) -> None:
    logit, truth, view = films
    with pytest.raises(ConfigError, match="AP with and without"):
        rule_by_view(logit, truth & (view == "PA").to_numpy(), view, population=Population.ADULTS, output=0)


def test_a_threshold_flags_at_least_the_wanted_share() -> None:
    truth, score = np.array([True] * 4 + [False] * 4), np.arange(8.0)[::-1]
    assert threshold_at(truth, score, 0.75) == score[2]
    assert 0.5 <= common_sensitivity({"PA": (truth, score)}) < 1
