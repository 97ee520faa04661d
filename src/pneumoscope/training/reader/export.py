"""From finished stages to the artefact: one network a population, calibrated on validation patients, sealed."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int, UInt8

from pneumoscope.core import ArtifactError, IntendedUse, Population, write_atomically
from pneumoscope.datasets import ROUTES
from pneumoscope.model import SCHEMA, Card, DecisionRule, Guard, ReportOutput, seal
from pneumoscope.reading import Outputs
from pneumoscope.stats import auroc_clustered
from pneumoscope.training.export.card import GUARD_MARGIN, GUARD_QUANTILE, UNDECIDED, decision_rule
from pneumoscope.training.export.export import run_graph
from pneumoscope.training.export.guard import fit_gaussian
from pneumoscope.training.export.heat_rule import Validated, heat_rule
from pneumoscope.training.export.held_out import acquired_otherwise
from pneumoscope.training.export.rules import report_output, rule_by_view
from pneumoscope.training.images import in_batches, unit
from pneumoscope.training.lungs import load_lungs
from pneumoscope.training.populations import populations
from pneumoscope.training.radiologists import boxes_seen, rsna_boxes
from pneumoscope.training.reader.config import ReaderConfig
from pneumoscope.training.reader.fit import RECORD, load_start
from pneumoscope.training.reader.graph import Part, ReaderGraph, to_onnx
from pneumoscope.training.reader.material import CHILDREN, REPORT, TARGETS, Material
from pneumoscope.training.reader.network import ReaderNetwork, mean_weights

# Columns of the graph.
ADULTS_OPACITY, ADULTS_REPORT, CHILDREN_PNEUMONIA = 0, 1, 2
UNSELECTED = tuple(route.source for route in ROUTES if route.unselected)
# ONNX, with its rounded weights, and PyTorch must agree on so many validation images, in probability.
LARGEST_DIFFERENCE, AGREEMENT_IMAGES = 2e-2, 200
GUARD_IMAGES = 700


def shipped_network(config: ReaderConfig, population: Population, run: Path) -> ReaderNetwork:
    """Return one population's network: the mean of the stages that ship.

    Raises:
        ConfigError: A stage has no weights, or they are of another architecture.
    """
    states = []
    for name in config.ships[population]:
        network = ReaderNetwork(config.backbone)
        load_start(config, network, run, name=name, population=population)
        states.append(network.state_dict())
    network.load_state_dict(mean_weights(states))
    return network.eval()


def export_reader(
    config: ReaderConfig, material: Material, data: Path, run: Path, *, lungs: Path, output: Path
) -> Card:
    """Seal the networks of both populations into `output`; all rules rest on validation patients alone.

    Raises:
        ConfigError: A stage is not finished, or validation lacks a class.
        ArtifactError: ONNX and PyTorch disagree.
    """
    networks = {one: shipped_network(config, one, run) for one in (Population.ADULTS, Population.CHILDREN)}
    outputs = {Population.ADULTS: (TARGETS.index("opacity"), REPORT), Population.CHILDREN: (TARGETS.index("opacity"),)}
    typical = {one: _typical(material, one) for one in networks}
    parts = [_part(network, outputs[one], material, typical) for one, network in networks.items()]
    fields, _, lung_record = load_lungs(lungs)
    shipped = ReaderGraph(parts, fields).eval()
    graph = to_onnx(shipped, config.recipe.size_px)
    draft = _draft(config, run, lung_record)
    card = _validated(draft, graph, material, data, config)
    rounding = _rounding(shipped, graph, card, material)
    card = replace(card, metrics=card.metrics | {"rounding": rounding})
    write_atomically(output, seal(graph, card))
    return card


def _typical(material: Material, population: Population) -> Int[np.ndarray, " k"]:
    """Return places of whole training images that show what the population's images look like."""
    learnt = material.learnt(population)
    whole = learnt[material.rows["whole"].to_numpy(dtype=bool)[learnt]]
    return np.random.default_rng(0).permutation(whole)[:GUARD_IMAGES]


