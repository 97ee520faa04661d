"""Evidence for a sealed artefact: one folder for each source and side of the split that was not trained on."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, UInt8

from pneumoscope.core import ConfigError
from pneumoscope.datasets import RSNA_DICOM, manifest_sha256, read_rsna_dicom
from pneumoscope.evaluation import (
    Cohort,
    Evidence,
    Node,
    NotEstimable,
    Point,
    Question,
    Settings,
    default_questions,
    write_evidence,
)
from pneumoscope.model import OPERATING_POINTS, Artifact, Card
from pneumoscope.reading import Outputs
from pneumoscope.training.cost import total_cost
from pneumoscope.training.evaluation.conformal import conformal_evidence
from pneumoscope.training.evaluation.localisation import COLUMNS, localisation_evidence
from pneumoscope.training.evaluation.lungs import LUNG_COLUMNS, lung_evidence
from pneumoscope.training.evaluation.maps import Boxed, map_evidence
from pneumoscope.training.evaluation.refusals import guard_evidence
from pneumoscope.training.evaluation.shortcuts import probe_evidence, route_evidence
from pneumoscope.training.export.export import member_configs, run_graph
from pneumoscope.training.export.held_out import member_outputs, unseen
from pneumoscope.training.images import load_cropped, read_manifest
from pneumoscope.training.lungs import masks_seen
from pneumoscope.training.populations import (
    columns_of,
    population_named,
    populations,
    probability,
    report_probability,
    rule_named,
    rule_names,
)
from pneumoscope.training.radiologists import Boxes, boxes_seen, rsna_boxes
from pneumoscope.training.reader.config import Continues
from pneumoscope.training.reader.material import reader_rows
from pneumoscope.training.runs import Run, member_folders, read_run

_LABEL, REPORT = "Pneumonia", "Report"
_KEPT = (*COLUMNS, *LUNG_COLUMNS)
_TITLES = {
    "rsna_256": "RSNA's first thousand, adults, nobody picked them",
    RSNA_DICOM: "RSNA's DICOM files of held-out patients, read as a clinic's",
    "radiography": "Copies of a COVID radiography collection, adults",
    "boxes": "Copies with NIH's boxes, adults",
    "kermany": "Kermany, children",
    "nih": "NIH, adults and few children",
    "rsna_normal": "NIH images that RSNA's radiologists call normal",
}
_SIDES = {"val": "validation", "test": "test"}
# What a run leaves that a reader of its evidence needs.
_RECORDS = ("run.json", "curves.csv", "split.csv", "layers.csv")


def evaluate(artifact: Artifact, data: Path, output: Path, *, runs: Sequence[Path] = ()) -> Iterator[Evidence]:
    """Write and yield an evidence folder below `output` for each source's validation and test images.

    Images are decided upon by the rule of their patient's population, as in reading. The test images were held out
    of training and of every choice; run this once per released model. Validation images are read by members that have
    not seen their patient: of a model whose members were trained on different parts, all but the test.

    Args:
        artifact: The model.
        data: Folder of the data sets.
        output: Where the folders go.
        runs: The runs that it was sealed from, for methods that need more than its graph.
    """
    runs_read = [read_run(folder) for run in runs for folder in member_folders(run)]
    manifest = _manifest(artifact.card, data)
    cost = total_cost(artifact.card.training.get("members", []))
    for split in _SIDES:
        seen = _seen(artifact, manifest, data, split=split)
        sha256 = manifest_sha256(seen.rows[manifest.columns])
        for source in _TITLES:
            part = seen.part(source)
            if not part.rows.empty:
                cohort = _cohort(artifact, part.rows, manifest_sha256=sha256)
                other: dict[str, Node] = {"artefact": _artefact(artifact)}
                other |= _of_pixels(part, data if source == "nih" else None, runs_read)
                asked = [one for one in cohort.questions if one.score == _LABEL]  # the report's output has no limits
                other["conformal"] = conformal_evidence(artifact.card, part.rows, asked)
                other |= _shortcuts(seen, part, asked) | ({"training": cost} if cost else {})
                folder = output / f"{source}-{split}"
                yield write_evidence(replace(cohort, other=other), folder, settings=Settings())


def _artefact(artifact: Artifact) -> dict[str, Node]:
    """Return what the artefact is, for pages about it."""
    return {"version": artifact.card.version, "created": artifact.card.created, "megabytes": len(artifact.onnx) / 1e6}


def _manifest(card: Card, data: Path) -> pd.DataFrame:
    """Return the whole images with the sides that the model was made with."""
    split_seed = int(card.training["config"]["split_seed"])
    first = read_manifest(data, split_seed=split_seed)
    if "stages" not in card.training:
        return first
    continues = card.training["config"].get("continues")
    rows = reader_rows(data, split_seed=split_seed, continues=continues and Continues(**continues))
    rows = pd.concat([rows[rows["whole"].astype(bool)], read_rsna_dicom(data, rows)], ignore_index=True)
    learnt = set(first.loc[first["split"] == "train", "patient_id"])  # by the lung fields' network
    return rows.assign(lungs_learnt=rows["patient_id"].isin(learnt))


def _seen(artifact: Artifact, manifest: pd.DataFrame, data: Path, *, split: str) -> "_Seen":
    """Return what the model says of one side of the split.

    For test images, or without folds, the whole model answers; for validation images the members that have not seen
    them.
    """
    card = artifact.card
    members = member_configs(card)
    by_all = split == "test" or not any(one.data.folds for one in members)
    read = np.isin(populations(manifest), list(card.rules))
    if by_all:
        place = np.flatnonzero((manifest["split"] == split) & read)
    else:
        which = unseen(manifest, members)
        place = which.answered()
    learnt = manifest["lungs_learnt"] if "lungs_learnt" in manifest else manifest["split"] == "train"
    lungs_learnt = learnt.to_numpy()[place]
    manifest = manifest.iloc[place].assign(split=split).reset_index(drop=True)
    images, crops = load_cropped(manifest["path"], card.recipe)
    population = populations(manifest)
    if by_all:
        all_columns = run_graph(artifact.onnx, card, images)
        outputs = all_columns.answering(columns_of(card, population))
        reported = report_probability(card, all_columns.logit, population, manifest["view"])
    else:
        outputs, reported = member_outputs(artifact.onnx, images).held_out(which.of(place)), None
    names = rule_names(card, population, manifest["view"])
    rows = manifest.assign(
        population=names,
        logit=outputs.logit[:, 0],
        distance=outputs.distance,
        **{f"prob_{_LABEL}": probability(card, outputs.logit[:, 0], names)},
    )
    if reported is not None:
        rows[f"prob_{REPORT}"] = reported
    masks = masks_seen(data, manifest["image_id"], crops, size_px=card.recipe.size_px)
    known = [None if learnt else mask for mask, learnt in zip(masks, lungs_learnt, strict=True)]
    boxes = boxes_seen(rsna_boxes(data), manifest["image_id"], crops)
    return _Seen(artifact, rows, images, outputs, boxes, known, by_all)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What the model saw and said: a row, a prepared image, outputs, radiologists' boxes and lung mask for each.

    `by_all`: no member has seen their patients, so that the whole model may be asked about changed images too.
    """

    artifact: Artifact
    rows: pd.DataFrame
    images: UInt8[np.ndarray, "n size size"]
    outputs: Outputs
    boxes: Boxes
    masks: list[Bool[np.ndarray, "size size"] | None]
    by_all: bool

    def part(self, source: str) -> "_Seen":
        """Return the images of one source; rows are numbered anew, and have room for localisation."""
        index = np.flatnonzero(self.rows["source"] == source)
        rows = self.rows.iloc[index].reset_index(drop=True).reindex(columns=[*self.rows.columns, *_KEPT])
        return _Seen(
            self.artifact,
            rows,
            self.images[index],
            self.outputs.of(index),
            [self.boxes[one] for one in index],
            [self.masks[one] for one in index],
            self.by_all,
        )

    def boxed(self) -> Boxed:
        """Return the images with a box, of their most frequent population alone: one column of the graph answers."""
        boxed = np.array([len(one) > 0 for one in self.boxes])
        group = self.rows["population"].map(population_named)
        population = group[boxed].mode()[0]
        index = np.flatnonzero(boxed & (group == population))
        return Boxed(
            artifact=self.artifact,
            patient=self.rows["patient_id"].to_numpy()[index],
            population=population,
            images=self.images[index],
            cams=self.outputs.cam[index, 0],
            boxes=[self.boxes[one] for one in index],
        )


