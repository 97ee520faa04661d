"""Reading on a cluster: partitions of inputs to Parquet, resumable.

    summary = read_on_cluster(["s3://bucket/images"], ClusterJob(output=Path("out")), cluster=Cluster(address="local"))

The output folder, which all workers must share, holds `job.json` (what is read, with what), `inputs/` (the list of
inputs, frozen at the start) and one `part-NNNNNN.parquet` per partition. A part is written whole or not at all, and
the same inputs give the same part. So a job that was killed at any point continues with the parts that are missing.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope import __version__
from pneumoscope.core import RemoteError
from pneumoscope.model import load, shipped_path
from pneumoscope.reading.cluster import Cluster, check_workers, connected, mapped, open_model
from pneumoscope.reading.cluster_parts import ClusterJob, count_of, freeze_inputs, owned, part_path, write_part


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSummary:
    """What a finished job has: images by status, parts in all, and how many of them an earlier run had written."""

    output: Path
    counts: Counter[str]
    parts: int
    resumed: int


def read_on_cluster(
    addresses: list[str],
    job: ClusterJob,
    *,
    cluster: Cluster,
    watch: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> ClusterSummary:
    """Read everything at the addresses and write one row per image; continue an earlier run of the same job.

    Args:
        addresses: Files, folders, zips, Parquet manifests, fsspec URLs, `dicomweb+https://` archives.
        job: What to read with, and the output folder.
        cluster: Where to run.
        watch: Sees finished parts pass, for progress.

    Raises:
        ConfigError: No input, another run's output, two runs on one output, or a worker with another version.
        ArtifactError: A worker has no model, or another one.
        RemoteError: The cluster, a store or an archive does not answer.
    """
    sha256 = load(job.model or shipped_path()).identity.sha256
    job_record = {
        "addresses": addresses,
        "model_sha256": sha256,
        "operating_point": job.operating_point,
        "population": None if job.population is None else job.population.value,
        "objects": sorted(job.objects),
        "claim": job.claim.value,
        "partition": job.partition,
        "version": __version__,
    }
    with owned(job.output, job_record):
        parts = freeze_inputs(addresses, job)
        missing = [number for number in range(parts) if not part_path(job.output, number).is_file()]
        if missing:
            with connected(cluster):
                check_workers(job.model, sha256)
                rows = mapped(missing, _PartWorker, (job, sha256), cluster=cluster)
                for _ in watch(rows):
                    pass
        lost = [number for number in missing if not part_path(job.output, number).is_file()]
        if lost:
            raise RemoteError(f"{job.output}: expected {parts} parts, found {len(lost)} missing; run the command again")
        return ClusterSummary(
            output=job.output, counts=count_of(job.output, parts), parts=parts, resumed=parts - len(missing)
        )


class _PartWorker:
    """Read whole partitions in a process of its own; the model is loaded once."""

    def __init__(self, job: ClusterJob, sha256: str) -> None:
        self._job = job
        self._model = open_model(job.model, sha256)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        numbers = [int(number) for number in batch["item"]]
        for number in numbers:
            if not part_path(self._job.output, number).is_file():  # another attempt may have written it
                write_part(self._job, number, model=self._model)
        return {"part": np.array(numbers)}
