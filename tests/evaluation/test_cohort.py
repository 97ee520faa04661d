import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import average_precision_score, brier_score_loss, confusion_matrix, f1_score, roc_auc_score

from pneumoscope.core import InputError
from pneumoscope.evaluation import (
    NotEstimable,
    Number,
    Point,
    Question,
    Settings,
    read_evidence,
    recompute,
    write_evidence,
)
from pneumoscope.evaluation.answer import answer
from pneumoscope.evaluation.floors import floors
from pneumoscope.evaluation.numbers import leaves
from pneumoscope.evaluation.questions import take

POINTS = {"Pneumonia": {"balanced": Point(threshold=0.4, rule="chosen by hand", chosen_on="elsewhere")}}
SETTINGS = Settings(resamples=60)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory, make_cohort, make_rows):
    cohort = make_cohort(make_rows(), points=POINTS, left_out={"lost": 3})
    return write_evidence(cohort, tmp_path_factory.mktemp("evidence") / "made", settings=SETTINGS)


def test_the_numbers_agree_with_scikit_learn(evidence, make_rows):
    rows = make_rows()
    truth, score = rows["Pneumonia"].to_numpy(dtype=int), rows["prob_Pneumonia"].to_numpy()
    (tn, fp), (fn, tp) = confusion_matrix(truth, score >= 0.4)
    expected = {
        "auroc": roc_auc_score(truth, score),
        "auprc": average_precision_score(truth, score),
        "calibration.brier": brier_score_loss(truth, score),
        "operating_points.balanced.sensitivity": tp / (tp + fn),
        "operating_points.balanced.specificity": tn / (tn + fp),
        "operating_points.balanced.ppv": tp / (tp + fp),
        "operating_points.balanced.npv": tn / (tn + fn),
        "operating_points.balanced.f1": f1_score(truth, score >= 0.4),
        "operating_points.balanced.lr_positive": tp / (tp + fn) / (fp / (tn + fp)),
        "prevalence": truth.mean(),
        "floors.follow_up": roc_auc_score(truth, rows["follow_up"]),
    }
    found = {path: evidence.number(f"labels.Pneumonia.{path}").value for path in expected}
    assert found == pytest.approx(expected, abs=1e-8)


def test_subgroups_and_comorbid_findings_are_the_same_measures_on_a_part_of_the_rows(evidence, make_rows):
    rows = make_rows()
    ap = rows[rows["view"] == "AP"]
    area = evidence.number("labels.Pneumonia.subgroups.view.AP.auroc")
    assert area.value == pytest.approx(roc_auc_score(ap["Pneumonia"], ap["prob_Pneumonia"]), abs=1e-8)
    with_effusion = rows[(rows["Effusion"] == 1) & (rows["Pneumonia"] == 0)]
    specificity = evidence.number("labels.Pneumonia.comorbid.Effusion.with.specificity")
    assert specificity.value == pytest.approx((with_effusion["prob_Pneumonia"] < 0.4).mean(), abs=1e-8)
    for axis in ("view", "sex", "age", "follow_up"):
        groups = evidence.at(f"labels.Pneumonia.subgroups.{axis}")
        assert sum(group["n"] for group in groups.values()) == len(rows)


def test_the_spread_between_groups_is_the_largest_less_the_smallest(evidence):
    groups = evidence.at("labels.Pneumonia.subgroups.view")
    found = [group["operating_points"]["balanced"]["sensitivity"].value for group in groups.values()]
    spread = evidence.number("labels.Pneumonia.gaps.view.spread.sensitivity")
    assert spread.value == pytest.approx(max(found) - min(found), abs=1e-8)


def test_another_reference_asks_only_about_the_images_that_it_labels(evidence, make_rows):
    rows = make_rows().dropna(subset="rsna_opacity")
    assert evidence.at("labels.Pneumonia_as_rsna_opacity.n") == len(rows)
    area = evidence.number("labels.Pneumonia_as_rsna_opacity.auroc").value
    assert area == pytest.approx(roc_auc_score(rows["rsna_opacity"], rows["prob_Pneumonia"]), abs=1e-8)


