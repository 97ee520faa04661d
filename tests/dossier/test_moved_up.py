from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import Population
from pneumoscope.dossier.device import Cohort
from pneumoscope.dossier.moved_up import Action, measure, perfect_calibration, read_action
from pneumoscope.evaluation import NotEstimable, Number, read_release
from pneumoscope.model import Conformal

ROOT = Path(__file__).resolve().parents[2]
COHORT = Cohort(evidence="site-test", question="Pneumonia", title="x", reference="y", role="test")


def action(truth: list[int], moved: list[int], patient: list[str]) -> Action:
    rows = pd.DataFrame({"patient_id": patient, "view": "PA", "follow_up": 0, "age_years": [10.0] * len(truth)})
    return Action(rows, np.array(truth, dtype=bool), np.array(moved, dtype=bool), complete=True)


def test_a_two_by_two_table_and_the_share_at_a_prevalence_by_hand() -> None:
    found = measure(action([1] * 10 + [0] * 10, [1] * 9 + [0] + [1] * 4 + [0] * 6, [str(n) for n in range(20)]))
    assert [found[name] for name in ("moved_with", "left_with", "moved_without", "left_without")] == [9, 1, 4, 6]
    assert found["sensitivity"].value == 0.9
    assert found["specificity"].value == 0.6
    assert found["share_moved_up"]["5%"].value == pytest.approx(0.05 * 0.9 + 0.95 * 0.4)


def test_by_patient_one_with_many_images_weighs_as_much_as_any_other() -> None:
    patient = ["many"] * 6 + ["a", "b", "c", "d"]
    found = measure(action([0] * 10 + [1], [1] * 6 + [0] * 4 + [1], [*patient, "e"]))["by_patient"]
    assert found["specificity"].value == pytest.approx(4 / 5)
    assert (found["specificity_patients"], found["top_patients_images"], found["negatives"]) == (5, 10, 10)
    assert isinstance(found["sensitivity"], NotEstimable)


def test_uncertain_images_are_moved_up_by_the_limits_of_their_population(pristine: Path) -> None:
    evidence = read_release(pristine / "release")["site-test"]
    rows = pd.read_parquet(evidence.path / "predictions.parquet")
    limits = Conformal(coverage=0.9, positive_from=0.3, negative_to=0.4)
    rule = SimpleNamespace(conformal=limits, by_view={})
    card: Any = SimpleNamespace(rules={Population.ADULTS: rule}, population_of=lambda _: Population.ADULTS)
    flagged = read_action(evidence, COHORT, point="balanced", card=None).moved_up
    both = read_action(evidence, COHORT, point="balanced", card=card).moved_up
    score, adult = rows["prob_Pneumonia"].to_numpy(), (rows["population"] == "adults").to_numpy()
    assert np.array_equal(flagged, score >= np.where(adult, 0.5, 0.45))
    assert np.array_equal(both & ~flagged, adult & (score >= 0.3) & (score <= 0.4) & ~flagged)


def test_a_perfect_model_has_a_calibration_error_all_the_same(pristine: Path) -> None:
    found = perfect_calibration(read_release(pristine / "release")["site-test"], COHORT)
    assert found is not None
    assert 0 < found["mean"] < found["p95"] < 0.3


def test_the_shipped_releases_evidence_is_given_again_by_its_predictions_and_card() -> None:
    """Guard, maps, lungs and conformal limits, by other code than measured them."""
    from pneumoscope.dossier.recomputed import recompute_other
    from pneumoscope.model import load, shipped_path

    artifact = load(shipped_path())
    folders = sorted((ROOT / "evidence").glob("[0-9]*"))
    release = read_release(folders[-1]) if folders else {}
    of_model = [one for one in release.values() if one.provenance["model"].get("sha256") == artifact.identity.sha256]
    if not of_model:
        pytest.skip("no evidence of the model that ships")
    for evidence in of_model:
        found = recompute_other(evidence, card=artifact.card)
        assert len(found) > 8
        for path, value in found.items():
            said = evidence.at(path)
            if isinstance(said, Number):
                assert isinstance(value, Number), path
                assert (value.value, value.low) == pytest.approx((said.value, said.low), abs=1e-6), path
