"""`pneumoscope predict`: scores for every image of a manifest."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.core import EXIT_DONE, EXIT_PARTIAL, Population, Status


def predict(
    manifest: Annotated[Path, typer.Argument(help="Manifest (Parquet) that `pneumoscope data import` wrote.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Table to write: .parquet or .csv.")],
    model: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Score with this artefact, not the shipped one.")
    ] = None,
    population: Annotated[
        Population | None, typer.Option(help="Whose calibration counts where no age is known; adults' otherwise.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Score with many processes: local, or a Ray cluster's ray://HOST:PORT.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="With --cluster: most worker processes.")] = None,
) -> None:
    """Score every image of a manifest, for `evaluate --predictions`; run it again to go on where it was stopped.

    Each image has one row with a `status`: analysed, refused (outside the model's intended use) or failed (not
    readable); the last two have no score, and a `reason`. Ends with 3 where images failed.
    """
    from pneumoscope.cli.terminal import progress
    from pneumoscope.datasets import read_manifest
    from pneumoscope.evaluation import predict_manifest
    from pneumoscope.reading import load_model

    stored = read_manifest(manifest)
    watch = partial(progress, title="scoring")
    score = None
    if cluster is not None:
        from pneumoscope.reading.cluster import Cluster
        from pneumoscope.reading.cluster_scores import score_on_cluster

        where = Cluster(address=cluster, workers=workers)
        score = partial(score_on_cluster, model=model, population=population, cluster=where)
    done = predict_manifest(stored, output, model=load_model(model), population=population, score=score, watch=watch)
    counts = ", ".join(f"{done.counts[status.value]:,} {status}" for status in Status)
    resumed = f", {done.resumed:,} of them by an earlier run" if done.resumed else ""
    typer.echo(f"{done.images:,} images{resumed}: {counts}")
    typer.echo(f"predictions in {done.path}")
    raise typer.Exit(EXIT_PARTIAL if done.counts[Status.FAILED.value] else EXIT_DONE)
