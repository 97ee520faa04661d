"""What commands show on a terminal: lines and progress; plain text in a pipe."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from pneumoscope.core import Check, Outcome

if TYPE_CHECKING:
    from pneumoscope.results import Reading

Item = TypeVar("Item")

# A longer run shows its counts, and of what was analysed and what was not so many lines each.
LONGEST_TABLE = 40

_WIDEST_NAME = 44
_STATUS_STYLES = {"accepted": "green", "refused": "yellow", "failed": "red"}
_OUTCOME_STYLES = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.NOT_AVAILABLE: "dim"}


def progress(items: Iterable[Item], *, title: str) -> Iterator[Item]:
    """Yield the items and count them on a terminal's last line; show nothing in a pipe."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn(f"{title} {{task.completed}}"), BarColumn(24), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        for item in items:
            yield item
            bar.advance(task)


@contextmanager
def byte_progress(total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with each count of new bytes; show a bar with rate and rest on a terminal only."""
    console = Console(stderr=True)
    columns = (BarColumn(24), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("fetching", total=total)
        yield lambda count: bar.advance(task, count)


def print_readings(readings: "list[Reading]", *, images: int) -> None:
    """Print one line an image, and below it every reason why it was not analysed; say so if `images` were more."""
    console = Console(highlight=False, soft_wrap=True)
    names = _names([reading.path for reading in readings])
    width = max(map(len, names), default=0)
    console.print(f"{'image':{width}}  view     probability  result", style="dim")
    for name, reading in zip(names, readings, strict=True):
        probability = "" if reading.decision is None else f"{reading.decision.probability:.3f}"
        console.print(Text(f"{name:{width}}  {reading.view or '':7}  {probability:>11}  ") + _result(reading))
        for reason in reading.reasons:
            console.print(Text(f"    {_sentence(reason)}", style="dim"))
    if images > len(readings):
        console.print(f"... {images - len(readings)} more, {images} images in all", style="dim")
    console.print()


def print_checks(path: str, status: str, checks: tuple[Check, ...]) -> None:
    """Print one image's checks, each with what was found, and what was expected where it did not pass."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text.assemble((path, "bold"), "  ", (status, _STATUS_STYLES[status])))
    for one in checks:
        found = one.found if one.outcome is Outcome.PASSED else f"expected {one.expected}, found {one.found}"
        outcome = (f"{one.outcome:14}", _OUTCOME_STYLES[one.outcome])
        console.print(Text.assemble("  ", outcome, f"{one.title:22}{found}"))


def summary(counts: Counter[str]) -> str:
    """Return counts by `kind`: `2 analysed (1 suspicious, 0 not suspicious, 1 uncertain), 2 refused, 1 failed`."""
    suspicious, clear, uncertain = (counts[kind] for kind in ("suspicious", "clear", "uncertain"))
    analysed = f"{suspicious + clear + uncertain} analysed"
    found = f"{suspicious} suspicious, {clear} not suspicious, {uncertain} uncertain"
    return f"{analysed} ({found}), {counts['refused']} refused, {counts['failed']} failed"


def _result(reading: "Reading") -> Text:
    if reading.decision is None:
        return Text(reading.status, style=_STATUS_STYLES[reading.status])
    side = "suspicious" if reading.decision.positive else "not suspicious"
    if reading.decision.uncertain:
        return Text(f"uncertain, {side} side: a person decides", style="magenta")
    return Text(side, style="dark_orange" if reading.decision.positive else "green")


def _sentence(check: Check) -> str:
    return f"{check.title}: expected {check.expected}, found {check.found}"


def _names(paths: list[str]) -> list[str]:
    """Return paths without the folder that they share; of a long one its end, since that tells images apart."""
    folders = {Path(path).parent for path in paths}
    alike = len({folder.is_absolute() for folder in folders}) == 1
    folder = os.path.commonpath(folders) if alike else ""
    names = [path.removeprefix(folder).lstrip("/\\") for path in paths]
    return [name if len(name) <= _WIDEST_NAME else f"…{name[1 - _WIDEST_NAME :]}" for name in names]
