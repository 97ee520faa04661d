"""The labels against radiologists who read the same images: RSNA's and Google's."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from pneumoscope.core import InputError
from pneumoscope.datasets import patient_numbers
from pneumoscope.eda.groups import NO_FINDING, has, labelled_findings, without_findings
from pneumoscope.stats import Auroc, Kappa, Proportion, auroc_clustered, cohen_kappa, proportion

RSNA_CLASSES = ("Lung Opacity", "No Lung Opacity / Not Normal", "Normal")
# What a radiologist may call an opacity of the air spaces, by the labels' words.
OPACITIES = ("Pneumonia", "Infiltration", "Consolidation", "Edema", "Atelectasis", "Effusion")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A column of radiologists' answers that the labels are held against."""

    column: str
    name: str


REFERENCES = (
    Reference(column="rsna_opacity", name="RSNA: lung opacity"),
    Reference(column="google_airspace_opacity", name="Google: airspace opacity"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A label against a reference, on the images that were read for it, in one view or in all.

    Attributes:
        both, label_only, reference_only, neither: Images.
        precision: Of the images with the label, those that the radiologists call positive; None where there are none.
        recall: Of the images that the radiologists call positive, those with the label.
        perfect_reader: AUROC against the label of somebody who always says what the radiologists said.
    """

    label: str
    reference: str
    view: str
    both: int
    label_only: int
    reference_only: int
    neither: int
    kappa: Kappa | None
    precision: Proportion | None
    recall: Proportion | None
    perfect_reader: Auroc | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCounts:
    """What RSNA's radiologists said of the images with a label; the counts follow `RSNA_CLASSES`."""

    label: str
    images: int
    classes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """All comparisons, and RSNA's classes by label; empty where nobody read the images."""

    comparisons: tuple[Comparison, ...]
    classes: tuple[ClassCounts, ...]


def readers(manifest: pd.DataFrame, *, finding: str) -> Readers:
    """Return the finding's label, and any label of an opacity, against each reference: all views, PA and AP."""
    comparisons = [
        _compare(rows, label, names=names, reference=reference, view=view)
        for reference in REFERENCES
        if has(manifest, reference.column)
        for label, names in _labels(manifest, finding).items()
        for view, rows in _by_view(manifest[manifest[reference.column].notna() & manifest[finding].notna()])
    ]
    return Readers(comparisons=tuple(comparisons), classes=tuple(_classes(manifest)))


def _labels(manifest: pd.DataFrame, finding: str) -> dict[str, tuple[str, ...]]:
    """Return the finding alone; and, where it is one of them, any opacity."""
    opacities = tuple(name for name in OPACITIES if has(manifest, name))
    labels: dict[str, tuple[str, ...]] = {finding: (finding,)}
    if finding in opacities and len(opacities) > 1:
        labels["Any opacity"] = opacities
    return labels


def _by_view(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    parts = [("All", rows)] + [(view, rows[rows["view"] == view]) for view in ("PA", "AP")]
    return [(view, part) for view, part in parts if len(part)]


def _compare(rows: pd.DataFrame, label: str, *, names: tuple[str, ...], reference: Reference, view: str) -> Comparison:
    here = (rows[list(names)] == 1).any(axis=1).to_numpy()
    there = (rows[reference.column] == 1).to_numpy()
    patients = patient_numbers(rows)
    kappa: Kappa | None = None
    perfect: Auroc | None = None
    with suppress(InputError):  # one category only
        kappa = cohen_kappa(here, there, cluster=patients)
        perfect = auroc_clustered(here, there.astype(float), cluster=patients)
    return Comparison(
        label=label,
        reference=reference.name,
        view=view,
        both=int((here & there).sum()),
        label_only=int((here & ~there).sum()),
        reference_only=int((~here & there).sum()),
        neither=int((~here & ~there).sum()),
        kappa=kappa,
        precision=_share(there, among=here, patients=patients),
        recall=_share(here, among=there, patients=patients),
        perfect_reader=perfect,
    )


def _share(
    success: Bool[np.ndarray, " n"], *, among: Bool[np.ndarray, " n"], patients: Int[np.ndarray, " n"]
) -> Proportion | None:
    return proportion(success[among], cluster=patients[among]) if among.any() else None


def _classes(manifest: pd.DataFrame) -> list[ClassCounts]:
    if not has(manifest, "rsna_class"):
        return []
    read = manifest[manifest["rsna_class"].notna()]
    groups = {finding: (read[finding] == 1).to_numpy() for finding in labelled_findings(read)}
    groups[NO_FINDING] = without_findings(read)
    classes = read["rsna_class"].to_numpy()
    return [
        ClassCounts(
            label=label,
            images=int(rows.sum()),
            classes=tuple(int((classes[rows] == name).sum()) for name in RSNA_CLASSES),
        )
        for label, rows in groups.items()
        if rows.any()
    ]
