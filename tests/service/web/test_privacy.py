"""Nothing of a patient in logs, addresses, metrics and error messages; a grep over what every route says."""

import re
from typing import Any

import pytest

from pneumoscope.service.config import Column


def everything_said(site: Any, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Logs, error bodies, metrics, and the addresses in every page, after all was asked for, well and badly."""
    client = site.client(raise_server_exceptions=False)
    name = site.patient[0]
    pages = [client.get(path, headers={"accept": "text/html"}) for path in ("/", "/images/1", "/images/2", "/audit")]
    errors = [
        client.get("/images/77"),
        client.get(f"/images/{name}"),
        client.get("/", params={"page": name}),
        client.get("/", params={"order": name}),
        client.get(f"/{name}"),
        client.post("/api/v1/images", files={"file": (f"{name}.dcm", b"\0" * 200)}),
        client.post("/api/v1/images/1/feedback", json={"agrees": name}),
        client.post("/images/1/feedback", data={"answer": name}),
        client.get("/images/2/pixels"),
        client.get("/images/3/pixels"),
    ]
    assert all(answer.status_code >= 400 for answer in errors)
    return {
        "log": "".join(capsys.readouterr()),
        "errors": "\n".join(answer.text for answer in errors),
        "metrics": client.get("/metrics").text,
        "addresses": "\n".join(
            found for page in pages for found in re.findall(r'(?:href|src|action|data-\w+)="[^"]*"', page.text)
        ),
    }


@pytest.mark.req("REQ-SV-08")
def test_no_patient_in_logs_addresses_metrics_and_errors(site: Any, capsys: pytest.CaptureFixture[str]) -> None:
    site.image(heat=True)
    site.invented(status="refused")
    broken = site.image("8-truncated", status="failed")
    said = everything_said(site, capsys)
    assert "/images/{image_id}" in said["log"]
    for where, words in said.items():
        assert words, where
        for secret in (*site.patient, broken.uid, broken.study_uid):
            assert secret not in words, where


@pytest.mark.req("REQ-SV-08")
def test_the_worklist_names_patients_only_where_the_site_asks_for_it(make_site: Any) -> None:
    plain, named = make_site(), make_site(columns=(Column.PATIENT_NAME, Column.PATIENT_ID, Column.ACCESSION))
    for one in (plain, named):
        one.invented()
    assert not any(secret in plain.client().get("/").text for secret in plain.patient)
    for secret in named.patient[1:]:
        assert secret in named.client().get("/").text


def test_the_study_page_and_the_interface_name_no_patient(site: Any) -> None:
    image = site.image()
    for path in (f"/images/{image.id}", f"/api/v1/images/{image.id}", "/api/v1/worklist"):
        said = site.client().get(path).text
        assert not any(secret in said for secret in site.patient), path
