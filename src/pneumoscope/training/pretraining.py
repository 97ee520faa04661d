"""Initial weights from films without their labels: two views of one film shall agree, and features shall differ.

The method is VICReg, which needs neither negative pairs nor a second network and works with small batches. It sees
the films of training patients only, and nothing of them but pixels.

Source:
    Bardes, Ponce and LeCun, VICReg, ICLR 2022 (arXiv 2105.04906), section 4.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import lightning
import numpy as np
import torch
from jaxtyping import Float, UInt8
from lightning.pytorch.callbacks import LambdaCallback
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from pneumoscope.core import ConfigError
from pneumoscope.datasets import manifest_sha256
from pneumoscope.training.augmentation import augment
from pneumoscope.training.config import RunConfig, build_record, read_toml
from pneumoscope.training.cost import cost_of
from pneumoscope.training.fit import Paths
from pneumoscope.training.images import unit
from pneumoscope.training.layers import freeze
from pneumoscope.training.lesson import CHECK_EVERY, Repeatable
from pneumoscope.training.loading import EpochSampler, as_it_is, deal, read_images, read_rows
from pneumoscope.training.network import Network
from pneumoscope.training.trainer import (
    Say,
    add_to_record,
    make_trainer,
    require_begun,
    run,
    whole_checkpoint,
    write_record,
)
from pneumoscope.training.weights import initialise, write_backbone

CURVES = ("train_loss", "invariance", "variance", "covariance", "embedding_std", "embedding_rank")
BACKBONE = "backbone.safetensors"
# The shipped configuration.
DEFAULT = Path(str(resources.files("pneumoscope.training") / "pretraining.toml"))
# Spread that each projected feature is asked for, and what keeps its root's slope finite. Source: VICReg, equation 1.
_SPREAD, _EPSILON = 1.0, 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What two views of one film are asked for; terms as below.

    Attributes:
        projector: Widths of the dense layers between embedding and loss; they are not kept.
        invariance: Weight of the distance between both views.
        variance: Weight of each feature's lack of spread over the batch.
        covariance: Weight of what one feature says of another.
    """

    projector: tuple[int, ...] = (1024, 1024)
    invariance: float = 25.0
    variance: float = 25.0
    covariance: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainingConfig(RunConfig):
    """Everything that decides a run without labels; of its `optimizer`, `keep` is the last epoch."""

    agreement: Agreement = field(default_factory=Agreement)

    def __post_init__(self) -> None:
        RunConfig.__post_init__(self)
        if len(self.seeds) > 1:
            raise ConfigError(f"seeds: expected one, pretraining makes one file, got {list(self.seeds)}")
        if not self.agreement.projector or self.layers.added:
            raise ConfigError(
                "expected widths in [agreement] projector and none in [layers] added, got "
                f"{list(self.agreement.projector)} and {list(self.layers.added)}"
            )
        needed = {"early_stopping": 0, "keep": "last", "ema": 0.0}
        wrong = {name: getattr(self.optimizer, name) for name, value in needed.items()}
        if wrong != needed or self.optimizer.schedule == "plateau":
            raise ConfigError(
                f"[optimizer]: nothing validates without labels: expected {needed} and a schedule other than plateau, "
                f"got {wrong} and {self.optimizer.schedule}"
            )


def read_pretraining(path: Path) -> PretrainingConfig:
    """Read the configuration in a TOML file, as `config.read_config` reads a run's with labels.

    Raises:
        ConfigError: The file is missing, is not TOML, or has unknown, missing or wrong keys; all are named.
    """
    return build_record(PretrainingConfig, read_toml(path), where=str(path))


