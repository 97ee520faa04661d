import csv
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logit
from sklearn.metrics import roc_auc_score

from pneumoscope.core import InputError
from pneumoscope.stats import auroc, auroc_clustered, auroc_gap, paired_auroc_difference

# 12 pairs, 9 in order and one tied: 9.5 / 12.
TRUTH = np.array([True, True, True, False, False, False, False])
SCORE = np.array([0.9, 0.6, 0.4, 0.7, 0.4, 0.2, 0.1])


def kernel(truth, score):
    """Every pair by itself: rows are positives, columns negatives."""
    positive, negative = score[truth][:, None], score[~truth][None, :]
    return (positive > negative) + 0.5 * (positive == negative)


def by_patient(readings, statistic, *, resamples=500):
    rng = np.random.default_rng(0)
    patients = np.unique(readings.patient)
    rows_of = [np.flatnonzero(readings.patient == patient) for patient in patients]
    return np.array(
        [
            statistic(np.concatenate([rows_of[p] for p in rng.choice(patients.size, patients.size)]))
            for _ in range(resamples)
        ]
    )


def test_a_hand_worked_area_and_its_delong_standard_error():
    # Components of the positives 1, 3/4, 5/8 and of the negatives 1/3, 5/6, 1, 1: variance 7/576 + 43/1728 = 1/27.
    found = auroc(TRUTH, SCORE)
    assert found.value == pytest.approx(9.5 / 12)
    assert found.standard_error == pytest.approx(27**-0.5)
    assert (found.n, found.positives, found.level, found.method) == (7, 3, 0.95, "DeLong")


def test_the_interval_is_symmetric_on_the_logit_scale():
    found = auroc(TRUTH, SCORE)
    half = 1.959964 * 27**-0.5 / (9.5 / 12 * 2.5 / 12)
    assert logit(found.high) - logit(found.value) == pytest.approx(half)
    assert logit(found.value) - logit(found.low) == pytest.approx(half)


def test_area_and_variance_agree_with_a_loop_over_all_pairs(single):
    pairs = kernel(single.truth, single.score)
    found = auroc(single.truth, single.score)
    variance = pairs.mean(axis=1).var(ddof=1) / pairs.shape[0] + pairs.mean(axis=0).var(ddof=1) / pairs.shape[1]
    assert found.value == pytest.approx(pairs.mean(), abs=1e-12)
    assert found.value == pytest.approx(roc_auc_score(single.truth, single.score), abs=1e-12)
    assert found.standard_error == pytest.approx(variance**0.5, rel=1e-10)


def test_any_increasing_scale_of_scores_gives_the_same_area(single):
    assert auroc(single.truth, 7 * single.score - 3).value == auroc(single.truth, single.score).value


def test_clusters_of_one_row_give_delongs_variance(single):
    alone = auroc_clustered(single.truth, single.score, cluster=single.patient)
    assert alone.standard_error == pytest.approx(auroc(single.truth, single.score).standard_error, rel=1e-12)


def test_a_hand_worked_clustered_standard_error():
    # Sums of deviations over class size: positives a 5/72, b -5/72; negatives a -11/96, c 1/16, d 5/96.
    cluster = np.array(["a", "b", "b", "a", "c", "c", "d"])
    positive = 2 * (2 * (5 / 72) ** 2)
    negative = 3 / 2 * ((11 / 96) ** 2 + (1 / 16) ** 2 + (5 / 96) ** 2)
    cross = 2 * 4 / 3 * (5 / 72 * -11 / 96)
    found = auroc_clustered(TRUTH, SCORE, cluster=cluster)
    assert found.standard_error == pytest.approx((positive + negative + cross) ** 0.5)
    assert found.value == auroc(TRUTH, SCORE).value


