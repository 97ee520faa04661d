"""`pneumoscope plan`: sample sizes of the validation study."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pneumoscope.core import ConfigError

if TYPE_CHECKING:
    from pneumoscope.dossier import Plan


def plan(
    assumptions: Annotated[Path | None, typer.Option(help="Assumptions (TOML); the shipped ones by default.")] = None,
    change: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, any number of times.")] = None,
    figure: Annotated[Path | None, typer.Option(help="SVG of power against images to write.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines, not a table.")] = False,
    triage: Annotated[bool, typer.Option("--triage", help="Simulate the worklist ([worklist] of the plan).")] = False,
    evidence: Annotated[
        Path | None, typer.Option(help="With --triage: evidence folder whose scores are drawn; else planned rates.")
    ] = None,
) -> None:
    """Sample sizes of the validation study; with --triage how long images would wait at a site."""
    from rich.console import Console
    from rich.table import Table

    from pneumoscope.dossier import draw_power, feasible_needs, read_plan

    read = read_plan(assumptions, changes=tuple(change or ()))
    if triage:
        _waits(read, evidence, as_json=as_json)
        return
    if evidence is not None:
        raise ConfigError("plan: expected --evidence with --triage, found it alone")
    found, infeasible = feasible_needs(read)
    if figure and not infeasible:
        draw_power(read, figure)
    if as_json:
        for need in found:
            typer.echo(json.dumps(asdict(need)))
        _require_feasible(infeasible)
        return
    table = Table(box=None, pad_edge=False)
    for title in ("endpoint", "assumption", "with", "without", "images", "patients"):
        table.add_column(title, justify="left" if title in ("endpoint", "assumption") else "right")
    for need in found:
        counts = (need.positives, need.negatives, need.images, need.patients)
        table.add_row(need.endpoint, need.assumption, *("" if count is None else f"{count:,}" for count in counts))
    Console(width=None if Console().is_terminal else 140).print(table)
    typer.echo(f"power {read.power:g}, one-sided error 0.025; patients: with lost ones and several images a patient")
    _require_feasible(infeasible)


def _require_feasible(infeasible: tuple[str, ...]) -> None:
    """Raise `ConfigError` that names every endpoint which no number can show."""
    if infeasible:
        raise ConfigError("plan: " + "; ".join(infeasible))


def _waits(plan: "Plan", evidence: Path | None, *, as_json: bool) -> None:
    """Print the simulated waits under each order."""
    from rich.console import Console
    from rich.table import Table

    from pneumoscope.dossier import site_waits

    source, found = site_waits(plan, evidence)
    if as_json:
        for one in found:
            typer.echo(json.dumps(asdict(one)))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("order")
    for title in ("with finding", "of these left in place", "without", "largest overtaking"):
        table.add_column(title, justify="right")
    for one in found:
        cells = (
            f"{wait.mean:.0f} / {wait.p95:.0f}" if wait else "none" for wait in (one.positives, one.missed, one.others)
        )
        table.add_row(one.rule, *cells, f"{one.longest_overtaking_min:.0f}")
    Console(width=None if Console().is_terminal else 140).print(table)
    share = 100 * found[0].share_moved_up
    typer.echo(f"minutes, mean / 95th percentile; {share:.0f} % of images moved up; scores: {source}; simulated")
