"""Reading on a Ray cluster: partitions of inputs to Parquet, resumable; the only module that imports Ray.

    summary = read_on_cluster(["s3://bucket/images"], ClusterJob(output=Path("out")), cluster=Cluster("local"))

The output folder, which all workers must share, holds `job.json` (what is read, with what), `inputs/` (the list of
inputs, frozen at the start) and one `part-NNNNNN.parquet` per partition. A part is written whole or not at all, and
the same inputs give the same part. So a job that was killed at any point continues with the parts that are missing.
"""

import fcntl
import json
import logging
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope import __version__
from pneumoscope.core import (
    ArtifactError,
    Claim,
    ConfigError,
    Population,
    RemoteError,
    ResultObject,
    atomic_path,
    write_atomically,
    writing,
)
from pneumoscope.model import load, shipped_path
from pneumoscope.reading.model import Model, load_model
from pneumoscope.reading.pipeline import read_many
from pneumoscope.reading.remote import Item, list_items, sources_of

PARTITION = 64
_ANSWER_TIMEOUT_S = 5.0
_STARTS = 3
# Blocks in flight are numbers only, so the smallest object store that Ray allows is enough.
_OBJECT_STORE_BYTES = 80 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where to run: `local` starts a cluster on this machine; `ray://host:port` and `host:port` join one.

    Attributes:
        address: As above.
        workers: Most worker processes; None for one per processor (or per GPU). Ray starts them as they are needed.
        gpus_per_worker: Share of a GPU that each worker takes; 0 reads on the CPU.
    """

    address: str = "local"
    workers: int | None = None
    gpus_per_worker: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterJob:
    """What to read with, and where results go.

    Attributes:
        output: Folder for the parts; the same path on every machine.
        model: Artefact; None for the shipped one. The same path on every machine; its SHA-256 is compared.
        operating_point: As for `read`.
        population: As for `read`.
        claim: What may be shown in objects.
        objects: Kinds of DICOM objects and overlays to write beside the parts; none by default.
        partition: Inputs per part.
    """

    output: Path
    model: Path | None = None
    operating_point: str = "balanced"
    population: Population | None = None
    claim: Claim = Claim.DETECTION
    objects: frozenset[ResultObject] = frozenset()
    partition: int = PARTITION


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
    with _owned(job.output, job_record):
        parts = _freeze_inputs(addresses, job)
        missing = [number for number in range(parts) if not part_path(job.output, number).is_file()]
        if missing:
            with _connected(cluster):
                _check_workers(job, sha256)
                rows = _mapped(missing, _PartWorker, (job, sha256), cluster=cluster)
                for _ in watch(rows):
                    pass
        lost = [number for number in missing if not part_path(job.output, number).is_file()]
        if lost:
            raise RemoteError(f"{job.output}: expected {parts} parts, found {len(lost)} missing; run the command again")
        return ClusterSummary(
            output=job.output, counts=_count(job.output, parts), parts=parts, resumed=parts - len(missing)
        )


def part_path(output: Path, number: int) -> Path:
    """Return where a part lies."""
    return output / f"part-{number:06}.parquet"


def lines(output: Path) -> Iterator[dict[str, Any]]:
    """Yield the result lines of a finished job, in input order."""
    import pyarrow.parquet as pq

    for path in sorted(output.glob("part-*.parquet")):
        for text in pq.read_table(path, columns=["line"]).column("line").to_pylist():
            yield json.loads(text)


class _PartWorker:
    """Read whole partitions in a process of its own; the model is loaded once."""

    def __init__(self, job: ClusterJob, sha256: str) -> None:
        self._job = job
        self._model = _open_model(job, sha256)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        numbers = [int(number) for number in batch["item"]]
        for number in numbers:
            if not part_path(self._job.output, number).is_file():  # another attempt may have written it
                _write_part(self._job, number, model=self._model)
        return {"part": np.array(numbers)}


def _open_model(job: ClusterJob, sha256: str) -> Model:
    if problem := _worker_problem(job.model, sha256, __version__):
        raise ArtifactError(f"worker on {socket.gethostname()}: {problem}")
    return load_model(job.model)


def _worker_problem(model: Path | None, sha256: str, version: str) -> str | None:
    """Return what is wrong with this process as a worker; None where nothing is."""
    if __version__ != version:
        return f"expected pneumoscope {version}, found {__version__}: install the same version"
    try:
        found = load(model or shipped_path()).identity.sha256
    except (OSError, ArtifactError, ConfigError) as error:
        return f"expected the model {sha256[:12]}, found none: {error}"
    return None if found == sha256 else f"expected the model {sha256[:12]}, found {found[:12]}"


def _write_part(job: ClusterJob, number: int, *, model: Model) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    items = [Item.of_json(json.loads(line)) for line in _inputs(job.output, number).read_text().splitlines()]
    rows = [_row(line, number) for line in _lines_of(job, number, items, model)]
    table = pa.Table.from_pylist(rows, schema=_schema())
    with atomic_path(part_path(job.output, number), durable=True) as path:
        pq.write_table(table, path, compression="zstd")


def _lines_of(job: ClusterJob, number: int, items: list[Item], model: Model) -> Iterator[dict[str, Any]]:
    """Yield the result line of each image; with objects, these are written first, into a folder of the part's own."""
    readings = read_many(
        (source for item in items for source in sources_of(item)),
        model=model,
        operating_point=job.operating_point,
        population=job.population,
        keep_pixels=bool(job.objects),
    )
    if not job.objects:
        yield from (reading.to_dict() for reading in readings)
        return
    from pneumoscope.results import ResultWriter

    folder = f"objects/part-{number:06}"
    with ResultWriter(job.output / folder, card=model.summary(), objects=job.objects, claim=job.claim) as writer:
        for reading in readings:
            line = writer.add(reading)
            named = {kind: name and f"{folder}/{name}" for kind, name in line["outputs"].items()}
            yield {**line, "outputs": named}


