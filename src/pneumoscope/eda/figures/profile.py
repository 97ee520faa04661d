"""Figures of one finding: in whom, and with what else."""

from pneumoscope.eda.groups import Group
from pneumoscope.eda.profile import Combination, Profile
from pneumoscope.eda.wording import count, counted, decimal_interval, listed, percent, percent_interval, plain
from pneumoscope.plotting import (
    Colour,
    Dot,
    Figure,
    ForestAxis,
    ForestLayout,
    Line,
    Mark,
    Point,
    Rect,
    Row,
    Text,
    forest,
    span,
)
from pneumoscope.stats import Proportion

_WIDTH = 760.0
_COLOURS: dict[str, Colour] = {"PA": "pa", "AP": "ap", "LATERAL": "lateral", "Female": "female", "Male": "male"}
# Groups with fewer images are in the table, but make no sentence.
_FEWEST_IMAGES = 200


def prevalence(numbers: Profile) -> Figure | None:
    """Draw the finding's share by group, with intervals; None where rows are not told apart by anything."""
    names = [group.variable for group in numbers.groups]
    groups = [group for group in numbers.groups if names.count(group.variable) > 1]
    if not groups:
        return None
    rows = [Row(label="All images", points=(_point(numbers.per_image, "finding"),), columns=_columns(
        numbers.labelled, numbers.positives, percent_interval(numbers.per_image)))]  # fmt: skip
    variable = ""
    for group in groups:
        if group.variable != variable:
            variable = group.variable
            rows.append(Row(label=variable, heading=True))
        rows.append(
            Row(
                label=group.name,
                points=(_point(group.share, _COLOURS.get(group.name, "finding")),) if group.share else (),
                columns=_columns(group.images, group.positives, percent_interval(group.share)),
            )
        )
    large = [g.share.high for g in groups if g.share and g.images >= _FEWEST_IMAGES]
    high = min(1.0, 1.08 * max([numbers.per_image.high, *large]))
    marks, height = forest(
        rows,
        ForestAxis(title="% of images", low=0, high=100 * high, reference=100 * numbers.per_image.value),
        layout=ForestLayout(width=_WIDTH, columns=(("images", 70), ("positive", 64), ("share [95 %]", 140))),
    )
    return Figure(
        name="prevalence",
        title=f"{plain(numbers.finding)} by group",
        takeaway=_extremes(numbers),
        caption=(
            f"Share of images labelled {plain(numbers.finding)}, n = {count(numbers.labelled)}. Exact 95 % intervals, "
            f"clustered by patient; dashed: all images. By patient: {percent_interval(numbers.per_patient)} of "
            f"{count(numbers.per_patient.n)} have it at least once."
        ),
        width=_WIDTH,
        height=height,
        marks=marks,
    )


def _point(share: Proportion, colour: Colour) -> Point:
    tip = percent_interval(share)
    return Point(value=100 * share.value, low=100 * share.low, high=100 * share.high, colour=colour, tip=tip)


def _columns(images: int, positives: int, interval: str) -> tuple[str, ...]:
    return count(images), count(positives), interval


def _extremes(numbers: Profile) -> str:
    """Return the variable whose groups differ most, in a sentence."""
    by_variable: dict[str, list[Group]] = {}
    for group in numbers.groups:
        if group.share and group.images >= _FEWEST_IMAGES:
            by_variable.setdefault(group.variable, []).append(group)
    pairs = [
        (min(groups, key=_share), max(groups, key=_share)) for groups in by_variable.values() if len(groups) > 1
    ]  # fmt: skip
    name = plain(numbers.finding)
    if not pairs:
        return f"{name} is labelled on {percent_interval(numbers.per_image)} of the images."
    view = next((pair for pair in pairs if pair[0].variable == "View"), None)
    low, high = view or max(pairs, key=lambda pair: _share(pair[1]) / max(_share(pair[0]), 1e-9))
    times = _share(high) / max(_share(low), 1e-9)
    return (
        f"{name} is labelled on {percent(numbers.per_image.value)} of the images, and {times:.1f} times as often on "
        f"{_named(high)} ({percent(_share(high))}) as on {_named(low)} ({percent(_share(low))})."
    )


