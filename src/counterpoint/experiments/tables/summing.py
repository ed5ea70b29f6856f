"""One Ibis expression that turns rows of users into the sufficient statistics of an experiment.

Rows of one user are put together first, then squares are summed around the pooled means (two passes), so
that large values keep their digits. Only counts and moments of each arm leave the engine.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any

import ibis
from ibis.expr.types import Table
from msgspec.structs import replace

from counterpoint.errors import InputError, Problem
from counterpoint.experiments.aggregation import literal_of, origin_expression
from counterpoint.experiments.by_segment import MOST_LEVELS, level_column
from counterpoint.experiments.caps import capped_at_quantile
from counterpoint.experiments.model import Metric
from counterpoint.experiments.tables.levels import large_values, level_of_user, spread
from counterpoint.experiments.tables.source import Source
from counterpoint.spelling import near

__all__ = [
    "MOST_VARIANTS",
    "WORDS",
    "days_expression",
    "forms_of",
    "numbers_of",
    "raw_of",
    "require_columns",
    "table_expression",
]

MOST_VARIANTS = 1000
"""Groups beyond which a column holds no variants."""
MOST_DAYS = 400
DAY_SECONDS = 86_400
MISSING = ("", "na", "n/a", "nan", "null", "none", "nil", "-")
"""Texts of CSV that say that there is no number, in small letters."""
OF_COLUMNS = ("mean", "sum", "count", "any")
"""Aggregations that put the rows of a user together."""
WITH_NAN = ("duckdb", "postgres")
"""Engines whose numbers may be no number."""
STRICT = ("postgres", "sqlite")
"""Engines that have no cast that gives null where a text says something else."""
NUMBER = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$"
MOMENT = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([ T]([01][0-9]|2[0-3]):[0-5][0-9]|$)"
TRUE, FALSE = ("true", "yes"), ("false", "no")
WORDS = ("word", "figure")
"""Columns of a query that count rows of words for 1 and 0, and of other numbers, of one column of the table."""


def require_columns(
    source: Source, metrics: Sequence[Metric], table: Table, *, segments: Sequence[str] = ()
) -> None:
    """Refuse a table that lacks a column that is named.

    Raises:
        InputError: one problem for each column, with names that are near.
    """
    problems = list(_unfit(source, metrics))
    if source.subject == source.variant:
        problems.append(
            Problem(
                f"The column {source.subject!r} is named for the users and for their variants; name one for each.",
                file=source.shown,
            )
        )
    wanted = [("subject", source.subject), ("variant", source.variant)]
    wanted += [("time", source.time)] if source.time else []
    for metric in metrics:
        wanted += [(f"the metric {metric.name}", name) for name in source.columns_of(metric).names]
    wanted += [("a segment", name) for name in segments]
    known = list(table.columns)
    problems += [
        Problem(
            f"There is no column {name!r} for {use}{near(name, known) or '.'} The columns are {', '.join(known[:40])}.",
            file=source.shown,
        )
        for use, name in wanted
        if name not in known
    ]
    if problems:
        raise InputError("The table lacks columns that are named for it.", problems)


def _unfit(source: Source, metrics: Sequence[Metric]) -> Iterator[Problem]:
    """Metrics that no columns can give."""
    for metric in metrics:
        pointer = f"/spec/source/metrics/{metric.name}"
        columns = source.columns_of(metric)
        for name in {*columns.covariates} & {columns.value, columns.denominator}:
            yield Problem(
                f"{metric.label} is its own covariate ({name}), which would take its effect away; name a column of before"
                " the experiment.",
                pointer,
            )
        if (columns.denominator is not None) != (metric.aggregation == "ratio"):
            yield Problem(
                f"{metric.label} is {'a ratio; name its numerator and denominator' if columns.denominator is None else 'no ratio; name one column'}.",
                pointer,
            )
        for part in metric.parts:
            if part.aggregation not in OF_COLUMNS or part.window_days or part.offset_days:
                what = part.aggregation if part.aggregation not in OF_COLUMNS else "a window of days"
                yield Problem(
                    f"{part.label} is computed from events ({what}), which a table of users does not have; compute it in the"
                    f" table, and name a metric with one of {', '.join(OF_COLUMNS)}, or a ratio of such.",
                    pointer,
                )


def table_expression(
    metrics: Sequence[Metric],
    source: Source,
    table: Table,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    segments: Sequence[str] = (),
) -> Table:
    """The expression whose few rows are the totals: one for each variant, for users of several, and for rows of nobody.

    There are further rows of each arm for each value of each segment: `which` is the segment's number from 1, and `part`
    the value; in the rows of the whole `which` is 0.

    Args:
        metrics: what is summed, in the order of the columns `m{i}_{part}`.
        source: what the columns mean.
        table: the table.
        start: rows before it do not count; none where there is no bound.
        end: rows after it do not count.
        segments: columns whose values part the users.
    """
    users = _capped(
        metrics,
        source,
        _users(metrics, source, *_rows(metrics, source, table, start, end, segments), segments=segments),
    )
    parts = [(i, p) for i, metric in enumerate(metrics) for p in range(numbers_of(metric, source))]
    counted = users.filter(users.known & users.low.notnull())
    centres = counted.aggregate(**{f"c{i}_{p}": counted[f"m{i}_{p}"].mean() for i, p in parts}, nothing=counted.count()).alias("centres")  # fmt: skip
    around = spread(users.cross_join(centres), segments)
    # A covariate that is missing says nothing: it lies at the mean, which changes no estimate's expectation.
    away: dict[tuple[int, int], Any] = {
        (i, p): (around[f"m{i}_{p}"] - around[f"c{i}_{p}"]).fill_null(0.0) for i, p in parts
    }
    for i, metric in enumerate(metrics):
        if (
            len(metric.parts) > 1
        ):  # the numerator's linear form, whose mean over all is 0: see `RatioPair.origin`
            origin = origin_expression(around[f"c{i}_0"], around[f"c{i}_1"])
            for p in forms_of(metric, source):
                away[i, p] = away[i, p] - origin * away[i, p + 1]
    sums: dict[str, Any] = {}
    for i, p in parts:
        sums[f"centre{i}_{p}"] = around[f"c{i}_{p}"].max()
        sums[f"sum{i}_{p}"] = away[i, p].sum()
        sums |= {f"cross{i}_{p}_{q}": (away[i, p] * away[i, q]).sum() for q in range(p + 1) if (i, q) in away}
    for i, _ in enumerate(metrics):
        sums |= {f"{name}{i}": around[f"{name}{i}"].sum() for name in ("rows", "blank", "wrong", "endless")}
        sums[f"comma{i}"] = around[f"comma{i}"].max()
        sums[f"binary{i}"] = around[f"binary{i}"].min()
    sums |= {name: around[name].sum() for name in around.columns if name.startswith(WORDS)}
    mixed = (around.low != around.high).fill_null(False)  # noqa: FBT003 - Ibis' argument
    by = {"which": around.which, "part": around.part}
    found = around.group_by(
        variant=around.low, mixed=mixed, known=around.known, seen=around.rows > 0, **by
    ).aggregate(
        users=around.count(),
        rows=around.rows.sum(),
        several=_one(around.rows > 1).sum(),
        outside=around.outside.sum(),
        untimed=around.untimed.sum(),
        first=around["first"].min(),
        last=around["last"].max(),
        **sums,
    )
    if segments:
        found = large_values(found).order_by("which")
    return found.limit(MOST_VARIANTS + 1 + len(segments) * MOST_LEVELS * 20)


def days_expression(
    source: Source, table: Table, *, start: datetime | None = None, end: datetime | None = None
) -> Table:
    """Users by variant and by the day (UTC, from 1970) of their first row within the dates; of one variant only."""
    rows, inside = _rows((), source, table, start, end, ())
    users = rows.group_by("subject").aggregate(
        low=rows.variant.min(where=inside),
        high=rows.variant.max(where=inside),
        first=rows.time.min(where=inside),
    )
    counted = users.filter(users.subject.notnull() & (users.low == users.high) & users["first"].notnull())
    day = (counted["first"].epoch_seconds().cast("float64") / DAY_SECONDS).floor().cast("int64")
    days = counted.group_by(variant=counted.low, day=day).aggregate(users=counted.count())
    return days.limit(MOST_VARIANTS * MOST_DAYS)


def _users(
    metrics: Sequence[Metric], source: Source, rows: Table, inside: Any, *, segments: Sequence[str]
) -> Table:
    """One row per user, with each part of each metric; rows without a user make one row that is not `known`."""
    columns: dict[str, Any] = {}
    for i, metric in enumerate(metrics):
        names = source.columns_of(metric).names
        for p in range(len(names)):
            value = rows[f"v{i}_{p}"]
            if p < len(metric.parts):
                columns[f"m{i}_{p}"] = _of_user(metric.parts[p], value, inside)
            else:
                columns[f"m{i}_{p}"] = value.mean(where=inside)
        for p in raw_of(metric):
            plain = replace(metric.parts[p], cap=None, event_cap=None)
            columns[f"m{i}_{len(names) + p}"] = _of_user(plain, rows[f"v{i}_{p}"], inside)
        columns |= {
            f"rows{i}": rows[f"v{i}_0"].count(where=inside),
            f"blank{i}": rows[f"blank{i}"].sum(where=inside),
            f"wrong{i}": rows[f"wrong{i}"].sum(where=inside),
            f"endless{i}": rows[f"endless{i}"].sum(where=inside),
            f"comma{i}": rows[f"comma{i}"].max(where=inside),
        }
    columns |= {name: rows[name].sum(where=inside) for name in rows.columns if name.startswith(WORDS)}
    one = rows.subject.notnull()
    grouped = rows.group_by("subject").aggregate(
        low=rows.variant.min(where=inside),
        high=rows.variant.max(where=inside),
        first=rows.time.min(where=inside),
        last=rows.time.max(where=inside),
        rows=one.count(where=inside),
        outside=ibis.literal(0) if inside is None else one.count(where=~inside),
        untimed=rows.untimed.sum(),
        **columns,
        **{
            level_column(number): level_of_user(rows, number, inside)
            for number in range(1, len(segments) + 1)
        },
    )
    binary = {f"binary{i}": _one(grouped[f"m{i}_0"].isin([0.0, 1.0])) for i, _ in enumerate(metrics)}
    return grouped.mutate(known=grouped.subject.notnull(), **binary).alias("users")


def raw_of(metric: Metric) -> range:
    """The parts of a metric that are told without its limits too: all, where one of them has any."""
    return range(len(metric.parts)) if metric.capped else range(0)


def numbers_of(metric: Metric, source: Source) -> int:
    """How many numbers of each user a metric needs: its columns, then its parts without limits where it has some."""
    return len(source.columns_of(metric).names) + len(raw_of(metric))


def forms_of(metric: Metric, source: Source) -> tuple[int, ...]:
    """The numbers of a metric that are a ratio's numerator less a multiple of its denominator, which comes after it."""
    if len(metric.parts) == 1:
        return ()
    columns = len(source.columns_of(metric).names)
    return (0, columns) if raw_of(metric) else (0,)


