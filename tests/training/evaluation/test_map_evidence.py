"""On a small model from end to end: a run, its artefact, boxes on half of the films."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import ConfigError, Population
from pneumoscope.evaluation import NotEstimable, Number
from pneumoscope.model import Artifact, load
from pneumoscope.training.config import TrainingConfig
from pneumoscope.training.evaluation import evaluate as evaluate_module
from pneumoscope.training.evaluation import maps as module
from pneumoscope.training.evaluation.evaluate import evaluate
from pneumoscope.training.evaluation.maps import Boxed, map_evidence
from pneumoscope.training.export.export import export, run_graph
from pneumoscope.training.fit import Paths, fit
from pneumoscope.training.runs import read_run

COUNT = 6


@pytest.fixture(scope="module")
def run(tiny_data: Path, config: TrainingConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    short = replace(config, epochs=1, seeds=(1, 2))
    fit(short, Paths(data=tiny_data, weights=tiny_data, run=folder))
    return folder


@pytest.fixture(scope="module")
def artifact(run: Path, tiny_data: Path, lungs_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    path = tmp_path_factory.mktemp("sealed") / "model.onnx"
    export([run / "seed-1"], tiny_data, path, lungs=lungs_run)
    return load(path)


@pytest.fixture(scope="module")
def boxed(artifact: Artifact) -> Boxed:
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 64, 64), dtype=np.uint8)
    return Boxed(
        artifact=artifact,
        patient=np.array([f"p{index}" for index in range(COUNT)]),
        population=Population.ADULTS,
        images=images,
        cams=run_graph(artifact.onnx, artifact.card, images).cam[:, 0],
        boxes=[np.array([[0.5, 0.5, 1.0, 1.0]])] * COUNT,
    )


def leaves(tree: Mapping[str, object], path: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, node in tree.items():
        found |= leaves(node, f"{path}{name}.") if isinstance(node, Mapping) else {f"{path}{name}": node}
    return found


def test_every_method_curve_and_shuffle_has_a_number(run: Path, boxed: Boxed) -> None:
    numbers = leaves(map_evidence(boxed, runs=[read_run(run / "seed-1")]))
    assert numbers.pop("compared_images") == COUNT
    assert {type(node) for node in numbers.values()} == {Number}
    assert {name.split(".")[1] for name in numbers if name.startswith("methods")} == {
        "class_activation_map",
        "grad_cam_finer_layer",
        "occlusion",
    }
    assert {node.n for node in numbers.values()} == {COUNT}
    # Where none or all are hit, six images still say little.
    assert all(node.high - node.low > 0.2 for name, node in numbers.items() if name.endswith("pointing"))


def test_without_the_runs_only_grad_cam_is_missing_and_says_what_it_needs(boxed: Boxed) -> None:
    numbers = leaves(map_evidence(boxed, runs=[]))
    missing = {name: node for name, node in numbers.items() if isinstance(node, NotEstimable)}
    assert set(missing) == {"methods.grad_cam_finer_layer.pointing", "methods.grad_cam_finer_layer.overlap"}
    assert all("--run" in node.why for node in missing.values())


def test_runs_of_another_model_are_refused(run: Path, boxed: Boxed) -> None:
    with pytest.raises(ConfigError, match="was sealed from"):
        map_evidence(boxed, runs=[read_run(run / "seed-2")])


def test_methods_are_compared_on_a_few_images_where_there_are_many(
    boxed: Boxed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_SAMPLE", 3)
    some = boxed.some()
    assert len(some.images) == len(some.boxes) == len(some.patient) == len(some.cams) == 3
    np.testing.assert_array_equal(some.images, boxed.some().images)
    numbers = map_evidence(boxed, runs=[])
    assert (numbers["compared_images"], leaves(numbers)["methods.occlusion.pointing"].n) == (3, 3)


def test_a_model_is_measured_into_folders_with_lungs_and_maps(
    run: Path, artifact: Artifact, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate_module, "_TITLES", {"nih": "NIH"})
    found = {one.name: one for one in evaluate(artifact, tiny_data, tmp_path, runs=[run / "seed-1"])}
    assert set(found) == {"nih-val", "nih-test"}
    validation = found["nih-val"]
    boxed = validation.at("localisation.boxed_images")
    for path in ("methods.grad_cam_finer_layer.pointing", "faithfulness.deletion_area", "sanity.all.pointing"):
        assert validation.number(f"localisation.{path}").n == boxed
    assert validation.number("lungs.dice").value > 0.8
    assert (
        validation.number("lungs.heat_outside").n
        == validation.number("lungs.area_outside").n
        == validation.cohort["images"]
    )
    assert isinstance(validation.at("lungs.rules.children.largest_outside"), NotEstimable)
    kept = pd.read_parquet(tmp_path / "nih-val" / "predictions.parquet")
    assert kept["heat_outside_lungs"].between(0, 1).all()
    assert kept["boxes_in_lungs"].notna().sum() == boxed
