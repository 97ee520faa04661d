"""What the worklist shows, in which order, and in which words."""

from typing import Any

import pytest

from pneumoscope.core import Claim
from pneumoscope.service.store import people
from pneumoscope.service.web.worklist import READ_FIRST_S, Order, worklist


def kinds(site: Any, **options: Any) -> list[str]:
    return [row.kind for row in worklist(site.store, claim=site.config.reading.claim, **options).rows]


@pytest.mark.req("REQ-TR-01")
def test_under_a_triage_claim_the_most_urgent_study_comes_first(site: Any, clock: Any) -> None:
    for found in (
        {"probability": 0.1},
        {"probability": 0.9},
        {"status": "refused"},
        {"probability": 0.28, "uncertain": True},
        {"probability": 0.6},
    ):
        site.invented(**found)
        clock.now += 1
    found = worklist(site.store, claim=Claim.TRIAGE, order=Order.FIRST).rows
    assert [row.kind for row in found] == ["suspicious", "uncertain", "suspicious", "refused", "clear"]
    assert [row.rank for row in found] == [1, 2, 3, 4, 5]
    assert found[0].finding.probability == "90.0 %"


@pytest.mark.req("REQ-CL-01")
def test_without_a_triage_claim_the_order_is_that_of_receipt_whatever_is_asked_for(make_site: Any) -> None:
    site = make_site(claim=Claim.DETECTION)
    for probability in (0.9, 0.1, 0.5):
        site.invented(probability=probability)
    found = worklist(site.store, claim=Claim.DETECTION, order=Order.FIRST)
    assert found.order is Order.NEWEST
    assert [row.finding.decision.probability for row in found.rows] == [0.5, 0.1, 0.9]
    assert [row.rank for row in found.rows] == [None] * 3
    page = site.client().get("/").text
    assert "Read this first" not in page


def test_what_a_person_answered_or_an_earlier_shift_had_loses_its_rank(site: Any, clock: Any) -> None:
    old = site.invented(probability=0.99)
    clock.now += READ_FIRST_S + 1
    answered = site.invented(probability=0.95)
    people.add_feedback(site.store, answered, person="Dr. A", agrees=True, comment="")
    site.invented(probability=0.2)
    found = worklist(site.store, claim=Claim.BOTH, order=Order.FIRST).rows
    assert [row.rank for row in found] == [1, None, None]
    assert [row.finding.image.id for row in found[1:]] == [answered.id, old.id]
    assert found[1].reviewed


def test_the_most_suspicious_image_decides_and_a_refused_lateral_does_not_hide_it(site: Any) -> None:
    site.invented(study_uid="1.2", status="refused")
    decisive = site.invented(study_uid="1.2", probability=0.7)
    site.invented(study_uid="1.2", probability=0.1)
    (row,) = worklist(site.store, claim=Claim.BOTH).rows
    assert row.finding.image.id == decisive.id
    assert len(row.others) == 2
    page = site.client().get("/").text
    assert "Another image: not analysed, Modality: expected CR or DX, found CT" in page


@pytest.mark.req("REQ-RD-05")
def test_a_study_with_an_image_still_waiting_is_not_called_clear(site: Any) -> None:
    site.invented(study_uid="1.2", probability=0.1)
    site.invented(study_uid="1.2", status="waiting")
    assert kinds(site) == ["waiting"]


def test_counts_are_of_all_studies_and_rows_of_those_asked_for(site: Any) -> None:
    for status, probability in (("analysed", 0.9), ("analysed", 0.1), ("refused", 0), ("failed", 0), ("waiting", 0)):
        site.invented(status=status, probability=probability)
    found = worklist(site.store, claim=Claim.BOTH, show="failed")
    assert found.counts == {"suspicious": 1, "uncertain": 0, "clear": 1, "waiting": 1, "refused": 1, "failed": 1}
    assert [row.kind for row in found.rows] == ["failed"]
    assert kinds(site, show="nonsense") == ["waiting", "failed", "refused", "clear", "suspicious"]


def test_long_lists_come_in_pages_and_lose_no_study(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pneumoscope.service.web.worklist.PAGE", 3)
    ids = [site.invented().id for _ in range(7)]
    pages = [worklist(site.store, claim=Claim.BOTH, page=page) for page in (1, 2, 3, 9)]
    assert [one.page for one in pages] == [1, 2, 3, 3]
    assert [row.finding.image.id for one in pages[:3] for row in one.rows] == ids[::-1]


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"probability": 0.8}, "Suspicious for pneumonia"),
        ({"probability": 0.1}, "Not suspicious for pneumonia"),
        ({"probability": 0.31, "uncertain": True}, "Leans to suspicious for pneumonia"),
        ({"status": "refused"}, "Modality: expected CR or DX, found CT"),
        ({"status": "failed"}, "Could not be read"),
        ({"status": "waiting"}, "Waiting to be read"),
    ],
)
def test_each_result_is_said_in_plain_words(site: Any, result: dict[str, Any], words: str) -> None:
    image = site.invented(**result)
    assert words in site.client().get("/").text
    page = site.client().get(f"/images/{image.id}").text
    assert words in page.replace("<b>", "").replace("</b>", "").replace("\n      ", " ")
    assert ("This is not a negative result." in page) == (result.get("status") in ("refused", "failed"))


def test_a_probability_just_below_the_threshold_is_not_rounded_up_to_it(site: Any) -> None:
    site.invented(probability=0.29996)
    page = site.client().get("/").text
    assert "29.996 %" in page
    assert "Not suspicious for pneumonia" in page
