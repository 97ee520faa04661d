import pytest

from pneumoscope.model import UNJUDGED_HEAT, HeatRule
from pneumoscope.reading.heat_display import decide_heat_display

LIMITED = HeatRule(shown=True, why="it points right", largest_outside=0.4, rule="test")


def test_heat_within_the_limit_is_shown_without_a_word() -> None:
    verdict = decide_heat_display(LIMITED, outside=0.4, flagged=True)
    assert (verdict.shown, verdict.uncertain, verdict.notes) == (True, False, ())


@pytest.mark.req("REQ-RD-07")
def test_a_flag_whose_heat_lies_outside_the_lungs_is_uncertain_and_its_map_is_not_shown() -> None:
    verdict = decide_heat_display(LIMITED, outside=0.62, flagged=True)
    assert (verdict.shown, verdict.uncertain) == (False, True)
    assert verdict.notes == (
        "uncertain, and no heat map shown: 62 % of the heat lies outside the lungs, expected at most 40 %",
    )


def test_what_is_not_flagged_has_no_heat_to_explain() -> None:
    assert decide_heat_display(LIMITED, outside=1.0, flagged=False).uncertain is False


@pytest.mark.req("REQ-RD-07")
def test_a_map_that_validation_does_not_bear_out_is_not_shown_and_the_reason_said() -> None:
    rule = HeatRule(shown=False, why="it points nowhere")
    verdict = decide_heat_display(rule, outside=None, flagged=True)
    assert (verdict.shown, verdict.uncertain) == (False, False)
    assert verdict.notes == ("no heat map shown: it points nowhere",)


@pytest.mark.parametrize("outside", [None, 1.0])
def test_without_a_limit_or_without_lungs_nothing_is_uncertain(outside: float | None) -> None:
    assert decide_heat_display(UNJUDGED_HEAT, outside=outside, flagged=True).shown
    assert decide_heat_display(LIMITED, outside=None, flagged=True).shown
