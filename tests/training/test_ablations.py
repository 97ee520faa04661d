"""A plan of variants, trained and read on synthetic films."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from pneumoscope.core import ConfigError
from pneumoscope.training import ablations
from pneumoscope.training.ablations import DEFAULT, Plan, Variant, ablate, read_plan
from pneumoscope.training.config import Data
from pneumoscope.training.fit import Paths
from pneumoscope.training.images import read_manifest
from pneumoscope.training.loading import deal

SIDE = 64


@pytest.fixture
def plan() -> Plan:
    """The shipped plan on timm's smallest network, two folds and two variants."""
    tiny = {
        "backbone": "test_resnet",
        "initial_weights": "",
        "train_size_px": 32,
        "epochs": 1,
        "images_per_epoch": 32,
        "batch_size": 16,
        "precision": "32-true",
        "recipe": {"size_px": SIDE},
        "layers": {"frozen_to": ""},
    }
    shipped = read_plan(DEFAULT)
    kept = tuple(one for one in shipped.variant if one.name in ("default", "no-boxes"))
    return replace(shipped, folds=2, seeds=(1,), base=tiny, variant=kept)


@pytest.fixture
def make(tiny_data: Path, tmp_path: Path) -> Callable[..., list[str]]:
    def run(plan: Plan, **options: object) -> list[str]:
        said: list[str] = []
        paths = Paths(data=tiny_data, weights=tiny_data, run=tmp_path / "runs")
        ablate(plan, paths, tmp_path / "out", say=said.append, **options)  # type: ignore[arg-type]
        return said

    return run


def test_each_film_outside_the_test_is_read_once_by_a_network_that_did_not_learn_from_its_patient(
    plan: Plan, make: Callable[..., list[str]], tiny_data: Path, tmp_path: Path
) -> None:
    make(plan, only={"no-boxes"})
    said = pd.read_parquet(tmp_path / "out" / "no-boxes.parquet")
    manifest = read_manifest(tiny_data, split_seed=20)
    free = manifest[(manifest["source"] == "nih") & (manifest["split"] != "test")]
    assert sorted(said["image_id"]) == sorted(free["image_id"])
    assert said.groupby("patient_id")["fold"].nunique().max() == 1
    assert said.groupby("fold")["rank"].mean().tolist() == pytest.approx([0.5, 0.5])
    record = json.loads((tmp_path / "out" / "no-boxes.json").read_text())
    assert record["config"]["loss"]["boxes"] == 0
    assert record["trainings"] == 2
    assert record["seconds"] > 0


def test_what_is_there_is_not_made_again_until_it_is_made_of_something_else(
    plan: Plan, make: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Path] = []
    real = ablations.fit_member

    def counting(*arguments: object, folder: Path, **options: object) -> None:
        trained.append(folder)
        real(*arguments, folder=folder, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ablations, "fit_member", counting)
    make(plan, only={"default"})
    assert make(plan) == ["default: there already", "no-boxes: RSNA's boxes do not teach"]
    assert len(trained) == 4
    make(replace(plan, base=plan.base | {"images_per_epoch": 16}), only={"default"})
    assert len(trained) == 6


def test_folds_share_no_patient_and_leave_the_test_alone(tiny_data: Path, plan: Plan) -> None:
    rows = read_manifest(tiny_data, split_seed=20)
    config = plan.config(plan.variant[0])
    dealt = [deal(rows, replace(config, data=Data(folds=3, fold=fold))) for fold in range(3)]
    for one in dealt:
        assert ((one["split"] == "test") == (rows["split"] == "test")).all()
        sides = one.groupby("patient_id")["split"].nunique()
        assert (sides == 1).all()
    validates = sum((one["split"] == "val").astype(int) for one in dealt)
    assert (validates[rows["split"] != "test"] == 1).all()


def test_every_variant_of_the_shipped_plan_is_a_whole_configuration_and_unlike_the_others() -> None:
    shipped = read_plan(DEFAULT)
    made = [json.dumps(shipped.config(one).as_dict(), sort_keys=True) for one in shipped.variant]
    assert len(set(made)) == len(made)
    assert shipped.variant[0].name == "default"
    assert shipped.variant[0].changes == {}


def test_a_plan_that_cannot_be_is_refused(plan: Plan, make: Callable[..., list[str]]) -> None:
    odd = Variant(name="odd", what="a key that is none", changes={"epoch": 3})
    with pytest.raises(ConfigError, match="variant odd: unknown keys epoch"):
        replace(plan, variant=(*plan.variant, odd)).config(odd)
    with pytest.raises(ConfigError, match="against: expected a variant of the plan, got nobody"):
        replace(plan, variant=(*plan.variant, replace(odd, against="nobody")))
    with pytest.raises(ConfigError, match="expected variants among default, no-boxes, got missing"):
        make(plan, only={"missing"})
    with pytest.raises(ConfigError, match="fold: expected 0 to 1, or -1 for each in turn, got 2"):
        Data(folds=2, fold=2)


def test_a_variants_cost_is_that_of_all_its_trainings() -> None:
    curves = [[{"seconds": "2.0", "images_per_s": "10"}], [{"seconds": "1.0", "images_per_s": "40"}]]
    said = pd.DataFrame()
    assert ablations._speed([(said, one) for one in curves]) == {"seconds": 3.0, "images_per_s": 20.0}
    assert ablations._speed([(said, [{"seconds": "0.0", "images_per_s": "9"}])])["images_per_s"] == 0.0
