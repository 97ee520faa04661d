"""What the README says in numbers is what the evidence says."""

import re
from pathlib import Path

import pytest

from pneumoscope.evaluation import read_release
from pneumoscope.model import load, shipped_path

ROOT = Path(__file__).resolve().parents[1]
COHORTS = {"Kermany official test, children": "kermany-test", "NIH held-out patients, adults": "nih-test"}
QUESTIONS = {
    "Pneumonia": "Pneumonia",
    "Lung Opacity (RSNA radiologists)": "Pneumonia_as_rsna_opacity",
    "Pneumonia against No Finding": "Pneumonia_against_No_Finding",
}


def rows() -> list[list[str]]:
    lines = (ROOT / "README.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in cells if row[0] in COHORTS]


def test_the_table_of_the_model_is_the_evidences() -> None:
    release = read_release(ROOT / "evidence" / load(shipped_path()).card.version)
    assert len(rows()) == 4
    for images, reference, counts, area in rows():
        evidence, question = release[COHORTS[images]], f"labels.{QUESTIONS[reference]}"
        number = evidence.number(f"{question}.auroc")
        assert area == f"{number.value:.3f} [{number.low:.3f}, {number.high:.3f}]"
        assert counts == f"{evidence.at(f'{question}.n')} ({evidence.at(f'{question}.positives')})"


def test_the_evidence_is_of_the_model_that_ships() -> None:
    identity = load(shipped_path()).identity
    for evidence in read_release(ROOT / "evidence" / identity.version).values():
        assert evidence.provenance["model"]["sha256"] == identity.sha256


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing
