import numpy as np
import pytest
from scipy.stats import bootstrap

from pneumoscope.core import InputError
from pneumoscope.stats.bootstrap import resample_totals


def draw(values, truth, **more):
    options = {"cluster": None, "stratified": False, "rng": np.random.default_rng(0), "resamples": 500, **more}
    return resample_totals(values, truth, **options)


def test_every_resample_has_as_many_clusters_as_there_are():
    patient = np.repeat(np.arange(40), 3)
    totals = draw(np.full((120, 1), 1 / 3), patient % 2 == 0, cluster=patient)
    assert totals == pytest.approx(np.full((500, 1), 40))


def test_rows_of_a_cluster_are_drawn_together():
    patient = np.repeat(np.arange(40), 3)
    same = np.random.default_rng(1).normal(size=(40, 1)).repeat(3, axis=0)
    thirds = same * np.tile([1.0, 0.0, 0.0], 40)[:, None]
    totals = draw(np.concatenate([same, thirds], axis=1), patient % 2 == 0, cluster=patient)
    assert totals[:, 0] == pytest.approx(3 * totals[:, 1])


def test_strata_keep_their_numbers_of_clusters():
    truth = np.arange(50) < 7
    totals = draw(truth[:, None], truth, stratified=True)
    assert totals == pytest.approx(np.full((500, 1), 7))
    assert draw(truth[:, None], truth).std() > 1


def test_the_spread_agrees_with_scipys_bootstrap_of_a_mean():
    values = np.random.default_rng(2).exponential(size=80)
    other = bootstrap((values,), np.mean, n_resamples=4000, rng=np.random.default_rng(3), method="percentile")
    means = draw(values[:, None], values > 1, resamples=4000)[:, 0] / 80
    assert means.std() == pytest.approx(other.standard_error, rel=0.05)
    assert np.quantile(means, [0.025, 0.975]) == pytest.approx(list(other.confidence_interval), abs=0.03)


def test_a_study_too_large_for_one_batch_is_drawn_in_several(monkeypatch):
    truth = np.arange(50) < 7
    values = np.random.default_rng(4).normal(size=(50, 2))
    whole = draw(values, truth)
    monkeypatch.setattr("pneumoscope.stats.bootstrap._BATCH_CELLS", 170)
    parts = draw(values, truth)
    assert parts.shape == whole.shape == (500, 2)
    assert parts.mean(axis=0) == pytest.approx(whole.mean(axis=0), abs=1.5)


def test_one_resample_is_refused():
    with pytest.raises(InputError, match="at least 2 resamples, found 1"):
        draw(np.ones((4, 1)), np.arange(4) < 2, resamples=1)
