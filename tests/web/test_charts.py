"""Charts: where things lie, what they say, and that empty input draws nothing."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.web import charts
from counterpoint.web.charts.svg import WIDTHS
from counterpoint.web.scale import Scale, clipped, extent, tick_text, ticks

SVG = "{http://www.w3.org/2000/svg}"


def drawn(markup: str, size: str = "broad") -> ElementTree.Element:
    """Return one width of a chart; that it parses shows that it is well formed."""
    root = ElementTree.fromstring(f"<root>{markup}</root>")  # noqa: S314  our own text
    return next(svg for svg in root.iter("svg") if f"chart-{size}" in (svg.get("class") or "").split())


def with_class(svg: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [node for node in svg.iter() if name in (node.get("class") or "").split()]


def words(svg: ElementTree.Element) -> str:
    return " ".join("".join(node.itertext()) for node in svg.iter("text"))


@pytest.mark.parametrize(
    "nothing",
    [
        charts.interval_plot([], title="t"),
        charts.line_chart([], title="t"),
        charts.line_chart([charts.Series("a", ())], title="t"),
        charts.horizontal_bars([], title="t"),
        charts.column_chart([], title="t"),
        charts.share_bar([], title="t"),
        charts.share_bar([charts.Bar("a", 0)], title="t"),
        charts.sparkline([1], title="t"),
        charts.relation_diagram(charts.Node("a"), [charts.RelationGroup("b", ())], title="t"),
    ],
)
def test_empty_input_draws_nothing(nothing: str) -> None:
    assert nothing == ""


ALL = {
    "interval": charts.interval_plot(
        [charts.Interval("<b> & co", 0.1, 0.0, 0.2, href="/x?a=1&b=2")], title='"t" <i>'
    ),
    "lines": charts.line_chart([charts.Series("<b> & co", ((0, 1), (1, 2)))], title='"t" <i>'),
    "bars": charts.horizontal_bars([charts.Bar("<b> & co", 3)], title='"t" <i>'),
    "columns": charts.column_chart([charts.Bar("<b> & co", 3)], title='"t" <i>'),
    "relations": charts.relation_diagram(
        charts.Node("<b> & co"),
        [charts.RelationGroup("<b>", (charts.Node("<b> & co", "/x"),))],
        title='"t" <i>',
    ),
}


@pytest.mark.parametrize("size", WIDTHS)
@pytest.mark.parametrize("name", ALL)
def test_every_width_is_named_described_and_escaped(name: str, size: str) -> None:
    svg = drawn(ALL[name], size)
    assert svg.get("aria-label") == '"t" <i>'
    assert svg.get("role") in {"img", "group"}
    assert svg.findtext("desc")
    assert "<b>" in words(svg)


def test_a_chart_with_links_is_a_group_since_an_image_hides_them() -> None:
    assert drawn(ALL["interval"]).get("role") == "group"
    assert drawn(ALL["bars"]).get("role") == "img"


def test_no_chart_carries_a_style_attribute() -> None:
    assert not any(re.search(r"\sstyle=", chart) for chart in ALL.values())


def test_an_interval_lies_around_its_estimate_on_the_common_scale() -> None:
    rows = [
        charts.Interval("one", 0.02, 0.01, 0.03, "good"),
        charts.Interval("two", -0.02, -0.04, 0.0, "bad"),
    ]
    svg = drawn(charts.interval_plot(rows, title="t"))
    one, two = (float(point.get("cx") or 0) for point in with_class(svg, "c-point"))
    (zero,) = with_class(svg, "c-zero")
    assert two < float(zero.get("x1") or 0) < one
    horizontal = [bar for bar in with_class(svg, "c-interval") if bar.get("y1") == bar.get("y2")]
    first = horizontal[0]
    assert float(first.get("x1") or 0) < one < float(first.get("x2") or 0)
    assert "is-good" in (first.get("class") or "")
    assert "+2.0" in words(svg)


def test_a_margin_is_marked_in_its_row() -> None:
    rows = [charts.Interval("one", 0.0, -0.01, 0.01, margin=-0.02)]
    svg = drawn(charts.interval_plot(rows, title="t"))
    (margin,) = with_class(svg, "c-margin")
    (point,) = with_class(svg, "c-point")
    assert float(margin.get("x1") or 0) < float(point.get("cx") or 0)


def test_an_interval_without_end_is_drawn_to_the_edge_with_an_arrow() -> None:
    rows = [charts.Interval("one", 0.01, float("-inf"), 0.02)]
    svg = drawn(charts.interval_plot(rows, title="t"))
    assert len(with_class(svg, "c-open")) == 1
    assert "∞" in words(svg)
    assert "nan" not in ElementTree.tostring(svg, encoding="unicode")


def test_a_row_without_an_estimate_is_told_but_not_drawn() -> None:
    nan = float("nan")
    svg = drawn(charts.interval_plot([charts.Interval("one", nan, nan, nan)], title="t"))
    assert not with_class(svg, "c-point")
    assert not with_class(svg, "c-interval")
    assert "one" in words(svg)


def test_a_higher_value_lies_higher() -> None:
    svg = drawn(charts.line_chart([charts.Series("a", ((0, 1), (10, 5)))], title="t"))
    (path,) = with_class(svg, "c-line")
    places = [tuple(map(float, place.split())) for place in (path.get("d") or "")[1:].split("L")]
    assert places[0][0] < places[1][0]
    assert places[0][1] > places[1][1]


def test_names_of_lines_that_end_together_do_not_cover_each_other() -> None:
    series = [
        charts.Series(name, ((0, 1), (1, 2 + place)))
        for name, place in (("a", 0), ("b", 0.001), ("c", 0.002))
    ]
    svg = drawn(charts.line_chart(series, title="t"))
    places = sorted(float(node.get("y") or 0) for node in with_class(svg, "c-label"))
    assert all(after - before >= 14.9 for before, after in pairwise(places))


def test_bars_are_as_long_as_their_values() -> None:
    svg = drawn(
        charts.horizontal_bars([charts.Bar("a", 10), charts.Bar("b", 5), charts.Bar("c", 0)], title="t")
    )
    long, half, none = (float(node.get("width") or 0) for node in svg.iter("rect"))
    assert half == pytest.approx(long / 2, abs=0.2)
    assert none == 1


def test_columns_leave_out_labels_that_do_not_fit() -> None:
    bars = [charts.Bar(f"day {index}", index) for index in range(60)]
    narrow = words(drawn(charts.column_chart(bars, title="t"), "narrow"))
    assert "day 0" in narrow
    assert narrow.count("day") < 10


def test_shares_fill_the_whole_bar_and_are_told() -> None:
    markup = charts.share_bar([charts.Bar("off", 1), charts.Bar("on", 3)], title="Arms")
    svg = drawn(markup, "share")
    assert [float(rect.get("x") or 0) for rect in svg.iter("rect")] == [0, 175]
    assert "on 75.0" in markup


def test_relations_of_a_large_group_are_counted() -> None:
    nodes = tuple(charts.Node(f"n{index}") for index in range(30))
    svg = drawn(
        charts.relation_diagram(charts.Node("me"), [charts.RelationGroup("has", nodes, "left")], title="t")
    )
    assert "and 22 more" in words(svg)
    assert len(with_class(svg, "c-node")) == 8
    assert len(with_class(svg, "c-link")) == 8


def test_what_is_not_drawn_is_counted_with_a_link_and_the_words_stay_short() -> None:
    nodes = tuple(charts.Node(f"n{index}") for index in range(10_000))
    group = charts.RelationGroup("has", nodes, rest="#relation-has")
    markup = charts.relation_diagram(charts.Node("me"), [group], title="t")
    assert '<a href="#relation-has">' in markup
    assert "has: n0, n1, n2, n3, n4, n5, n6, n7 and 9,992 more" in markup
    steps = tuple(charts.Step(f"s{index}", f"s{index}") for index in range(11))
    layers = charts.layer_diagram(charts.Node("me"), [charts.Layer("by", steps, rest="#by")], [], title="t")
    assert '<a href="#by">' in layers


def test_a_name_that_does_not_fit_is_told_whole_and_a_box_can_be_hit() -> None:
    long = "Recommendations for people who listen at night"
    markup = charts.relation_diagram(
        charts.Node("me"), [charts.RelationGroup("has", (charts.Node(long, "/x", "api"),))], title="t"
    )
    svg = drawn(markup, "broad")
    assert long in [each.text for each in svg.iter("title")]
    [box] = with_class(svg, "c-node")
    assert float(box.get("height") or 0) >= 24
    assert len(with_class(svg, "c-mark")) == 1


@pytest.mark.parametrize(
    ("low", "high", "count", "expected"),
    [
        (0, 10, 5, [0, 2, 4, 6, 8, 10]),
        (-0.04, 0.05, 5, [-0.04, -0.02, 0, 0.02, 0.04]),
        (3, 3, 5, [3]),
        (0, 1, 1, [0, 1]),
        (float("nan"), 1, 5, []),
    ],
)
def test_ticks_are_round(low: float, high: float, count: int, expected: list[float]) -> None:
    assert ticks(low, high, count) == pytest.approx(expected)


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(2, 10))
def test_ticks_lie_within_and_are_few(low: float, span: float, count: int) -> None:
    found = ticks(low, low + span, count)
    assert len(found) <= 2 * count + 2
    slack = max(span * 1e-3, abs(low) * 1e-12)  # a double has no finer steps there
    assert all(low - slack <= value <= low + span + slack for value in found)


def test_tick_text_has_as_many_places_as_the_step() -> None:
    assert tick_text([0.0, 0.05])(0.05) == "0.05"
    assert tick_text([0.0, 20.0])(20.0) == "20"


def test_scales_map_and_hold_at_their_ends() -> None:
    scale = Scale(0, 10, 100, 200)
    assert scale(5) == 150
    assert scale.clamped(float("inf")) == 200
    assert scale.clamped(-3) == 100
    assert Scale(1, 1, 0, 10)(1) == 5


def test_extents_know_only_finite_values() -> None:
    assert extent([float("inf"), float("nan")]) == (0, 1)
    assert extent([2, 4], padding=0) != (2, 2)
    low, high = extent([1.0])
    assert low < 1 < high


def test_text_that_is_too_long_ends_in_an_ellipsis() -> None:
    assert clipped("a long name", 30) == "a l…"
    assert clipped("short", 100) == "short"


def test_the_axis_of_an_interval_plot_has_no_more_places_than_its_step() -> None:
    svg = drawn(charts.interval_plot([charts.Interval("one", 0.3, 0.1, 0.5)], title="t"))
    labels = [node.text or "" for node in with_class(svg, "c-faint")]
    assert "+20\u202f%" in labels
    fine = drawn(charts.interval_plot([charts.Interval("one", 0.001, 0.0, 0.002)], title="t"))
    assert any(
        label.startswith("+0.1") for label in (node.text or "" for node in with_class(fine, "c-faint"))
    )


def test_a_line_breaks_where_nothing_is_known_and_keeps_lone_points() -> None:
    points = ((0.0, 1.0), (1.0, 2.0), (3.0, 2.0), (5.0, 1.0), (6.0, 3.0))
    one = charts.Series("visits", points, gaps=(2.0, 4.0))
    assert one.runs == [[(0.0, 1.0), (1.0, 2.0)], [(3.0, 2.0)], [(5.0, 1.0), (6.0, 3.0)]]
    (drawn, *_) = re.findall(r'<path d="([^"]*)" class="c-line', charts.line_chart([one], title="Visits"))
    assert drawn.count("M") == 2
    whole = charts.line_chart([charts.Series("visits", points)], title="Visits")
    (path, *_) = re.findall(r'<path d="([^"]*)" class="c-line', whole)
    assert path.count("M") == 1


START = datetime(2026, 9, 21, 8, tzinfo=UTC)


def test_moves_are_drawn_as_steps_with_numbered_marks() -> None:
    moves = [
        charts.Moved(START, 0.01),
        charts.Moved(START + timedelta(hours=24), 0.05),
        charts.Moved(START + timedelta(hours=30), 0.0, "bad"),
    ]
    marks = [charts.Mark(START, "deployed <1>"), charts.Mark(START + timedelta(hours=20), "deployed 2")]
    chart = charts.moves_chart(moves, marks, until=START + timedelta(hours=40), title="Moves")
    svg = drawn(chart)
    assert len(with_class(svg, "c-margin")) == 2
    (bad,) = with_class(svg, "is-bad")
    (line,) = with_class(svg, "v1")
    ends = [float(bad.get("cx", "")), float((line.get("d") or "").rpartition("H")[2])]
    assert ends == sorted(ends), "the line goes on after the last move"
    assert "deployed <1>" in (svg.findtext("desc") or "")
    assert {"1", "2", "0\u202f%", "5\u202f%"} <= {"".join(node.itertext()) for node in svg.iter("text")}
    assert charts.moves_chart([], marks, until=START, title="Moves") == ""


def test_small_shares_have_ticks_that_differ() -> None:
    said = words(drawn(charts.moves_chart([charts.Moved(START, 0.01)], (), until=START, title="Moves")))
    assert "0.2\u202f%" in said
    assert "1.0\u202f%" in said
