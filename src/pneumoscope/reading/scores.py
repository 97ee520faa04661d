"""Scores of many known images: of a data set's manifest, whose rows say more than a PNG's missing header."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pneumoscope.core import Check, Outcome, Status, View, map_in_order
from pneumoscope.reading.model import Model
from pneumoscope.reading.pipeline import Settings, read_image

_WORKERS = 3


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


def score_images(images: Iterable[KnownImage], model: Model, settings: Settings | None = None) -> Iterator[Score]:
    """Yield the score of each image, in order; decoded in threads while the network runs, memory bounded.

    Checks are those of `read`: a refused image gets no score. An age or view that the file does not say is taken from
    the data set, and held against the intended use as the file's own would be.
    """
    chosen = replace(settings or Settings(), keep_pixels=False)
    return map_in_order(lambda image: _scored(image, model, chosen), images, workers=_WORKERS)


def _scored(image: KnownImage, model: Model, settings: Settings) -> Score:
    if image.path is None:
        missing = Check("file", Outcome.FAILED, "a file", "none: the manifest has no path")
        return _without_score(image, Status.FAILED, (missing,))
    reading = read_image(Path(image.path), model, settings, view=image.view, age_years=image.age_years)
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
