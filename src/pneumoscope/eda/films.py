"""What the measured images say: the finding against No Finding by view, and one image folder against another."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pneumoscope.core import InputError
from pneumoscope.datasets import patient_numbers
from pneumoscope.eda.groups import NO_FINDING, has, labelled_findings, without_findings
from pneumoscope.eda.pixels import MEASURES, Histogram, Measured
from pneumoscope.stats import Auroc, auroc_clustered

# Difference of two mean images in pooled deviations that a map's caption calls marked (Cohen's "small" effect).
MARKED = 0.2
# Ratio of two folders' median sharpness from which a network is expected to see it.
SHARPER = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Quartiles:
    """The middle half of a measure over some images."""

    lower: float
    median: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Films:
    """Images of one class in one view, or of one folder: `measures` by name."""

    group: str
    view: str
    images: int
    measures: dict[str, Quartiles]


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """How far a measure alone tells the finding from No Finding, within one view."""

    measure: str
    view: str
    auroc: Auroc


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Mean image of the finding less that of No Finding in one view, in pooled deviations between images.

    Attributes:
        marked_share: Share of the area where it is beyond +-`MARKED`.
    """

    view: str
    with_finding: int
    without: int
    most: float
    least: float
    marked_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmReport:
    """Every number of the measured images.

    Attributes:
        by_class: The finding, and No Finding, by view.
        by_finding: The same for every labelled finding.
        sharpness_of_folders: The widest ratio of two folders' median sharpness; None where there is one folder.
    """

    measured: int
    unreadable: tuple[str, ...]
    by_class: tuple[Films, ...]
    by_finding: tuple[Films, ...]
    by_folder: tuple[Films, ...]
    sharpness_of_folders: float | None
    separations: tuple[Separation, ...]
    histograms: tuple[Histogram, ...]
    differences: tuple[Difference, ...]


def report_films(manifest: pd.DataFrame, measured: Measured, *, finding: str) -> FilmReport:
    """Return the tables of the measured images."""
    table = measured.table
    rows = manifest.loc[table.index]
    positive = (rows[finding] == 1).to_numpy()
    classes = {finding: positive, NO_FINDING: without_findings(rows)}
    every = {name: (rows[name] == 1).to_numpy() for name in labelled_findings(rows)}
    every[NO_FINDING] = classes[NO_FINDING]
    views = [view for view in ("PA", "AP", "LATERAL") if (rows["view"] == view).any()] or ["unknown"]
    at = {view: (rows["view"].fillna("unknown") == view).to_numpy() for view in views}
    folders = _by_folder(rows, table)
    sharpness = [films.measures["sharpness"].median for films in folders]
    return FilmReport(
        measured=len(table),
        unreadable=measured.unreadable,
        by_class=tuple(
            _films(table[here & at[view]], group=name, view=view)
            for view in views
            for name, here in classes.items()
            if (here & at[view]).any()
        ),
        by_finding=tuple(
            _films(table[here & at[view]], group=name, view=view)
            for name, here in every.items()
            for view in views
            if (here & at[view]).any()
        ),
        by_folder=folders,
        sharpness_of_folders=max(sharpness) / min(sharpness) if len(sharpness) > 1 and min(sharpness) > 0 else None,
        separations=tuple(
            separation
            for view in views
            for measure in MEASURES
            if (separation := _separation(rows, table, measure=measure, view=view, classes=classes, here=at[view]))
        ),
        histograms=measured.histograms,
        differences=tuple(
            _summary(view, difference, measured, finding) for view, difference in differences(measured, finding=finding)
        ),
    )


def differences(measured: Measured, *, finding: str) -> list[tuple[str, np.ndarray]]:
    """By view, the mean image with the finding less that with none, in pooled deviations; views that have both."""
    maps = {(one.group, one.view): one for one in measured.maps}
    views = [view for group, view in maps if group == finding and (NO_FINDING, view) in maps]
    answers = []
    for view in views:
        ill, well = maps[finding, view], maps[NO_FINDING, view]
        pooled = np.sqrt((ill.deviation**2 + well.deviation**2) / 2)
        answers.append((view, (ill.mean - well.mean) / np.maximum(pooled, 1e-6)))
    return answers


def _summary(view: str, difference: np.ndarray, measured: Measured, finding: str) -> Difference:
    counts = {(one.group, one.view): one.images for one in measured.maps}
    return Difference(
        view=view,
        with_finding=counts[finding, view],
        without=counts[NO_FINDING, view],
        most=float(difference.max()),
        least=float(difference.min()),
        marked_share=float((np.abs(difference) > MARKED).mean()),
    )


def _films(table: pd.DataFrame, *, group: str, view: str) -> Films:
    edges = table.quantile([0.25, 0.5, 0.75])
    measures = {
        name: Quartiles(lower=float(low), median=float(middle), upper=float(high))
        for name, (low, middle, high) in edges.items()
    }
    return Films(group=group, view=view, images=len(table), measures=measures)


def _by_folder(rows: pd.DataFrame, table: pd.DataFrame) -> tuple[Films, ...]:
    if not has(rows, "folder"):
        return ()
    folders = rows["folder"].value_counts().index
    return tuple(_films(table[(rows["folder"] == name).to_numpy()], group=str(name), view="") for name in folders)


def _separation(
    rows: pd.DataFrame,
    table: pd.DataFrame,
    *,
    measure: str,
    view: str,
    classes: dict[str, np.ndarray],
    here: np.ndarray,
) -> Separation | None:
    positive, negative = classes.values()
    used = here & (positive | negative)
    try:
        auroc = auroc_clustered(positive[used], table[measure].to_numpy()[used], cluster=patient_numbers(rows)[used])
    except InputError:
        return None
    return Separation(measure=measure, view=view, auroc=auroc)
