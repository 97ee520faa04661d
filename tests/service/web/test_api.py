"""The REST interface: upload, results, worklist, feedback, health, metrics, and its description."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.service.conftest import build_object, encode

from pneumoscope.phantom import studies_folder
from pneumoscope.service.inbox import OWN_NAME
from pneumoscope.service.store import images

ROOT = Path(__file__).resolve().parents[3]


def upload(site: Any, content: bytes, name: str = "a.dcm") -> Any:
    return site.client().post("/api/v1/images", files={"file": (name, content)})


def test_an_uploaded_image_is_in_the_queue_when_the_answer_comes(site: Any) -> None:
    answer = upload(site, (studies_folder() / "5-hand.dcm").read_bytes())
    (image,) = answer.json()["images"]
    assert answer.status_code == 202
    assert image["known"] is False
    (queued,) = images.of_ids(site.store, [image["id"]])
    assert (queued.route, queued.caller, queued.state) == ("upload", "upload", "received")
    assert site.spool.path(queued.file).is_file()
    assert site.client().get(f"/api/v1/images/{image['id']}").json()["result"] == "waiting"


def test_the_same_image_uploaded_again_is_known_and_not_read_twice(site: Any) -> None:
    content = (studies_folder() / "5-hand.dcm").read_bytes()
    first, second = (upload(site, content).json()["images"][0] for _ in range(2))
    assert second == {"id": first["id"], "known": True}


def test_each_member_of_a_zip_is_an_image_and_what_is_none_is_told(site: Any) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("5-hand.dcm", "7-hand-labelled-chest.dcm"):
            archive.write(studies_folder() / name, f"Sentinel^Patient/{name}")
        archive.writestr("Sentinel^Patient/report.txt", "nothing to see")
    answer = upload(site, stream.getvalue(), "a.zip")
    assert len(answer.json()["images"]) == 2
    (problem,) = answer.json()["problems"]
    assert problem == "file 3 of the archive: object: expected a DICOM, PNG or JPEG file, found something else"


def test_a_result_of_ours_in_an_exported_study_is_told_and_the_images_are_taken(site: Any) -> None:
    result = build_object("1.1", Manufacturer=OWN_NAME, ManufacturerModelName=OWN_NAME)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("1.dcm", encode(result))
        archive.write(studies_folder() / "5-hand.dcm", "2.dcm")
    answer = upload(site, stream.getvalue(), "a.zip")
    assert len(answer.json()["images"]) == 1
    assert answer.json()["problems"] == ["file 1 of the archive: object: expected an image, found a result of ours"]


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"\0" * 300])
def test_what_is_no_image_is_refused_with_what_was_expected(site: Any, content: bytes) -> None:
    answer = upload(site, content)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "expected" in answer.json()["detail"]
    assert not any(images.count_by_state(site.store).values())


def test_a_full_disk_is_status_507_and_readiness_says_so(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.spool, "_min_free_mb", 10**9)
    assert upload(site, (studies_folder() / "5-hand.dcm").read_bytes()).status_code == 507
    ready = site.client().get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["spool"].startswith("no room")
    assert site.client().get("/healthz").status_code == 200


def test_readiness_follows_the_database(site: Any) -> None:
    assert site.client().get("/readyz").json() == {"ready": True, "checks": {"database": "ok", "spool": "ok"}}
    with site.store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE images RENAME TO gone")
    answer = site.client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "does not answer (OperationalError)"


def test_a_result_has_its_numbers_checks_and_model(site: Any) -> None:
    image = site.invented(probability=0.62, uncertain=True)
    found = site.client().get(f"/api/v1/images/{image.id}").json()
    assert found["decision"] == {
        "probability": 0.62,
        "threshold": 0.3,
        "operating_point": "balanced",
        "positive": True,
        "uncertain": True,
    }
    assert (found["result"], found["view"], found["sop_instance_uid"]) == ("uncertain", "PA", image.uid)
    assert found["checks"] == [{"check": "Modality", "outcome": "passed", "expected": "CR or DX", "found": "DX"}]
    assert found["model"]["name"] == "invented"


def test_a_refused_image_has_reasons_and_no_decision(site: Any) -> None:
    image = site.invented(status="refused")
    found = site.client().get(f"/api/v1/images/{image.id}").json()
    assert found["decision"] is None
    assert [one["found"] for one in found["reasons"]] == ["CT"]


def test_feedback_comes_back_in_the_export_from_the_moment_asked_for(site: Any, clock: Any) -> None:
    image = site.invented()
    for agrees in (True, False):
        clock.now += 10
        question = {"agrees": agrees, "comment": "left base"}
        assert site.client().post(f"/api/v1/images/{image.id}/feedback", json=question).status_code == 201
    everything = site.client().get("/api/v1/feedback").json()
    assert [(one["agrees"], one["person"]) for one in everything] == [(True, "local"), (False, "local")]
    assert site.client().get("/api/v1/feedback", params={"since": clock.now}).json() == everything[1:]


def test_metrics_are_prometheus_s_and_count_what_is_there(site: Any, clock: Any) -> None:
    site.invented()
    site.invented(status="refused")
    site.invented(status="waiting")
    clock.now += 42
    text = site.client().get("/metrics").text
    found = {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["pneumoscope_images", ("done",)] == 1
    assert found["pneumoscope_images", ("refused",)] == 1
    assert found["pneumoscope_images", ("received",)] == 1
    assert found["pneumoscope_oldest_waiting_seconds", ()] == 42
    assert found["pneumoscope_read_last_hour", ()] == 2


def test_the_description_names_every_address_of_the_interface_and_no_page(site: Any) -> None:
    paths = set(site.client().get("/openapi.json").json()["paths"])
    assert {"/api/v1/images", "/api/v1/worklist", "/dicom-web/studies", "/healthz", "/metrics"} <= paths
    assert not {"/", "/login", "/images/{image_id}"} & paths


def test_errors_are_described_under_the_content_type_that_they_have(site: Any) -> None:
    paths = site.client().get("/openapi.json").json()["paths"]
    refused = paths["/api/v1/worklist"]["get"]["responses"]["422"]["content"]
    answer = site.client().get("/api/v1/worklist", params={"page": 0})
    assert (answer.status_code, list(refused)) == (422, [answer.headers["content-type"]])
    assert str(site.client().post("/dicom-web/studies").status_code) in paths["/dicom-web/studies"]["post"]["responses"]


def test_the_reference_in_the_docs_is_the_interface_s_own_description(site: Any) -> None:
    from pneumoscope.service.web.reference import reference

    expected = reference(site.app.openapi())
    path = ROOT / "docs" / "reference" / "rest-api.md"
    assert path.read_text() == expected, f"{path} is stale: python -m pneumoscope.service.web.reference > {path}"


def test_errors_are_pages_for_people_and_problems_for_programs(site: Any) -> None:
    page = site.client().get("/images/9", headers={"accept": "text/html"})
    assert "Not found" in page.text
    problem = site.client().get("/images/9")
    assert problem.json() == {
        "type": "about:blank",
        "title": "Not found",
        "status": 404,
        "detail": "expected the number of an image that is here, found 9",
    }
