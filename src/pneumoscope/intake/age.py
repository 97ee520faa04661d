"""The patient's age at the study: from Patient's Age as people write it, held against the birth date.

A malformed age is not an absent one: it may be a child's. So the record tells the two apart, and what was bent.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime

from pydicom import Dataset

from pneumoscope.core import Population
from pneumoscope.intake.faults import quoted
from pneumoscope.intake.header import text

_STANDARD = re.compile(r"\d{3}[DWMY]")
_PART = re.compile(r"(\d{1,3}(?:[.,]\d{1,2})?) ?([A-Z]*)\.?")
_YEARS_PER_UNIT = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
# Words that devices and people write for the standard's letters.
_UNIT_WORDS = {
    "": "Y",
    "D": "D",
    "DAY": "D",
    "DAYS": "D",
    "W": "W",
    "WK": "W",
    "WKS": "W",
    "WEEK": "W",
    "WEEKS": "W",
    "M": "M",
    "MO": "M",
    "MOS": "M",
    "MON": "M",
    "MTH": "M",
    "MTHS": "M",
    "MONTH": "M",
    "MONTHS": "M",
    "Y": "Y",
    "YO": "Y",
    "YR": "Y",
    "YRS": "Y",
    "YEAR": "Y",
    "YEARS": "Y",
}
_OLDEST_YEARS = 123.0
_LARGEST_DIFFERENCE_YEARS = 2.0
_STUDY_DATES = ("StudyDate", "AcquisitionDate", "ContentDate", "SeriesDate")
# What systems write for "no birth date".
_PLACEHOLDERS = {"00000000", "00010101", "11111111", "18000101", "18991230", "19000101", "99991231", "99999999"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """What the header says of the patient's age.

    Attributes:
        years: The age in years; None where it is absent, malformed or contradicted.
        problem: Why what is said cannot be relied on; empty where it can, or where nothing is said.
        bent: How it was read although not written as the standard has it; empty where it was.
    """

    years: float | None = None
    problem: str = ""
    bent: str = ""


def age_of(header: Dataset) -> Age:
    """Return the patient's age: by Patient's Age, else Study Date less Patient's Birth Date.

    Patient's Age is three digits and a unit (`081Y`). Fewer digits, blanks, lower case, the units' usual words and
    several parts (`5Y6M`) are read, and a number alone is years; each is said in `bent`. An age that is malformed, or
    that the birth date contradicts (by more than two years, or about the population), is a problem.

    Source:
        PS3.5 Table 6.2-1, AS and DA. Oldest known age: 122 years (J. Calment).
    """
    said = " ".join(text(header, "PatientAge").replace("\0", " ").split())
    born = _age_by_dates(header)
    if not said:
        return _from_dates(header, born)
    years = _years(said)
    if years is None:
        problem = f"{quoted(said)!r} is no number with a unit (D, W, M, Y) of a human's age"
        if born is None:
            return Age(problem=problem)
        return Age(years=born, bent=f"age: {problem}: ignored, {_shown(born)} by the birth date")
    if born is not None and _contradicts(years, born):
        return Age(problem=f"{_shown(years)} ({quoted(said)!r}) against {_shown(born)} by the birth date")
    return Age(years=years, bent="" if _STANDARD.fullmatch(said) else f"age: {quoted(said)!r} read as {_shown(years)}")


def age_years(header: Dataset) -> float | None:
    """Return the patient's age at the study in years; None where it is absent, malformed or contradicted."""
    return age_of(header).years


def _years(said: str) -> float | None:
    """Return an age as people write it in years; None where it is malformed or beyond any human's."""
    rest, total, last_unit = said.upper().replace("/", "").removesuffix(" OLD"), 0.0, 366.0
    while rest:
        match = _PART.match(rest)
        unit = _UNIT_WORDS.get(match[2]) if match else None
        if match is None or unit is None or _YEARS_PER_UNIT[unit] >= last_unit:
            return None
        last_unit = _YEARS_PER_UNIT[unit]
        total += float(match[1].replace(",", ".")) * last_unit
        rest = rest[match.end() :].strip()
        if rest and not match[2]:
            return None
    return total if total < _OLDEST_YEARS else None


def _from_dates(header: Dataset, born: float | None) -> Age:
    """Return the age where Patient's Age is empty; a birth date that can give none is a problem, an absent one not."""
    if born is not None:
        return Age(years=born)
    written = text(header, "PatientBirthDate")
    if not written or _digits(written) in _PLACEHOLDERS or not any(text(header, one) for one in _STUDY_DATES):
        return Age()
    return Age(problem="Patient's Birth Date and Study Date give no age")


def _age_by_dates(header: Dataset) -> float | None:
    born = _date(text(header, "PatientBirthDate"))
    studied = next((day for keyword in _STUDY_DATES if (day := _date(text(header, keyword)))), None)
    if born is None or studied is None or f"{born:%Y%m%d}" in _PLACEHOLDERS:
        return None
    years = (studied - born).days / 365.25
    return years if 0 <= years < _OLDEST_YEARS else None


def _contradicts(years: float, born: float) -> bool:
    """Whether an age and a birth date cannot both be right; whole years are cut off, so 5 may be 5.99."""
    cut_off = 1.0 if years == int(years) else 0.0
    if years <= born < years + cut_off:
        return False
    gap = years - born if born < years else born - years - cut_off
    return gap > _LARGEST_DIFFERENCE_YEARS or Population.of_age(years) is not Population.of_age(born)


def _date(written: str) -> date | None:
    """Return a date as written (YYYYMMDD, and YYYY.MM.DD of ACR-NEMA); None where it is malformed."""
    try:
        return datetime.strptime(_digits(written), "%Y%m%d").date()
    except ValueError:
        return None


def _digits(written: str) -> str:
    return written.replace(".", "").replace("-", "")


def _shown(years: float) -> str:
    if years < 2:
        return f"{years * 12:.0f} months" if years * 12 >= 1 else f"{years * 365.25:.0f} days"
    return f"{years:g} years" if years == int(years) else f"{years:.1f} years"