def _capped(metrics: Sequence[Metric], source: Source, users: Table) -> Table:
    """The users with the values limited whose cap is a quantile of all users of one arm each."""
    for i, metric in enumerate(metrics):
        for p, part in enumerate(metric.parts):
            if part.cap_quantile is not None:
                one_arm = users.known & (users.low == users.high) & (users.rows > 0)
                users = capped_at_quantile(users, f"m{i}_{p}", part.cap_quantile, one_arm)
    return users


def _of_user(part: Metric, value: Any, inside: Any) -> Any:
    """What the rows of a user make, with the limits that the metric declares; 0 without any number."""
    if part.event_cap is not None and part.aggregation in ("mean", "sum"):
        value = ibis.ifelse(value > part.event_cap, part.event_cap, value)
    if part.aggregation == "any":
        found = ibis.cases((value != 0, 1.0), (value == 0, 0.0)).max(where=inside)
    elif part.aggregation == "mean":
        found = value.mean(where=inside)
    elif part.aggregation == "count":
        found = value.count(where=inside).cast("float64")
    else:
        found = value.sum(where=inside)
    if part.cap is not None:
        found = ibis.ifelse(found > part.cap, part.cap, found)
    return found.fill_null(0.0)


def _rows(
    metrics: Sequence[Metric],
    source: Source,
    table: Table,
    start: datetime | None,
    end: datetime | None,
    segments: Sequence[str],
) -> tuple[Table, Any]:
    """The rows with their columns read as what they mean, and whether one lies within the dates."""
    backend = table.get_backend().name
    subject, variant = (_text(table[name]) for name in (source.subject, source.variant))
    time, untimed = _time(source, table)
    columns: dict[str, Any] = {}
    for i, metric in enumerate(metrics):
        read = [_number(name, source, table, backend) for name in source.columns_of(metric).names]
        for p, (value, *_) in enumerate(read):
            columns[f"v{i}_{p}"] = value
        for name, at in (("blank", 1), ("wrong", 2), ("endless", 3)):
            columns[f"{name}{i}"] = reduce(lambda a, b: a + b, [each[at] for each in read])
        columns[f"comma{i}"] = reduce(lambda a, b: a + b, [each[4] for each in read])
        for p, name in enumerate(source.columns_of(metric).names):
            columns |= {f"{flag}{i}_{p}": value for flag, value in _words(table[name]).items()}
    columns |= {level_column(number): _text(table[name]) for number, name in enumerate(segments, 1)}
    rows = table.select(subject=subject, variant=variant, time=time, untimed=untimed, **columns).alias(
        "rows_read"
    )
    bounds: list[Any] = []
    if start and source.time:
        bounds.append(rows.time >= literal_of(start, rows))
    if end and source.time:
        bounds.append(rows.time <= literal_of(end, rows))
    return rows, reduce(and_, bounds).fill_null(False) if bounds else None  # noqa: FBT003 - Ibis' argument


