import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumoscope.eda.draw.axis import Scale
from pneumoscope.eda.draw.forest import ForestAxis, ForestLayout, Point, Row, forest
from pneumoscope.eda.draw.inks import DARK, INKS, LIGHT, Ink
from pneumoscope.eda.draw.marks import Dot, Figure, Line, Picture, Rect, Text, Trace
from pneumoscope.eda.draw.png import SCALE, write_png
from pneumoscope.eda.draw.svg import to_svg

SVG = "{http://www.w3.org/2000/svg}"


def figure(*marks: object) -> Figure:
    return Figure(name="f", title="A < B", takeaway="so & so", caption="", width=100, height=50, marks=marks)  # type: ignore[arg-type]


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    channels = [value / 255 for value in bytes.fromhex(colour[1:])]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", [LIGHT, DARK])
@pytest.mark.parametrize("ink", [ink for ink in INKS if ink not in ("ground", "rule")])
def test_every_ink_stands_out_from_its_ground(colours: dict[Ink, str], ink: Ink) -> None:
    bright, dim = sorted((luminance(colours[ink]), luminance(colours["ground"])), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= 3


def test_a_scale_maps_ends_to_ends_and_holds_what_lies_outside() -> None:
    scale = Scale(low=10, high=20, start=100, end=0)
    assert [scale(value) for value in (10, 15, 20, 99)] == [100, 50, 0, 0]
    log = Scale(low=1, high=100, start=0, end=10, log=True)
    assert log(10) == pytest.approx(5)


@pytest.mark.parametrize(
    ("low", "high", "log", "ticks"),
    [
        (0, 1, False, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 23, False, [0, 5, 10, 15, 20]),
        (0.45, 0.7, False, [0.45, 0.5, 0.55, 0.6, 0.65, 0.7]),
        (0.4, 20, True, [0.5, 1, 2, 5, 10, 20]),
        (0.05, 5000, True, [0.1, 1, 10, 100, 1000]),
    ],
)
def test_ticks_are_round_and_inside(low: float, high: float, log: bool, ticks: list[float]) -> None:
    assert Scale(low=low, high=high, start=0, end=1, log=log).ticks() == pytest.approx(ticks)


def test_svg_keeps_text_as_text_escaped_and_names_itself_to_a_screen_reader() -> None:
    root = ET.fromstring(
        to_svg(figure(Text(x=1, y=2, text="<5 & more"), Rect(x=0, y=0, width=9, height=9, ink="pa", tip="t")))
    )
    assert [text.text for text in root.iter(f"{SVG}text")] == ["<5 & more"]
    assert (root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text) == ("A < B", "so & so")  # type: ignore[union-attr]
    assert root.get("role") == "img"


def test_an_embedded_svg_takes_its_colours_from_the_page() -> None:
    marks = (Dot(x=1, y=1, ink="ap"), Line(x1=0, y1=0, x2=1, y2=1), Trace(points=((0, 0), (1, 1)), ink="pa"))
    assert "#" not in to_svg(figure(*marks), embedded=True)
    assert LIGHT["ap"] in to_svg(figure(*marks))


def test_a_png_shows_each_mark_in_its_colour(tmp_path: Path) -> None:
    grey = np.full((4, 4), 77, dtype=np.uint8)
    marks = (
        Rect(x=0, y=0, width=20, height=20, ink="finding"),
        Dot(x=40, y=10, ink="pa", radius=8),
        Dot(x=60, y=10, ink="ap", radius=8, hollow=True),
        Picture(x=70, y=0, width=20, height=20, pixels=grey),
        Line(x1=0, y1=40, x2=100, y2=40, ink="ink", width=4, dashed=True),
        Trace(points=((0, 30), (100, 30)), ink="male", width=4),
        Text(x=50, y=25, text="word", bold=True),
    )
    write_png(figure(*marks), tmp_path / "f.png")
    image = np.asarray(Image.open(tmp_path / "f.png"))
    assert image.shape == (50 * SCALE, 100 * SCALE, 3)

    def at(x: int, y: int) -> str:
        return "#" + bytes(image[y * SCALE, x * SCALE].tolist()).hex()

    assert (at(10, 10), at(40, 10), at(60, 10)) == (LIGHT["finding"], LIGHT["pa"], LIGHT["ground"])
    assert (at(80, 10), at(50, 30), at(1, 40)) == ("#4d4d4d", LIGHT["male"], LIGHT["ink"])


def test_a_forest_says_where_an_interval_leaves_the_scale_and_needs_none() -> None:
    rows = [
        Row(label="Group", heading=True),
        Row(label="a", points=(Point(value=1, low=0, high=9),), columns=("1",)),
        Row(label="b", points=(Point(value=2),), columns=("2",)),
    ]
    marks, height = forest(rows, ForestAxis(title="t", low=0, high=5), layout=ForestLayout(columns=(("n", 50),)))
    texts = [mark.text for mark in marks if isinstance(mark, Text)]
    assert texts.count("▸") == 1
    assert {"Group", "a", "b", "n", "t", "1", "2"} <= set(texts)
    assert len([mark for mark in marks if isinstance(mark, Dot)]) == 2
    assert all(mark.y1 <= height and mark.y2 <= height for mark in marks if isinstance(mark, Line))
