"""The study page, the film behind it, and what the claim lets it show."""

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset

from pneumoscope.core import Claim
from pneumoscope.intake import read_radiograph
from pneumoscope.phantom import studies_folder
from pneumoscope.service.store import images, people
from pneumoscope.service.web.film import _sides, _spacing, film, marks


def test_the_film_has_the_grey_values_that_were_read_to_sixteen_bits(site: Any) -> None:
    image = site.image()
    answer = site.client().get(f"/images/{image.id}/film")
    shape = int(answer.headers["film-rows"]), int(answer.headers["film-columns"])
    shown = np.frombuffer(answer.content, dtype="<u2").reshape(shape) / 65535
    read = read_radiograph(studies_folder() / "7-hand-labelled-chest.dcm").pixels
    assert read is not None
    assert np.abs(shown - read).max() <= 0.5 / 65535 + 1e-7
    assert len(np.unique(shown)) > 256


def test_a_film_larger_than_the_screen_is_reduced_and_its_scale_with_it(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = site.spool.path(site.image().file)
    whole = film.__wrapped__(path)
    monkeypatch.setattr("pneumoscope.service.web.film.LONGEST_PX", whole.rows // 2)
    half = film.__wrapped__(path)
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
    assert _sides(ds) == sides


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
    assert _spacing(ds) == found


@pytest.mark.parametrize(("claim", "shown"), [(Claim.TRIAGE, False), (Claim.DETECTION, True), (Claim.BOTH, True)])
@pytest.mark.req("REQ-CL-01")
def test_a_triage_claim_shows_no_location_anywhere(make_site: Any, claim: Claim, shown: bool) -> None:
    site = make_site(claim=claim)
    image = site.image(heat=True)
    page = site.client().get(f"/images/{image.id}").text
    assert site.client().get(f"/images/{image.id}/heat").status_code == (200 if shown else 404)
    for words in ("data-heat", "data-marks", "Heat map", "Boxes"):
        assert (words in page) is shown, words


def test_boxes_lie_around_what_is_hot() -> None:
    heat = np.zeros((256, 128), dtype=np.float32)
    heat[32:96, 16:48] = 0.8
    heat[200:202, 100:101] = 0.9
    heat[128:192, 64:96] = 0.5
    assert marks(heat) == [(0.125, 0.125, 0.375, 0.375)]


def test_two_hot_places_get_a_box_each() -> None:
    heat = np.zeros((128, 128), dtype=np.float32)
    heat[10:30, 10:30] = heat[80:100, 90:120] = 0.7
    assert len(marks(heat)) == 2


def test_previous_results_are_of_the_same_patient_and_other_studies(site: Any) -> None:
    now, before = site.invented(), site.invented(probability=0.123)
    site.invented(study_uid=now.study_uid, probability=0.456)
    page = site.client().get(f"/images/{now.id}").text
    earlier = page[page.index("Previous results") :]
    assert f'href="/images/{before.id}"' in earlier
    assert "12.3 %" in earlier
    assert "45.6 %" not in earlier


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
    assert site.client().get(f"/images/{image.id}/film").status_code == 404


def test_a_refused_image_can_still_be_looked_at(site: Any) -> None:
    image = site.image("5-hand", status="refused")
    assert 'id="film"' in site.client().get(f"/images/{image.id}").text
    assert site.client().get(f"/images/{image.id}/film").status_code == 200


def test_an_image_that_cannot_be_decoded_says_why_and_names_no_file(site: Any) -> None:
    image = site.image("8-truncated", status="failed")
    answer = site.client().get(f"/images/{image.id}/film")
    assert answer.status_code == 422
    assert "expected 524,288 bytes" in answer.json()["detail"]
    assert "objects/" not in answer.text
