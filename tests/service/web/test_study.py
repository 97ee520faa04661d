"""The study page, the image on it, and what the claim lets it show."""

import json
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset

from pneumoscope.core import Claim, Geometry
from pneumoscope.intake import read_radiograph
from pneumoscope.phantom import studies_folder
from pneumoscope.service.store import images, people
from pneumoscope.service.web.viewer_image import _sides, _spacing, boxes, viewer_image


def test_the_image_has_the_grey_values_that_were_read_to_sixteen_bits(site: Any) -> None:
    image = site.image()
    answer = site.client().get(f"/images/{image.id}/pixels")
    shape = int(answer.headers["image-rows"]), int(answer.headers["image-columns"])
    shown = np.frombuffer(answer.content, dtype="<u2").reshape(shape) / 65535
    read = read_radiograph(studies_folder() / "7-hand-labelled-chest.dcm").pixels
    assert read is not None
    assert np.abs(shown - read).max() <= 0.5 / 65535 + 1e-7
    assert len(np.unique(shown)) > 256


def test_an_image_larger_than_the_screen_is_reduced_and_its_scale_with_it(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = site.spool.path(site.image().file)
    whole = viewer_image.__wrapped__(path)
    monkeypatch.setattr("pneumoscope.service.web.viewer_image.LONGEST_PX", whole.rows // 2)
    half = viewer_image.__wrapped__(path)
    assert (half.rows, half.columns) == (whole.rows // 2, whole.columns // 2)
    assert half.spacing_mm == pytest.approx(2 * whole.spacing_mm)


@pytest.mark.parametrize(
    ("said", "sides"),
    [
        (["L", "F"], ("R", "L", "H", "F")),
        (["R", "F"], ("L", "R", "H", "F")),
        (["AL", "FP"], ("PR", "AL", "HA", "FP")),
        (["L"], ("", "", "", "")),
        (["UP", "F"], ("", "", "", "")),
        (None, ("", "", "", "")),
    ],
)
def test_the_edges_are_lettered_by_the_header_or_not_at_all(said: Any, sides: tuple[str, ...]) -> None:
    ds = Dataset()
    if said:
        ds.add_new("PatientOrientation", "CS", said)
    assert _sides(ds, None) == sides


@pytest.mark.parametrize(
    ("geometry", "sides"),
    [
        ({"mirrored": True, "oriented": True}, ("R", "L", "H", "F")),
        ({"transposed": True, "oriented": True}, ("R", "L", "H", "F")),
        ({"mirrored": True}, ("", "", "", "")),
        ({"pixel_aspect": (2, 1)}, ("L", "R", "H", "F")),
    ],
)
def test_the_letters_are_those_of_the_image_as_it_is_shown(geometry: dict[str, Any], sides: tuple[str, ...]) -> None:
    ds = Dataset()
    ds.PatientOrientation = ["R", "F"]
    assert _sides(ds, Geometry(stored_shape=(20, 10), shape=(20, 10), **geometry)) == sides


@pytest.mark.parametrize(
    ("shape", "transposed", "spacing_mm"), [((40, 10), False, 0.1), ((10, 40), True, 0.1), ((20, 10), False, None)]
)
def test_the_scale_is_that_of_the_image_as_it_is_shown(
    shape: tuple[int, int], transposed: bool, spacing_mm: float | None
) -> None:
    ds = Dataset()
    ds.PixelSpacing = [0.2, 0.1]
    geometry = Geometry(stored_shape=(20, 10), shape=shape, pixel_aspect=(2, 1), transposed=transposed)
    assert _spacing(ds, geometry) == (spacing_mm, False)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("age", "Adults, by the age in the header"),
        ("given", "Adults, set by this site"),
        ("default", "Adults, by default: the image has no usable age"),
        (None, "Adults"),
    ],
)
def test_the_page_says_whose_rule_read_the_image_and_why(site: Any, source: str | None, words: str) -> None:
    line = {"checks": [], "model": {"name": "m", "version": "1", "sha256": "ab"}, "notes": [], "population": "adults"}
    line |= {"population_source": source} if source else {}
    image = site.invented(line=json.dumps(line))
    page = site.client().get(f"/images/{image.id}").text
    assert f"<dd>{words}</dd>" in page
    assert ("Read by the rule for adults, by default" in page) is (source == "default")
    assert site.client().get(f"/api/v1/images/{image.id}").json()["population"] == words


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ({"ImagerPixelSpacing": [0.15, 0.15], "PixelSpacing": [0.15, 0.15]}, (0.15, True)),
        ({"ImagerPixelSpacing": [0.15, 0.15], "PixelSpacing": [0.1, 0.1]}, (0.1, False)),
        ({"ImagerPixelSpacing": [0.15, 0.15]}, (0.15, True)),
        ({"PixelSpacing": [0.1, 0.1]}, (0.1, False)),
        ({"PixelSpacing": [0.1, 0.2]}, (None, False)),
        ({"PixelSpacing": [0, 0]}, (None, False)),
        ({}, (None, False)),
    ],
)
def test_the_scale_says_whether_it_holds_at_the_detector(header: Any, found: Any) -> None:
    ds = Dataset()
    for keyword, value in header.items():
        setattr(ds, keyword, value)
    assert _spacing(ds, None) == found