def _named(group: Group) -> str:
    return f"{group.name} films" if group.variable == "View" else f"{group.variable.lower()} {group.name}"


def _share(group: Group) -> float:
    return group.share.value if group.share else 0.0


def combinations(numbers: Profile) -> Figure | None:
    """Draw the most frequent combinations with the finding, as an UpSet plot; None where nothing else is labelled."""
    shown = numbers.combinations
    if len(shown) < 2 or numbers.alone is None:
        return None
    names = [partner.finding for partner in numbers.partners if any(partner.finding in c.others for c in shown)]
    left, top, bars, row = 150.0, 16.0, 130.0, 20.0
    step = (_WIDTH - left - 10) / len(shown)
    most = max(one.images for one in shown)
    base = top + bars
    marks: list[Mark] = [
        Rect(x=left - 4, y=base + 10 + row * index, width=_WIDTH - left, height=row, colour="rule", opacity=0.45)
        for index in range(0, len(names), 2)
    ]
    marks += [
        Text(x=left - 12, y=base + 10 + row * (index + 0.5), text=plain(name), anchor="end")
        for index, name in enumerate(names)
    ]
    for index, one in enumerate(shown):
        x = left + step * (index + 0.5)
        marks += _column(one, names, x=x, width=step * 0.55, base=base, height=bars * one.images / most, row=row)
    marks.append(Text(x=left - 12, y=base - 10, text="images", colour="quiet", size=11, anchor="end"))
    together = sum(one.images for one in shown)
    return Figure(
        name="combinations",
        title=f"{plain(numbers.finding)}: alone or with what",
        takeaway=(
            f"{percent(numbers.alone.value)} of the images with {plain(numbers.finding).lower()} have no other label; "
            f"the commonest companion is {plain(numbers.partners[0].finding)} ({percent(numbers.partners[0].share)})."
        ),
        caption=(
            f"The {len(shown)} most frequent combinations hold {count(together)} of the {count(numbers.positives)} "
            f"images; a column is one combination, its dots the other findings."
        ),
        width=_WIDTH,
        height=base + 16 + row * len(names),
        marks=tuple(marks),
    )


def _column(one: Combination, names: list[str], *, x: float, width: float, base: float, height: float, row: float
) -> list[Mark]:  # fmt: skip
    tip = f"{counted(one.images, 'image')}: {listed([plain(name) for name in one.others]) or 'alone'}"
    marks: list[Mark] = [
        Rect(x=x - width / 2, y=base - height, width=width, height=height, colour="finding", tip=tip),
        Text(x=x, y=base - height - 8, text=count(one.images), size=11, anchor="middle"),
    ]
    places = [base + 10 + row * (names.index(name) + 0.5) for name in one.others]
    if len(places) > 1:
        marks.append(Line(x1=x, y1=min(places), x2=x, y2=max(places), colour="ink", width=1.6))
    marks += [Dot(x=x, y=y, colour="ink", radius=4.5) for y in places]
    if not places:
        marks.append(Text(x=x, y=base + 10 + row / 2, text="alone", size=11, anchor="middle", bold=True))
    return marks


