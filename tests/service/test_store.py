import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from tests.service.conftest import build_arrival

from pneumoscope.core import ConfigError
from pneumoscope.service.store import (
    DeliveryState,
    Parcel,
    Result,
    State,
    What,
    deliveries,
    images,
    open_store,
    people,
    results,
    studies,
)


def result(image_id, **changes):
    values = dict.fromkeys(Result.__slots__)
    values |= {"image_id": image_id, "study_uid": "1.2.9", "status": "analysed", "model_sha256": "", "line": "{}"}
    return Result(**(values | {"read_at": 1_700_000_005.0} | changes))


def parcel(key, *, destination="pacs", image_id=1):
    return Parcel(
        destination=destination, object=key, what=What.SR, image_id=image_id, study_uid="1.2.9", file="results/x"
    )


def take(store, **options):
    return images.claim(store, worker="w", **({"limit": 8, "lease_s": 60.0} | options))


@pytest.mark.req("REQ-SV-06")
def test_an_object_is_queued_once_whatever_is_sent(store):
    assert images.add(store, build_arrival("1.1"))
    assert not images.add(store, build_arrival("1.1", sha256="1" * 64))
    assert images.count_by_state(store)[State.RECEIVED] == 1
    assert images.find(store, "1.1").sha256 == "0" * 64


def test_two_workers_never_hold_the_same_image(store):
    for number in range(5):
        images.add(store, build_arrival(f"1.{number}"))
    first, second = take(store, limit=3), take(store, limit=3)
    assert [image.uid for image in first] == ["1.0", "1.1", "1.2"]
    assert [image.uid for image in second] == ["1.3", "1.4"]
    assert all(image.state is State.READING for image in first + second)


def test_a_claim_ends_with_its_lease_and_the_image_then_comes_alone(store, clock):
    for number in range(3):
        images.add(store, build_arrival(f"1.{number}"))
    take(store)
    clock.now += 59
    assert take(store) == []
    clock.now += 2
    assert [image.uid for image in take(store)] == ["1.0"]


def test_a_clock_that_is_set_back_does_not_hold_up_the_queue(store, clock):
    images.add(store, build_arrival("1.1"))
    take(store)
    images.release(store, [1], delay_s=5.0)
    clock.now -= 86_400
    assert [image.uid for image in take(store)] == ["1.1"]
    clock.now -= 86_400
    assert [image.uid for image in take(store)] == ["1.1"], "nor does its lease"


def test_a_clock_that_is_set_forward_while_an_image_is_read_gives_one_result(store, clock):
    images.add(store, build_arrival("1.1"))
    take(store)
    clock.now += 86_400
    assert [image.uid for image in take(store)] == ["1.1"], "its lease has ended, as the clock says"
    assert results.record(store, result(1), parcels=[parcel("a")])
    assert not results.record(store, result(1), parcels=[parcel("a")])
    assert len(deliveries.claim(store, "pacs", worker="c", limit=9, lease_s=60)) == 1
    assert take(store) == []


def test_a_node_that_starts_again_takes_up_its_own_claims_only(store):
    for number in range(2):
        images.add(store, build_arrival(f"1.{number}"))
    images.claim(store, worker="host:1/reader0", limit=1, lease_s=60)
    images.claim(store, worker="host:11/reader0", limit=1, lease_s=60)
    assert images.release_claims_of(store, "host:1/") == 1
    assert [image.uid for image in take(store)] == ["1.0"]


@pytest.mark.req("REQ-SV-06")
def test_a_result_and_its_deliveries_are_kept_together_and_once(store):
    images.add(store, build_arrival("1.1"))
    take(store)
    assert results.record(store, result(1), parcels=[parcel("a"), parcel("b")])
    assert not results.record(store, result(1), parcels=[parcel("c")])
    assert images.find(store, "1.1").state is State.DELIVERING
    assert len(deliveries.claim(store, "pacs", worker="c", limit=9, lease_s=60)) == 2