def _one(condition: Any) -> Any:
    """1 where it holds, else 0: PostgreSQL makes no number of a truth by a cast."""
    return ibis.ifelse(condition, 1, 0)


def _text(column: Any) -> Any:
    """A key as text; what is empty is nobody."""
    text = column if column.type().is_string() else column.cast("string")
    return text.strip().nullif("")


def _time(source: Source, table: Table) -> tuple[Any, Any]:
    """The moment of each row, and 1 where there should be one and is none."""
    if source.time is None:
        return ibis.null("timestamp"), ibis.literal(0)
    column = table[source.time]
    if column.type().is_timestamp():
        return column, _one(column.isnull())
    if column.type().is_date():
        return column.cast("timestamp"), _one(column.isnull())
    if column.type().is_string():
        read = _read(column.strip(), MOMENT, "timestamp", table.get_backend().name)
        return read, _one(read.isnull())
    raise InputError(
        f"The column {source.time!r} holds {column.type()}, no moments; name a column of times such as 2026-05-03 09:00:00."
    )


def _read(text: Any, pattern: str, kind: str, backend: str) -> Any:
    """A text as a number or a moment, and null where it is none, on engines too whose casts refuse such a text."""
    # With its zone, or an engine leaves out what the text says of it; SQLite turns it into UTC by itself.
    zoned = "timestamp('UTC')" if kind == "timestamp" and backend != "sqlite" else kind
    if backend not in STRICT:
        return text.try_cast(zoned)
    return ibis.ifelse(text.re_search(pattern), text, ibis.null("string")).cast(zoned)


