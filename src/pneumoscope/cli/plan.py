"""`pneumoscope plan`: sample sizes of the validation study."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def plan(
    assumptions: Annotated[Path | None, typer.Option(help="Assumptions (TOML); the shipped ones by default.")] = None,
    change: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, any number of times.")] = None,
    figure: Annotated[Path | None, typer.Option(help="SVG of power against images to write.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines, not a table.")] = False,
) -> None:
    """Sample sizes: sensitivity, specificity, AUROC, F1, readers, subgroups, and a changed model."""
    from rich.console import Console
    from rich.table import Table

    from pneumoscope.dossier import draw_power, needs, read_plan

    read = read_plan(assumptions, changes=tuple(change or ()))
    found = needs(read)
    if figure:
        draw_power(read, figure)
    if as_json:
        for need in found:
            typer.echo(json.dumps(asdict(need)))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("endpoint", "assumption", "with", "without", "images", "patients"):
        table.add_column(title, justify="left" if title in ("endpoint", "assumption") else "right")
    for need in found:
        counts = (need.positives, need.negatives, need.images, need.patients)
        table.add_row(need.endpoint, need.assumption, *("" if count is None else f"{count:,}" for count in counts))
    Console(width=None if Console().is_terminal else 140).print(table)
    typer.echo(f"power {read.power:g}, one-sided error 0.025; patients: with lost ones and several images a patient")
