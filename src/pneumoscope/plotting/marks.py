"""What a figure is made of: marks in units of a CSS pixel, coloured by meaning; both writers know nothing else."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from pneumoscope.plotting.palette import Colour

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect:
    """A filled box; `tip` is shown when a pointer rests on it."""

    x: float
    y: float
    width: float
    height: float
    colour: Colour
    opacity: float = 1.0
    tip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: Colour = "rule"
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    colour: Colour
    width: float = 1.8
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """The filled area within a closed line through points, see-through: such as a band around a curve."""

    points: tuple[tuple[float, float], ...]
    colour: Colour
    opacity: float = 0.18


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A disc, or where `hollow` its rim."""

    x: float
    y: float
    colour: Colour
    radius: float = 4.0
    hollow: bool = False
    tip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One line of text; `y` is its middle's height."""

    x: float
    y: float
    text: str
    colour: Colour = "ink"
    size: float = 12.0
    anchor: Anchor = "start"
    bold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """Grey or coloured pixels, stretched over a box."""

    x: float
    y: float
    width: float
    height: float
    pixels: UInt8[np.ndarray, "h w"] | UInt8[np.ndarray, "h w 3"]


Mark = Rect | Line | Trace | Area | Dot | Text | Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A drawing and its words.

    Attributes:
        name: Stem of its files.
        title: What is shown.
        takeaway: The one sentence that the numbers say.
        caption: How to read it: what is counted, n, how intervals were made.
    """

    name: str
    title: str
    takeaway: str
    caption: str
    width: float
    height: float
    marks: tuple[Mark, ...]