def _of_pixels(part: _Seen, data: Path | None, members: Sequence[Run]) -> dict[str, Node]:
    """Return what is measured on images and not on scores: guard, lungs and, with radiologists' boxes, localisation."""
    other: dict[str, Node] = {"guard": guard_evidence(part.artifact, part.rows, part.images, data)}
    cams, lungs = part.outputs.cam[:, 0], part.outputs.lungs
    other["lungs"], columns = lung_evidence(
        part.artifact.card,
        part.rows,
        cams=cams,
        lungs=None if lungs is None else lungs[:, 0],
        masks=part.masks,
        boxes=part.boxes,
    )
    part.rows[list(LUNG_COLUMNS)] = columns
    if any(len(one) for one in part.boxes):
        located, columns = localisation_evidence(part.rows, cams=cams, boxes=part.boxes)
        part.rows[list(COLUMNS)] = columns
        if part.by_all and not isinstance(located, NotEstimable):
            located = located | map_evidence(part.boxed(), runs=members)
        other["localisation"] = located
    return other


def _shortcuts(seen: _Seen, part: _Seen, questions: Sequence[Question]) -> dict[str, Node]:
    """Return effects of other routes and, for NIH, probes of the embedding; of the first folders' test images."""
    source, split = part.rows.loc[0, ["source", "split"]]
    if split != "test" or source not in ("nih", "kermany"):
        return {}
    found: dict[str, Node] = {"logit_deviation": float(part.rows["logit"].std())}
    found["routes"] = route_evidence(part.artifact, part.rows, questions)
    if source == "nih":
        found["probes"] = probe_evidence(seen.rows, seen.outputs.embedding, source=source)
    return {"shortcuts": found}


def points(card: Card, population: Sequence[str]) -> dict[str, Point]:
    """Return the card's operating points for images of these populations.

    The threshold of the most frequent population comes first.
    """
    there = pd.Series(population).value_counts().index.tolist()
    first = rule_named(card, there[0])
    return {
        name: Point(
            threshold=first.operating_points[name].threshold,
            rule=first.operating_points[name].rule,
            chosen_on=first.fitted_on,
            elsewhere={other: rule_named(card, other).operating_points[name].threshold for other in there[1:]},
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
        if (rows["rsna_normal"] == 1).any() and (rows["rsna_opacity"] == 1).any():
            questions.append(Question(_LABEL, "rsna_opacity", "rsna_normal"))
    if f"prob_{REPORT}" in rows and rows.loc[rows[f"prob_{REPORT}"].notna(), _LABEL].notna().any():
        questions.append(Question(REPORT, _LABEL))
    return Cohort(
        title=f"{_TITLES[source]}: {_SIDES[split]}",
        rows=rows,
        left_out={},
        questions=questions,
        points={_LABEL: points(artifact.card, rows["population"].tolist())},
        model=asdict(artifact.identity),
        manifest_sha256=manifest_sha256,
        keep=("logit", "distance", *_KEPT),
    )
