"""Tables of facts beside the evidence: literature, accesses, training record, card, databases."""

import csv
import io
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from pneumoscope.core import ConfigError, Population
from pneumoscope.dossier.card_facts import card_facts, has_stages, stages_of
from pneumoscope.evaluation import Evidence
from pneumoscope.model import Card

TRAINING = "training"

_CURVE = "curves.csv"


def read_tables(evidence: Path, *, card: Card | None, release: Mapping[str, Evidence]) -> dict[str, Any]:
    """Return the tables by name: those of the package, and those that the training and the card left.

    Raises:
        ConfigError: A file is missing or unreadable.
        ArtifactError: The card's record of its training lacks a key.
    """
    shipped = resources.files("pneumoscope.dossier")
    tables: dict[str, Any] = {
        name: tomllib.loads((shipped / f"{name}.toml").read_text(encoding="utf-8"))
        for name in ("literature", "access", "charts")
    }
    tables["access"]["locked"] = locked = _locked((shipped / "locked-set.csv").read_text(encoding="utf-8"))
    locked["scored"] = _scored(locked["ids"], release.values())
    tables["access"]["access"] += _own_access(tables["access"]["access"], release.values())
    tables[TRAINING] = _training(evidence / TRAINING, card)
    if card is not None:
        tables["card"] = card_facts(card)
    for name, path in (
        ("databases", evidence / TRAINING / "databases.json"),
        ("pretraining", evidence / "pretraining" / "run.json"),
    ):
        if path.is_file():
            tables[name] = _json(path)
    return tables


def _locked(text: str) -> dict[str, Any]:
    """Return counts of the locked set: images of test patients that no release has scored by any route."""
    rows = list(csv.DictReader(io.StringIO(text)))
    return {
        "images": len(rows),
        "films": sum(bool(row["rsna_id"]) for row in rows),
        "patients": len({row["image_id"][:8] for row in rows}),
        "ids": [row["image_id"] for row in rows],
    }


def _scored(ids: Sequence[str], release: Iterable[Evidence]) -> int:
    """Return how many images of the locked set the release's predictions have."""
    read = [pd.read_parquet(one.path / "predictions.parquet", columns=["image_id"])["image_id"] for one in release]
    return len(set(ids) & {name for names in read for name in names})


def _own_access(listed: Sequence[Mapping[str, str]], release: Iterable[Evidence]) -> list[dict[str, str]]:
    """Return this release's own reading of the test sets, from its evidence, where the table does not list it yet."""
    tests = [one for one in release if one.name.endswith("-test") and one.provenance["model"].get("version")]
    version = str(tests[0].provenance["model"]["version"]) if tests else ""
    if not tests or any(one["release"] == version for one in listed):
        return []
    moment = min(str(one.provenance["created"]) for one in tests)
    return [
        {
            "release": version,
            "moment": moment[:16].replace("T", " "),
            "sets": "; ".join(str(one.cohort["title"]).partition(": test")[0] for one in tests),
            "seen": "all measures of this document, once",
            "decided": "nothing: this is the release that the document is about",
        }
    ]


def _training(folder: Path, card: Card | None) -> dict[str, Any]:
    """Return the first run's record, and under `networks` configuration, curves and layers by reader.

    Runs that answer for the same populations are members of one network: `adults`, or `adults-and-children`. Of a
    model that was trained in stages, the card has the record, and the folder only the loss of each stage.
    """
    if card is not None and has_stages(card):
        return stages_of(card, {path.parent.name: _rows(path) for path in sorted(folder.glob("*/curve.csv"))})
    runs = sorted(folder.rglob("run.json"))
    if not runs:
        raise ConfigError(f"expected the training run's run.json under {folder}, or a model card with stages; no such")
    facts: dict[str, Any] = _json(runs[0]) | {"members": len(runs), "networks": {}}
    for run in runs:
        config = _json(run).get("config", {})
        if missing := [name for name in ("backbone", "recipe") if name not in config]:
            raise ConfigError(f"{run}: expected the run's configuration, found no {', '.join(missing)} in it")
        reader = "-and-".join(config.get("populations", tuple(Population)))
        layers = _rows(path) if (path := run.with_name("layers.csv")).is_file() else []
        network = facts["networks"].setdefault(reader, {"members": 0, "config": config, "curves": {}, "layers": layers})
        network["members"] += 1
        if (curve := run.with_name(_CURVE)).is_file():
            network["curves"][run.parent.name] = _rows(curve)
    return facts


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: expected JSON, found {error}") from error


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
