"""Initial weights from films without labels."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pneumoscope.core import ConfigError
from pneumoscope.training.config import Layers, TrainingConfig
from pneumoscope.training.curves import read_curves
from pneumoscope.training.fit import Paths, fit
from pneumoscope.training.images import read_manifest
from pneumoscope.training.pretraining import (
    DEFAULT,
    PretrainingConfig,
    effective_rank,
    missing_spread,
    pretrain,
    read_pretraining,
    redundancy,
    spread_on_sphere,
)
from pneumoscope.training.weights import read_state

SIDE = 64


@pytest.fixture
def unlabelled() -> PretrainingConfig:
    """The shipped configuration on timm's smallest network."""
    shipped = read_pretraining(DEFAULT)
    return replace(
        shipped,
        backbone="test_resnet",
        initial_weights="",
        train_size_px=32,
        epochs=4,
        images_per_epoch=96,
        batch_size=32,
        learning_rate=3e-3,
        precision="32-true",
        recipe=replace(shipped.recipe, size_px=SIDE),
        agreement=replace(shipped.agreement, projector=(32, 32)),
    )


@pytest.fixture
def learn(tiny_data: Path, tmp_path: Path) -> Callable[..., Path]:
    def run(config: PretrainingConfig, name: str, *, resume: bool = False) -> Path:
        return pretrain(config, Paths(data=tiny_data, weights=tiny_data, run=tmp_path / name), resume=resume)

    return run


def curve(run: Path, name: str) -> list[float]:
    return [float(row[name]) for row in read_curves(run / "curves.csv")]


def test_the_loss_falls_and_embeddings_stay_apart(unlabelled: PretrainingConfig, learn: Callable[..., Path]) -> None:
    run = learn(unlabelled, "run").parent
    losses = curve(run, "train_loss")
    assert losses[-1] < 0.9 * losses[0]
    assert curve(run, "embedding_std")[-1] > 0.1
    assert curve(run, "embedding_rank")[-1] > 5


def test_without_the_variance_term_embeddings_collapse_and_the_curves_show_it(
    unlabelled: PretrainingConfig, learn: Callable[..., Path]
) -> None:
    config = replace(unlabelled, learning_rate=1e-2, epochs=6)
    alike = replace(config, agreement=replace(config.agreement, variance=0.0, covariance=0.0))
    collapsed, kept = (learn(one, name).parent for one, name in ((alike, "alike"), (config, "apart")))
    assert curve(collapsed, "variance")[-1] > curve(kept, "variance")[-1] + 0.05
    assert curve(collapsed, "embedding_rank")[-1] < curve(kept, "embedding_rank")[-1]


def test_a_resumed_run_ends_with_the_weights_of_one_that_was_not_interrupted(
    unlabelled: PretrainingConfig, learn: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pneumoscope.training.pretraining import TwoViews

    whole = learn(unlabelled, "whole")
    step = TwoViews.training_step

    def dying(self: TwoViews, batch: tuple[torch.Tensor], index: int) -> torch.Tensor:
        if (self.current_epoch, index) == (2, 1):
            raise OSError("the power went")
        return step(self, batch, index)

    with monkeypatch.context() as broken:
        broken.setattr(TwoViews, "training_step", dying)
        with pytest.raises(OSError, match="power"):
            learn(unlabelled, "cut")
    with pytest.raises(ConfigError, match="--resume"):
        learn(unlabelled, "cut")
    resumed = learn(unlabelled, "cut", resume=True)
    one, other = read_state(whole), read_state(resumed)
    for name, weight in one.items():
        torch.testing.assert_close(other[name], weight, atol=0, rtol=0)
    assert curve(resumed.parent, "train_loss") == curve(whole.parent, "train_loss")


def test_only_training_patients_films_are_read(
    unlabelled: PretrainingConfig, learn: Callable[..., Path], tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pneumoscope.training import loading

    read: list[str] = []
    real = loading.load_cropped

    def watching(paths: "pd.Series[str]", recipe: object) -> object:
        read.extend(paths)
        return real(paths, recipe)

    monkeypatch.setattr(loading, "load_cropped", watching)
    run = learn(replace(unlabelled, epochs=1), "run").parent
    manifest = read_manifest(tiny_data, split_seed=unlabelled.split_seed)
    held_out = set(manifest.loc[manifest["split"] != "train", "patient_id"])
    patients = manifest.set_index("path")["patient_id"]
    assert held_out
    assert read
    assert not held_out & set(patients[read])
    assert set(pd.read_csv(run / "films.csv")["image_id"]) == set(manifest.set_index("path").loc[read, "image_id"])


def test_the_file_is_where_a_training_run_begins(
    unlabelled: PretrainingConfig, learn: Callable[..., Path], tiny_data: Path, tmp_path: Path, config: TrainingConfig
) -> None:
    written = learn(replace(unlabelled, epochs=1), "run")
    still = replace(config, layers=Layers(), initial_weights=str(written), learning_rate=1e-12, epochs=1)
    (folder,) = fit(still, Paths(data=tiny_data, weights=tiny_data, run=tmp_path / "fine"))
    begun = torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]
    for name, weight in read_state(written).items():
        if weight.dtype == torch.float32 and "running" not in name:
            torch.testing.assert_close(begun[f"network.backbone.{name}"], weight, atol=1e-6, rtol=0)


def test_weights_that_saw_another_splits_patients_are_refused(
    unlabelled: PretrainingConfig, learn: Callable[..., Path], tiny_data: Path, tmp_path: Path, config: TrainingConfig
) -> None:
    written = learn(replace(unlabelled, epochs=1, split_seed=7), "run")
    with pytest.raises(ConfigError, match="may have seen patients held out"):
        fit(replace(config, initial_weights=str(written)), Paths(data=tiny_data, weights=tiny_data, run=tmp_path))


def test_the_terms_of_the_loss_by_hand() -> None:
    features = torch.tensor([[1.0, 2.0], [-1.0, -2.0]])  # variances 2 and 8, covariance 4
    assert float(missing_spread(features)) == 0
    assert float(missing_spread(features / 100)) == pytest.approx(
        1 - (np.sqrt(2e-4 + 1e-4) + np.sqrt(8e-4 + 1e-4)) / 2, rel=1e-5
    )
    assert float(redundancy(features)) == pytest.approx((4**2 + 4**2) / 2)


def test_the_signs_of_collapse_by_hand() -> None:
    noise = torch.randn(4000, 16, generator=torch.Generator().manual_seed(0))
    assert float(spread_on_sphere(noise)) == pytest.approx(1, abs=0.02)
    assert float(spread_on_sphere(torch.ones(8, 16))) == 0
    assert float(effective_rank(noise)) == pytest.approx(16, abs=0.1)
    assert float(effective_rank(noise[:, :1] * torch.ones(1, 16))) == pytest.approx(1, abs=0.01)


def test_settings_that_need_validation_are_refused(unlabelled: PretrainingConfig) -> None:
    with pytest.raises(ConfigError, match="nothing validates"):
        replace(unlabelled, optimizer=replace(unlabelled.optimizer, schedule="plateau"))
    with pytest.raises(ConfigError, match="expected one"):
        replace(unlabelled, seeds=(1, 2))
