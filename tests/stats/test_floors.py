import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, f1_score

from pneumoscope.core import InputError
from pneumoscope.stats import auroc, category_score, flag_all, flag_none


def test_flagging_everyone_at_twenty_percent_gives_an_f1_of_one_third():
    found = flag_all(np.arange(10) < 2)
    assert (found.f1, found.ppv, found.accuracy) == (pytest.approx(1 / 3), 0.2, 0.2)
    assert (found.sensitivity, found.specificity, found.npv) == (1, 0, None)


def test_flagging_no_one_at_one_percent_is_right_for_ninety_nine():
    found = flag_none(np.arange(100) < 1)
    assert (found.accuracy, found.npv, found.f1, found.ppv) == (0.99, 0.99, 0, None)


@pytest.mark.parametrize(("floor", "constant"), [(flag_all, True), (flag_none, False)])
def test_both_agree_with_the_constant_classifier_of_scikit_learn(repeated, floor, constant):
    rows = np.zeros((repeated.truth.size, 1))
    answer = DummyClassifier(strategy="constant", constant=constant).fit(rows, repeated.truth).predict(rows)
    found = floor(repeated.truth)
    assert found.f1 == pytest.approx(f1_score(repeated.truth, answer, zero_division=0.0))
    assert found.accuracy == pytest.approx(accuracy_score(repeated.truth, answer))


def test_a_category_scores_its_share_among_the_known_rows():
    known = np.array(["AP", "AP", "AP", "PA", "PA"])
    score = category_score(
        np.array(["PA", "AP", "LATERAL", "ZZ"]),
        known_category=known,
        known_truth=np.array([True, True, False, True, False]),
    )
    assert score == pytest.approx([1 / 2, 2 / 3, 3 / 5, 3 / 5])


def test_a_category_that_says_nothing_has_an_area_of_one_half():
    truth = np.array([True, False] * 20)
    score = category_score(np.repeat(["AP", "PA"], 20), known_category=np.repeat(["AP", "PA"], 20), known_truth=truth)
    assert auroc(truth, score).value == 0.5


def test_one_class_has_no_floor():
    with pytest.raises(InputError, match="floor is undefined"):
        flag_all(np.ones(3, dtype=bool))


def test_known_categories_that_do_not_fit_the_known_rows_are_refused():
    with pytest.raises(InputError, match="expected 2 known categories"):
        category_score(np.array(["PA"]), known_category=np.array(["PA"]), known_truth=np.array([True, False]))
