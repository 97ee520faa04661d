"""The exploratory report as one HTML page that fetches nothing, its figures as files, and its numbers as JSON."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pneumoscope.core import write_atomically
from pneumoscope.eda.figures import Section, draw
from pneumoscope.eda.pixels import Measured
from pneumoscope.eda.report import Exploration, to_json
from pneumoscope.eda.tables import tables
from pneumoscope.eda.wording import count, percent, percent_interval, plain
from pneumoscope.plotting import DARK, FONT, LIGHT, colour_rules, colour_variables, save_figure, to_svg


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the numbers come from."""

    manifest: str
    manifest_sha256: str
    version: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One of the numbers at the top."""

    value: str
    name: str
    note: str = ""


def write_report(
    exploration: Exploration, directory: Path, *, provenance: Provenance, measured: Measured | None = None
) -> Path:
    """Write `index.html`, `eda.json` and `figures/*.svg, *.png`; return the page.

    Raises:
        ConfigError: The folder cannot be written or the disk is full.
    """
    sections = draw(exploration, measured)
    facts: dict[str, Any] = {name: getattr(provenance, name) for name in Provenance.__slots__}
    for figure in (figure for section in sections for figure in section.figures):
        save_figure(figure, directory / "figures")
    write_atomically(directory / "eda.json", to_json(exploration, provenance=facts))
    write_atomically(directory / "index.html", to_html(exploration, sections, provenance=provenance))
    return directory / "index.html"


def to_html(exploration: Exploration, sections: tuple[Section, ...], *, provenance: Provenance) -> str:
    """Render the page."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(svg=lambda figure: Markup(to_svg(figure, embedded=True)))  # noqa: S704 (escapes itself)
    template = environment.from_string(_asset("page.html"))
    return template.render(
        title=" and ".join(exploration.sources),
        finding=plain(exploration.finding),
        release=exploration.label_release,
        keys=keys(exploration),
        sections=sections,
        tables=tables(exploration),
        advice=exploration.advice,
        unreadable=exploration.films.unreadable if exploration.films else (),
        provenance=provenance,
        style=Markup(_style()),  # noqa: S704 (a file of ours)
    )


def keys(exploration: Exploration) -> list[Key]:
    """Return the numbers at the top of the page."""
    profile, people = exploration.profile, exploration.demographics
    found = [
        Key(value=count(people.images), name="images", note=f"{people.mean_images_a_patient:.1f} a patient"),
        Key(value=count(people.patients), name="patients", note=f"{people.most_images_a_patient} images at most"),
        Key(
            value=count(profile.positives),
            name=f"images with {plain(exploration.finding).lower()}",
            note=percent_interval(profile.per_image),
        ),
        Key(
            value=count(profile.positive_patients),
            name="patients with it",
            note=percent_interval(profile.per_patient),
        ),
    ]
    views = exploration.acquisition.views
    if len(views) > 1:
        name = max(views, key=lambda view: views[view])
        found.append(
            Key(value=percent(views[name] / sum(views.values())), name=f"{name} films", note=count(views[name]))
        )
    if people.age_years:
        spread = people.age_years
        quartiles = f"half from {spread.lower_quartile:.0f} to {spread.upper_quartile:.0f}"
        found.append(Key(value=f"{spread.median:.0f} years", name="median age", note=quartiles))
    return found


def _style() -> str:
    font = f":root {{ --font: {FONT}; {colour_variables(LIGHT)} }}"
    dark = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {colour_variables(DARK)} }} }}"
    return f"{font}\n{dark}\n{colour_rules('svg ')}\n{_asset('page.css')}"


def _asset(name: str) -> str:
    return files("pneumoscope.eda").joinpath(name).read_text("utf-8")