def partners(numbers: Profile) -> Figure | None:
    """Odds ratios of the finding with every other; None where none can be estimated."""
    known = [partner for partner in numbers.partners if partner.odds]
    if not known:
        return None
    known.sort(key=lambda partner: -(partner.odds.value if partner.odds else 0))
    rows = [
        Row(
            label=plain(partner.finding),
            points=(Point(value=odds.value, low=odds.low, high=odds.high, colour="finding"),),
            columns=(count(partner.together), percent(partner.share), decimal_interval(odds)),
        )
        for partner in known
        if (odds := partner.odds)
    ]
    low, high = span(rows)
    marks, height = forest(
        rows,
        ForestAxis(title="odds ratio (log scale)", low=max(min(low, 0.5), 0.05), high=high, log=True, reference=1),
        layout=ForestLayout(width=_WIDTH, columns=(("together", 66), ("of positives", 80), ("odds ratio [95 %]", 140))),
    )
    first, last = known[0], known[-1]
    assert first.odds is not None
    assert last.odds is not None
    return Figure(
        name="partners",
        title=f"What goes with {plain(numbers.finding).lower()}",
        takeaway=(
            f"{plain(first.finding)} multiplies the odds of {plain(numbers.finding).lower()} by "
            f"{first.odds.value:.1f}; "
            + (
                f"{plain(last.finding)} lowers them to {last.odds.value:.2f} of what they are."
                if last.odds.high < 1
                else "no finding lowers them."
            )
        ),
        caption=(
            f"n = {count(numbers.labelled)} images. Woolf's intervals, clustered by patient; an odds ratio of 1 is no "
            f"association."
        ),
        width=_WIDTH,
        height=height,
        marks=marks,
    )


def cooccurrence(numbers: Profile) -> Figure | None:
    """Of the images with one finding, those with another; None where only one is labelled."""
    names = numbers.findings
    if len(names) < 2 or sum(map(sum, numbers.cooccurrence)) == 0:
        return None
    side, left, top = 41.0, 150.0, 118.0
    marks: list[Mark] = []
    for i, row_name in enumerate(names):
        own = numbers.cooccurrence[i][i]
        y = top + side * 0.62 * i
        bold = row_name == numbers.finding
        marks.append(Text(x=left - 10, y=y + side * 0.31, text=plain(row_name), anchor="end", bold=bold))
        for j, column_name in enumerate(names):
            share = numbers.cooccurrence[i][j] / own if own else 0.0
            marks += _cell(share, x=left + side * j, y=y, width=side, height=side * 0.62, same=i == j, tip=(
                f"of {counted(own, 'image')} with {plain(row_name)}, {count(numbers.cooccurrence[i][j])} have "
                f"{plain(column_name)}"))  # fmt: skip
    for j, name in enumerate(names):
        x = left + side * (j + 0.5)
        level = j % 3
        marks.append(Line(x1=x, y1=top - 12 - 30 * level, x2=x, y2=top - 3, colour="rule"))
        marks.append(
            Text(
                x=x, y=top - 20 - 30 * level, text=plain(name), size=10.5, anchor="middle", bold=name == numbers.finding
            )
        )
    share, first, second = max(
        (numbers.cooccurrence[i][j] / numbers.cooccurrence[i][i], names[i], names[j])
        for i in range(len(names))
        for j in range(len(names))
        if i != j and numbers.cooccurrence[i][i]
    )
    return Figure(
        name="cooccurrence",
        title="Which findings come together",
        takeaway=(
            f"Labels overlap: {percent(share)} of the images with {plain(first)} also have {plain(second)}, and "
            f"{percent(_several(numbers))} of all images with a finding have more than one."
        ),
        caption=(
            f"A cell is the share, in %, of the row's images that also have the column's finding; n = "
            f"{count(numbers.labelled)} images."
        ),
        width=_WIDTH,
        height=top + side * 0.62 * len(names) + 8,
        marks=tuple(marks),
    )


def _cell(share: float, *, x: float, y: float, width: float, height: float, same: bool, tip: str) -> list[Mark]:
    if same:
        return [Rect(x=x + 1, y=y + 1, width=width - 2, height=height - 2, colour="rule", opacity=0.6)]
    strength = min(1.0, 0.05 + 1.6 * share)
    dark = strength > 0.55
    return [
        Rect(x=x + 1, y=y + 1, width=width - 2, height=height - 2, colour="depth", opacity=strength, tip=tip),
        Text(x=x + width / 2, y=y + height / 2, text=f"{100 * share:.0f}", size=11, anchor="middle",
             colour="ground" if dark else "ink"),
    ]  # fmt: skip


def _several(numbers: Profile) -> float:
    some = sum(numbers.findings_an_image[1:])
    return sum(numbers.findings_an_image[2:]) / some if some else 0.0
