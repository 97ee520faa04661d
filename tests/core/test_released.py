import pytest

from pneumoscope.core import ADULT_FROM_YEARS, ConfigError, HeadStart, check_against_device, released_device
from pneumoscope.model import load, shipped_path
from pneumoscope.service import ServiceConfig


def test_a_configuration_like_the_released_device_has_no_difference():
    device = released_device()
    found = {"claim": device.claim, "operating_point": device.operating_point, "monitoring.batch": 25}
    assert check_against_device(found) == ()


def test_each_difference_is_named_with_both_values():
    assert check_against_device({"claim": "detection", "monitoring.batch": 50}) == (
        "claim is detection; the released device has triage",
        "monitoring.batch is 50; the released device has 25",
    )


@pytest.mark.req("REQ-CL-02")
def test_a_claim_that_is_not_set_is_a_difference():
    assert check_against_device({"claim": None}) == ("claim is not set; the released device has triage",)


def test_an_unknown_key_is_wrong_use():
    with pytest.raises(ConfigError, match="found claims"):
        check_against_device({"claims": "triage"})


def test_head_starts_out_of_order_are_refused():
    with pytest.raises(ConfigError, match="moved_up_min >= not_analysed_min"):
        HeadStart(moved_up_min=10, not_analysed_min=30, not_moved_min=0)


@pytest.mark.req("REQ-CL-02")
def test_the_shipped_model_and_the_defaults_of_monitoring_are_those_of_the_released_device():
    device, card, monitoring = released_device(), load(shipped_path()).card, ServiceConfig().monitoring
    assert device.adult_from_years == ADULT_FROM_YEARS
    assert card.population_of(None) is device.age_unknown
    found = {f"monitoring.{name}": getattr(monitoring, name) for name in ("reference", "batch", "least_agreement")}
    found |= {"youngest_years": card.intended_use.youngest_years, "oldest_years": card.intended_use.oldest_years}
    assert check_against_device(found) == ()
