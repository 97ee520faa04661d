"""`pneumoscope data sheet`: a data sheet a source."""

from pathlib import Path
from typing import Annotated

import typer


def sheet(
    manifest: Annotated[Path, typer.Argument(help="Manifest (Parquet).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for SOURCE.md.", show_default=False)],
) -> None:
    """Write a data sheet (Gebru's questions) for each source of a manifest, every number from its rows."""
    from pneumoscope.datasets import read_manifest
    from pneumoscope.datasets.sheet import write_sheets

    for path in write_sheets(read_manifest(manifest), output):
        typer.echo(str(path))
