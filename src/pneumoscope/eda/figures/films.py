"""Figures of the images themselves: aggregates of many, never one patient's film."""

import numpy as np
from jaxtyping import Float, UInt8

from pneumoscope.eda.figures.areas import AREA_COLUMNS, area_row
from pneumoscope.eda.films import MARKED, SHARPER, FilmReport, differences
from pneumoscope.eda.groups import NO_FINDING
from pneumoscope.eda.pixels import MEASURES, Measured
from pneumoscope.eda.wording import count, decimal_interval, percent, plain, signed
from pneumoscope.plotting import Colour, Figure, ForestAxis, ForestLayout, Mark, Picture, Point, Row, Text, forest, span

_WIDTH = 760.0
VIEW_COLOURS: dict[str, Colour] = {"PA": "pa", "AP": "ap", "LATERAL": "lateral"}
CHANCE = 0.5
# Fewer films and a mean image may still show one patient.
FEWEST_FILMS = 20
# Difference, in pooled deviations, at which the map's colours end.
_END = 0.6
# Crameri's "vik", Nature Communications 11, 2020, 5444: blue, white, red-brown; safe for colour-blind readers.
_LOW, _MIDDLE, _HIGH = (0, 32, 96), (236, 229, 224), (110, 24, 0)


def class_maps(measured: Measured, *, finding: str) -> Figure | None:
    """By view: mean image with the finding, with none, their difference, the deviation; None without both classes."""
    maps = {(one.group, one.view): one for one in measured.maps}
    shown = [
        (view, difference)
        for view, difference in differences(measured, finding=finding)
        if min(maps[finding, view].images, maps[NO_FINDING, view].images) >= FEWEST_FILMS
    ]
    if not shown:
        return None
    side, gap, left, top = 166.0, 12.0, 50.0, 30.0
    titles = (
        f"Mean, {plain(finding).lower()}",
        "Mean, no finding",
        "Difference",
        f"Deviation, {plain(finding).lower()}",
    )
    marks: list[Mark] = [
        Text(x=left + (side + gap) * column + side / 2, y=12, text=title, anchor="middle", bold=True)
        for column, title in enumerate(titles)
    ]
    for row, (view, difference) in enumerate(shown):
        ill, well = maps[finding, view], maps[NO_FINDING, view]
        y = top + (side + 30) * row
        pictures = (_grey(ill.mean), _grey(well.mean), _diverging(difference), _grey(ill.deviation))
        notes = (f"n = {count(ill.images)}", f"n = {count(well.images)}",
                 f"{signed(float(difference.min()), digits=1)} to {signed(float(difference.max()), digits=1)}",
                 f"{ill.deviation.min():.1f} to {ill.deviation.max():.1f}")  # fmt: skip
        marks.append(Text(x=0, y=y + side / 2, text=view, colour=VIEW_COLOURS.get(view, "ink"), bold=True, size=14))
        for column, (pixels, note) in enumerate(zip(pictures, notes, strict=True)):
            x = left + (side + gap) * column
            marks.append(Picture(x=x, y=y, width=side, height=side, pixels=pixels))
            marks.append(Text(x=x + side / 2, y=y + side + 11, text=note, colour="quiet", size=11, anchor="middle"))
    bottom = top + (side + 30) * len(shown)
    marks += _legend(x=left + 2 * (side + gap), y=bottom + 2, width=side)
    view, difference = max(shown, key=lambda one: float(np.abs(one[1]).max()))
    return Figure(
        name="class-maps",
        title="Mean images and their difference",
        takeaway=_where(view, difference, finding),
        caption=(
            f"Each image scaled to mean 0 and deviation 1 first, {len(measured.table):,} images in all; the "
            f"difference is in pooled deviations between images (beyond \N{PLUS-MINUS SIGN}{MARKED} is marked), "
            f"orange-brown where images with {plain(finding).lower()} are whiter. Aggregates of many patients; the "
            "patient's right is at the left."
        ),
        width=_WIDTH,
        height=bottom + 30,
        marks=tuple(marks),
    )


