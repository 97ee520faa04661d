import json

import pytest
from fhir.resources.R4B.bundle import Bundle
from sqlalchemy import text
from tests.service.conftest import build_object, encode

from pneumoscope.service.completion import Completion
from pneumoscope.service.config import Destination, ReadingConfig, StudyConfig
from pneumoscope.service.store import Route, deliveries, studies
from pneumoscope.service.worker import Worker

WHERE = (
    Destination(name="hook", webhook="http://x"),
    Destination(name="fhir", fhir="http://x"),
    Destination(name="pacs", ae_title="PACS"),
    Destination(name="others", webhook="http://x", callers=("CR2",)),
)


@pytest.fixture
def site(store, spool, inbox, artifact):
    worker = Worker(ReadingConfig(), name="w", store=store, spool=spool, artifact=artifact, destinations=())

    def take(*uids):
        for uid in uids:
            inbox.take(encode(build_object(uid)), caller="CR1", route=Route.UPLOAD)
        worker.work()

    def make(**options):
        return Completion(StudyConfig(**options), store=store, spool=spool, destinations=WHERE)

    return take, make


def test_a_complete_study_gets_one_result_and_it_goes_to_those_who_want_it(site, store, spool, clock):
    take, make = site
    take("1.1", "1.2")
    completion = make()
    assert completion.work() == 0
    clock.now += 61
    assert completion.work() == 1
    assert completion.work() == 0
    study = studies.find(store, "1.2.3")
    line = json.loads(study.line)
    assert (study.completed_by, line["finding"], len(line["images"])) == ("time-out", "not analysed", 2)
    sent = {one.destination: one for one in deliveries.of_study(store, "1.2.3")}
    assert set(sent) == {"hook", "fhir"}
    assert json.loads(spool.path(sent["hook"].file).read_text()) == line
    assert Bundle.model_validate_json(spool.path(sent["fhir"].file).read_text())


def test_a_late_image_makes_a_second_result_with_all_images(site, store):
    take, make = site
    completion = make(expected_images=1)
    take("1.1")
    completion.work()
    take("1.2")
    assert completion.work() == 1
    assert len(json.loads(studies.find(store, "1.2.3").line)["images"]) == 2
    assert [one.object for one in deliveries.of_study(store, "1.2.3") if one.destination == "hook"] == [
        "study:1.2.3:1",
        "study:1.2.3:2",
    ]


def test_the_end_of_a_triggers_association_completes_what_it_brought(site, store):
    take, make = site
    take("1.1")
    completion = make(triggers=("ROUTER",))
    completion.released("CR1", {"1.2.3"})
    assert completion.work() == 0
    completion.released("ROUTER", {"1.2.3"})
    assert completion.work() == 1
    assert studies.find(store, "1.2.3").completed_by == "trigger"


def test_a_study_with_a_damaged_result_line_delays_no_other_study(site, store, clock):
    take, make = site
    take("1.1")
    with store.writing() as connection:
        connection.execute(text("UPDATE results SET line = '{'"))
    take("1.2")
    completion = make(expected_images=1)
    with store.writing() as connection:
        connection.execute(text("UPDATE images SET study_uid = '9.9' WHERE uid = '1.2'"))
        connection.execute(text("UPDATE results SET study_uid = '9.9' WHERE image_id = 2"))
        connection.execute(text("INSERT INTO studies VALUES ('9.9', 1, 1, 1, NULL, NULL, NULL)"))
    assert completion.work() == 1
    assert studies.find(store, "9.9").completed_at == clock.now
    assert completion.work() == 0, "the damaged one waits"
