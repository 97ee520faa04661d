"""The study page: one image, the others of its study, the patient's other results, and feedback."""

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
from pneumoscope.service.store import worklist as store_worklist
from pneumoscope.service.web.priors import Prior, priors_of
from pneumoscope.service.web.summaries import ImageSummary, cell, date, summary_of
from pneumoscope.service.web.viewer_image import boxes, heat_of
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
    DeliveryState.DONE: "delivered",
    DeliveryState.DEAD: "failed: an administrator must decide",
    DeliveryState.DISCARDED: "discarded by an administrator",
}
_MOST_OTHERS = 50


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
        others: Other studies' images of the same patient with their dates, the newest study first.
        no_others: Why there are none.
        prior: The last earlier study with a result; None where there is none.
        has_pixels: Whether the image can be shown, so `has_heat`.
        no_pixels: Why not.
        boxes: Boxes around the heat map's hottest places as JSON.
    """

    summary: ImageSummary
    header: tuple[tuple[str, str], ...]
    siblings: tuple[ImageSummary, ...]
    others: tuple[tuple[str, ImageSummary], ...]
    no_others: str
    prior: Prior | None
    feedback: tuple[Feedback, ...]
    deliveries: tuple[Sent, ...]
    has_pixels: bool
    no_pixels: str
    has_heat: bool
    boxes: str

    @property
    def route(self) -> str:
        """How the image came."""
        image = self.summary.image
        return _ROUTES[image.route].format(caller=image.caller or "unknown")

    @property
    def checks_in_short(self) -> str:
        """How many checks had which outcome."""
        counts = Counter(check.outcome for check in self.summary.checks)
        return ", ".join(f"{number} {outcome}" for outcome, number in counts.items())


def image_page(store: Store, spool: Spool, *, image: Image, claim: Claim, columns: Sequence[Column] = ()) -> ImagePage:
    """Return the page of one image."""
    one = summary_of(image, results.of_image(store, image.id))
    found = {result.image_id: result for result in results.of_study(store, image.study_uid)}
    siblings = tuple(summary_of(other, found.get(other.id)) for other in images.of_study(store, image.study_uid))
    heat = heat_path(one, spool=spool, claim=claim)
    drawable = image.file is not None and _is_drawable(one)
    return ImagePage(
        summary=one,
        header=tuple((COLUMNS[column], cell(image, column)) for column in columns if column is not Column.CALLER),
        siblings=siblings,
        others=_others(store, image),
        no_others="None on this node under this Patient ID and name."
        if image.patient_id
        else "The image names no patient.",
        prior=priors_of(store, [one]).get(image.id),
        feedback=tuple(people.feedback_on(store, image.uid)),
        deliveries=_sent(deliveries.of_study(store, image.study_uid)),
        has_pixels=drawable,
        no_pixels=_why_no_pixels(one),
        has_heat=heat is not None,
        boxes=json.dumps(boxes(heat_of(spool.path(heat)))) if heat else "[]",
    )


def heat_path(one: ImageSummary, *, spool: Spool, claim: Claim) -> str | None:
    """Return the heat map's path within the spool; None where there is none, or the claim does not allow to show it.

    Source:
        21 CFR 892.2080: a triage device does not direct attention to a location.
    """
    if one.result is None or one.result.folder is None or one.decision is None or not claim.shows_location:
        return None
    path = f"{one.result.folder}/{HEAT_FILE}"
    return path if spool.path(path).is_file() else None


def _is_drawable(one: ImageSummary) -> bool:
    """Return whether there is one grey frame to show; what was refused for its content still can be looked at."""
    colour_or_frames = {CHECKS["photometric"], CHECKS["frames"]}
    return one.kind != "failed" and not any(check.name in colour_or_frames for check in one.reasons)


def _why_no_pixels(one: ImageSummary) -> str:
    if one.image.file is None:
        return "The image is no longer kept here; its result is. Look for the image in the PACS."
    return "This image cannot be shown."


def _others(store: Store, image: Image) -> tuple[tuple[str, ImageSummary], ...]:
    """Return the images of the patient's other studies with their dates, the newest study first."""
    same_patient = images.of_patient(store, image.patient_id, image.patient_name)
    ids = [one.id for one in same_patient if one.study_uid != image.study_uid][:_MOST_OTHERS]
    found = store_worklist.of_images(store, ids).values()
    newest = sorted(found, key=lambda one: (one[0].study_date, one[0].received_at, one[0].id), reverse=True)
    return tuple((date(one.study_date, one.received_at), summary_of(one, result)) for one, result in newest)


def _sent(found: list[Delivery]) -> tuple[Sent, ...]:
    """Return for each destination the worst state of what goes there."""
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
