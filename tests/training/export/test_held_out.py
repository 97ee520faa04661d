"""Members that are trained on different parts, and what each may be asked about."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from onnx import TensorProto, helper

from pneumoscope.core import ArtifactError, Population
from pneumoscope.model import load
from pneumoscope.training.config import Augmentation, Data, TrainingConfig
from pneumoscope.training.evaluation import evaluate as evaluate_module
from pneumoscope.training.evaluation.evaluate import evaluate
from pneumoscope.training.export.export import export
from pneumoscope.training.export.held_out import (
    MemberOutputs,
    Unseen,
    acquired_otherwise,
    member_outputs,
    unseen,
)
from pneumoscope.training.fit import Paths, fit, members_of
from pneumoscope.training.images import load_images, read_manifest, unit
from pneumoscope.training.loading import deal
from pneumoscope.training.runs import load_network, read_run

FOLDS = 3


@pytest.fixture(scope="module")
def parts(config: TrainingConfig) -> TrainingConfig:
    return replace(config, seeds=(1, 2, 3), epochs=1, data=Data(folds=FOLDS))


@pytest.fixture(scope="module")
def run(tiny_data: Path, parts: TrainingConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    fit(parts, Paths(data=tiny_data, weights=tiny_data, run=folder))
    return folder


@pytest.fixture(scope="module")
def sealed(run: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sealed") / "model.onnx"
    export([run], tiny_data, path)
    return path


def test_each_seed_validates_on_its_own_part_and_a_named_part_is_everybodys(parts: TrainingConfig) -> None:
    assert [(one.seeds, one.data.fold) for one in members_of(parts)] == [((1,), 0), ((2,), 1), ((3,), 2)]
    assert [one.data.fold for one in members_of(replace(parts, data=Data(folds=2)))] == [0, 1, 0]
    assert [one.data.fold for one in members_of(replace(parts, data=Data(folds=5, fold=4)))] == [4, 4, 4]


def test_every_patient_but_the_tests_is_unseen_by_one_member_for_each_population(
    tiny_data: Path, parts: TrainingConfig
) -> None:
    manifest = read_manifest(tiny_data, split_seed=parts.split_seed)
    which = unseen(manifest, members_of(parts))
    test = (manifest["split"] == "test").to_numpy()
    assert which.by[~test].sum(axis=1).tolist() == [1] * (~test).sum()
    assert not which.by[test].any()
    np.testing.assert_array_equal(which.answered(), np.flatnonzero(~test))
    for place, member in enumerate(members_of(parts)):
        np.testing.assert_array_equal(which.by[:, place], deal(manifest, member)["split"] == "val")
    adults = [replace(one, populations=("adults",)) for one in members_of(parts)]
    children = (manifest["source"] == "kermany").to_numpy()
    assert not unseen(manifest, adults).answering[children].any()


def test_an_image_has_the_mean_of_the_members_that_answer_and_have_not_seen_it() -> None:
    said = MemberOutputs(
        logit=np.array([[1.0, 2.0, 6.0], [1.0, 2.0, 6.0]], dtype=np.float32),
        cam=np.arange(12, dtype=np.float32).reshape(2, 3, 1, 2),
        distance=np.array([[3.0, 4.0, 100.0], [3.0, 4.0, 5.0]], dtype=np.float32),
        embedding=np.zeros((2, 4), dtype=np.float32),
        lungs=None,
    )
    by = np.array([[True, True, False], [False, False, True]])
    found = said.held_out(Unseen(by, by & [True, False, True]))
    np.testing.assert_allclose(found.logit, [[1.0], [6.0]])
    np.testing.assert_allclose(found.cam, [[[[0.0, 1.0]]], [[[10.0, 11.0]]]])
    np.testing.assert_allclose(found.distance, [np.sqrt(12.5), 5.0], rtol=1e-6)


def test_the_sealed_graph_tells_its_members_apart(run: Path, sealed: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 64, 64), dtype=np.uint8)
    found = member_outputs(load(sealed).onnx, images)
    with torch.no_grad():
        for place, seed in enumerate((1, 2, 3)):
            network = load_network(read_run(run / f"seed-{seed}"))
            alone = network(unit(torch.from_numpy(images)[:, None]))[:, 0].numpy()
            np.testing.assert_allclose(found.logit[:, place], alone, atol=5e-3)
            np.testing.assert_allclose(found.cam[:, place].mean(axis=(1, 2)), found.logit[:, place], atol=1e-4)


def test_a_graph_that_does_not_tell_its_members_apart_is_refused() -> None:
    with pytest.raises(ArtifactError, match="member_logit"):
        member_outputs(without_members(), np.zeros((1, 8, 8), dtype=np.uint8))


def without_members() -> bytes:
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, 1, 8, 8])
    logit = helper.make_tensor_value_info("logit", TensorProto.FLOAT, [None, 1, 8, 8])
    graph = helper.make_graph([helper.make_node("Identity", ["image"], ["logit"])], "g", [image], [logit])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return model.SerializeToString()


def test_rules_rest_on_films_of_all_patients_that_are_no_test_and_say_so(tiny_data: Path, sealed: Path) -> None:
    card = load(sealed).card
    manifest = read_manifest(tiny_data, split_seed=20)
    validated = manifest[(manifest["split"] != "test") & manifest["source"].isin(["nih", "kermany"])]
    counts = {"adults": (validated["source"] == "nih").sum(), "children": (validated["source"] == "kermany").sum()}
    for population, count in counts.items():
        said = card.rules[Population(population)].fitted_on
        assert said.startswith(f"{count} validation images of {population}")
        assert said.endswith("each image used twice: unchanged and after one random training augmentation")
    assert [member["seed"] for member in card.metrics["members"]] == [1, 2, 3]


def test_validation_evidence_is_of_members_that_have_not_seen_the_patient(
    tiny_data: Path, run: Path, sealed: Path, parts: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate_module, "_TITLES", {"nih": "NIH"})
    found = {one.name: one for one in evaluate(load(sealed), tiny_data, tmp_path)}
    manifest = read_manifest(tiny_data, split_seed=20)
    rows = manifest[(manifest["source"] == "nih") & (manifest["split"] != "test")].reset_index(drop=True)
    assert found["nih-val"].cohort["images"] == len(rows)
    kept = pd.read_parquet(tmp_path / "nih-val" / "predictions.parquet").set_index("image_id")["logit"]
    dealt = deal(manifest, members_of(parts)[0])
    own = dealt[(dealt["source"] == "nih") & (dealt["split"] == "val")]
    images = load_images(own["path"], parts.recipe)
    with torch.no_grad():
        alone = load_network(read_run(run / "seed-1"))(unit(torch.from_numpy(images)[:, None]))[:, 0].numpy()
    np.testing.assert_allclose(kept.loc[own["image_id"]], alone, atol=5e-3)
    assert isinstance(found["nih-val"].at("localisation.boxed_images"), int)
    with pytest.raises(ArtifactError, match="methods"):  # the whole model has seen these patients
        found["nih-val"].at("localisation.methods")


def test_films_acquired_otherwise_are_the_same_each_time_and_other_films() -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32), dtype=np.uint8)
    before = torch.random.get_rng_state()
    first, second = (acquired_otherwise(images, Augmentation(gamma=0.5, erase=1.0)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first.shape == images.shape
    assert (first != images).mean() > 0.5
    unchanged = acquired_otherwise(images, Augmentation(erase=1.0))
    assert np.abs(unchanged.astype(int) - images).max() <= 1  # nothing is hidden
