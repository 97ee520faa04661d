"""Evidence on "uncertain": whether the conformal limits reach their aim, and how often a person must decide."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Shaped

from pneumoscope.evaluation import Node, Question
from pneumoscope.model import Card
from pneumoscope.training.evaluation.shares import share
from pneumoscope.training.populations import population_named, rule_named

_ALL = "all"


def conformal_evidence(card: Card, rows: pd.DataFrame, questions: Sequence[Question]) -> dict[str, Node]:
    """Return coverage of each class and the shares of the answers, for each question, pooled and by view.

    Of the population that most rows are of, since each has limits of its own. Questions that choose their negatives
    are left out.

    Args:
        card: With the limits.
        rows: The cohort; needs `population`, `patient_id`, `view`, the references and `prob_LABEL`.
        questions: As the evidence asks them.
    """
    groups = rows["population"].map(population_named)
    population, views = groups.mode()[0], rows["view"].fillna("unknown").to_numpy()
    promised = card.rules[population].conformal.coverage
    found: dict[str, Node] = {"population": str(population), "promised": promised}
    limits = {name: rule_named(card, name).conformal for name in rows["population"].unique()}
    lowest, highest = (
        rows["population"].map({name: getattr(one, side) for name, one in limits.items()}).to_numpy(dtype=float)
        for side in ("positive_from", "negative_to")
    )
    for question in questions:
        if question.against is not None:
            continue
        reference = rows[question.reference]
        asked = (reference.notna() & (groups == population)).to_numpy()
        probability, patient = rows[f"prob_{question.score}"].to_numpy(dtype=float), rows["patient_id"].to_numpy()
        parts = {_ALL: asked} | {view: asked & (views == view) for view in np.unique(views[asked])}
        found[question.name] = {
            name: _answers(
                probability[part] >= lowest[part],
                probability[part] <= highest[part],
                (reference == 1).to_numpy()[part],
                patient[part],
            )
            for name, part in parts.items()
        }
    return found


def _answers(
    finding: Bool[np.ndarray, " n"],
    absence: Bool[np.ndarray, " n"],
    truth: Bool[np.ndarray, " n"],
    patient: Shaped[np.ndarray, " n"],
) -> dict[str, Node]:
    certain = finding != absence
    return {
        "covered_with": share(finding[truth], patient[truth]),
        "covered_without": share(absence[~truth], patient[~truth]),
        "uncertain": share(~certain, patient),
        "right_where_certain": share((finding == truth)[certain], patient[certain]),
    }
