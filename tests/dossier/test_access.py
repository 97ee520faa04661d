"""The table of accesses to the test sets is true against the repository's history."""

import shutil
import subprocess
import tomllib
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = tomllib.loads((resources.files("pneumoscope.dossier") / "access.toml").read_text(encoding="utf-8"))


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def needs_history() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git history beside these sources")
    found = subprocess.run(["git", "cat-file", "-e", TABLE["goals_commit"]], cwd=ROOT, capture_output=True, check=False)
    if found.returncode:
        pytest.skip("the history here is shallow")


@pytest.mark.parametrize("access", TABLE["access"], ids=lambda one: f"{one['release']}-{one['moment']}")
def test_each_access_is_a_commit_of_that_day_that_touches_the_releases_evidence_or_model(
    access: dict[str, str],
) -> None:
    needs_history()
    assert git("log", "-1", "--format=%cs", access["commit"]) == access["moment"][:10]
    touched = git("show", "--name-only", "--format=", access["commit"]).splitlines()
    assert any(name.startswith((f"evidence/{access['release']}/", "evidence/")) for name in touched)


def test_no_release_with_test_evidence_is_missing_from_the_table() -> None:
    listed = {access["release"] for access in TABLE["access"]}
    releases = {path.parent.parent.name for path in (ROOT / "evidence").glob("[0-9]*/*-test/evidence.json")}
    assert releases - listed <= {max(releases)}, "the newest release may be the one that the document is about"


def test_the_goals_were_first_committed_on_the_day_that_the_document_says() -> None:
    needs_history()
    assert git("log", "-1", "--format=%cs", TABLE["goals_commit"]) == TABLE["first_written_goals"]
    first = min(access["moment"] for access in TABLE["access"])
    assert first[:10] < TABLE["first_written_goals"]


def test_no_image_of_the_locked_set_was_scored_by_a_release_of_the_table() -> None:
    import csv
    import io

    import pandas as pd

    text = (resources.files("pneumoscope.dossier") / "locked-set.csv").read_text(encoding="utf-8")
    locked = {row["image_id"] for row in csv.DictReader(io.StringIO(text))}
    for release in {access["release"] for access in TABLE["access"]}:
        for path in (ROOT / "evidence" / release).glob("*/predictions.parquet"):
            assert not locked & set(pd.read_parquet(path, columns=["image_id"])["image_id"]), path


def test_a_release_without_an_entry_gets_its_row_from_its_evidence(pristine: Path) -> None:
    from pneumoscope.dossier.fact_tables import read_tables
    from pneumoscope.evaluation import read_release

    release = read_release(pristine / "release")
    tables = read_tables(pristine / "release", card=None, release=release)["access"]["access"]
    assert len(tables) == len(TABLE["access"]) + 1
    own = tables[-1]
    created = release["site-test"].provenance["created"]
    assert (own["release"], own["moment"]) == ("9.9.9", created[:16].replace("T", " "))
    assert own["sets"] == "Synthetic images, site-test"


def test_images_of_the_locked_set_that_the_release_scored_are_counted(pristine: Path) -> None:
    import pandas as pd

    from pneumoscope.dossier.fact_tables import read_tables
    from pneumoscope.evaluation import read_release

    release = read_release(pristine / "release")
    read = read_tables(pristine / "release", card=None, release=release)
    assert read["access"]["locked"]["scored"] == 0
    opened = read["access"]["locked"]["ids"][:3]
    path = release["site-test"].path / "predictions.parquet"
    before = path.read_bytes()
    rows = pd.read_parquet(path)
    rows.loc[:2, "image_id"] = opened
    try:
        rows.to_parquet(path, index=False)
        again = read_tables(pristine / "release", card=None, release=release)
    finally:
        path.write_bytes(before)
    assert again["access"]["locked"]["scored"] == 3
