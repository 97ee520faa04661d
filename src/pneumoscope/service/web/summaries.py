"""One image and its result in words: kind, headline, numbers, reasons."""

import json
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pneumoscope.core import Decision, PopulationSource, Status
from pneumoscope.results import headline, kind, leaning, percent_beside
from pneumoscope.service.config import Column
from pneumoscope.service.store import Image, Result, State
from pneumoscope.service.store.worklist import Entry
from pneumoscope.service.web.wording import DATE, STATES, check_name, moment, population_words


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """A check in words; `outcome` is passed, failed or not available."""

    name: str
    outcome: str
    expected: str
    found: str

    @property
    def complaint(self) -> str:
        """What was wrong, in one line."""
        return f"{self.name}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSummary:
    """What is shown of one image.

    Attributes:
        kind: suspicious, uncertain, clear, waiting, refused or failed; gives colour and symbol.
        words: The result in a few words.
        leaning: The side that an uncertain result leans to; None for others.
        decision: The numbers; None where the image was not analysed.
    """

    image: Image
    result: Result | None
    kind: str
    words: str
    leaning: str | None = None
    decision: Decision | None = None
    view: str | None = None

    @property
    def checks(self) -> tuple[CheckRow, ...]:
        """Every check that was made; none while the image waits."""
        return tuple(_check(one) for one in self._line["checks"])

    @property
    def model(self) -> tuple[str, str, str]:
        """Name, version, SHA-256; empty while the image waits."""
        model = self._line["model"]
        return (model["name"], model["version"], model["sha256"])

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out of the results, and why."""
        return tuple(self._line["notes"])

    @property
    def population(self) -> str:
        """Whose rule read the image and why; empty where it was not analysed, or the line does not say."""
        population = self._line.get("population")
        return "" if population is None else population_words(population, self._line.get("population_source"))

    @property
    def is_default_population(self) -> bool:
        """Whether the population was assumed, no usable age being known."""
        return bool(self._line.get("population_source") == PopulationSource.DEFAULT)

    @property
    def reasons(self) -> tuple[CheckRow, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.outcome == "failed")

    @property
    def probability(self) -> str:
        """The probability in per cent, told apart from the threshold; empty where not analysed."""
        one = self.decision
        return "" if one is None else percent_beside(one.probability, other=one.threshold)

    @property
    def threshold(self) -> str:
        """The threshold in per cent, told apart from the probability; empty where not analysed."""
        one = self.decision
        return "" if one is None else percent_beside(one.threshold, other=one.probability)

    @property
    def read_at(self) -> float | None:
        """When it was read; None while it waits."""
        return None if self.result is None else self.result.read_at

    @property
    def seconds_to_result(self) -> float | None:
        """From receipt to result; None while the image waits."""
        return None if self.read_at is None else max(0.0, self.read_at - self.image.received_at)

    @property
    def _line(self) -> dict[str, Any]:
        return _WAITING if self.result is None else _parsed(self.result.line)


_WAITING: dict[str, Any] = {"checks": [], "model": {"name": "", "version": "", "sha256": ""}, "notes": []}


@lru_cache(maxsize=512)
def _parsed(line: str) -> dict[str, Any]:
    """Return the result's line; only what is shown is parsed, since a worklist holds thousands."""
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def summary_of(image: Image, result: Result | None) -> ImageSummary:
    """Return what the queue and the reading say of an image."""
    if result is None:
        return ImageSummary(image=image, result=None, kind=_kind_of_unread(image.state), words=_waiting(image))
    decision = _decision(result)
    return ImageSummary(
        image=image,
        result=result,
        kind=kind(result.status, decision),
        words=_words(result.status, decision),
        leaning=leaning(decision) if decision else None,
        decision=decision,
        view=result.view,
    )


def kind_of(entry: Entry) -> str:
    """Return the kind of an image of which only what the worklist counts is known."""
    if entry.status is None:
        return _kind_of_unread(entry.state)
    if entry.status != Status.ANALYSED or entry.probability is None or entry.threshold is None:
        return entry.status
    if entry.uncertain:
        return "uncertain"
    return "suspicious" if entry.probability >= entry.threshold else "clear"


def _kind_of_unread(state: str) -> str:
    return "failed" if state == State.FAILED else "waiting"


def _waiting(image: Image) -> str:
    """Return the image's state in words, with the reason where reading was interrupted."""
    words = STATES[image.state]
    return f"{words}: interrupted, {image.error}" if image.error else words


def _decision(result: Result) -> Decision | None:
    if result.status != Status.ANALYSED:
        return None
    assert result.probability is not None
    assert result.threshold is not None
    return Decision(
        probability=result.probability,
        operating_point=result.operating_point or "",
        threshold=result.threshold,
        uncertain=bool(result.uncertain),
    )


def cell(image: Image, column: Column) -> str:
    """Return what the header says, as a column of the worklist shows it; a dash where it says nothing."""
    text = str(getattr(image, column.value))
    if column is Column.STUDY_DATE:
        return date(text, None)
    return text.replace("^", " ").strip() or "–"


def date(study_date: str, received_at: float | None) -> str:
    """Return a DICOM date for people, such as 30 Nov 2026; where it is empty, the day of receipt, else a dash."""
    try:
        return time.strftime(DATE, time.strptime(study_date, "%Y%m%d"))
    except ValueError:
        return study_date or moment(received_at, DATE)


def _words(status: str, decision: Decision | None) -> str:
    if decision is None:
        return "Not analysed" if status == Status.REFUSED else "Could not be read"
    return headline(decision)


def _check(line: dict[str, str]) -> CheckRow:
    return CheckRow(
        name=check_name(line["check"]), outcome=line["outcome"], expected=line["expected"], found=line["found"]
    )