def test_pneumonia_against_no_finding_leaves_other_findings_out(evidence, make_rows):
    rows = make_rows()
    assert evidence.at("labels.Pneumonia_against_No_Finding.n") == int(
        ((rows["Pneumonia"] == 1) | (rows["Effusion"] == 0)).sum()
    )


def test_what_was_left_out_is_in_the_evidence(evidence):
    assert evidence.at("cohort.left_out.lost") == 3


def test_everything_is_computed_again_from_the_folder_alone(evidence):
    again = dict(leaves(recompute(read_evidence(evidence.path)), path="labels."))
    stored = {path: leaf for path, leaf in evidence.numbers() if path.startswith("labels.")}
    assert again.keys() == stored.keys()
    for path, leaf in stored.items():
        if isinstance(leaf, Number):
            assert again[path].value == pytest.approx(leaf.value, rel=1e-7, abs=1e-9), path
            assert again[path].high == pytest.approx(leaf.high, rel=1e-7, abs=1e-9), path


def test_the_order_of_questions_does_not_change_a_number(evidence, make_rows):
    alone = answer(
        make_rows(), question=Question("Pneumonia", "rsna_opacity"), points=POINTS["Pneumonia"], settings=SETTINGS
    )
    assert alone["auprc"].low == pytest.approx(evidence.number("labels.Pneumonia_as_rsna_opacity.auprc").low, rel=1e-7)


def test_figures_are_written_as_vectors_and_pictures(evidence):
    names = {path.name for path in (evidence.path / "figures").iterdir()}
    kinds = ("roc", "precision-recall", "subgroups", "f1", "reliability", "decision-curve", "prevalence", "comorbid")
    assert {f"Pneumonia-{kind}.{suffix}" for kind in kinds for suffix in ("svg", "png")} <= names
    assert "Effusion-roc.svg" not in names


def test_a_threshold_that_flags_everybody_is_drawn_without_the_npv_that_it_leaves_undefined(
    rows, settings, tmp_path, make_cohort
):
    point = Point(threshold=0.0, rule="by hand", chosen_on="nothing")
    cohort = make_cohort(
        rows, questions=[Question("Pneumonia", "Pneumonia")], points={"Pneumonia": {"balanced": point}}
    )
    evidence = write_evidence(cohort, tmp_path / "everybody", settings=settings)
    assert isinstance(evidence.at("labels.Pneumonia.operating_points.balanced.npv"), NotEstimable)
    assert (evidence.path / "figures" / "Pneumonia-prevalence.png").stat().st_size > 0


def test_no_path_of_the_machine_is_in_the_evidence(evidence):
    assert str(evidence.path.parent) not in (evidence.path / "evidence.json").read_text()


def test_thresholds_chosen_on_the_images_say_so_and_come_with_what_to_expect_elsewhere(rows, settings):
    found = answer(rows, question=Question("Pneumonia", "Pneumonia"), points=None, settings=settings)
    point = found["operating_points"]["youden"]
    assert point["chosen_on"] == "these images"
    shown = point["sensitivity"].value + point["specificity"].value
    assert point["expected"]["sensitivity"].value + point["expected"]["specificity"].value < shown


def test_a_population_with_a_threshold_of_its_own_is_flagged_by_it(rows, settings):
    young = rows["age_years"] < 40
    rows["population"] = np.where(young, "children", "adults")
    point = Point(threshold=0.4, rule="two rules", chosen_on="elsewhere", elsewhere={"children": 1.0})
    found = answer(rows, question=Question("Pneumonia", "Pneumonia"), points={"balanced": point}, settings=settings)
    ill = rows["Pneumonia"] == 1
    flagged = (rows["prob_Pneumonia"] >= 0.4) & ~young
    assert found["operating_points"]["balanced"]["sensitivity"].value == pytest.approx(flagged[ill].mean())


def test_one_class_only_is_not_estimable_and_the_rest_is_still_there(rows, settings):
    found = answer(
        rows.assign(Pneumonia=0.0), question=Question("Pneumonia", "Pneumonia"), points=POINTS["Pneumonia"],
        settings=settings,
    )  # fmt: skip
    assert "at least 2 positive" in found["auroc"].why
    point = found["operating_points"]["balanced"]
    assert isinstance(point["sensitivity"], NotEstimable)
    assert point["specificity"].value == pytest.approx((rows["prob_Pneumonia"] < 0.4).mean())


