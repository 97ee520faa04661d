"""The result for one image: what was found, and every form in which it can be given to others."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pneumoscope.core import (
    Check,
    Claim,
    Decision,
    InputError,
    ModelIdentity,
    Outcome,
    Radiograph,
    ResultObject,
    Status,
    View,
)

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float32, UInt8
    from pydicom import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """What a result must say of the model beyond its identity; from the model card.

    Attributes:
        intended_use: One sentence.
        licence: Terms of the weights, such as an SPDX identifier.
        preprocessing: How pixels become the network's input, in one line.
    """

    intended_use: str
    licence: str
    preprocessing: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """The result for one input image. Immutable, safe to share between threads, and picklable.

    Attributes:
        path: Where the image came from; a zip member is `archive.zip!/folder/file.dcm`.
        status: `analysed`, `refused` (outside the intended use) or `failed` (not readable). Only an analysed image
            has a decision; neither of the others is ever a negative.
        checks: Every check that was made, in order; the failed ones are the reasons of a refusal or failure.
        model: Which model read it.
        elapsed_ms: Wall-clock time spent on this image, milliseconds.
        sop_instance_uid: Of the DICOM image; None where it has none.
        view: Projection as far as it is known.
        decision: The model's answer; present exactly when the image was analysed.
        distance: Of the image's embedding from the training images, as the out-of-distribution check measures it;
            None where the model did not see the image.
        heat_outside_lungs: Share of the heat that lies outside the lungs, in [0, 1]; None where the model does not
            know lungs, or did not see the image.
        notes: What else a person must know, in words: why a flag is uncertain, why no heat map is shown.
        steps: How stored values became what was read, as `Radiograph.steps`.
        heat: Local suspicion in [0, 1] on the radiograph's own pixel grid; None where it is not shown.
        radiograph: The image itself; None where it could not be read, or was not kept.
        card: What the model's card says that a report must repeat.
    """

    path: str
    status: Status
    checks: tuple[Check, ...]
    model: ModelIdentity
    elapsed_ms: float
    sop_instance_uid: str | None = None
    view: View | None = None
    decision: Decision | None = None
    distance: float | None = None
    heat_outside_lungs: float | None = None
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    heat: 'Float32[np.ndarray, "h w"] | None' = field(default=None, repr=False)
    radiograph: Radiograph | None = field(default=None, repr=False)
    card: ModelSummary | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.status is Status.ANALYSED) != (self.decision is not None):
            raise ValueError(f"a reading has a decision exactly when analysed, got {self.status}, {self.decision}")
        if (self.status is Status.ANALYSED) == bool(self.reasons):
            raise ValueError(f"a reading has reasons exactly when not analysed, got {self.status}, {self.reasons}")

    @property
    def reasons(self) -> tuple[Check, ...]:
        """The failed checks: why the image was refused or could not be read."""
        return tuple(check for check in self.checks if check.outcome is Outcome.FAILED)

    @property
    def probability(self) -> float | None:
        """Calibrated probability of pneumonia in [0, 1]; None where the image was not analysed."""
        return None if self.decision is None else self.decision.probability

    @property
    def positive(self) -> bool | None:
        """Whether the probability reaches the threshold; None where the image was not analysed."""
        return None if self.decision is None else self.decision.positive

    def __str__(self) -> str:
        from pneumoscope.results.wording import in_one_line

        return in_one_line(self)

    def under(self, claim: Claim) -> "Reading":
        """Return the reading with what a device with this claim may show: for triage, no location."""
        return self if claim.shows_location else replace(self, heat=None)

    def without_pixels(self) -> "Reading":
        """Return the reading without image and heat map, which are nearly all of its memory; the header stays."""
        radiograph = None if self.radiograph is None else replace(self.radiograph, pixels=None)
        return replace(self, radiograph=radiograph, heat=None)

    def to_dict(self) -> dict[str, Any]:
        """Return the reading as `results.jsonl` holds it, ready for `json.dumps`."""
        from pneumoscope.results.line import Outputs, to_line

        return to_line(self, Outputs())

    def to_sr(self) -> "Dataset":
        """Return the DICOM structured report; for an image that was not analysed, the report that says so and why.

        Raises:
            InputError: There is no DICOM header, or one that no object can refer to.
        """
        return self._object(ResultObject.SR if self.decision else ResultObject.NOT_ANALYSED)

    def to_secondary_capture(self) -> "Dataset":
        """Return `overlay()` as a DICOM Secondary Capture in the image's study.

        Raises:
            InputError: There is no DICOM header, or one that no object can refer to; or the pixels were not kept.
        """
        return self._object(ResultObject.SC)

    def to_presentation_state(self) -> "Dataset":
        """Return the DICOM presentation state that draws outline and text over the image itself.

        Raises:
            InputError: There is no heat map to outline, no DICOM header, or one that no object can refer to.
        """
        if self.heat is None:
            raise InputError(f"{self.path}: a presentation state needs a heat map, found none{self._why_no_heat()}")
        return self._object(ResultObject.GSPS)

    def to_fhir(self, *, completed_at: datetime | None = None) -> dict[str, Any]:
        """Return a FHIR R4 transaction: a DiagnosticReport of the image's study with this image's Observation.

        Args:
            completed_at: When the result was given, with its time zone; now where it is left out.

        Raises:
            InputError: There is no DICOM header, or one without Study Instance UID.
        """
        from pneumoscope.results.fhir import fhir_of_reading

        return fhir_of_reading(self, completed_at=(completed_at or datetime.now(UTC)).timestamp())

    def overlay(self, *, longest_px: int = 1024) -> 'UInt8[np.ndarray, "h w 3"]':
        """Return a picture: image, heat map, decision and model; or the notice that it was not analysed, and why.

        Raises:
            InputError: The pixels were not kept.
        """
        if self.decision is None:
            from pneumoscope.results.notice import notice

            return notice(self)
        from pneumoscope.results.overlay import overlay

        return overlay(self, self.image(), longest_px=longest_px)

    def save(self, folder: Path | str, *, claim: Claim = Claim.DETECTION) -> dict[str, Path]:
        """Write the result line (JSON) and every object that can be made into a folder; return their paths by kind.

        File names are made of the image's name and path, so that readings of many images share a folder, and saving
        again replaces the same files. What could not be made is named in the line's `notes`.

        Raises:
            ConfigError: The folder cannot be made or written.
        """
        from pneumoscope.results.writer import save_reading

        return save_reading(self.under(claim), Path(folder))

    def summary(self) -> ModelSummary:
        """Return what the model's card says; nothing stated where the reading was made without a card."""
        return self.card or ModelSummary(intended_use="not stated", licence="not stated", preprocessing="not stated")

    def image(self) -> Radiograph:
        """Return the radiograph with its pixels.

        Raises:
            InputError: It could not be read, has no single grey frame, or was not kept.
        """
        if self.radiograph is None or self.radiograph.pixels is None:
            raise InputError(f"{self.path}: expected the image's pixels, found none: not readable, or not kept")
        return self.radiograph

    def _object(self, kind: ResultObject) -> "Dataset":
        from pneumoscope.results.objects import dicom_object

        return dicom_object(self, kind)

    def _why_no_heat(self) -> str:
        return "".join(f" ({note})" for note in self.notes if "no heat map" in note)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: image, decision and checks, in the notebook's own colours."""
        from pneumoscope.results.notebook import reading_html

        return reading_html(self)
