"""Every number of the exploratory report, as one record and as JSON."""

import json
import math
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import pandas as pd

from pneumoscope.eda.acquisition import Acquisition, acquisition
from pneumoscope.eda.advice import Advice, advise
from pneumoscope.eda.demographics import Demographics, demographics
from pneumoscope.eda.films import FilmReport, report_films
from pneumoscope.eda.floors import Floors, floors
from pneumoscope.eda.groups import compact
from pneumoscope.eda.pixels import Measured
from pneumoscope.eda.profile import Profile, profile
from pneumoscope.eda.readers import Readers, readers
from pneumoscope.eda.shift import Shift, shift

# As people call them; a source that is not here is called by its own name.
SOURCE_TITLES = {"nih": "NIH ChestX-ray14", "rsna": "RSNA Pneumonia Challenge", "kermany": "Kermany 2018"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """What a manifest says, section by section.

    Attributes:
        shift: None where there is no split with a test.
        films: None where no image was measured.
    """

    finding: str
    sources: tuple[str, ...]
    label_release: str | None
    demographics: Demographics
    profile: Profile
    acquisition: Acquisition
    readers: Readers
    shift: Shift | None
    floors: tuple[Floors, ...]
    films: FilmReport | None
    advice: tuple[Advice, ...]


def explore(manifest: pd.DataFrame, *, finding: str = "Pneumonia", measured: Measured | None = None) -> Exploration:
    """Return the whole exploration; `measured` adds what the images themselves say.

    Raises:
        ConfigError: The finding is unknown, or labelled in no row.
    """
    manifest = compact(manifest)
    its_profile = profile(manifest, finding=finding)
    its_acquisition = acquisition(manifest, finding=finding)
    its_readers = readers(manifest, finding=finding)
    its_shift = shift(manifest, finding=finding)
    its_floors = floors(manifest, finding=finding, pixels=None if measured is None else measured.table)
    films = None
    if measured is not None and (len(measured.table) or measured.unreadable):
        films = report_films(manifest, measured, finding=finding)
    releases = manifest["label_release"].dropna().unique() if "label_release" in manifest else []
    return Exploration(
        finding=finding,
        sources=tuple(SOURCE_TITLES.get(source, source) for source in map(str, manifest["source"].unique())),
        label_release=str(releases[0]) if len(releases) == 1 else None,
        demographics=demographics(manifest),
        profile=its_profile,
        acquisition=its_acquisition,
        readers=its_readers,
        shift=its_shift,
        floors=its_floors,
        films=films,
        advice=advise(
            profile=its_profile,
            acquisition=its_acquisition,
            readers=its_readers,
            shift=its_shift,
            floors=its_floors,
            films=films,
        ),
    )


def to_json(exploration: Exploration, *, provenance: dict[str, Any]) -> str:
    """Return the record as JSON with its provenance; what is not a finite number is null."""
    return json.dumps({"provenance": provenance, **_plain(exploration)}, indent=1, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
