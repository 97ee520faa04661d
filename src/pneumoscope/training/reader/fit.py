"""The reader's training: stage by stage, each in its folder with weights, curve and record; finished ones are kept."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.core import ConfigError, Population, atomic_path, write_atomically
from pneumoscope.datasets import ROUTES
from pneumoscope.training.cost import processor
from pneumoscope.training.fused import fuse, measure_statistics
from pneumoscope.training.images import unit
from pneumoscope.training.reader.config import IMAGENET, RELEASE, ReaderConfig, Stage
from pneumoscope.training.reader.earlier import load_member
from pneumoscope.training.reader.lesson import TAUGHT, draw_batch, loss_of, mix
from pneumoscope.training.reader.material import Material, chances
from pneumoscope.training.reader.network import ReaderNetwork, load_imagenet, load_weights

Say = Callable[[str], None]
WEIGHTS, RECORD, CURVE, CHECKPOINT = "weights.pt", "run.json", "curve.csv", "checkpoint.pt"
# Share of the schedule in which the rate rises; after it a cosine, which ends at this share of the rate.
WARM_UP, LAST_RATE = 0.08, 0.005
# A new head learns so many times faster than the backbone.
NEW_HEAD_RATE = 5.0
LARGEST_GRADIENT = 1.0
STATISTICS_IMAGES, _BATCH = 384, 16
_EVERY = 50
# A stage that is stopped goes on from its last checkpoint, so many images back at most.
CHECKPOINT_IMAGES = 4000


def fit_reader(config: ReaderConfig, material: Material, run: Path, *, say: Say = lambda _: None) -> None:
    """Train all stages that have no weights yet.

    Raises:
        ConfigError: Weights are missing or of another architecture, a test patient would be learnt from, or training
            diverged; all but the last before training.
    """
    for stage in config.stage:
        material.learnt(stage.population)
    for stage in config.stage:
        if (run / stage.name / WEIGHTS).is_file():
            say(f"{stage.name}: kept")
            continue
        fit_stage(config, stage, material, run, say=say)


def fit_stage(config: ReaderConfig, stage: Stage, material: Material, run: Path, *, say: Say = lambda _: None) -> None:
    """Train one stage into its folder below `run`.

    Raises:
        ConfigError: Its weights are missing or of another architecture, or it diverged.
    """
    folder, began = run / stage.name, time.time()
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(stage.seed)
    network, names = _prepared(config, stage, material, run)
    soft = _soft(config, stage, material, run) if stage.taught_by else None
    average = _train(config, stage, material, network, soft=soft, say=say, folder=folder)
    _save({plain: average[fused] for plain, fused in names.items()}, folder / WEIGHTS)
    record = {
        "stage": asdict(stage),
        "images": len(material.learnt(stage.population)),
        "seconds": round(time.time() - began),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    write_atomically(folder / RECORD, json.dumps(record, indent=1))
    (folder / CHECKPOINT).unlink(missing_ok=True)


def answers(
    network: ReaderNetwork,
    images: Shaped[np.ndarray, "n size size"],
    places: Int[np.ndarray, " k"],
    *,
    size_px: int,
) -> Float32[np.ndarray, "k outputs"]:
    """Return the network's logits for the prepared images at these places, resampled to the side that it reads at."""
    network.eval()
    with torch.inference_mode():
        batches = (places[start : start + _BATCH] for start in range(0, len(places), _BATCH))
        return torch.cat([network(resized(images[batch], size_px)) for batch in batches]).numpy()


def resized(images: Shaped[np.ndarray, "n size size"], size_px: int) -> Float[Tensor, "n 1 h w"]:
    """Return prepared images in [-1, 1] at another side."""
    whole = unit(torch.from_numpy(np.array(images))[:, None])
    if whole.shape[-1] != size_px:
        whole = functional.interpolate(whole, size=(size_px, size_px), mode="bilinear", antialias=True)
    return whole.contiguous(memory_format=torch.channels_last)


