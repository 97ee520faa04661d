from pathlib import Path

import pytest

from pneumoscope.core import ArtifactError, ConfigError
from pneumoscope.evaluation import Settings, write_evidence
from pneumoscope.evaluation.page import render_page

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def release(tmp_path_factory, make_cohort, make_rows):
    folder = tmp_path_factory.mktemp("release")
    write_evidence(make_cohort(make_rows()), folder / "made", settings=Settings(resamples=20))
    return folder


def render(tmp_path, text, release) -> str:
    (tmp_path / "page.md.jinja").write_text(text)
    return render_page(tmp_path / "page.md.jinja", release)


def test_a_page_shows_a_number_with_its_interval_and_a_count(tmp_path, release):
    page = render(
        tmp_path, '{{ number("made", "labels.Pneumonia.auroc") }} of {{ fact("made", "cohort.images") }}', release
    )
    assert page.endswith("] of 360")
    assert page[0] == "0"


def test_a_number_that_is_not_there_makes_no_page(tmp_path, release):
    with pytest.raises(ArtifactError, match="expected 'Edema'"):
        render(tmp_path, '{{ number("made", "labels.Edema.auroc") }}', release)
    with pytest.raises(ArtifactError, match="expected evidence of other, found made"):
        render(tmp_path, '{{ number("other", "labels.Pneumonia.auroc") }}', release)
    with pytest.raises(ConfigError, match="expected a template"):
        render(tmp_path, "{{ nothing }}", release)


def test_what_a_release_does_not_have_can_be_asked_for(tmp_path, release):
    text = '{{ given("made", "labels.Pneumonia.auroc") }} {{ given("made", "guard") }}'
    assert render(tmp_path, text, release) == "True False"
    groups = render(tmp_path, '{{ names("made", "labels.Pneumonia.subgroups.view") | join(",") }}', release)
    assert groups == "AP,PA"
    with pytest.raises(ArtifactError, match="expected a group, found int"):
        render(tmp_path, '{{ names("made", "cohort.images") }}', release)


def test_a_page_shows_the_rows_of_a_table_and_needs_no_evidence_for_it(tmp_path):
    (tmp_path / "sizes.csv").write_text("px,auroc\n192,0.7\n224,0.8\n")
    shown = render(tmp_path, '{% for row in table("sizes.csv") %}{{ row.px }} {% endfor %}', tmp_path)
    assert shown == "192 224 "
    with pytest.raises(ArtifactError, match="expected a table"):
        render(tmp_path, '{{ table("other.csv") }}', tmp_path)


def test_the_page_about_the_reproduction_is_drawn_from_its_evidence():
    page = ROOT / "docs" / "explanation" / "chexnet-reproduction.md"
    drawn = render_page(page.with_suffix(".md.jinja"), ROOT / "evidence" / "chexnet-reproduction")
    assert drawn == page.read_text(encoding="utf-8"), "run `make evidence`"