_COLUMNS = (
    "path",
    "sop_instance_uid",
    "status",
    "probability",
    "threshold",
    "positive",
    "uncertain",
    "operating_point",
    "population",
    "view",
    "elapsed_ms",
)


def _row(line: dict[str, Any], number: int) -> dict[str, Any]:
    whole = json.dumps(line, ensure_ascii=True, allow_nan=False)
    return {"part": number, **{name: line[name] for name in _COLUMNS}, "line": whole}


def _schema() -> Any:
    import pyarrow as pa

    kinds = {"probability": pa.float64(), "threshold": pa.float64(), "elapsed_ms": pa.float64()}
    kinds |= {"positive": pa.bool_(), "uncertain": pa.bool_()}
    middle = [(name, kinds.get(name, pa.string())) for name in _COLUMNS]
    return pa.schema([("part", pa.int64()), *middle, ("line", pa.string())])


def _freeze_inputs(addresses: list[str], job: ClusterJob) -> int:
    """Write the list of inputs, one file per partition, once; return how many partitions there are.

    Raises:
        ConfigError: There is nothing to read.
    """
    index = job.output / "inputs" / "index.json"
    if index.is_file():
        return int(json.loads(index.read_text())["partitions"])
    waiting, partitions = _expanded(addresses), 0
    while chunk := list(islice(waiting, job.partition)):
        text = "".join(json.dumps(item.to_json()) + "\n" for item in chunk)
        write_atomically(_inputs(job.output, partitions), text)
        partitions += 1
    if not partitions:
        raise ConfigError(f"expected images in {', '.join(addresses)}, found none")
    write_atomically(index, json.dumps({"partitions": partitions}), durable=True)
    return partitions


def _expanded(addresses: list[str]) -> Iterator[Item]:
    """Yield all items; a Parquet manifest stands for the files that its column `path` names."""
    for address in addresses:
        if address.endswith(".parquet") and "://" not in address:
            import pyarrow.parquet as pq

            with _manifest(address):
                paths = pq.read_table(address, columns=["path"]).column("path").to_pylist()
            yield from list_items(path for path in paths if path is not None)
        else:
            yield from list_items([address])


@contextmanager
def _manifest(address: str) -> Iterator[None]:
    """Turn what pyarrow raises into `ConfigError`."""
    try:
        yield
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"{address}: expected a manifest with a column `path`, found none ({error})") from error


def _inputs(output: Path, number: int) -> Path:
    return output / "inputs" / f"part-{number:06}.jsonl"


