"""Rows of AUROCs, as several figures show them."""

from pneumoscope.eda.wording import count, decimal_interval
from pneumoscope.plotting import Colour, Point, Row
from pneumoscope.stats import Auroc

AREA_COLUMNS = (("positive / images", 110.0), ("AUROC [95 %]", 140.0))


def area_row(label: str, auroc: Auroc, *, colour: Colour) -> Row:
    """Return the area with its interval, and what it was measured on."""
    return Row(
        label=label,
        points=(Point(value=auroc.value, low=auroc.low, high=auroc.high, colour=colour),),
        columns=(f"{count(auroc.positives)} / {count(auroc.n)}", decimal_interval(auroc, digits=3)),
    )
