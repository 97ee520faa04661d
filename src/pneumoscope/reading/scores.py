"""Scores of many known images: of a data set's manifest, whose rows say more than a PNG's missing header."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pneumoscope.core import Check, IntendedUse, Outcome, Status, View, map_ahead
from pneumoscope.intake import ImageSource
from pneumoscope.reading.reader import Candidate, Reader, Settled
from pneumoscope.results import Reading

_THREADS, _AHEAD = 2, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownImage:
    """One image to score, and what its data set says of it.

    Attributes:
        image_id: Name of the image within its source.
        source: Name of the data set.
        path: DICOM, PNG or JPEG file; None where the data set has no file.
        age_years: Used where the file does not say it; likewise `view`.
    """

    image_id: str
    source: str
    path: str | None
    age_years: float | None = None
    view: View | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What became of one image; `probability` is None unless it was analysed, and `reason` then says why.

    Attributes:
        population: Whose calibration gave the probability.
        positive: Whether it reaches the threshold of the reader's operating point; so `uncertain`.
    """

    image_id: str
    source: str
    status: Status
    reason: str = ""
    probability: float | None = None
    population: str | None = None
    positive: bool | None = None
    uncertain: bool | None = None


def score_images(images: Iterable[KnownImage], reader: Reader) -> Iterator[Score]:
    """Yield the score of each image, in order; decoded in threads ahead of the model, memory bounded.

    Checks and guard are those of `read`: a refused image gets no score. An age or view that the file does not say is
    taken from the data set, and held against the intended use as the file's own would be.
    """

    def opened(image: KnownImage) -> tuple[KnownImage, Candidate | Settled | Check]:
        return image, _open(image, reader)

    for image, ready in map_ahead(opened, images, threads=_THREADS, ahead=_AHEAD):
        if isinstance(ready, Check):
            status = Status.FAILED if image.path is None else Status.REFUSED
            yield _without_score(image, status, (ready,))
        else:
            (reading,) = reader.read([ready])
            yield _score(image, reading)


def _open(image: KnownImage, reader: Reader) -> Candidate | Settled | Check:
    """Return the image ready for the model, what settles it without, or the check that the data set's facts fail."""
    if image.path is None:
        return Check("file", Outcome.FAILED, "a file", "none: the manifest has no path")
    opened = reader.open(ImageSource(path=image.path, location=Path(image.path)))
    if isinstance(opened, Settled):
        return opened
    age = image.age_years if opened.radiograph.age_years is None else None
    view = image.view if opened.radiograph.view is None else None
    if wrong := _outside(reader.artifact.card.intended_use, age=age, view=view):
        return wrong
    radiograph = replace(
        opened.radiograph,
        age_years=opened.radiograph.age_years if age is None else age,
        view=opened.radiograph.view or view,
    )
    return replace(opened, radiograph=radiograph)


def _outside(intended: IntendedUse, *, age: float | None, view: View | None) -> Check | None:
    """Return the check that fails on what only the data set says, if one does."""
    if age is not None and not intended.youngest_years <= age <= intended.oldest_years:
        expected = f"{intended.youngest_years:g} to {intended.oldest_years:g} years"
        return Check("patient_age", Outcome.FAILED, expected, f"{age:g} years by the manifest")
    if view is not None and view not in intended.views:
        return Check("view", Outcome.FAILED, " or ".join(intended.views), f"{view} by the manifest")
    return None


def _score(image: KnownImage, reading: Reading) -> Score:
    decision = reading.decision
    if decision is None:
        return _without_score(image, reading.status, reading.reasons)
    return Score(
        image_id=image.image_id,
        source=image.source,
        status=reading.status,
        probability=decision.probability,
        population=decision.population.value,
        positive=decision.positive,
        uncertain=decision.uncertain,
    )


def _without_score(image: KnownImage, status: Status, reasons: tuple[Check, ...]) -> Score:
    reason = "; ".join(f"{one.title}: expected {one.expected}, found {one.found}" for one in reasons)
    return Score(image_id=image.image_id, source=image.source, status=status, reason=reason)
