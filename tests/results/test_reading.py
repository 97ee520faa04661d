"""The record of a result, and the forms that it can be given."""

import pytest

from pneumoscope.core import Check, Decision, ModelIdentity, Outcome, Status
from pneumoscope.results import Reading

MODEL = ModelIdentity(name="m", version="1", sha256="0" * 64)
PASSED = Check("modality", Outcome.PASSED, "CR or DX", "DX")
FAILED = Check("modality", Outcome.FAILED, "CR or DX", "CT")
UNKNOWN = Check("modality", Outcome.NOT_AVAILABLE, "CR or DX", "no header")


def decision(probability: float) -> Decision:
    return Decision(probability=probability, operating_point="balanced", threshold=0.4, uncertain=False)


@pytest.mark.req("REQ-RD-05")
def test_a_refused_reading_cannot_carry_a_decision() -> None:
    with pytest.raises(ValueError, match="decision"):
        Reading(path="a", status=Status.REFUSED, checks=(FAILED,), model=MODEL, elapsed_ms=1, decision=decision(0.1))


def test_an_analysed_reading_needs_a_decision() -> None:
    with pytest.raises(ValueError, match="decision"):
        Reading(path="a", status=Status.ANALYSED, checks=(PASSED,), model=MODEL, elapsed_ms=1)


def test_a_refusal_without_a_reason_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="reasons"):
        Reading(path="a", status=Status.REFUSED, checks=(PASSED, UNKNOWN), model=MODEL, elapsed_ms=1)


def test_an_image_with_a_failed_check_cannot_be_analysed() -> None:
    with pytest.raises(ValueError, match="reasons"):
        Reading(path="a", status=Status.ANALYSED, checks=(FAILED,), model=MODEL, elapsed_ms=1, decision=decision(0.1))


def test_reasons_are_the_failed_checks_only() -> None:
    reading = Reading(path="a", status=Status.REFUSED, checks=(PASSED, FAILED, UNKNOWN), model=MODEL, elapsed_ms=1)
    assert reading.reasons == (FAILED,)