def _where(view: str, difference: Float[np.ndarray, "grid grid"], finding: str) -> str:
    """Where the classes differ, in thirds of the image."""
    side = difference.shape[0]
    rows, columns = ("upper", "middle", "lower"), ("left", "central", "right")
    thirds = {
        f"{rows[i]} {columns[j]}": float(difference[i * side // 3 : (i + 1) * side // 3,
                                                    j * side // 3 : (j + 1) * side // 3].mean())
        for i in range(3)
        for j in range(3)
    }  # fmt: skip
    place = max(thirds, key=lambda name: abs(thirds[name]))
    whiter = "whiter" if thirds[place] > 0 else "darker"
    marked = float((np.abs(difference) > MARKED).mean())
    return (
        f"On {view} films with {plain(finding).lower()} the {place} third is {whiter} by {abs(thirds[place]):.2f} "
        f"deviations on average; {percent(marked)} of the area differs beyond \N{PLUS-MINUS SIGN}{MARKED}."
    )


def _grey(image: Float[np.ndarray, "grid grid"]) -> UInt8[np.ndarray, "grid grid"]:
    low, high = np.percentile(image, (0.5, 99.5))
    return np.asarray(np.clip((image - low) / max(high - low, 1e-9), 0, 1) * 255, dtype=np.uint8)


def _diverging(difference: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    share = np.clip(difference / _END, -1, 1)[..., np.newaxis]
    low, middle, high = (np.array(colour, dtype=float) for colour in (_LOW, _MIDDLE, _HIGH))
    coloured = np.where(share < 0, middle + share * (middle - low), middle + share * (high - middle))
    return np.asarray(coloured, dtype=np.uint8)


def _legend(*, x: float, y: float, width: float) -> list[Mark]:
    ramp = _diverging(np.linspace(-_END, _END, 128)[np.newaxis])
    ends = ((x, f"{signed(-_END, digits=1)}", "start"), (x + width / 2, "0", "middle"), (x + width, f"+{_END}", "end"))
    return [
        Picture(x=x, y=y, width=width, height=8, pixels=ramp),
        *(Text(x=at, y=y + 18, text=text, colour="quiet", size=10, anchor=anchor) for at, text, anchor in ends),  # type: ignore[arg-type]
    ]


def separations(numbers: FilmReport) -> Figure | None:
    """AUROC of each measure within each view; None where a view lacks a class."""
    if not numbers.separations:
        return None
    rows: list[Row] = []
    for view in dict.fromkeys(one.view for one in numbers.separations):
        rows.append(Row(label=f"{view} films", heading=True))
        rows += [
            area_row(MEASURES[one.measure], one.auroc, colour=VIEW_COLOURS.get(view, "ink"))
            for one in numbers.separations
            if one.view == view
        ]
    low, high = span(rows)
    marks, height = forest(
        rows,
        ForestAxis(
            title="AUROC of the measure alone (below 0.5: lower with the finding)",
            low=min(low, 0.4),
            high=max(high, 0.6),
            reference=CHANCE,
        ),
        layout=ForestLayout(width=_WIDTH, columns=AREA_COLUMNS),
    )
    best = max(numbers.separations, key=lambda one: abs(one.auroc.value - CHANCE))
    clear = [one for one in numbers.separations if one.auroc.low > CHANCE or one.auroc.high < CHANCE]
    return Figure(
        name="film-measures",
        title="Whole-image measures within a view",
        takeaway=(
            f"{len(clear)} of {len(numbers.separations)} measures of the whole image tell the finding from No Finding "
            f"beyond chance within one view, {MEASURES[best.measure].lower()} on {best.view} films best "
            f"({decimal_interval(best.auroc)}): what a model could use instead of the lungs."
        ),
        caption=(
            "Mean and deviation (contrast) of grey; sharpness: deviation of the Laplacian at 224 × 224 over the "
            "contrast; flat border: share of the area; bright corners: lead markers. DeLong, clustered by patient."
        ),
        width=_WIDTH,
        height=height,
        marks=marks,
    )


def folders(numbers: FilmReport) -> Figure | None:
    """Sharpness and contrast by image folder, the middle half and median; None where there is one folder."""
    if len(numbers.by_folder) < 2:
        return None
    rows: list[Row] = []
    for measure in ("sharpness", "contrast"):
        rows.append(Row(label=MEASURES[measure], heading=True))
        for one in numbers.by_folder:
            q = one.measures[measure]
            rows.append(
                Row(
                    label=one.group,
                    points=(Point(value=q.median, low=q.lower, high=q.upper, colour="depth"),),
                    columns=(count(one.images), f"{q.median:.3f} ({q.lower:.3f} to {q.upper:.3f})"),
                )
            )
    _, high = span(rows, floor=0)
    marks, height = forest(
        rows,
        ForestAxis(title="median and middle half", low=0, high=high),
        layout=ForestLayout(width=_WIDTH, columns=(("images", 70), ("median (quartiles)", 150))),
    )
    ratio = numbers.sharpness_of_folders
    return Figure(
        name="image-folders",
        title="Copies of the images",
        takeaway=(
            f"At the same size, the sharpest folder's median sharpness is {ratio:.2f} times the softest's: where the "
            f"class goes with the folder, sharpness gives it away."
            if ratio and ratio >= SHARPER
            else "No folder's images are sharper than another's by much: sharpness does not give the folder away."
        ),
        caption="All resampled to 224 × 224 before sharpness is measured.",
        width=_WIDTH,
        height=height,
        marks=marks,
    )
