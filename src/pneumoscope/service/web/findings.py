"""One image's row and result as the page says it: kind, words, numbers, reasons."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pneumoscope.core import Decision, Status
from pneumoscope.results import headline, kind, leaning, percent_beside
from pneumoscope.service.config import Column
from pneumoscope.service.store import Image, Result, State
from pneumoscope.service.web.wording import STATES, check_name


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
class Finding:
    """What is to be said of one image.

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
    def _line(self) -> dict[str, Any]:
        return _WAITING if self.result is None else _parsed(self.result.line)

    @property
    def seconds_to_result(self) -> float | None:
        """From receipt to result; None while the image waits."""
        return None if self.read_at is None else max(0.0, self.read_at - self.image.received_at)


_WAITING: dict[str, Any] = {"checks": [], "model": {"name": "", "version": "", "sha256": ""}, "notes": []}


@lru_cache(maxsize=512)
def _parsed(line: str) -> dict[str, Any]:
    """The result's line; only what is shown is parsed, since a worklist holds thousands."""
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def finding(image: Image, result: Result | None) -> Finding:
    """What the queue and the reading say of an image."""
    if result is None:
        failed = image.state is State.FAILED
        return Finding(image=image, result=None, kind="failed" if failed else "waiting", words=_waiting(image))
    decision = _decision(result)
    return Finding(
        image=image,
        result=result,
        kind=kind(result.status, decision),
        words=_words(result.status, decision),
        leaning=leaning(decision) if decision else None,
        decision=decision,
        view=result.view,
    )


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
    """What the header says, as a column of the worklist shows it; a dash where it says nothing."""
    text = str(getattr(image, column.value))
    if column is Column.STUDY_DATE and len(text) == 8:
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return text.replace("^", " ").strip() or "–"


def _words(status: str, decision: Decision | None) -> str:
    if decision is None:
        return "Not analysed" if status == Status.REFUSED else "Could not be read"
    return headline(decision)


def _check(line: dict[str, str]) -> CheckRow:
    return CheckRow(
        name=check_name(line["check"]), outcome=line["outcome"], expected=line["expected"], found=line["found"]
    )
