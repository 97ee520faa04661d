"""Whether the activation map points to what radiologists boxed, and whether the answer rests on where it points."""

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float32, UInt8

from pneumoscope.evidence import Leaf, Node, NotEstimable, Number, Tree, estimate
from pneumoscope.explain import Agreement, Marks, agreement, free_response, hottest, marks, upsampled
from pneumoscope.model import Artifact
from pneumoscope.stats import accuracy, clustered_mean
from pneumoscope.training.export import run_graph

Images = UInt8[np.ndarray, "n size size"]
Boxes = list[Float[np.ndarray, "b 4"]]

FALSE_MARKS_PER_100_IMAGES = (25, 50, 100)
# Part of the image that is painted over, in the faithfulness check.
PAINTED_SHARE = 0.2
_SEED = 0
_RESAMPLES = 500
# What predictions.parquet keeps of each boxed image.
COLUMNS = ("pointing_hit", "box_covered", "box_overlap", "swapped_overlap", "drop_hottest", "drop_random")


def boxes_seen(boxes: pd.DataFrame, image_ids: "pd.Series[str]", crops: Float[np.ndarray, "n 4"]) -> Boxes:
    """The boxes of each image as shares of the part that the model sees: left, top, right, bottom; cut off at its edge.

    Args:
        boxes: As `radiologists.rsna_boxes` gives them, shares of the whole image.
        image_ids: The images, in order.
        crops: Part of each that the model sees: top, left, bottom, right as shares of its sides.
    """
    by_image = dict(iter(boxes.groupby("image_id")))
    seen: Boxes = []
    for image_id, (top, left, bottom, right) in zip(image_ids, crops, strict=True):
        part = by_image.get(image_id)
        if part is None:
            seen.append(np.empty((0, 4)))
            continue
        x, y, width, height = part[["left", "top", "width", "height"]].to_numpy().T
        corners = np.stack([x, y, x + width, y + height], axis=1) - [left, top, left, top]
        inside = np.clip(corners / [right - left, bottom - top, right - left, bottom - top], 0, 1)
        seen.append(inside[(inside[:, 2] > inside[:, 0]) & (inside[:, 3] > inside[:, 1])])
    return seen


def localisation_evidence(
    artifact: Artifact,
    rows: pd.DataFrame,
    *,
    images: Images,
    cams: Float32[np.ndarray, "n y x"],
    boxes: Boxes,
) -> tuple[Tree | NotEstimable, pd.DataFrame]:
    """Numbers on the images that RSNA's radiologists read, and `COLUMNS` for every row (NaN where there is no box).

    Beside each measure stands its control: for pointing the share that boxes cover, for overlap the map of another
    boxed image, for painting over the hottest places as many places drawn at random.

    Args:
        artifact: The model.
        rows: The cohort; needs `patient_id` and `rsna_opacity`.
        images: The same, prepared.
        cams: The model's activation maps of them.
        boxes: As `boxes_seen` gives them.
    """
    boxed = np.array([len(one) > 0 for one in boxes])
    columns = pd.DataFrame(np.nan, index=rows.index, columns=list(COLUMNS))
    if boxed.sum() < 2:
        return NotEstimable(f"{int(boxed.sum())} images with a box are too few to say"), columns
    where = np.flatnonzero(boxed)
    found = [agreement(cams[index], boxes[index]) for index in where]
    swapped = [agreement(cams[other], boxes[index]) for index, other in zip(where, np.roll(where, 1), strict=True)]
    drops = [_drops(artifact, images[where], cams[where], at_random=at_random) for at_random in (False, True)]
    columns.loc[boxed] = np.column_stack([_table(found), [one.overlap for one in swapped], *drops])
    patient = rows["patient_id"].to_numpy()
    values = columns[boxed]
    numbers: dict[str, Node] = {
        "boxed_images": int(boxed.sum()),
        "pointing": _share(values["pointing_hit"].to_numpy() == 1, patient[boxed]),
        **{
            name: _mean(values[column].to_numpy(), patient[boxed])
            for name, column in (
                ("pointing_by_chance", "box_covered"),
                ("overlap", "box_overlap"),
                ("overlap_of_another_image", "swapped_overlap"),
                ("logit_drop_hottest", "drop_hottest"),
                ("logit_drop_random", "drop_random"),
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


def painted_over(images: Images, cams: Float32[np.ndarray, "n y x"], *, at_random: bool) -> Images:
    """Each image with `PAINTED_SHARE` of its places set to its own mean grey: the hottest, or as many at random."""
    rng = np.random.default_rng(_SEED)
    painted = images.copy()
    for picture, cam in zip(painted, cams, strict=True):
        heat = rng.permutation(cam.ravel()).reshape(cam.shape) if at_random else cam
        grid = upsampled(heat)
        mask = hottest(grid, count=round(PAINTED_SHARE * grid.size))
        repeats = [-(-size // grid.shape[0]) for size in picture.shape]
        places: Bool[np.ndarray, "size size"] = np.kron(mask, np.ones(repeats, dtype=bool))[
            : picture.shape[0], : picture.shape[1]
        ]
        picture[places] = round(float(picture.mean()))
    return painted


def _drops(
    artifact: Artifact, images: Images, cams: Float32[np.ndarray, "n y x"], *, at_random: bool
) -> Float[np.ndarray, " n"]:
    """How far each image's logit falls when places are painted over."""
    before, after = (
        run_graph(artifact.onnx, artifact.card, part).logit[:, 0]
        for part in (images, painted_over(images, cams, at_random=at_random))
    )
    drops: Float[np.ndarray, " n"] = (before - after).astype(np.float64)
    return drops


def _table(found: list[Agreement]) -> Float[np.ndarray, "n 3"]:
    return np.array([(float(one.hit), one.covered, one.overlap) for one in found])


def _share(hit: Bool[np.ndarray, " n"], patient: np.ndarray) -> Leaf:
    return estimate(lambda: accuracy(np.ones(hit.size, dtype=bool), hit.astype(float), threshold=0.5, cluster=patient))


def _mean(value: Float[np.ndarray, " n"], patient: np.ndarray) -> Leaf:
    return estimate(lambda: clustered_mean(value, cluster=patient))


def _free_response(marked: list[Marks], counts: np.ndarray, patient: np.ndarray, *, rate: float) -> Leaf:
    """Share of boxes found at a rate of false marks; patients are drawn anew with all of their images."""
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
