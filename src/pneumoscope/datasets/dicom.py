"""A folder of DICOM files as a manifest: headers only, no labels; for a hospital's own images."""

import hashlib
import hmac
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from pneumoscope.core import ConfigError
from pneumoscope.datasets.headers import Header, read_headers
from pneumoscope.datasets.manifest import Imported

# PS3.3 C.7.3.1.1.1: modalities of projection radiographs.
_RADIOGRAPHS = ("CR", "DX")
_MOST_NAMED = 5
_KEY_VARIABLE = "PNEUMOSCOPE_PSEUDONYM_KEY"


def import_dicom(root: Path, *, source: str = "dicom", key: str | None = None) -> Imported:
    """Return a row for each radiograph (CR, DX) below `root`; others are counted and named.

    Args:
        root: Folder, walked to its end; hidden files and DICOMDIR are passed over.
        source: Name of the data set, which prefixes patients.
        key: Secret from which patient and study names are made (HMAC-SHA256); without it they are the headers' own.

    Raises:
        ConfigError: The folder is absent or holds no radiograph.
    """
    if not root.is_dir():
        raise ConfigError(f"expected a folder of DICOM files at {root}, found none")
    paths = sorted(os.path.join(at, name) for at, _, names in os.walk(root) for name in names if _wanted(name))  # noqa: PTH118
    headers = list(read_headers(paths))
    read = [one for one in headers if one.problem is None]
    films = [one for one in read if one.modality in _RADIOGRAPHS and one.sop_instance_uid and one.patient_id]
    notes = [f"{len(films)} radiographs among {len(paths)} files", *_left_out(headers)]
    if not films:
        raise ConfigError(f"expected DICOM radiographs (CR, DX) below {root}, found none; {'; '.join(notes)}")
    rows, repeated = _once(films)
    if repeated:
        notes.append(f"{len(repeated)} files repeat a SOP Instance UID and are left out: {_named(repeated)}")
    if doubtful := [one.path for one in rows if one.age_text and one.age_years is None]:
        notes.append(f"{len(doubtful)} ages are malformed or contradicted and left out: {_named(doubtful)}")
    notes.append(_privacy(key))
    return Imported(
        _rows(rows, source=source, key=key), tuple(notes), unreadable=sum(one.problem is not None for one in headers)
    )


def _wanted(name: str) -> bool:
    return not name.startswith(".") and name.upper() != "DICOMDIR"


def _rows(films: list[Header], *, source: str, key: str | None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image_id": [one.sop_instance_uid for one in films],
            "path": [one.path for one in films],
            "source": source,
            "patient_id": [f"{source}:{_pseudonym(one.patient_id, key)}" for one in films],
            "study_id": [_pseudonym(one.study_instance_uid, key) for one in films],
            "file_width_px": [one.width_px for one in films],
            "file_height_px": [one.height_px for one in films],
            **described(films),
        }
    )


def described(films: Iterable[Header]) -> dict[str, list[object]]:
    """Manifest columns that headers give as they are, dates apart where `key` hides them."""
    names = (
        "age_years",
        "sex",
        "view",
        "width_px",
        "height_px",
        "pixel_spacing_mm",
        "study_date",
        "manufacturer",
        "scanner_model",
    )
    return {name: [getattr(one, name) for one in films] for name in names}


def _pseudonym(value: str | None, key: str | None) -> str | None:
    if value is None or key is None:
        return value
    return hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()[:16]


def _once(films: list[Header]) -> tuple[list[Header], list[str]]:
    """Return each SOP instance once, the first path; and the paths of the others."""
    first: dict[str | None, Header] = {}
    for one in films:
        first.setdefault(one.sop_instance_uid, one)
    kept = {one.path for one in first.values()}
    return list(first.values()), [one.path for one in films if one.path not in kept]


def _left_out(headers: list[Header]) -> list[str]:
    problems = [one for one in headers if one.problem is not None]
    read = [one for one in headers if one.problem is None]
    other = Counter(one.modality or "no modality" for one in read if one.modality not in _RADIOGRAPHS)
    nameless = [
        one.path for one in read if one.modality in _RADIOGRAPHS and not (one.sop_instance_uid and one.patient_id)
    ]
    notes = [f"not used: {count} files of modality {name}" for name, count in sorted(other.items())]
    if problems:
        shown = "; ".join(f"{one.path}: {one.problem}" for one in problems[:_MOST_NAMED])
        more = f" and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
        notes.append(f"{len(problems)} files could not be read: {shown}{more}")
    if nameless:
        notes.append(f"{len(nameless)} files have no SOP Instance UID or no Patient ID: {_named(nameless)}")
    return notes


def _named(paths: list[str]) -> str:
    return ", ".join(paths[:_MOST_NAMED]) + (
        f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    )


def _privacy(key: str | None) -> str:
    if key is not None:
        return "patients and studies are pseudonyms; image ids and dates are the headers' own"
    return f"patients and studies are the headers' own names: patient data, unless {_KEY_VARIABLE} is set"
