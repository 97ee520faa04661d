"""What each part of a preset gives: declared variants, trained alike, read on patients that they have not seen.

Patients of training and validation are dealt into folds; each variant is trained once a fold and seed on the others
and reads the fold. So every one of them has a score of a network that did not learn from it, and variants are
compared on the same films. Scores are ranks within their fold: networks of two folds share no scale.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, UInt8
from scipy.stats import rankdata

from pneumoscope.core import ConfigError
from pneumoscope.datasets import manifest_sha256
from pneumoscope.training.config import (
    TrainingConfig,
    build_record,
    preset,
    read_config,
    read_config_record,
    read_toml,
)
from pneumoscope.training.curves import read_curves
from pneumoscope.training.fit import Paths, fit_member
from pneumoscope.training.images import in_batches, unit
from pneumoscope.training.loading import Films, gather, read_rows
from pneumoscope.training.network import OUTPUTS
from pneumoscope.training.populations import populations
from pneumoscope.training.runs import load_network, read_run
from pneumoscope.training.trainer import Say
from pneumoscope.training.weights import DOWNLOAD, locate

# The shipped plan.
DEFAULT = Path(str(resources.files("pneumoscope.training") / "ablations.toml"))
# What one trained network said of films that it had not seen, and its curves.
Member = tuple[pd.DataFrame, list[dict[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One network to train.

    Attributes:
        name: Its row in the table.
        what: What is different, in words.
        changes: Keys of the configuration, with sections as tables in it.
        against: The variant that it is compared with.
    """

    name: str
    what: str
    changes: dict[str, Any] = field(default_factory=dict)
    against: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which variants of a preset, and whose films they read.

    Attributes:
        preset: Name of a shipped preset, or a configuration's path.
        folds: Parts that patients are dealt into.
        seeds: Networks for each fold; a film's score is their mean.
        source: Whose films are read, of the populations that the preset answers for.
        references: Columns of the manifest that the scores are held against.
        base: Keys that all variants change.
        variant: The variants, the one that most are compared with among them.
    """

    preset: str
    folds: int
    seeds: tuple[int, ...]
    source: str
    references: tuple[str, ...]
    base: dict[str, Any] = field(default_factory=dict)
    variant: tuple[Variant, ...]

    def __post_init__(self) -> None:
        names = [one.name for one in self.variant]
        if len(set(names)) != len(names):
            raise ConfigError(f"[[variant]] name: expected all different, got {', '.join(names)}")
        if unknown := sorted({one.against for one in self.variant} - set(names)):
            raise ConfigError(f"[[variant]] against: expected a variant of the plan, got {', '.join(unknown)}")
        if self.folds < 2:
            raise ConfigError(f"folds: expected at least 2, got {self.folds}")

    def config(self, variant: Variant) -> TrainingConfig:
        """Return the whole configuration of a variant, of its first seed and fold.

        Raises:
            ConfigError: A changed key is unknown or of another type.
        """
        path = Path(self.preset)
        table = read_config(path if path.suffix == ".toml" else preset(self.preset)).as_dict()
        for changes in (self.base, variant.changes, {"seeds": self.seeds[:1], "data": {"folds": self.folds}}):
            table = _merged(table, changes)
        return read_config_record(table, where=f"variant {variant.name}")


def read_plan(path: Path) -> Plan:
    """Read the plan in a TOML file.

    Raises:
        ConfigError: The file is missing, is not TOML, or has unknown, missing or wrong keys.
    """
    return build_record(Plan, read_toml(path), where=str(path))


def ablate(plan: Plan, paths: Paths, output: Path, *, only: set[str] | None = None, say: Say = lambda _: None) -> None:
    """Train and read every variant that `output` does not have yet, and write what it said and cost.

    A variant is there if it was made of the same plan, configuration and manifest; else it is made again. What
    was trained lies below `paths.run`, so that an interrupted plan goes on where it was, and is removed variant by
    variant.

    Args:
        plan: What to train.
        paths: Data, initial weights, and where networks lie meanwhile.
        output: A folder: `VARIANT.parquet` with scores, `VARIANT.json` with configuration, hashes and cost.
        only: Names of variants to make; None for all.
        say: Told what is done.

    Raises:
        ConfigError: Data or weights are missing, `only` names no variant, or a configuration is wrong.
    """
    names = {one.name for one in plan.variant}
    if only and not only <= names:
        raise ConfigError(f"expected variants among {', '.join(sorted(names))}, got {', '.join(sorted(only - names))}")
    chosen = [(one, plan.config(one)) for one in plan.variant if only is None or one.name in only]
    digests = [_sha256(config, plan, paths.weights) for _, config in chosen]
    shared = _sha256(replace(plan.config(Variant(name="shared", what="")), initial_weights=""), plan, paths.weights)
    rows, _ = read_rows(chosen[0][1], paths.data)
    sha256, films = manifest_sha256(rows), Films()
    output.mkdir(parents=True, exist_ok=True)
    for (variant, config), digest in zip(chosen, digests, strict=True):
        made_of = {"config_sha256": digest, "shared_sha256": shared, "manifest_sha256": sha256}
        record = output / f"{variant.name}.json"
        if record.is_file() and made_of.items() <= json.loads(record.read_text()).items():
            say(f"{variant.name}: there already")
            continue
        say(f"{variant.name}: {variant.what}")
        run = paths.run / variant.name / digest[:12]
        members = list(_members(plan, config, replace(paths, run=run), films))
        scores = pd.concat([said for said, _ in members], ignore_index=True)
        scores.to_parquet(output / f"{variant.name}.parquet", index=False, compression="zstd")
        facts: dict[str, Any] = {"variant": variant.name, "against": variant.against, "what": variant.what, **made_of}
        facts |= {"config": config.as_dict(), "trainings": len(members), **_speed(members)}
        record.write_text(json.dumps(facts, indent=1))
        shutil.rmtree(paths.run / variant.name)


def _speed(members: Sequence[Member]) -> dict[str, float]:
    """Return the seconds of all trainings together, and the images per second."""
    epochs = [(float(row["seconds"]), float(row["images_per_s"])) for _, curves in members for row in curves]
    seconds = sum(took for took, _ in epochs)
    return {
        "seconds": round(seconds, 3),
        "images_per_s": round(sum(took * rate for took, rate in epochs) / seconds, 1) if seconds else 0.0,
    }


def _members(plan: Plan, config: TrainingConfig, paths: Paths, films: Films) -> Iterator[Member]:
    """Train a member for each fold and seed; yield its scores of films that it has not seen, and its curves."""
    for fold in range(plan.folds):
        one = replace(config, data=replace(config.data, fold=fold))
        material = gather(one, paths.data, films=films)
        manifest = material.manifest
        answered = np.isin(populations(manifest).astype(str), config.populations)
        unseen = np.flatnonzero((manifest["split"] == "val") & (manifest["source"] == plan.source) & answered)
        kept = ["image_id", "patient_id", "view", *plan.references]
        for seed in plan.seeds:
            folder = paths.run / f"fold-{fold}" / f"seed-{seed}"
            fit_member(replace(one, seeds=(seed,)), material, weights=paths.weights, folder=folder, validate=False)
            logit = _logits(folder, material.images[unseen])
            rank = (rankdata(logit) - 0.5) / len(logit)
            said = manifest.iloc[unseen][kept].assign(fold=fold, seed=seed, logit=logit, rank=rank)
            yield said, read_curves(folder / "curves.csv")


@torch.no_grad()
def _logits(folder: Path, images: UInt8[np.ndarray, "n size size"]) -> Float[np.ndarray, " n"]:
    """Return the trained member's logit of each image, by the output that ships."""
    run = read_run(folder)
    network, output = load_network(run), OUTPUTS.index(run.config.ships)
    parts = [network(unit(torch.from_numpy(part)[:, None]))[:, output] for part in in_batches(images)]
    return torch.cat(parts).double().numpy()


def _merged(table: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return the table with changed keys; sections are merged key by key."""
    return table | {
        key: _merged(table[key], value) if isinstance(value, dict) and isinstance(table.get(key), dict) else value
        for key, value in changes.items()
    }


def _sha256(config: TrainingConfig, plan: Plan, weights: Path) -> str:
    """Return a hash of what decides a variant's scores: configuration, seeds, source, references, initial weights."""
    made_of = [config.as_dict(), list(plan.seeds), plan.source, list(plan.references)]
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode())
    name = config.initial_weights
    if name and not name.startswith(DOWNLOAD):
        digest.update(locate(name, weights).read_bytes())
    return digest.hexdigest()
