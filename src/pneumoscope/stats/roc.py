"""Area under the ROC curve, with DeLong's interval, for independent and for clustered rows."""

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.clusters import clustered_error
from pneumoscope.stats.distributions import expit, logit, normal_tail, two_sided
from pneumoscope.stats.estimates import Auroc, AurocDifference
from pneumoscope.stats.proportions import clopper_pearson
from pneumoscope.stats.validation import check_both_classes, check_score, check_share, number_clusters


def auroc(truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"], *, level: float = 0.95) -> Auroc:
    """Share of (positive, negative) pairs that the score puts in order, ties half; rows are patients.

    The interval is symmetric on the logit scale, so it stays in [0, 1].

    Raises:
        InputError: A score is not finite, or there are fewer than two rows of a class.

    Source:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44(3), 1988, p. 837 (variance); Sun and Xu, IEEE Signal
        Processing Letters 21(11), 2014, p. 1389 (by midranks, O(n log n)); Pepe, The Statistical Evaluation
        of Medical Tests for Classification and Prediction, 2003, chapter 5 (logit interval).
    """
    return _estimate(truth, score, cluster=None, level=level)


def auroc_clustered(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    cluster: Shaped[np.ndarray, " n"],
    level: float = 0.95,
) -> Auroc:
    """As `auroc`, where rows of one cluster (a patient's images) may depend on each other; clusters do not.

    Raises:
        InputError: As `auroc`, counting clusters that hold a class instead of rows.

    Source:
        Obuchowski, Biometrics 53(2), 1997, p. 567.
    """
    return _estimate(truth, score, cluster=cluster, level=level)


def paired_auroc_difference(
    truth: Bool[np.ndarray, " n"],
    *,
    first: Num[np.ndarray, " n"],
    second: Num[np.ndarray, " n"],
    cluster: Shaped[np.ndarray, " n"] | None = None,
    level: float = 0.95,
) -> AurocDifference:
    """Area of `first` less area of `second` on the same rows, with a Wald interval and a two-sided p-value.

    Raises:
        InputError: As `auroc`; or the difference has no variance, unless the scores order all rows alike and don't
            separate them perfectly: then it is 0 beyond doubt.

    Source:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44(3), 1988, p. 837; clusters as `auroc_clustered`.
    """
    check_share(level, name="level")
    number = number_clusters(cluster, rows=truth.size)
    _check(truth, first, number)
    _check(truth, second, number)
    ordered = structural_components(truth, first)
    components = ordered - structural_components(truth, second)
    value = float(components[truth].mean())
    error = _standard_error(truth, components, number)
    alike = not components.any() and bool(np.ptp(ordered))
    method = "DeLong, paired" if cluster is None else "DeLong, paired, clustered (Obuchowski)"
    return _difference(value, error, truth=truth, alike=alike, level=level, method=method)


def auroc_gap(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    inside: Bool[np.ndarray, " n"],
    cluster: Shaped[np.ndarray, " n"] | None = None,
    level: float = 0.95,
) -> AurocDifference:
    """Area among the rows `inside` a subgroup less the area among all others; a cluster may have rows of both.

    Raises:
        InputError: As `auroc`, inside or outside; or neither area has any variance (both separate perfectly).

    Source:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44(3), 1988, p. 837; clusters as `auroc_clustered`, their sums
        over both areas.
    """
    check_share(level, name="level")
    number = number_clusters(cluster, rows=truth.size)
    value, influence = 0.0, np.zeros(truth.size)
    for rows, sign in ((inside, 1), (~inside, -1)):
        _check(truth[rows], score[rows], np.unique(number[rows], return_inverse=True)[1])
        ill = truth[rows]
        components = structural_components(ill, score[rows])
        area = float(components[ill].mean())
        value += sign * area
        influence[rows] = sign * (components - area) / np.where(ill, ill.sum(), (~ill).sum())
    error = clustered_error(influence, cluster=number)
    method = "DeLong, unpaired" if cluster is None else "DeLong, unpaired, clustered (Obuchowski)"
    return _difference(value, error, truth=truth, alike=False, level=level, method=method)


def _difference(
    value: float, error: float, *, truth: Bool[np.ndarray, " n"], alike: bool, level: float, method: str
) -> AurocDifference:
    if error == 0 and not alike:
        raise InputError("interval of the AUROC difference is undefined: neither area has any variance")
    half = two_sided(level) * error
    return AurocDifference(
        value=value,
        low=max(value - half, -1.0),
        high=min(value + half, 1.0),
        level=level,
        n=truth.size,
        positives=int(truth.sum()),
        method=method,
        standard_error=error,
        p_value=2 * normal_tail(abs(value) / error) if error else 1.0,
    )


def _estimate(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    cluster: Shaped[np.ndarray, " n"] | None,
    level: float,
) -> Auroc:
    check_share(level, name="level")
    number = number_clusters(cluster, rows=truth.size)
    pairs = _check(truth, score, number)
    components = structural_components(truth, score)
    value = float(components[truth].mean())
    error = _standard_error(truth, components, number)
    method = "DeLong" if cluster is None else "DeLong, clustered (Obuchowski)"
    if error > 0:
        half = two_sided(level) * error / (value * (1 - value))
        low, high = float(expit(logit(value) - half)), float(expit(logit(value) + half))
    else:
        method += "; no variance, so exact on the smaller class"
        low, high = _bounds_without_variance(value, pairs=pairs, level=level)
    return Auroc(
        value=value,
        low=low,
        high=high,
        level=level,
        n=truth.size,
        positives=int(truth.sum()),
        method=method,
        standard_error=error,
    )


def _check(truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"], number: Int[np.ndarray, " n"]) -> int:
    """Clusters that hold the rarer class, at least 2."""
    check_both_classes(truth, measure="AUROC", least=2)
    check_score(score, rows=truth.size, measure="AUROC")
    fewest = min(_clusters_with(truth, number), _clusters_with(~truth, number))
    if fewest < 2:
        raise InputError(f"AUROC's interval is undefined: expected 2 clusters with each class, found {fewest}")
    return fewest


def _clusters_with(rows: Bool[np.ndarray, " n"], number: Int[np.ndarray, " n"]) -> int:
    return int(np.count_nonzero(np.bincount(number, weights=rows)))


def structural_components(truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """DeLong's structural components: each row's share of the other class that the score puts in order."""
    order = np.argsort(score)
    rising, ill = score[order], truth[order]
    # Ties form groups: of each row's group, the rows of either class below it and in it.
    group = np.cumsum(np.append(True, rising[1:] != rising[:-1])) - 1
    well_in, ill_in = (np.bincount(group, weights=kind) for kind in (~ill, ill))
    well_ordered = (np.cumsum(well_in) - well_in / 2) / well_in.sum()
    ill_ordered = 1 - (np.cumsum(ill_in) - ill_in / 2) / ill_in.sum()
    components = np.empty(truth.size)
    components[order] = np.where(ill, well_ordered[group], ill_ordered[group])
    return components


def _standard_error(
    truth: Bool[np.ndarray, " n"], components: Float[np.ndarray, " n"], number: Int[np.ndarray, " n"]
) -> float:
    """Obuchowski's: deviations summed by cluster. With one row a cluster its cross term is 0: DeLong's."""
    deviation = (components - components[truth].mean()) / np.where(truth, truth.sum(), (~truth).sum())
    clusters = int(number.max()) + 1
    positive = np.bincount(number, weights=np.where(truth, deviation, 0), minlength=clusters)
    negative = np.bincount(number, weights=np.where(truth, 0, deviation), minlength=clusters)
    with_positive, with_negative = _clusters_with(truth, number), _clusters_with(~truth, number)
    variance = (
        with_positive / (with_positive - 1) * (positive @ positive)
        + with_negative / (with_negative - 1) * (negative @ negative)
        + 2 * clusters / (clusters - 1) * (positive @ negative)
    )
    return float(np.sqrt(max(variance, 0.0)))


def _bounds_without_variance(value: float, *, pairs: int, level: float) -> tuple[float, float]:
    """Bounds where all components are alike (perfect order, or all tied): a proportion's of `pairs` trials.

    Conservative: an area's variance is at most `value (1 - value) / pairs`, `pairs` the rarer class's size.

    Source:
        Birnbaum and Klose, Annals of Mathematical Statistics 28(4), 1957, p. 933 (bound on the variance).
    """
    return clopper_pearson(value * pairs, pairs, level=level)