def rate_at(done: float) -> float:
    """Return the share of the learning rate when this share of all images was shown."""
    if done < WARM_UP:
        return max(done / WARM_UP, LAST_RATE)
    return max((1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))) / 2, LAST_RATE)


def load_start(config: ReaderConfig, network: ReaderNetwork, run: Path, *, name: str, population: str) -> None:
    """Load the weights of a stage, or of the release that training goes on from.

    Raises:
        ConfigError: There are none, or they are of another architecture.
    """
    if name != RELEASE:
        load_weights(run / name / WEIGHTS, network)
    elif config.continues is None:
        raise ConfigError(f"{population}: expected a release to go on from in `continues`, found none")
    else:
        artefact = run / f"{config.continues.release}.onnx"
        load_member(network, artefact, continues=config.continues, population=population)


def _prepared(
    config: ReaderConfig, stage: Stage, material: Material, run: Path
) -> tuple[ReaderNetwork, dict[str, str]]:
    """Return the network to train, fused, and its weights' names by those of a plain network."""
    network = ReaderNetwork(config.backbone, dropout=config.dropout)
    if stage.starts_from == IMAGENET:
        load_imagenet(network, config.backbone, package=config.weights_package)
        places = material.learnt(stage.population)
        drawn = np.sort(np.random.default_rng(stage.seed).choice(places, min(STATISTICS_IMAGES, len(places)), False))
        batches = [resized(material.images[part], stage.size_px) for part in np.array_split(drawn, 6)]
        measure_statistics(network, batches)
    else:
        load_start(config, network, run, name=stage.starts_from, population=stage.population)
    plain = list(network.state_dict())
    renamed = {f"backbone.{old}": f"backbone.{new}" for old, new in fuse(network.backbone).items()}
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for part in (network.backbone.conv_stem, *network.backbone.blocks[: config.frozen_blocks]):
        part.requires_grad_(False)
    return network, {name: renamed.get(name, name) for name in plain}


def _soft(config: ReaderConfig, stage: Stage, material: Material, run: Path) -> Float32[np.ndarray, "n taught"]:
    """Return the teachers' mean probabilities for the stage's images; NaN for all others."""
    places = material.learnt(stage.population)
    found = np.full((len(material.rows), TAUGHT), np.nan, dtype=np.float32)
    found[places] = np.mean(
        [taught(config, run / name, material, places, size_px=stage.size_px) for name in stage.taught_by], axis=0
    )
    return found


def taught(
    config: ReaderConfig, teacher: Path, material: Material, places: Int[np.ndarray, " k"], *, size_px: int
) -> Float32[np.ndarray, "k taught"]:
    """Return one teacher's probabilities for the images at these places; kept in the teacher's folder.

    Raises:
        ConfigError: The teacher has no weights, or they are of another architecture.
    """
    kept = teacher / f"answers-{size_px}.npz"
    if kept.is_file() and np.array_equal((found := np.load(kept))["places"], places):
        probability: Float32[np.ndarray, "k taught"] = found["probability"]
        return probability
    network = ReaderNetwork(config.backbone)
    load_weights(teacher / WEIGHTS, network)
    fuse(network.backbone)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    probability = 1 / (1 + np.exp(-answers(network, material.images, places, size_px=size_px)[:, :TAUGHT]))
    with atomic_path(kept) as path:
        np.savez(path, places=places, probability=probability)
    return probability