def pretrain(config: PretrainingConfig, paths: Paths, *, resume: bool = False, say: Say = lambda _: None) -> Path:
    """Train a backbone without labels and return its file, which `initial_weights` takes; written anew each epoch.

    Raises:
        ConfigError: Data or weights are missing, there is nothing to resume or it is damaged, a run is there and not
            to be resumed, or training diverged.
    """
    folder, output = paths.run, paths.run / BACKBONE
    require_begun([folder], resume=resume)
    rows, notes = read_rows(config, paths.data)
    rows = deal(rows, config)
    rows = rows[rows["split"] == "train"].reset_index(drop=True)
    images, _ = read_images(config, paths.data, rows)
    for line in (*notes, f"{len(rows):,} films of {rows['patient_id'].nunique():,} training patients, without labels"):
        say(line)
    last = whole_checkpoint(folder)
    lightning.seed_everything(config.seeds[0], verbose=False)
    network = Network(config.backbone, dropout=0.0, layers=config.layers)
    if last is None:
        initialise(network, config, folder=paths.weights, images=images)
    freeze(network, config.layers.frozen_to)
    network.head.requires_grad_(False)  # not in use
    folder.mkdir(parents=True, exist_ok=True)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def keep(trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        if trainer.is_global_zero:
            write_backbone(output, network, config)

    trainer = make_trainer(config, folder, curves=CURVES, more=[LambdaCallback(on_train_epoch_end=keep)])
    if last is None and trainer.is_global_zero:
        write_record(folder, config, manifest_sha256=manifest_sha256(rows))
        rows[["source", "image_id"]].to_csv(folder / "films.csv", index=False)
    batches = film_loader(config, images, rank=trainer.global_rank, processes=trainer.world_size)
    run(trainer, TwoViews(network, config), batches=[batches], resume_from=last)
    if trainer.is_global_zero:
        add_to_record(folder, cost=cost_of(folder / "curves.csv"))
    return output


class Films(Dataset[tuple[Tensor]]):
    """Images without anything else, fetched a batch at a time."""

    def __init__(self, images: UInt8[np.ndarray, "n size size"]) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitems__(self, places: Sequence[int]) -> tuple[Tensor]:
        """Return the images at these places, as a batch."""
        return (torch.from_numpy(self.images[list(places)])[:, None],)


def film_loader(
    config: PretrainingConfig, images: UInt8[np.ndarray, "n size size"], *, rank: int = 0, processes: int = 1
) -> "DataLoader[tuple[Tensor]]":
    """Return batches of films in an order of each epoch's own; each film at most once an epoch."""
    sampler = EpochSampler(
        len(images), None, count=config.images_per_epoch, seed=config.seeds[0], rank=rank, processes=processes
    )
    batch = config.batch_size // processes
    return DataLoader(Films(images), batch, sampler=sampler, drop_last=True, collate_fn=as_it_is)


class TwoViews(Repeatable):
    """Films shown twice, each time changed in another way; embeddings go through a projector into the loss."""

    config: PretrainingConfig

    def __init__(self, network: Network, config: PretrainingConfig) -> None:
        super().__init__(network, config)
        self.projector = projector(network.head.in_features, config.agreement.projector)

    def training_step(self, batch: tuple[Tensor], index: int) -> Tensor:
        """Return the loss of one batch of films, each seen in two augmented views."""
        films, config = unit(batch[0]), self.config
        views = torch.cat([augment(films, config.augmentation, size_px=config.train_size_px) for _ in range(2)])
        embedding = self.network.features(views.to(memory_format=torch.channels_last)).mean(dim=(2, 3))
        projected = self.projector(embedding).float()
        first, second = projected.chunk(2)
        with torch.autocast(films.device.type, enabled=False):
            terms = {
                "invariance": (first - second).square().mean(),
                "variance": (missing_spread(first) + missing_spread(second)) / 2,
                "covariance": redundancy(first) + redundancy(second),
            }
        loss = torch.stack([getattr(config.agreement, name) * term for name, term in terms.items()]).sum()
        for name, value in {"train_loss": loss, **terms}.items():
            self.log_mean(name, value.detach())
        if index % CHECK_EVERY == 0:
            self.require_finite(loss)
            with torch.autocast(films.device.type, enabled=False):
                self.log_mean("embedding_std", spread_on_sphere(embedding.detach().float()))
                self.log_mean("embedding_rank", effective_rank(embedding.detach().float()))
        return loss


def projector(width: int, widths: Sequence[int]) -> nn.Sequential:
    """Return dense layers with batch normalisation and ReLU between them; features begin with a spread near 1.

    Source:
        He et al., ICCV 2015, equation 10 (the initial weights).
    """
    layers: list[nn.Module] = [nn.BatchNorm1d(width)]
    for wide in widths:
        dense = nn.Linear(width, wide)
        nn.init.kaiming_normal_(dense.weight, nonlinearity="relu")
        layers += [dense, nn.BatchNorm1d(wide), nn.ReLU()]
        width = wide
    return nn.Sequential(*layers[:-2])


def missing_spread(features: Float[Tensor, "n features"]) -> Float[Tensor, ""]:
    """Return by how much each feature's standard deviation over the batch falls short of 1, on average.

    Source:
        VICReg, equations 1 and 2.
    """
    deviation = torch.sqrt(features.var(dim=0) + _EPSILON)
    return torch.relu(_SPREAD - deviation).mean()


def redundancy(features: Float[Tensor, "n features"]) -> Float[Tensor, ""]:
    """Return the sum of the squared covariances of different features, over the number of features.

    Source:
        VICReg, equations 3 and 4.
    """
    centred = features - features.mean(dim=0)
    covariance = centred.T @ centred / (len(features) - 1)
    return (covariance.square().sum() - covariance.diagonal().square().sum()) / features.shape[1]


def spread_on_sphere(embedding: Float[Tensor, "n features"]) -> Float[Tensor, ""]:
    """Return the features' mean deviation over unit-length embeddings, times the root of their number; 0 is collapse.

    Evenly spread directions give 1.

    Source:
        Chen and He, SimSiam, CVPR 2021, section 4.1.
    """
    directions = nn.functional.normalize(embedding)
    mean: Tensor = directions.std(dim=0).mean()
    return mean * math.sqrt(embedding.shape[1])


def effective_rank(embedding: Float[Tensor, "n features"]) -> Float[Tensor, ""]:
    """Return how many directions the embeddings fill, at most the batch size: exp of the singular values' entropy.

    Source:
        Garrido et al., RankMe, ICML 2023, equation 1; here of centred embeddings.
    """
    values = torch.linalg.svdvals(embedding - embedding.mean(dim=0))
    share = values / values.sum().clamp(min=torch.finfo(values.dtype).tiny)
    entropy: Tensor = -torch.special.xlogy(share, share).sum()
    return entropy.exp()
