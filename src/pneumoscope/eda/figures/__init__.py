"""Figures by family: records in, marks and words out; and the sections in which the page shows them."""

from dataclasses import dataclass

from pneumoscope.eda.figures import acquisition, brightness, demographics, films, profile, readers, shift
from pneumoscope.eda.pixels import Measured
from pneumoscope.eda.report import Exploration
from pneumoscope.plotting import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page; `missing` says why there is nothing to show, where there is nothing."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    missing: str


def draw(exploration: Exploration, measured: Measured | None = None) -> tuple[Section, ...]:
    """Every figure that the numbers allow, in the page's order."""
    finding = exploration.finding
    maps = films.class_maps(measured, finding=finding) if measured else None
    its = exploration.films
    of_films = (
        (
            brightness.histograms(its, finding=finding),
            brightness.intensity(its, finding=finding),
            films.separations(its),
            films.folders(its),
        )
        if its
        else ()
    )
    parts = (
        ("people", "Who is in it", "This source states neither ages nor several images a patient.",
         (demographics.age_pyramid(exploration.demographics), demographics.images_a_patient(exploration.demographics))),
        ("finding", finding.replace("_", " "), "No groups and no other labelled findings.",
         (profile.prevalence(exploration.profile), profile.combinations(exploration.profile),
          profile.partners(exploration.profile), profile.cooccurrence(exploration.profile))),
        ("acquisition", "Views and acquisition", "One view, and no sizes or spacings are stated.",
         (acquisition.views_by_finding(exploration.acquisition), acquisition.formats(exploration.acquisition))),
        ("pixels", "The images themselves", "No images were measured (none at hand, or --no-pixels).",
         (maps, *of_films)),
        ("labels", "Labels against radiologists", "Nobody but the source has labelled these images.",
         (readers.classes(exploration.readers, finding=finding), readers.agreement(exploration.readers))),
        ("shift", "Shift and shortcuts", "No split with a test is set, and nothing varies that a shortcut could use.",
         (shift.sides(exploration.shift) if exploration.shift else None, shift.shortcut_floors(exploration.floors))),
    )  # fmt: skip
    return tuple(
        Section(name=name, title=title, figures=tuple(f for f in figures if f is not None), missing=missing)
        for name, title, missing, figures in parts
    )