def test_the_clustered_standard_error_agrees_with_a_bootstrap_of_patients(repeated):
    areas = by_patient(repeated, lambda rows: roc_auc_score(repeated.truth[rows], repeated.score[rows]))
    found = auroc_clustered(repeated.truth, repeated.score, cluster=repeated.patient)
    assert found.standard_error == pytest.approx(areas.std(), rel=0.1)
    assert found.standard_error > 1.3 * auroc(repeated.truth, repeated.score).standard_error


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_does_not_matter(repeated, seed):
    shuffle = np.random.default_rng(seed).permutation(repeated.truth.size)
    shuffled = auroc_clustered(repeated.truth[shuffle], repeated.score[shuffle], cluster=repeated.patient[shuffle])
    direct = auroc_clustered(repeated.truth, repeated.score, cluster=repeated.patient)
    assert shuffled.standard_error == pytest.approx(direct.standard_error, rel=1e-10)


def test_perfect_order_keeps_an_interval_below_one():
    found = auroc(np.array([True] * 10 + [False] * 40), np.array([1.0] * 10 + [0.0] * 40))
    assert (found.value, found.high, found.standard_error) == (1.0, 1.0, 0.0)
    assert found.low == pytest.approx(0.025 ** (1 / 10))
    assert "exact" in found.method


def test_a_paired_difference_agrees_with_the_covariance_of_all_pairs(single):
    first, second = kernel(single.truth, single.score), kernel(single.truth, single.other_score)
    difference = first - second
    variance = (
        difference.mean(axis=1).var(ddof=1) / difference.shape[0]
        + difference.mean(axis=0).var(ddof=1) / difference.shape[1]
    )
    found = paired_auroc_difference(single.truth, first=single.score, second=single.other_score)
    assert found.value == pytest.approx(difference.mean(), abs=1e-12)
    assert found.standard_error == pytest.approx(variance**0.5, rel=1e-10)
    assert found.high - found.value == pytest.approx(1.959964 * variance**0.5)


def test_a_clustered_paired_difference_agrees_with_a_bootstrap_of_patients(repeated):
    truth, first, second = repeated.truth, repeated.score, repeated.other_score
    differences = by_patient(
        repeated,
        lambda rows: roc_auc_score(truth[rows], first[rows]) - roc_auc_score(truth[rows], second[rows]),
    )
    found = paired_auroc_difference(truth, first=first, second=second, cluster=repeated.patient)
    assert found.standard_error == pytest.approx(differences.std(), rel=0.12)


def test_swapping_the_models_changes_the_sign_only(single):
    there = paired_auroc_difference(single.truth, first=single.score, second=single.other_score)
    back = paired_auroc_difference(single.truth, first=single.other_score, second=single.score)
    assert (back.value, back.low, back.high) == pytest.approx((-there.value, -there.high, -there.low))
    assert back.p_value == pytest.approx(there.p_value)


def test_a_model_does_not_differ_from_itself(single):
    found = paired_auroc_difference(single.truth, first=single.score, second=single.score)
    assert (found.value, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_the_interval_at_one_less_the_p_value_ends_at_zero(single):
    noise = np.random.default_rng(3).random(single.truth.size)
    usual = paired_auroc_difference(single.truth, first=single.score, second=noise)
    edge = paired_auroc_difference(single.truth, first=single.score, second=noise, level=1 - usual.p_value)
    assert usual.low > 0
    assert usual.p_value < 0.05
    assert edge.low == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("truth", "score", "message"),
    [
        (TRUTH, np.where(SCORE == 0.2, np.nan, SCORE), "1 NaN or infinite"),
        (TRUTH, SCORE[:-1], "expected 7 scores"),
        (TRUTH.astype(int), SCORE, "one boolean a row"),
        (np.ones(7, dtype=bool), SCORE, "found 7 and 0"),
        (np.arange(7) == 0, SCORE, "at least 2 positive"),
        (np.array([], dtype=bool), np.array([]), "one boolean a row"),
    ],
)
def test_unusable_rows_are_refused_with_what_was_found(truth, score, message):
    with pytest.raises(InputError, match=message):
        auroc(truth, score)


def test_one_patient_with_all_positives_is_refused():
    with pytest.raises(InputError, match="expected 2 clusters with each class, found 1"):
        auroc_clustered(TRUTH, SCORE, cluster=np.array([1, 1, 1, 2, 3, 4, 5]))


