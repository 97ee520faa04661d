"""Reading on a local Ray cluster: killed workers and drivers, results as in one process, outputs that are not ours."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from pneumoscope.core import ArtifactError, ConfigError, RemoteError
from pneumoscope.model import load, shipped_path
from pneumoscope.phantom import studies_folder
from pneumoscope.reading import read_many, shipped_model

ray = pytest.importorskip("ray", reason="ray not found: pip install 'pneumoscope[cluster]'")

from pneumoscope.reading import cluster_read as module  # noqa: E402
from pneumoscope.reading.cluster import Cluster, open_model, worker_problem  # noqa: E402
from pneumoscope.reading.cluster_parts import ClusterJob, freeze_inputs, lines, part_path, write_part  # noqa: E402
from pneumoscope.reading.cluster_read import read_on_cluster  # noqa: E402

COPIES, PARTITION = 10, 4
START_TIMEOUT_S = 240
DRIVER = """
import sys
from pathlib import Path
from pneumoscope.reading.cluster import Cluster
from pneumoscope.reading.cluster_parts import ClusterJob
from pneumoscope.reading.cluster_read import read_on_cluster
job = ClusterJob(output=Path(sys.argv[2]), partition={partition})
print(read_on_cluster([sys.argv[1]], job, cluster=Cluster(workers=2)))
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every synthetic study ten times, under names of its own."""
    folder = tmp_path_factory.mktemp("images")
    for study in sorted(studies_folder().iterdir()):
        for copy in range(COPIES):
            (folder / f"{study.stem}-{copy}.dcm").write_bytes(study.read_bytes())
    return folder


@pytest.fixture
def driver(tmp_path: Path, images: Path):
    """Start a driver in a process group of its own; what is left of it is ended with the test."""
    started = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", DRIVER.format(partition=PARTITION), images, tmp_path / "out"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0)
        started.append(process)
        return process

    yield start
    for process in started:
        kill(process.pid)  # Ray's own processes end with their driver
        process.communicate()


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def workers(driver: subprocess.Popen[str]) -> list[int]:
    """Ray processes that have our worker loaded, on this machine and below this driver's raylet."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            grand = int((Path("/proc") / str(parent) / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if b"ray::MapWorker" in title and driver.pid in (parent, grand):
            found.append(int(folder.name))
    return found


def require(condition: bool, driver: subprocess.Popen[str]) -> None:
    """Fail with what the driver said; skip where Ray itself could not start (it gives its agent 15 s, however busy)."""
    if not condition:
        errors = driver.communicate()[1]
        if "expected it to start" in errors:
            pytest.skip("Ray did not start: the machine is too busy")
        pytest.fail(errors)


