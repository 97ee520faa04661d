"""The how-to on reader studies runs as it stands, on the ratings that it shows."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pneumoscope.cli.main import app
from pneumoscope.evaluation import read_evidence

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "reader-study.md").read_text()
RATINGS = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)[0]
COMMANDS = re.findall(r"^pneumoscope (readers .*)$", PAGE, re.MULTILINE)


def test_the_page_shows_both_commands() -> None:
    assert [("--model" in command) for command in COMMANDS] == [False, True]


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_give_what_it_says(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = "".join(f"with,AI,case-0{case},{case % 2},{0.2 + 0.5 * (case % 2)}\n" for case in range(1, 7))
    Path("ratings.csv").write_text(RATINGS + (model if "--model" in command else ""))
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 0, done.output
    assert "2 readers, 6 cases, 3 with the finding" in done.output
    assert "Dorfman-Berbaum-Metz" in done.output
    evidence = read_evidence(Path("study"))
    assert evidence.number("readers.tests.with.readers.R1.auroc").n == 6
    assert "differences" in evidence.at("readers.mrmc.auroc.readers_and_cases")
    assert (Path("study") / "figures" / "readers.svg").is_file()
    assert ("f1" in evidence.at("readers")) is ("--model" in command)


def test_what_is_wrong_with_the_ratings_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(RATINGS.replace("with,R2,case-04,0,4\n", ""))
    done = CliRunner().invoke(app, ["readers", str(path), "-o", str(tmp_path / "study")])
    assert done.exit_code not in (0, 1)
    assert "no rating for with; R2; case-04" in done.output.replace("with, R2, case-04", "with; R2; case-04")
    assert not (tmp_path / "study").exists()
