"""F1 of readers and a model against each other, where no one is the truth: the protocol of the CheXNet paper.

Each rater's yes-or-no answers are scored against those of every other rater in turn, and averaged. F1 between two
raters is the same whichever is taken for the truth: twice what both flag, over what either flags. It rises with the
share flagged, so it can be compared only between raters of the same images.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.bootstrap import describe, percentile_estimate, resample_totals
from pneumoscope.stats.estimates import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderF1:
    """Mean F1 against the other raters.

    Attributes:
        model: Of the model, against each reader.
        readers: Of each reader, against the others (and the model, where it counts as one).
        readers_mean: Mean of `readers`.
        difference: `model` less `readers_mean`, on the same images; above 0 the model agrees with the readers better
            than they do with the rest.
    """

    model: Estimate
    readers: tuple[Estimate, ...]
    readers_mean: Estimate
    difference: Estimate


def reader_f1(
    readers: Bool[np.ndarray, "readers n"],
    model: Bool[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    model_is_reference: bool = True,
    level: float = 0.95,
    resamples: int = 10_000,
) -> ReaderF1:
    """Each rater's mean F1 against the others, and the difference, with intervals from a bootstrap of images.

    Args:
        readers: Whether each reader flags each image.
        model: Whether the model flags it.
        rng: Drives the bootstrap.
        cluster: Patient of each image; the paper had one image a patient.
        model_is_reference: Whether readers are scored against the model too, as in the paper.
        level: Of the intervals.
        resamples: Number of draws, 10,000 in the paper.

    Raises:
        InputError: There are fewer than 2 readers, answers don't fit the images, or two raters flag nothing.

    Source:
        Rajpurkar et al., CheXNet, arXiv:1711.05225v3, 2017, section 3 (.435 against .387, difference .051
        [.005, .084], on 420 images read by four radiologists).
    """
    if readers.ndim != 2 or len(readers) < 2 or readers.dtype != np.bool_ or model.dtype != np.bool_:
        raise InputError(f"expected booleans of at least 2 readers, found {readers.dtype} of shape {readers.shape}")
    if model.shape != readers.shape[1:]:
        raise InputError(f"expected the model's answer to each of {readers.shape[1]} images, found {model.shape}")
    raters = np.concatenate([readers, model[None]])
    pairs = list(combinations(range(len(raters)), 2))
    both = np.stack([raters[first] & raters[second] for first, second in pairs], axis=1)
    columns = np.concatenate([both, raters.T], axis=1)
    anyone = np.asarray(raters.any(axis=0))
    totals = resample_totals(columns, anyone, cluster=cluster, stratified=False, rng=rng, resamples=resamples)
    observed, drawn = (
        _means(columns.sum(axis=0)[None], pairs, model_is_reference),
        _means(totals, pairs, model_is_reference),
    )
    if not np.isfinite(observed).all():
        raise InputError("F1 is undefined: two raters flag no image between them")
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    method = f"mean F1 against the other raters, {describe(cluster, resamples=resamples, stratified=False)}"

    def estimate(value: Float[np.ndarray, " 1"], values: Float[np.ndarray, " draws"]) -> Estimate:
        return percentile_estimate(float(value[0]), values, truth=anyone, level=level, method=method)

    means = observed[:, :-1].mean(axis=1), drawn[:, :-1].mean(axis=1)
    return ReaderF1(
        model=estimate(observed[:, -1], drawn[:, -1]),
        readers=tuple(estimate(observed[:, reader], drawn[:, reader]) for reader in range(len(readers))),
        readers_mean=estimate(*means),
        difference=estimate(observed[:, -1] - means[0], drawn[:, -1] - means[1]),
    )


def _means(
    totals: Shaped[np.ndarray, "draws columns"], pairs: list[tuple[int, int]], model_is_reference: bool
) -> Float[np.ndarray, "draws raters"]:
    """Mean F1 of each rater, the model last; NaN where two raters flag nothing between them."""
    raters = totals.shape[1] - len(pairs)
    flagged = totals[:, len(pairs) :]
    total, count = np.zeros((len(totals), raters)), np.zeros(raters)
    for column, (first, second) in enumerate(pairs):
        with np.errstate(invalid="ignore"):
            f1 = 2 * totals[:, column] / (flagged[:, first] + flagged[:, second])
        scored = (first, second) if model_is_reference or second < raters - 1 else (second,)
        for rater in scored:
            total[:, rater] += f1
            count[rater] += 1
    return np.asarray(total / count)