def _part(
    network: ReaderNetwork,
    outputs: Sequence[int],
    material: Material,
    typical: Mapping[Population, Int[np.ndarray, " k"]],
) -> Part:
    groups = np.concatenate([np.full(len(places), str(one)) for one, places in typical.items()])
    images = material.images[np.concatenate(list(typical.values()))]
    with torch.inference_mode():
        parts = [
            network.features(unit(torch.from_numpy(part)[:, None])).mean(dim=(2, 3)) for part in in_batches(images)
        ]
    return Part(network, fit_gaussian(torch.cat(parts).double().numpy(), groups), outputs)


def _draft(config: ReaderConfig, run: Path, lungs: dict[str, Any]) -> Card:
    names = sorted(one.name for one in config.stage)
    stages = {name: json.loads((run / name / RECORD).read_text()) for name in names}
    undecided = {Population.ADULTS: ADULTS_OPACITY, Population.CHILDREN: CHILDREN_PNEUMONIA}
    return Card(
        schema=SCHEMA,
        name=config.name,
        version=config.version,
        created=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        labels=("Pneumonia",),
        meaning=(
            "Probability that the radiograph shows opacity suspicious for pneumonia. Adults: as RSNA's radiologists "
            "call Lung Opacity; a second output gives the probability that a radiology report names pneumonia. "
            "Children: pneumonia as physicians called it. Each at the prevalence of its calibration images."
        ),
        intended_use_statement=(
            "Research use only, not a medical device. Flags frontal chest radiographs (PA or AP) that are "
            "suspicious for pneumonia, for a person who reads every image; it makes no diagnosis. Taught by images of "
            "adults and of children of 1 to 5 years; too few images of ages between taught and tested it."
        ),
        licence="Apache-2.0",
        attribution=(
            "Trained on NIH ChestX-ray14 (NIH Clinical Center; Wang et al., CVPR 2017), RSNA Pneumonia Detection "
            "Challenge 2018 (Shih et al., Radiology: AI 2019) and Kermany et al., Cell 2018 (CC BY 4.0). Initial "
            f"weights: {config.initial_weights}."
        ),
        intended_use=IntendedUse(youngest_years=1, oldest_years=100, smallest_px=224),
        recipe=config.recipe,
        rules={name: replace(UNDECIDED, output=column) for name, column in undecided.items()},
        guard=Guard(limit=float(np.finfo(np.float32).max), rule="undecided"),
        training={"config": asdict(config) | {"split_seed": config.split_seed}, "stages": stages, "lungs": lungs},
        metrics={},
    )


def _validated(draft: Card, graph: bytes, material: Material, data: Path, config: ReaderConfig) -> Card:
    """Return the card with all that validation patients decide."""
    rows = material.rows
    used = np.flatnonzero((rows["split"] == "val").to_numpy() & rows["whole"].to_numpy(dtype=bool))
    everything, table = run_graph(graph, draft, material.images[used]), rows.iloc[used]
    decides = table["source"].isin([*UNSELECTED, CHILDREN]).to_numpy()
    judged, said, table = used[decides], everything.of(np.flatnonzero(decides)), table[decides]
    group = populations(table)
    adults, children = group == Population.ADULTS, (table["source"] == CHILDREN).to_numpy()
    opacity = (table["rsna_opacity"] == 1).to_numpy()
    rule = rule_by_view(
        said.logit[adults, ADULTS_OPACITY],
        opacity[adults],
        table.loc[adults, "view"],
        population=Population.ADULTS,
        output=ADULTS_OPACITY,
    )
    report = _report(rows.iloc[used], everything)
    changed = run_graph(graph, draft, acquired_otherwise(material.images[judged[children]], config.children))
    paediatric = decision_rule(
        np.column_stack([one[:, CHILDREN_PNEUMONIA] for one in (said.logit[children], changed.logit)]),
        (table["Pneumonia"] == 1).to_numpy()[children].astype(float),
        population=Population.CHILDREN,
        output=CHILDREN_PNEUMONIA,
    )
    rules = {Population.ADULTS: replace(rule, report=report), Population.CHILDREN: paediatric}
    truth = np.where(children, (table["Pneumonia"] == 1).to_numpy(), opacity)
    seen = _Seen(table, said, truth, group, material.crops[judged])
    return replace(
        draft,
        rules={one: replace(rules[one], heat=seen.heat(one, rules[one], data)) for one in rules},
        guard=Guard(
            limit=GUARD_MARGIN * float(np.quantile(said.distance, GUARD_QUANTILE)),
            rule=f"{GUARD_MARGIN} times the distance within which {GUARD_QUANTILE:.1%} of {len(judged)} validation "
            "images lie",
        ),
        metrics={"validation_auroc": seen.areas(), "members": []},
    )


