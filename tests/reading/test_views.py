"""Rules by view and the second output, from the graph's outputs to the printed words."""

from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.core import Format, Population, Radiograph, View
from pneumoscope.image import Crop
from pneumoscope.model import Artifact, Calibration, Conformal, OperatingPoint, ReportOutput, ViewRule
from pneumoscope.reading import Model, Outputs
from pneumoscope.reading.decision import decide
from pneumoscope.results import Reading
from pneumoscope.results.wording import sentence

LOGIT = 0.4
AP_THRESHOLD = 0.9


@pytest.fixture(scope="module")
def by_view(artifact: Artifact) -> Model:
    """The shipped model with a card that has a rule for AP and a second output for adults."""
    own = ViewRule(
        calibration=Calibration(slope=2.0, intercept=0.1, prevalence=0.5),
        operating_points={
            name: OperatingPoint(threshold=AP_THRESHOLD, rule="r") for name in ("screening", "balanced", "confirmatory")
        },
        conformal=Conformal(coverage=0.9, positive_from=0.1, negative_to=0.95),
        fitted_on="AP images",
    )
    plain = Calibration(slope=1.0, intercept=0.0, prevalence=0.1)
    adults = replace(
        artifact.card.rules[Population.ADULTS],
        calibration=plain,
        operating_points={
            name: OperatingPoint(threshold=0.5, rule="r") for name in ("screening", "balanced", "confirmatory")
        },
        conformal=Conformal(coverage=0.9, positive_from=0.5, negative_to=0.4),
        by_view={View.AP: own},
        report=ReportOutput(output=1, calibration=plain, fitted_on="all", by_view={View.AP: own.calibration}),
    )
    card = replace(artifact.card, rules=artifact.card.rules | {Population.ADULTS: adults})
    return Model(replace(artifact, card=card))


def read(model: Model, view: View | None, *, report: float = 0.0) -> Reading:
    column = model.card.rules[Population.ADULTS].output
    logit = np.full((1, 2), report, dtype=np.float32)
    logit[0, column] = LOGIT
    outputs = Outputs(
        logit=logit,
        cam=np.zeros((1, 2, 7, 7), dtype=np.float32),
        embedding=np.zeros((1, 4), dtype=np.float32),
        distance=np.zeros(1, dtype=np.float32),
    )
    radiograph = Radiograph(path="film.png", format=Format.PNG, header=None, pixels=None, view=view, age_years=50.0)
    return decide(
        outputs,
        radiograph,
        (),
        crop=Crop(0, 0, 64, 64),
        model=model,
        operating_point="balanced",
        population=None,
        elapsed_ms=0.0,
    )


@pytest.mark.req("REQ-VW-01")
@pytest.mark.parametrize(
    ("view", "probability", "threshold", "positive", "said"),
    [
        (View.AP, 1 / (1 + np.exp(-(2 * LOGIT + 0.1))), AP_THRESHOLD, False, "adults AP"),
        (View.PA, 1 / (1 + np.exp(-LOGIT)), 0.5, True, "adults)"),
        (None, 1 / (1 + np.exp(-LOGIT)), 0.5, True, "adults)"),
    ],
)
def test_the_rule_of_the_view_decides_and_is_printed(
    by_view: Model, view: View | None, probability: float, threshold: float, positive: bool, said: str
) -> None:
    reading = read(by_view, view)
    decision = reading.decision
    assert decision is not None
    assert decision.probability == pytest.approx(probability)
    assert (decision.threshold, decision.positive, decision.uncertain) == (threshold, positive, not positive)
    assert said in sentence(reading)


@pytest.mark.req("REQ-VW-02")
def test_the_second_output_is_printed_and_decides_nothing(by_view: Model) -> None:
    low, high = read(by_view, View.PA, report=-3.0), read(by_view, View.PA, report=3.0)
    assert low.decision is not None
    assert high.decision is not None
    assert low.decision.report_probability == pytest.approx(1 / (1 + np.exp(3.0)))
    assert high.decision.report_probability == pytest.approx(1 / (1 + np.exp(-3.0)))
    assert low.decision == replace(high.decision, report_probability=low.decision.report_probability)
    assert "a radiology report names pneumonia 4.7 %" in sentence(low)
    in_ap = read(by_view, View.AP, report=-3.0).decision
    assert in_ap is not None
    assert in_ap.report_probability == pytest.approx(1 / (1 + np.exp(5.9)))
