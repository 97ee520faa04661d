"""Radiograph to Reading, from one verified artefact."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32

from pneumoscope.core import (
    Check,
    ConfigError,
    Decision,
    Outcome,
    Population,
    Radiograph,
    Status,
    UnreadableError,
)
from pneumoscope.explain import heat_map, heat_outside_lungs, judge_heat
from pneumoscope.image import Prepared, prepare
from pneumoscope.intake import ImageSource, check, read_radiograph
from pneumoscope.model import Artifact
from pneumoscope.reading.engine import EngineName, Outputs, open_engine
from pneumoscope.results import ModelSummary, Reading


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A radiograph that passed its checks and is ready for the model."""

    radiograph: Radiograph
    checks: tuple[Check, ...]
    prepared: Prepared
    elapsed_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """An input that needs no model: refused, or failed and so without a radiograph."""

    radiograph: Radiograph | None
    reading: Reading


class Reader:
    """Reads radiographs with one artefact at one operating point; not to be shared between threads."""

    def __init__(
        self,
        artifact: Artifact,
        *,
        operating_point: str = "balanced",
        engine: EngineName = EngineName.AUTO,
        heat: bool = True,
        population: Population | None = None,
    ) -> None:
        """Load the model; `population` is whose rule decides where the header gives no age (None: adults').

        Raises:
            ConfigError: The model has no such operating point or population, or the engine is not installed.
            ArtifactError: The graph cannot be run.
        """
        rules = artifact.card.rules
        if population is not None and population not in rules:
            raise ConfigError(f"population: expected one of {', '.join(rules)}, got {population}")
        for rule in rules.values():
            if operating_point not in rule.operating_points:
                known = ", ".join(rule.operating_points)
                raise ConfigError(f"operating point: expected one of {known}, got {operating_point!r}")
        self.artifact = artifact
        self.operating_point = operating_point
        self.heat = heat
        self.population = population
        self.summary = ModelSummary(
            intended_use=artifact.card.intended_use_statement,
            licence=artifact.card.licence,
            preprocessing=artifact.card.recipe.describe(),
        )
        self._engine = open_engine(artifact, engine)

    def open(self, source: ImageSource) -> Candidate | Settled:
        """Decode, check and prepare one input; safe in any thread, since the model is not touched."""
        started = time.perf_counter()
        card = self.artifact.card
        try:
            radiograph = read_radiograph(source)
        except UnreadableError as error:
            return Settled(None, self._failed(source.path, error, _since(started)))
        checks = check(radiograph, card.intended_use)
        if any(one.outcome is Outcome.FAILED for one in checks):
            return Settled(radiograph, self._reading(Status.REFUSED, radiograph, checks, _since(started)))
        if radiograph.pixels is None:
            missing = UnreadableError("pixel_data", expected="one grey frame", found="none", path=source.path)
            return Settled(radiograph, self._failed(source.path, missing, _since(started)))
        prepared = prepare(radiograph.pixels, card.recipe)
        if not self.heat:  # nothing after this needs the full image
            radiograph = replace(radiograph, pixels=None)
        return Candidate(radiograph, checks, prepared, _since(started))

    def read(self, opened: Sequence[Candidate | Settled]) -> list[Reading]:
        """The readings of a batch, in order; one pass of the model for those that need it."""
        candidates = [one for one in opened if isinstance(one, Candidate)]
        started = time.perf_counter()
        answers = iter(self._run(candidates))
        share_ms = _since(started) / max(len(candidates), 1)
        return [
            self._decide(one, next(answers), share_ms) if isinstance(one, Candidate) else one.reading for one in opened
        ]

    def _run(self, candidates: Sequence[Candidate]) -> list[Outputs]:
        """The model's outputs for each candidate, each a batch of one."""
        if not candidates:
            return []
        outputs = self._engine.run(np.stack([one.prepared.array for one in candidates]))
        return [outputs.of(np.array([place])) for place in range(len(candidates))]

    def _decide(self, candidate: Candidate, outputs: Outputs, model_ms: float) -> Reading:
        """The reading of one candidate by the model's outputs for it."""
        started = time.perf_counter()
        card, radiograph = self.artifact.card, candidate.radiograph
        elapsed_ms = candidate.elapsed_ms + model_ms
        distance = float(outputs.distance[0])
        guard = _appearance(distance, card.guard.limit)
        checks = (*candidate.checks, guard)
        if guard.outcome is Outcome.FAILED:
            return replace(self._reading(Status.REFUSED, radiograph, checks, elapsed_ms), distance=distance)
        population = card.population_of(radiograph.age_years, unknown=self.population)
        rule = card.rules[population]
        outputs = outputs.answering(np.array([rule.output]))
        probability = float(rule.calibration.probability(outputs.logit[0, :1])[0])
        threshold = rule.operating_points[self.operating_point].threshold
        cam = outputs.cam[0, 0]
        outside = None if outputs.lungs is None else heat_outside_lungs(cam, outputs.lungs[0, 0])
        verdict = judge_heat(rule.heat, outside=outside, flagged=probability >= threshold)
        decision = Decision(
            probability=probability,
            operating_point=self.operating_point,
            threshold=threshold,
            uncertain=rule.conformal.uncertain(probability) or verdict.uncertain,
            population=population,
        )
        heat: Float32[np.ndarray, "h w"] | None = None
        if radiograph.pixels is not None and verdict.shown:
            crop, shape = candidate.prepared.crop, radiograph.pixels.shape
            heat = heat_map(cam, rule.calibration, crop=crop, shape=shape)
        reading = self._reading(Status.ANALYSED, radiograph, checks, elapsed_ms + _since(started), decision)
        return replace(reading, heat=heat, distance=distance, heat_outside_lungs=outside, notes=verdict.notes)

    def _failed(self, path: str, error: UnreadableError, elapsed_ms: float) -> Reading:
        reason = Check(error.check, Outcome.FAILED, error.expected, error.found)
        return Reading(
            path=path,
            status=Status.FAILED,
            checks=(reason,),
            model=self.artifact.identity,
            elapsed_ms=elapsed_ms,
        )

    def _reading(
        self,
        status: Status,
        radiograph: Radiograph,
        checks: tuple[Check, ...],
        elapsed_ms: float,
        decision: Decision | None = None,
    ) -> Reading:
        return Reading(
            path=radiograph.path,
            status=status,
            checks=checks,
            model=self.artifact.identity,
            elapsed_ms=elapsed_ms,
            sop_instance_uid=radiograph.sop_instance_uid,
            view=radiograph.view,
            decision=decision,
            radiograph=radiograph,
            card=self.summary,
        )


def _appearance(distance: float, limit: float) -> Check:
    """The pixel-level guard: whether the image looks like the frontal chest radiographs of the training set."""
    return Check(
        "appearance",
        Outcome.PASSED if distance <= limit else Outcome.FAILED,
        f"a frontal chest radiograph (distance from the training images at most {limit:.1f})",
        f"distance {distance:.1f}" if distance <= limit else f"an image unlike those (distance {distance:.1f})",
    )


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
