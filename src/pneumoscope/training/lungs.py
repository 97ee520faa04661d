"""Lung fields: a small U-Net, trained on approximate masks of adults' films, that ships inside the reader's graph.

The masks (a U-Net's elsewhere, cleaned) are of the whole film; the model sees a crop of it, and so do they here.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.core import ConfigError
from pneumoscope.datasets import manifest_sha256
from pneumoscope.image import Recipe
from pneumoscope.stats import Mean, clustered_mean
from pneumoscope.training.augmentation import augment_pair
from pneumoscope.training.config import Augmentation, build_record
from pneumoscope.training.images import in_batches, load_cropped, read_manifest, unit

TASK = "lungs"
RECORD, WEIGHTS = "run.json", "lungs.pt"
# The network looks at a half of the reader's pixels a side, and answers on the grid on which heat is judged.
INPUT_PX, GRID = 112, 56


@dataclass(frozen=True, slots=True, kw_only=True)
class LungsConfig:
    """Everything that decides a run, given the images and masks; `task` is `lungs`.

    Attributes:
        widths: Channels at each resolution, from `INPUT_PX` on, halved from one to the next.
    """

    task: str
    seed: int
    split_seed: int
    widths: tuple[int, ...]
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    augmentation: Augmentation
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        if len(self.widths) < 3 or min(self.widths) < 1:
            raise ConfigError(f"widths: expected three or more numbers of channels, got {list(self.widths)}")
        for name in ("epochs", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name}: expected more than 0, got {getattr(self, name)}")


class LungNetwork(nn.Module):
    """Grey image in [-1, 1] to the logit of lying in a lung, for each place of a grid of `GRID` a side.

    Source: Ronneberger, Fischer and Brox, MICCAI 2015, figure 1; here with batch normalisation, and without the last
    step up, which the coarser answer does not need.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.down = nn.ModuleList(_convolutions(*pair) for pair in itertools.pairwise((1, *widths)))
        up = itertools.pairwise(widths[:0:-1])
        self.up = nn.ModuleList(_convolutions(deep + skip, skip) for deep, skip in up)
        self.answer = nn.Conv2d(widths[1], 1, 1)

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 y x"]:
        """Return the logit of each place."""
        maps = functional.interpolate(images, size=(INPUT_PX, INPUT_PX), mode="bilinear")
        skipped: list[Tensor] = []
        for level, block in enumerate(self.down):
            maps = block(functional.max_pool2d(maps, 2) if level else maps)
            skipped.append(maps)
        for skip, block in zip(skipped[-2:0:-1], self.up, strict=True):
            maps = block(torch.cat([functional.interpolate(maps, scale_factor=2.0), skip], dim=1))
        logits: Tensor = self.answer(maps)
        return logits


@dataclass(frozen=True, slots=True, eq=False)
class Masked:
    """Films with a mask: manifest rows, prepared images, masks of the part that the model sees."""

    rows: pd.DataFrame
    images: UInt8[np.ndarray, "n size size"]
    masks: Bool[np.ndarray, "n size size"]

    def of(self, split: str) -> "Masked":
        """Return the films of one side of the split."""
        part = (self.rows["split"] == split).to_numpy()
        return Masked(self.rows[part].reset_index(drop=True), self.images[part], self.masks[part])


