"""The output folder of a job on a cluster: frozen inputs, one Parquet file per partition, a lock. No Ray here."""

import fcntl
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pneumoscope.core import (
    Claim,
    ConfigError,
    Population,
    ResultObject,
    atomic_path,
    write_atomically,
    writing,
)
from pneumoscope.reading.model import Model
from pneumoscope.reading.pipeline import read_many
from pneumoscope.reading.remote import Item, list_items, sources_of

PARTITION = 64


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


def part_path(output: Path, number: int) -> Path:
    """Return where a part lies."""
    return output / f"part-{number:06}.parquet"


def lines(output: Path) -> Iterator[dict[str, Any]]:
    """Yield the result lines of a finished job, in input order."""
    import pyarrow.parquet as pq

    for path in sorted(output.glob("part-*.parquet")):
        for text in pq.read_table(path, columns=["line"]).column("line").to_pylist():
            yield json.loads(text)


def write_part(job: ClusterJob, number: int, *, model: Model) -> None:
    """Read one partition and write its part, whole or not at all.

    Raises:
        ConfigError: The part cannot be written.
    """
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


def freeze_inputs(addresses: list[str], job: ClusterJob) -> int:
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


def count_of(output: Path, parts: int) -> Counter[str]:
    """Return how many images of a finished job have each status."""
    import pyarrow.parquet as pq

    counts: Counter[str] = Counter()
    for number in range(parts):
        counts.update(pq.read_table(part_path(output, number), columns=["status"]).column("status").to_pylist())
    return counts


@contextmanager
def owned(output: Path, job_record: dict[str, Any]) -> Iterator[None]:
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
