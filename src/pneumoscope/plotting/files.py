"""Figures as files: SVG and PNG of the same marks."""

from dataclasses import replace
from pathlib import Path

from pneumoscope.core import atomic_path, write_atomically
from pneumoscope.plotting.marks import Figure, Text
from pneumoscope.plotting.png import write_png
from pneumoscope.plotting.shift import shifted
from pneumoscope.plotting.svg import to_svg

_TITLE, _NOTE, _MARGIN = 30.0, 20.0, 12.0


def save_figure(figure: Figure, folder: Path) -> None:
    """Write `NAME.svg` and `NAME.png`; the same figure gives the same bytes.

    Raises:
        ConfigError: The folder cannot be written or the disk is full.
    """
    write_atomically(folder / f"{figure.name}.svg", to_svg(figure))
    with atomic_path(folder / f"{figure.name}.png") as place:
        write_png(figure, place)


def framed(figure: Figure, *, note: str = "") -> Figure:
    """Return the figure for standing alone, outside a page: its title above, a note below, a margin around."""
    moved = tuple(shifted(mark, x=_MARGIN, y=_TITLE + _MARGIN) for mark in figure.marks)
    height = figure.height + _TITLE + 2 * _MARGIN + (_NOTE if note else 0)
    width = figure.width + 2 * _MARGIN
    words = [Text(x=_MARGIN, y=_MARGIN + 8, text=figure.title, size=14, bold=True)]
    if note:
        words.append(Text(x=width - _MARGIN, y=height - 12, text=note, size=10, colour="quiet", anchor="end"))
    return replace(figure, marks=(*words, *moved), width=width, height=height)
