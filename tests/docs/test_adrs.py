"""Architecture decision records: numbered without gaps, one page each, cited by their own number."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDS = sorted((ROOT / "docs" / "adr").glob("*.md"))
LONGEST_PAGE = 60


def test_records_are_numbered_without_gaps_and_say_their_number() -> None:
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))
    for record in RECORDS:
        assert record.read_text().startswith(f"# {int(record.name[:4])}. ")


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.name)
def test_a_record_is_one_page(record: Path) -> None:
    assert len(record.read_text().splitlines()) <= LONGEST_PAGE


def test_every_mention_of_a_record_names_one_that_exists() -> None:
    names = {record.name for record in RECORDS}
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").rglob("*.jinja")]
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "src").rglob("*.toml"), ROOT / "pyproject.toml"]
    for page in [*pages, *sources]:
        text = page.read_text()
        for name in re.findall(r"adr/(\d{4}-[a-z0-9-]+\.md)", text):
            assert name in names, f"{page}: {name}"
        for number, name in re.findall(r"\[ADR\s+(\d+)\]\([^)]*?(\d{4})-[a-z0-9-]+\.md\)", text):
            assert int(number) == int(name), f"{page}: ADR {number} links to {name}"
