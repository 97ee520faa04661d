"""Reading the header's attributes: text, numbers, sequences, the patient's age; a malformed value is an absent one."""

import re
from collections.abc import Iterator
from datetime import date, datetime

from pydicom import Dataset, Sequence
from pydicom.multival import MultiValue

_AGE = re.compile(r"(\d{3})([DWMY])")
_YEARS_PER_UNIT = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_OLDEST_EVER_YEARS = 123


def texts(header: Dataset, keyword: str) -> tuple[str, ...]:
    """The attribute's values as text without padding; none where it is absent or empty."""
    value = header.get(keyword)
    values = value if isinstance(value, MultiValue | list | tuple) else [] if value is None else [value]
    return tuple(text for text in (str(v).strip() for v in values) if text)


def text(header: Dataset, keyword: str) -> str:
    r"""The attribute's values as one text, joined by `\` as in the file; empty where it is absent."""
    return "\\".join(texts(header, keyword))


def integer(header: Dataset, keyword: str, *, absent: int | None = None) -> int | None:
    """The attribute's single whole number; `absent` where it has no value, None where it is anything else."""
    value = header.get(keyword)
    if value is None or value == "":
        return absent
    return int(value) if isinstance(value, int) else None


def numbers(header: Dataset, keyword: str) -> tuple[float, ...]:
    """The attribute's values as numbers; none where it is absent or one of them is not a number."""
    try:
        return tuple(float(value) for value in texts(header, keyword))
    except ValueError:
        return ()


def items(header: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """The items of a sequence; none where it is absent, empty or not a sequence."""
    value = header.get(keyword)
    return tuple(value) if isinstance(value, Sequence) else ()


def codes(header: Dataset, keyword: str) -> Iterator[tuple[str, str, str]]:
    """(coding scheme, code value, meaning) of each item of a code sequence (PS3.3 Section 8.8)."""
    for item in items(header, keyword):
        yield text(item, "CodingSchemeDesignator"), text(item, "CodeValue"), text(item, "CodeMeaning")


def age_years(header: Dataset) -> float | None:
    """The patient's age at the study, in years; None where it is not said, malformed or beyond any human's.

    Patient's Age is a three-digit number and a unit (`081Y`, `006M`); a number alone (`81`) is not read, since
    days, weeks and months are as possible as years. Without it, Study Date less Patient's Birth Date.

    Source:
        PS3.5 Table 6.2-1, AS and DA. Oldest known age: 122 years (J. Calment).
    """
    if match := _AGE.fullmatch(text(header, "PatientAge")):
        years = int(match[1]) * _YEARS_PER_UNIT[match[2]]
    elif (born := _date(header, "PatientBirthDate")) and (studied := _date(header, "StudyDate")):
        years = (studied - born).days / 365.25
    else:
        return None
    return years if 0 <= years < _OLDEST_EVER_YEARS else None


def _date(header: Dataset, keyword: str) -> date | None:
    try:
        return datetime.strptime(text(header, keyword), "%Y%m%d").date()
    except ValueError:
        return None
