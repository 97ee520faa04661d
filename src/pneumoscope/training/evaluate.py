"""Evidence for a sealed artefact: one folder for each source and side of the split that was not trained on."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped

from pneumoscope.core import ConfigError, Population
from pneumoscope.datasets import manifest_sha256
from pneumoscope.evidence import Cohort, Evidence, Point, Question, Settings, default_questions, write_evidence
from pneumoscope.model import OPERATING_POINTS, Artifact, Card
from pneumoscope.training.export import run_graph
from pneumoscope.training.images import load_images, read_manifest
from pneumoscope.training.populations import populations
from pneumoscope.training.refusals import guard_evidence

_LABEL = "Pneumonia"
_TITLES = {
    "kermany": "Kermany, children",
    "nih": "NIH, adults and few children",
    "rsna_normal": "NIH images that RSNA's radiologists call normal",
}
_SIDES = {"val": "validation", "test": "test"}
# What a run leaves that a reader of its evidence needs.
_RECORDS = ("run.json", "metrics.csv", "split.csv", "layers.csv")


def evaluate(artifact: Artifact, data: Path, output: Path) -> Iterator[Evidence]:
    """Write and yield an evidence folder below `output` for each source's validation and test images.

    Images are decided upon by the rule of their patient's population, as in reading. The test images were held out
    of training and of every choice; run this once per released model.
    """
    card = artifact.card
    manifest = read_manifest(data, split_seed=int(card.training["config"]["split_seed"]))
    manifest = manifest[manifest["split"] != "train"].reset_index(drop=True)
    images = load_images(manifest["path"], card.recipe)
    outputs = run_graph(artifact.onnx, card, images)
    population = populations(manifest)
    rows = manifest.assign(
        population=population.astype(str),
        logit=outputs.logit[:, 0],
        distance=outputs.distance,
        **{f"prob_{_LABEL}": probability(card, outputs.logit[:, 0], population)},
    )
    sha256 = manifest_sha256(manifest)
    for split in _SIDES:
        for source in _TITLES:
            part = rows[(rows["source"] == source) & (rows["split"] == split)]
            if not part.empty:
                guard = guard_evidence(artifact, part, images[part.index], data if source == "nih" else None)
                cohort = _cohort(artifact, part.reset_index(drop=True), manifest_sha256=sha256)
                folder = output / f"{source}-{split}"
                yield write_evidence(replace(cohort, other={"guard": guard}), folder, settings=Settings())


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
        keep=("logit", "distance"),
    )
