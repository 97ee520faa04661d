"""Rows of AUROCs, as several figures show them."""

from pneumoscope.eda.draw.forest import Point, Row
from pneumoscope.eda.draw.inks import Ink
from pneumoscope.eda.wording import count, decimal_interval
from pneumoscope.stats import Auroc

AREA_COLUMNS = (("positive / images", 110.0), ("AUROC [95 %]", 140.0))


def area_row(label: str, auroc: Auroc, *, ink: Ink) -> Row:
    """The area with its interval, and what it was measured on."""
    return Row(
        label=label,
        points=(Point(value=auroc.value, low=auroc.low, high=auroc.high, ink=ink),),
        columns=(f"{count(auroc.positives)} / {count(auroc.n)}", decimal_interval(auroc, digits=3)),
    )
