"""A patient's prior: the last earlier study with a result, and how the probability changed since."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pneumoscope.service.store import Store
from pneumoscope.service.store import worklist as store_worklist
from pneumoscope.service.store.worklist import PatientResult
from pneumoscope.service.web.summaries import ImageSummary, date


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """The last earlier study of a patient that has a result.

    Attributes:
        image_id: Its most suspicious image.
        date: Its study date where both studies have one, else the day of receipt.
        probability: Of that image.
        change: Probability now minus then; None where another model read the prior: their scales differ.
    """

    image_id: int
    date: str
    probability: float
    change: float | None

    @property
    def words(self) -> str:
        """The change in percentage points with its sign; a dash where another model read the prior."""
        return "–" if self.change is None else f"{100 * self.change:+.0f}".replace("-", "−").replace("+0", "0")

    @property
    def is_rise(self) -> bool:
        """Whether the probability rose by at least one percentage point."""
        return self.change is not None and self.change >= 0.01


def priors_of(store: Store, summaries: Iterable[ImageSummary]) -> dict[int, Prior]:
    """Return the priors of these analysed images, by the image's row number; no entry where there is none.

    Two sites may give one Patient ID to two patients: the name must be the same too, and readable.
    """
    analysed = [one for one in summaries if one.decision and one.image.patient_id and one.image.patient_name]
    by_patient: dict[tuple[str, str], list[PatientResult]] = {}
    for found in store_worklist.of_patients(store, {one.image.patient_id for one in analysed}):
        by_patient.setdefault((found.patient_id, found.patient_name), []).append(found)
    priors = ((one, by_patient.get((one.image.patient_id, one.image.patient_name), [])) for one in analysed)
    return {one.image.id: prior for one, found in priors if (prior := _prior(one, found)) is not None}


def _prior(one: ImageSummary, found: Sequence[PatientResult]) -> Prior | None:
    assert one.result is not None
    assert one.decision is not None
    earlier = [other for other in found if other.study_uid != one.image.study_uid and _is_before(other, one)]
    if not earlier:
        return None
    last = max(earlier, key=lambda other: (other.study_date, other.received_at))
    same_study = [other for other in earlier if other.study_uid == last.study_uid]
    same_model = [other for other in same_study if other.model_sha256 == one.result.model_sha256]
    prior = max(same_model or same_study, key=lambda other: other.probability)
    return Prior(
        image_id=prior.image_id,
        date=date(prior.study_date, prior.received_at),
        probability=prior.probability,
        change=one.decision.probability - prior.probability if same_model else None,
    )


def _is_before(other: PatientResult, one: ImageSummary) -> bool:
    """Return whether the other image's study came before, by study dates where they tell, else by receipt."""
    dates = other.study_date, one.image.study_date
    if all(dates) and dates[0] != dates[1]:
        return dates[0] < dates[1]
    return other.received_at < one.image.received_at or (
        other.received_at == one.image.received_at and other.image_id < one.image.id
    )