def test_a_subgroup_of_one_is_too_few_to_say(rows, settings):
    rows.loc[0, "view"] = "LATERAL"
    found = answer(rows, question=Question("Pneumonia", "Pneumonia"), points=POINTS["Pneumonia"], settings=settings)
    group = found["subgroups"]["view"]["LATERAL"]
    assert group["n"] == 1
    assert "too few to say" in group["auroc"].why


def test_many_images_of_few_patients_are_too_few_to_say(rows, settings):
    rows.loc[:23, "view"] = "LATERAL"  # three images of each of eight patients
    found = answer(rows, question=Question("Pneumonia", "Pneumonia"), points=POINTS["Pneumonia"], settings=settings)
    group = found["subgroups"]["view"]["LATERAL"]
    assert group["n"] - group["positives"] >= settings.fewest
    why = group["operating_points"]["balanced"]["specificity"].why
    assert "patients without the finding are too few to say, expected 10 or more" in why


@pytest.mark.parametrize("name", ["view", "sex", "age", "follow_up"])
def test_the_direction_of_a_floor_is_not_learnt_from_the_images(rows, settings, name):
    column = {"age": "age_years"}.get(name, name)
    turned = (
        rows[column].map({"AP": "PA", "PA": "AP", "F": "M", "M": "F"}) if name in ("view", "sex") else -rows[column]
    )
    area, other = (
        answer(one, question=Question("Pneumonia", "Pneumonia"), points={}, settings=settings)["floors"][name].value
        for one in (rows, rows.assign(**{column: turned}))
    )
    assert other == pytest.approx(1 - area)


def test_directions_of_floors_are_those_of_nihs_training_and_validation(data_root, settings):
    table = pd.read_csv(data_root / "nih" / "Data_Entry_2017_v2020.csv")
    learn = (data_root / "nih" / "train_val_list.txt").read_text().split()
    table = table[table["Image Index"].isin(learn)]
    assert len(table) == 86_524
    rows = pd.DataFrame(
        {
            "patient_id": table["Patient ID"].astype(str),
            "view": table["View Position"],
            "sex": table["Patient Gender"],
            "age_years": table["Patient Age"].astype(float),
            "follow_up": table["Follow-up #"].astype(float),
            "Pneumonia": table["Finding Labels"].str.contains("Pneumonia").astype(float),
            "prob_Pneumonia": 0.5,
        }
    )
    sample, rows = take(rows, Question("Pneumonia", "Pneumonia"))
    found = floors(sample, rows, settings=settings)
    assert {name: round(area.value, 2) for name, area in found.items()} == {
        "view": 0.56, "sex": 0.51, "age": 0.52, "follow_up": 0.62
    }  # fmt: skip


def test_one_patient_with_the_finding_is_no_ground_for_what_to_expect_elsewhere(rows, settings):
    rows["Pneumonia"] = (rows.index < 3).astype(float)
    found = answer(rows, question=Question("Pneumonia", "Pneumonia"), points=None, settings=settings)
    assert "found 1" in found["operating_points"]["youden"]["expected"]["sensitivity"].why
    assert "found 1" in found["auprc"].why


def test_one_patient_with_the_finding_leaves_the_gaps_of_specificity(rows, settings):
    rows["Pneumonia"] = (rows.index < 3).astype(float)
    found = answer(rows, question=Question("Pneumonia", "Pneumonia"), points=POINTS["Pneumonia"], settings=settings)
    gap = found["gaps"]["view"]["AP"]
    assert isinstance(gap["sensitivity"], NotEstimable)
    assert gap["specificity"].low < gap["specificity"].high


def test_groups_are_compared_by_what_is_shown_and_by_nothing_else(rows, settings):
    found = answer(rows, question=Question("Pneumonia", "Pneumonia"), points=POINTS["Pneumonia"], settings=settings)
    first, second = (found["gaps"]["view"]["AP"][name] for name in ("sensitivity", "specificity"))
    ranked = sorted([first, second], key=lambda gap: gap.p_value)
    raw = 2 * norm.sf(abs(ranked[0].value) / ((ranked[0].high - ranked[0].low) / 2 / 1.959964))
    assert ranked[0].p_value == pytest.approx(min(2 * raw, 1), rel=1e-4)


