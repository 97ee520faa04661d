"""Boxes and arrows: the path of an image, trust boundaries, and the flow of images from source to analysed."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pneumoscope.core import write_atomically
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.plotting import FONT, Area, Colour, Figure, Line, Mark, Rect, Text, to_svg

WIDTH = 760.0
# The document's typesetter brings these fonts only; the shared style names those of a browser.
_TYPESET_FONT = "DejaVu Sans, Verdana, sans-serif"
_LINE, _HEAD, _MAIN = 17.0, 15.0, 440.0
# Mean width of a letter, as a share of the font's size.
_LETTER = 0.60


def save_svg(path: Path, marks: Sequence[Mark], *, height: float, words: str, width: float = WIDTH) -> None:
    """Write marks as an SVG file that the typesetter can draw; the same marks give the same bytes."""
    figure = Figure(
        name=path.stem, title=words, takeaway="", caption="", width=width, height=height, marks=tuple(marks)
    )
    write_atomically(path, to_svg(figure).replace(FONT, _TYPESET_FONT))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the pipeline: what happens, in detail, and what becomes of an image that fails it."""

    title: str
    detail: str
    leaves: str = ""


def draw_pipeline(steps: tuple[Step, ...], path: Path) -> None:
    """Draw the steps as boxes from top to bottom, with the way out of each on the right."""
    marks: list[Mark] = []
    top, places = 8.0, list[tuple[float, float]]()
    for step in steps:
        lines = _wrapped(step.detail, _MAIN - 26, size=12)
        height = 28 + _LINE * len(lines)
        marks += box(step.title, lines, x=8, y=top, width=_MAIN, height=height, size=12)
        if step.leaves:
            marks += _exit(step.leaves, middle=top + height / 2)
        places.append((top, height))
        top += height + 16
    for (above, height), (below, _) in pairwise(places):
        marks += arrow((_MAIN / 2, above + height), (_MAIN / 2, below))
    save_svg(path, marks, height=top - 6, words="The path of one image")


def _exit(words: str, *, middle: float) -> Iterator[Mark]:
    left, width = _MAIN + 64, WIDTH - _MAIN - 72
    lines = _wrapped(words, width - 20, size=12)
    height = 12 + _LINE * len(lines)
    yield from arrow((_MAIN + 8, middle), (left, middle))
    yield from box("", lines, x=left, y=middle - height / 2, width=width, height=height, size=12, colour="finding")


def box(
    title: str,
    lines: Sequence[str],
    *,
    x: float,
    y: float,
    width: float,
    height: float,
    size: float = 11.0,
    colour: Colour = "measured",
) -> Iterator[Mark]:
    """Yield a framed box with a bold title, on several lines where it has breaks, and lines below it."""
    yield Rect(x=x, y=y, width=width, height=height, colour=colour, opacity=0.08)
    corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y))
    for (x1, y1), (x2, y2) in pairwise(corners):
        yield Line(x1=x1, y1=y1, x2=x2, y2=y2, colour=colour, width=1.1)
    at = y + _HEAD
    for part in title.splitlines():
        yield Text(x=x + 10, y=at, text=part, size=size + 1, bold=True, colour=colour)
        at += _LINE
    for place, line in enumerate(lines):
        yield Text(x=x + 10, y=at + _LINE * place, text=line, size=size)


def arrow(start: tuple[float, float], end: tuple[float, float]) -> Iterator[Mark]:
    """Yield a straight or bent line from one place to another, with a tip at its end."""
    (x1, y1), (x2, y2) = start, end
    across = y1 == y2
    bend = [start, end] if across or x1 == x2 else [start, (x1, (y1 + y2) / 2), (x2, (y1 + y2) / 2), end]
    for (a, b), (c, d) in pairwise(bend):
        yield Line(x1=a, y1=b, x2=c, y2=d, colour="quiet", width=1.3)
    tip = ((x2 - 8, y2 - 4), (x2 - 8, y2 + 4)) if across else ((x2 - 4, y2 - 8), (x2 + 4, y2 - 8))
    yield Area(points=((x2, y2), *tip), colour="quiet", opacity=1.0)


def _wrapped(text: str, width: float, *, size: float) -> list[str]:
    return textwrap.wrap(text, max(8, int(width / (_LETTER * size))))


def pipeline_steps(inputs: Inputs, *, recipe: str) -> tuple[Step, ...]:
    """Return the steps as the code makes them: checks by name, the recipe's own description, the claim's outputs."""
    from pneumoscope.intake import CHECKS

    names = ", ".join(check.__name__.removeprefix("check_").replace("_", " ") for check in CHECKS)
    claim = inputs.device.claim
    outputs = "structured report and Secondary Capture into the same study"
    outputs += "; heat map and outline" if claim.shows_location else "; no location"
    outputs += "; place in the worklist" if claim.orders_worklist else "; worklist order unchanged"
    backbone = inputs.tables["training"]["config"]["backbone"]
    by_view = inputs.card is not None and any(rule.by_view for rule in inputs.card.rules.values())
    whose = "of the population and view" if by_view else "of the population"
    return (
        Step(
            "1  Find and read",
            "DICOM, PNG or JPEG; modality and VOI transforms, padding, MONOCHROME1",
            "failed: not readable, with expected and found",
        ),
        Step("2  Check", names, "refused: outside the intended use, with every reason"),
        Step("3  Prepare", recipe),
        Step("4  Network", f"{backbone}: logit, class activation map, embedding and distance in one pass"),
        Step(
            "5  Guard",
            "distance of the embedding from the training images",
            "refused: does not look like a frontal chest radiograph",
        ),
        Step(
            "6  Calibrate and decide",
            f"by the rule {whose}: probability against the threshold “{inputs.device.operating_point}”; conformal "
            "limits",
            "uncertain: a person decides",
        ),
        Step("7  Write", outputs),
    )


def draw_trust_boundaries(path: Path) -> None:
    """Draw boxes for what talks, arrows for what crosses, dashes for where trust ends."""
    outside = (
        (8.0, 50.0, "Modality, PACS", "C-STORE, STOW-RS"),
        (8.0, 130.0, "Watched folder", "files"),
        (8.0, 210.0, "Browser, REST", "HTTPS, sign-in, roles"),
        (560.0, 50.0, "PACS, FHIR, HL7", "SR, SC, text"),
        (560.0, 130.0, "Spool, database", "patients' pixels"),
        (560.0, 210.0, "Webhook", "alerts, no patient data"),
    )
    marks = [
        one
        for x, y, title, words in outside
        for one in box(title, [words], x=x, y=y, width=190, height=48, size=12, colour="depth")
    ]
    marks += box("Pneumoscope node", ["limits, checks, audit"], x=285, y=50, width=190, height=208, size=12)
    for y in (74.0, 154.0, 234.0):
        marks += [*arrow((198, y), (285, y)), *arrow((475, y), (560, y))]
    for x in (241.0, 517.0):
        marks.append(Line(x1=x, y1=14, x2=x, y2=286, colour="finding", width=1.6, dashed=True))
    save_svg(path, marks, height=300, words="Trust boundaries")
