"""How evidence is made: operating points, and the settings that every number depends on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np
from jaxtyping import Int


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """An operating point: an image is flagged where its score is at least `threshold`.

    Attributes:
        threshold: In [0, 1]; a score equal to it is flagged.
        rule: How the threshold was chosen, in words.
        chosen_on: The images that it was chosen on; numbers on the same images flatter it.
        elsewhere: Thresholds of populations (by the column `population`) that have another one.
    """

    threshold: float
    rule: str
    chosen_on: str
    elsewhere: Mapping[str, float] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Threshold and rule as the evidence has them."""
        facts = {"threshold": self.threshold, "rule": self.rule, "chosen_on": self.chosen_on}
        return facts | ({"threshold_elsewhere": dict(self.elsewhere)} if self.elsewhere else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How numbers are made; all of it goes into the evidence.

    Attributes:
        level: Confidence of every interval.
        seed: Of every bootstrap; the same seed gives the same numbers, in whatever order questions come.
        resamples: Draws of every bootstrap.
        fewest: A group with fewer patients of either class is "too few to say".
        prevalences: In percent: where predictive values, F1 and net benefit are given.
        axes: Columns of the manifest that subgroups are cut by, beside view, sex, age, follow-up and source.
        focus: The scores whose questions are drawn, and whose chosen thresholds are corrected for their optimism.
    """

    level: float = 0.95
    seed: int = 0
    resamples: int = 500
    fewest: int = 10
    prevalences: tuple[int, ...] = (1, 2, 5, 10, 20, 50)
    focus: tuple[str, ...] = ("Pneumonia",)
    axes: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, table: dict[str, Any]) -> "Settings":
        """Return settings as they were written into the evidence; lists become tuples again."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in table.items()
        }
        return cls(**values)

    def exact(self, patient: Int[np.ndarray, " n"]) -> dict[str, Any]:
        """Arguments of a statistic whose interval is a formula, clustered by patient."""
        return {"cluster": patient, "level": self.level}

    def drawn(self, patient: Int[np.ndarray, " n"], rng: np.random.Generator) -> dict[str, Any]:
        """Arguments of a statistic whose interval is a bootstrap of patients."""
        return {"cluster": patient, "level": self.level, "rng": rng, "resamples": self.resamples}

    def rng(self, *names: str) -> np.random.Generator:
        """Return a random generator of its own for each number, so that none depends on what is computed before it."""
        return np.random.default_rng([self.seed, crc32("/".join(names).encode())])
