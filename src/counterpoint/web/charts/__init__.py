"""Charts as SVG made on the server: plain values in, `Markup` out; colours come from the page's styles.

Each chart has a name and a description for those who do not see it; put the table behind it with the
macro `ui.figure`. Empty input gives an empty `Markup`, so that a page can show its empty state instead.
"""

from counterpoint.web.charts.bars import Bar, column_chart, horizontal_bars, share_bar
from counterpoint.web.charts.boundary import Boundary, boundary_chart
from counterpoint.web.charts.interval import Interval, interval_plot
from counterpoint.web.charts.layers import Layer, Step, layer_diagram
from counterpoint.web.charts.moves import Mark, Moved, moves_chart
from counterpoint.web.charts.relations import Node, RelationGroup, relation_diagram
from counterpoint.web.charts.series import Series, line_chart, sparkline
from counterpoint.web.charts.stacks import Stack, stacked_columns
from counterpoint.web.charts.timeline import Span, timeline

__all__ = [
    "Bar",
    "Boundary",
    "Interval",
    "Layer",
    "Mark",
    "Moved",
    "Node",
    "RelationGroup",
    "Series",
    "Span",
    "Stack",
    "Step",
    "boundary_chart",
    "column_chart",
    "horizontal_bars",
    "interval_plot",
    "layer_diagram",
    "line_chart",
    "moves_chart",
    "relation_diagram",
    "share_bar",
    "sparkline",
    "stacked_columns",
    "timeline",
]
