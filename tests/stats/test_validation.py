import numpy as np
import pytest

from pneumoscope.stats.validation import number_clusters


@pytest.mark.parametrize(
    "cluster",
    [
        np.array([3, 1, 3, 0, 5]),
        np.array([30_000_000, 2, 2, 30_000_000, 7]),
        np.array([-1, 4, -1, 2, 2]),
        np.array(["00000013", "00000002", "00000013", "00000001", "00000099"]),
        np.array([1.5, 0.5, 1.5, 2.5, 9.5]),
    ],
)
def test_clusters_are_numbered_without_gaps_whatever_their_ids_are(cluster):
    np.testing.assert_array_equal(number_clusters(cluster, rows=5), np.unique(cluster, return_inverse=True)[1])


def test_without_clusters_every_row_is_its_own():
    assert number_clusters(None, rows=3).tolist() == [0, 1, 2]
