"""`pneumoscope eda`: a manifest to the exploratory report."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope import __version__
from pneumoscope.core import EXIT_DONE, EXIT_PARTIAL


def eda(
    manifest: Annotated[Path, typer.Argument(help="Manifest (Parquet) that `pneumoscope data import` wrote.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the report.")],
    finding: Annotated[str, typer.Option(help="The finding that the report is about.")] = "Pneumonia",
    pixels: Annotated[bool, typer.Option(help="Measure the images that the manifest has paths of.")] = True,
) -> None:
    """Explore a data set: who is in it, what goes with what, and what a model could cheat with."""
    from pneumoscope.cli.terminal import progress
    from pneumoscope.datasets import read_manifest
    from pneumoscope.eda import Provenance, explore, measure_pixels, write_report

    stored = read_manifest(manifest)
    watch = partial(progress, title="measuring images")
    measured = measure_pixels(stored.manifest, finding=finding, watch=watch) if pixels else None
    exploration = explore(stored.manifest, finding=finding, measured=measured)
    provenance = Provenance(
        manifest=manifest.name,
        manifest_sha256=stored.sha256,
        version=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    page = write_report(exploration, output, provenance=provenance, measured=measured)
    _say(exploration.profile.labelled, measured.unreadable if measured else ())
    typer.echo(f"report in {output}, to look at: {page}")
    raise typer.Exit(EXIT_PARTIAL if measured and measured.unreadable else EXIT_DONE)


def _say(images: int, unreadable: Iterable[str]) -> None:
    typer.echo(f"{images:,} labelled images explored")
    for line in unreadable:
        typer.echo(f"not measured: {line}", err=True)
