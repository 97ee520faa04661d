"""From an open network and a site's labelled images to an artefact that reading, node and evidence treat like ours."""

import datetime as dt
import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from jaxtyping import Bool, Float

from pneumoscope.core import ADULT_FROM_YEARS, ArtifactError, ConfigError, IntendedUse, Population, View
from pneumoscope.model import SCHEMA, Card, Guard, HeatRule, seal
from pneumoscope.reading import Outputs
from pneumoscope.training.adoption import graph as graphs
from pneumoscope.training.adoption.checkpoint import read_weights
from pneumoscope.training.adoption.network import OneAnswer, build
from pneumoscope.training.adoption.recipes import ONNX, AdoptionRecipe, choose_output, recipe_named
from pneumoscope.training.adoption.site import Measured, choose_rows, measure
from pneumoscope.training.export.card import UNDECIDED, finish_card
from pneumoscope.training.export.guard import Distance, fit_gaussian
from pneumoscope.training.populations import populations

# The adopted graph and the network as its own package runs it agree to this, in probability.
LARGEST_DIFFERENCE = 1e-5
_PROBES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What is adopted, in the user's words.

    Attributes:
        recipe: Name of a recipe; see `recipes.recipe_named`.
        weights: The published file.
        output: Name or number of the output that answers; None: the best pneumonia-like one.
        labels: Names of the outputs in order, where the recipe does not know them.
        input_range: Where the recipe does not know it.
        size_px: Side of the input, where the graph leaves it open.
        name: What the card calls it; empty: the recipe's name.
        licence: Of the weights, where the recipe does not state one.
        origin: Who published them, where the recipe does not state it.
    """

    recipe: str
    weights: Path
    output: str | None = None
    labels: tuple[str, ...] = ()
    input_range: str = ""
    size_px: int = 0
    name: str = ""
    licence: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What came of an adoption.

    Attributes:
        answer: Name of the output that answers, or its number.
        has_map: Whether the architecture has a class activation map.
        largest_difference: Between the adopted graph and the network itself, in probability, on probe images.
        overlap: Sources that the network was trained on and the calibration images come from.
        not_used: Rows of the manifest that were left out, and why.
    """

    card: Card
    answer: str
    has_map: bool
    largest_difference: float
    overlap: tuple[str, ...]
    not_used: tuple[str, ...]


def adopt(network: Network, *, calibrate: Path, output: Path, label: str = "Pneumonia") -> Adoption:
    """Write the artefact of an open network, calibrated on a site's images.

    Calibration, thresholds, conformal limits and the guard come from the images of `calibrate` alone, by the rules of
    `pneumoscope export`.

    Raises:
        ConfigError: Recipe, weights, output or calibration images are missing or do not fit; says which.
        ArtifactError: The graph answers otherwise than the network itself.
    """
    recipe = recipe_named(
        network.recipe, labels=network.labels, input_range=network.input_range, size_px=network.size_px
    )
    rows, notes = choose_rows(calibrate, label=label)
    base, recipe, place, difference = _graph(recipe, network)
    measured = measure(base, rows, recipe.preprocessing, label=label, notes=notes)
    whole, distance = _guarded(base, measured)
    answer = recipe.labels[place] if recipe.labels else f"output {place}"
    has_map = measured.cam.shape[2:] != (1, 1)
    sources = recipe.sources_of(network.weights.name)
    overlap = tuple(sorted(set(sources) & set(measured.rows["source"].str.lower())))
    draft = _draft(recipe, network, measured, answer=answer, label=label, overlap=overlap)
    outputs = Outputs(measured.logit, measured.cam, measured.embedding, distance)
    card = finish_card(draft, measured.rows, outputs, measured.truth)
    rules = {population: replace(rule, heat=_heat(measured)) for population, rule in card.rules.items()}
    card = replace(card, rules=rules, metrics=card.metrics | {"largest_difference": difference})
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial")
    partial.write_bytes(seal(whole.SerializeToString(), card))
    partial.replace(output)
    return Adoption(
        card=card,
        answer=answer,
        has_map=has_map,
        largest_difference=difference,
        overlap=overlap,
        not_used=measured.not_used,
    )


