"""The daily self-test: known images through the whole way from file to result, against what they gave at first."""

import time
from dataclasses import dataclass

from pneumoscope.core import Status
from pneumoscope.model import Artifact
from pneumoscope.phantom import Study, studies, studies_folder
from pneumoscope.reading import EngineName, Model, read
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
        """Whether nothing is wrong."""
        return not self.complaints


def self_test(
    store: Store, artifact: Artifact, *, operating_point: str, engine: EngineName = EngineName.AUTO
) -> Outcome:
    """Reads the synthetic studies with a reader of its own and keeps the outcome, once a day.

    What must become of each is known by its design. Its probability must be that of the first run of this model
    here, which is kept as the reference: the images are synthetic, so no probability is right in itself.
    """
    model = Model(artifact, engine=engine)
    found = {study.name: _read(model, study, operating_point) for study in studies()}
    probabilities = {name: probability for name, (_, probability) in found.items()}
    sha256 = artifact.identity.sha256
    words = f"known images as {artifact.card.name} {artifact.card.version} first read them"
    events.add(store, EventKind.REFERENCE, _FIRST, model_sha256=sha256, passed=True, words=words, detail=probabilities)
    first = events.find(store, EventKind.REFERENCE, _FIRST, model_sha256=sha256)
    assert first is not None, "it was added if it was not there"
    complaints = (*_wrong_statuses(found), *_drifted(probabilities, first.detail))
    outcome = Outcome(probabilities=probabilities, complaints=complaints)
    events.add(
        store,
        EventKind.SELF_TEST,
        time.strftime("%Y-%m-%d", time.localtime(store.now())),
        model_sha256=sha256,
        passed=outcome.passed,
        words="; ".join(complaints) or f"{len(found)} known images read as at first",
        detail=probabilities,
    )
    return outcome


def _read(model: Model, study: Study, operating_point: str) -> tuple[Status, float | None]:
    reading = read(studies_folder() / f"{study.name}.dcm", model=model, operating_point=operating_point)
    return reading.status, reading.probability


def _wrong_statuses(found: dict[str, tuple[Status, float | None]]) -> list[str]:
    return [
        f"{study.name}: expected {study.status}, found {found[study.name][0]}"
        for study in studies()
        if found[study.name][0] is not study.status
    ]


def _drifted(now: dict[str, float | None], first: dict[str, float | None]) -> list[str]:
    return [
        f"{name}: expected probability {was:.3f}, found {now[name]:.3f}"
        for name, was in first.items()
        if was is not None and (value := now.get(name)) is not None and abs(value - was) > TOLERANCE
    ]
