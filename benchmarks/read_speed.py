"""Times `pneumoscope read` against a torchxrayvision user's script, on the same files, in one run, in turns.

    make bench        (or: python benchmarks/read_speed.py --help)

Prints medians and ratios, and writes them with the machine and the versions to benchmarks/results/. Needs a quiet
machine: beside another computation PyTorch's threads, waiting for each other, made the peer 50 times slower.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
LARGEST_FOREIGN_SHARE = 0.1
PACKAGES = ("pneumoscope", "onnxruntime", "openvino", "torch", "torchvision", "torchxrayvision", "pydicom", "numpy")


@dataclass(frozen=True, slots=True)
class Run:
    """One process from start to end.

    Attributes:
        peak_mb: The largest resident set of it or of a child of it.
        foreign_share: Share of the machine's processor time that others used meanwhile; NaN where not known.
    """

    seconds: float
    peak_mb: float
    foreign_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Medians of both sides; `ratio` says how many times better ours is, `target` how many it should be."""

    name: str
    unit: str
    ours: float
    peer: float
    ratio: float
    target: float


def main() -> int:
    arguments = parse_arguments()
    sources = find_sources(arguments.data)
    contenders = {"ours": ours(arguments.ours), "peer": peer(arguments.peer)}
    started = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as scratch:
        folder = make_folder(sources, Path(scratch) / "films", count=arguments.count)
        warm = take_turns(contenders, sources[0], repeats=1, expected=1)  # fills the disk cache; not counted
        require_quiet(warm, allowed=arguments.busy_anyway)
        one = take_turns(contenders, sources[0], repeats=arguments.repeats, expected=1)
        many = take_turns(contenders, folder, repeats=arguments.folder_repeats, expected=arguments.count)
    comparisons = compare(one, many, count=arguments.count)
    print_table(comparisons)
    require_quiet({side: one[side] + many[side] for side in contenders}, allowed=False)
    record = {
        "started": started.isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": {"ours": versions(arguments.ours), "peer": versions(arguments.peer)},
        "files": {"distinct": len(sources), "count": arguments.count},
        "comparisons": [asdict(comparison) for comparison in comparisons],
        "runs": {
            name: {side: [asdict(run) for run in runs] for side, runs in sides.items()}
            for name, sides in {"one file": one, "folder": many}.items()
        },
    }
    arguments.results.mkdir(parents=True, exist_ok=True)
    path = arguments.results / f"read_speed-{started:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(record, indent=2) + "\n")
    print(f"written: {path}")
    return 0


def parse_arguments() -> argparse.Namespace:
    data = os.environ.get("PNEUMOSCOPE_DATA", ROOT.parent / "shared" / "data")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(data), help="real images (default: PNEUMOSCOPE_DATA)")
    parser.add_argument("--ours", type=Path, default=ROOT / ".venv-base", help="environment with pneumoscope")
    parser.add_argument("--peer", type=Path, default=ROOT / ".venv-bench", help="environment with the peer")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--count", type=int, default=300, help="files in the folder")
    parser.add_argument("--repeats", type=int, default=5, help="turns with one file")
    parser.add_argument("--folder-repeats", type=int, default=3, help="turns with the folder")
    parser.add_argument("--busy-anyway", action="store_true", help="go on where others compute; nothing is written")
    return parser.parse_args()


def find_sources(data: Path) -> list[Path]:
    """RSNA's CR files and the course's accepted ones."""
    course = [data / "dicom" / "udacity" / f"test{number}.dcm" for number in (1, 2, 3)]
    sources = sorted((data / "rsna" / "stage_2_train_images").glob("*.dcm")) + course
    missing = [path for path in sources if not path.is_file()]
    if missing or len(sources) == len(course):
        sys.exit(f"expected RSNA's and the course's DICOM files under {data}, found too few: set PNEUMOSCOPE_DATA")
    return sources


def make_folder(sources: list[Path], folder: Path, *, count: int) -> Path:
    """`count` files of distinct names: the sources in turn."""
    folder.mkdir()
    for index in range(count):
        shutil.copyfile(sources[index % len(sources)], folder / f"film{index:05d}.dcm")
    return folder


def ours(environment: Path) -> Callable[[Path, Path], list[str]]:
    program = str(environment / "bin" / "pneumoscope")
    return lambda source, output: [program, "read", str(source), "-o", str(output), "--only", "jsonl"]


def peer(environment: Path) -> Callable[[Path, Path], list[str]]:
    script = [str(environment / "bin" / "python"), str(ROOT / "benchmarks" / "peer_torchxrayvision.py")]
    return lambda source, output: [*script, str(source), "-o", str(output / "results.jsonl")]


