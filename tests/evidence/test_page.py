from pathlib import Path

import pytest

from pneumoscope.core import ArtifactError, ConfigError
from pneumoscope.evidence import Settings, write_evidence
from pneumoscope.evidence.page import render_page

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


def test_the_page_about_the_reproduction_is_drawn_from_its_evidence():
    page = ROOT / "docs" / "explanation" / "chexnet-reproduction.md"
    drawn = render_page(page.with_suffix(".md.jinja"), ROOT / "evidence" / "chexnet-reproduction")
    assert drawn == page.read_text(encoding="utf-8"), "run `make evidence`"
