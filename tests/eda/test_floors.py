import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pneumoscope.eda import floors


def areas(manifest: pd.DataFrame, **options: object) -> dict[str, float]:
    one = floors(manifest, finding="Pneumonia", **options)[-1]
    return {floor.variable: floor.auroc.value for floor in one.floors}


def test_view_alone_reaches_what_scikit_learn_says_on_the_test(many: pd.DataFrame) -> None:
    test = many[many["split"] == "test"]
    found = areas(many)
    assert found["View"] == pytest.approx(roc_auc_score(test["Pneumonia"], test["view"] == "AP"))
    assert found["Original size"] == pytest.approx(found["View"])


def test_a_number_scores_in_the_direction_learned_not_in_the_better_one(many: pd.DataFrame) -> None:
    test = (many["split"] == "test").to_numpy()
    ill = (many["Pneumonia"] == 1).to_numpy()
    # Rises with the finding where the model would learn, falls with it in the test.
    follow_up = np.where(ill ^ test, 5.0, 0.0)
    assert areas(many.assign(follow_up=follow_up))["Follow-up number"] == pytest.approx(0)


def test_what_says_nothing_reaches_nothing_together_either() -> None:
    rng = np.random.default_rng(0)
    size = 3000
    rows = pd.DataFrame(
        {
            "patient_id": [str(number) for number in range(size)],
            "source": "made",
            "view": rng.choice(["PA", "AP"], size),
            "sex": rng.choice(["F", "M"], size),
            "age_years": rng.integers(0, 90, size).astype(float),
            "follow_up": rng.integers(0, 9, size).astype(float),
            "width_px": np.nan,
            "height_px": np.nan,
            "pixel_spacing_mm": np.nan,
            "Pneumonia": (rng.random(size) < 0.2).astype(float),
        }
    )
    found = areas(rows)
    assert found.keys() == {"View", "Age", "Sex", "Follow-up number", "All of these together"}
    assert all(0.44 < area < 0.56 for area in found.values())


def test_together_is_at_least_as_good_as_the_best_alone_where_two_add_up(many: pd.DataFrame) -> None:
    male = (many["Pneumonia"] == 1) ^ (np.random.default_rng(1).random(len(many)) < 0.3)
    found = areas(many.assign(sex=np.where(male, "M", "F")))
    assert found["All of these together"] > max(found["View"], found["Sex"])


def test_no_patient_teaches_its_own_score_where_folds_are_made(many: pd.DataFrame) -> None:
    # Each patient has a size of its own, and all of its images are alike: known by heart, the area would be 1.
    ill = (np.arange(500) % 5 == 0)[np.repeat(np.arange(500), 3)]
    rows = many.assign(split=None, Pneumonia=ill.astype(float), width_px=np.repeat(np.arange(1, 501), 3) % 19 + 1)
    assert areas(rows)["Original size"] < 0.7


def test_both_label_releases_are_measured_on_one_and_the_same_scores(many: pd.DataFrame) -> None:
    test = (many["split"] == "test").to_numpy()
    first = many["Pneumonia"].where(~(test & (many["follow_up"] == 0)), 0.0)
    rows = many.assign(pneumonia_2017=first, pneumonia_2020=many["Pneumonia"])
    old, new = floors(rows, finding="Pneumonia")
    assert (old.label, new.label) == ("Pneumonia, labels of 2017", "Pneumonia, labels of v2020")
    assert old.floors[0].auroc.positives == int(first[test].sum())
    assert new.floors[0].auroc.positives == int(many["Pneumonia"][test].sum())


def test_another_source_without_releases_does_not_change_the_floors_of_the_one_that_has_them(
    many: pd.DataFrame,
) -> None:
    released = many.assign(pneumonia_2017=many["Pneumonia"], pneumonia_2020=many["Pneumonia"])
    children = many.assign(
        source="other", patient_id="o:" + many["patient_id"], follow_up=np.nan, Pneumonia=1.0, view="AP"
    )
    alone, together = (
        floors(released, finding="Pneumonia"),
        floors(pd.concat([released, children]), finding="Pneumonia"),
    )
    assert together[:2] == alone
    assert [one.label for one in together[2:]] == ["Pneumonia, all sources"]
    assert "Source" in {floor.variable for floor in together[2].floors}


def test_nothing_that_varies_means_no_floors() -> None:
    rows = pd.DataFrame({"patient_id": list("abcdef"), "source": "made", "Pneumonia": [0.0, 1.0] * 3})
    empty = dict.fromkeys(["view", "sex"], None) | dict.fromkeys(
        ["age_years", "follow_up", "width_px", "height_px"], np.nan
    )
    assert floors(rows.assign(**empty, pixel_spacing_mm=np.nan), finding="Pneumonia") == ()
