from dataclasses import replace

import pytest

from pneumoscope.results.wording import headline, leaning, percent, percent_beside, sentence


@pytest.mark.req("REQ-RS-05", "REQ-RD-03")
def test_an_uncertain_decision_says_that_a_person_decides_and_where_it_leans(analysed):
    for probability, side in ((0.5, "suspicious"), (0.3, "not suspicious")):
        decision = analysed(probability=probability, uncertain=True).decision
        assert headline(decision) == "Uncertain: a person decides"
        assert leaning(decision) == f"Leans to {side} for pneumonia"


def test_a_certain_decision_names_its_side_and_leans_nowhere(analysed):
    assert headline(analysed(probability=0.41).decision) == "Suspicious for pneumonia"
    assert headline(analysed(probability=0.40).decision) == "Not suspicious for pneumonia"
    assert leaning(analysed().decision) is None


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0.0 %"), (0.0004, "< 0.1 %"), (0.831, "83.1 %"), (0.9996, "> 99.9 %"), (1.0, "100.0 %")],
)
def test_a_share_is_never_rounded_to_certainty(share, words):
    assert percent(share) == words


def test_a_probability_just_below_its_threshold_is_shown_below_it():
    assert percent_beside(0.4099, other=0.41) == "40.99 %"
    assert percent_beside(0.41, other=0.41) == "41.0 %"


@pytest.mark.req("REQ-RS-05")
def test_the_sentence_tells_what_else_a_person_must_know(analysed):
    told = replace(analysed(), notes=("no heat map shown: test",))
    assert ". No heat map shown: test. Research use only" in sentence(told)


def test_the_sentence_has_decision_numbers_and_limits_of_use(analysed):
    assert sentence(analysed()) == (
        "Suspicious for pneumonia. Probability 83.0 %, flagged from 41.0 % (operating point: balanced, adults). "
        "Research use only, not for diagnosis."
    )
    uncertain = replace(analysed(), decision=replace(analysed().decision, uncertain=True))
    assert sentence(uncertain).startswith("Uncertain: a person decides. Leans to suspicious for pneumonia. ")