def _train(
    config: ReaderConfig,
    stage: Stage,
    material: Material,
    network: ReaderNetwork,
    *,
    soft: Float32[np.ndarray, "n taught"] | None,
    say: Say,
    folder: Path,
) -> dict[str, Tensor]:
    """Return the averaged weights after all images of the stage, from its checkpoint on where there is one."""
    rng, places = np.random.default_rng(stage.seed), material.learnt(stage.population)
    one_class = tuple(route.source for route in ROUTES if route.one_class)
    whole, lungs = chances(material.rows.iloc[places], config, one_class=one_class)
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    learning = {name: value for name, value in network.named_parameters() if value.requires_grad}
    optimizer, boxes = (
        _optimizer(network, config, new=stage.starts_from == IMAGENET),
        stage.population == Population.ADULTS,
    )
    shown, steps, running, lines = 0, 0, math.nan, ["images,loss"]
    if (folder / CHECKPOINT).is_file():
        kept = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
        average, rng.bit_generator.state = kept["average"], kept["numpy"]
        torch.set_rng_state(kept["torch"])
        shown, steps, running, lines = kept["shown"], kept["steps"], kept["running"], kept["lines"]
        say(f"{stage.name}: goes on after {shown:,} images")
    network.train()
    while shown < stage.images:
        done = shown / stage.images
        for group in optimizer.param_groups:
            group["lr"] = stage.learning_rate * group["rate"] * rate_at(done)
        share = stage.lungs_only if done < stage.lungs_only_until else stage.lungs_only_later
        for _ in range(config.accumulate):
            drawn = rng.choice(places, config.batch_size, p=_shares(whole, lungs, share))
            batch = draw_batch(
                material, drawn, strength=config.augmentation(stage.population), size_px=stage.size_px, soft=soft
            )
            loss = loss_of(network, mix(batch, config.mixup, rng), config.loss, boxes=boxes)
            (loss / config.accumulate).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(learning.values(), LARGEST_GRADIENT)
        optimizer.step()
        optimizer.zero_grad()
        before, shown, steps = shown, shown + config.batch_size * config.accumulate, steps + 1
        _move(average, learning, by=1 - min(config.ema, (1 + steps) / (10 + steps)))
        now = float(loss.detach())
        running = now if math.isnan(running) else 0.98 * running + 0.02 * now
        if not math.isfinite(running):
            raise ConfigError(f"{stage.name} diverged after {shown} images: lower its learning_rate")
        if steps % _EVERY == 0:
            lines.append(f"{shown},{running:.4f}")
            (folder / CURVE).write_text("\n".join(lines) + "\n")
            say(f"{stage.name}: {shown:,} of {stage.images:,} images, loss {running:.3f}")
        if shown // CHECKPOINT_IMAGES > before // CHECKPOINT_IMAGES:
            state: dict[str, Any] = {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "average": average,
            }
            state |= {"numpy": rng.bit_generator.state, "torch": torch.get_rng_state()}
            state |= {"shown": shown, "steps": steps, "running": running, "lines": lines}
            _save(state, folder / CHECKPOINT)
    return average


def _save(state: Any, path: Path) -> None:
    with atomic_path(path) as unfinished:
        torch.save(state, unfinished)


def _shares(whole: Float[np.ndarray, " n"], lungs: Float[np.ndarray, " n"], share: float) -> Float[np.ndarray, " n"]:
    mixed = whole * (1 - share) + lungs * share if lungs.any() else whole
    found: Float[np.ndarray, " n"] = mixed / mixed.sum()
    return found


@torch.no_grad()
def _move(average: dict[str, Tensor], learning: dict[str, nn.Parameter], *, by: float) -> None:
    for name, value in learning.items():
        average[name].lerp_(value, by)


def _optimizer(network: ReaderNetwork, config: ReaderConfig, *, new: bool) -> torch.optim.Optimizer:
    rest = [value for value in network.backbone.parameters() if value.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": [value for value in rest if value.ndim > 1], "weight_decay": config.weight_decay, "rate": 1.0},
            {"params": [value for value in rest if value.ndim <= 1], "weight_decay": 0.0, "rate": 1.0},
            {
                "params": list(network.head.parameters()),
                "weight_decay": config.weight_decay,
                "rate": NEW_HEAD_RATE if new else 1.0,
            },
        ],
        fused=True,
    )