def _report(rows: pd.DataFrame, said: Outputs) -> ReportOutput:
    """Return the second output, calibrated on whole images of adults by all routes; one by several counts once."""
    adults = ~((rows["source"] == CHILDREN) | rows["image_id"].duplicated()).to_numpy()
    called, views = (rows["Pneumonia"] == 1).to_numpy()[adults], rows["view"][adults].tolist()
    return report_output(said.logit[adults, ADULTS_REPORT], called, views, output=ADULTS_REPORT)


class _Seen:
    """What the graph says of the validation images that decide."""

    def __init__(
        self,
        rows: pd.DataFrame,
        said: Outputs,
        truth: Bool[np.ndarray, " n"],
        group: Any,
        crops: Float[np.ndarray, "n 4"],
    ) -> None:
        self.rows, self.said, self.truth, self.group, self.crops = rows, said, truth, group, crops

    def heat(self, population: Population, rule: DecisionRule, data: Path) -> Any:
        """Return the population's rule for heat maps."""
        part = np.flatnonzero(self.group == population)
        views = [one if one in rule.by_view else None for one in self.rows["view"].iloc[part]]
        flagged = np.array([self._flagged(int(place), rule, view) for place, view in zip(part, views, strict=True)])
        boxes = boxes_seen(rsna_boxes(data), self.rows["image_id"].iloc[part], self.crops[part])
        return heat_rule(
            Validated(
                cams=self.said.cam[part, rule.output],
                lungs=None if self.said.lungs is None else self.said.lungs[part, 0],
                boxes=boxes,
                patient=self.rows["patient_id"].to_numpy()[part],
                rightly_flagged=flagged & self.truth[part],
            )
        )

    def _flagged(self, place: int, rule: DecisionRule, view: Any) -> bool:
        decides = rule.for_view(view)
        probability = decides.calibration.probability(self.said.logit[place, rule.output : rule.output + 1])[0]
        return bool(probability >= decides.operating_points["balanced"].threshold)

    def areas(self) -> dict[str, dict[str, float]]:
        """Return AUROC by source and, of adults, by view; with intervals."""
        source, view = self.rows["source"].to_numpy(), self.rows["view"].to_numpy()
        patient, adult = self.rows["patient_id"].to_numpy(), self.group == Population.ADULTS
        parts = {one: (source == one) for one in np.unique(source)}
        parts |= {f"{one} {side}": (source == one) & (view == side) for one in UNSELECTED for side in ("PA", "AP")}
        found = {}
        for name, part in parts.items():
            child = name == CHILDREN
            chosen = part & (adult != child)
            score = self.said.logit[chosen, CHILDREN_PNEUMONIA if child else ADULTS_OPACITY]
            area = auroc_clustered(self.truth[chosen], score, cluster=patient[chosen])
            found[name] = {key: getattr(area, key) for key in ("value", "low", "high", "n", "positives")}
        return found


@torch.inference_mode()
def _rounding(shipped: ReaderGraph, graph: bytes, card: Card, material: Material) -> dict[str, float]:
    """Return how far rounded weights move a probability, on average and at most.

    Raises:
        ArtifactError: Too far.
    """
    validating = np.flatnonzero((material.rows["split"] == "val").to_numpy())
    images: UInt8[np.ndarray, "n size size"] = material.images[
        np.sort(np.random.default_rng(0).permutation(validating)[:AGREEMENT_IMAGES])
    ]
    expected = torch.cat([shipped(unit(torch.from_numpy(part)[:, None]))[0] for part in in_batches(images)]).numpy()
    found = run_graph(graph, card, images).logit
    difference = np.abs(1 / (1 + np.exp(-expected)) - 1 / (1 + np.exp(-found)))
    if not difference.max() <= LARGEST_DIFFERENCE:
        raise ArtifactError(f"ONNX and PyTorch differ by {difference.max():.2g}, expected at most {LARGEST_DIFFERENCE}")
    return {"images": len(images), "mean": float(difference.mean()), "largest": float(difference.max())}
