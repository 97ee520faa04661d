"""The commands as a user runs them: exit codes, what is printed, what is written."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumoscope.cli.read import Job, show
from pneumoscope.cli.terminal import LONGEST_TABLE
from pneumoscope.core import Check, Decision, ModelIdentity, Outcome, Status
from pneumoscope.phantom import studies_folder
from pneumoscope.results import Reading


def pneumoscope(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pneumoscope", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd)


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A folder with one file that is no image, one that is empty, and one synthetic study."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.dcm").write_bytes(b"this is not a radiograph")
    (folder / "b.dcm").touch()
    study = next(path for path in sorted(studies_folder().glob("*.dcm")) if "pa" in path.name)
    (folder / "c.dcm").write_bytes(study.read_bytes())
    return folder


def test_the_demo_shows_accepted_refused_and_failed_studies_and_writes_the_gallery(tmp_path: Path) -> None:
    done = pneumoscope("demo", "-o", tmp_path / "out")
    assert done.stderr == ""
    results = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    views = {line["view"] for line in results if line["status"] == "analysed"}
    refusals = {reason["check"] for line in results if line["status"] == "refused" for reason in line["reasons"]}
    assert {"PA", "AP"} <= views
    assert {"modality", "body_part", "view", "appearance"} <= refusals
    assert (tmp_path / "out" / "index.html").is_file()
    assert "Research use only" in done.stdout
    assert "pneumoscope read" in done.stdout


def test_unreadable_files_are_lines_like_any_other_and_the_exit_code_says_so(broken: Path, tmp_path: Path) -> None:
    done = pneumoscope("read", broken, "-o", tmp_path / "out", "--json")
    assert done.returncode == 3
    assert [line["status"] for line in lines(done)] == ["failed", "failed", "analysed"]
    assert all(line["positive"] is None for line in lines(done)[:2])
    assert (tmp_path / "out" / "results.jsonl").read_text() == done.stdout


def test_a_refused_study_is_no_failure_of_the_run(tmp_path: Path) -> None:
    study = next(path for path in studies_folder().glob("*.dcm") if "ct-slice" in path.name)
    done = pneumoscope("read", study, "--json")
    assert done.returncode == 0
    assert lines(done)[0]["status"] == "refused"


def test_our_own_report_among_the_images_is_refused_as_what_it_is(broken: Path, tmp_path: Path) -> None:
    pneumoscope("read", broken / "c.dcm", "-o", tmp_path / "out")
    (line,) = lines(pneumoscope("read", next((tmp_path / "out").glob("*.sr.dcm")), "--json"))
    assert line["status"] == "refused"
    assert line["reasons"][0]["found"] == "Comprehensive 3D SR Storage"  # type: ignore[index]


def test_a_relative_and_an_absolute_path_are_read_together(broken: Path) -> None:
    done = pneumoscope("read", broken / "c.dcm", "c.dcm", cwd=broken)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 analysed" in done.stdout


def test_a_long_run_shows_what_was_not_analysed_however_late_it_comes(
    make_reading: Callable[..., Reading], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = [*(make_reading(f"{n}.dcm") for n in range(LONGEST_TABLE + 5)), make_reading("ct.dcm", refused=True)]
    monkeypatch.setattr("pneumoscope.cli.read.run", lambda _job: iter([(one, {"notes": []}) for one in readings]))
    counts = show(Job(paths=[Path("x")]))
    said = capsys.readouterr().out
    assert "expected CR or DX, found CT" in said
    assert f"... 5 more, {LONGEST_TABLE + 6} images in all" in said
    assert counts == {"suspicious": LONGEST_TABLE + 5, "refused": 1}
    assert f"analysed ({LONGEST_TABLE + 5} suspicious, 0 not suspicious, 0 uncertain), 1 refused, 0 failed" in said


@pytest.fixture
def make_reading() -> Callable[..., Reading]:
    """Readings by hand."""

    def make(path: str, *, refused: bool = False) -> Reading:
        decision = Decision(probability=0.9, threshold=0.5, operating_point="balanced", uncertain=False)
        wrong = Check("modality", Outcome.FAILED, "CR or DX", "CT")
        return Reading(
            path=path,
            status=Status.REFUSED if refused else Status.ANALYSED,
            checks=(wrong,) if refused else (),
            model=ModelIdentity(name="m", version="1", sha256="0" * 64),
            elapsed_ms=1.0,
            decision=None if refused else decision,
        )

    return make


def test_only_jsonl_writes_the_lines_and_the_table_file_and_nothing_else(broken: Path, tmp_path: Path) -> None:
    pneumoscope("read", broken, "-o", tmp_path / "out", "--only", "jsonl")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["results.csv", "results.jsonl"]


def test_check_lists_every_check_and_reads_nothing(broken: Path) -> None:
    done = pneumoscope("check", broken, "--json")
    assert done.returncode == 3
    checks = {check["check"]: check["outcome"] for check in lines(done)[2]["checks"]}
    assert {"modality", "body_part", "view", "pixel_content"} <= set(checks)
    assert set(checks.values()) <= {"passed", "not available"}


def test_a_png_is_read_but_no_header_check_is_ever_passed(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 300), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "film.png")
    checks = {
        check["check"]: check["outcome"] for check in lines(pneumoscope("check", tmp_path, "--json"))[0]["checks"]
    }
    assert {checks[name] for name in ("modality", "body_part", "view", "patient_age")} == {"not available"}


@pytest.mark.req("REQ-UI-01")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("read",), "Missing argument"),
        (("read", ".", "--operating-point", "middling"), "expected one of screening, balanced, confirmatory"),
        (("read", ".", "--only", "jsonl"), "expected an output folder"),
        (("read", ".", "--only", "pdf"), "jsonl"),
        (("read", ".", "--model", "none.onnx"), "does not exist"),
        (("train",), "expected either a configuration file or --preset"),
        (("train", "--preset", "nothing"), "expected a preset among"),
        (("frobnicate",), "No such command"),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_was_expected(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = pneumoscope(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_files_is_wrong_use(tmp_path: Path) -> None:
    done = pneumoscope("read", tmp_path)
    assert done.returncode == 2
    assert "found none" in done.stderr


def test_a_place_that_cannot_be_written_is_one_line(broken: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = pneumoscope("read", broken, "-o", tmp_path / "file" / "out")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_a_damaged_model_is_our_fault_and_reads_nothing(broken: Path, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x00" * 1000)
    done = pneumoscope("read", broken, "--model", tmp_path / "model.onnx")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "checksum" in done.stderr


def test_importing_the_package_is_light() -> None:
    heavy = "{'torch', 'highdicom', 'onnxruntime', 'pandas', 'scipy'}"
    code = f"import sys, pneumoscope, pneumoscope.cli; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.parametrize(
    ("command", "missing", "extra"),
    [
        (["eda", __file__, "-o", "report"], "pandas", "data"),
        (["train", "--preset", "default"], "pandas", "train"),
    ],
)
def test_a_missing_library_is_answered_with_the_smallest_extra(command: list[str], missing: str, extra: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from pneumoscope.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert f"pip install 'pneumoscope[{extra}]'" in done.stderr
