"""The worklist: the newest images gathered into studies, counted, narrowed and put in order."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pneumoscope.core import Claim
from pneumoscope.service.config import Column
from pneumoscope.service.store import Store, people, results
from pneumoscope.service.triage import study_priority
from pneumoscope.service.web.findings import Finding, cell, finding
from pneumoscope.service.web.wording import KINDS

NEWEST = 2000
"""Images that the worklist reaches back over; older ones are found from their patient's page and in the PACS."""
PAGE = 100
READ_FIRST_S = 12 * 3600.0
"""The reading order is about this shift's studies: waiting has made all older ones equally urgent."""

_MOST_TELLING = ("suspicious", "uncertain", "waiting", "clear", "failed", "refused")


class Order(StrEnum):
    """How the worklist is sorted; `FIRST` is a triage claim."""

    FIRST = "first"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRow:
    """A study in the worklist.

    Attributes:
        finding: Of the image that decides what is said of the study.
        others: Of its other images.
        reviewed: Whether a person agreed or disagreed with one of its results.
        rank: Place in the reading order, from 1; None where there is none.
        columns: What the configuration wants to see of the header.
    """

    finding: Finding
    others: tuple[Finding, ...]
    reviewed: bool
    rank: int | None = None
    columns: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The deciding image's kind."""
        return self.finding.kind

    @property
    def received_at(self) -> float:
        """When its first image came."""
        return min(one.image.received_at for one in (self.finding, *self.others))


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """One page of the worklist; `counts` are of all studies in it, by kind."""

    rows: tuple[StudyRow, ...]
    counts: dict[str, int]
    order: Order
    show: str | None
    page: int
    pages: int
    columns: tuple[Column, ...]


def worklist(
    store: Store,
    *,
    claim: Claim,
    columns: Sequence[Column] = (),
    order: Order = Order.NEWEST,
    show: str | None = None,
    page: int = 1,
) -> Worklist:
    """The studies to show.

    Without a triage claim the order is that of receipt, whatever is asked for.

    Source:
        21 CFR 892.2070: a detection device does not put the worklist in order.
    """
    if not claim.orders_worklist:
        order = Order.NEWEST
    rows = _studies(store)
    counts = Counter(row.kind for row in rows)
    if order is Order.FIRST:
        rows = _ranked(rows, now=store.now())
    if show in KINDS:
        rows = [row for row in rows if row.kind == show]
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(1, page), pages)
    shown = rows[(page - 1) * PAGE : page * PAGE]
    return Worklist(
        rows=tuple(_with_columns(row, columns) for row in shown),
        counts={kind: counts[kind] for kind in KINDS},
        order=order,
        show=show if show in KINDS else None,
        page=page,
        pages=pages,
        columns=tuple(columns),
    )


def gathered(findings: Iterable[Finding]) -> tuple[Finding, tuple[Finding, ...]]:
    """The finding that decides what is said of a study, and the others.

    The most suspicious image decides; a refused lateral never hides what its frontal image says.
    """
    ordered = sorted(findings, key=_telling)
    return ordered[0], tuple(ordered[1:])


def _studies(store: Store) -> list[StudyRow]:
    """Studies, the one that was received last first."""
    by_study: dict[str, list[Finding]] = {}
    for image, result in results.joined(store, limit=NEWEST):
        by_study.setdefault(image.study_uid, []).append(finding(image, result))
    said = {one.study_uid for one in people.feedback_since(store, 0.0)}
    rows = []
    for uid, findings in by_study.items():
        first, others = gathered(findings)
        rows.append(StudyRow(finding=first, others=others, reviewed=uid in said))
    return rows


def _telling(one: Finding) -> tuple[int, float, int]:
    probability = one.decision.probability if one.decision else 0.0
    return _MOST_TELLING.index(one.kind), -probability, one.image.id


def _ranked(rows: list[StudyRow], *, now: float) -> list[StudyRow]:
    """What came in the last hours and nobody has answered yet by priority, then the rest as it came, without a rank."""
    due = [row for row in rows if not row.reviewed and now - row.received_at < READ_FIRST_S]
    due.sort(key=lambda row: (-_priority(row, waited_s=now - row.received_at), row.finding.image.id))
    ranked = [replace(row, rank=rank) for rank, row in enumerate(due, start=1)]
    kept = {row.finding.image.id for row in due}
    return ranked + [row for row in rows if row.finding.image.id not in kept]


def _priority(row: StudyRow, *, waited_s: float) -> float:
    return study_priority([one.result for one in (row.finding, *row.others)], waited_s=waited_s)


def _with_columns(row: StudyRow, columns: Sequence[Column]) -> StudyRow:
    return replace(row, columns=tuple(cell(row.finding.image, column) for column in columns))
