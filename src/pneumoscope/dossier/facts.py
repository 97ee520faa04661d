"""Facts that the document computes from the predictions and from the node's load run, by address."""

import json
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope.core import InputError, released_device
from pneumoscope.dossier.device import Cohort, Device
from pneumoscope.dossier.moved_up import measure, perfect_calibration, population_counts, read_action, without_pixels
from pneumoscope.dossier.queueing import Scores, Site, Waits, simulate
from pneumoscope.evaluation import Evidence, Question
from pneumoscope.model import OPERATING_POINTS, Card

LOADS, PREVALENCES = (0.5, 0.7, 0.8, 0.9, 0.95), (0.01, 0.05, 0.2)
BASE = Site(load=0.8, prevalence=0.05, images=1500, replications=5)
_KEYS = {"first come, first served": "first", "released order": "released", "moved up always first": "always"}


def key_of(cohort: Cohort) -> str:
    """Return a cohort's name in addresses."""
    return f"{cohort.evidence}-{cohort.question}".replace("/", "-").replace(".", "-")


def action_facts(device: Device, release: dict[str, Evidence], card: Card | None) -> dict[str, Any]:
    """Return what the device does with each test cohort's images, and under `beside` with test images of no cohort."""
    found: dict[str, Any] = {}
    for cohort in device.cohorts("test"):
        numbers = measure(read_action(release[cohort.evidence], cohort, point=device.operating_point, card=card))
        error = perfect_calibration(release[cohort.evidence], cohort)
        numbers["perfect_calibration"] = error or {}
        numbers["without_pixels"] = without_pixels(release, device, cohort)
        numbers["populations"] = population_counts(release[cohort.evidence])
        found[key_of(cohort)] = numbers
    return found | {"beside": _beside(device, release, card)}


def _beside(device: Device, release: dict[str, Evidence], card: Card | None) -> dict[str, Any]:
    """Test images of the same model that no cohort reports: each folder's last question (a radiologist's, if any).

    Of questions that the thresholds decide, and that do not choose their negatives.
    """
    reported = {cohort.evidence for cohort in device.cohort}
    model = release[device.cohorts("test")[0].evidence].provenance["model"].get("sha256")
    found = {}
    for name, evidence in release.items():
        if name in reported or not name.endswith("-test") or evidence.provenance["model"].get("sha256") != model:
            continue
        config = evidence.provenance["config"]
        asked = [Question(**one) for one in config["questions"]]
        named = [one.name for one in asked if one.against is None and one.score in config["points"]]
        if not named:
            continue
        cohort = Cohort(evidence=name, question=named[-1], title=name, reference="", role="test")
        found[name.replace("/", "-")] = measure(
            read_action(evidence, cohort, point=device.operating_point, card=card)
        ) | {"evidence": name, "title": str(evidence.cohort["title"])}
    return found


def simulation_facts(device: Device, release: dict[str, Evidence], card: Card | None) -> dict[str, Any]:
    """Return waits by load, prevalence and operating point, from the first test cohort's scores."""
    cohort = device.cohorts("test")[0]
    evidence = release[cohort.evidence]

    def scores(point: str) -> Scores:
        return read_action(evidence, cohort, point=point, card=card).scores

    try:
        chosen = scores(device.operating_point)
        loads = {_percent(load): _case(chosen, replace(BASE, load=load)) for load in LOADS}
        shares = {_percent(share): _case(chosen, replace(BASE, prevalence=share)) for share in PREVALENCES}
        there = evidence.provenance["config"]["points"]
        named: dict[str, Any] = next(iter(there.values()), {})
        points = {point: _case(scores(point), BASE) for point in OPERATING_POINTS if point in named}
    except (InputError, KeyError) as error:
        return {"why_not": str(error)}
    return {
        "cohort": cohort.title,
        "site": asdict(BASE) | {"load": _percent(BASE.load), "prevalence": _percent(BASE.prevalence)},
        "by_load": loads,
        "by_prevalence": shares,
        "by_point": points,
    }


def latency_facts(source: Path) -> dict[str, Any] | None:
    """Return the newest load run of the node beside the source; None where there is none."""
    runs = sorted((source.parent / "benchmarks" / "results").glob("node_load-*.json"))
    if not runs:
        return None
    table = json.loads(runs[-1].read_text(encoding="utf-8"))
    return {"file": runs[-1].name, "at": table["at"][:10], "cores": table["machine"]["cores"], "runs": table["reading"]}


def latency_file(source: Path) -> Path | None:
    """Return the file that `latency_facts` reads."""
    return max((source.parent / "benchmarks" / "results").glob("node_load-*.json"), default=None)


def _case(scores: Scores, site: Site) -> dict[str, Any]:
    """One row: the share moved up, and the waits under each rule in minutes."""
    found = _simulated(scores.truth.tobytes(), scores.moved_up.tobytes(), site)
    case: dict[str, Any] = {"moved_up": _percent(found[0].share_moved_up)}
    for one in found:
        for group in ("positives", "missed", "others"):
            wait = getattr(one, group)
            shown = "none" if wait is None else f"{wait.mean:.0f} / {wait.p95:.0f}"
            case[f"{_KEYS[one.rule]}_{group}"] = shown
            case[f"{_KEYS[one.rule]}_{group}_numbers"] = None if wait is None else asdict(wait)
        case[f"{_KEYS[one.rule]}_overtaking"] = f"{one.longest_overtaking_min:.0f}"
    return case


@cache
def _simulated(truth: bytes, moved_up: bytes, site: Site) -> tuple[Waits, ...]:
    scores = Scores(np.frombuffer(truth, dtype=bool), np.frombuffer(moved_up, dtype=bool))
    return simulate(site, scores, head_start=released_device().worklist)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
