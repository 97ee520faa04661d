"""Figures of how bright the images are: aggregates of many, never one patient's film."""

from pneumoscope.eda.figures.films import CHANCE, FEWEST_FILMS, VIEW_COLOURS
from pneumoscope.eda.films import FilmReport, Films
from pneumoscope.eda.groups import NO_FINDING
from pneumoscope.eda.pixels import BINS, MEASURES
from pneumoscope.eda.wording import count, decimal_interval, plain
from pneumoscope.plotting import (
    Colour,
    Figure,
    ForestAxis,
    ForestLayout,
    Mark,
    Point,
    Row,
    Scale,
    Text,
    Trace,
    forest,
    horizontal_grid,
    span,
    vertical_grid,
)

_WIDTH = 760.0


def histograms(numbers: FilmReport, *, finding: str) -> Figure | None:
    """Grey levels of the finding against No Finding, a panel a view; None where nothing was measured."""
    views = [view for view in ("PA", "AP", "LATERAL", "unknown") if any(one.view == view for one in numbers.histograms)]
    if not views:
        return None
    gap, left, top, bottom = 60.0, 40.0, 44.0, 210.0
    width = (_WIDTH - left - gap * (len(views) - 1)) / len(views)
    most = max(max(one.shares[1:-1]) for one in numbers.histograms) * 100 * 1.1
    marks: list[Mark] = []
    for index, view in enumerate(views):
        x = Scale(low=0, high=1, start=left + (width + gap) * index, end=left + (width + gap) * index + width)
        y = Scale(low=0, high=most, start=bottom, end=top)
        marks += horizontal_grid(y, left=x.start, right=x.end, labels={v: f"{v:g}" for v in y.ticks(4)})
        ticks = {0.0: "black", 0.5: "0.5", 1.0: "white"}
        marks += vertical_grid(x, top=bottom, bottom=bottom + 2, labels=ticks, title="grey level")
        marks.append(Text(x=x.start, y=14, text=view, bold=True, size=13, colour=VIEW_COLOURS.get(view, "ink")))
        for one in numbers.histograms:
            if one.view != view:
                continue
            colour: Colour = "finding" if one.group == finding else "clear"
            points = tuple((x((i + 0.5) / BINS), y(100 * share)) for i, share in enumerate(one.shares))
            marks.append(Trace(points=points, colour=colour))
            place = 14 + (0 if one.group == finding else 15)
            text = f"{plain(one.group)}, n = {count(one.images)}"
            marks.append(Text(x=x.end, y=place, text=text, colour=colour, bold=True, size=11, anchor="end"))
    of_grey = [one for one in numbers.separations if one.measure in ("mean", "contrast")]
    best = max(of_grey, key=lambda one: abs(one.auroc.value - CHANCE), default=None)
    takeaway = (
        f"{MEASURES[best.measure]} is what differs most: on {best.view} films it is "
        f"{'higher' if best.auroc.value > CHANCE else 'lower'} with {plain(finding).lower()}, AUROC "
        f"{decimal_interval(best.auroc)}."
        if best
        else "Only one class was measured."
    )
    return Figure(
        name="grey-levels",
        title="Grey levels by view",
        takeaway=takeaway,
        caption=f"% of pixels in each of {BINS} steps; {count(numbers.measured)} images measured.",
        width=_WIDTH,
        height=bottom + 40,
        marks=tuple(marks),
    )


def intensity(numbers: FilmReport, *, finding: str) -> Figure | None:
    """Mean intensity of the images with each finding by view; None where one class in one view was measured."""
    names = list(dict.fromkeys(one.group for one in numbers.by_finding))
    if len(names) < 2:
        return None
    films = {(one.group, one.view): one for one in numbers.by_finding if one.images >= FEWEST_FILMS}
    views = list(dict.fromkeys(view for _, view in films))
    names = [name for name in names if any((name, view) in films for view in views)]
    names.sort(key=lambda name: name != NO_FINDING)
    rows = [
        Row(
            label=plain(name),
            points=tuple(
                Point(value=q.median, low=q.lower, high=q.upper, colour=VIEW_COLOURS.get(view, "ink"))
                for view in views
                if (name, view) in films and (q := films[name, view].measures["mean"])
            ),
            columns=tuple(_median(films.get((name, view))) for view in views),
        )
        for name in names
    ]
    if not rows:
        return None
    low, high = span(rows)
    marks, height = forest(
        rows,
        ForestAxis(title="mean grey level of an image: median and middle half", low=low, high=high),
        layout=ForestLayout(width=_WIDTH, columns=tuple((f"{view}: median (n)", 112.0) for view in views)),
    )
    legend = [
        Text(x=90.0 * place, y=12, text=f"\N{BLACK CIRCLE} {view}", colour=VIEW_COLOURS.get(view, "ink"), bold=True)
        for place, view in enumerate(views)
    ]
    return Figure(
        name="intensity",
        title="Brightness by finding and view",
        takeaway=_brightness(films, views, finding),
        caption=f"Findings with at least {FEWEST_FILMS} measured images in a view. Grey from 0, black, to 1, white.",
        width=_WIDTH,
        height=height,
        marks=(*legend, *marks),
    )


def _median(films: Films | None) -> str:
    return f"{films.measures['mean'].median:.3f} ({count(films.images)})" if films else ""


def _brightness(films: dict[tuple[str, str], Films], views: list[str], finding: str) -> str:
    """Each view's finding against No Finding, in words."""
    pairs = {view: (films.get((finding, view)), films.get((NO_FINDING, view))) for view in views}
    said = [
        f"on {view} films {ill.measures['mean'].median:.2f} with {plain(finding).lower()}, "
        f"{well.measures['mean'].median:.2f} without a finding"
        for view, (ill, well) in pairs.items()
        if ill and well
    ]
    return f"The median image's mean grey level is {'; '.join(said)}." if said else "Too few images to compare classes."
