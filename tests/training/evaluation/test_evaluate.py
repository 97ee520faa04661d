import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import ConfigError
from pneumoscope.evaluation import Number
from pneumoscope.model import load, shipped_path
from pneumoscope.training.evaluation.evaluate import keep_records, points, probability
from pneumoscope.training.evaluation.refusals import PERTURBATIONS, guard_evidence


@pytest.fixture(scope="module")
def artifact():
    return load(shipped_path())


def test_each_image_has_the_probability_of_its_own_populations_calibration(artifact):
    logit, population = np.array([0.3, 0.3], dtype=np.float32), np.array(["adults", "children"], dtype=object)
    found = probability(artifact.card, logit, population)
    rules = {str(name): rule for name, rule in artifact.card.rules.items()}
    expected = [rules[name].calibration.probability(logit[:1])[0] for name in population]
    assert found == pytest.approx(expected)


def test_points_hold_the_thresholds_of_both_populations_and_say_where_they_are_from(artifact):
    found = points(artifact.card, ["adults", "adults", "children"])
    assert next(iter(found)) == "balanced"
    rules = {str(name): rule for name, rule in artifact.card.rules.items()}
    balanced = found["balanced"]
    assert balanced.threshold == rules["adults"].operating_points["balanced"].threshold
    assert balanced.elsewhere == {"children": rules["children"].operating_points["balanced"].threshold}
    assert balanced.chosen_on == rules["adults"].fitted_on
    assert points(artifact.card, ["children"])["balanced"].elsewhere == {}


def test_the_guard_is_asked_about_films_and_about_changed_films(artifact):
    size = artifact.card.recipe.size_px
    images = np.random.default_rng(0).integers(0, 256, (3, size, size), dtype=np.uint8)
    rows = pd.DataFrame({"patient_id": ["a", "b", "c"], "split": "test", "distance": [0.0, 1e9, 1e9]})
    evidence = guard_evidence(artifact, rows, images, None)
    refused, caught = evidence["refused"], evidence["caught"]
    assert isinstance(refused, Number)
    assert refused.value == pytest.approx(2 / 3)
    assert set(caught) == set(PERTURBATIONS)
    assert caught["noise"].value == 1
    assert "caught" not in guard_evidence(artifact, rows.assign(split="val"), images, None)


def test_the_runs_records_are_kept_by_member(tmp_path):
    for seed in (1, 2):
        member = tmp_path / "run" / f"seed-{seed}"
        member.mkdir(parents=True)
        (member / "run.json").write_text(str(seed))
        (member / "last.ckpt").write_text("heavy")
    keep_records([tmp_path / "run"], tmp_path / "out")
    kept = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert kept == ["seed-1/run.json", "seed-2/run.json"]
    with pytest.raises(ConfigError, match=r"expected a training run with run\.json"):
        keep_records([tmp_path / "out" / "none"], tmp_path / "out")