@pytest.mark.parametrize(
    ("status", "state"), [("analysed", State.DONE), ("refused", State.REFUSED), ("failed", State.FAILED)]
)
def test_an_image_ends_with_its_last_delivery(store, status, state):
    images.add(store, build_arrival("1.1"))
    take(store)
    results.record(store, result(1, status=status), parcels=[parcel("a"), parcel("a", destination="other")])
    (first,) = deliveries.claim(store, "pacs", worker="c", limit=9, lease_s=60)
    deliveries.succeed(store, first)
    assert images.find(store, "1.1").state is State.DELIVERING
    (last,) = deliveries.claim(store, "other", worker="c", limit=9, lease_s=60)
    deliveries.succeed(store, last)
    assert images.find(store, "1.1").state is state


def test_a_dead_letter_waits_for_a_person_who_replays_or_discards_it(store):
    images.add(store, build_arrival("1.1"))
    take(store)
    results.record(store, result(1), parcels=[parcel("a")])
    (one,) = deliveries.claim(store, "pacs", worker="c", limit=9, lease_s=60)
    deliveries.mark_dead(store, [one.id], error="refused")
    assert [letter.error for letter in deliveries.dead_letters(store)] == ["refused"]
    assert deliveries.claim(store, "pacs", worker="c", limit=9, lease_s=60) == []
    assert images.find(store, "1.1").state is State.DELIVERING
    assert deliveries.replay(store, one.id)
    assert not deliveries.replay(store, one.id)
    (again,) = deliveries.claim(store, "pacs", worker="c", limit=9, lease_s=60)
    deliveries.mark_dead(store, [again.id], error="refused")
    assert deliveries.discard(store, again.id)
    assert not deliveries.discard(store, again.id)
    assert images.find(store, "1.1").state is State.DONE
    assert deliveries.count_by_destination(store)["pacs"][DeliveryState.DISCARDED] == 1


def test_a_study_is_due_when_its_images_are_read_and_time_trigger_or_count_say_so(store, clock):
    def due(**options):
        return [by for _, by in studies.due(store, **({"complete_after_s": 60.0, "expected_images": 0} | options))]

    images.add(store, build_arrival("1.1"))
    clock.now += 61
    assert due() == [], "its image is not read"
    take(store)
    results.record(store, result(1), parcels=[])
    assert due() == ["time-out"]
    clock.now -= 30
    assert due() == []
    assert due(expected_images=1) == ["count"]
    studies.trigger(store, ["1.2.9"])
    assert due() == ["trigger"]


def test_a_late_image_opens_its_study_again(store, clock):
    images.add(store, build_arrival("1.1"))
    study = studies.find(store, "1.2.9")
    clock.now += 1
    images.add(store, build_arrival("1.2"))
    assert not studies.complete(store, study, by="count", line="{}", parcels=[]), "an image came in between"
    assert studies.complete(store, studies.find(store, "1.2.9"), by="count", line="{}", parcels=[])
    images.add(store, build_arrival("1.3"))
    assert studies.find(store, "1.2.9").completed_at is None


@pytest.mark.req("REQ-SV-07")
def test_the_audit_log_cannot_be_changed_or_shortened(store):
    people.audit(store, person="p", address="127.0.0.1", action="view", target="abc")
    for statement in ("UPDATE audit SET person = 'x'", "DELETE FROM audit"):
        with pytest.raises(DatabaseError, match="append-only"), store.writing() as connection:
            connection.execute(text(statement))
    assert [entry.person for entry in people.audit_entries(store, limit=9)] == ["p"]


def test_a_database_that_cannot_be_opened_is_a_configuration_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="expected a database that can be opened"):
        open_store(f"sqlite:///{tmp_path}/file/queue.db")
    with pytest.raises(ConfigError, match="expected a database"):
        open_store("nonsense")
