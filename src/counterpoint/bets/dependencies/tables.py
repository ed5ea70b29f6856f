"""The table of dependencies, rows as values, and the order of their list; migration 0011 makes it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa

from counterpoint.bets.dependencies.model import Dependency, DependencyState, Severity
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import INTEGER, TEXT
from counterpoint.moments import to_datetime, to_micros

__all__ = ["DEPENDENCIES", "LIVE", "after_place", "place_of", "read_dependencies", "row_of"]

DEPENDENCIES = sa.Table(
    "bets_dependency",
    sa.MetaData(),
    *(sa.Column(name, TEXT) for name in ("id", "from_unit", "to_unit", "subject", "severity", "since")),
    *(sa.Column(name, TEXT) for name in ("severity_since", "reporter", "bet", "state")),
    *(sa.Column(name, TEXT) for name in ("from_words", "to_words", "plan")),
    sa.Column("changed_at", INTEGER),
)
LIVE = DEPENDENCIES.c.state != DependencyState.GONE.value
"""Those that are still there."""
ORDER: tuple[sa.ColumnElement[Any], ...] = (
    sa.case((LIVE, 0), else_=1),
    sa.case({each.value: -each.rank for each in Severity}, value=DEPENDENCIES.c.severity, else_=0),
    DEPENDENCIES.c.since,
    DEPENDENCIES.c.id,
)
"""What is there first, the worst first, the oldest first; no two are equal, so a page begins where the one before ended."""


def read_dependencies(
    reader: Reader, *conditions: sa.ColumnElement[bool], limit: int | None = None
) -> list[Dependency]:
    """The dependencies that all conditions let through, in their order."""
    query = sa.select(DEPENDENCIES).where(*conditions).order_by(*ORDER).limit(limit)
    return [_dependency(row._mapping) for row in reader.connection.execute(query)]


def place_of(each: Dependency) -> tuple[int, int, str, str]:
    """Where it stands in the list: what is there first, the worst first, the oldest first."""
    return (int(not each.live), -each.severity.rank, each.since.isoformat(), each.id)


def after_place(place: tuple[int, int, str, str]) -> sa.ColumnElement[bool]:
    """What comes after a place in the list."""
    later: sa.ColumnElement[bool] = sa.false()
    for column, value in reversed(tuple(zip(ORDER, place, strict=True))):
        later = sa.or_(column > value, sa.and_(column == value, later))
    return later


def row_of(made: Dependency) -> dict[str, Any]:
    """The columns of a dependency."""
    row = msgspec.structs.asdict(made)
    days = {key: row[key].isoformat() for key in ("since", "severity_since")}
    words = {key: row[key].value for key in ("severity", "state")}
    return row | days | words | {"changed_at": to_micros(row["changed_at"])}


def _dependency(row: Mapping[Any, Any]) -> Dependency:
    plain = {field: row[field] for field in Dependency.__struct_fields__}
    return Dependency(
        **plain
        | {
            "severity": Severity(row["severity"]),
            "state": DependencyState(row["state"]),
            "since": date.fromisoformat(row["since"]),
            "severity_since": date.fromisoformat(row["severity_since"]),
            "changed_at": to_datetime(row["changed_at"]),
        }
    )
