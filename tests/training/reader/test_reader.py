"""From stages to the sealed artefact, on synthetic images and a network of random weights."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pneumoscope.core import ConfigError, Population, View
from pneumoscope.image import Recipe
from pneumoscope.model import load
from pneumoscope.reading import open_engine
from pneumoscope.training.fused import measure_statistics
from pneumoscope.training.reader import fit
from pneumoscope.training.reader.config import ReaderConfig, Stage, read_reader_config
from pneumoscope.training.reader.export import export_reader
from pneumoscope.training.reader.fit import RECORD, WEIGHTS, fit_reader, fit_stage, rate_at
from pneumoscope.training.reader.material import REPORT, TARGETS, Material, gather
from pneumoscope.training.reader.network import ReaderNetwork

# Words that an exporter leaves in a graph: where its code lay.
WHEREABOUTS = (b"site-packages", b"/src/", b'File "', b"stack_trace", b"pkg.torch")


@pytest.fixture(scope="module")
def config() -> ReaderConfig:
    """The shipped configuration, with one stage a population after one that is there already."""
    shipped = read_reader_config()
    stages = (
        Stage(name="base", size_px=64, images=16, learning_rate=1e-4),
        Stage(
            name="adults",
            starts_from="base",
            taught_by=("base",),
            size_px=64,
            images=32,
            learning_rate=1e-4,
            lungs_only=0.3,
        ),
        Stage(name="children", population="children", starts_from="base", size_px=64, images=32, learning_rate=1e-4),
    )
    return replace(
        shipped,
        stage=stages,
        ships={"adults": ["adults", "base"], "children": ["children"]},
        classes={"opacity": 0.5, "normal": 0.5, "other": 0.0, "unread": 0.0},
        continues=None,
        recipe=Recipe(size_px=64),
    )


@pytest.fixture(scope="module")
def material(routed: Path, config: ReaderConfig, tmp_path_factory: pytest.TempPathFactory) -> Material:
    return gather(config, routed, packed=tmp_path_factory.mktemp("packed"))


@pytest.fixture(scope="module")
def run(config: ReaderConfig, material: Material, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reader")
    torch.manual_seed(0)
    network = ReaderNetwork(config.backbone)
    measure_statistics(network, [torch.randn(8, 1, 64, 64)])
    (folder / "base").mkdir()
    torch.save(network.state_dict(), folder / "base" / WEIGHTS)
    (folder / "base" / RECORD).write_text("{}")
    fit_reader(config, material, folder)
    return folder


def test_a_stage_changes_what_learns_and_keeps_the_first_blocks(config: ReaderConfig, run: Path) -> None:
    before, after = (torch.load(run / name / WEIGHTS, weights_only=True) for name in ("base", "adults"))
    assert before.keys() == after.keys()
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert "head.weight" in moved
    assert any(name.startswith("backbone.blocks.6") for name in moved)
    kept = ("backbone.conv_stem", "backbone.blocks.0", "backbone.blocks.1")
    assert not {name for name in moved if name.startswith(kept)}


def test_a_finished_stage_is_kept(config: ReaderConfig, material: Material, run: Path) -> None:
    said: list[str] = []
    fit_reader(config, material, run, say=said.append)
    assert said == ["base: kept", "adults: kept", "children: kept"]


def test_a_stage_that_was_stopped_goes_on_from_its_checkpoint_to_the_same_weights(
    config: ReaderConfig, material: Material, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "CHECKPOINT_IMAGES", 16)
    shutil.copytree(run / "base", tmp_path / "base")
    save, stage = fit._save, config.stage[2]

    def stopped(state: dict[str, object], path: Path) -> None:
        save(state, path)
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(fit, "_save", stopped)
        with pytest.raises(KeyboardInterrupt):
            fit_stage(config, stage, material, tmp_path)
    assert (tmp_path / "children" / fit.CHECKPOINT).is_file()
    said: list[str] = []
    fit_stage(config, stage, material, tmp_path, say=said.append)
    assert said[0] == "children: goes on after 16 images"
    whole, in_parts = (torch.load(folder / "children" / WEIGHTS, weights_only=True) for folder in (run, tmp_path))
    assert all(torch.equal(in_parts[name], value) for name, value in whole.items())


def test_weights_that_are_missing_are_named_before_training(
    config: ReaderConfig, material: Material, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"base/weights\.pt"):
        fit_stage(config, config.stage[1], material, tmp_path)


def test_a_test_patient_stops_the_run_before_any_stage(
    config: ReaderConfig, material: Material, tmp_path: Path
) -> None:
    rows = material.rows.copy()
    held_out = rows.index[rows["split"] == "test"]
    other = rows.loc[rows["patient_id"] == rows.loc[held_out[0], "patient_id"]].index
    rows.loc[other[-1], "split"] = "train"
    with pytest.raises(ConfigError, match=str(rows.loc[other[-1], "image_id"])):
        fit_reader(config, replace(material, rows=rows), tmp_path)
    assert not list(tmp_path.iterdir())


def test_unknown_targets_are_left_out_and_a_childs_are_only_its_own(material: Material) -> None:
    children = (material.rows["source"] == "kermany").to_numpy()
    others = [place for place, name in enumerate(TARGETS) if name not in ("opacity", "view", "sex", "age")]
    assert np.isnan(material.targets[children][:, others]).all()
    assert not np.isnan(material.targets[:, 0]).any()
    assert not np.isnan(material.targets[~children, REPORT]).any()


def test_the_rate_rises_and_falls() -> None:
    assert rate_at(0.04) == pytest.approx(0.5)
    assert rate_at(0.08) == pytest.approx(1)
    assert rate_at(0.54) == pytest.approx(0.5)
    assert rate_at(0.9999) == pytest.approx(0.005)


def test_the_artefact_answers_by_population_and_view_and_holds_no_word_of_where_it_was_made(
    config: ReaderConfig, material: Material, routed: Path, run: Path, lungs_run: Path, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    export_reader(config, material, routed, run, lungs=lungs_run, output=path)
    artefact, content = load(path), path.read_bytes()
    assert not [word for word in WHEREABOUTS if word in content]
    assert not [word for word in (str(routed), str(run)) if word.encode() in content]
    rules = artefact.card.rules
    assert set(rules[Population.ADULTS].by_view) == {View.PA, View.AP}
    assert rules[Population.ADULTS].report is not None
    assert not rules[Population.CHILDREN].by_view
    said = open_engine(artefact).run(np.zeros((2, 1, 64, 64), dtype=np.float32))
    assert said.logit.shape == (2, 3)
    np.testing.assert_allclose(said.cam.mean(axis=(2, 3)), said.logit, atol=1e-3)
    columns = {
        rules[Population.ADULTS].output,
        rules[Population.ADULTS].report.output,
        rules[Population.CHILDREN].output,
    }
    assert columns == {0, 1, 2}
