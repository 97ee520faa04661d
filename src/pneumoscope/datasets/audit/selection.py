"""How the images at hand were picked from the table's."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from jaxtyping import Bool

from pneumoscope.datasets.audit.contrast import FEWEST, cramers_v
from pneumoscope.datasets.audit.finding import Finding, Severity

# Shares that differ by less are of no consequence.
_LEAST_DIFFERENCE = 0.05


def selection_findings(table: pd.DataFrame, at_hand: Bool[np.ndarray, " n"], label: str) -> Iterator[Finding]:
    """How the images at hand differ in view, sex and the label from the other rows of the table."""
    groups = {"all": np.ones(len(table), dtype=bool), label: (table[label] == 1).to_numpy()}
    if "no_finding" in table:
        groups["No Finding"] = (table["no_finding"] == 1).to_numpy()
    for name, inside in groups.items():
        for factor in ("view", "sex", *((label,) if name == "all" else ())):
            values = table.loc[inside, factor]
            counts = pd.crosstab(values, at_hand[inside])
            if counts.shape[0] < 2 or counts.shape[1] < 2 or counts.sum().min() < FEWEST:
                continue
            shares = counts / counts.sum()
            difference = (shares[True] - shares[False]).abs()
            if difference.max() < _LEAST_DIFFERENCE:
                continue
            value = difference.idxmax()
            whose = "images" if name == "all" else f"{name} images"
            said = f"{value}" if factor != label else f"{label} {value:g}"
            yield Finding(
                check="selection",
                severity=Severity.WARNING,
                message=f"{whose} at hand are not like the others of the table: {shares.loc[value, True]:.1%} are "
                f"{said}, {shares.loc[value, False]:.1%} of the rest; predictive values from them mean nothing",
                count=int(counts[True].sum()),
                numbers={"group": name, "factor": factor, "cramers_v": cramers_v(counts.to_numpy(dtype=float))},
            )
