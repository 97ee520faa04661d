import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumoscope.plotting import (
    COLOURS,
    DARK,
    LIGHT,
    Area,
    Axis,
    Colour,
    Curve,
    Dot,
    Figure,
    ForestAxis,
    ForestLayout,
    Line,
    Picture,
    Point,
    Rect,
    Row,
    Scale,
    Text,
    Trace,
    chart,
    forest,
    framed,
    save_figure,
    to_svg,
    write_png,
)
from pneumoscope.plotting.png import SCALE

SVG = "{http://www.w3.org/2000/svg}"


def figure(*marks: object) -> Figure:
    return Figure(name="f", title="A < B", takeaway="so & so", caption="", width=100, height=50, marks=marks)  # type: ignore[arg-type]


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    channels = [value / 255 for value in bytes.fromhex(colour[1:])]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", [LIGHT, DARK])
@pytest.mark.parametrize("colour", [colour for colour in COLOURS if colour not in ("ground", "rule")])
def test_every_ink_stands_out_from_its_ground(colours: dict[Colour, str], colour: Colour) -> None:
    bright, dim = sorted((luminance(colours[colour]), luminance(colours["ground"])), reverse=True)
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
        to_svg(figure(Text(x=1, y=2, text="<5 & more"), Rect(x=0, y=0, width=9, height=9, colour="pa", tip="t")))
    )
    assert [text.text for text in root.iter(f"{SVG}text")] == ["<5 & more"]
    assert (root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text) == ("A < B", "so & so")  # type: ignore[union-attr]
    assert root.get("role") == "img"


def test_an_embedded_svg_takes_its_colours_from_the_page() -> None:
    marks = (Dot(x=1, y=1, colour="ap"), Line(x1=0, y1=0, x2=1, y2=1), Trace(points=((0, 0), (1, 1)), colour="pa"))
    assert "#" not in to_svg(figure(*marks), embedded=True)
    assert LIGHT["ap"] in to_svg(figure(*marks))


def test_a_png_shows_each_mark_in_its_colour(tmp_path: Path) -> None:
    grey = np.full((4, 4), 77, dtype=np.uint8)
    marks = (
        Rect(x=0, y=0, width=20, height=20, colour="finding"),
        Dot(x=40, y=10, colour="pa", radius=8),
        Dot(x=60, y=10, colour="ap", radius=8, hollow=True),
        Picture(x=70, y=0, width=20, height=20, pixels=grey),
        Line(x1=0, y1=40, x2=100, y2=40, colour="ink", width=4, dashed=True),
        Trace(points=((0, 30), (100, 30)), colour="male", width=4),
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


def test_an_area_lets_shine_through_what_lies_under_it(tmp_path: Path) -> None:
    marks = (
        Rect(x=0, y=0, width=50, height=50, colour="ink"),
        Area(points=((0, 10), (100, 10), (100, 40), (0, 40)), colour="measured", opacity=0.5),
    )
    write_png(figure(*marks), tmp_path / "f.png")
    image = np.asarray(Image.open(tmp_path / "f.png")).astype(int)
    over, under = (np.array(list(bytes.fromhex(LIGHT[name][1:]))) for name in ("measured", "ink"))
    assert image[25 * SCALE, 25 * SCALE] == pytest.approx((over + under) / 2, abs=2)
    assert image[25 * SCALE, 75 * SCALE] == pytest.approx((over + 255) / 2, abs=2)
    assert 'fill-opacity="0.500"' in to_svg(figure(*marks))


def test_a_dashed_trace_has_gaps_and_a_whole_one_none(tmp_path: Path) -> None:
    dark = []
    for dashed in (False, True):
        write_png(figure(Trace(points=((0, 25), (100, 25)), colour="ink", width=4, dashed=dashed)), tmp_path / "f.png")
        dark.append(float((np.asarray(Image.open(tmp_path / "f.png"))[25 * SCALE, :, 0] < 128).mean()))
    assert dark[0] > 0.99
    assert dark[1] == pytest.approx(5 / 8, abs=0.1)


def test_a_chart_places_a_curve_its_band_and_its_dots_on_the_axes() -> None:
    x = np.array([0.0, 0.5, 1.0])
    curve = Curve(x=x, y=x, low=x * 0.8, high=x * 1.2, name="line")
    dots = Curve(x=np.array([0.5]), y=np.array([0.25]), dots=True, colour="compared")
    axis = Axis(title="x", low=0, high=1)
    marks, height = chart([curve, dots], x=axis, y=axis, width=260, plot_height=200)
    (line,) = [mark for mark in marks if isinstance(mark, Trace) and len(mark.points) == 3]
    (left, bottom), middle, (right, top) = line.points
    assert (right, bottom - top, height) == (246, 200, bottom + 40)
    assert middle == pytest.approx(((left + right) / 2, (bottom + top) / 2))
    (band,) = [mark for mark in marks if isinstance(mark, Area)]
    assert band.points[1][1] == pytest.approx(bottom - 0.6 * 200)
    (dot,) = [mark for mark in marks if isinstance(mark, Dot)]
    assert (dot.x, dot.y) == pytest.approx(((left + right) / 2, bottom - 50))
    assert next(mark.text for mark in marks if isinstance(mark, Text)) == "line"


def test_a_stepped_curve_holds_its_value_until_the_next_point() -> None:
    axis = Axis(title="", low=0, high=2)
    curve = Curve(x=np.array([0.0, 1.0]), y=np.array([1.0, 2.0]), stepped=True)
    marks, _ = chart([curve], x=axis, y=axis)
    (line,) = [mark for mark in marks if isinstance(mark, Trace)]
    assert next(y for _, y in line.points) == [y for _, y in line.points][1] != [y for _, y in line.points][2]


def test_a_framed_figure_has_its_title_and_note_and_its_marks_moved(tmp_path: Path) -> None:
    whole = framed(figure(Dot(x=1, y=1, colour="ap"), Trace(points=((0, 0), (1, 1)), colour="pa")), note="NIH test")
    assert [mark.text for mark in whole.marks if isinstance(mark, Text)] == ["A < B", "NIH test"]
    dot, trace = whole.marks[2:]
    assert (dot.x - 1, dot.y - 1) == trace.points[0]
    save_figure(whole, tmp_path)
    first = (tmp_path / "f.png").read_bytes()
    save_figure(whole, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.png", "f.svg"]
    assert (tmp_path / "f.png").read_bytes() == first
