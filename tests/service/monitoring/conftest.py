"""Invented results over time, for one model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pneumoscope.core import Check, Decision, ModelIdentity, Outcome, Status, View
from pneumoscope.results import Outputs, Reading, to_json, to_line
from pneumoscope.service.store import Arrival, Image, Result, Route, Store, images, results

SHA256 = "ab" * 32
_THRESHOLD = 0.3


@pytest.fixture
def read(store: Store, clock: Any) -> Callable[..., list[Image]]:
    """Reads images, one a minute: `probability` has one value an image, NaN for one that is refused."""

    def put(probability: Any, *, sha256: str = SHA256, **columns: Any) -> list[Image]:
        return [_keep(store, clock, float(one), sha256, columns) for one in np.atleast_1d(probability)]

    return put


def _keep(store: Store, clock: Any, probability: float, sha256: str, columns: dict[str, Any]) -> Image:
    clock.now += 60
    number = sum(images.count_by_state(store).values()) + 1
    uid = f"1.2.3.{number}"
    empty = dict.fromkeys(Arrival.__slots__, "")
    images.add(store, Arrival(**empty | {"uid": uid, "study_uid": uid, "route": Route.UPLOAD, "size_bytes": 1}))
    image = images.find(store, uid)
    assert image is not None
    refused = bool(np.isnan(probability))
    reading = _reading(uid, None if refused else probability, sha256)
    values = {
        "image_id": image.id,
        "study_uid": uid,
        "status": reading.status.value,
        "view": "PA",
        "probability": None if refused else probability,
        "threshold": None if refused else _THRESHOLD,
        "operating_point": None if refused else "balanced",
        "positive": None if refused else probability >= _THRESHOLD,
        "uncertain": None if refused else False,
        "model_sha256": sha256,
        "age_years": 40.0 + number % 30,
        "pixel_mean": 0.5 + 0.01 * (number % 5),
        "pixel_deviation": 0.2 + 0.01 * (number % 3),
        "distance": 40.0 + number % 7,
        "line": to_json(to_line(reading, Outputs())),
        "folder": None,
        "read_at": clock.now,
    }
    results.record(store, Result(**values | columns), parcels=())
    return image


def _reading(uid: str, probability: float | None, sha256: str) -> Reading:
    refused = probability is None
    decision = Decision(probability=probability or 0, operating_point="balanced", threshold=_THRESHOLD, uncertain=False)
    return Reading(
        path="x.dcm",
        status=Status.REFUSED if refused else Status.ANALYSED,
        checks=(Check("modality", Outcome.FAILED if refused else Outcome.PASSED, "CR or DX", "CT"),),
        model=ModelIdentity(name="invented", version="1", sha256=sha256),
        elapsed_ms=1.0,
        sop_instance_uid=uid,
        view=View.PA,
        decision=None if refused else decision,
    )
