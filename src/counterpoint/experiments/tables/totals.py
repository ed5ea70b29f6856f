"""The rows of an experiment's table as totals, and what is to be said of them."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from counterpoint.errors import InputError, Problem
from counterpoint.experiments.metrics.reading import LEAST
from counterpoint.experiments.model import Metric
from counterpoint.experiments.quality_totals import EPOCH, QualityTotals, Sizes
from counterpoint.experiments.tables.source import Source
from counterpoint.experiments.tables.summing import MOST_VARIANTS, WORDS, forms_of, numbers_of, raw_of
from counterpoint.experiments.totals import (
    ArmTotals,
    CovariateTotals,
    MetricTotals,
    Totals,
    moments_of,
    origin_of,
)
from counterpoint.experiments.wording import count
from counterpoint.stats import Comoments

__all__ = ["TableTotals", "listed_variants", "table_totals", "with_days"]

MOST_LISTED = 10
"""Variants that a message names."""


@dataclass(frozen=True, slots=True)
class TableTotals:
    """What one query on the table gives."""

    totals: Totals
    rows: int
    """Rows that count: of a user, within the dates."""
    variants: dict[str, int]
    """Users by variant, the largest first; users of several variants are in none."""
    binary: frozenset[str]
    """Metrics whose value is 0 or 1 for every user."""
    warnings: tuple[str, ...]


def listed_variants(variants: Mapping[str, int]) -> str:
    """Variants with their users; those of fewer than five are only counted, since a wrong column may name people."""
    shown = [f"{name} ({count(users)} users)" for name, users in variants.items() if users >= LEAST]
    small = sum(users < LEAST for users in variants.values())
    rest = [f"{count(small)} more of fewer than {LEAST} users each"] if small else []
    if len(shown) > MOST_LISTED:
        rest.insert(0, f"{count(len(shown) - MOST_LISTED)} further ones")
    return ", ".join([*shown[:MOST_LISTED], *rest]) or "no variant"


def table_totals(
    metrics: Sequence[Metric],
    source: Source,
    rows: Sequence[Mapping[str, Any]],
    segments: Sequence[str] = (),
) -> TableTotals:
    """Read the rows of `table_expression`.

    Raises:
        InputError: the table has no rows, a column holds texts where numbers should be, or a user has several
            rows and the source says that there is one.
    """
    parts = [row for row in rows if row["which"]]
    rows = [row for row in rows if not row["which"]]
    if len(rows) > MOST_VARIANTS:
        raise InputError(
            f"The column {source.variant!r} of {source.shown} holds more than {count(MOST_VARIANTS)} values, so it names no"
            " variants; name the column that does."
        )
    _refuse(metrics, source, rows)
    seen = [row for row in rows if row["known"] and row["seen"]]
    if not seen:
        outside = sum(int(row["outside"] or 0) for row in rows)
        why = (
            f"all {count(outside)} rows lie outside the plan's dates"
            if outside
            else "it has no row of a user"
        )
        raise InputError(
            f"There is nothing to read in {source.shown}: {why}. Check the columns and dates, or export it again."
        )
    arms = [row for row in seen if row["variant"] is not None]
    sizes = {row["variant"]: int(row["users"]) for row in arms if not row["mixed"]}
    groups = tuple(
        _arm(metrics, source, row)
        for row in sorted(seen, key=lambda row: (bool(row["mixed"]), row["variant"] or ""))
    )
    by_value = _by_value(metrics, source, parts, segments)
    totals = Totals(
        groups=groups,
        first_exposure=_moment(min((row["first"] for row in seen if row["first"] is not None), default=None)),
        last_exposure=_moment(max((row["last"] for row in seen if row["last"] is not None), default=None)),
        outside=sum(int(row["outside"] or 0) for row in rows),
        quality=QualityTotals(segments=_sizes(by_value)) if segments else None,
        segments=by_value,
    )
    return TableTotals(
        totals,
        rows=sum(int(row["rows"]) for row in seen),
        variants=dict(sorted(sizes.items(), key=lambda item: -item[1])),
        binary=frozenset(
            metric.name
            for i, metric in enumerate(metrics)
            if arms and all(row[f"binary{i}"] == 1 for row in arms)
        ),
        warnings=tuple(_warnings(metrics, source, rows)),
    )


def with_days(found: TableTotals, rows: Sequence[Mapping[str, Any]]) -> TableTotals:
    """The totals with the rows of `days_expression`: users by arm of each day."""
    days: dict[int, dict[str, int]] = {}
    for row in rows:
        days.setdefault(int(row["day"]), {})[row["variant"]] = int(row["users"])
    sizes = tuple(Sizes((EPOCH + timedelta(days=day)).isoformat(), days[day]) for day in sorted(days))
    quality = replace(found.totals.quality or QualityTotals(), days=sizes)
    return dataclasses.replace(found, totals=replace(found.totals, quality=quality))


def _arm(metrics: Sequence[Metric], source: Source, row: Mapping[str, Any]) -> ArmTotals:
    found = {metric.name: _metric(metric, i, source, row) for i, metric in enumerate(metrics)}
    return ArmTotals(row["variant"], bool(row["mixed"]), int(row["users"]), found)


def _by_value(
    metrics: Sequence[Metric], source: Source, rows: Sequence[Mapping[str, Any]], segments: Sequence[str]
) -> dict[str, dict[str, tuple[ArmTotals, ...]]]:
    """The arms of each value of each segment, in the order of the values; empty is who has none."""
    found: dict[str, dict[str, list[ArmTotals]]] = {name: {} for name in segments}
    for row in rows:
        values = found[segments[int(row["which"]) - 1]]
        values.setdefault(row["part"] or "", []).append(_arm(metrics, source, row))
    return {name: {value: tuple(values[value]) for value in sorted(values)} for name, values in found.items()}


def _sizes(by_value: Mapping[str, Mapping[str, Sequence[ArmTotals]]]) -> dict[str, tuple[Sizes, ...]]:
    return {
        name: tuple(
            Sizes(value, {arm.variant or "": arm.users for arm in arms}) for value, arms in values.items()
        )
        for name, values in by_value.items()
    }


def _refuse(metrics: Sequence[Metric], source: Source, rows: Sequence[Mapping[str, Any]]) -> None:
    problems = []
    for i, metric in enumerate(metrics):
        columns = " or ".join(source.columns_of(metric).names)
        if wrong := sum(int(row[f"wrong{i}"] or 0) for row in rows):
            hint = (
                ' Numbers with a decimal comma need decimal: ",".'
                if source.decimal == "."
                else " With decimal commas a number has no point; leave the signs between thousands out."
            )
            comma = hint if any(row[f"comma{i}"] for row in rows) else ""
            problems.append(Problem(
                f"{_rows(wrong, 'hold')} text in {columns} where {metric.name} needs numbers;"
                f" name another column, or mend them.{comma}", file=source.shown))  # fmt: skip
        if endless := sum(int(row[f"endless{i}"] or 0) for row in rows):
            problems.append(Problem(
                f"{_rows(endless, 'hold')} an infinite number in {columns}; a mean with it says nothing. Mend or empty them.",
                file=source.shown))  # fmt: skip
        for p, name in enumerate(source.columns_of(metric).names):
            words, figures = (sum(int(row.get(f"{flag}{i}_{p}") or 0) for row in rows) for flag in WORDS)
            if words and figures:
                problems.append(Problem(
                    f"{_rows(words, 'say')} yes, no, true or false in {name} where others have numbers; is yes a 1 there?"
                    " Write numbers, or empty them.", file=source.shown))  # fmt: skip
    if source.time and (untimed := sum(int(row["untimed"] or 0) for row in rows)):
        problems.append(Problem(
            f"{_rows(untimed, 'hold')} no moment in {source.time}; write times such as 2026-05-03 09:00:00, or leave the time out.",
            file=source.shown))  # fmt: skip
    several = sum(int(row["several"] or 0) for row in rows if row["known"])
    if source.one_row_per_user and several:
        problems.append(Problem(
            f"{count(several)} {'user has' if several == 1 else 'users have'} several rows in {source.subject}, where one each was promised; remove the duplicates,"
            " or leave oneRowPerUser out to put the rows of a user together.", file=source.shown))  # fmt: skip
    if problems:
        raise InputError("The table cannot be analysed.", problems)


def _rows(number: int, verb: str) -> str:
    """ "1 row holds", "2 rows hold"."""
    if number == 1:
        return f"1 row {'has' if verb == 'have' else verb + 's'}"
    return f"{count(number)} rows {verb}"


def _warnings(metrics: Sequence[Metric], source: Source, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    if nobody := sum(int(row["rows"]) for row in rows if not row["known"]):
        found.append(
            f"{_rows(nobody, 'have')} nobody in “{source.subject}” and {'is' if nobody == 1 else 'are'} left out."
        )
    if several := sum(int(row["several"] or 0) for row in rows if row["known"]):
        found.append(
            f"{count(several)} {'user has' if several == 1 else 'users have'} several rows, which are put together by each metric's aggregation. If there should be"
            " one row for each user, remove the duplicates at their source and read again."
        )
    for i, metric in enumerate(metrics):
        if blank := sum(int(row[f"blank{i}"] or 0) for row in rows if row["known"]):
            columns = source.columns_of(metric)
            found.append(
                f"{_rows(blank, 'have')} no number in “{'” or “'.join(columns.names)}”: for {metric.label} such a user has 0"
                + (", and a covariate that is missing counts as the mean." if columns.covariates else ".")
            )
    return found


def _metric(metric: Metric, i: int, source: Source, row: Mapping[str, Any]) -> MetricTotals:
    n = int(row["users"])
    _require_finite(
        metric, source, [row[name] for name in row if name.startswith((f"sum{i}_", f"cross{i}_"))]
    )
    parts = range(numbers_of(metric, source))
    sums = [float(row[f"sum{i}_{p}"]) for p in parts]
    centres = [_finite(row[f"centre{i}_{p}"]) for p in parts]
    ratio = len(metric.parts) > 1
    origin = origin_of(centres[0], centres[1]) if ratio else 0.0
    forms = forms_of(metric, source)
    means = tuple((0.0 if p in forms else centres[p]) + sums[p] / n for p in parts)

    def comoment(p: int, q: int) -> float:
        high, low = (
            max(p, q),
            min(p, q),
        )  # in one order, or rounding makes the table one that is not symmetric
        found = float(row[f"cross{i}_{high}_{low}"]) - sums[high] * (sums[low] / n)
        return max(found, 0.0) if p == q else found

    whole = Comoments(n, means, tuple(tuple(comoment(p, q) for q in parts) for p in parts))
    columns, values = len(source.columns_of(metric).names), len(metric.parts)
    found = whole.select(list(range(columns)))
    raw = [*range(columns, columns + len(raw_of(metric))), *range(values, columns)]
    alone = columns == 2 and not ratio
    return MetricTotals(
        moments_of(found, ratio=ratio, origin=origin),
        events=int(row[f"rows{i}"] or 0),
        covariate=CovariateTotals(found.moments(1), found.cross[0][1]) if alone else None,
        comoments=found,
        plain=whole.select(raw) if metric.capped else None,
        ratio=ratio,
        origin=origin,
    )


def _require_finite(metric: Metric, source: Source, sums: Sequence[Any]) -> None:
    if all(math.isfinite(float(each)) for each in sums if each is not None):
        return
    columns = " or ".join(source.columns_of(metric).names)
    raise InputError(
        "The table cannot be analysed.",
        [Problem(f"The numbers in {columns} are too large to be squared; divide them, for example to millions, or look for wrong ones.",
                 file=source.shown)],
    )  # fmt: skip


def _finite(centre: Any) -> float:
    """The pooled mean; a covariate that nobody has lies at 0."""
    return 0.0 if centre is None else float(centre)


def _moment(value: datetime | str | None) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, str):  # SQLite has no type for moments
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
