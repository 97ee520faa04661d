"""Charts as SVG: no script, no style of their own, colours from the page's theme; a table beside each says the same."""

import math
from collections.abc import Iterator
from html import escape

from markupsafe import Markup

from pneumoscope.service.monitoring import Chart, Distribution, Point, Signal
from pneumoscope.service.web.wording import moment

_WIDTH, _HEIGHT = 360, 160
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 10, 22
_MOST_POINTS = 60


def control_chart(chart: Chart) -> Markup:
    """Draw batches in time against centre and limits; a point out of control is a filled diamond."""
    points = chart.points[-_MOST_POINTS:]
    low, high = _span(points, centre=chart.limits.centre, is_share=chart.is_share)
    across = [_x(index + 0.5, 0, max(len(points), 12)) for index in range(len(points))]
    parts = [*_axis(low, high, is_share=chart.is_share)]
    centre = _y(chart.limits.centre, low, high)
    parts.append(f'<line class="centre" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{centre:.1f}" y2="{centre:.1f}"/>')
    if points:
        for limit in (points[-1].low, points[-1].high):
            y = _y(limit, low, high)
            parts.append(f'<line class="limit" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        line = " ".join(f"{x:.1f},{_y(one.value, low, high):.1f}" for x, one in zip(across, points, strict=True))
        parts.append(f'<polyline class="line" points="{line}"/>')
        parts += [_dot(x, _y(one.value, low, high), one) for x, one in zip(across, points, strict=True)]
        parts += _dates(points)
    return _svg(parts, label=f"{chart.title}, control chart of {len(points)} batches")


def histogram(distribution: Distribution) -> Markup:
    """Draw shares of the reference as outline, of the latest images as bars; a line at the mark."""
    edges = distribution.edges
    high = max(0.05, *distribution.reference, *distribution.recent) * 1.3  # room for the words at the mark
    floor = _HEIGHT - _BOTTOM
    parts = [*_axis(0, high, is_share=True)]
    outline = []
    for left, right, first, later in zip(
        edges[:-1], edges[1:], distribution.reference, distribution.recent, strict=True
    ):
        x0, x1 = (_x(edge, edges[0], edges[-1]) for edge in (left, right))
        y = _y(later, 0, high)
        if later:
            parts.append(
                f'<rect class="bar" x="{x0 + 0.5:.1f}" y="{y:.1f}" width="{x1 - x0 - 1:.1f}" height="{floor - y:.1f}"/>'
            )
        outline += [f"{x0:.1f},{_y(first, 0, high):.1f}", f"{x1:.1f},{_y(first, 0, high):.1f}"]
    parts.append(f'<polyline class="first" points="{" ".join(outline)}"/>')
    mark, words = distribution.mark
    x = _x(mark, edges[0], edges[-1])
    anchor, shift = ("end", -4) if x > 0.7 * _WIDTH else ("start", 4)
    parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{floor}"/>')
    parts.append(f'<text x="{x + shift:.1f}" y="{_TOP + 9}" text-anchor="{anchor}">{escape(words)}</text>')
    parts += [
        f'<text x="{_x(edge, edges[0], edges[-1]):.1f}" y="{_HEIGHT - 6}" text-anchor="{place}">{edge:.3g}</text>'
        for edge, place in ((edges[0], "start"), (edges[len(edges) // 2], "middle"), (edges[-1], "end"))
    ]
    return _svg(parts, label=f"{distribution.title}, distribution")


def number(value: float, *, is_share: bool) -> str:
    """Return a value as the charts write it; a dash where there is none."""
    if math.isnan(value):
        return "–"
    return f"{100 * value:.1f} %" if is_share else f"{value:.3g}"


def _span(points: tuple[Point, ...], *, centre: float, is_share: bool) -> tuple[float, float]:
    values = [centre, *(edge for one in points for edge in (one.value, one.low, one.high))]
    low, high = min(values), max(values)
    room = 0.12 * (high - low) or 0.1 * abs(centre) or 0.1
    low, high = low - room, high + room
    return (max(0.0, low), min(1.0, high)) if is_share else (low, high)


def _axis(low: float, high: float, *, is_share: bool) -> Iterator[str]:
    for value in _ticks(low, high):
        y = _y(value, low, high)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        words = f"{100 * value:g} %" if is_share else f"{value:g}"
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{words}</text>'


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers in the range."""
    rough = (high - low) / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * one for one in (1, 2, 5, 10) if size * one >= rough)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 9) for index in range(first, math.floor(high / step + 1e-9) + 1)]


def _dates(points: tuple[Point, ...]) -> Iterator[str]:
    for x, one, anchor in ((_LEFT, points[0], "start"), (_WIDTH - _RIGHT, points[-1], "end")):
        yield f'<text x="{x}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{moment(one.at, "%d %b %H:%M")}</text>'


def _dot(x: float, y: float, point: Point) -> str:
    words = escape(f"{moment(point.at)}, {point.n} images, {point.value:.3g} {point.signal}".strip())
    if point.signal is Signal.NONE:
        return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.4"><title>{words}</title></circle>'
    corners = f"M{x:.1f} {y - 5:.1f}l5 5-5 5-5-5Z"
    return f'<path class="out" d="{corners}"><title>{words}</title></path>'


def _svg(parts: list[str], *, label: str) -> Markup:
    head = f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">'
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704  every text in it is escaped above


def _x(value: float, low: float, high: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (value - low) / (high - low)


def _y(value: float, low: float, high: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (value - low) / (high - low)
