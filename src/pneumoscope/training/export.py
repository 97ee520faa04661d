"""From finished runs to the artefact: one graph, calibrated and limited on validation patients, sealed."""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8
from torch import nn

from pneumoscope.core import ArtifactError, ConfigError, ModelIdentity
from pneumoscope.model import LUNGS, Artifact, Card, seal
from pneumoscope.model import OUTPUTS as GRAPH_OUTPUTS
from pneumoscope.reading import Outputs, open_engine
from pneumoscope.training.card import draft_card, finish_card, validation_auroc
from pneumoscope.training.compact import compact
from pneumoscope.training.config import TrainingConfig, read_config_record
from pneumoscope.training.ensemble import Ensemble, Member, Seen, WithLungs, embed, in_batches
from pneumoscope.training.guard import fit_gaussian
from pneumoscope.training.heat_rule import with_heat_rules
from pneumoscope.training.images import unit
from pneumoscope.training.loading import gather
from pneumoscope.training.lungs import LungNetwork, load_lungs
from pneumoscope.training.network import OUTPUTS, Network, build_network
from pneumoscope.training.populations import columns_of, populations
from pneumoscope.training.targets import TARGETS
from pneumoscope.training.trainer import RECORD, checkpoint

# ONNX (weights in half precision) and PyTorch must agree on every validation image, in probability; for model 0.3.0
# the largest difference was 0.002.
LARGEST_DIFFERENCE = 3e-3
# Training images that give the guard its statistics: more than twenty for each direction that it keeps.
GUARD_IMAGES = 3000


@dataclass(frozen=True, slots=True)
class Run:
    """One trained member on disk: its folder, configuration and whole record."""

    folder: Path
    config: TrainingConfig
    record: dict[str, Any]


def export(
    runs: Sequence[Path], data: Path, output: Path, *, mirrored: bool = False, lungs: Path | None = None
) -> Card:
    """Seal the average of all members of the runs into `output`; everything in it is from training and validation.

    Args:
        runs: Folders of runs or of single members.
        data: Folder of the data sets.
        output: The artefact to write.
        mirrored: Read each image and its mirror image, and average; twice the time.
        lungs: Run of lung fields (`train --preset lungs`) to put into the graph; None for a graph without.

    Raises:
        ConfigError: A run is not finished, members do not fit together, or they do not belong to this data.
        ArtifactError: ONNX and PyTorch disagree.
    """
    members = [read_run(folder) for run in runs for folder in member_folders(run)]
    _require_alike(members)
    config = members[0].config
    material = gather(config, data)
    manifest, images = material.manifest, material.images
    groups = populations(manifest)
    names = [name for name in sorted(set(groups)) if any(name in member.config.populations for member in members)]
    train, validation = (rows[np.isin(groups[rows], names)] for rows in (material.rows("train"), material.rows("val")))
    columns = [[place for place, one in enumerate(members) if name in one.config.populations] for name in names]

    typical = np.random.default_rng(0).permutation(train)[:GUARD_IMAGES]
    shown = [_member(one, images[typical], groups[typical], mirrored=mirrored) for one in members]
    ensemble = Ensemble(shown, columns).eval()
    record = members[0].record | {"members": [member.record for member in members], "mirrored": mirrored}
    shipped: nn.Module = ensemble
    if lungs is not None:
        network, record["lungs"] = _lungs(lungs, config)
        shipped = WithLungs(ensemble, network).eval()
    graph = to_onnx(shipped, config.recipe.size_px)
    draft = draft_card(config, record, populations=names)
    group = groups[validation]
    outputs = run_graph(graph, draft, images[validation]).answering(columns_of(draft, group))
    single = member_logits(ensemble, images[validation])
    _require_agreement(_mean_of_members(single, [columns[names.index(name)] for name in group]), outputs)
    rows = manifest.iloc[validation]
    targets = material.targets[validation, TARGETS.index(config.ships)].astype(float)
    spread = [
        {
            "seed": member.config.seeds[0],
            "name": member.config.name,
            "auroc": validation_auroc(
                rows, single[:, index], np.where(np.isin(group, member.config.populations), targets, np.nan)
            ),
        }
        for index, member in enumerate(members)
    ]
    card = finish_card(draft, rows, outputs, targets, members=spread)
    card = with_heat_rules(card, rows, outputs, targets, boxes=[material.drawn[index] for index in validation])
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial")
    partial.write_bytes(seal(graph, card))
    partial.replace(output)
    return card


def _member(
    run: Run, images: UInt8[np.ndarray, "n size size"], groups: Shaped[np.ndarray, " n"], *, mirrored: bool
) -> Member:
    """The run's network with the output that ships and the guard's statistics of these training images."""
    seen = Seen(load_network(run), mirrored=mirrored).eval()
    gaussian = fit_gaussian(embed(seen, images, precision=run.config.precision), groups)
    return Member(seen, gaussian, output=OUTPUTS.index(run.config.ships))