def take_turns(
    contenders: dict[str, Callable[[Path, Path], list[str]]], source: Path, *, repeats: int, expected: int
) -> dict[str, list[Run]]:
    """`repeats` runs of each, ours and the peer's by turns; each writes `expected` lines, or the benchmark ends."""
    runs: dict[str, list[Run]] = {side: [] for side in contenders}
    for _ in range(repeats):
        for side, command in contenders.items():
            with tempfile.TemporaryDirectory() as output:
                run = measure(command(source, Path(output)))
                check_results(Path(output) / "results.jsonl", side=side, expected=expected)
            runs[side].append(run)
            print(f"{side}: {expected} file(s) in {run.seconds:.2f} s, {run.peak_mb:.0f} MB", file=sys.stderr)
    return runs


def measure(command: list[str]) -> Run:
    start, busy = time.perf_counter(), busy_seconds()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        seconds, busy = time.perf_counter() - start, busy_seconds() - busy
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            log.seek(0)
            sys.exit(f"exit code {process.returncode}: {' '.join(command)}\n{log.read().decode(errors='replace')}")
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes there, KiB on Linux
    foreign = (busy - usage.ru_utime - usage.ru_stime) / (seconds * (os.cpu_count() or 1))
    return Run(seconds=seconds, peak_mb=usage.ru_maxrss * unit / 1e6, foreign_share=foreign)


def busy_seconds() -> float:
    """Processor seconds used by anyone since the machine started (proc(5), `/proc/stat`); NaN where there is none."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return float("nan")
    user, nice, system, _idle, _iowait, *rest = map(int, stat.read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def require_quiet(runs: dict[str, list[Run]], *, allowed: bool) -> None:
    share = max(median(run.foreign_share for run in side) for side in runs.values())
    if share > LARGEST_FOREIGN_SHARE:
        message = f"not valid: others used {share:.0%} of the processors, expected {LARGEST_FOREIGN_SHARE:.0%} at most"
        if not allowed:
            sys.exit(message)
        print(message, file=sys.stderr)


def check_results(path: Path, *, side: str, expected: int) -> None:
    """Every file was analysed: a fast refusal is no result."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    analysed = [line for line in lines if line.get("status", "analysed") == "analysed"]
    if len(analysed) != expected:
        sys.exit(f"{side}: expected {expected} analysed files, found {len(analysed)} of {len(lines)} lines")


def compare(one: dict[str, list[Run]], many: dict[str, list[Run]], *, count: int) -> list[Comparison]:
    def seconds(runs: list[Run]) -> float:
        return median(run.seconds for run in runs)

    def peak(runs: list[Run]) -> float:
        return median(run.peak_mb for run in runs)

    rates = count / seconds(many["ours"]), count / seconds(many["peer"])
    return [
        less("one file, cold start", unit="s", sides=(seconds(one["ours"]), seconds(one["peer"])), target=5),
        Comparison(
            name=f"folder of {count} files",
            unit="images/s",
            ours=rates[0],
            peer=rates[1],
            ratio=rates[0] / rates[1],
            target=3,
        ),
        less("peak memory, one file", unit="MB", sides=(peak(one["ours"]), peak(one["peer"])), target=4),
        less("peak memory, folder", unit="MB", sides=(peak(many["ours"]), peak(many["peer"])), target=4),
    ]


def less(name: str, *, unit: str, sides: tuple[float, float], target: float) -> Comparison:
    """A comparison where the smaller number is the better one; `sides` are ours and the peer's."""
    mine, theirs = sides
    return Comparison(name=name, unit=unit, ours=mine, peer=theirs, ratio=theirs / mine, target=target)


def print_table(comparisons: list[Comparison]) -> None:
    print(f"{'':24}{'ours':>10}{'peer':>10}  {'unit':10}{'better by':>10}{'target':>8}")
    for row in comparisons:
        print(f"{row.name:24}{row.ours:10.2f}{row.peer:10.2f}  {row.unit:10}{row.ratio:9.1f}x{row.target:7.0f}x")


def describe_machine() -> dict[str, str | int]:
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_mb": memory // 10**6,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def versions(environment: Path) -> dict[str, str]:
    """Installed versions of the packages that matter, asked of the environment itself."""
    program = (
        "import importlib.metadata as m, json, sys\n"
        "found = {d.metadata['Name']: d.version for d in m.distributions()}\n"
        "print(json.dumps({name: found[name] for name in sys.argv[1:] if name in found}))"
    )
    python = environment / "bin" / "python"
    answer = subprocess.run([python, "-c", program, *PACKAGES], capture_output=True, check=True, text=True)
    found: dict[str, str] = json.loads(answer.stdout)
    return found


if __name__ == "__main__":
    sys.exit(main())
