"""Figures of the labels against radiologists."""

from pneumoscope.eda.readers import RSNA_CLASSES, Comparison, Readers
from pneumoscope.eda.wording import count, counted, decimal_interval, percent, percent_interval, plain
from pneumoscope.plotting import Colour, Figure, ForestAxis, ForestLayout, Mark, Point, Rect, Row, Text, forest
from pneumoscope.stats import Proportion

_WIDTH = 760.0
_COLOURS: tuple[Colour, ...] = ("finding", "depth", "clear")
_NAMES = ("Lung opacity", "No opacity, but not normal", "Normal")
# Landis and Koch, Biometrics 33(1), 1977, p. 165: below, agreement is slight.
_FAIR = 0.2
_VIEWS: dict[str, Colour] = {"All": "ink", "PA": "pa", "AP": "ap"}


def classes(numbers: Readers, *, finding: str) -> Figure | None:
    """Draw what RSNA's radiologists said of the images with each label; None where they read none."""
    if not numbers.classes:
        return None
    rows = sorted(numbers.classes, key=lambda one: -one.classes[0] / one.images)
    left, top, row, right = 150.0, 32.0, 22.0, _WIDTH - 60
    marks: list[Mark] = []
    x = left
    for name, colour in zip(_NAMES, _COLOURS, strict=True):
        marks.append(Text(x=x, y=12, text=name, colour=colour, bold=True))
        x += 8.2 * len(name) + 18
    marks.append(Text(x=_WIDTH - 4, y=12, text="images", colour="quiet", size=11, anchor="end"))
    for index, one in enumerate(rows):
        y = top + row * index
        marks.append(Text(x=left - 10, y=y + row / 2, text=plain(one.label), anchor="end", bold=one.label == finding))
        x = left
        for number, colour, name in zip(one.classes, _COLOURS, RSNA_CLASSES, strict=True):
            width = (right - left) * number / one.images
            tip = f"{counted(number, 'image')} of {count(one.images)} labelled {plain(one.label)}: {name}"
            marks.append(Rect(x=x, y=y + 2, width=max(width - 1, 0), height=row - 4, colour=colour, tip=tip))
            if width > 34:
                share = f"{100 * number / one.images:.0f} %"
                marks.append(
                    Text(x=x + width / 2, y=y + row / 2, text=share, colour="ground", size=11, anchor="middle")
                )
            x += width
        marks.append(Text(x=_WIDTH - 4, y=y + row / 2, text=count(one.images), colour="quiet", size=11.5, anchor="end"))
    subject = next((one for one in rows if one.label == finding), rows[0])
    opacity, other, normal = subject.classes
    return Figure(
        name="reader-classes",
        title="What radiologists say of each label",
        takeaway=(
            f"Of {count(subject.images)} images labelled {plain(subject.label)} that RSNA's radiologists read, "
            f"{count(opacity)} show lung opacity, {count(other)} are otherwise abnormal and {count(normal)} are normal."
        ),
        caption=(
            "Images that RSNA's radiologists read, by text-mined label; an image with several labels counts for each. "
            "RSNA chose its images, so shares are not those of the whole data set."
        ),
        width=_WIDTH,
        height=top + row * len(rows) + 6,
        marks=tuple(marks),
    )


def agreement(numbers: Readers) -> Figure | None:
    """Precision and recall of the labels against each reference, by view, and kappa; None where nobody read."""
    if not numbers.comparisons:
        return None
    rows: list[Row] = []
    for one in numbers.comparisons:
        title = f"{plain(one.label)} against {one.reference}"
        if not rows or all(row.label != title for row in rows):
            rows.append(Row(label=title, heading=True))
        rows.append(_compared(one))
    marks, height = forest(
        rows,
        ForestAxis(title="precision and recall, %", low=0, high=100),
        layout=ForestLayout(
            width=_WIDTH,
            labels=56,
            columns=(("images", 54), ("precision [95 %]", 128), ("recall [95 %]", 122), ("kappa [95 %]", 122)),
        ),
    )
    legend = (
        Text(x=0, y=12, text="\N{BLACK CIRCLE} precision", bold=True, size=11.5),
        Text(x=86, y=12, text="\N{WHITE CIRCLE} recall", bold=True, size=11.5),
    )
    first = numbers.comparisons[0]
    kappa = f"kappa {first.kappa.value:.2f}" if first.kappa else "kappa not estimable"
    hardly = "hardly agree beyond chance" if first.kappa and first.kappa.value < _FAIR else "agree"
    return Figure(
        name="agreement",
        title="Labels against radiologists",
        takeaway=(
            f"The label {plain(first.label)} and “{first.reference}” {hardly} ({kappa}): of the labelled images "
            f"{_percent_of(first.precision)} are positive to the radiologists, of their positives "
            f"{_percent_of(first.recall)} have the label."
        ),
        caption=(
            "Precision: of the images with the label, those that the radiologists call positive. Recall: of those, "
            "the labelled ones. Exact intervals and Cohen's kappa, clustered by patient. Any opacity: Pneumonia, "
            "Infiltration, Consolidation, Edema, Atelectasis or Effusion."
        ),
        width=_WIDTH,
        height=height,
        marks=(*legend, *marks),
    )


def _compared(one: Comparison) -> Row:
    colour = _VIEWS[one.view]
    points = tuple(
        Point(
            value=100 * share.value, low=100 * share.low, high=100 * share.high, colour=colour, hollow=hollow,
            tip=percent_interval(share),
        )
        for share, hollow in ((one.precision, False), (one.recall, True))
        if share
    )  # fmt: skip
    images = one.both + one.label_only + one.reference_only + one.neither
    columns = (
        count(images), percent_interval(one.precision), percent_interval(one.recall), decimal_interval(one.kappa)
    )  # fmt: skip
    return Row(label=one.view, points=points, columns=columns)


def _percent_of(share: Proportion | None) -> str:
    return percent(share.value) if share else "none"
