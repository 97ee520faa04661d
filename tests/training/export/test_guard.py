import numpy as np
import torch
from scipy.spatial.distance import mahalanobis

from pneumoscope.training.export.guard import Distance, fit_gaussian


def embeddings(rng: np.random.Generator, count: int = 2000) -> np.ndarray:
    scale = np.array([3.0, 1.0, 0.5, 0.5, 0.5, 0.5])
    return rng.standard_normal((count, 6)) * scale


def test_the_distance_is_scipys_mahalanobis_under_the_same_covariance() -> None:
    rng = np.random.default_rng(0)
    values = embeddings(rng)
    gaussian = fit_gaussian(values, np.zeros(len(values)))
    basis = gaussian.directions
    rest = np.eye(6) - basis @ basis.T
    covariance = basis @ np.diag(gaussian.variances) @ basis.T + gaussian.rest_variance * rest
    points = rng.standard_normal((5, 6)) * 4
    expected = [mahalanobis(point, gaussian.means[0], np.linalg.inv(covariance)) for point in points]
    found = Distance(gaussian)(torch.tensor(points, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(covariance, np.cov(values.T), atol=0.02)


def test_the_nearest_group_counts() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([embeddings(rng), embeddings(rng) + 50])
    groups = np.repeat(["adults", "children"], 2000)
    distance = Distance(fit_gaussian(values, groups))
    near_either = torch.tensor(np.array([[0.0] * 6, [50.0] * 6]), dtype=torch.float32)
    between = torch.full((1, 6), 25.0)
    assert distance(near_either).max() < 0.5
    assert distance(between).min() > 5


def test_few_images_keep_few_directions() -> None:
    values = np.random.default_rng(2).standard_normal((40, 30))
    gaussian = fit_gaussian(values, np.zeros(40))
    assert gaussian.directions.shape == (30, 5)
    assert gaussian.rest_variance > 0