def test_an_unknown_view_is_a_group_of_its_own(rows, settings):
    rows.loc[:40, "view"] = None
    found = answer(rows, question=Question("Pneumonia", "Pneumonia"), points=POINTS["Pneumonia"], settings=settings)
    assert list(found["subgroups"]["view"]) == ["AP", "PA", "unknown"]


def test_label_noise_says_what_it_assumes_and_gives_a_higher_area_than_the_noisy_label(settings, make_rows):
    rng = np.random.default_rng(3)
    rows = pd.concat(
        [make_rows(seed=seed).assign(patient_id=lambda t, s=seed: t["patient_id"] + f"-{s}") for seed in range(6)]
    )
    opacity = rng.random(len(rows)) < 0.4
    rows["rsna_opacity"] = np.where(rng.random(len(rows)) < 0.7, opacity.astype(float), np.nan)
    rows["Pneumonia"] = np.where(rng.random(len(rows)) < 0.15, ~opacity, opacity).astype(float)
    rows["prob_Pneumonia"] = 1 / (1 + np.exp(-(1.5 * opacity - 1 + rng.normal(size=len(rows)))))
    found = answer(rows, question=Question("Pneumonia", "Pneumonia"), points=POINTS["Pneumonia"], settings=settings)
    noise = found["label_noise"]
    assert "independent of the score" in noise["assumption"]
    true_area = roc_auc_score(opacity, rows["prob_Pneumonia"])
    assert found["auroc"].value < true_area - 0.03
    assert noise["auroc"].low < true_area < noise["auroc"].high


def test_label_noise_is_of_the_decisions_of_each_population(settings, make_rows):
    rng = np.random.default_rng(3)
    rows = pd.concat(
        [make_rows(seed=seed).assign(patient_id=lambda t, s=seed: t["patient_id"] + f"-{s}") for seed in range(6)]
    )
    opacity = rng.random(len(rows)) < 0.4
    rows["rsna_opacity"] = opacity.astype(float)
    rows["Pneumonia"] = rows["rsna_opacity"]
    rows["population"] = np.where(rows["age_years"] < 40, "children", "adults")
    rows["prob_Pneumonia"] = np.where(opacity, 0.9, 0.1) * rng.random(len(rows))
    point = Point(threshold=0.05, rule="two rules", chosen_on="elsewhere", elsewhere={"children": 1.0})
    found = answer(rows, question=Question("Pneumonia", "Pneumonia"), points={"balanced": point}, settings=settings)
    plain = found["operating_points"]["balanced"]["sensitivity"].value
    assert found["label_noise"]["sensitivity"].value == pytest.approx(plain)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (Question("Edema", "Edema"), "expected predictions with a score for Edema, found Pneumonia, Effusion"),
        (Question("Pneumonia", "radiologist"), "expected a manifest with the column radiologist"),
        (Question("Pneumonia", "age_years"), "expected age_years to be 0, 1 or null"),
        (Question("Pneumonia", "empty"), "and a label for empty, found none of 360"),
    ],
)
def test_questions_that_cannot_be_put_say_what_was_expected(rows, settings, question, said):
    with pytest.raises(InputError, match=said):
        answer(rows.assign(empty=np.nan), question=question, points=None, settings=settings)


def test_evaluating_predictions_imports_no_torch():
    code = "import sys, pneumoscope.evaluation; print('torch' in sys.modules, 'matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_json_has_no_number_without_its_denominator(evidence):
    text = json.loads((evidence.path / "evidence.json").read_text())

    def values(node):
        if isinstance(node, dict):
            yield from [node] if "value" in node else [one for child in node.values() for one in values(child)]

    found = list(values(text["labels"]))
    assert len(found) > 300
    assert all({"low", "high", "level", "n", "method"} <= set(number) for number in found)


def test_a_figure_of_what_cannot_be_estimated_says_so():
    from pneumoscope.evaluation.figures.curves import interval
    from pneumoscope.evaluation.numbers import NotEstimable

    assert interval(NotEstimable("one positive image")) == "not estimable"