def _graph(recipe: AdoptionRecipe, network: Network) -> tuple[onnx.ModelProto, AdoptionRecipe, int, float]:
    """Return the graph without its guard, the recipe completed by the file, the answer's place, and the difference."""
    if recipe.name == ONNX:
        model = graphs.read_graph(network.weights)
        _, channels, size_px = graphs.input_of(model, network.weights)
        if network.size_px and size_px and network.size_px != size_px:
            raise ConfigError(f"--size: expected {size_px} px, as the graph has, got {network.size_px}")
        preprocessing = replace(recipe.preprocessing, size_px=size_px or recipe.preprocessing.size_px)
        recipe = replace(
            recipe,
            channels=channels,
            preprocessing=preprocessing,
            gain=(recipe.gain * channels)[:channels],
            offset=(recipe.offset * channels)[:channels],
        )
        place = choose_output(recipe.labels, network.output, outputs=graphs.outputs_of(model, network.weights))
        adapted = graphs.adapt(model, network.weights, recipe, output=place)
        return adapted, recipe, place, _difference_from_file(adapted, model, recipe, place)
    answering, place, _ = build(recipe, read_weights(network.weights), output=network.output)
    exported = _exported(answering, recipe.preprocessing.size_px)
    return exported, recipe, place, _difference_from_module(exported, answering, recipe)


