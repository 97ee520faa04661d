"""What one image costs, and what that makes of larger jobs: docs/explanation/scale.md.

    make scale                                   measure, and write the page
    python -m benchmarks.unit_costs --render     write the page from the committed measurement

Times are processor seconds of the process, which work of others changes little; sizes are bytes of files.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MEASURED = ROOT / "benchmarks" / "results" / "unit_costs.json"
PAGE = ROOT / "docs" / "explanation" / "scale.md"
IMAGES = 60

# Assumptions, not measurements; change them here, and the page follows.
PRICE_CORE_HOUR = 0.04
PRICE_GB_MONTH = 0.02
ORIGINAL_MB = 8.0  # a digital radiograph as it comes from the detector, losslessly compressed
NIH_ORIGINAL_MB = 0.4  # 45 GB of PNG, as published
BUSY_SHARE = 0.6
PEAK_HOUR_SHARE = 0.12
IMAGES_PER_STUDY = 1.5
GIGABIT_MB_S = 110.0

JOBS = (
    ("ChestX-ray14", 112_120, NIH_ORIGINAL_MB),
    ("archive of 100 million studies", 150_000_000, ORIGINAL_MB),
)
SITES = (("hospital, 300 studies a day", 300), ("region of 20 hospitals", 6_000))


def measure() -> dict[str, Any]:
    """Read synthetic images and measure processor time, bytes of results and memory."""
    from benchmarks.bench.measure import busy_share, machine, moment

    from pneumoscope.core import ResultObject
    from pneumoscope.phantom import studies_folder
    from pneumoscope.reading import load_model, read_many
    from pneumoscope.reading.cluster_parts import ClusterJob, freeze_inputs, part_path, write_part
    from pneumoscope.results import ResultWriter

    # One processor: with fewer than it was promised, the engine's threads would wait busily, and be counted.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    studies = sorted(studies_folder().glob("*.dcm"))[:3]
    before = moment()
    wanted = frozenset({ResultObject.SR, ResultObject.SC})
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "films"
        folder.mkdir()
        for place in range(IMAGES):
            (folder / f"{place:04}.dcm").write_bytes(studies[place % 3].read_bytes())
        started = time.process_time()
        model = load_model()
        load_s = time.process_time() - started
        started = time.process_time()
        assert sum(1 for _ in read_many(folder, model=model, keep_pixels=False)) == IMAGES
        read_s = (time.process_time() - started) / IMAGES
        started = time.process_time()
        with ResultWriter(Path(scratch) / "out", card=model.summary(), objects=wanted) as writer:
            for reading in read_many(folder, model=model):
                writer.add(reading)
        with_objects_s = (time.process_time() - started) / IMAGES
        sizes = {
            kind: sum(one.stat().st_size for one in Path(scratch, "out").glob(f"*.{kind}.dcm")) / IMAGES
            for kind in ("sr", "sc")
        }
        job = ClusterJob(output=Path(scratch) / "parts", partition=IMAGES)
        freeze_inputs([str(folder)], job)
        write_part(job, 0, model=model)
        row_bytes = part_path(job.output, 0).stat().st_size / IMAGES
    return {
        "machine": machine(),
        "images": IMAGES,
        "others_share": busy_share(before),
        "load_cpu_s": load_s,
        "read_cpu_s": read_s,
        "read_with_objects_cpu_s": with_objects_s,
        "sr_bytes": sizes["sr"],
        "sc_bytes": sizes["sc"],
        "parquet_row_bytes": row_bytes,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def page(cost: dict[str, Any]) -> str:
    """Return the page."""
    facts = cost["machine"]
    lines = [
        "# Scale, on paper",
        "",
        "Written by `make scale` from `benchmarks/results/unit_costs.json`: no number here is typed. It answers how",
        "many processors, hours, gigabytes and euros a job takes, and what limits it.",
        "",
        "## What one image costs",
        "",
        f"Measured on {facts['processor']}, {facts['cores']} cores, {facts['memory_gb']} GB, with the shipped model "
        f"and {cost['images']} synthetic images, {facts['started'][:10]}. Times are processor seconds on "
        f"one core; other processes took {cost['others_share']:.0%} of the machine.",
        "",
        "| cost | measured |",
        "|---|---:|",
        f"| start of a worker: model loaded | {cost['load_cpu_s']:.2f} s |",
        f"| read: decode, check, prepare, network | {cost['read_cpu_s'] * 1000:.0f} ms |",
        f"| read, with report and capture written | {cost['read_with_objects_cpu_s'] * 1000:.0f} ms |",
        f"| structured report | {cost['sr_bytes'] / 1000:.1f} kB |",
        f"| capture | {cost['sc_bytes'] / 1000:.0f} kB |",
        f"| row of Parquet | {cost['parquet_row_bytes']:.0f} B |",
        f"| memory of one worker, at most | {cost['peak_mb']:.0f} MB |",
        "",
        "Assumed, not measured: "
        f"{ORIGINAL_MB:.0f} MB per original image, {IMAGES_PER_STUDY} images per study, {PRICE_CORE_HOUR:.2f} € per "
        f"core hour, {PRICE_GB_MONTH:.2f} € per GB and month, a worker busy {BUSY_SHARE:.0%} of its time at most, "
        f"{PEAK_HOUR_SHARE:.0%} of a day's studies in the busiest hour, {GIGABIT_MB_S:.0f} MB/s over one gigabit line.",
        "",
        "## Once, over a collection",
        "",
        "Every image read, results as Parquet, no DICOM objects.",
        "",
        "| job | images | core hours | hours on 16 cores | originals | results | compute | bottleneck |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
        *(_once(name, images, each_mb, cost) for name, images, each_mb in JOBS),
        "",
        "## Every day, beside a PACS",
        "",
        "Every image read, report and capture sent. Cores are those that the busiest hour needs.",
        "",
        "| site | images a day | cores | wait in the busiest hour | new results a year | compute a month "
        "| storage a month after one year |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(_daily(name, studies, cost) for name, studies in SITES),
        "",
        "The wait is that of a queue with random arrivals and equal service times (M/D/1), divided over the cores: "
        "`pneumoscope plan --triage` simulates a site's own worklist.",
        "",
        "## What limits it",
        "",
        "- *One machine*: the network. Decoding and preparation run beside it.",
        f"- *Many machines*: reading the originals. {_line_cores(cost):.1f} cores use up one gigabit line; beyond that "
        "the archive or the line is slower than the processors, so run the workers where the images are.",
        "- *A hospital*: nothing; one core is idle most of the day. Captures take nearly all the new storage: send "
        "`sr` alone where the archive's viewers show it.",
        "- *An archive of 100 million studies*: how fast the archive gives its images. The results are small.",
        "",
        "How to run it: [read on a cluster](../how-to/read-on-a-cluster.md).",
    ]
    return "\n".join(lines) + "\n"


def _once(name: str, images: int, each_mb: float, cost: dict[str, Any]) -> str:
    core_hours = images * cost["read_cpu_s"] / 3600
    hours = core_hours / 16
    transfer_hours = images * each_mb / GIGABIT_MB_S / 3600
    bottleneck = "one gigabit line" if transfer_hours > hours else "processors"
    return (
        f"| {name} | {images:,} | {core_hours:,.1f} | {hours:,.1f} | {_size(images * each_mb * 1e6)} | "
        f"{_size(images * cost['parquet_row_bytes'])} | {core_hours * PRICE_CORE_HOUR:,.2f} € | {bottleneck} "
        f"({max(transfer_hours, hours):,.1f} h) |"
    )


def _daily(name: str, studies: int, cost: dict[str, Any]) -> str:
    images = studies * IMAGES_PER_STUDY
    service_s = cost["read_with_objects_cpu_s"]
    load = images * PEAK_HOUR_SHARE * service_s / 3600
    cores = max(1, -(-load // BUSY_SHARE))
    busy = load / cores
    wait_s = busy * service_s / (2 * (1 - busy))
    stored = images * 365 * (cost["sr_bytes"] + cost["sc_bytes"])
    compute = cores * 24 * 30 * PRICE_CORE_HOUR
    return (
        f"| {name} | {images:,.0f} | {cores:.0f} (busy {busy:.1%}) | {wait_s * 1000:.1f} ms | {_size(stored)} | "
        f"{compute:,.0f} € | {stored / 1e9 * PRICE_GB_MONTH:,.2f} € |"
    )


def _line_cores(cost: dict[str, Any]) -> float:
    return GIGABIT_MB_S / ORIGINAL_MB * float(cost["read_cpu_s"])


def _size(count: float) -> str:
    for unit, size in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count / 1e3:,.0f} kB"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--render", action="store_true", help="write the page from the committed measurement")
    if not parser.parse_args().render:
        MEASURED.write_text(json.dumps(measure(), indent=2) + "\n")
    PAGE.write_text(page(json.loads(MEASURED.read_text())))
    print(f"written: {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
