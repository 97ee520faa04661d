"""One style and one set of marks for every static figure: EDA report, evidence, reader studies, submission.

A figure is a list of marks with its words (`Figure`): title, takeaway (the one sentence that the numbers say) and
caption. Two charts make most of them; anything else is marks (`Rect`, `Line`, `Trace`, `Area`, `Dot`, `Text`,
`Picture`) placed by a `Scale`.

    marks, height = forest(rows, ForestAxis(title="AUROC", low=0.4, high=1.0, reference=0.5), layout=ForestLayout())
    marks, height = chart([Curve(x=x, y=y, low=low, high=high, name="ROC")], x=Axis(...), y=Axis(...))
    figure = Figure(name="roc", title=..., takeaway=..., caption=..., width=440, height=height, marks=marks)
    save_figure(framed(figure, note="NIH test"), folder)      # roc.svg and roc.png, for standing alone
    to_svg(figure, embedded=True)                             # within a page, in the page's light or dark colours

Colours are named by what they mean (`palette`), the same in every figure. Compute first, draw then: a function here
takes numbers and never makes any.
"""

from pneumoscope.plotting.axis import Scale, horizontal_grid, labelled, vertical_grid
from pneumoscope.plotting.chart import Axis, Curve, chart
from pneumoscope.plotting.files import framed, save_figure
from pneumoscope.plotting.forest import ForestAxis, ForestLayout, Point, Row, forest, span
from pneumoscope.plotting.marks import Area, Dot, Figure, Line, Mark, Picture, Rect, Text, Trace
from pneumoscope.plotting.palette import COLOURS, DARK, FONT, LIGHT, Colour, colour_rules, colour_variables
from pneumoscope.plotting.png import write_png
from pneumoscope.plotting.shift import shifted
from pneumoscope.plotting.svg import to_svg

__all__ = [
    "COLOURS",
    "DARK",
    "FONT",
    "LIGHT",
    "Area",
    "Axis",
    "Colour",
    "Curve",
    "Dot",
    "Figure",
    "ForestAxis",
    "ForestLayout",
    "Line",
    "Mark",
    "Picture",
    "Point",
    "Rect",
    "Row",
    "Scale",
    "Text",
    "Trace",
    "chart",
    "colour_rules",
    "colour_variables",
    "forest",
    "framed",
    "horizontal_grid",
    "labelled",
    "save_figure",
    "shifted",
    "span",
    "to_svg",
    "vertical_grid",
    "write_png",
]
