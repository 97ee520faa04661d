"""Draws `docs/explanation/faults.md` from its template and the newest figures of `make faults` and `make load`."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def draw() -> None:
    pass


