"""Moving marks on the page, to set a chart below a title or beside another chart."""

from dataclasses import replace

from pneumoscope.plotting.marks import Area, Line, Mark, Trace


def shifted(mark: Mark, *, x: float, y: float) -> Mark:
    """Return the mark, moved right by `x` and down by `y`."""
    match mark:
        case Line():
            return replace(mark, x1=mark.x1 + x, x2=mark.x2 + x, y1=mark.y1 + y, y2=mark.y2 + y)
        case Trace() | Area():
            return replace(mark, points=tuple((a + x, b + y) for a, b in mark.points))
    return replace(mark, x=mark.x + x, y=mark.y + y)
