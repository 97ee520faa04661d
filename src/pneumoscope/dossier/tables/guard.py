"""Tables of the guard: what it refuses on its pixels alone, wrongly and rightly."""

from collections.abc import Iterator

from pneumoscope.dossier.content import Column, Table
from pneumoscope.dossier.inline import escape
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.numbers import Numbers

# What the public sample films show; the file's name alone says nothing to a reader.
_SHOWS = {
    "udacity/": "chest, frontal",
    "wg04/RG1": "chest, frontal",
    "wg04/RG2": "hip",
    "wg04/RG3": "limb",
    "wg04/CT": "CT",
    "wg04/MR": "MR",
    "wg04/XA": "angiography",
}


def refused(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Share of chest radiographs that the guard refused, and of changed ones that it caught, by evidence folder."""
    names = [name for name in inputs.release if numbers.has(f"{name}/guard.refused")]
    kinds = tuple(dict.fromkeys(kind for name in names for kind in numbers.keys(f"{name}/guard.caught")))
    wrongly = tuple(
        (
            f"{numbers.value(f'{name}/cohort.title')}{numbers.source(f'{name}/guard')}",
            numbers.value(f"{name}/cohort.images"),
            numbers.cell(f"{name}/guard.refused"),
        )
        for name in names
    )
    columns = (Column("Chest radiographs", 2), Column("Images", 0.6, right=True), Column("Refused", 1, right=True))
    if wrongly:
        caption = "The guard, wrongly: chest radiographs that it refuses on their pixels alone."
        yield Table("table-guard", caption, columns, wrongly, "In brackets: 95 % interval.")
    changed = [name for name in names if numbers.keys(f"{name}/guard.caught")]
    rightly = tuple(
        (escape(kind.replace("_", " ")), *(numbers.cell(f"{name}/guard.caught.{kind}") for name in changed))
        for kind in kinds
    )
    titles = (f"{numbers.value(f'{name}/cohort.title')}{numbers.source(f'{name}/guard')}" for name in changed)
    if rightly:
        caption = "The guard, rightly: changed images that it refuses, whatever their header says."
        of_each = (Column("Change", 1.2), *(Column(title, 1.2, right=True) for title in titles))
        yield Table("table-guard-changed", caption, of_each, rightly, "In brackets: 95 % interval.")


def other_films(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Each film of another kind, with what the guard alone made of it."""
    for name in inputs.release:
        at = f"{name}/guard.other_films"
        shown = [
            (
                f"`{escape(film)}`",
                next((words for start, words in _SHOWS.items() if film.startswith(start)), "other"),
                numbers.value(f"{at}.{film}.distance"),
                numbers.value(f"{at}.{film}.refused"),
            )
            for film in numbers.keys(at)
        ]
        half = (len(shown) + 1) // 2
        second = [*shown[half:], ("", "", "", "")][:half]
        rows = tuple((*first, *other) for first, other in zip(shown[:half], second, strict=True))
        one = (
            Column("File", 1.5), Column("Shows", 1.2),
            Column("Distance", 0.8, right=True), Column("Refused", 0.8, right=True),
        )  # fmt: skip
        if rows:
            caption = f"Public sample films, their headers ignored: the guard alone.{numbers.source(at)}"
            note = f"Refused beyond a distance of {numbers.value(f'{name}/guard.limit')}."
            yield Table(f"table-films-{name.replace('/', '-')}", caption, (*one, *one), rows, note)
