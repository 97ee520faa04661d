"""Waits at one site, for `pneumoscope plan --triage`."""

from pathlib import Path

import numpy as np

from pneumoscope.core import ConfigError, released_device
from pneumoscope.dossier.assumptions import Plan
from pneumoscope.dossier.device import Cohort
from pneumoscope.dossier.moved_up import read_action
from pneumoscope.dossier.queueing import Scores, Waits, simulate
from pneumoscope.evaluation import read_evidence
from pneumoscope.model import load, shipped_path

_ROWS = 10_000


def site_waits(plan: Plan, evidence: Path | None) -> tuple[str, tuple[Waits, ...]]:
    """Return where the scores come from, and the waits under each order.

    Args:
        plan: With the reading room, and the rates that are taken where no evidence is given.
        evidence: An evidence folder; its last question's images are drawn.

    Raises:
        ArtifactError: The folder is no evidence.
        ConfigError: It does not have the released operating point.
    """
    device = released_device()
    if evidence is None:
        scores, source = _planned(plan), "the plan's expected sensitivity and specificity, not measured"
    else:
        read = read_evidence(evidence)
        question = list(read.labels)[-1]
        cohort = Cohort(evidence=read.name, question=question, title=question, reference="", role="test")
        artifact = load(shipped_path())
        same = artifact.identity.sha256 == read.provenance["model"].get("sha256")
        try:
            action = read_action(read, cohort, point=device.operating_point, card=artifact.card if same else None)
        except KeyError as error:
            raise ConfigError(
                f"{evidence}: expected the operating point {device.operating_point}, found {error}"
            ) from error
        scores, source = action.scores, f"{read.name}, {question}"
    return source, simulate(plan.worklist, scores, head_start=device.worklist, seed=plan.seed)


def _planned(plan: Plan) -> Scores:
    truth = np.arange(2 * _ROWS) < _ROWS
    rank = np.tile((np.arange(_ROWS) + 0.5) / _ROWS, 2)
    moved = rank < np.where(truth, plan.sensitivity.expected, 1 - plan.specificity.expected)
    return Scores(truth, moved)
