"""The daily self-test: known images through the whole way from file to result, against their sealed answers."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pneumoscope.core import Status
from pneumoscope.model import Artifact
from pneumoscope.phantom import Study, studies, studies_folder
from pneumoscope.reading import Model, read
from pneumoscope.service.monitoring import events
from pneumoscope.service.monitoring.events import EventKind
from pneumoscope.service.store import Store

TOLERANCE = 0.002
"""Largest difference of a probability from the first run: engines round otherwise, models do not."""

_FIRST = "self-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What each known image gave, and what is wrong with it; no complaint means passed."""

    probabilities: dict[str, float | None]
    complaints: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Return whether nothing is wrong."""
        return not self.complaints


def self_test(store: Store, model: Model, *, operating_point: str) -> Outcome:
    """Read the synthetic studies with the model that reads patients' images; keep the outcome, once a day.

    What must become of each is known by its design. Its probability must be the one that is sealed into the artefact,
    within its tolerance. An artefact without sealed answers is checked for consistency only: its probabilities must be
    those of its first run here, and the outcome says so.
    """
    artifact = model.artifact
    found = {study.name: _read(model, study, operating_point) for study in studies()}
    probabilities = {name: probability for name, (_, probability) in found.items()}
    if sealed := sealed_answers(artifact):
        differences = _differences(probabilities, sealed)
        kind = "as sealed into the model"
    else:
        first = _first_run(store, artifact, probabilities)
        differences = _differences(probabilities, {name: (value, TOLERANCE) for name, value in first.items()})
        kind = "as at first; the model has no sealed answers, so only consistency was checked"
    complaints = (*_wrong_statuses(found), *differences)
    outcome = Outcome(probabilities=probabilities, complaints=complaints)
    events.add(
        store,
        EventKind.SELF_TEST,
        time.strftime("%Y-%m-%d", time.localtime(store.now())),
        model_sha256=artifact.identity.sha256,
        passed=outcome.passed,
        words="; ".join(complaints) or f"{len(found)} known images read {kind}",
        detail=probabilities,
    )
    return outcome


def sealed_answers(artifact: Artifact) -> dict[str, tuple[float, float]]:
    """Return probability and tolerance by study, as `export` sealed them into the artefact; empty where it did not."""
    answers = getattr(artifact.card, "self_test", None) or ()
    return {Path(_field(one, "file")).stem: (_field(one, "probability"), _field(one, "tolerance")) for one in answers}


def _field(answer: Any, name: str) -> Any:
    return answer[name] if isinstance(answer, Mapping) else getattr(answer, name)


def _first_run(store: Store, artifact: Artifact, probabilities: dict[str, float | None]) -> dict[str, float]:
    """Return the probabilities of the first run of this model here; this one's, where it is the first."""
    sha256 = artifact.identity.sha256
    words = f"known images as {artifact.card.name} {artifact.card.version} first read them"
    events.add(store, EventKind.REFERENCE, _FIRST, model_sha256=sha256, passed=True, words=words, detail=probabilities)
    first = events.find(store, EventKind.REFERENCE, _FIRST, model_sha256=sha256)
    assert first is not None, "it was added if it was not there"
    return {name: value for name, value in first.detail.items() if value is not None}


def _read(model: Model, study: Study, operating_point: str) -> tuple[Status, float | None]:
    reading = read(studies_folder() / f"{study.name}.dcm", model=model, operating_point=operating_point)
    return reading.status, reading.probability


def _wrong_statuses(found: dict[str, tuple[Status, float | None]]) -> list[str]:
    return [
        f"{study.name}: expected {study.status}, found {found[study.name][0]}"
        for study in studies()
        if found[study.name][0] is not study.status
    ]


def _differences(now: dict[str, float | None], expected: dict[str, tuple[float, float]]) -> list[str]:
    return [
        f"{name}: expected probability {was:.3f}, found {value:.3f}"
        for name, (was, tolerance) in expected.items()
        if (value := now.get(name)) is not None and abs(value - was) > tolerance
    ]
