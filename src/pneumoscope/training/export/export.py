"""From finished runs to the artefact: one graph, calibrated and limited on validation patients, sealed."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int, UInt8
from torch import nn

from pneumoscope.core import ArtifactError, ConfigError, ModelIdentity
from pneumoscope.model import LUNGS, MEMBER_OUTPUTS, Artifact, Card, seal
from pneumoscope.model import OUTPUTS as GRAPH_OUTPUTS
from pneumoscope.reading import Outputs, open_engine
from pneumoscope.training.config import Data, TrainingConfig, read_config_record
from pneumoscope.training.export.card import draft_card, finish_card, validation_auroc
from pneumoscope.training.export.compact import compact, stripped
from pneumoscope.training.export.ensemble import Ensemble, Member, Seen, WithLungs, embed
from pneumoscope.training.export.guard import fit_gaussian
from pneumoscope.training.export.heat_rule import with_heat_rules
from pneumoscope.training.export.held_out import acquired_otherwise, member_outputs, unseen
from pneumoscope.training.fit import members_of
from pneumoscope.training.images import in_batches, unit
from pneumoscope.training.loading import Material, deal, gather
from pneumoscope.training.lungs import LungNetwork, load_lungs
from pneumoscope.training.network import OUTPUTS
from pneumoscope.training.populations import populations
from pneumoscope.training.runs import Run, load_network, member_folders, read_run
from pneumoscope.training.targets import TARGETS

# ONNX, with its rounded weights, and PyTorch must agree on so many images, in probability.
LARGEST_DIFFERENCE = 2e-2
AGREEMENT_IMAGES = 800
# Training images that give the guard its statistics: more than twenty for each direction that it keeps.
GUARD_IMAGES = 3000


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
    material = gather(members_of(config)[0], data)
    found = sorted(set(populations(material.manifest)))
    names = [name for name in found if any(name in member.config.populations for member in members)]
    columns = [[place for place, one in enumerate(members) if name in one.config.populations] for name in names]
    ensemble = Ensemble([_member(one, material, names, mirrored=mirrored) for one in members], columns).eval()
    record = members[0].record | {"members": [member.record for member in members], "mirrored": mirrored}
    shipped: nn.Module = ensemble
    if lungs is not None:
        network, record["lungs"] = _lungs(lungs, config)
        shipped = WithLungs(ensemble, network).eval()
    graph = to_onnx(shipped, config.recipe.size_px)
    draft = draft_card(config, record, populations=names)
    checked = _some((material.manifest["split"] != "test").to_numpy(), AGREEMENT_IMAGES)
    rounding = _rounding(ensemble, graph, draft, material.images[checked])
    card = _validated(draft, graph, material, members)
    card = replace(card, metrics=card.metrics | {"rounding": rounding})
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial")
    partial.write_bytes(seal(graph, card))
    partial.replace(output)
    return card


def _validated(draft: Card, graph: bytes, material: Material, members: Sequence[Run]) -> Card:
    """Return the draft with all that is decided by films of patients whom the answering members have not seen."""
    which = unseen(material.manifest, [member.config for member in members])
    validation = which.answered()
    which, images, rows = which.of(validation), material.images[validation], material.manifest.iloc[validation]
    targets = material.targets[validation, TARGETS.index(members[0].config.ships)].astype(float)
    said = member_outputs(graph, images)
    outputs = said.held_out(which)
    elsewhere, group = np.full(len(targets), np.nan), populations(rows)
    for population in draft.rules:
        part = np.flatnonzero((group == population) & ~np.isnan(targets))
        (strength, *_) = (one.config.augmentation for one in members if population in one.config.populations)
        changed = acquired_otherwise(images[part], strength)
        elsewhere[part] = member_outputs(graph, changed).held_out(which.of(part)).logit[:, 0]
    spread = [
        {
            "seed": member.config.seeds[0],
            "name": member.config.name,
            "auroc": validation_auroc(rows, logit, np.where(answering, targets, np.nan)),
        }
        for member, logit, answering in zip(members, said.logit.T, which.answering.T, strict=True)
    ]
    card = finish_card(draft, rows, outputs, targets, elsewhere=elsewhere, members=spread)
    return with_heat_rules(card, rows, outputs, targets, boxes=[material.drawn[place] for place in validation])


def _member(run: Run, material: Material, names: Sequence[str], *, mirrored: bool) -> Member:
    """Return the run's network with the output that ships, and the guard's statistics of training films of `names`."""
    seen, group = Seen(load_network(run), mirrored=mirrored).eval(), populations(material.manifest)
    taught = (deal(material.manifest, run.config)["split"] == "train").to_numpy() & np.isin(group, names)
    typical = _some(taught, GUARD_IMAGES)
    gaussian = fit_gaussian(embed(seen, material.images[typical], precision=run.config.precision), group[typical])
    return Member(seen, gaussian, output=OUTPUTS.index(run.config.ships))


def _some(rows: Bool[np.ndarray, " n"], most: int) -> Int[np.ndarray, " k"]:
    """Return the places of at most so many of these rows, drawn at random."""
    return np.random.default_rng(0).permutation(np.flatnonzero(rows))[:most]


def member_configs(card: Card) -> list[TrainingConfig]:
    """Return the configurations of the members that were sealed with this card, in the graph's order."""
    records = card.training.get("members", [])
    return [read_config_record(record["config"], where=f"model card: member {n}") for n, record in enumerate(records)]


