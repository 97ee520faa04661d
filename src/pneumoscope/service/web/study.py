"""The study page: one image, its study's others, what was found in the same patient before, what people said."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pneumoscope.core import Claim
from pneumoscope.service.config import Column
from pneumoscope.service.products import HEAT_FILE
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import (
    Delivery,
    DeliveryState,
    Feedback,
    Image,
    Route,
    Store,
    deliveries,
    images,
    people,
    results,
)
from pneumoscope.service.web.film import heat_of, marks
from pneumoscope.service.web.findings import Finding, cell, finding
from pneumoscope.service.web.wording import CHECKS, COLUMNS

_ROUTES = {
    Route.C_STORE: "DICOM, from {caller}",
    Route.STOW: "DICOMweb, from {caller}",
    Route.WATCH: "the watched folder",
    Route.UPLOAD: "upload",
}
_DELIVERY = {
    DeliveryState.WAITING: "waiting to be sent",
    DeliveryState.SENDING: "being sent",
    DeliveryState.DONE: "has it",
    DeliveryState.DEAD: "given up: an admin must look at it",
    DeliveryState.DISCARDED: "not sent, by an admin's decision",
}
_MOST_EARLIER = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a study's results at one destination."""

    destination: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePage:
    """All that the study page shows.

    Attributes:
        header: What the configuration wants to see of the header: name and words.
        siblings: All images of the study, this one too.
        earlier: Other studies' images of the same patient, newest first.
        no_earlier: Why there are none.
        has_film: Whether the image's pixels can be shown, so `has_heat`.
        no_film: Why not.
        marks: Boxes as JSON.
    """

    finding: Finding
    header: tuple[tuple[str, str], ...]
    siblings: tuple[Finding, ...]
    earlier: tuple[Finding, ...]
    no_earlier: str
    feedback: tuple[Feedback, ...]
    deliveries: tuple[Sent, ...]
    has_film: bool
    no_film: str
    has_heat: bool
    marks: str

    @property
    def route(self) -> str:
        """How the image came."""
        image = self.finding.image
        return _ROUTES[image.route].format(caller=image.caller or "unknown")

    @property
    def checks_in_short(self) -> str:
        """How many checks had which outcome."""
        counts = Counter(check.outcome for check in self.finding.checks)
        return ", ".join(f"{number} {outcome}" for outcome, number in counts.items())


def image_page(store: Store, spool: Spool, *, image: Image, claim: Claim, columns: Sequence[Column] = ()) -> ImagePage:
    """The page of one image."""
    one = finding(image, results.of_image(store, image.id))
    found = {result.image_id: result for result in results.of_study(store, image.study_uid)}
    siblings = tuple(finding(other, found.get(other.id)) for other in images.of_study(store, image.study_uid))
    heat = heat_path(one, spool=spool, claim=claim)
    drawable = image.file is not None and _is_drawable(one)
    return ImagePage(
        finding=one,
        header=tuple((COLUMNS[column], cell(image, column)) for column in columns if column is not Column.CALLER),
        siblings=siblings,
        earlier=_earlier(store, image),
        no_earlier="None on this node under this Patient ID and name."
        if image.patient_id
        else "The image names no patient.",
        feedback=tuple(people.feedback_on(store, image.uid)),
        deliveries=_sent(deliveries.of_study(store, image.study_uid)),
        has_film=drawable,
        no_film=_why_no_film(one),
        has_heat=heat is not None,
        marks=json.dumps(marks(heat_of(spool.path(heat)))) if heat else "[]",
    )


def heat_path(one: Finding, *, spool: Spool, claim: Claim) -> str | None:
    """Path within the spool of the heat map; None where there is none, or the claim does not allow to show it.

    Source:
        21 CFR 892.2080: a triage device does not direct attention to a location.
    """
    if one.result is None or one.result.folder is None or one.decision is None or not claim.shows_location:
        return None
    path = f"{one.result.folder}/{HEAT_FILE}"
    return path if spool.path(path).is_file() else None


def _is_drawable(one: Finding) -> bool:
    """Whether there is one grey frame to show; what was refused for its content still can be looked at."""
    colour_or_frames = {CHECKS["photometric"], CHECKS["frames"]}
    return one.kind != "failed" and not any(check.name in colour_or_frames for check in one.reasons)


def _why_no_film(one: Finding) -> str:
    if one.image.file is None:
        return "The image is no longer kept here; its result is. Look for the image in the PACS."
    return "This image cannot be shown."


def _earlier(store: Store, image: Image) -> tuple[Finding, ...]:
    others = [
        one
        for one in images.of_patient(store, image.patient_id, image.patient_name)
        if one.study_uid != image.study_uid
    ]
    return tuple(finding(one, results.of_image(store, one.id)) for one in others[:_MOST_EARLIER])


def _sent(found: list[Delivery]) -> tuple[Sent, ...]:
    """For each destination the worst state of what goes there."""
    worst = (
        DeliveryState.DEAD,
        DeliveryState.WAITING,
        DeliveryState.SENDING,
        DeliveryState.DISCARDED,
        DeliveryState.DONE,
    )
    states: dict[str, set[DeliveryState]] = {}
    for delivery in found:
        states.setdefault(delivery.destination, set()).add(delivery.state)
    return tuple(
        Sent(destination=name, words=_DELIVERY[next(state for state in worst if state in some)])
        for name, some in sorted(states.items())
    )
