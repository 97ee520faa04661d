"""Figure -> SVG: text kept as text, colours by class, so that a page's theme recolours it."""

import base64
import io
from functools import singledispatch
from html import escape

from pneumoscope.plotting.marks import Area, Dot, Figure, Line, Mark, Picture, Rect, Text, Trace
from pneumoscope.plotting.palette import COLOURS, FONT, LIGHT


def to_svg(figure: Figure, *, embedded: bool = False) -> str:
    """Return the SVG; with its own colours on white, or where `embedded` with those of the page around it."""
    marks = "\n".join(_mark(mark) for mark in figure.marks)
    size = f'viewBox="0 0 {figure.width:g} {figure.height:g}"'
    labels = f'role="img" aria-labelledby="{figure.name}-title {figure.name}-desc"'
    words = (
        f'<title id="{figure.name}-title">{escape(figure.title)}</title>'
        f'<desc id="{figure.name}-desc">{escape(figure.takeaway)}</desc>'
    )
    if embedded:
        return f"<svg {size} {labels}>{words}\n{marks}\n</svg>"
    ground = f'<rect width="100%" height="100%" fill="{LIGHT["ground"]}"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} width="{figure.width:g}" height="{figure.height:g}" {labels}>'
        f"{words}\n<style>{_standalone_rules()}</style>\n{ground}\n{marks}\n</svg>\n"
    )


def _standalone_rules() -> str:
    rules = " ".join(f".f-{colour}{{fill:{LIGHT[colour]}}} .s-{colour}{{stroke:{LIGHT[colour]}}}" for colour in COLOURS)
    return f"text{{font-family:{FONT}}} .b{{font-weight:600}} {rules}"


@singledispatch
def _mark(mark: Mark) -> str:
    raise TypeError(f"expected a mark, found {type(mark).__name__}")


@_mark.register
def _(mark: Rect) -> str:
    opacity = "" if mark.opacity >= 1 else f' fill-opacity="{mark.opacity:.3f}"'
    place = f'x="{mark.x:.1f}" y="{mark.y:.1f}" width="{mark.width:.1f}" height="{mark.height:.1f}"'
    return _closed(f'<rect class="f-{mark.colour}" {place}{opacity}', mark.tip)


@_mark.register
def _(mark: Line) -> str:
    dashes = ' stroke-dasharray="3 3"' if mark.dashed else ""
    place = f'x1="{mark.x1:.1f}" y1="{mark.y1:.1f}" x2="{mark.x2:.1f}" y2="{mark.y2:.1f}"'
    return f'<line class="s-{mark.colour}" {place} stroke-width="{mark.width:g}"{dashes}/>'


@_mark.register
def _(mark: Trace) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in mark.points)
    dashes = ' stroke-dasharray="5 3"' if mark.dashed else ""
    return f'<polyline class="s-{mark.colour}" fill="none" stroke-width="{mark.width:g}"{dashes} points="{points}"/>'


@_mark.register
def _(mark: Area) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in mark.points)
    return f'<polygon class="f-{mark.colour}" fill-opacity="{mark.opacity:.3f}" points="{points}"/>'


@_mark.register
def _(mark: Dot) -> str:
    place = f'cx="{mark.x:.1f}" cy="{mark.y:.1f}"'
    if mark.hollow:
        rim = f'<circle class="f-ground s-{mark.colour}" stroke-width="1.8" {place} r="{mark.radius - 0.9:g}"'
        return _closed(rim, mark.tip)
    return _closed(f'<circle class="f-{mark.colour}" {place} r="{mark.radius:g}"', mark.tip)


@_mark.register
def _(mark: Text) -> str:
    anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
    bold = " b" if mark.bold else ""
    place = f'x="{mark.x:.1f}" y="{mark.y + 0.35 * mark.size:.1f}"'
    return f'<text class="f-{mark.colour}{bold}" {place} font-size="{mark.size:g}"{anchor}>{escape(mark.text)}</text>'


@_mark.register
def _(mark: Picture) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(mark.pixels).save(stream, "PNG", optimize=True)
    data = base64.b64encode(stream.getvalue()).decode()
    place = f'x="{mark.x:.1f}" y="{mark.y:.1f}" width="{mark.width:.1f}" height="{mark.height:.1f}"'
    return f'<image {place} preserveAspectRatio="none" href="data:image/png;base64,{data}"/>'


def _closed(tag: str, tip: str) -> str:
    name = tag[1 : tag.index(" ")]
    return f"{tag}/>" if not tip else f"{tag}><title>{escape(tip)}</title></{name}>"