def to_onnx(shipped: nn.Module, size_px: int) -> bytes:
    """Return the graph in ONNX with weights inside; any batch size.

    What members share (frozen layers) is computed once.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*LeafSpec")  # torch's remark on itself
        program = torch.onnx.export(
            shipped,
            (torch.zeros(2, 1, size_px, size_px),),
            dynamo=True,
            input_names=["image"],
            output_names=[*GRAPH_OUTPUTS, *MEMBER_OUTPUTS, *([LUNGS] if isinstance(shipped, WithLungs) else [])],
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
            verbose=False,
        )
    assert program is not None
    compact(program.model)
    return stripped(program.model_proto)


def run_graph(graph: bytes, card: Card, images: UInt8[np.ndarray, "n size size"]) -> Outputs:
    """Return the exported graph's outputs for prepared images, by the engine that reads in the clinic."""
    identity = ModelIdentity(name=card.name, version=card.version, sha256="")
    engine = open_engine(Artifact(onnx=graph, card=card, identity=identity))
    parts = [engine.run(unit(torch.from_numpy(part)[:, None]).numpy()) for part in in_batches(images)]
    names = GRAPH_OUTPUTS if parts[0].lungs is None else (*GRAPH_OUTPUTS, LUNGS)
    return Outputs(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _require_alike(members: Sequence[Run]) -> None:
    """Raise `ConfigError` unless members learnt from the same patients by the same recipe and label rule."""
    first = members[0]
    for other in members[1:]:
        for name in ("split_seed", "recipe", "opacity_weight", "ships", "data"):
            one, another = (_but_the_fold(getattr(run.config, name)) for run in (first, other))
            if one != another:
                raise ConfigError(
                    f"members must agree in {name}, found {one} in {first.folder}, {another} in {other.folder}"
                )
        if first.record["manifest_sha256"] != other.record["manifest_sha256"]:
            raise ConfigError(f"members must have one manifest, {first.folder} and {other.folder} have two")


def _but_the_fold(value: Any) -> Any:
    return replace(value, fold=-1) if isinstance(value, Data) else value


def _lungs(folder: Path, config: TrainingConfig) -> tuple[LungNetwork, dict[str, Any]]:
    """Return the lung run's network and record; raise `ConfigError` if split or recipe are not the members'."""
    network, learnt, record = load_lungs(folder)
    for name in ("split_seed", "recipe"):
        one, another = getattr(config, name), getattr(learnt, name)
        if one != another:
            raise ConfigError(f"lungs and members must agree in {name}, found {another} in {folder}, {one} in the run")
    return network, record


@torch.no_grad()
def _rounding(
    ensemble: Ensemble, graph: bytes, card: Card, images: UInt8[np.ndarray, "n size size"]
) -> dict[str, float]:
    """Return how far rounded weights move a probability, on average and at most.

    Raises:
        ArtifactError: Too far.
    """
    expected = torch.cat([ensemble(unit(torch.from_numpy(part)[:, None]))[0] for part in in_batches(images)]).numpy()
    found = run_graph(graph, card, images).logit
    difference = np.abs(1 / (1 + np.exp(-expected)) - 1 / (1 + np.exp(-found)))
    if not difference.max() <= LARGEST_DIFFERENCE:
        raise ArtifactError(f"ONNX and PyTorch differ by {difference.max():.2g}, expected at most {LARGEST_DIFFERENCE}")
    return {"images": len(images), "mean": float(difference.mean()), "largest": float(difference.max())}