def fit_lungs(
    config: LungsConfig, data: Path, folder: Path, *, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Train into `folder`, measure on validation patients, and return the record of the run. Minutes on one core.

    Raises:
        ConfigError: The folder holds a run already, there are no masks, or training diverged.
    """
    if (folder / RECORD).exists():
        raise ConfigError(f"{folder} holds a run already: choose another folder")
    masked = masked_films(read_manifest(data, split_seed=config.split_seed), data, config.recipe)
    train, validation = masked.of("train"), masked.of("val")
    say(f"films with a mask: train {len(train.rows):,}, val {len(validation.rows):,}")
    torch.manual_seed(config.seed)
    network = LungNetwork(config.widths)
    say(f"{sum(weights.numel() for weights in network.parameters()):,} weights")
    for epoch, loss in enumerate(_epochs(network, train, config), start=1):
        say(f"epoch {epoch} of {config.epochs}: training loss {loss:.4f}")
    network.eval()
    found = dice(segment(network, validation.images), validation)
    record = {
        "config": asdict(config),
        "manifest_sha256": manifest_sha256(masked.rows),
        "torch": torch.__version__,
        "validation_dice": asdict(found),
    }
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), folder / WEIGHTS)
    (folder / RECORD).write_text(json.dumps(record, indent=1))
    return record


def load_lungs(folder: Path) -> tuple[LungNetwork, LungsConfig, dict[str, Any]]:
    """Return a finished run's network, ready to read, its configuration and its whole record.

    Raises:
        ConfigError: The folder holds no run of lung fields, or it was damaged.
    """
    try:
        record = json.loads((folder / RECORD).read_text())
        config = build_record(LungsConfig, record["config"], where=str(folder / RECORD))
        network = LungNetwork(config.widths)
        network.load_state_dict(torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True))
    except ConfigError:
        raise
    except Exception as error:  # torch raises whatever the damage suggests to it
        raise ConfigError(
            f"expected a run of `train --preset lungs` in {folder}, found {type(error).__name__}: {error}"
        ) from error
    return network.eval(), config, record


def masked_films(manifest: pd.DataFrame, data: Path, recipe: Recipe) -> Masked:
    """Return the films of a manifest that have a mask, in its order.

    Raises:
        ConfigError: None has, or images or masks cannot be read.
    """
    masked = manifest["image_id"].map(lambda name: _mask_path(data, name).is_file())
    if not masked.any():
        raise ConfigError(f"expected lung masks named as the images, found none of {_mask_path(data, '*.png')}")
    rows = manifest[masked].reset_index(drop=True)
    images, crops = load_cropped(rows["path"], recipe)
    masks = [mask for mask in masks_seen(data, rows["image_id"], crops, size_px=recipe.size_px) if mask is not None]
    return Masked(rows, images, np.stack(masks))


def masks_seen(
    data: Path, image_ids: "pd.Series[str]", crops: Float[np.ndarray, "n 4"], *, size_px: int
) -> list[Bool[np.ndarray, "size size"] | None]:
    """Return the mask of each image as `mask_seen` gives it; None where there is none."""
    paths = (_mask_path(data, name) for name in image_ids)
    return [
        mask_seen(path, crop, size_px=size_px) if path.is_file() else None
        for path, crop in zip(paths, crops, strict=True)
    ]


def mask_seen(path: Path, crop: Float[np.ndarray, " 4"], *, size_px: int) -> Bool[np.ndarray, "size size"]:
    """Return the part of a whole film's mask that the model sees, stretched as the image is.

    Args:
        path: Picture of the mask, of any size.
        crop: Top, left, bottom, right as shares of the film's sides.
        size_px: Side of the model's input.

    Raises:
        ConfigError: The picture cannot be read.
    """
    try:
        with Image.open(path) as picture:
            grey = picture.convert("L")
    except OSError as error:
        raise ConfigError(f"{path}: expected a lung mask, found {error}") from error
    top, left, bottom, right = (float(share) for share in crop)
    box = (left * grey.width, top * grey.height, right * grey.width, bottom * grey.height)
    return np.asarray(grey.resize((size_px, size_px), Image.Resampling.BILINEAR, box=box)) >= 128


@torch.no_grad()
def segment(network: LungNetwork, images: UInt8[np.ndarray, "n size size"]) -> Float[np.ndarray, "n y x"]:
    """Return the probability of each place of prepared images that it lies in a lung."""
    parts = [torch.sigmoid(network(unit(torch.from_numpy(part)[:, None]))) for part in in_batches(images)]
    found: Float[np.ndarray, "n y x"] = torch.cat(parts)[:, 0].numpy()
    return found


def dice(lungs: Float[np.ndarray, "n y x"], films: Masked) -> Mean:
    """Return the mean Dice coefficient on the model's input grid at probability 0.5, with an interval by patient.

    Source:
        Dice, Ecology 26(3), 1945, p. 297.
    """
    return clustered_mean(dice_of_each(lungs, films.masks), cluster=films.rows["patient_id"].to_numpy())


def dice_of_each(lungs: Float[np.ndarray, "n y x"], masks: Bool[np.ndarray, "n size size"]) -> Float[np.ndarray, " n"]:
    """Return the Dice coefficient of each film."""
    size = masks.shape[1:]
    pictures = (Image.fromarray(one.astype(np.float32)).resize(size, Image.Resampling.BILINEAR) for one in lungs)
    found = np.stack([np.asarray(picture) >= 0.5 for picture in pictures])
    both = (found & masks).sum(axis=(1, 2))
    total = found.sum(axis=(1, 2)) + masks.sum(axis=(1, 2))
    return np.asarray(2 * both / np.maximum(total, 1))


def _mask_path(data: Path, image_id: str) -> Path:
    return data / "nih" / "lung-masks-224" / image_id


def _convolutions(entering: int, leaving: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (entering, leaving):
        layers += [nn.Conv2d(channels, leaving, 3, padding=1, bias=False), nn.BatchNorm2d(leaving), nn.ReLU()]
    return nn.Sequential(*layers)


def _epochs(network: LungNetwork, films: Masked, config: LungsConfig) -> Iterator[float]:
    """Train, and yield the mean training loss of each epoch when it is done."""
    images, masks = torch.from_numpy(films.images)[:, None], torch.from_numpy(films.masks)[:, None]
    steps = len(images) // config.batch_size
    if not steps:
        raise ConfigError(f"expected at least a batch ({config.batch_size}) of films with a mask, found {len(images)}")
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=config.learning_rate, total_steps=steps * config.epochs
    )
    network.train()
    for _ in range(config.epochs):
        losses = []
        for drawn in torch.randperm(len(images))[: steps * config.batch_size].reshape(steps, -1):
            share = functional.adaptive_avg_pool2d(masks[drawn].float(), GRID)
            shown, target = augment_pair(unit(images[drawn]), share, config.augmentation, size_px=INPUT_PX)
            loss = functional.binary_cross_entropy_with_logits(network(shown), target)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        mean = float(np.mean(losses))
        if not np.isfinite(mean):
            raise ConfigError(f"training diverged: expected a finite loss, found {mean}; lower learning_rate")
        yield mean
