"""Time the exploratory report (metadata, no pixels) against ydata-profiling's minimal mode, by turns.

Each turn is a process of its own. The peer profiles NIH's CSV as published (11 columns), and the manifest made of it
(all columns) as CSV: what our report looks at. Ours reads the manifest, and writes page, figures and JSON.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
TURNS = 3


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--peer", type=Path, default=HERE.parent / ".venv-eda" / "bin" / "python")
    arguments.add_argument("--data", type=Path, default=Path(os.environ.get("PNEUMOSCOPE_DATA", "../shared/data")))
    arguments.add_argument("--ours", nargs=2, metavar=("MANIFEST", "REPORT"), help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.ours:
        ours(*map(Path, options.ours))
        return
    with tempfile.TemporaryDirectory() as folder:
        result = compare(options.peer, options.data / "nih", work=Path(folder))
    target = HERE / "results" / f"eda_speed-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["ratios"], indent=1))
    print(f"written: {target}")


def ours(manifest: Path, report: Path) -> None:
    """One report of ours; prints the seconds of each part as JSON."""
    start = time.perf_counter()
    import sklearn.linear_model  # noqa: F401 (imported on use; counted as import, as the peer's own)

    from pneumoscope.datasets import read_manifest
    from pneumoscope.eda import Provenance, explore, write_report

    imported = time.perf_counter()
    stored = read_manifest(manifest)
    read = time.perf_counter()
    provenance = Provenance(manifest=manifest.name, manifest_sha256=stored.sha256, version="", created="")
    write_report(explore(stored.manifest), report, provenance=provenance)
    end = time.perf_counter()
    print(json.dumps({"import": imported - start, "read": read - imported, "report": end - read}))


def compare(peer: Path, root: Path, *, work: Path) -> dict[str, object]:
    """Median seconds of each side, and the peer's over ours."""
    from pneumoscope.datasets import import_nih, write_manifest

    imported = import_nih(root, images=())
    manifest, wide = work / "m.parquet", work / "m.csv"
    write_manifest(imported, manifest)
    imported.manifest.to_csv(wide, index=False)
    csv = root / "Data_Entry_2017_v2020.csv"
    script = HERE / "peer_ydata_profiling.py"
    sides = {
        "ours": [sys.executable, __file__, "--ours", manifest, work / "report"],
        "peer, NIH's CSV": [peer, script, csv, work / "a.html"],
        "peer, the manifest as CSV": [peer, script, wide, work / "b.html"],
    }
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for _ in range(TURNS):
        for side, command in sides.items():
            runs[side].append(timed(command))
    medians = {
        side: {part: statistics.median(run[part] for run in turns) for part in turns[0]} for side, turns in runs.items()
    }
    ratios = {
        side: {part: round(parts[part] / medians["ours"][part], 2) for part in ("report", "process")}
        for side, parts in medians.items()
        if side != "ours"
    }
    return {
        "rows": len(imported.manifest),
        "columns": imported.manifest.shape[1],
        "medians_s": medians,
        "ratios": ratios,
    }


def timed(command: list[object]) -> dict[str, float]:
    """What the process says of its parts, and its whole."""
    start = time.perf_counter()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    whole = time.perf_counter() - start
    return {**json.loads(done.stdout.splitlines()[-1]), "process": whole}


if __name__ == "__main__":
    main()
