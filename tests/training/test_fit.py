"""Runs as a user has them: interrupted, resumed, diverged, on two processes."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pneumoscope.core import ConfigError
from pneumoscope.training.config import Augmentation, Optimizer, TrainingConfig
from pneumoscope.training.curves import read_curves
from pneumoscope.training.fit import Paths, fit

CHILD = """
import json, os, signal, sys
from pathlib import Path
import pneumoscope.training
from pneumoscope.training.config import read_config_record
from pneumoscope.training.fit import Paths, fit
from pneumoscope.training.lesson import Lesson

def main(config, data, run, killed_at):
    step = Lesson.training_step
    def killing(self, batch, index):
        if [self.current_epoch, index] == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, batch, index)
    Lesson.training_step = killing
    import torch
    torch.set_num_threads(1)
    fit(read_config_record(config, where="test"), Paths(data=Path(data), weights=Path(data), run=Path(run)))

main(*json.loads(sys.argv[1]))
"""


@pytest.fixture
def train(tiny_data: Path, tmp_path: Path) -> Callable[..., Path]:
    def run(config: TrainingConfig, name: str, *, resume: bool = False) -> Path:
        (folder,) = fit(config, Paths(data=tiny_data, weights=tiny_data, run=tmp_path / name), resume=resume)
        return folder

    return run


@pytest.fixture
def elsewhere(tiny_data: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Trains in other processes, killed at [epoch, batch] where asked for."""

    def run(
        config: TrainingConfig, name: str, *, killed_at: list[int] | None = None, launcher: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        script = tmp_path / "child.py"
        script.write_text(CHILD)
        arguments = json.dumps([config.as_dict(), str(tiny_data), str(tmp_path / name), killed_at])
        command = [sys.executable, *launcher, str(script), arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=600)

    return run


def numbers(folder: Path) -> list[dict[str, str]]:
    """The run's curves without the speed, which no two runs share."""
    return [
        {name: value for name, value in row.items() if name not in ("images_per_s", "seconds")}
        for row in read_curves(folder)
    ]


def test_a_run_killed_in_mid_epoch_resumes_to_the_same_curve_and_weights(
    config: TrainingConfig, train: Callable[..., Path], elsewhere: Callable[..., object], tmp_path: Path
) -> None:
    config = replace(config, epochs=3)
    whole = train(config, "whole")
    assert elsewhere(config, "killed", killed_at=[1, 2]).returncode == -9
    killed = tmp_path / "killed" / "seed-1"
    assert len(numbers(killed / "curves.csv")) == 1
    with pytest.raises(ConfigError, match="--resume"):
        train(config, "killed")
    assert train(config, "killed", resume=True) == killed
    assert numbers(killed / "curves.csv") == numbers(whole / "curves.csv")
    assert len(numbers(whole / "curves.csv")) == 3
    one, other = (torch.load(folder / "last.ckpt", weights_only=True)["state_dict"] for folder in (whole, killed))
    for name, weight in one.items():
        torch.testing.assert_close(other[name], weight, atol=0, rtol=0)


def test_two_processes_take_the_same_steps_as_one(
    config: TrainingConfig, train: Callable[..., Path], elsewhere: Callable[..., object], tmp_path: Path
) -> None:
    # Plain gradient descent shows the gradients; no batch normalisation, dropout or random change that differs.
    config = replace(
        config,
        backbone="test_convnext",
        dropout=0.0,
        epochs=1,
        images_per_epoch=48,
        learning_rate=0.05,
        augmentation=Augmentation(),
        optimizer=Optimizer(kind="sgd", betas=(0.0, 0.0), schedule="constant", clip=0.0, ema=0.0),
        loss=replace(config.loss, boxes=0.5),
    )
    alone = train(config, "alone")
    done = elsewhere(config, "both", launcher=("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"))
    assert done.returncode == 0, done.stderr
    begun = train(replace(config, learning_rate=1e-12), "begun")
    one, both, start = (
        torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]
        for folder in (alone, tmp_path / "both" / "seed-1", begun)
    )
    moved = max(float((one[name] - start[name]).abs().max()) for name in one)
    apart = max(float((one[name] - both[name]).abs().max()) for name in one)
    assert moved > 1e-3
    assert apart < 1e-3 * moved


def test_a_loss_that_is_not_finite_ends_the_run_says_how_to_go_on_and_keeps_the_last_good_epoch(
    config: TrainingConfig, train: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pneumoscope.training import lesson

    real = lesson.Lesson.loss

    def spoilt(self: lesson.Lesson, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return real(self, logits, targets) * (torch.nan if self.training and self.current_epoch == 1 else 1)

    monkeypatch.setattr(lesson.Lesson, "loss", spoilt)
    with pytest.raises(ConfigError, match=r"found nan in epoch 1, step 4; .* --resume goes on"):
        train(config, "diverged")
    kept = torch.load(tmp_path / "diverged" / "seed-1" / "last.ckpt", weights_only=True)
    assert kept["epoch"] == 0
    assert all(torch.isfinite(weight).all() for weight in kept["state_dict"].values())


def test_a_damaged_checkpoint_is_named_with_what_to_do(
    config: TrainingConfig, train: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "damaged" / "seed-1"
    folder.mkdir(parents=True)
    (folder / "last.ckpt").write_bytes(b"not a checkpoint")
    with pytest.raises(ConfigError, match=r"seed-1/last\.ckpt, found a damaged file .*; remove its folder"):
        train(config, "damaged", resume=True)


def test_there_is_nothing_to_resume_in_an_empty_folder(config: TrainingConfig, train: Callable[..., Path]) -> None:
    with pytest.raises(ConfigError, match="expected a checkpoint to resume from"):
        train(config, "nothing", resume=True)


def test_the_papers_recipe_runs_frozen_layers_stay_and_the_best_epoch_is_kept(
    config: TrainingConfig, train: Callable[..., Path]
) -> None:
    paper = Optimizer(kind="adam", schedule="plateau", patience=0, early_stopping=1, clip=0.0, ema=0.0, keep="best")
    layers = replace(config.layers, frozen_to="layer1", added=(8,), input="imagenet")
    criterion = replace(config.criterion, kind="weighted_bce")
    folder = train(replace(config, optimizer=paper, layers=layers, criterion=criterion, sampling={}, epochs=4), "paper")
    losses = [float(row["val_loss"]) for row in numbers(folder / "curves.csv")]
    best = torch.load(folder / "best.ckpt", weights_only=True)
    assert best["epoch"] == losses.index(min(losses))
    last = torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]
    for name in last:
        if name.startswith("network.backbone.layer1.") and not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(last[name], best["state_dict"][name], atol=0, rtol=0)
    assert "frozen" in (folder / "layers.csv").read_text()
    assert list((folder / "tensorboard").glob("events.*"))
