"""From the network's outputs for one image to its reading: out-of-distribution check, rule, heat map."""

import time

from pneumoscope.core import Check, Decision, Outcome, Population, PopulationSource, Radiograph, Status
from pneumoscope.image import Crop
from pneumoscope.reading.engine import Outputs
from pneumoscope.reading.heat import heat_map
from pneumoscope.reading.heat_display import decide_heat_display
from pneumoscope.reading.lungs import heat_outside_lungs
from pneumoscope.reading.model import Model
from pneumoscope.results import Reading


def decide(
    outputs: Outputs,
    radiograph: Radiograph,
    checks: tuple[Check, ...],
    *,
    crop: Crop,
    model: Model,
    operating_point: str,
    population: Population | None,
    elapsed_ms: float,
) -> Reading:
    """Return the reading of one image that passed its checks.

    Args:
        outputs: The network's, a batch of one.
        radiograph: The image; without pixels no heat map is made.
        checks: Those that it passed.
        crop: The part of it that the network saw.
        model: Which model this is.
        operating_point: Whose threshold decides.
        population: Whose rule decides where the image's age is not known.
        elapsed_ms: Time spent on the image before this.
    """
    started = time.perf_counter()
    distance = float(outputs.distance[0])
    appearance = _appearance(distance, model.card.guard.limit)
    refused = appearance.outcome is Outcome.FAILED
    source = _population_source(radiograph, population)
    population = model.population(population, age_years=radiograph.age_years)
    rule, logit = model.card.rules[population].for_view(radiograph.view), outputs.logit[0]
    probability = float(rule.calibration.probability(logit[rule.output : rule.output + 1])[0])
    report = None if rule.report is None else rule.report.probability(logit[rule.report.output], radiograph.view)
    threshold = rule.operating_points[operating_point].threshold
    cam = outputs.cam[0, rule.output]
    outside = None if outputs.lungs is None or refused else heat_outside_lungs(cam, outputs.lungs[0, 0])
    display = decide_heat_display(rule.heat, outside=outside, flagged=probability >= threshold)
    decision, heat = None, None
    if not refused:
        decision = Decision(
            probability=probability,
            operating_point=operating_point,
            threshold=threshold,
            uncertain=rule.conformal.uncertain(probability) or display.uncertain,
            population=population,
            population_source=source,
            view=radiograph.view if radiograph.view in rule.by_view else None,
            report_probability=report,
        )
        if display.shown and radiograph.pixels is not None:
            heat = heat_map(cam, rule.calibration, crop=crop, shape=radiograph.pixels.shape)
    return Reading(
        path=radiograph.path,
        status=Status.REFUSED if refused else Status.ANALYSED,
        checks=(*checks, appearance),
        model=model.identity,
        elapsed_ms=elapsed_ms + (time.perf_counter() - started) * 1000,
        sop_instance_uid=radiograph.sop_instance_uid,
        view=radiograph.view,
        decision=decision,
        distance=distance,
        heat_outside_lungs=outside,
        notes=() if refused else display.notes,
        steps=radiograph.steps,
        heat=heat,
        radiograph=radiograph,
        card=model.summary(),
    )


def _population_source(radiograph: Radiograph, given: Population | None) -> PopulationSource:
    """Return why the rule of a population decides on this image."""
    if radiograph.age_years is not None:
        return PopulationSource.AGE
    return PopulationSource.DEFAULT if given is None else PopulationSource.GIVEN


def _appearance(distance: float, limit: float) -> Check:
    """Return the out-of-distribution check: whether the image looks like the training set's chest radiographs."""
    return Check(
        "appearance",
        Outcome.PASSED if distance <= limit else Outcome.FAILED,
        f"a frontal chest radiograph (distance from the training images at most {limit:.1f})",
        f"distance {distance:.1f}" if distance <= limit else f"an image unlike those (distance {distance:.1f})",
    )