def member_folders(run: Path) -> list[Path]:
    """The folders of a run's members, or the folder itself if it is one."""
    if (run / RECORD).is_file():
        return [run]
    found = sorted(path.parent for path in run.glob(f"seed-*/{RECORD}"))
    if not found:
        raise ConfigError(f"expected a training run with {RECORD} or seed-*/{RECORD} in {run}, found none")
    return found


def read_run(folder: Path) -> Run:
    """A member's configuration and record.

    Raises:
        ConfigError: The folder holds no run, or its record was damaged.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_text())
        table = record["config"]
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"expected a training run's record at {path}, found {error}") from error
    return Run(folder, read_config_record(table, where=str(path)), record)


def load_network(run: Run) -> Network:
    """The member's network with its averaged weights, ready to read.

    Raises:
        ConfigError: There is no checkpoint, it is damaged, or it is of another network.
    """
    path = checkpoint(run.folder, run.config.optimizer.keep)
    prefix = "network."
    network = build_network(run.config)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        network.load_state_dict({key.removeprefix(prefix): value for key, value in state.items()})
    except Exception as error:  # torch raises whatever the damage suggests to it
        raise ConfigError(f"expected a run's checkpoint at {path}, found {type(error).__name__}: {error}") from error
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster on a CPU
    return network.eval()


def to_onnx(shipped: nn.Module, size_px: int) -> bytes:
    """The graph with weights inside; any batch size. What members share (frozen layers) is computed once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*LeafSpec")  # torch's remark on itself
        program = torch.onnx.export(
            shipped,
            (torch.zeros(2, 1, size_px, size_px),),
            dynamo=True,
            input_names=["image"],
            output_names=[*GRAPH_OUTPUTS, *([LUNGS] if isinstance(shipped, WithLungs) else [])],
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
            verbose=False,
        )
    assert program is not None
    compact(program.model)
    graph: bytes = program.model_proto.SerializeToString()
    return graph


def run_graph(graph: bytes, card: Card, images: UInt8[np.ndarray, "n size size"]) -> Outputs:
    """The exported graph's outputs for prepared images, by the engine that reads in the clinic."""
    identity = ModelIdentity(name=card.name, version=card.version, sha256="")
    engine = open_engine(Artifact(onnx=graph, card=card, identity=identity))
    parts = [engine.run(unit(torch.from_numpy(part)[:, None]).numpy()) for part in in_batches(images)]
    names = GRAPH_OUTPUTS if parts[0].lungs is None else (*GRAPH_OUTPUTS, LUNGS)
    return Outputs(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@torch.no_grad()
def member_logits(ensemble: Ensemble, images: UInt8[np.ndarray, "n size size"]) -> Float[np.ndarray, "n members"]:
    """Each member's logit for each image."""
    parts = [unit(torch.from_numpy(part)[:, None]) for part in in_batches(images)]
    logits = [torch.cat([member(part)[0] for member in ensemble.members], dim=1) for part in parts]
    return torch.cat(logits).double().numpy()


def _require_alike(members: Sequence[Run]) -> None:
    """Members must have learnt from the same patients by the same recipe and label rule."""
    first = members[0]
    for other in members[1:]:
        for name in ("split_seed", "recipe", "opacity_weight", "ships", "data"):
            one, another = getattr(first.config, name), getattr(other.config, name)
            if one != another:
                raise ConfigError(
                    f"members must agree in {name}, found {one} in {first.folder}, {another} in {other.folder}"
                )
        if first.record["manifest_sha256"] != other.record["manifest_sha256"]:
            raise ConfigError(f"members must have one manifest, {first.folder} and {other.folder} have two")


def _lungs(folder: Path, config: TrainingConfig) -> tuple[LungNetwork, dict[str, Any]]:
    """The run's network and record; it must have learnt from the same patients, and see what the members see."""
    network, learnt, record = load_lungs(folder)
    for name in ("split_seed", "recipe"):
        one, another = getattr(config, name), getattr(learnt, name)
        if one != another:
            raise ConfigError(f"lungs and members must agree in {name}, found {another} in {folder}, {one} in the run")
    return network, record


def _mean_of_members(single: Float[np.ndarray, "n members"], columns: Sequence[list[int]]) -> Float[np.ndarray, " n"]:
    """Each row's mean over the members that answer for it."""
    return np.array([row[members].mean() for row, members in zip(single, columns, strict=True)])


def _require_agreement(logits: Float[np.ndarray, " n"], outputs: Outputs) -> None:
    difference = np.abs(1 / (1 + np.exp(-logits)) - 1 / (1 + np.exp(-outputs.logit[:, 0]))).max()
    if not difference <= LARGEST_DIFFERENCE:
        raise ArtifactError(f"ONNX and PyTorch differ by {difference:.2g}, expected at most {LARGEST_DIFFERENCE}")
