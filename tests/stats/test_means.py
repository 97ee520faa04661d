import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import t, ttest_1samp

from pneumoscope.core import InputError
from pneumoscope.stats import clustered_mean

VALUES = np.random.default_rng(3).normal(2.0, 1.0, 60)


def test_without_clusters_it_is_students_interval() -> None:
    found = clustered_mean(VALUES)
    low, high = ttest_1samp(VALUES, 0).confidence_interval()
    assert (found.value, found.low, found.high) == pytest.approx((VALUES.mean(), low, high))


def test_with_clusters_it_agrees_with_statsmodels_cluster_robust_error() -> None:
    cluster = np.random.default_rng(4).integers(0, 20, VALUES.size)
    fitted = sm.OLS(VALUES, np.ones(VALUES.size)).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False, "df_correction": True}
    )
    found = clustered_mean(VALUES, cluster=cluster)
    clusters = np.unique(cluster).size
    inflation = np.sqrt(clusters / (clusters - 1))

    assert found.high - found.value == pytest.approx(t.ppf(0.975, clusters - 1) * fitted.bse[0] * inflation)


def test_two_patients_by_hand() -> None:
    # Means 1 (two rows) and 4 (one row): mean 2, excess -2 and 2, error sqrt(2 * 8) / 3, t(1) = 12.706.
    found = clustered_mean(np.array([1.0, 1.0, 4.0]), cluster=np.array(["a", "a", "b"]))
    assert found.value == pytest.approx(2.0)
    assert found.high - 2.0 == pytest.approx(12.7062 * 4 / 3, rel=1e-4)


def test_repeating_each_row_within_its_patient_changes_nothing() -> None:
    once, twice = clustered_mean(VALUES), clustered_mean(np.repeat(VALUES, 2), cluster=np.repeat(np.arange(60), 2))
    assert (once.low, once.high) == pytest.approx((twice.low, twice.high))


@pytest.mark.parametrize(("values", "words"), [([1.0, np.nan], "finite"), ([1.0], "2 clusters"), ([], "2 clusters")])
def test_a_mean_without_an_interval_is_refused(values: list[float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        clustered_mean(np.array(values, dtype=float))
