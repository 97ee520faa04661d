"""Evidence for a sealed artefact: one folder for each source and side of the split that was not trained on."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32, Shaped, UInt8

from pneumoscope.core import ConfigError, Population
from pneumoscope.datasets import manifest_sha256
from pneumoscope.evidence import Cohort, Evidence, Node, Point, Question, Settings, default_questions, write_evidence
from pneumoscope.model import OPERATING_POINTS, Artifact, Card
from pneumoscope.training.cost import total_cost
from pneumoscope.training.export import run_graph
from pneumoscope.training.images import load_cropped, read_manifest
from pneumoscope.training.localisation import COLUMNS, boxes_seen, localisation_evidence
from pneumoscope.training.populations import populations
from pneumoscope.training.radiologists import rsna_boxes
from pneumoscope.training.refusals import guard_evidence
from pneumoscope.training.shortcuts import probe_evidence, route_evidence

_LABEL = "Pneumonia"
_TITLES = {
    "kermany": "Kermany, children",
    "nih": "NIH, adults and few children",
    "rsna_normal": "NIH images that RSNA's radiologists call normal",
}
_SIDES = {"val": "validation", "test": "test"}
# What a run leaves that a reader of its evidence needs.
_RECORDS = ("run.json", "curves.csv", "split.csv", "layers.csv")


def evaluate(artifact: Artifact, data: Path, output: Path) -> Iterator[Evidence]:
    """Write and yield an evidence folder below `output` for each source's validation and test images.

    Images are decided upon by the rule of their patient's population, as in reading. The test images were held out
    of training and of every choice; run this once per released model.
    """
    card = artifact.card
    manifest = read_manifest(data, split_seed=int(card.training["config"]["split_seed"]))
    manifest = manifest[manifest["split"] != "train"].reset_index(drop=True)
    images, crops = load_cropped(manifest["path"], card.recipe)
    boxes = boxes_seen(rsna_boxes(data), manifest["image_id"], crops)
    outputs = run_graph(artifact.onnx, card, images)
    population = populations(manifest)
    rows = manifest.assign(
        population=population.astype(str),
        logit=outputs.logit[:, 0],
        distance=outputs.distance,
        **{f"prob_{_LABEL}": probability(card, outputs.logit[:, 0], population)},
    )
    seen = _Seen(artifact, rows, images, outputs.cam[:, 0], outputs.embedding, boxes)
    cost = total_cost(card.training.get("members", [card.training]))
    sha256 = manifest_sha256(manifest)
    for split in _SIDES:
        for source in _TITLES:
            part = seen.part(source, split)
            if not part.rows.empty:
                cohort = _cohort(artifact, part.rows, manifest_sha256=sha256)
                other = _of_pixels(part, data if source == "nih" else None) | _shortcuts(seen, part, cohort.questions)
                if cost:
                    other["training"] = cost
                folder = output / f"{source}-{split}"
                yield write_evidence(replace(cohort, other=other), folder, settings=Settings())


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What the model saw and said: for each row image, activation map, embedding, and radiologists' boxes."""

    artifact: Artifact
    rows: pd.DataFrame
    images: UInt8[np.ndarray, "n size size"]
    cams: Float32[np.ndarray, "n y x"]
    embeddings: Float32[np.ndarray, "n features"]
    boxes: list[Float[np.ndarray, "b 4"]]

    def part(self, source: str, split: str) -> "_Seen":
        """The images of one source and side; rows are numbered anew, and have room for localisation."""
        index = np.flatnonzero((self.rows["source"] == source) & (self.rows["split"] == split))
        rows = self.rows.iloc[index].reset_index(drop=True).reindex(columns=[*self.rows.columns, *COLUMNS])
        boxes = [self.boxes[one] for one in index]
        return _Seen(self.artifact, rows, self.images[index], self.cams[index], self.embeddings[index], boxes)


def _of_pixels(part: _Seen, data: Path | None) -> dict[str, Node]:
    """What is measured on images and not on scores: the guard and, where radiologists drew boxes, localisation."""
    other: dict[str, Node] = {"guard": guard_evidence(part.artifact, part.rows, part.images, data)}
    if any(len(one) for one in part.boxes):
        other["localisation"], columns = localisation_evidence(
            part.artifact, part.rows, images=part.images, cams=part.cams, boxes=part.boxes
        )
        part.rows[list(COLUMNS)] = columns
    return other


def _shortcuts(seen: _Seen, part: _Seen, questions: Sequence[Question]) -> dict[str, Node]:
    """Of test images: what another route of copies changes and, of NIH's, what else the embedding knows."""
    source, split = part.rows.loc[0, ["source", "split"]]
    if split != "test":
        return {}
    found: dict[str, Node] = {"routes": route_evidence(part.artifact, part.rows, questions)}
    if source == "nih":
        side = np.flatnonzero(seen.rows["split"] == split)
        found["probes"] = probe_evidence(seen.rows.iloc[side], seen.embeddings[side], source=source)
    return {"shortcuts": found}


def probability(
    card: Card, logit: Float[np.ndarray, " n"], population: Shaped[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Each image's probability, by the calibration of its patient's population."""
    found = np.full(logit.shape, np.nan)
    for name, rule in card.rules.items():
        part = population == name
        found[part] = rule.calibration.probability(logit[part])
    return found


def points(card: Card, population: Sequence[str]) -> dict[str, Point]:
    """The card's operating points for images of these populations; the commonest one's threshold comes first."""
    there = pd.Series(population).value_counts().index.tolist()
    first = card.rules[Population(there[0])]
    return {
        name: Point(
            threshold=first.operating_points[name].threshold,
            rule=first.operating_points[name].rule,
            chosen_on=first.fitted_on,
            elsewhere={other: card.rules[Population(other)].operating_points[name].threshold for other in there[1:]},
        )
        for name in sorted(OPERATING_POINTS, key=lambda name: name != "balanced")  # groups are compared at the first
    }


def keep_records(runs: Sequence[Path], output: Path) -> None:
    """Copy what the runs recorded (configuration, curves, split, layers) into `output`, a folder a run's member.

    Raises:
        ConfigError: A folder holds no run.
    """
    for run in runs:
        found = [path for name in _RECORDS for path in sorted(run.rglob(name))]
        if not found:
            raise ConfigError(f"expected a training run with {_RECORDS[0]} in {run}, found none")
        for path in found:
            folder = output / run.name if len(runs) > 1 else output
            target = folder / path.relative_to(run)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _cohort(artifact: Artifact, rows: pd.DataFrame, *, manifest_sha256: str) -> Cohort:
    source, split = rows.loc[0, ["source", "split"]]
    questions = default_questions(rows, [_LABEL])
    if rows["rsna_opacity"].notna().any():
        questions.append(Question(_LABEL, "rsna_opacity"))
    return Cohort(
        title=f"{_TITLES[source]}: {_SIDES[split]}",
        rows=rows,
        left_out={},
        questions=questions,
        points={_LABEL: points(artifact.card, rows["population"].tolist())},
        model=asdict(artifact.identity),
        manifest_sha256=manifest_sha256,
        keep=("logit", "distance", *COLUMNS),
    )
