"""The look of every figure, in one place: readable in print, in grey and with any colour vision."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pneumoscope.evaluation.numbers import Leaf, NotEstimable

# Okabe and Ito, Color Universal Design, 2008: told apart with any colour vision.
BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
INK, SOFT, FAINT = "#1A1A1A", "#5F6368", "#C9CDD2"
# The measured thing is blue; what it is held against is dashed grey.
REFERENCE: dict[str, Any] = {"color": SOFT, "linewidth": 1.0, "linestyle": (0, (4, 3)), "zorder": 1}
BAND_OPACITY = 0.18

_DPI = 160
_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.8,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "svg.fonttype": "path",  # looks the same wherever it is embedded
    "svg.hashsalt": "pneumoscope",  # equal numbers give equal files
}


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib's settings within the block; nothing of the caller's is changed."""
    from matplotlib import rc_context

    with rc_context(_SETTINGS):
        yield


def new_figure(*, width_in: float = 5.0, height_in: float = 4.0) -> tuple[Any, Any]:
    """A figure with one pair of axes, without a window or a global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in))
    return figure, figure.subplots()


def save(figure: Any, folder: Path, *, name: str, note: str) -> None:
    """Write the figure as SVG and PNG with a note at its foot; the same numbers give the same bytes.

    Laid out once, then drawn once for each file: `savefig` would do both twice over.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure.supxlabel(note, fontsize=7, color=SOFT, x=0.99, ha="right")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    folder.mkdir(parents=True, exist_ok=True)
    svg: Any = FigureCanvasSVG(figure)
    svg.print_svg(folder / f"{name}.svg", metadata={"Date": None})
    figure.dpi = _DPI
    png: Any = FigureCanvasAgg(figure)
    png.print_png(folder / f"{name}.png", metadata={"Software": None})


def interval(number: Leaf, *, digits: int = 3) -> str:
    """A number with its interval, as text: 0.762 [0.731, 0.789]; or that there is none."""
    if isinstance(number, NotEstimable):
        return "not estimable"
    return f"{number.value:.{digits}f} [{number.low:.{digits}f}, {number.high:.{digits}f}]"
