"""`pneumoscope doctor`: what is installed, what works, and what to do about the rest."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.core import EXIT_DONE, EXIT_USAGE

_MARKS = {"ok": ("green", "ok"), "warning": ("yellow", "warning"), "problem": ("red", "problem")}


def doctor(
    config: Annotated[
        Path | None, typer.Option(help="Check what this node.toml needs as well: ports, certificates, database, disk.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Check this artefact, not the shipped one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line per check.")] = False,
) -> None:
    """Check the installation: libraries, model, engines, decoders, fonts, GPU, clock, disk; with --config the node's
    ports, certificates and database.

    Ends with 0 where nothing is a problem (warnings concern optional parts), else with 2.
    """
    from rich.console import Console
    from rich.text import Text

    from pneumoscope.doctor import Level, diagnose

    console = Console(highlight=False, soft_wrap=True)
    problems = 0
    for finding in diagnose(config, model=model):
        problems += finding.level is Level.PROBLEM
        if as_json:
            typer.echo(json.dumps(asdict(finding)))
            continue
        style, mark = _MARKS[finding.level]
        console.print(Text.assemble((f"{mark:8}", style), f"  {finding.name:22}  {finding.found}"))
        if finding.advice:
            console.print(Text(f"{'':34}{finding.advice}", style="dim"))
    raise typer.Exit(EXIT_USAGE if problems else EXIT_DONE)
