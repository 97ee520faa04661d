"""Records that rooms exchange; frozen, and valid once built."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pneumoscope.core.display import Voi
from pneumoscope.core.geometry import Geometry

if TYPE_CHECKING:  # `import pneumoscope` and `pneumoscope --help` do without NumPy
    import numpy as np
    from jaxtyping import Float32
    from pydicom import Dataset

ADULT_FROM_YEARS = 6


class Outcome(StrEnum):
    """What one check said. `NOT_AVAILABLE` is neither a pass nor a refusal."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_AVAILABLE = "not available"


class Status(StrEnum):
    """What became of one input image. Neither `REFUSED` nor `FAILED` is ever a negative."""

    ANALYSED = "analysed"
    REFUSED = "refused"
    FAILED = "failed"


class View(StrEnum):
    """Projection of a chest radiograph."""

    PA = "PA"
    AP = "AP"
    LATERAL = "LATERAL"


class Claim(StrEnum):
    """What the device claims to do, and so which outputs it may show.

    Source:
        21 CFR 892.2080 (triage: may not direct attention to a location), 892.2070 (detection: marks locations, not
        for triage), 892.2090 (both).
    """

    TRIAGE = "triage"
    DETECTION = "detection"
    BOTH = "both"

    @property
    def shows_location(self) -> bool:
        """Whether heat maps, outlines and boxes may be shown."""
        return self is not Claim.TRIAGE

    @property
    def orders_worklist(self) -> bool:
        """Whether the result may move a study up in a worklist."""
        return self is not Claim.DETECTION


class Population(StrEnum):
    """Whom an image is of. Young children's films differ in anatomy, view and prevalence: each has its own rule."""

    ADULTS = "adults"
    CHILDREN = "children"

    @classmethod
    def of_age(cls, age_years: float) -> "Population":
        """Return the population of a patient of this age: young children, below 6 years, or else adults.

        The boundary is that of the films to learn from, not of law: Kermany's children are 1 to 5 years old, NIH's
        patients 4 and older, so that a schoolchild's film is more like those of NIH's adults.

        Source:
            Kermany et al., Cell 172, 2018, p. 1127 (ages of the children).
        """
        return cls.CHILDREN if age_years < ADULT_FROM_YEARS else cls.ADULTS


class Format(StrEnum):
    """Container of an input image; only DICOM has a header to check."""

    DICOM = "DICOM"
    PNG = "PNG"
    JPEG = "JPEG"
    ARRAY = "array"


class EngineName(StrEnum):
    """Library that runs the network; `auto` takes ONNX Runtime, whose numbers are the validated ones."""

    AUTO = "auto"
    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"


class ResultObject(StrEnum):
    """What may be written about an image; its line of JSON and its row of CSV always are."""

    JSONL = "jsonl"
    OVERLAY = "overlay"
    SR = "sr"
    SC = "sc"
    GSPS = "gsps"
    NOT_ANALYSED = "not-analysed"
    GALLERY = "gallery"


@dataclass(frozen=True, slots=True)
class Check:
    """One check's outcome, with what was expected and what was found, in words that a person can act on."""

    name: str
    outcome: Outcome
    expected: str
    found: str

    @property
    def title(self) -> str:
        """The name as words, for people."""
        return self.name.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Radiograph:
    """One readable image: pixels for display and model, and the header that came with it.

    Attributes:
        path: Where it came from; a zip member is `archive.zip!/folder/file.dcm`.
        header: The DICOM data set without its pixel data; None for PNG and JPEG.
        pixels: Grey values in [0, 1], 0 black (air) and 1 white (bone), upright and with square pixels; None where
            the header already shows that the image is not a single grey frame (a check says so).
        steps: The transforms that led from stored values to `pixels`, in order, as text; whatever was bent to read
            the image at all is among them.
        view: Projection by the header; None if unknown.
        age_years: Patient's age in years by the header; None if unknown, malformed or contradicted.
        geometry: How the stored grid became that of `pixels`; None where it is the same.
        voi: What made grey of the values after the modality transform; None without a header.
        doubts: What the header says of the pixels and the pixels disprove; a check fails on them.
    """

    path: str
    format: Format
    header: "Dataset | None"
    pixels: 'Float32[np.ndarray, "h w"] | None'
    steps: tuple[str, ...] = ()
    view: View | None = None
    age_years: float | None = None
    geometry: Geometry | None = None
    voi: Voi | None = None
    doubts: tuple[str, ...] = ()

    @property
    def sop_instance_uid(self) -> str | None:
        """SOP Instance UID, None without a header or where the header has none."""
        uid = self.header.get("SOPInstanceUID") if self.header is not None else None
        return str(uid) if uid else None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntendedUse:
    """The images that a model may read; its card carries this, and the checks hold every image against it.

    Attributes:
        youngest_years: Youngest patient's age in years, inclusive; so `oldest_years`. An unknown age is no refusal.
        smallest_px: Fewest rows and columns of pixels.
        views: Projections that the model was trained and validated on.
    """

    youngest_years: float
    oldest_years: float
    smallest_px: int
    views: tuple[View, ...] = (View.PA, View.AP)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """Which model gave a result: name and version of the card, SHA-256 of the artefact file."""

    name: str
    version: str
    sha256: str


class PopulationSource(StrEnum):
    """How it was decided whose rule reads an image."""

    AGE = "age"
    GIVEN = "given"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the model says of one image: calibrated probability in [0, 1] against a threshold.

    `positive` is `probability >= threshold`. `uncertain` says that the conformal set holds both answers or
    neither: a person decides. `population` says whose calibration, threshold and limits these are, and
    `population_source` why: by the header's age, by the user's or site's word, or by default, no age being known.
    `view` is the view whose own rule decided; None where the rule is the same for all views, or the view unknown.
    `report_probability` is the model's second output: how likely a radiology report names pneumonia; None without.
    """

    probability: float
    operating_point: str
    threshold: float
    uncertain: bool
    population: Population = Population.ADULTS
    population_source: PopulationSource = PopulationSource.AGE
    view: View | None = None
    report_probability: float | None = None

    @property
    def positive(self) -> bool:
        """Whether the probability reaches the threshold; a score equal to it is flagged."""
        return self.probability >= self.threshold
