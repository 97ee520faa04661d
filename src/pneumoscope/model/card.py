"""The model card: everything a reader must know of a model, carried as JSON inside the artefact."""

import json
import math
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

from pneumoscope.core import ArtifactError, IntendedUse, Population, View
from pneumoscope.image import Recipe

SCHEMA = 4
# Cards of this schema have one rule for all views, and one output.
_BEFORE_VIEWS = 3
OPERATING_POINTS = ("screening", "balanced", "confirmatory")

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Platt scaling: probability = sigmoid(slope * logit + intercept), at the prevalence it was fitted on.

    Source: Platt, Advances in Large Margin Classifiers, MIT Press 1999, p. 61.
    """

    slope: float
    intercept: float
    prevalence: float

    def probability(self, logit: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Calibrated probability in [0, 1]."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * logit.astype(np.float64) + self.intercept))))


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A threshold on the calibrated probability, and the rule by which validation patients gave it."""

    threshold: float
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformal:
    """Label-conditional split conformal limits: which answers the validation patients' scores make plausible.

    "Suspicious" is plausible from `positive_from` upwards, "not suspicious" up to `negative_to`. An image for which
    both or neither is plausible is uncertain. Each class keeps its true answer in the set with at least `coverage`.

    Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, section 4.5.
    """

    coverage: float
    positive_from: float
    negative_to: float

    def uncertain(self, probability: float) -> bool:
        """Whether the conformal set holds both answers or none."""
        return (probability >= self.positive_from) == (probability <= self.negative_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRule:
    """Whether heat maps may be shown, and which share of the heat outside the lungs makes a flag uncertain.

    Attributes:
        shown: Whether radiologists' boxes on validation images bear the map out.
        why: What validation found, in words.
        largest_outside: Limit of the share, in [0, 1]; None where there is none.
        rule: How validation images gave the limit, or why they gave none.
    """

    shown: bool
    why: str
    largest_outside: float | None = None
    rule: str = "the graph gives no lungs"

    def __post_init__(self) -> None:
        if self.largest_outside is not None and not 0 <= self.largest_outside <= 1:
            raise ArtifactError(f"model card: largest_outside must lie in [0, 1], found {self.largest_outside}")


UNJUDGED_HEAT = HeatRule(shown=True, why="never held against radiologists' boxes")


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewRule:
    """What one population's images of one view decided: calibration, thresholds and limits.

    Attributes:
        fitted_on: The validation images that gave the rule.
    """

    calibration: Calibration
    operating_points: dict[str, OperatingPoint]
    conformal: Conformal
    fitted_on: str

    def __post_init__(self) -> None:
        _check_points(self.operating_points)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOutput:
    """A second output: the probability that a radiology report would name pneumonia.

    Attributes:
        output: The graph's column of logits.
        by_view: Calibration of each view; other images take `calibration`.
    """

    output: int
    calibration: Calibration
    fitted_on: str
    by_view: dict[View, Calibration] = field(default_factory=dict)

    def probability(self, logit: float, view: View | None) -> float:
        """Return the calibrated probability of one image's logit."""
        calibration = self.calibration if view is None else self.by_view.get(view, self.calibration)
        return float(calibration.probability(np.array([logit]))[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRule:
    """How a logit becomes a decision for one population.

    Attributes:
        output: The graph's column of logits and maps that answers for this population.
        calibration: For a view that `by_view` does not name, or an unknown one; so are thresholds and limits.
        fitted_on: The validation images that gave the rule.
        by_view: The rule of each view that has its own.
        report: The second output; None where the graph has none for this population.
    """

    output: int
    calibration: Calibration
    operating_points: dict[str, OperatingPoint]
    conformal: Conformal
    fitted_on: str
    heat: HeatRule = UNJUDGED_HEAT
    by_view: dict[View, ViewRule] = field(default_factory=dict)
    report: ReportOutput | None = None

    def __post_init__(self) -> None:
        _check_points(self.operating_points)

    def for_view(self, view: View | None) -> "DecisionRule":
        """Return the rule that decides on an image of this view: the view's own, else the population's."""
        own = None if view is None else self.by_view.get(view)
        if own is None:
            return self
        return replace(
            self,
            calibration=own.calibration,
            operating_points=own.operating_points,
            conformal=own.conformal,
            fitted_on=own.fitted_on,
        )


def _check_points(points: dict[str, OperatingPoint]) -> None:
    if missing := sorted(set(OPERATING_POINTS) - set(points)):
        raise ArtifactError(f"model card: operating points {', '.join(missing)} are missing")
    for name, point in points.items():
        if not 0 <= point.threshold <= 1:
            raise ArtifactError(f"model card: threshold of {name} must lie in [0, 1], found {point.threshold}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The limit beyond which an image "does not look like a frontal chest radiograph".

    `limit` bounds the artefact's output `distance`: the Mahalanobis distance of the image's embedding from the
    nearest training group, under a shared probabilistic-PCA covariance.

    Source: Lee et al., NeurIPS 2018, section 2.1; Tipping and Bishop, J. R. Stat. Soc. B 61(3), 1999, p. 611.
    """

    limit: float
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What the artefact says of itself; the field names are the JSON's keys."""

    schema: int
    name: str
    version: str
    created: str
    labels: tuple[str, ...]
    meaning: str
    intended_use_statement: str
    licence: str
    attribution: str
    intended_use: IntendedUse
    recipe: Recipe
    rules: dict[Population, DecisionRule]
    guard: Guard
    training: dict[str, Any]
    metrics: dict[str, Any]

    def __post_init__(self) -> None:
        if missing := self._populations_read() - set(self.rules):
            raise ArtifactError(f"model card: no decision rule for {', '.join(sorted(missing))}, whom it may read")
        if not (math.isfinite(self.guard.limit) and self.guard.limit > 0):
            raise ArtifactError(f"model card: the guard's limit must be positive, found {self.guard.limit}")

    def population_of(self, age_years: float | None, *, unknown: Population | None = None) -> Population:
        """Whose rule decides on an image: by the patient's age; where that is unknown, `unknown`, or else adults'.

        A model for one population has one rule: it decides where the age is unknown.
        """
        if age_years is not None:
            return Population.of_age(age_years)
        return unknown or (Population.ADULTS if Population.ADULTS in self.rules else next(iter(self.rules)))

    def _populations_read(self) -> set[Population]:
        use = self.intended_use
        return {Population.of_age(use.youngest_years), Population.of_age(use.oldest_years)}

    def to_json(self) -> str:
        """Return the card as JSON."""
        return json.dumps(asdict(self))


def parse_card(text: str) -> Card:
    """Return the card in a JSON text.

    Raises:
        ArtifactError: The text is not JSON or does not have the card's schema.
    """
    try:
        table = json.loads(text)
        if table["schema"] == _BEFORE_VIEWS:
            table = _upgraded(table)
        if table["schema"] != SCHEMA:  # said before keys that differ because of it
            raise ArtifactError(f"model card: expected schema {SCHEMA}, found {table['schema']}")
        use = table["intended_use"]
        return _build(
            Card,
            table
            | {
                "labels": tuple(table["labels"]),
                "intended_use": _build(IntendedUse, use | {"views": tuple(View(view) for view in use["views"])}),
                "recipe": _build(Recipe, asdict(Recipe()) | table["recipe"]),  # earlier cards have fewer keys
                "rules": {Population(name): _rule(rule) for name, rule in table["rules"].items()},
                "guard": _build(Guard, table["guard"]),
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactError(f"model card: expected schema {SCHEMA}, found {type(error).__name__}: {error}") from error


def _upgraded(table: dict[str, Any]) -> dict[str, Any]:
    """Return an earlier card's JSON in the present schema."""
    rules = {name: {"by_view": {}, "report": None} | rule for name, rule in table["rules"].items()}
    return table | {"schema": SCHEMA, "rules": rules}


def _rule(table: dict[str, Any]) -> DecisionRule:
    by_view = {View(name): _build(ViewRule, one | _limits(one)) for name, one in table["by_view"].items()}
    report = None if table["report"] is None else _report(table["report"])
    heat = _build(HeatRule, table["heat"])
    return _build(DecisionRule, table | _limits(table) | {"heat": heat, "by_view": by_view, "report": report})


def _limits(table: dict[str, Any]) -> dict[str, Any]:
    """Return what rules of populations and of views have alike."""
    return {
        "calibration": _build(Calibration, table["calibration"]),
        "operating_points": {name: _build(OperatingPoint, point) for name, point in table["operating_points"].items()},
        "conformal": _build(Conformal, table["conformal"]),
    }


def _report(table: dict[str, Any]) -> ReportOutput:
    by_view = {View(name): _build(Calibration, one) for name, one in table["by_view"].items()}
    calibration = _build(Calibration, table["calibration"])
    return _build(ReportOutput, table | {"calibration": calibration, "by_view": by_view})


def _build(kind: type[Record], table: dict[str, Any]) -> Record:
    """Return a record from its JSON object; unknown and missing keys are errors."""
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if set(table) != known:
        raise KeyError(f"{kind.__name__} keys differ in {sorted(set(table) ^ known)}")
    return kind(**table)