def _words(column: Any) -> dict[str, Any]:
    """Of a column of text whether a row says yes or no, or a number that is neither 0 nor 1: a column holds one or the other."""
    if not column.type().is_string():
        return {}
    text = column.strip().lower()
    figure = text.re_search(r"\d") & ~text.isin(
        ["0", "1", *(f"{each}{sign}0" for each in "01" for sign in ".,")]
    )
    return {
        "word": _one(text.isin([*TRUE, *FALSE]).fill_null(False)),  # noqa: FBT003 - Ibis' argument
        "figure": _one(figure.fill_null(False)),  # noqa: FBT003 - Ibis' argument
    }


def _number(name: str, source: Source, table: Table, backend: str) -> tuple[Any, Any, Any, Any, Any]:
    """A column as numbers, with 1 where a row has none, or a text, or an endless one, or a text with a comma.

    What a text says stays in the engine: it may be about a person.
    """
    column = table[name]
    if column.type().is_string():
        text = column.strip()
        low = text.lower()
        # With decimal commas a point parts thousands, or is a mistake: 1.234 must not pass as a bit more than one.
        plain = text.replace(".", "x").replace(",", ".") if source.decimal == "," else text
        number = ibis.coalesce(
            _read(plain, NUMBER, "float64", backend),
            ibis.cases((low.isin(TRUE), 1.0), (low.isin(FALSE), 0.0)),
        )
        empty = (text.isnull() | low.isin(MISSING)).fill_null(True)  # noqa: FBT003 - Ibis' argument
        wrong = ~empty & number.isnull()
        comma = _one((wrong & text.contains("." if source.decimal == "," else ",")).fill_null(False))  # noqa: FBT003 - Ibis' argument
    elif column.type().is_numeric() or column.type().is_boolean():
        number = (
            ibis.cases((column, 1.0), (~column, 0.0))
            if column.type().is_boolean()
            else column.cast("float64")
        )
        empty, wrong, comma = column.isnull(), ibis.literal(False), ibis.literal(0)  # noqa: FBT003 - Ibis' argument
    else:
        raise InputError(
            f"The column {name!r} of {source.shown} holds {column.type()}, no numbers; name another, or cast it in a view."
        )
    if backend in WITH_NAN:
        endless = number.isinf().fill_null(False)  # noqa: FBT003 - Ibis' argument
        empty = empty | number.isnan().fill_null(False)  # noqa: FBT003 - Ibis' argument
        number = ibis.cases((number.isnan() | number.isinf(), ibis.null("float64")), else_=number)
    else:
        endless = ibis.literal(False)  # noqa: FBT003 - Ibis' argument
    return number, _one(empty), _one(wrong), _one(endless), comma
