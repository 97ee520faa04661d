import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from pneumoscope.core import InputError
from pneumoscope.stats import holm


def test_hand_worked_p_values():
    # .01 x 4, then .02 x 3, then .03 x 2 = .06, and .04 may not fall below it.
    assert holm(np.array([0.04, 0.01, 0.03, 0.02])) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_it_agrees_with_statsmodels():
    p_values = np.random.default_rng(0).random(40) ** 3
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_no_test_has_no_p_value():
    assert holm(np.array([])).size == 0


def test_a_missing_p_value_is_refused():
    with pytest.raises(InputError, match=r"expected p-values in \[0, 1\]"):
        holm(np.array([0.2, np.nan]))
