"""The rule for heat maps, learnt on validation images: whether they point right, and how much may lie elsewhere."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float32, Shaped

from pneumoscope.core import InputError
from pneumoscope.model import Card, HeatRule
from pneumoscope.reading import Outputs, agreement, heat_outside_lungs
from pneumoscope.stats import clustered_mean
from pneumoscope.training.controls import other_patients
from pneumoscope.training.export.card import POSITIVE
from pneumoscope.training.populations import populations
from pneumoscope.training.radiologists import Boxes

# Share of the rightly flagged validation images that the limit lets pass.
RIGHT_FLAGS_KEPT = 0.95
# The largest share of so many still bounds nine right flags in ten to come (n of n + 1).
FEWEST_RIGHT_FLAGS = 10
# Fewer images with a box bear nothing out, whatever their interval.
FEWEST_BOXED = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Validated:
    """One population's validation images: where the map is hot, where radiologists drew, whether a flag was right."""

    cams: Float32[np.ndarray, "n y x"]
    lungs: Float32[np.ndarray, "n rows columns"] | None
    boxes: Boxes
    patient: Shaped[np.ndarray, " n"]
    rightly_flagged: Bool[np.ndarray, " n"]


def with_heat_rules(
    card: Card, rows: pd.DataFrame, outputs: Outputs, targets: Float[np.ndarray, " n"], *, boxes: Boxes
) -> Card:
    """Return the card with a rule for the heat maps of each population.

    Args:
        card: With calibration and thresholds: a flag is one at the operating point "balanced".
        rows: The validation rows of the manifest.
        outputs: The exported graph's outputs for them.
        targets: Soft targets by the label rule; NaN where nothing is known.
        boxes: Radiologists' boxes on each image, as `boxes_seen` gives them.
    """
    group, rules = populations(rows), dict(card.rules)
    for population, rule in rules.items():
        part = np.flatnonzero(group == population)
        probability = rule.calibration.probability(outputs.logit[part, 0])
        flagged = probability >= rule.operating_points["balanced"].threshold
        seen = Validated(
            cams=outputs.cam[part, 0],
            lungs=None if outputs.lungs is None else outputs.lungs[part, 0],
            boxes=[boxes[index] for index in part],
            patient=rows["patient_id"].to_numpy()[part],
            rightly_flagged=flagged & (targets[part] >= POSITIVE),
        )
        rules[population] = replace(rule, heat=heat_rule(seen))
    return replace(card, rules=rules)


def heat_rule(seen: Validated) -> HeatRule:
    """Return whether maps are shown, and how much of a flag's heat may lie outside the lungs.

    Maps are shown if they beat their controls; heat may lie outside as far as that of right flags does.
    """
    shown, why = _points_right(seen)
    if seen.lungs is None:
        return HeatRule(shown=shown, why=why)
    right = np.flatnonzero(seen.rightly_flagged)
    if right.size < FEWEST_RIGHT_FLAGS:
        return HeatRule(shown=shown, why=why, rule=f"{right.size} rightly flagged validation images are too few")
    outside = [heat_outside_lungs(seen.cams[index], seen.lungs[index]) for index in right]
    return HeatRule(
        shown=shown,
        why=why,
        largest_outside=float(np.quantile(outside, RIGHT_FLAGS_KEPT, method="higher")),
        rule=f"the share that {RIGHT_FLAGS_KEPT:.0%} of {right.size} rightly flagged validation images keep to",
    )


def _points_right(seen: Validated) -> tuple[bool, str]:
    """Return whether both pointing and overlap beat their controls by more than chance allows, and what was found."""
    where = np.flatnonzero([len(boxes) > 0 for boxes in seen.boxes])
    few = f"radiologists' boxes to hold it against are on {where.size or 'none'} of the validation images"
    if where.size < FEWEST_BOXED:
        return False, few
    patient = seen.patient[where]
    try:
        others = where[other_patients(patient)]
    except InputError:
        return False, f"{few}, all of one patient"
    found = [agreement(seen.cams[index], seen.boxes[index]) for index in where]
    swapped = [agreement(seen.cams[other], seen.boxes[index]) for index, other in zip(where, others, strict=True)]
    pointing = _lead([one.hit for one in found], [one.covered for one in found], patient)
    overlap = _lead([one.overlap for one in found], [one.overlap for one in swapped], patient)
    hit, chance = (100 * float(np.mean([getattr(one, name) for one in found])) for name in ("hit", "covered"))
    said = (
        f"on {where.size} validation images its hottest place lies in a radiologist's box in {hit:.0f} %, by chance in "
        f"{chance:.0f} %"
    )
    return pointing > 0 and overlap > 0, said


def _lead(measure: list[float], control: list[float], patient: Shaped[np.ndarray, " n"]) -> float:
    """Return the lower end of the interval (95 %) of how far a measure leads its control, image by image."""
    return clustered_mean(np.subtract(measure, control, dtype=float), cluster=patient).low
