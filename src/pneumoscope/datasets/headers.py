"""Headers of many DICOM files: the few attributes that a manifest needs, read in parallel, pixels left alone."""

import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context

import pydicom

# Below this many files another process costs more time to start than it saves.
_WORTH_A_PROCESS = 4000
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What one file says; None where it says nothing that can be used. `problem` is why there is no header at all."""

    path: str
    problem: str | None = None
    sop_instance_uid: str | None = None
    study_instance_uid: str | None = None
    patient_id: str | None = None
    sex: str | None = None
    age_text: str | None = None
    age_years: float | None = None
    study_date: str | None = None
    modality: str | None = None
    view: str | None = None
    manufacturer: str | None = None
    scanner_model: str | None = None
    width_px: float | None = None
    height_px: float | None = None
    pixel_spacing_mm: float | None = None


def read_headers(paths: Sequence[str]) -> Iterator[Header]:
    """Yield a header a file, in order; in several processes where there are many."""
    if len(paths) < _WORTH_A_PROCESS:
        yield from map(read_header, paths)
        return
    batches = [tuple(paths[start : start + _BATCH]) for start in range(0, len(paths), _BATCH)]
    # Spawned, not forked: the caller may have threads.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield from chain.from_iterable(pool.map(_read_batch, batches))


def _read_batch(paths: tuple[str, ...]) -> list[Header]:
    return [read_header(path) for path in paths]


def read_header(path: str) -> Header:
    """Return one file's header, by the parser that reading has."""
    from pneumoscope.core import UnreadableError
    from pneumoscope.intake import read_header as parse

    try:
        with warnings.catch_warnings(action="ignore"):  # malformed values are looked at one by one
            return _header(path, parse(path))
    except UnreadableError as error:
        return Header(path=path, problem=f"expected {error.expected}, found {error.found}")


def _header(path: str, data: pydicom.Dataset) -> Header:
    from pneumoscope.intake import age_years, view_of

    view = view_of(data)
    sex = _text(data, "PatientSex")
    spacing = _spacing(data)
    return Header(
        path=path,
        sop_instance_uid=_text(data, "SOPInstanceUID"),
        study_instance_uid=_text(data, "StudyInstanceUID"),
        patient_id=_text(data, "PatientID"),
        sex=sex if sex in ("F", "M") else None,
        age_text=_text(data, "PatientAge"),
        age_years=age_years(data),
        study_date=_date(_text(data, "StudyDate")),
        modality=_text(data, "Modality"),
        view=None if view is None else str(view),
        manufacturer=_text(data, "Manufacturer"),
        scanner_model=_text(data, "ManufacturerModelName"),
        width_px=_number(data.get("Columns")),
        height_px=_number(data.get("Rows")),
        pixel_spacing_mm=spacing,
    )


def _text(data: pydicom.Dataset, keyword: str) -> str | None:
    value = data.get(keyword)
    return None if isinstance(value, bytes) else str(value or "").strip() or None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int) and value > 0 else None


def _spacing(data: pydicom.Dataset) -> float | None:
    """Return the spacing at the patient where calibrated, else at the detector (PS3.3 10.7.1.3); None unless square."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        values = data.get(keyword)
        if values is not None and len(values) == 2 and values[0] == values[1] and values[0] > 0:
            return float(values[0])
    return None


def _date(text: str | None) -> str | None:
    """Return `YYYYMMDD` as ISO 8601 (PS3.5 table 6.2-1, DA); None where malformed."""
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if text and len(text) == 8 and text.isdecimal() else None
