import pytest

from pneumoscope.core import Claim, Decision


def decision(probability: float) -> Decision:
    return Decision(probability=probability, operating_point="balanced", threshold=0.4, uncertain=False)


@pytest.mark.req("REQ-RD-01")
def test_a_score_equal_to_the_threshold_is_flagged() -> None:
    assert decision(0.4).positive
    assert not decision(0.3999).positive


@pytest.mark.req("REQ-CL-01")
def test_only_the_triage_claim_hides_locations() -> None:
    assert [claim for claim in Claim if not claim.shows_location] == [Claim.TRIAGE]


@pytest.mark.req("REQ-CL-01")
def test_only_the_detection_claim_leaves_the_worklist_in_order() -> None:
    assert [claim for claim in Claim if not claim.orders_worklist] == [Claim.DETECTION]
