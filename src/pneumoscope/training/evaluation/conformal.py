"""Evidence on "uncertain": whether the conformal limits reach their aim, and how often a person must decide."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Shaped

from pneumoscope.core import Population
from pneumoscope.evaluation import Node, Question
from pneumoscope.model import Card, Conformal
from pneumoscope.training.evaluation.shares import share

_ALL = "all"


def conformal_evidence(card: Card, rows: pd.DataFrame, questions: Sequence[Question]) -> dict[str, Node]:
    """For each question, pooled and by view: coverage of either class, and the shares of the answers.

    Of the population that most rows are of, since each has limits of its own. Questions that choose their negatives
    are left out.

    Args:
        card: With the limits.
        rows: The cohort; needs `population`, `patient_id`, `view`, the references and `prob_LABEL`.
        questions: As the evidence asks them.
    """
    population = Population(rows["population"].mode()[0])
    limits, views = card.rules[population].conformal, rows["view"].fillna("unknown").to_numpy()
    found: dict[str, Node] = {"population": str(population), "promised": limits.coverage}
    for question in questions:
        if question.against is not None:
            continue
        reference = rows[question.reference]
        asked = (reference.notna() & (rows["population"] == population)).to_numpy()
        probability, patient = rows[f"prob_{question.score}"].to_numpy(dtype=float), rows["patient_id"].to_numpy()
        parts = {_ALL: asked} | {view: asked & (views == view) for view in np.unique(views[asked])}
        found[question.name] = {
            name: _answers(limits, (reference == 1).to_numpy()[part], probability[part], patient[part])
            for name, part in parts.items()
        }
    return found


def _answers(
    limits: Conformal,
    truth: Bool[np.ndarray, " n"],
    probability: Float[np.ndarray, " n"],
    patient: Shaped[np.ndarray, " n"],
) -> dict[str, Node]:
    finding, absence = probability >= limits.positive_from, probability <= limits.negative_to
    certain = finding != absence
    return {
        "covered_with": share(finding[truth], patient[truth]),
        "covered_without": share(absence[~truth], patient[~truth]),
        "uncertain": share(~certain, patient),
        "right_where_certain": share((finding == truth)[certain], patient[certain]),
    }
