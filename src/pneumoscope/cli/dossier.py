"""`pneumoscope dossier`: evidence and device description to the submission; and what holds the two together."""

from pathlib import Path
from typing import Annotated

import typer

Device = Annotated[Path, typer.Option(help="Description of the device (TOML).")]

DEVICE = Path("docs/submission/device.toml")


def dossier(
    context: typer.Context,
    evidence: Annotated[Path | None, typer.Option(help="Release folder with evidence folders and training/.")] = None,
    device: Device = DEVICE,
    output: Annotated[Path, typer.Option("-o", "--output", help="PDF to write; Markdown and the rest beside it.")] = Path(
        "docs/submission/FDA_Submission.pdf"
    ),
) -> None:
    """Build the 510(k)-style submission: PDF, Markdown, figures, bill of materials and the record for `verify`."""
    if context.invoked_subcommand:
        return
    from pneumoscope.core import ConfigError
    from pneumoscope.dossier import build, read_inputs

    if evidence is None:
        raise ConfigError("dossier: expected --evidence DIR, the release's folder of evidence")
    record = build(read_inputs(device, evidence), output)
    model = record["model"]
    typer.echo(f"{output}: {len(record['numbers'])} numbers of model {model['name']} {model['version']}")
    typer.echo(f"next: pneumoscope dossier verify {output.parent}")
