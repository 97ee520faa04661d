"""`pneumoscope read`: the main job."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pneumoscope.core import (
    EXIT_DONE,
    EXIT_PARTIAL,
    Claim,
    ConfigError,
    EngineName,
    Population,
    ResultObject,
    Status,
)

if TYPE_CHECKING:
    from pneumoscope.results import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to read, with what, and where the results go; nothing is written where `output` is None."""

    paths: list[Path]
    output: Path | None = None
    model: Path | None = None
    operating_point: str = "balanced"
    engine: EngineName = EngineName.AUTO
    population: Population | None = None
    refuse_unknown_age: bool = False
    claim: Claim = Claim.DETECTION
    only: frozenset[ResultObject] = frozenset()

    def __post_init__(self) -> None:
        if self.only and self.output is None:
            raise ConfigError("--only: expected an output folder as well (-o DIR), got none")


def read(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="DICOM, PNG or JPEG files, folders, zip archives; with --cluster also manifests (.parquet), "
            "s3://bucket/prefix and dicomweb+https://archive."
        ),
    ],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder for results.")] = None,
    model: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Read with this artefact, not the shipped one.")
    ] = None,
    operating_point: Annotated[str, typer.Option(help="screening, balanced or confirmatory.")] = "balanced",
    engine: Annotated[EngineName, typer.Option(help="What runs the network.")] = EngineName.AUTO,
    population: Annotated[
        Population | None,
        typer.Option(help="Whose thresholds apply where the header gives no age, or none to rely on."),
    ] = None,
    refuse_unknown_age: Annotated[
        bool, typer.Option("--refuse-unknown-age", help="Refuse films without an age, instead of adults' thresholds.")
    ] = False,
    claim: Annotated[Claim, typer.Option(help="What may be shown: under triage no location.")] = Claim.DETECTION,
    only: Annotated[list[ResultObject] | None, typer.Option(help="Write only this (repeat for more).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line an image, not a table.")] = False,
    cluster: Annotated[
        str | None, typer.Option(help="Read with many processes: local, or a Ray cluster's ray://HOST:PORT.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="With --cluster: most worker processes.")] = None,
    gpus: Annotated[float, typer.Option(min=0.0, help="With --cluster: share of a GPU for each worker.")] = 0.0,
) -> None:
    """Read chest radiographs; results as JSONL, CSV, gallery, overlays, DICOM SR and Secondary Capture.

    With --cluster, results are partitioned Parquet, and a job that was stopped continues where it was.
    """
    if cluster is not None:
        from pneumoscope.cli.cluster import read_with_cluster
        from pneumoscope.reading.cluster import Cluster
        from pneumoscope.reading.cluster_parts import ClusterJob

        if output is None:
            raise ConfigError("--cluster: expected an output folder as well (-o DIR), got none")
        job_on_cluster = ClusterJob(
            output=output,
            model=model,
            operating_point=operating_point,
            population=population,
            claim=claim,
            objects=frozenset(only or ()) - {ResultObject.JSONL},
        )
        where = Cluster(address=cluster, workers=workers, gpus_per_worker=gpus)
        failed = read_with_cluster(paths, job_on_cluster, where, as_json=as_json)
        raise typer.Exit(EXIT_PARTIAL if failed else EXIT_DONE)
    job = Job(
        paths=[Path(path) for path in paths],
        output=output,
        model=model,
        operating_point=operating_point,
        engine=engine,
        population=population,
        refuse_unknown_age=refuse_unknown_age,
        claim=claim,
        only=frozenset(only or ()),
    )
    counts = show(job, as_json=as_json)
    raise typer.Exit(EXIT_PARTIAL if counts[Status.FAILED] else EXIT_DONE)


def show(job: Job, *, as_json: bool = False) -> Counter[str]:
    """Run the job, print its lines or its table, and count what became of the images.

    Raises:
        ConfigError: No input was found, or something asked for cannot be had or written.
    """
    from pneumoscope.cli.remarks import Remarks
    from pneumoscope.cli.terminal import LONGEST_TABLE, print_readings, progress, summary
    from pneumoscope.results import kind, to_json

    counts: Counter[str] = Counter()
    for_table: list[Reading] = []
    lines: Counter[bool] = Counter()
    remarks = Remarks()
    for reading, line in progress(run(job), title="reading"):
        counts[kind(reading.status, reading.decision)] += 1
        remarks.add(reading.decision, line["notes"])
        if as_json:
            sys.stdout.write(to_json(line))
            sys.stdout.flush()
        elif lines[analysed := reading.status is Status.ANALYSED] < LONGEST_TABLE:
            lines[analysed] += 1
            for_table.append(reading.without_pixels())
    images = counts.total()
    if not images:
        raise ConfigError(f"expected images in {', '.join(map(str, job.paths))}, found none")
    if not as_json:
        print_readings(for_table, images=images)
        typer.echo(summary(counts))
        for remark in remarks.lines():
            typer.echo(remark)
        if job.output is not None:
            gallery = not job.only or ResultObject.GALLERY in job.only
            typer.echo(f"results in {job.output}" + (f", to look at: {job.output / 'index.html'}" if gallery else ""))
        typer.echo("Research use only. Not for diagnosis.")
    return counts


def run(job: Job) -> Iterator[tuple["Reading", dict[str, Any]]]:
    """Each image's reading and its result line, in input order; written as it goes where there is an output folder."""
    from pneumoscope.reading import load_model, read_many
    from pneumoscope.results import DEFAULT_OBJECTS, ResultWriter

    model = load_model(job.model, engine=job.engine)
    objects = job.only - {ResultObject.JSONL} if job.only else DEFAULT_OBJECTS
    readings = read_many(
        job.paths,
        model=model,
        operating_point=job.operating_point,
        population=job.population,
        refuse_unknown_age=job.refuse_unknown_age,
        keep_pixels=job.output is not None and bool(objects),
    )
    if job.output is None:
        yield from ((reading, reading.to_dict()) for reading in readings)
        return
    with ResultWriter(job.output, card=model.summary(), objects=objects, claim=job.claim) as writer:
        for reading in readings:
            yield reading, writer.add(reading)
