"""The evidence folder: one cohort's numbers, the predictions that they come from, and its figures."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pneumoscope.core import ArtifactError, sha256_of, write_atomically
from pneumoscope.evaluation.numbers import Leaf, Node, NotEstimable, Number, Tree, from_json, leaves, to_json

SCHEMA = 1
NUMBERS_FILE = "evidence.json"
PREDICTIONS_FILE = "predictions.parquet"
CURVES_FILE = "curves.parquet"

_COHORT_KEYS = ("title", "images", "patients")
_PROVENANCE_KEYS = ("model", "predictions_sha256", "manifest_sha256", "config", "code", "created")
_LABEL_KEYS = (
    "question",
    "n",
    "positives",
    "patients",
    "auroc",
    "auprc",
    "operating_points",
    "calibration",
    "subgroups",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """One evidence folder, valid once built; docs/reference/evidence.md has the keys.

    Attributes:
        name: The folder's path below the release, such as `nih-test`.
        path: The folder.
        cohort: Which images, how many of how many patients, and what was left out.
        labels: For each question put to the cohort, every number of its answer.
        provenance: Hashes, configuration, versions and the time; plain JSON.
        other: Groups that some folders have and others don't, such as `guard`.
    """

    name: str
    path: Path
    cohort: Tree
    labels: Tree
    provenance: dict[str, Any]
    other: Tree

    def at(self, path: str) -> Node:
        """Return the node at a dotted path, such as `labels.Pneumonia.auroc`.

        Raises:
            ArtifactError: There is none; says which of its steps is missing and what is there instead.
        """
        node: Any = {**self.other, "cohort": self.cohort, "labels": self.labels, "provenance": self.provenance}
        for step in path.split("."):
            if not isinstance(node, dict) or step not in node:
                there = ", ".join(map(str, node)) if isinstance(node, dict) else "a leaf"
                raise ArtifactError(f"{self.path / NUMBERS_FILE}: {path}: expected {step!r}, found {there}")
            node = node[step]
        found: Node = node
        return found

    def number(self, path: str) -> Number:
        """Return the number at a dotted path.

        Raises:
            ArtifactError: There is none, or it was not estimable.
        """
        node = self.at(path)
        if isinstance(node, NotEstimable):
            raise ArtifactError(f"{self.path / NUMBERS_FILE}: {path}: expected a number, not estimable: {node.why}")
        if not isinstance(node, Number):
            raise ArtifactError(f"{self.path / NUMBERS_FILE}: {path}: expected a number, found {type(node).__name__}")
        return node

    def numbers(self) -> Iterator[tuple[str, Leaf]]:
        """Every number of the folder, and every reason for none, with its dotted path."""
        yield from leaves({"cohort": self.cohort, "labels": self.labels, **self.other})


def read_evidence(folder: Path, *, name: str | None = None) -> Evidence:
    """Return the evidence in a folder, checked: every leaf, the required keys, and the predictions' SHA-256.

    Raises:
        ArtifactError: It is missing, not of this schema, or edited; says all that is wrong with its keys.
    """
    path = folder / NUMBERS_FILE
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: expected evidence as JSON, found {error}") from error
    if not isinstance(table, dict) or table.get("schema") != SCHEMA:
        found = table.get("schema") if isinstance(table, dict) else type(table).__name__
        raise ArtifactError(f"{path}: expected evidence of schema {SCHEMA}, found {found}")
    if missing := list(_missing(table)):
        raise ArtifactError(f"{path}: expected {', '.join(missing)}, found no such keys")
    provenance = table.pop("provenance")
    tree = from_json({key: value for key, value in table.items() if key != "schema"}, path=str(path))
    assert isinstance(tree, dict)
    _require_predictions(folder, provenance["predictions_sha256"])
    return Evidence(
        name=name or folder.name,
        path=folder,
        cohort=tree.pop("cohort"),
        labels=tree.pop("labels"),
        provenance=provenance,
        other=tree,
    )


def read_release(folder: Path) -> dict[str, Evidence]:
    """Every evidence folder under a release, by its path below it; the folder itself, if it is one, as its name.

    Raises:
        ArtifactError: There is none, or one cannot be read.
    """
    found = sorted(path.parent for path in folder.rglob(NUMBERS_FILE))
    if not found:
        raise ArtifactError(f"expected evidence folders (with {NUMBERS_FILE}) under {folder}, found none")
    names = [path.relative_to(folder).as_posix() if path != folder else path.name for path in found]
    return {name: read_evidence(path, name=name) for name, path in zip(names, found, strict=True)}


def write_numbers(folder: Path, *, cohort: Tree, labels: Tree, provenance: dict[str, Any], other: Tree) -> None:
    """Write `evidence.json`; the predictions must be there, and their hash goes in."""
    provenance = {"predictions_sha256": sha256_of(folder / PREDICTIONS_FILE)} | provenance
    table = {"schema": SCHEMA, "cohort": cohort, "labels": labels, **other}
    text = json.dumps(to_json(table) | {"provenance": provenance}, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(folder / NUMBERS_FILE, text + "\n")


def _missing(table: dict[str, Any]) -> Iterator[str]:
    """Yield required keys that a parsed file does not have, as dotted paths."""
    groups = {"cohort": _COHORT_KEYS, "provenance": _PROVENANCE_KEYS}
    labels = table.get("labels")
    if not isinstance(labels, dict) or not (labels or "readers" in table):
        yield "labels with one question or more"
        labels = {}
    for path, group, keys in [
        *((name, table.get(name), keys) for name, keys in groups.items()),
        *((f"labels.{name}", label, _LABEL_KEYS) for name, label in labels.items()),
    ]:
        there = group if isinstance(group, dict) else {}
        yield from (f"{path}.{key}" for key in keys if key not in there)


def _require_predictions(folder: Path, expected: str) -> None:
    path = folder / PREDICTIONS_FILE
    if not path.is_file():
        raise ArtifactError(f"expected the predictions that the numbers come from at {path}, found none")
    if (found := sha256_of(path)) != expected:
        raise ArtifactError(f"{path}: expected SHA-256 {expected}, as {NUMBERS_FILE} says, found {found}")
