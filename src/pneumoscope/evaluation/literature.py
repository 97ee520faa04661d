"""What others published, from one data file with its sources; never mixed with what was measured here."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Published:
    """AUROC by finding, as printed in `citation`, on a split of the authors' own."""

    name: str
    citation: str
    split: str
    auroc: dict[str, float]


@dataclass(frozen=True, slots=True)
class PublishedF1:
    """F1 for pneumonia of a reader or model in the CheXNet paper, with its 95 % interval."""

    name: str
    value: float
    low: float
    high: float


@cache
def published_aurocs() -> tuple[Published, ...]:
    """Wang 2017 and CheXNet 2017, in that order."""
    return tuple(
        Published(entry["name"], entry["citation"], entry["split"], entry["auroc"]) for entry in _table()["source"]
    )


@cache
def published_f1s() -> tuple[PublishedF1, ...]:
    """Return the paper's four radiologists, their mean, and CheXNet."""
    return tuple(PublishedF1(entry["name"], *entry["f1"]) for entry in _table()["reader"])


def f1_citation() -> str:
    """Where `published_f1s` are printed, and on how many images."""
    study = _table()["reader_study"]
    return f"{study['citation']}; {study['images']} images, four readers"


def _table() -> dict[str, Any]:
    text = resources.files("pneumoscope.evaluation").joinpath("literature.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
