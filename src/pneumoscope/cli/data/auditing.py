"""`pneumoscope data audit`: leaks, duplicates, contradictions, odd images, shortcuts."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.core import EXIT_PARTIAL


def audit(
    manifest: Annotated[Path, typer.Argument(help="Manifest (Parquet).")],
    split: Annotated[Path | None, typer.Option(help="Audit these sides (a split file), not the manifest's.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Also write every finding as JSON.")] = None,
    label: Annotated[str, typer.Option(help="Finding whose shortcuts are sought.")] = "Pneumonia",
    pixels: Annotated[bool, typer.Option(help="Open the images, or look at the table alone.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line a finding.")] = False,
) -> None:
    """Look for what makes results wrong; ends with 3 where something is an error, such as a patient on two sides."""
    from dataclasses import asdict

    from pneumoscope.cli.terminal import progress
    from pneumoscope.core import atomic_path
    from pneumoscope.datasets import apply_split, read_split
    from pneumoscope.datasets.audit import audit as look_through
    from pneumoscope.datasets.audit.audit import lines

    sides = None if split is None else read_split(split)
    done = look_through(
        manifest,
        label=label,
        pixels=pixels,
        change=None if sides is None else lambda rows: apply_split(rows, sides)[0],
        progress=lambda looks: progress(looks, title="looking at images"),
    )
    if output is not None:
        with atomic_path(output) as place:
            place.write_text(json.dumps(done.to_json(), indent=1))
    if as_json:
        for one in done.findings:
            typer.echo(json.dumps(asdict(one)))
    else:
        for line in lines(done.findings):
            typer.echo(line)
        typer.echo(f"{done.images} images of {done.patients} patients, {done.looked_at} images opened")
    if not done.clean:
        raise typer.Exit(EXIT_PARTIAL)
