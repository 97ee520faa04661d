"""What the worklist shows, in which order, and in which words."""

import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from pneumoscope.core import Claim
from pneumoscope.service.store import people, tables
from pneumoscope.service.store import worklist as store_worklist
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
    assert found[0].deciding.probability == "90.0 %"


@pytest.mark.req("REQ-CL-01")
def test_without_a_triage_claim_the_order_is_that_of_receipt_whatever_is_asked_for(make_site: Any) -> None:
    site = make_site(claim=Claim.DETECTION)
    for probability in (0.9, 0.1, 0.5):
        site.invented(probability=probability)
    found = worklist(site.store, claim=Claim.DETECTION, order=Order.FIRST)
    assert found.order is Order.NEWEST
    assert [row.deciding.decision.probability for row in found.rows] == [0.5, 0.1, 0.9]
    assert [row.rank for row in found.rows] == [None] * 3
    page = site.client().get("/").text
    assert "Reading order" not in page


def test_what_a_person_answered_or_an_earlier_shift_had_loses_its_rank(site: Any, clock: Any) -> None:
    old = site.invented(probability=0.99)
    clock.now += READ_FIRST_S + 1
    answered = site.invented(probability=0.95)
    people.add_feedback(site.store, answered, person="Dr. A", agrees=True, comment="")
    site.invented(probability=0.2)
    found = worklist(site.store, claim=Claim.BOTH, order=Order.FIRST).rows
    assert [row.rank for row in found] == [1, None, None]
    assert [row.deciding.image.id for row in found[1:]] == [answered.id, old.id]
    assert found[1].reviewed


def test_the_most_suspicious_image_decides_and_a_refused_lateral_does_not_hide_it(site: Any) -> None:
    site.invented(study_uid="1.2", status="refused")
    decisive = site.invented(study_uid="1.2", probability=0.7)
    site.invented(study_uid="1.2", probability=0.1)
    (row,) = worklist(site.store, claim=Claim.BOTH).rows
    assert row.deciding.image.id == decisive.id
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
    assert [row.deciding.image.id for one in pages[:3] for row in one.rows] == ids[::-1]


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


def earlier(site: Any, *, days: int, probability: float, **columns: Any) -> Any:
    """An image of the same patient, of a study as many days before 2 January 2026."""
    image = site.invented(probability=probability, **columns)
    with site.store.writing() as connection:
        dated = (datetime(2026, 1, 2) - timedelta(days=days)).strftime("%Y%m%d")
        connection.execute(update(tables.images).where(tables.images.c.id == image.id).values(study_date=dated))
    return image


def prior_of(site: Any, image: Any) -> Any:
    """The prior in the row of that image."""
    rows = worklist(site.store, claim=Claim.BOTH).rows
    return next(row.prior for row in rows if row.deciding.image.id == image.id)


def test_a_rise_since_the_prior_is_a_column_of_the_worklist(site: Any) -> None:
    prior = earlier(site, days=30, probability=0.2)
    now = earlier(site, days=0, probability=0.55)
    found = prior_of(site, now)
    assert (found.image_id, found.date, found.change, found.is_rise) == (prior.id, "03 Dec 2025", 0.55 - 0.2, True)
    assert prior_of(site, prior) is None
    page = site.client().get("/").text
    assert "Since prior" in page
    assert "+35" in page
    answers = site.client().get("/api/v1/worklist").json()["studies"]
    assert [one["prior"] for one in answers if one["deciding"]["id"] == now.id] == [
        {"id": prior.id, "probability": 0.2, "change": 0.55 - 0.2}
    ]


def test_the_prior_is_the_last_earlier_study_by_its_date_and_not_by_when_it_came(site: Any) -> None:
    now = earlier(site, days=0, probability=0.5)
    last = earlier(site, days=10, probability=0.4)  # fetched from the archive afterwards
    earlier(site, days=400, probability=0.1)
    assert prior_of(site, now).image_id == last.id


@pytest.mark.parametrize(
    ("column", "value"), [("patient_id", ""), ("patient_id", "other"), ("patient_name", "Other^B")]
)
def test_another_patient_s_study_is_no_prior(site: Any, column: str, value: str) -> None:
    prior, now = earlier(site, days=30, probability=0.2), earlier(site, days=0, probability=0.5)
    for image in (prior, now) if value == "" else (prior,):
        with site.store.writing() as connection:
            change = update(tables.images).where(tables.images.c.id == image.id)
            connection.execute(change.values({column: value}))
    assert prior_of(site, now) is None


def test_a_prior_that_another_model_read_has_no_change(site: Any) -> None:
    earlier(site, days=30, probability=0.2, model_sha256="cd" * 32)
    found = prior_of(site, earlier(site, days=0, probability=0.5))
    assert (found.change, found.is_rise, found.words) == (None, False, "–")


@pytest.mark.parametrize(("was", "words"), [(0.5, "0"), (0.604, "−10"), (0.496, "0"), (0.3, "+20")])
def test_a_change_is_told_in_whole_percentage_points(site: Any, was: float, words: str) -> None:
    earlier(site, days=30, probability=was)
    assert prior_of(site, earlier(site, days=0, probability=0.5)).words == words


def test_feedback_is_looked_up_for_the_studies_in_the_list_only(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "feedback_since", None)  # would load all there ever was
    monkeypatch.setattr("pneumoscope.service.web.worklist.NEWEST", 2)
    images = [site.invented() for _ in range(3)]
    for image in images[:2]:
        people.add_feedback(site.store, image, person="Dr. A", agrees=True, comment="")
    assert store_worklist.reviewed_studies(site.store, from_image_id=images[1].id) == {images[1].study_uid}
    assert [row.reviewed for row in worklist(site.store, claim=Claim.BOTH).rows] == [False, True]


def test_a_worklist_of_five_thousand_studies_is_read_in_a_handful_of_queries(site: Any) -> None:
    first = site.invented()
    with site.store.writing() as connection:
        image, result = (
            dict(connection.execute(select(table)).mappings().one()) for table in (tables.images, tables.results)
        )
        numbers = range(first.id + 1, first.id + 5000)
        found = [result | {"image_id": number, "study_uid": f"1.3.{number}"} for number in numbers]
        connection.execute(
            tables.images.insert(),
            [image | {"id": n, "uid": f"1.2.{n}", "study_uid": f"1.3.{n}", "patient_id": f"P{n}"} for n in numbers],
        )
        connection.execute(tables.results.insert(), found)
    statements: list[str] = []
    event.listen(site.store.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
    started = time.process_time()
    shown = worklist(site.store, claim=Claim.BOTH, order=Order.FIRST)
    elapsed_s = time.process_time() - started
    assert (sum(shown.counts.values()), shown.pages, len(shown.rows)) == (5000, 50, 100)
    assert len([one for one in statements if one.startswith("SELECT")]) == 5
    assert elapsed_s < 1.0, "some 0.1 s on one core when nothing else runs"