@pytest.mark.parametrize(("claim", "shown"), [(Claim.TRIAGE, False), (Claim.DETECTION, True), (Claim.BOTH, True)])
@pytest.mark.req("REQ-CL-01")
def test_a_triage_claim_shows_no_location_anywhere(make_site: Any, claim: Claim, shown: bool) -> None:
    site = make_site(claim=claim)
    image = site.image(heat=True)
    page = site.client().get(f"/images/{image.id}").text
    assert site.client().get(f"/images/{image.id}/heat").status_code == (200 if shown else 404)
    for words in ("data-heat", "data-boxes", "Heat map", "Boxes"):
        assert (words in page) is shown, words


def test_boxes_lie_around_what_is_hot() -> None:
    heat = np.zeros((256, 128), dtype=np.float32)
    heat[32:96, 16:48] = 0.8
    heat[200:202, 100:101] = 0.9
    heat[128:192, 64:96] = 0.5
    assert boxes(heat) == [(0.125, 0.125, 0.375, 0.375)]


def test_two_hot_places_get_a_box_each() -> None:
    heat = np.zeros((128, 128), dtype=np.float32)
    heat[10:30, 10:30] = heat[80:100, 90:120] = 0.7
    assert len(boxes(heat)) == 2


def test_other_results_are_of_the_same_patient_and_other_studies(site: Any) -> None:
    now, before = site.invented(), site.invented(probability=0.123)
    site.invented(study_uid=now.study_uid, probability=0.456)
    page = site.client().get(f"/images/{now.id}").text
    earlier = page[page.index("Other studies") :]
    assert f'href="/images/{before.id}"' in earlier
    assert "12.3 %" in earlier
    assert "45.6 %" not in earlier


def test_the_change_since_the_prior_is_on_the_study_page(site: Any, clock: Any) -> None:
    before = site.invented(probability=0.25)
    clock.now += 60
    now = site.invented(probability=0.6)
    page = site.client().get(f"/images/{now.id}").text
    assert f'<a href="/images/{before.id}">Prior of 02 Jan 2026</a>' in page
    assert "25.0 %" in page
    assert "+35" in page


def test_images_that_name_no_patient_are_not_taken_for_one_patient_s(site: Any) -> None:
    from sqlalchemy import update

    from pneumoscope.service.store import tables

    one, _other = site.invented(), site.invented()
    with site.store.writing() as connection:
        connection.execute(update(tables.images).values(patient_id=""))
    assert "The image names no patient." in site.client().get(f"/images/{one.id}").text


def test_feedback_is_kept_and_shown_and_nothing_is_overwritten(site: Any) -> None:
    image = site.invented()
    for answer, comment in (("agree", ""), ("disagree", "<b>nipple shadow</b>")):
        site.client().post(f"/images/{image.id}/feedback", data={"answer": answer, "comment": comment})
    assert [one.agrees for one in people.feedback_on(site.store, image.uid)] == [True, False]
    page = site.client().get(f"/images/{image.id}").text
    assert "Disagreed" in page
    assert "&lt;b&gt;nipple shadow" in page


def test_what_is_no_longer_kept_is_said_to_be_in_the_pacs(site: Any) -> None:
    image = site.image()
    images.forget_file(site.store, image.id)
    assert "no longer kept here" in site.client().get(f"/images/{image.id}").text
    assert site.client().get(f"/images/{image.id}/pixels").status_code == 404


def test_a_refused_image_can_still_be_looked_at(site: Any) -> None:
    image = site.image("5-hand", status="refused")
    assert 'id="viewer"' in site.client().get(f"/images/{image.id}").text
    assert site.client().get(f"/images/{image.id}/pixels").status_code == 200


def test_an_image_that_cannot_be_decoded_says_why_and_names_no_file(site: Any) -> None:
    image = site.image("8-truncated", status="failed")
    answer = site.client().get(f"/images/{image.id}/pixels")
    assert answer.status_code == 422
    assert "expected 524,288 bytes" in answer.json()["detail"]
    assert "objects/" not in answer.text
