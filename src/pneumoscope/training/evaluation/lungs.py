"""Evidence on lung fields: how well they are found, and how much of the heat lies outside of them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float32

from pneumoscope.evaluation import Leaf, Node, NotEstimable, estimate
from pneumoscope.model import Card, HeatRule
from pneumoscope.reading import box_mask, heat_outside_lungs, lung_field
from pneumoscope.stats import clustered_mean
from pneumoscope.training.evaluation.shares import share
from pneumoscope.training.lungs import dice_of_each
from pneumoscope.training.populations import rule_named
from pneumoscope.training.radiologists import Boxes

_UNKNOWN = NotEstimable("no image of which this is known")
# What predictions.parquet keeps of each image.
LUNG_COLUMNS = ("heat_outside_lungs", "area_outside_lungs", "lung_dice", "boxes_in_lungs")


def lung_evidence(
    card: Card,
    rows: pd.DataFrame,
    *,
    cams: Float32[np.ndarray, "n y x"],
    lungs: Float32[np.ndarray, "n rows columns"] | None,
    masks: Sequence[Bool[np.ndarray, "size size"] | None],
    boxes: Boxes,
) -> tuple[dict[str, Node], pd.DataFrame]:
    """Return the numbers of one cohort, and `LUNG_COLUMNS` for every row.

    Beside the share of heat outside the lungs stands its control, the share of area outside; and that of flags at
    the operating point "balanced", right and wrong by the label Pneumonia, with the share that the card's limit
    makes uncertain.

    Args:
        card: The model's.
        rows: The cohort; needs `patient_id`, `population`, `Pneumonia` and `prob_Pneumonia`.
        cams: The model's activation maps.
        lungs: The model's lung fields; None where it has none.
        masks: What is to be found of each image; None where nobody knows.
        boxes: Radiologists' boxes on each image: opacity that the lungs must hold, for all that it hides them.
    """
    columns = pd.DataFrame(np.nan, index=rows.index, columns=list(LUNG_COLUMNS))
    if lungs is not None:
        columns["heat_outside_lungs"] = [heat_outside_lungs(*pair) for pair in zip(cams, lungs, strict=True)]
        fields = [lung_field(one) for one in lungs]
        columns["area_outside_lungs"] = [1 - field.mean() for field in fields]
        known = [index for index, mask in enumerate(masks) if mask is not None]
        if known:
            truth = np.stack([mask for mask in masks if mask is not None])
            columns.loc[columns.index[known], "lung_dice"] = dice_of_each(lungs[known], truth)
        drawn = [(field, box_mask(one)) for field, one in zip(fields, boxes, strict=True)]
        columns["boxes_in_lungs"] = [field[box].mean() if box.any() else np.nan for field, box in drawn]
    outside, patient = columns["heat_outside_lungs"], rows["patient_id"].to_numpy()
    rules = {name: rule_named(card, name) for name in rows["population"].unique()}
    limit = rows["population"].map({name: rule.heat.largest_outside for name, rule in rules.items()}).astype(float)
    threshold = {name: rule.operating_points["balanced"].threshold for name, rule in rules.items()}
    flagged = rows["prob_Pneumonia"] >= rows["population"].map(threshold)
    right, wrong = flagged & (rows["Pneumonia"] == 1), flagged & (rows["Pneumonia"] == 0)

    def mean(value: "pd.Series[float]", part: "pd.Series[bool] | None" = None) -> Leaf:
        return _mean(value, value.notna() if part is None else value.notna() & part, patient)

    beyond, known = outside > limit, outside.notna() & limit.notna()

    def made_uncertain(flags: "pd.Series[bool]") -> Leaf:
        return _share(beyond, known & flags, patient)

    return {
        "rules": {str(name): _told(rule.heat) for name, rule in card.rules.items()},
        "dice": mean(columns["lung_dice"]),
        "boxes_inside": mean(columns["boxes_in_lungs"]),
        "heat_outside": mean(outside),
        "area_outside": mean(columns["area_outside_lungs"]),
        "heat_outside_of_right_flags": mean(outside, right),
        "heat_outside_of_wrong_flags": mean(outside, wrong),
        "right_flags_made_uncertain": made_uncertain(right),
        "wrong_flags_made_uncertain": made_uncertain(wrong),
    }, columns


def _told(rule: HeatRule) -> dict[str, Node]:
    limit: Node = NotEstimable(rule.rule) if rule.largest_outside is None else rule.largest_outside
    return {"shown": rule.shown, "why": rule.why, "largest_outside": limit, "rule": rule.rule}


def _mean(value: "pd.Series[float]", part: "pd.Series[bool]", patient: np.ndarray) -> Leaf:
    if not part.any():
        return _UNKNOWN
    return estimate(lambda: clustered_mean(value[part].to_numpy(dtype=float), cluster=patient[part.to_numpy()]))


def _share(hit: "pd.Series[bool]", part: "pd.Series[bool]", patient: np.ndarray) -> Leaf:
    if not part.any():
        return _UNKNOWN
    return share(hit[part].to_numpy(), patient[part.to_numpy()])
