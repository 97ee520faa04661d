"""From configuration to sealed artefact, on synthetic films."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pneumoscope.core import ConfigError, Population
from pneumoscope.model import load
from pneumoscope.reading import open_engine
from pneumoscope.training.config import TrainingConfig
from pneumoscope.training.export.export import export
from pneumoscope.training.fit import Paths, fit
from pneumoscope.training.lungs import load_lungs
from pneumoscope.training.runs import load_network, member_folders, read_run


@pytest.fixture(scope="module")
def run(tiny_data: Path, config: TrainingConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two seeds, boxes and all heads on."""
    loss = replace(config.loss, boxes=0.5, airspace=0.2)
    folder = tmp_path_factory.mktemp("run")
    fit(replace(config, seeds=(1, 2), loss=loss), Paths(data=tiny_data, weights=tiny_data, run=folder))
    return folder


@pytest.fixture(scope="module")
def sealed(run: Path, tiny_data: Path, lungs_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both members, named one by one and the other way round, averaged over the mirror image; and lung fields."""
    path = tmp_path_factory.mktemp("sealed") / "model.onnx"
    export([run / "seed-2", run / "seed-1"], tiny_data, path, mirrored=True, lungs=lungs_run)
    return path


def test_the_seal_holds_all_members_with_a_rule_for_each_population(sealed: Path) -> None:
    card = load(sealed).card
    assert [member["seed"] for member in card.metrics["members"]] == [2, 1]
    assert len(card.training["members"]) == 2
    assert card.training["mirrored"]
    assert set(card.rules) == {Population.ADULTS, Population.CHILDREN}
    for population, rule in card.rules.items():
        points = rule.operating_points
        assert points["screening"].threshold <= points["balanced"].threshold <= points["confirmatory"].threshold
        assert population in rule.fitted_on


def test_the_graph_answers_with_the_mean_of_the_members_over_image_and_mirror_image(run: Path, sealed: Path) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (3, 1, 64, 64)).astype(np.float32)
    found = open_engine(load(sealed)).run(images)
    networks = [load_network(read_run(run / f"seed-{seed}")) for seed in (1, 2)]
    both = [torch.from_numpy(images), torch.from_numpy(images).flip(3)]
    with torch.no_grad():
        expected = torch.stack([network(one)[:, :1] for network in networks for one in both]).mean(dim=0)
    np.testing.assert_allclose(found.logit, np.repeat(expected.numpy(), 2, axis=1), atol=1e-4)  # both populations
    np.testing.assert_allclose(found.cam.mean(axis=(2, 3)), found.logit, atol=1e-4)


def test_the_graph_gives_the_lung_networks_answer_beside_the_members(lungs_run: Path, sealed: Path) -> None:
    images = np.random.default_rng(1).uniform(-1, 1, (3, 1, 64, 64)).astype(np.float32)
    found = open_engine(load(sealed)).run(images).lungs
    network, _, record = load_lungs(lungs_run)
    with torch.no_grad():
        expected = torch.sigmoid(network(torch.from_numpy(images))).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert load(sealed).card.training["lungs"] == record


def test_the_card_says_for_each_population_whether_its_heat_maps_are_shown_and_why(sealed: Path) -> None:
    rules = load(sealed).card.rules
    assert not rules[Population.CHILDREN].heat.shown
    assert "on none of the validation images" in rules[Population.CHILDREN].heat.why
    assert "radiologist" in rules[Population.ADULTS].heat.why


def test_lung_fields_that_held_out_other_patients_are_not_sealed_in(
    run: Path, tiny_data: Path, lungs_run: Path, tmp_path: Path
) -> None:
    import shutil

    other = tmp_path / "other"
    shutil.copytree(lungs_run, other)
    (other / "run.json").write_text((other / "run.json").read_text().replace('"split_seed": 20', '"split_seed": 21'))
    with pytest.raises(ConfigError, match=r"agree in split_seed, found 21 in .*other"):
        export([run / "seed-1"], tiny_data, tmp_path / "m.onnx", lungs=other)


def test_each_population_is_answered_by_the_members_that_are_for_it(run: Path, tiny_data: Path, tmp_path: Path) -> None:
    for seed, population in ((1, "adults"), (2, "children")):
        folder = tmp_path / "runs" / f"seed-{seed}"
        shutil.copytree(run / f"seed-{seed}", folder)
        record = json.loads((folder / "run.json").read_text())
        record["config"]["populations"] = [population]
        (folder / "run.json").write_text(json.dumps(record))
    export([tmp_path / "runs"], tiny_data, tmp_path / "model.onnx")
    artifact = load(tmp_path / "model.onnx")
    assert {name: rule.output for name, rule in artifact.card.rules.items()} == {"adults": 0, "children": 1}
    images = np.random.default_rng(0).uniform(-1, 1, (2, 1, 64, 64)).astype(np.float32)
    outputs = open_engine(artifact).run(images)
    with torch.no_grad():
        for column, seed in enumerate((1, 2)):
            alone = load_network(read_run(run / f"seed-{seed}"))(torch.from_numpy(images))[:, 0]
            answered = outputs.answering(np.full(2, column))
            np.testing.assert_allclose(answered.logit[:, 0], alone, atol=5e-3)
            np.testing.assert_allclose(answered.cam.mean(axis=(2, 3)), answered.logit, atol=1e-3)


def test_a_member_for_adults_alone_makes_a_model_that_reads_no_child(
    run: Path, tiny_data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "seed-1"
    shutil.copytree(run / "seed-1", folder)
    record = json.loads((folder / "run.json").read_text())
    record["config"]["populations"] = ["adults"]
    (folder / "run.json").write_text(json.dumps(record))
    card = export([folder], tiny_data, tmp_path / "model.onnx")
    assert set(card.rules) == {Population.ADULTS}
    assert card.intended_use.youngest_years == 6


def test_a_run_stands_for_all_its_members_and_a_member_for_itself(run: Path) -> None:
    assert member_folders(run) == [run / "seed-1", run / "seed-2"]
    assert member_folders(run / "seed-2") == [run / "seed-2"]


def test_members_that_held_out_other_patients_are_not_averaged(run: Path, tiny_data: Path, tmp_path: Path) -> None:
    import shutil

    other = tmp_path / "other"
    shutil.copytree(run / "seed-1", other)
    record = (other / "run.json").read_text()
    (other / "run.json").write_text(record.replace('"split_seed": 20', '"split_seed": 21'))
    with pytest.raises(ConfigError, match=r"agree in split_seed, found 20 in .* 21 in"):
        export([run / "seed-1", other], tiny_data, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_a_folder_without_a_run_and_a_damaged_checkpoint_are_named(run: Path, tiny_data: Path, tmp_path: Path) -> None:
    import shutil

    with pytest.raises(ConfigError, match=r"run\.json"):
        export([tmp_path], tiny_data, tmp_path / "m.onnx")
    damaged = tmp_path / "damaged"
    shutil.copytree(run / "seed-1", damaged)
    content = (damaged / "last.ckpt").read_bytes()
    (damaged / "last.ckpt").write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigError, match=r"damaged/last\.ckpt"):
        export([damaged], tiny_data, tmp_path / "m.onnx")