def wait_for_parts(output: Path, count: int, driver: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while len(list(output.glob("part-*.parquet"))) < count:
        require(driver.poll() is None, driver)
        assert time.monotonic() < deadline, f"expected {count} parts within {START_TIMEOUT_S} s"
        time.sleep(0.02)


def without_time(line: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in line.items() if key != "elapsed_ms"}


def test_a_job_whose_worker_and_driver_were_killed_goes_on_and_has_every_image_once(driver, images, tmp_path):
    output = tmp_path / "out"
    parts = len(list(images.iterdir())) // PARTITION
    first = driver()
    wait_for_parts(output, 2, first)
    victims = workers(first)
    assert victims, "expected a worker process below the driver"
    kill(victims[0])
    wait_for_parts(output, parts // 2, first)
    kill(first.pid)
    first.wait()
    written = {path: path.stat().st_mtime_ns for path in output.glob("part-*.parquet")}
    assert len(written) < parts, "expected the driver to be killed before the end"

    second = driver()
    second.wait(START_TIMEOUT_S)
    require(second.returncode == 0, second)

    kept = [path for path, moment in written.items() if path.stat().st_mtime_ns == moment]
    assert len(kept) >= parts // 2
    found = list(lines(output))
    expected = [reading.to_dict() for reading in read_many(images, keep_pixels=False)]
    assert [line["path"] for line in found] == [line["path"] for line in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours["probability"] == pytest.approx(theirs["probability"], abs=1e-6)
        assert without_time(ours) | {"probability": 0} == without_time(json.loads(json.dumps(theirs))) | {
            "probability": 0
        }


def job(output: Path, **changes: object) -> ClusterJob:
    return ClusterJob(output=output, partition=PARTITION, **changes)


@pytest.fixture
def no_cluster(monkeypatch):
    """Let nothing start a cluster: what is wrong must be found before."""

    def started(*_):
        raise AssertionError("expected the fault to be found before a cluster is started")

    monkeypatch.setattr(module, "connected", started)


def test_a_folder_of_other_files_is_not_written_to(images, tmp_path, no_cluster):
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(ConfigError, match="found other files"):
        read_on_cluster([str(images)], job(tmp_path), cluster=Cluster())
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_results_of_another_job_are_kept_and_what_differs_is_named(images, tmp_path, no_cluster):
    with pytest.raises(AssertionError):
        read_on_cluster([str(images)], job(tmp_path), cluster=Cluster())
    before = (tmp_path / "job.json").read_bytes()
    with pytest.raises(ConfigError, match="operating_point differ"):
        read_on_cluster([str(images)], job(tmp_path, operating_point="screening"), cluster=Cluster())
    assert (tmp_path / "job.json").read_bytes() == before


def test_a_second_run_on_one_output_is_refused_while_the_first_lives(images, tmp_path, no_cluster):
    holder = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); "
        "print(1, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", holder, tmp_path / "job.lock"], stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout.readline()
            with pytest.raises(ConfigError, match="another run writing there"):
                read_on_cluster([str(images)], job(tmp_path), cluster=Cluster())
        finally:
            other.kill()


def test_an_address_that_does_not_answer_is_named(images, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"ray://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(RemoteError, match=f"cluster {address}: expected an answer"):
        read_on_cluster([str(images)], job(tmp_path), cluster=Cluster(address=address))
    with pytest.raises(ConfigError, match="expected local, ray://HOST:PORT"):
        read_on_cluster([str(images)], job(tmp_path / "b"), cluster=Cluster(address="somewhere"))


def test_a_worker_says_which_model_or_version_it_lacks(tmp_path):
    sha256 = load(shipped_path()).identity.sha256
    assert worker_problem(None, sha256, module.__version__) is None
    assert "install the same version" in worker_problem(None, sha256, "0.0.1")
    assert "found none" in worker_problem(tmp_path / "missing.onnx", sha256, module.__version__)
    assert f"found {sha256[:12]}" in worker_problem(None, "0" * 64, module.__version__)
    with pytest.raises(ArtifactError, match="expected the model 000000000000"):
        open_model(None, "0" * 64)


def test_nothing_to_read_is_an_error_and_leaves_no_list(tmp_path, no_cluster):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="found none"):
        read_on_cluster([str(tmp_path / "empty")], job(tmp_path / "out"), cluster=Cluster())
    assert not (tmp_path / "out" / "inputs").exists()


def test_a_part_is_whole_or_absent(images, tmp_path, monkeypatch):
    work = job(tmp_path / "out")
    freeze_inputs([str(images)], work)
    monkeypatch.setattr(
        "pyarrow.parquet.write_table", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    with pytest.raises(ConfigError, match=r"No space left|disk is full"):
        write_part(work, 0, model=shipped_model())
    assert list(work.output.glob("*part-*")) == []
    assert not part_path(work.output, 0).exists()


def test_scores_of_a_cluster_are_those_of_one_process_in_order(images, monkeypatch):
    from pneumoscope.core import View
    from pneumoscope.reading import KnownImage, score_images
    from pneumoscope.reading import cluster_scores as scores

    paths = sorted(images.iterdir())[:: COPIES // 2]
    known = [
        KnownImage(image_id=path.stem, source="here", path=str(path), age_years=40.0, view=View.PA) for path in paths
    ] + [KnownImage(image_id="none", source="here", path=None)]

    def in_this_process(items, worker, arguments, *, cluster):
        run = worker(*arguments)
        for item in items:
            (text,) = run({"item": [item]})["scores"]
            yield {"scores": text}

    monkeypatch.setattr(scores, "_CHUNK", 3)
    monkeypatch.setattr(scores, "connected", lambda _: nullcontext())
    monkeypatch.setattr(scores, "check_workers", lambda *_: None)
    monkeypatch.setattr(scores, "mapped", in_this_process)
    found = list(scores.score_on_cluster(known, model=None, population=None, cluster=Cluster()))
    assert found == list(score_images(known, shipped_model()))
    assert list(scores.score_on_cluster([], model=None, population=None, cluster=Cluster())) == []