def test_a_missing_patient_id_is_refused():
    with pytest.raises(InputError, match="NaN"):
        auroc_clustered(TRUTH, SCORE, cluster=np.array([1, 2, 3, 4, 5, 6, np.nan]))


def test_a_level_in_percent_is_refused():
    with pytest.raises(InputError, match="found 95"):
        auroc(TRUTH, SCORE, level=95)


def test_a_gap_between_other_patients_adds_both_variances(single):
    inside = np.arange(single.truth.size) % 3 == 0
    areas = [auroc(single.truth[rows], single.score[rows]) for rows in (inside, ~inside)]
    found = auroc_gap(single.truth, single.score, inside=inside)
    assert found.value == pytest.approx(areas[0].value - areas[1].value)
    # DeLong divides by the rows of a class less 1, the gap by all rows less 1.
    assert found.standard_error == pytest.approx(np.hypot(areas[0].standard_error, areas[1].standard_error), rel=0.03)


def test_a_gap_within_patients_agrees_with_a_bootstrap_of_patients(repeated):
    view = np.arange(repeated.truth.size) % 4 < 2

    def gap(rows):
        truth, score, first = repeated.truth[rows], repeated.score[rows], view[rows]
        return roc_auc_score(truth[first], score[first]) - roc_auc_score(truth[~first], score[~first])

    found = auroc_gap(repeated.truth, repeated.score, inside=view, cluster=repeated.patient)
    apart = auroc_gap(repeated.truth, repeated.score, inside=view)
    assert found.standard_error == pytest.approx(by_patient(repeated, gap).std(), rel=0.12)
    assert found.standard_error < 0.9 * apart.standard_error


def test_a_million_scores_take_about_a_second():
    rng = np.random.default_rng(0)
    truth = rng.random(1_000_000) < 0.1
    score, patient = rng.normal(truth), rng.integers(0, 300_000, 1_000_000)
    start = time.process_time()
    found = auroc_clustered(truth, score, cluster=patient)
    assert found.value == pytest.approx(0.7602, abs=0.003)
    # Half a second on an idle core; the bound leaves room for a slow and busy one.
    assert time.process_time() - start < 5


def test_perfect_and_perfectly_wrong_models_have_no_p_value():
    with pytest.raises(InputError, match="neither area has any variance"):
        paired_auroc_difference(TRUTH, first=TRUTH.astype(float), second=1 - TRUTH.astype(float))


def test_two_perfect_areas_have_no_gap_and_no_difference_to_speak_of():
    truth, inside = np.arange(8) < 4, np.arange(8) % 2 == 0
    with pytest.raises(InputError, match="neither area has any variance"):
        auroc_gap(truth, truth.astype(float), inside=inside)
    with pytest.raises(InputError, match="neither area has any variance"):
        paired_auroc_difference(truth, first=truth.astype(float), second=np.linspace(1, 0, 8))


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_published_areas_of_a_chexnet_reproduction_come_out_again(data_root):
    findings = {
        row["Image Index"]: row["Finding Labels"].split("|")
        for row in read_rows(data_root / "nih" / "Data_Entry_2017_v2020.csv")
    }
    predictions = read_rows(data_root / "chexnet_reproduction" / "preds.csv")
    published = read_rows(data_root / "chexnet_reproduction" / "aucs.csv")
    patient = np.array([row["Image Index"].split("_")[0] for row in predictions])
    assert len(published) == 14
    for label, area in ((row["label"], float(row["auc"])) for row in published):
        truth = np.array([label in findings[row["Image Index"]] for row in predictions])
        score = np.array([float(row[f"prob_{label}"]) for row in predictions])
        found = auroc_clustered(truth, score, cluster=patient)
        assert found.value == pytest.approx(area, abs=1e-9), label
        if label == "Pneumonia":
            assert (found.n, found.positives) == (22_433, 260)
            assert (found.low, found.high) == pytest.approx((0.731, 0.790), abs=5e-4)
