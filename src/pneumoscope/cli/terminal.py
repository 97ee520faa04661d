"""What commands show on a terminal: tables and progress; plain text in a pipe."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from pneumoscope.core import Check, Outcome, Reading, Status

Item = TypeVar("Item")

_STATUS_STYLES = {"accepted": "green", "refused": "yellow", "failed": "red"}
_OUTCOME_MARKS = {
    Outcome.PASSED: ("passed", "green"),
    Outcome.FAILED: ("failed", "red"),
    Outcome.NOT_AVAILABLE: ("not available", "dim"),
}

# A longer run shows its counts and what needs a person's eye, not every line.
LONGEST_TABLE = 40


def progress(items: Iterable[Item], *, title: str) -> Iterator[Item]:
    """The items, counted on a terminal's last line; nothing shown in a pipe."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        for item in items:
            yield item
            bar.advance(task)


def print_readings(readings: list[Reading], *, images: int) -> None:
    """A table of the readings, one row an image: what became of it, and why; says so if `images` were more."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("image", overflow="fold", no_wrap=True)
    table.add_column("view")
    table.add_column("result", no_wrap=True)
    table.add_column("probability", justify="right")
    table.add_column("why", overflow="fold")
    for reading in readings[:LONGEST_TABLE]:
        table.add_row(
            Text(_short(reading.path)),
            reading.view or "",
            _result(reading),
            "" if reading.decision is None else f"{reading.decision.probability:.3f}",
            Text("; ".join(f"{one.name}: expected {one.expected}, found {one.found}" for one in reading.reasons)),
        )
    console = Console()
    console.print(table)
    if images > min(len(readings), LONGEST_TABLE):
        console.print(f"({images} images in all)", style="dim")
    console.print()


def print_checks(path: str, status: str, checks: tuple[Check, ...]) -> None:
    """One image's checks, each with what was expected and found."""
    console = Console()
    console.print(Text.assemble((path, "bold"), "  ", (status, _STATUS_STYLES[status])))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2))
    for one in checks:
        mark, style = _OUTCOME_MARKS[one.outcome]
        table.add_row(
            Text(mark, style=style),
            one.name,
            Text(one.found if one.outcome is Outcome.PASSED else f"expected {one.expected}, found {one.found}"),
        )
    console.print(table)


def summary(counts: Counter[str]) -> str:
    """The run in one line, such as `3 analysed (1 suspicious, 0 uncertain), 2 refused, 1 failed`."""
    analysed = f"{counts[Status.ANALYSED]} analysed ({counts['positive']} suspicious, {counts['uncertain']} uncertain)"
    return f"{analysed}, {counts[Status.REFUSED]} refused, {counts[Status.FAILED]} failed"


def count(reading: Reading, counts: Counter[str]) -> None:
    """Add one reading to the counts that `summary` shows."""
    counts[reading.status] += 1
    if reading.decision is not None:
        counts["positive"] += reading.decision.positive
        counts["uncertain"] += reading.decision.uncertain


def _result(reading: Reading) -> Text:
    if reading.decision is None:
        return Text(reading.status, style="yellow" if reading.status is Status.REFUSED else "red")
    side = "suspicious" if reading.decision.positive else "not suspicious"
    if reading.decision.uncertain:
        return Text(f"uncertain ({side})", style="bold magenta")
    return Text(side, style="bold dark_orange" if reading.decision.positive else "green")


def _short(path: str) -> str:
    """The end of a long path, since that is what tells images apart."""
    return path if len(path) <= 48 else f"…{path[-47:]}"
