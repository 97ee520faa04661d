"""Whom each manifest row is of, and so whose calibration it has, by the rule that reading uses."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped

from pneumoscope.core import Population, View
from pneumoscope.model import Card, DecisionRule

# Sources that publish no ages, and say of whom they are.
_BY_SOURCE = {"kermany": Population.CHILDREN}


def populations(manifest: pd.DataFrame) -> Shaped[np.ndarray, " n"]:
    """Return the population of each row: by `age_years`; where unknown by the source, or else adults, as in reading."""
    of_source = manifest["source"].map(_BY_SOURCE).fillna(Population.ADULTS)
    of_age = manifest["age_years"].map(lambda age: None if np.isnan(age) else Population.of_age(age))
    of_row: Shaped[np.ndarray, " n"] = of_age.fillna(of_source).to_numpy(dtype=object)
    return of_row


def columns_of(card: Card, population: Shaped[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Return the graph's column that answers for each image."""
    return np.array([card.rules[one].output for one in population], dtype=int)


def rule_names(card: Card, population: Shaped[np.ndarray, " n"], view: "pd.Series[str]") -> list[str]:
    """Return the name of the rule that decides on each image: its population, and its view where that has its own."""
    own = {one: {str(name) for name in rule.by_view} for one, rule in card.rules.items()}
    pairs = zip(population, view.fillna(""), strict=True)
    return [f"{one} {side}" if side in own[Population(one)] else str(one) for one, side in pairs]


def rule_named(card: Card, name: str) -> DecisionRule:
    """Return the rule of that name, as `rule_names` gives it."""
    population, _, view = name.partition(" ")
    return card.rules[Population(population)].for_view(View(view) if view else None)


def population_named(name: str) -> Population:
    """Return the population of a rule's name."""
    return Population(name.partition(" ")[0])


def probability(card: Card, logit: Float[np.ndarray, " n"], rules: Sequence[str]) -> Float[np.ndarray, " n"]:
    """Return each image's probability by the calibration of its rule, as `rule_names` names it."""
    found, names = np.full(logit.shape, np.nan), np.asarray(rules)
    for name in np.unique(names):
        part = names == name
        found[part] = rule_named(card, str(name)).calibration.probability(logit[part])
    return found


def report_probability(
    card: Card, logit: Float[np.ndarray, "n columns"], population: Shaped[np.ndarray, " n"], view: "pd.Series[str]"
) -> Float[np.ndarray, " n"] | None:
    """Return each image's probability by the second output; NaN for a population without; None where none has one."""
    outputs = {one: rule.report for one, rule in card.rules.items() if rule.report is not None}
    if not outputs:
        return None
    said = [
        np.nan if (output := outputs.get(Population(one))) is None else output.probability(row[output.output], side)
        for one, row, side in zip(population, logit, _views(view), strict=True)
    ]
    return np.array(said)


def _views(view: "pd.Series[str]") -> list[View | None]:
    return [View(name) if name in set(View) else None for name in view]
