"""How the images were made: view, original size, pixel spacing; and how that goes with what they show."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Shaped

from pneumoscope.core import InputError
from pneumoscope.datasets import patient_numbers
from pneumoscope.eda.groups import (
    NO_FINDING,
    Group,
    group_of,
    has,
    labelled_findings,
    without_findings,
)
from pneumoscope.stats import Proportion, cramer_v, proportion

MOST_FORMATS = 6
OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewShare:
    """Of the images with a finding, those taken AP; `finding` is "All images" for the whole."""

    finding: str
    images: int
    ap: Proportion


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """An original size or pixel spacing: its images by view, and the finding's share among them."""

    name: str
    views: dict[str, int]
    group: Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """How strongly an acquisition variable goes with the finding and with the view (Cramer's V; None: undefined)."""

    variable: str
    with_finding: float | None
    with_view: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """The tables of acquisition; empty where the source does not say."""

    finding: str
    views: dict[str, int]
    by_finding: tuple[ViewShare, ...]
    by_view: tuple[Group, ...]
    sizes: tuple[Format, ...]
    spacings: tuple[Format, ...]
    different_sizes: int
    associations: tuple[Association, ...]


def acquisition(manifest: pd.DataFrame, *, finding: str) -> Acquisition:
    """Return the tables of view, size and spacing, with the finding's share in each."""
    rows = manifest[manifest[finding].notna()]
    patients = patient_numbers(rows)
    sizes, spacings = size_names(rows), spacing_names(rows)
    views = rows["view"].value_counts()
    return Acquisition(
        finding=finding,
        views={str(view): int(count) for view, count in views.items()},
        by_finding=tuple(_by_finding(rows, patients)),
        by_view=tuple(
            group_of((rows[finding] == 1).to_numpy()[here], patients[here], variable="View", name=str(view))
            for view in views.index
            if (here := (rows["view"] == view).to_numpy()).any()
        ),
        sizes=_formats(rows, sizes, finding=finding),
        spacings=_formats(rows, spacings, finding=finding),
        different_sizes=int(sizes.nunique()),
        associations=tuple(_associations(rows, finding, sizes=sizes, spacings=spacings)),
    )


def size_names(manifest: pd.DataFrame) -> "pd.Series[str]":
    """Original width and height, as a name; null where unknown."""
    return _named(manifest["width_px"] * 1e6 + manifest["height_px"], lambda key: f"{key // 1e6:.0f} × {key % 1e6:.0f}")


def spacing_names(manifest: pd.DataFrame) -> "pd.Series[str]":
    """Original pixel spacing in mm, to a micrometre, as a name; null where unknown."""
    return _named(manifest["pixel_spacing_mm"].round(3), lambda key: f"{key:.3f} mm")


def _named(keys: "pd.Series[float]", name: Callable[[float], str]) -> "pd.Series[str]":
    codes, distinct = pd.factorize(keys)
    names = [name(key) for key in distinct]
    return pd.Series(pd.Categorical.from_codes(codes, names), index=keys.index)


def common(names: "pd.Series[str]", *, most: int = MOST_FORMATS) -> "pd.Series[str]":
    """Return the names as categories, most frequent first, all but `most` of them "other"; null stays null."""
    values = pd.Categorical(names)
    order = np.argsort(-np.bincount(values.codes[values.codes >= 0], minlength=len(values.categories)), kind="stable")
    place = np.full(len(values.categories) + 1, -1)
    place[order] = np.minimum(np.arange(order.size), most)
    kept = [str(values.categories[index]) for index in order[:most]]
    categories = [*kept, OTHER] if order.size > most else kept
    return pd.Series(pd.Categorical.from_codes(place[values.codes], categories), index=names.index)


def _by_finding(rows: pd.DataFrame, patients: np.ndarray) -> list[ViewShare]:
    known = rows["view"].isin(("PA", "AP")).to_numpy()
    ap = (rows["view"] == "AP").to_numpy()
    if not (ap.any() and (known & ~ap).any()):
        return []
    groups = {"All images": np.ones(len(rows), dtype=bool), NO_FINDING: without_findings(rows)}
    groups |= {finding: (rows[finding] == 1).to_numpy() for finding in labelled_findings(rows)}
    return [
        ViewShare(finding=name, images=int(here.sum()), ap=proportion(ap[here], cluster=patients[here]))
        for name, members in groups.items()
        if (here := members & known).any()
    ]


def _formats(rows: pd.DataFrame, names: "pd.Series[str]", *, finding: str) -> tuple[Format, ...]:
    patients = patient_numbers(rows)
    positive = (rows[finding] == 1).to_numpy()
    grouped = common(names)
    view = rows["view"].to_numpy()
    formats = []
    for code, name in enumerate(grouped.cat.categories):
        here = (grouped.cat.codes == code).to_numpy()
        views = pd.Series(view[here]).value_counts()
        formats.append(
            Format(
                name=str(name),
                views={str(view): int(count) for view, count in views.items()},
                group=group_of(positive[here], patients[here], variable="Format", name=str(name)),
            )
        )
    return tuple(formats)


def _associations(
    rows: pd.DataFrame, finding: str, *, sizes: "pd.Series[str]", spacings: "pd.Series[str]"
) -> list[Association]:
    positive, view = (rows[finding] == 1).to_numpy(), rows["view"]
    columns = {"View": view, "Original size": common(sizes, most=20), "Pixel spacing": common(spacings, most=20)}
    if rows["source"].nunique() > 1:
        columns["Source"] = rows["source"]
    if has(rows, "folder") and rows["folder"].nunique() > 1:
        columns["Image folder"] = rows["folder"]
    return [
        Association(
            variable=name,
            with_finding=_association(values, pd.Series(positive, index=rows.index)),
            with_view=None if name == "View" else _association(values, view),
        )
        for name, values in columns.items()
        if values.notna().any()
    ]


def _association(first: "pd.Series[str]", second: "pd.Series[str]") -> float | None:
    """Cramer's V over the rows that have both; None where one of them has one value only."""
    both = (first.notna() & second.notna()).to_numpy()
    try:
        return cramer_v(_codes(first[both]), _codes(second[both]))
    except InputError:
        return None


def _codes(values: "pd.Series[str]") -> Shaped[np.ndarray, " n"]:
    return np.asarray(pd.factorize(values)[0])
