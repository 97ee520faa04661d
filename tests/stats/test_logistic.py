import numpy as np
import pytest

from pneumoscope.core import InputError
from pneumoscope.stats.logistic import fit_logistic


def line(score: np.ndarray) -> np.ndarray:
    return np.column_stack([score, np.ones(score.size)])


@pytest.mark.parametrize(("scale", "shift"), [(1e-3, -0.09), (1000.0, 0.0), (1e-4, 5.0)])
def test_the_fit_does_not_depend_on_the_scale_of_the_scores(scale: float, shift: float) -> None:
    rng = np.random.default_rng(0)
    score = rng.normal(size=200)
    truth = rng.random(200) < 1 / (1 + np.exp(-(1.3 * score - 0.4)))
    slope, intercept = fit_logistic(line(score), truth, measure="line")
    scaled, moved = fit_logistic(line(score * scale + shift), truth, measure="line")
    assert (scaled * scale, moved + scaled * shift) == pytest.approx((slope, intercept), abs=1e-6)


def test_scores_that_are_all_alike_or_separate_the_classes_have_no_fit() -> None:
    truth = np.arange(40) < 20
    with pytest.raises(InputError, match="all alike"):
        fit_logistic(line(np.ones(40)), truth, measure="line")
    with pytest.raises(InputError, match="separate the classes"):
        fit_logistic(line(truth * 3.0), truth, measure="line")
