"""The flow of images from source to analysed: counts that agree, and the diagram of them."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pneumoscope.core import ConfigError
from pneumoscope.dossier.device import Cohort
from pneumoscope.dossier.diagrams import WIDTH, arrow, box, save_svg
from pneumoscope.dossier.facts import key_of
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.plotting import Colour, Mark

_GAP, _ROW, _LINE, _EDGE = 14.0, 22.0, 17.0, 15.0
# Mean width of a bold letter of a title.
_LETTER = 7.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One test cohort: images at hand of its source, on the test side, with the reference, and what became of them."""

    source: str
    title: str
    at_hand: int | None
    images: int
    patients: int
    left_out: int
    labelled: int
    moved_with: int
    left_with: int
    moved_without: int
    left_without: int

    @property
    def positives(self) -> int:
        """Return the images with the finding."""
        return self.moved_with + self.left_with

    @property
    def negatives(self) -> int:
        """Return the images without it."""
        return self.moved_without + self.left_without


def flows(inputs: Inputs) -> tuple[Flow, ...]:
    """Return the flow of each test cohort.

    Raises:
        ConfigError: Counts of one cohort differ between evidence, predictions and databases; all are named.
    """
    found = tuple(_flow(inputs, cohort) for cohort in inputs.device.cohorts("test"))
    problems = [one for cohort in inputs.device.cohorts("test") for one in _disagreements(inputs, cohort)]
    if problems:
        raise ConfigError(f"flow of images: {'; '.join(problems)}")
    return found


def _flow(inputs: Inputs, cohort: Cohort) -> Flow:
    action: Mapping[str, Any] = inputs.tables["action"][key_of(cohort)]
    facts: Any = inputs.release[cohort.evidence].cohort
    source = cohort.evidence.rpartition("-")[0]
    parts: Mapping[str, Any] = inputs.tables.get("databases", {}).get("sources", {}).get(source, {})
    return Flow(
        source=str(facts["title"]).partition(":")[0],
        title=cohort.title,
        at_hand=sum(int(one["images"]) for one in parts.values()) if parts else None,
        images=int(facts["images"]),
        patients=int(facts["patients"]),
        left_out=sum(int(one) for one in facts["left_out"].values()),
        labelled=int(action["n"]),
        moved_with=int(action["moved_with"]),
        left_with=int(action["left_with"]),
        moved_without=int(action["moved_without"]),
        left_without=int(action["left_without"]),
    )


def _disagreements(inputs: Inputs, cohort: Cohort) -> Iterator[str]:
    """Yield each pair of counts of the same images that differ."""
    one = _flow(inputs, cohort)
    answer: Any = inputs.release[cohort.evidence].labels[cohort.question]
    source, _, side = cohort.evidence.rpartition("-")
    part = inputs.tables.get("databases", {}).get("sources", {}).get(source, {}).get(side)
    pairs = [
        ("images with the reference", "evidence", int(answer["n"]), "predictions", one.labelled),
        ("images with the finding", "evidence", int(answer["positives"]), "predictions", one.positives),
        ("images moved up and left", "sum", one.positives + one.negatives, "predictions", one.labelled),
    ]
    if part is not None:
        pairs.append(("images", "databases", int(part["images"]), "evidence", one.images + one.left_out))
    for what, first, said, second, found in pairs:
        if said != found:
            yield f"{cohort.title}, {what}: {first} {said:,}, {second} {found:,}"


def draw_flow(flows_: tuple[Flow, ...], path: Path) -> None:
    """Draw a column of boxes for each cohort: source, test side, reference, with and without the finding."""
    width = (WIDTH - _GAP * (len(flows_) - 1)) / len(flows_)
    marks: list[Mark] = []
    bottom = 0.0
    titles = max(len(textwrap.wrap(words, _letters(width))) for one in flows_ for words in (one.source, one.title))
    for place, one in enumerate(flows_):
        drawn, bottom = _column(one, left=(width + _GAP) * place, width=width, titles=titles)
        marks += drawn
    save_svg(path, marks, height=bottom + 4, words="Flow of images")


def _column(one: Flow, *, left: float, width: float, titles: int) -> tuple[list[Mark], float]:
    """Return one cohort's boxes, and where they end; `titles` is how many lines the longest title takes."""
    unread = one.images - one.labelled
    boxes: tuple[tuple[str, tuple[str, ...], int, Colour], ...] = (
        (one.source, () if one.at_hand is None else (f"{one.at_hand:,} images at hand",), titles, "measured"),
        (
            "Test side",
            (f"{one.images:,} images", f"of {one.patients:,} patients", f"left out before: {one.left_out:,}"),
            1,
            "measured",
        ),
        (one.title, (f"{one.labelled:,} with this reference", f"without it: {unread:,}"), titles, "measured"),
        (f"With finding: {one.positives:,}", _moved(one.moved_with, one.left_with), 1, "finding"),
        (f"Without it: {one.negatives:,}", _moved(one.moved_without, one.left_without), 1, "clear"),
    )
    marks: list[Mark] = []
    top, middle = 4.0, left + width / 2
    for place, (title, lines, title_lines, colour) in enumerate(boxes):
        last = place == len(boxes) - 1
        if place and not last:
            marks += arrow((middle, top), (middle, top + _ROW))
        top += 0 if not place else 6 if last else _ROW
        height = _EDGE + _LINE * (title_lines + len(lines))
        shown = "\n".join(textwrap.wrap(title, _letters(width)))
        marks += box(shown, lines, x=left + 1, y=top, width=width - 2, height=height, colour=colour)
        top += height
    return marks, top


def _moved(up: int, left: int) -> tuple[str, str]:
    return f"moved up {up:,}", f"left in place {left:,}"


def _letters(width: float) -> int:
    return int((width - 20) / _LETTER)
