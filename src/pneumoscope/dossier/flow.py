"""The flow of images from source to analysed: counts that agree, and the diagram of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pneumoscope.core import ConfigError
from pneumoscope.dossier.device import Cohort
from pneumoscope.dossier.diagrams import WIDTH, arrow, box, save_svg
from pneumoscope.dossier.facts import key_of
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.plotting import Mark

_GAP, _ROW = 14.0, 22.0
_HEIGHTS = (48.0, 66.0, 66.0, 66.0, 66.0)
_LETTER = 6.4


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
    evidence, action = inputs.release[cohort.evidence], inputs.tables["action"][key_of(cohort)]
    source = cohort.evidence.rpartition("-")[0]
    parts: Mapping[str, Any] = inputs.tables.get("databases", {}).get("sources", {}).get(source, {})
    return Flow(
        source=str(evidence.cohort["title"]).partition(":")[0],
        title=cohort.title,
        at_hand=sum(int(one["images"]) for one in parts.values()) if parts else None,
        images=int(evidence.cohort["images"]),
        patients=int(evidence.cohort["patients"]),
        left_out=sum(int(one) for one in evidence.cohort["left_out"].values()),
        labelled=int(action["n"]),
        **{name: int(action[name]) for name in ("moved_with", "left_with", "moved_without", "left_without")},
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
    for place, one in enumerate(flows_):
        drawn, bottom = _column(one, left=(width + _GAP) * place, width=width)
        marks += drawn
    save_svg(path, marks, height=bottom + 4, words="Flow of images")


def _column(one: Flow, *, left: float, width: float) -> tuple[list[Mark], float]:
    unread = one.images - one.labelled
    boxes = (
        (one.source, () if one.at_hand is None else (f"{one.at_hand:,} images at hand",)),
        ("Test side", (f"{one.images:,} images, {one.patients:,} patients", f"left out before: {one.left_out:,}")),
        (one.title, (f"{one.labelled:,} with this reference", f"without it: {unread:,}")),
        (f"With the finding: {one.positives:,}", (f"moved up {one.moved_with:,}", f"left in place {one.left_with:,}")),
        (
            f"Without it: {one.negatives:,}",
            (f"moved up {one.moved_without:,}", f"left in place {one.left_without:,}"),
        ),
    )
    marks: list[Mark] = []
    top, middle = 4.0, left + width / 2
    for place, ((title, lines), height) in enumerate(zip(boxes, _HEIGHTS, strict=True)):
        if place:
            if place < len(boxes) - 1:
                marks += arrow((middle, top), (middle, top + _ROW))
            top += _ROW if place < len(boxes) - 1 else 6
        shown = title if len(title) * _LETTER < width - 20 else title[: int((width - 26) / _LETTER)] + "…"
        colour = "finding" if place == 3 else "clear" if place == 4 else "measured"
        marks += box(shown, lines, x=left + 1, y=top, width=width - 2, height=height, colour=colour)
        top += height
    return marks, top
