"""The worklist: the newest images grouped into studies, counted, filtered and put in order, one page at a time."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import NamedTuple

from pneumoscope.core import Claim
from pneumoscope.service.config import Column
from pneumoscope.service.store import Store
from pneumoscope.service.store import worklist as store_worklist
from pneumoscope.service.store.worklist import Entry
from pneumoscope.service.triage import study_priority
from pneumoscope.service.web.priors import Prior, priors_of
from pneumoscope.service.web.summaries import ImageSummary, cell, kind_of, summary_of
from pneumoscope.service.web.wording import KINDS

NEWEST = 10_000
"""Images that the worklist reaches back over; older ones are found from their patient's page and in the PACS."""
PAGE = 100
READ_FIRST_S = 12 * 3600.0
"""The reading order is about this shift's studies: waiting has made all older ones equally urgent."""

_PRECEDENCE = {kind: place for place, kind in enumerate(("suspicious", "uncertain", "waiting", "clear", "failed"))}
_LAST = len(_PRECEDENCE)


class Order(StrEnum):
    """How the worklist is sorted; `FIRST` is a triage claim."""

    FIRST = "first"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRow:
    """A study in the worklist.

    Attributes:
        deciding: The image that decides what is said of the study.
        others: Its other images.
        reviewed: Whether a person agreed or disagreed with one of its results.
        rank: Place in the reading order, from 1; None where there is none.
        prior: The patient's last earlier study with a result; None where there is none.
        columns: What the configuration wants to see of the header.
    """

    deciding: ImageSummary
    others: tuple[ImageSummary, ...]
    reviewed: bool
    rank: int | None = None
    prior: Prior | None = None
    columns: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The deciding image's kind."""
        return self.deciding.kind

    @property
    def received_at(self) -> float:
        """When its first image came."""
        return min(one.image.received_at for one in (self.deciding, *self.others))


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


class _Study(NamedTuple):
    """A study as far as counting and ordering need it; the first entry decides."""

    entries: tuple[Entry, ...]
    kind: str
    reviewed: bool
    received_at: float


def worklist(
    store: Store,
    *,
    claim: Claim,
    columns: Sequence[Column] = (),
    order: Order = Order.NEWEST,
    show: str | None = None,
    page: int = 1,
) -> Worklist:
    """Return the studies to show.

    Without a triage claim the order is that of receipt, whatever is asked for.

    Source:
        21 CFR 892.2070: a detection device does not put the worklist in order.
    """
    if not claim.orders_worklist:
        order = Order.NEWEST
    studies = _studies(store)
    counts = Counter(study.kind for study in studies)
    due = _due(studies, now=store.now()) if order is Order.FIRST else []
    ranks = {study.entries[0].image_id: rank for rank, study in enumerate(due, start=1)}
    studies = due + [study for study in studies if study.entries[0].image_id not in ranks]
    if show in KINDS:
        studies = [study for study in studies if study.kind == show]
    pages = max(1, -(-len(studies) // PAGE))
    page = min(max(1, page), pages)
    shown = studies[(page - 1) * PAGE : page * PAGE]
    return Worklist(
        rows=_rows(store, shown, ranks=ranks, columns=columns),
        counts={kind: counts[kind] for kind in KINDS},
        order=order,
        show=show if show in KINDS else None,
        page=page,
        pages=pages,
        columns=tuple(columns),
    )


def _studies(store: Store) -> list[_Study]:
    """Return the studies, the one that was received last first."""
    by_study: dict[str, list[Entry]] = {}
    entries = store_worklist.newest_entries(store, limit=NEWEST)
    for entry in entries:
        by_study.setdefault(entry.study_uid, []).append(entry)
    oldest = entries[-1].image_id if entries else 0
    reviewed = store_worklist.reviewed_studies(store, from_image_id=oldest)
    return [_study(found, reviewed=uid in reviewed) for uid, found in by_study.items()]


def _study(entries: Sequence[Entry], *, reviewed: bool) -> _Study:
    """Return the study of these entries, the most suspicious first; a refused lateral never hides a frontal image."""
    ordered = tuple(sorted(entries, key=_precedence)) if len(entries) > 1 else tuple(entries)
    received_at = min(entry.received_at for entry in ordered)
    return _Study(entries=ordered, kind=kind_of(ordered[0]), reviewed=reviewed, received_at=received_at)


def _precedence(entry: Entry) -> tuple[int, float, int]:
    return _PRECEDENCE.get(kind_of(entry), _LAST), -(entry.probability or 0.0), entry.image_id


def _due(studies: Iterable[_Study], *, now: float) -> list[_Study]:
    """Return what came in the last hours and nobody has answered yet, the most urgent first."""
    due = [
        (-study_priority(one.entries, waited_s=now - one.received_at), one.entries[0].image_id, one)
        for one in studies
        if not one.reviewed and now - one.received_at < READ_FIRST_S
    ]
    return [one for _, _, one in sorted(due, key=itemgetter(0, 1))]


def _rows(
    store: Store, studies: Sequence[_Study], *, ranks: Mapping[int, int], columns: Sequence[Column]
) -> tuple[StudyRow, ...]:
    """Return the studies of one page with all that it shows of them."""
    ids = [entry.image_id for study in studies for entry in study.entries]
    found = {id_: summary_of(*one) for id_, one in store_worklist.of_images(store, ids).items()}
    priors = priors_of(store, [found[study.entries[0].image_id] for study in studies])
    rows = []
    for study in studies:
        deciding, *others = (found[entry.image_id] for entry in study.entries)
        rows.append(
            StudyRow(
                deciding=deciding,
                others=tuple(others),
                reviewed=study.reviewed,
                rank=ranks.get(deciding.image.id),
                prior=priors.get(deciding.image.id),
                columns=tuple(cell(deciding.image, column) for column in columns),
            )
        )
    return tuple(rows)
