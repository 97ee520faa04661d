"""How often people agree with the results: each person's last word on each image."""

from dataclasses import dataclass

from sqlalchemy import select

from pneumoscope.service.store import Store, people, tables
from pneumoscope.stats import wilson

_results, _images = tables.results, tables.images


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """People who agreed among `n`, with the 95 % interval of the share; None where there are none."""

    title: str
    agreed: int
    n: int
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Agreement in all and by what the result said.

    Feedback is given by choice, mostly on what surprises: it warns of trouble and measures no accuracy.
    """

    rows: tuple[Share, ...]
    least: float

    @property
    def is_low(self) -> bool:
        """Whether the whole interval lies below what the site asks for."""
        high = self.rows[0].high
        return high is not None and high < self.least


def agreement(store: Store, *, since: float, least: float) -> Agreement:
    """Agreement in the feedback since that moment."""
    last = {(one.image_uid, one.person): one.agrees for one in people.feedback_since(store, since)}
    suspicious = _suspicious(store, {uid for uid, _ in last})
    groups = (
        ("All results", list(last.values())),
        ("Suspicious", [agrees for (uid, _), agrees in last.items() if suspicious.get(uid) is True]),
        ("Not suspicious", [agrees for (uid, _), agrees in last.items() if suspicious.get(uid) is False]),
    )
    return Agreement(rows=tuple(_share(title, answers) for title, answers in groups), least=least)


def _suspicious(store: Store, uids: set[str]) -> dict[str, bool | None]:
    query = (
        select(_images.c.uid, _results.c.positive)
        .join(_results, _results.c.image_id == _images.c.id)
        .where(_images.c.uid.in_(uids))
    )
    with store.reading() as connection:
        return {row.uid: row.positive for row in connection.execute(query)}


def _share(title: str, answers: list[bool]) -> Share:
    low, high = wilson(sum(answers), len(answers)) if answers else (None, None)
    return Share(title=title, agreed=sum(answers), n=len(answers), low=low, high=high)
