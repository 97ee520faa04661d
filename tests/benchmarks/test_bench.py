"""The benchmark itself: turns, ratios, exponents, and a quick run of the rows that need no second environment."""

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.bench.growth import exponent  # noqa: E402
from benchmarks.bench.measure import NotAtHandError, Row, compare  # noqa: E402
from benchmarks.bench.report import cells, markdown  # noqa: E402
from benchmarks.bench.rows import DCMTK, GDCM, ROWS  # noqa: E402


def row(ours: float, theirs: float, *, calls: list[str], target: float | None = None) -> Row:
    def work(name: str, seconds: float):
        def run() -> None:
            calls.append(name)
            time.sleep(seconds)

        return run

    @contextmanager
    def prepare(_: bool):
        yield work("ours", ours), work("theirs", theirs)

    return Row(name="sleep", peer="sleep", prepare=prepare, target=target)


def test_sides_take_turns_and_who_begins_changes():
    calls: list[str] = []
    compare(row(0, 0, calls=calls), turns=3, quick=True)
    assert calls == ["ours", "theirs", *("ours", "theirs"), *("theirs", "ours"), *("ours", "theirs")]


def test_a_ratio_above_one_means_that_ours_is_faster_and_a_missed_target_is_said():
    result = compare(row(0.01, 0.03, calls=[], target=5), turns=3, quick=True)
    assert 1.5 < result.ratio < 4
    assert cells(result)[-1] == "missed"
    assert min(result.ratios) <= result.ratio <= max(result.ratios)


def test_a_peer_that_is_not_at_hand_leaves_a_row_with_the_reason():
    @contextmanager
    def prepare(_: bool):
        raise NotAtHandError("no such peer")
        yield

    result = compare(Row(name="a", peer="b", prepare=prepare), turns=1, quick=True)
    assert "not measured: no such peer" in " ".join(cells(result))
    facts = {"started": "", "processor": "", "cores": 1, "memory_gb": 1, "system": "", "python": "", "versions": {}}
    assert "no such peer" in markdown({"g": [result]}, growth=[], machine=facts, busy=0.0)


def test_the_exponent_of_quadratic_times_is_two():
    sizes = (10, 100, 1000, 10_000)
    assert exponent(sizes, tuple(1e-9 * size**2 for size in sizes)) == pytest.approx(2)


def test_a_quick_run_measures_rows_and_writes_the_three_reports(tmp_path):
    groups = ["Decoding", "DICOM objects", "Statistics"]
    command = [sys.executable, "-m", "benchmarks.bench", "--quick", "--no-growth", "-o", tmp_path]
    for group in groups:
        command += ["--only", group]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "bench.json").read_text())
    rows = [one for rows in record["rows"].values() for one in rows]
    measured = [one for one in rows if not one["skipped"]]
    assert len(rows) == sum(len(ROWS[group]) for group in groups)
    without = (GDCM, DCMTK)  # programs of other environments; one encoder may be missing too
    assert len(measured) >= sum(one["peer"] not in without for one in rows) - 1, done.stderr
    assert all(one["ratio"] > 0 for one in measured)
    assert record["machine"]["versions"]["pydicom"]
    assert "ratio" in (tmp_path / "bench.md").read_text()
    assert "http" not in (tmp_path / "bench.html").read_text()
