"""Figures of who is in the data."""

from pneumoscope.eda.demographics import Demographics
from pneumoscope.eda.wording import count, counted, percent, short_percent
from pneumoscope.plotting import Colour, Figure, Mark, Rect, Scale, Text, horizontal_grid, vertical_grid

_WIDTH = 760.0


def age_pyramid(numbers: Demographics) -> Figure | None:
    """Images by age band, women to the left and men to the right; None where ages are unknown."""
    bands = [band for band in numbers.pyramid if band.female + band.male + band.unknown]
    if not bands or numbers.age_years is None:
        return None
    bands.reverse()
    row, top, centre, half = 24.0, 30.0, _WIDTH / 2, 250.0
    most = max(max(band.female, band.male) for band in bands) or 1
    bottom = top + row * len(bands)
    left = Scale(low=0, high=most, start=centre - 34, end=centre - 34 - half)
    right = Scale(low=0, high=most, start=centre + 34, end=centre + 34 + half)
    marks: list[Mark] = []
    for scale in (left, right):
        ticks = {value: count(round(value)) for value in scale.ticks(4)}
        marks += vertical_grid(scale, top=top - 4, bottom=bottom, labels=ticks, title="images")
    for index, band in enumerate(bands):
        y = top + row * index
        marks.append(Text(x=centre, y=y + row / 2, text=band.name, anchor="middle"))
        marks += _half(band.female, "female", f"women, {band.name} years", scale=left, y=y, height=row)
        marks += _half(band.male, "male", f"men, {band.name} years", scale=right, y=y, height=row)
    sexes = numbers.images_by_sex
    known = sexes.get("Female", 0) + sexes.get("Male", 0)
    women, men = (f" {percent(sexes[sex] / known)}" if known else "" for sex in ("Female", "Male"))
    marks.append(Text(x=centre - 34, y=14, text=f"Women{women}", colour="female", bold=True, anchor="end"))
    marks.append(Text(x=centre + 34, y=14, text=f"Men{men}", colour="male", bold=True))
    marks.append(Text(x=centre, y=14, text="years", colour="quiet", size=11, anchor="middle"))
    ages = numbers.age_years
    takeaway = (
        f"Half of the images are of people between {ages.lower_quartile:.0f} and {ages.upper_quartile:.0f} years "
        f"(median {ages.median:.0f}, range {ages.least:.0f} to {ages.most:.0f}); "
        f"{percent(_children(numbers))} are of children and adolescents below 20."
    )
    missing = f"; {counted(ages.missing, 'image')} without an age left out" if ages.missing else ""
    caption = f"n = {count(numbers.images - ages.missing)} images of {count(numbers.patients)} patients{missing}."
    return Figure(
        name="age-pyramid",
        title="Age and sex",
        takeaway=takeaway,
        caption=caption,
        width=_WIDTH,
        height=bottom + 40,
        marks=tuple(marks),
    )


def _half(number: int, colour: Colour, name: str, *, scale: Scale, y: float, height: float) -> list[Mark]:
    end = scale(number)
    outward = end < scale.start
    bar = Rect(
        x=min(end, scale.start), y=y + 2, width=abs(end - scale.start), height=height - 4, colour=colour,
        tip=f"{counted(number, 'image')}: {name}",
    )  # fmt: skip
    beside = Text(
        x=end - 5 if outward else end + 5, y=y + height / 2, text=count(number), colour="quiet", size=10.5,
        anchor="end" if outward else "start",
    )  # fmt: skip
    return [bar, beside]


def _children(numbers: Demographics) -> float:
    every = sum(band.female + band.male + band.unknown for band in numbers.pyramid)
    young = sum(band.female + band.male + band.unknown for band in numbers.pyramid[:2])
    return young / every


def images_a_patient(numbers: Demographics) -> Figure | None:
    """Share of the patients and of the images by how many images a patient has; None where each has one."""
    if numbers.most_images_a_patient == 1:
        return None
    loads = [load for load in numbers.loads if load.patients]
    top, bottom, left = 40.0, 230.0, 46.0
    shares = [(load.patients / numbers.patients, load.images / numbers.images) for load in loads]
    scale = Scale(low=0, high=max(max(pair) for pair in shares) * 1.1, start=bottom, end=top)
    marks: list[Mark] = [
        *horizontal_grid(scale, left=left, right=_WIDTH, labels={v: f"{100 * v:g} %" for v in scale.ticks(4)})
    ]  # fmt: skip
    step = (_WIDTH - left) / len(loads)
    for index, (load, pair) in enumerate(zip(loads, shares, strict=True)):
        middle = left + step * (index + 0.5)
        marks.append(Text(x=middle, y=bottom + 13, text=load.name, anchor="middle"))
        sides: tuple[tuple[float, Colour, float, str], ...] = (
            (pair[0], "clear", -1.0, f"{counted(load.patients, 'patient')} with {load.name} images each"),
            (pair[1], "depth", 0.0, f"{counted(load.images, 'image')} of patients with {load.name} each"),
        )
        for share, colour, side, tip in sides:
            width = step * 0.36
            x = middle + side * width
            marks.append(
                Rect(x=x, y=scale(share), width=width - 2, height=bottom - scale(share), colour=colour, tip=tip)
            )
            marks.append(
                Text(
                    x=x + width / 2,
                    y=scale(share) - 8,
                    text=short_percent(share),
                    colour="quiet",
                    size=10,
                    anchor="middle",
                )
            )
    marks += [
        Text(x=left, y=12, text="Share of patients", colour="clear", bold=True),
        Text(x=left + 140, y=12, text="Share of images", colour="depth", bold=True),
        Text(x=(left + _WIDTH) / 2, y=bottom + 32, text="images a patient", colour="quiet", size=11, anchor="middle"),
    ]
    return Figure(
        name="images-a-patient",
        title="Images a patient",
        takeaway=(
            f"The tenth of patients with the most images has {percent(numbers.busiest_tenth_share)} of all images: "
            "rows are not independent."
        ),
        caption=(
            f"n = {count(numbers.patients)} patients with {numbers.mean_images_a_patient:.1f} images on average, "
            f"{count(numbers.most_images_a_patient)} at most."
        ),
        width=_WIDTH,
        height=bottom + 42,
        marks=tuple(marks),
    )
