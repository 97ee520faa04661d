from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import Population
from pneumoscope.evaluation import NotEstimable, Number, Question
from pneumoscope.model import Conformal, load, shipped_path
from pneumoscope.training.evaluation.conformal import conformal_evidence


def films() -> pd.DataFrame:
    """Eight adults and a child; limits of .4 and .6 leave two adults uncertain, one of either view."""
    return pd.DataFrame(
        {
            "patient_id": [f"p{number}" for number in range(9)],
            "population": ["adults"] * 8 + ["children"],
            "view": ["PA"] * 4 + ["AP"] * 4 + ["AP"],
            "Pneumonia": [1, 1, 0, 0, 1, 0, 0, np.nan, 1],
            "prob_Pneumonia": [0.9, 0.5, 0.2, 0.7, 0.3, 0.5, 0.1, 0.9, 0.9],
        }
    )


@pytest.fixture
def found() -> dict:
    card = load(shipped_path()).card
    limits = Conformal(coverage=0.9, positive_from=0.4, negative_to=0.6)
    rules = card.rules | {Population.ADULTS: replace(card.rules[Population.ADULTS], conformal=limits)}
    questions = [Question("Pneumonia", "Pneumonia"), Question("Pneumonia", "Pneumonia", "No_Finding")]
    return conformal_evidence(replace(card, rules=rules), films(), questions)


def test_coverage_is_of_each_class_and_uncertain_of_all_labelled_films_of_the_population(found: dict) -> None:
    assert (found["population"], found["promised"]) == ("adults", 0.9)
    assert set(found) == {"population", "promised", "Pneumonia"}
    pooled = found["Pneumonia"]["all"]
    shares = {name: (leaf.value, leaf.n) for name, leaf in pooled.items() if isinstance(leaf, Number)}
    assert shares == {
        "covered_with": (pytest.approx(2 / 3), 3),
        "covered_without": (pytest.approx(3 / 4), 4),
        "uncertain": (pytest.approx(2 / 7), 7),
        "right_where_certain": (pytest.approx(3 / 5), 5),
    }


def test_each_view_is_told_apart_and_what_it_lacks_is_said(found: dict) -> None:
    assert set(found["Pneumonia"]) == {"all", "PA", "AP"}
    assert found["Pneumonia"]["PA"]["uncertain"].n == 4
    assert found["Pneumonia"]["AP"]["uncertain"].n == 3
    only_ap = films().assign(view="AP")
    card = load(shipped_path()).card
    wide = replace(card.rules[Population.ADULTS], conformal=Conformal(coverage=0.9, positive_from=0.0, negative_to=1.0))
    said = conformal_evidence(
        replace(card, rules=card.rules | {Population.ADULTS: wide}), only_ap, [Question("Pneumonia", "Pneumonia")]
    )
    assert isinstance(said["Pneumonia"]["all"]["right_where_certain"], NotEstimable)
