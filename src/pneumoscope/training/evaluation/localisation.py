"""Whether the activation map points to what radiologists boxed."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32

from pneumoscope.evaluation import Leaf, Node, NotEstimable, Number, estimate
from pneumoscope.reading import Agreement, Marks, agreement, free_response, marks
from pneumoscope.stats import clustered_mean
from pneumoscope.training.controls import other_patients
from pneumoscope.training.evaluation.shares import share
from pneumoscope.training.radiologists import Boxes

FALSE_MARKS_PER_100_IMAGES = (25, 50, 100)
_SEED = 0
_RESAMPLES = 500
# What predictions.parquet keeps of each boxed image.
COLUMNS = ("pointing_hit", "box_covered", "box_overlap", "swapped_overlap")


def localisation_evidence(
    rows: pd.DataFrame, *, cams: Float32[np.ndarray, "n y x"], boxes: Boxes
) -> tuple[dict[str, Node] | NotEstimable, pd.DataFrame]:
    """Return numbers on the images that RSNA's radiologists read, and `COLUMNS` for every row (NaN without a box).

    Beside each measure stands its control: for pointing the share that boxes cover, for overlap the map of the next
    boxed image of another patient.

    Args:
        rows: The cohort; needs `patient_id` and `rsna_opacity`.
        cams: The model's activation maps of them.
        boxes: As `boxes_seen` gives them.
    """
    boxed = np.array([len(one) > 0 for one in boxes])
    columns = pd.DataFrame(np.nan, index=rows.index, columns=list(COLUMNS))
    patient = rows["patient_id"].to_numpy()
    if (patients := np.unique(patient[boxed]).size) < 2:
        return NotEstimable(f"images with a box of {patients} patients are too few to say"), columns
    where = np.flatnonzero(boxed)
    others = where[other_patients(patient[where])]
    found = [agreement(cams[index], boxes[index]) for index in where]
    swapped = [agreement(cams[other], boxes[index]) for index, other in zip(where, others, strict=True)]
    columns.loc[boxed] = np.column_stack([_table(found), [one.overlap for one in swapped]])
    values = columns[boxed]
    numbers: dict[str, Node] = {
        "boxed_images": int(boxed.sum()),
        "pointing": share(values["pointing_hit"].to_numpy() == 1, patient[boxed]),
        **{
            name: _mean(values[column].to_numpy(), patient[boxed])
            for name, column in (
                ("pointing_by_chance", "box_covered"),
                ("overlap", "box_overlap"),
                ("overlap_of_another_image", "swapped_overlap"),
            )
        },
    }
    read = np.flatnonzero(rows["rsna_opacity"].notna())
    marked = [marks(cams[index], boxes[index]) for index in read]
    counts = np.array([len(boxes[index]) for index in read])
    numbers["free_response_per_100_images"] = {
        str(rate): _free_response(marked, counts, patient[read], rate=rate / 100) for rate in FALSE_MARKS_PER_100_IMAGES
    }
    return numbers, columns


def _table(found: list[Agreement]) -> Float[np.ndarray, "n 3"]:
    return np.array([(float(one.hit), one.covered, one.overlap) for one in found])


def _mean(value: Float[np.ndarray, " n"], patient: np.ndarray) -> Leaf:
    return estimate(lambda: clustered_mean(value, cluster=patient))


def _free_response(marked: list[Marks], counts: np.ndarray, patient: np.ndarray, *, rate: float) -> Leaf:
    """Return the share of boxes found at a rate of false marks; its interval is by resampling of patients."""
    _, number = np.unique(patient, return_inverse=True)
    members = [np.flatnonzero(number == one) for one in range(number.max() + 1)]
    rng = np.random.default_rng(_SEED)

    def measure(index: np.ndarray) -> float:
        return free_response([marked[one] for one in index], boxes=int(counts[index].sum()), false_marks_per_image=rate)

    drawn = [
        measure(index)
        for _ in range(_RESAMPLES)
        if counts[
            index := np.concatenate([members[one] for one in rng.integers(len(members), size=len(members))])
        ].any()
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Number(
        value=measure(np.arange(len(marked))),
        low=float(low),
        high=float(high),
        level=0.95,
        n=int(counts.sum()),
        method=f"share of boxes; bootstrap of clusters, {len(drawn)} resamples, percentile interval",
    )
