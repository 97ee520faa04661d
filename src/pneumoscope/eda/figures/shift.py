"""Figures of the split and of the shortcuts."""

from pneumoscope.eda.figures.areas import AREA_COLUMNS, area_row
from pneumoscope.eda.floors import JOINT, Floors
from pneumoscope.eda.shift import Contrast, Shift
from pneumoscope.eda.wording import count, decimal_interval, listed, percent, plain
from pneumoscope.plotting import Colour, Figure, ForestAxis, ForestLayout, Mark, Point, Row, Text, forest
from pneumoscope.stats import Proportion

_WIDTH = 760.0
_LEAST = 0.0005


def sides(numbers: Shift) -> Figure | None:
    """Each share on the learning side and in the test; None where nothing can be compared."""
    if not numbers.contrasts:
        return None
    rows = [
        Row(
            label=plain(one.name),
            points=(_point(one.learn, "train", hollow=True), _point(one.test, "test", hollow=False)),
            columns=(percent(one.learn.value), percent(one.test.value), _ratio(one)),
        )
        for one in numbers.contrasts
    ]  # fmt: skip
    least = min(point.value for row in rows for point in row.points if point.value > 0)
    marks, height = forest(
        rows,
        ForestAxis(title="% of images (log scale)", low=max(100 * _LEAST, least / 1.6), high=100, log=True),
        layout=ForestLayout(width=_WIDTH, labels=190, columns=(("train + val", 80), ("test", 66), ("ratio", 70))),
    )
    legend: tuple[Mark, ...] = (
        Text(x=0, y=12, text="○ train + val", colour="train", bold=True, size=11.5),
        Text(x=92, y=12, text="● test", colour="test", bold=True, size=11.5),
    )
    apart = [one for one in numbers.contrasts if one.differs]
    finding = numbers.test.finding.share, numbers.learn.finding.share
    about = (
        f"{percent(finding[0].value)} of the test images are positive against {percent(finding[1].value)}"
        if finding[0] and finding[1]
        else "The sides differ"
    )
    return Figure(
        name="shift",
        title="Test against training and validation",
        takeaway=(
            f"{about}, and a test patient has {numbers.test.images_a_patient:.1f} images against "
            f"{numbers.learn.images_a_patient:.1f}; {len(apart)} of {len(numbers.contrasts)} shares differ beyond "
            "their intervals."
        ),
        caption=(
            f"Train + val: {count(numbers.learn.images)} images of {count(numbers.learn.patients)} patients; test: "
            f"{count(numbers.test.images)} of {count(numbers.test.patients)}; {count(numbers.shared_patients)} "
            f"patients on both. Exact 95 % intervals, clustered by patient. Split by the column {numbers.column}."
        ),
        width=_WIDTH,
        height=height,
        marks=(*legend, *marks),
    )


def _point(share: Proportion, colour: Colour, *, hollow: bool) -> Point:
    return Point(value=100 * share.value, low=100 * share.low, high=100 * share.high, colour=colour, hollow=hollow)


def _ratio(one: Contrast) -> str:
    return f"\N{MULTIPLICATION SIGN} {one.test.value / one.learn.value:.2f}" if one.learn.value else ""


def shortcut_floors(numbers: tuple[Floors, ...]) -> Figure | None:
    """AUROC of what needs no lungs; None where nothing varies."""
    rows: list[Row] = []
    for one in numbers:
        rows.append(Row(label=f"{one.label}  ({one.measured_on})", heading=True))
        rows += [
            area_row(floor.variable, floor.auroc, colour="finding" if floor.variable == JOINT else "depth")
            for floor in one.floors
        ]
    if not rows:
        return None
    values = [point for row in rows for point in row.points]
    marks, height = forest(
        rows,
        ForestAxis(
            title="AUROC (0.5 is chance)",
            low=min(0.45, *(point.low for point in values)),
            high=max(0.7, *(point.high for point in values)),
            reference=0.5,
        ),
        layout=ForestLayout(width=_WIDTH, columns=AREA_COLUMNS),
    )
    best = [max(one.floors, key=lambda floor: floor.auroc.value) for one in numbers]
    reached = [f"{decimal_interval(floor.auroc)} for {one.label}" for floor, one in zip(best, numbers, strict=True)]
    return Figure(
        name="shortcut-floors",
        title="Shortcut floors",
        takeaway=(
            f"Without looking at the lungs, AUROC reaches {listed(reached)}: what a model must clear before it has "
            "learned anything of the disease."
        ),
        caption=(
            "Categories score by the finding's share in them where the model would learn, numbers by themselves; "
            "together: logistic regression on categories and tenths. DeLong's intervals, clustered by patient "
            "(Obuchowski)."
        ),
        width=_WIDTH,
        height=height,
        marks=marks,
    )
