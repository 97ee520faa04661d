"""Result lines of a study's images -> one result of the study."""

from collections.abc import Sequence
from typing import TypedDict

from pneumoscope.results.line import ResultLine
from pneumoscope.results.wording import NOT_NEGATIVE, percent


class StudyLine(TypedDict):
    """The result of a study as JSON.

    `finding` is `suspicious`, `uncertain`, `clear` or `not analysed`; `probability` is the highest of its images'.
    """

    study_instance_uid: str
    finding: str
    probability: float | None
    summary: str
    completed_by: str
    images: list[ResultLine]


def study_line(lines: Sequence[ResultLine], *, study_uid: str, completed_by: str) -> StudyLine:
    """Return the study's result: that of its most suspicious analysed image; without one it is not analysed.

    Args:
        lines: The images' lines, in the order in which they came.
        study_uid: Study Instance UID.
        completed_by: What made it complete: `trigger`, `count` or `time-out`.
    """
    analysed = [line for line in lines if line["status"] == "analysed"]
    finding = _finding(analysed)
    probabilities = [line["probability"] for line in analysed]
    highest = max((p for p in probabilities if isinstance(p, float)), default=None)
    return StudyLine(
        study_instance_uid=study_uid,
        finding=finding,
        probability=highest,
        summary=_summary(finding, highest, n_analysed=len(analysed), n_images=len(lines)),
        completed_by=completed_by,
        images=list(lines),
    )


def _finding(analysed: Sequence[ResultLine]) -> str:
    if not analysed:
        return "not analysed"
    if any(line["positive"] and not line["uncertain"] for line in analysed):
        return "suspicious"
    return "uncertain" if any(line["uncertain"] for line in analysed) else "clear"


def _summary(finding: str, probability: float | None, *, n_analysed: int, n_images: int) -> str:
    words = {
        "suspicious": "Suspicious for pneumonia",
        "uncertain": "Uncertain: a person decides",
        "clear": "Not suspicious for pneumonia",
        "not analysed": "Not analysed",
    }[finding]
    text = f"{words}." if probability is None else f"{words}, probability {percent(probability)}."
    if n_analysed == n_images:
        return text
    left = f"{text} {n_images - n_analysed} of {n_images} images not analysed."
    return left if n_analysed else f"{left} {NOT_NEGATIVE}"