def _exported(answering: OneAnswer, size_px: int) -> onnx.ModelProto:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*LeafSpec")  # torch's remark on itself
        program = torch.onnx.export(
            answering,
            (torch.zeros(2, 1, size_px, size_px),),
            dynamo=True,
            input_names=[graphs.INPUT],
            output_names=[graphs.LOGIT, graphs.CAM, graphs.EMBEDDING],
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
            verbose=False,
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    for node in model.graph.node:  # stack traces with paths of this machine
        del node.metadata_props[:]
        node.doc_string = ""
    del model.metadata_props[:], model.graph.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        if hasattr(value, "metadata_props"):
            del value.metadata_props[:]
    return model


def _probes(size_px: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(rng.random((1, size_px, size_px)) * 2 - 1).astype(np.float32) for _ in range(_PROBES)]


@torch.no_grad()
def _difference_from_module(graph: onnx.ModelProto, answering: OneAnswer, recipe: AdoptionRecipe) -> float:
    probes = _probes(recipe.preprocessing.size_px)
    images = torch.from_numpy(np.stack(probes)) * answering.gain + answering.offset
    own = answering.model(images)[:, answering.output].numpy()
    return _require_same(own, graphs.run(graph, probes, [graphs.LOGIT])[0][:, 0])


def _difference_from_file(graph: onnx.ModelProto, model: onnx.ModelProto, recipe: AdoptionRecipe, place: int) -> float:
    """Compare with the user's file, fed by hand."""
    import onnxruntime

    probes = _probes(recipe.preprocessing.size_px)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    scale, shift = (np.array(values, np.float32)[:, None, None] for values in (recipe.gain, recipe.offset))
    name = session.get_inputs()[0].name
    own = np.concatenate([session.run(None, {name: (image * scale + shift)[None]})[0] for image in probes])[:, place]
    found = graphs.run(graph, probes, [graphs.LOGIT])[0][:, 0]
    last = next((node for node in model.graph.node if model.graph.output[0].name in node.output), None)
    if last is not None and last.op_type in ("Sigmoid", "Softmax"):
        own = np.log(np.clip(own, 1e-7, 1 - 1e-7) / (1 - np.clip(own, 1e-7, 1 - 1e-7)))
    return _require_same(own, found)


def _require_same(own: Float[np.ndarray, " n"], found: Float[np.ndarray, " n"]) -> float:
    difference = float(np.abs(_sigmoid(own) - _sigmoid(found)).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise ArtifactError(
            f"expected the adopted graph to answer as the network does, to {LARGEST_DIFFERENCE:g}, found a difference "
            f"of {difference:.2g}"
        )
    return difference


def _sigmoid(logit: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return np.asarray(1 / (1 + np.exp(-logit.astype(np.float64))))


def _guarded(base: onnx.ModelProto, measured: Measured) -> tuple[onnx.ModelProto, np.ndarray]:
    """Return the graph with its guard, and each image's distance by statistics of other patients' images.

    Statistics of images that they are held against would make distances too small, so patients are in two halves and
    each half's distances come from the other's statistics; what ships has the statistics of all.
    """
    groups, half = populations(measured.rows), _halves(measured.rows["patient_id"].fillna(measured.rows["image_id"]))
    embedding = measured.embedding.astype(np.float64)
    distance = np.zeros(len(embedding), np.float32)
    for side in (half, ~half):
        if side.sum() < 2 or not set(groups[~side]) <= set(groups[side]):
            raise ConfigError("expected calibration images of several patients in each population, found too few")
        judge = Distance(fit_gaussian(embedding[side], groups[side]))
        distance[~side] = judge(torch.tensor(measured.embedding[~side])).numpy()
    return graphs.append_distance(base, fit_gaussian(embedding, groups)), distance


def _halves(patient: Sequence[str]) -> Bool[np.ndarray, " n"]:
    names, place = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    drawn = np.random.default_rng(0).permutation(len(names)) < len(names) // 2
    return np.asarray(drawn[place])


def _draft(
    recipe: AdoptionRecipe, network: Network, measured: Measured, *, answer: str, label: str, overlap: tuple[str, ...]
) -> Card:
    group = sorted(set(populations(measured.rows)))
    licence = network.licence or recipe.licence
    origin = network.origin or recipe.origin
    sources = sorted(set(measured.rows["source"]))
    return Card(
        schema=SCHEMA,
        name=network.name or f"adopted-{recipe.name.replace(':', '-')}",
        version="1",
        created=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        labels=("Pneumonia",),
        meaning=(
            f"Calibrated probability of {label} as labelled in the calibration images, from the output {answer} of "
            f"{recipe.title}, at the prevalence of those images."
        ),
        intended_use_statement=(
            "Research use only, not a medical device. Flags frontal chest radiographs that are suspicious for "
            "pneumonia, for a person who reads every image; it makes no diagnosis. Network of others, calibrated on "
            f"{len(measured.rows):,} images of {', '.join(sources)}."
        ),
        licence=licence,
        attribution=f"{recipe.title}: {origin}.",
        intended_use=_intended_use(measured, group),
        recipe=recipe.preprocessing,
        rules=dict.fromkeys(group, UNDECIDED),
        guard=Guard(limit=float(np.finfo(np.float32).max), rule="undecided"),
        training=_provenance(recipe, network, measured, answer=answer, label=label, overlap=overlap),
        metrics={},
    )


def _heat(measured: Measured) -> HeatRule:
    why = (
        "the calibration images have no radiologists' boxes to hold it against"
        if measured.cam.shape[2:] != (1, 1)
        else "the architecture has no class activation map"
    )
    return HeatRule(shown=False, why=why)


def _intended_use(measured: Measured, group: Sequence[Population]) -> IntendedUse:
    ages = measured.rows["age_years"].dropna()
    adults, children = Population.ADULTS in group, Population.CHILDREN in group
    youngest = float(np.floor(ages.min())) if len(ages) else (0 if children else ADULT_FROM_YEARS)
    oldest = float(np.ceil(ages.max())) if len(ages) else (120 if adults else ADULT_FROM_YEARS - 1)
    views = tuple(view for view in (View.PA, View.AP) if (measured.rows["view"] == view.value).any())
    return IntendedUse(youngest_years=youngest, oldest_years=oldest, smallest_px=224, views=views or (View.PA, View.AP))


def _provenance(
    recipe: AdoptionRecipe, network: Network, measured: Measured, *, answer: str, label: str, overlap: tuple[str, ...]
) -> dict[str, Any]:
    counts = measured.rows["source"].value_counts()
    return {
        "adopted": {
            "recipe": recipe.name,
            "architecture": recipe.backbone or "as in the ONNX file",
            "weights": network.weights.name,
            "weights_sha256": hashlib.sha256(network.weights.read_bytes()).hexdigest(),
            "answer": answer,
            "trained_on": list(recipe.sources_of(network.weights.name)) or "not stated",
            "overlap_with_calibration": list(overlap),
        },
        "calibrated_on": {
            "label": label,
            "sources": {str(source): int(count) for source, count in counts.items()},
            "not_used": list(measured.not_used),
        },
    }
