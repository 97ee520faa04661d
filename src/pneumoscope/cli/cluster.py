"""`--cluster`: what `read` does with it."""

import sys

import typer

from pneumoscope.core import Status
from pneumoscope.reading.cluster import Cluster
from pneumoscope.reading.cluster_parts import ClusterJob, lines
from pneumoscope.reading.cluster_read import read_on_cluster


def read_with_cluster(addresses: list[str], job: ClusterJob, cluster: Cluster, *, as_json: bool) -> int:
    """Read on a cluster, print the lines or a summary, and return how many images failed.

    Raises:
        PneumoscopeError: As `read_on_cluster`.
    """
    from functools import partial

    from pneumoscope.cli.terminal import progress
    from pneumoscope.results import to_json

    done = read_on_cluster(addresses, job, cluster=cluster, watch=partial(progress, title="parts"))
    if as_json:
        for line in lines(job.output):
            sys.stdout.write(to_json(line))
        return done.counts[Status.FAILED.value]
    counts = ", ".join(f"{done.counts[status.value]:,} {status}" for status in Status)
    resumed = f", {done.resumed:,} of them by an earlier run" if done.resumed else ""
    typer.echo(f"{done.counts.total():,} images: {counts}")
    typer.echo(f"results in {done.output}, {done.parts:,} parts{resumed}")
    typer.echo("Research use only. Not for diagnosis.")
    return done.counts[Status.FAILED.value]