def _count(output: Path, parts: int) -> Counter[str]:
    import pyarrow.parquet as pq

    counts: Counter[str] = Counter()
    for number in range(parts):
        counts.update(pq.read_table(part_path(output, number), columns=["status"]).column("status").to_pylist())
    return counts


@contextmanager
def _owned(output: Path, job_record: dict[str, Any]) -> Iterator[None]:
    """Hold the output folder for this run alone.

    Raises:
        ConfigError: Another run holds it, or it has results of another job, or something else.
    """
    known = output / "job.json"
    with writing(output):
        output.mkdir(parents=True, exist_ok=True)
        if not known.is_file() and any(one.name != "job.lock" for one in output.iterdir()):
            raise ConfigError(f"{output}: expected an empty folder or an earlier run of this job, found other files")
        lock = (output / "job.lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"{output}: expected to write alone, found another run writing there") from None
        if known.is_file() and (found := json.loads(known.read_text())) != job_record:
            other = ", ".join(name for name in job_record if found.get(name) != job_record[name])
            raise ConfigError(
                f"{output}: expected this job's results, found another's ({other} differ); choose another"
            )
        write_atomically(known, json.dumps(job_record, indent=2))
        yield


def _mapped(
    items: list[Any], worker: type, arguments: tuple[Any, ...], *, cluster: Cluster
) -> Iterator[dict[str, Any]]:
    """Yield what the workers return, in order; Ray Data holds back reading ahead and starts workers as needed."""
    import ray
    from ray.exceptions import RayError

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    available = ray.cluster_resources()
    most = cluster.workers or max(1, int(available.get("GPU" if cluster.gpus_per_worker else "CPU", 1)))
    held = np.empty(len(items), dtype=object)
    held[:] = items
    dataset = ray.data.from_items([{"item": one} for one in held], override_num_blocks=min(len(items), 1000))
    done = dataset.map_batches(
        worker,
        fn_constructor_args=arguments,
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(most, len(items))),
        num_cpus=1,
        num_gpus=cluster.gpus_per_worker or None,
    )
    try:
        yield from done.iter_rows()
    except RayError as error:
        raise _plain(error) from error


def _plain(error: BaseException) -> Exception:
    """Return our own error where a worker raised one, else what Ray says in one line."""
    cause: BaseException | None = error
    while cause is not None:
        for kind in (ArtifactError, ConfigError, RemoteError):
            if isinstance(cause, kind):
                return kind(str(getattr(cause, "cause", None) or cause).splitlines()[-1])
        cause = getattr(cause, "cause", None) or cause.__cause__
    return RemoteError(f"cluster: expected every part to be read, found {str(error).strip().splitlines()[-1]}")


def _check_workers(job: ClusterJob, sha256: str) -> None:
    """Ask each machine of the cluster whether it has this version and this model.

    Raises:
        ConfigError: One has not.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    probe = ray.remote(num_cpus=0)(_worker_problem)
    for node in ray.nodes():
        if node["Alive"]:
            here = NodeAffinitySchedulingStrategy(node_id=node["NodeID"], soft=False)
            problem = ray.get(probe.options(scheduling_strategy=here).remote(job.model, sha256, __version__))
            if problem:
                raise ConfigError(f"worker on {node['NodeManagerHostname']}: {problem}")


@contextmanager
def _connected(cluster: Cluster) -> Iterator[None]:
    """Start or join the cluster, and leave it in the end.

    Raises:
        RemoteError: It does not answer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no request to anybody
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    import ray

    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
    if cluster.address == "local":
        options |= {"num_cpus": cluster.workers, "object_store_memory": _OBJECT_STORE_BYTES}
    else:
        _require_answer(cluster.address)
        options = {"address": cluster.address, "log_to_driver": False, "logging_level": "ERROR"}
    for attempt in range(_STARTS):
        try:
            ray.init(**options)
            break
        except Exception as error:  # Ray raises plain exceptions, such as when a busy machine takes long to start it
            ray.shutdown()
            if attempt + 1 == _STARTS:
                raise RemoteError(f"cluster {cluster.address}: expected it to start, found {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _require_answer(address: str) -> None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"cluster: expected local, ray://HOST:PORT or HOST:PORT, found {address!r}")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_TIMEOUT_S).close()
    except OSError as error:
        raise RemoteError(f"cluster {address}: expected an answer, found {error}: is the head node running?") from error
