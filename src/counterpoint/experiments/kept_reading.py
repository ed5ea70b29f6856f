"""Reading a snapshot's events and exposures as arrays, by the hash of their subject: few statements, planned once."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import ibis
import numpy as np

from counterpoint.errors import WorkspaceError
from counterpoint.experiments.aggregation import exposures_of, number_in, shown_expression
from counterpoint.experiments.arrays import DAY, Events, Layout
from counterpoint.experiments.kept_tables import NEVER, Shown
from counterpoint.experiments.model import Experiment

if TYPE_CHECKING:
    from counterpoint.journal import Snapshot

__all__ = ["EXPOSURE", "Bounds", "Reader"]

EXPOSURE: Final = "feature_flag.evaluation"
_DAY: Final = f"(epoch_us(time) - ((epoch_us(time) % {DAY}) + {DAY}) % {DAY}) // {DAY}"
_KEY: Final = (
    "md5_number_upper(subject)::UBIGINT AS key, (md5_number_lower(subject) & 4294967295)::UINTEGER AS check"
)

Bounds = tuple[int | None, int | None, int]
"""Of exposures: the first and last in the dates, in microseconds since 1970, and how many are outside."""


class _Asked(NamedTuple):
    """What of a plan says which exposures count."""

    flag: str
    flag_set: str | None
    start: datetime | None
    end: datetime | None


class Reader:
    """Reads from segments, or (paths None) from what is not in files yet."""

    def __init__(self, plan: Experiment, snapshot: "Snapshot", layout: Layout) -> None:
        self.asked = _Asked(plan.flag, plan.flag_set, plan.start, plan.end)
        self.snapshot = snapshot
        self.layout = layout
        self.con = snapshot.connection.con

    def events(self, paths: Collection[str] | None, days: Collection[int] | None, since: int) -> Events:
        """The events of the metrics, from the day `since` on; of some days only where they are named."""
        query = _numbers_query(self.layout.fields)
        self._view(
            "daily_raw", self.layout.types, paths, ("subject", "time", "type", "value", "data"), days, since
        )
        which = " ".join(f"WHEN {_text(t)} THEN {i}" for i, t in enumerate(self.layout.types))
        table = self._arrays(
            f"SELECT {_KEY}, epoch_us(time) AS time, (CASE type {which} END)::USMALLINT AS which,"
            f" * EXCLUDE (subject, time, type) FROM ({query})"
        )
        fields = tuple(table[f"field{place}"] for place in range(len(self.layout.fields)))
        events = Events(table["key"].view(np.int64), table["check"], table["time"], table["which"], fields)
        return events.take(np.argsort(events.key, kind="stable"))

    def shown(
        self, paths: Collection[str] | None, days: Collection[int] | None, texts: list[str]
    ) -> dict[int, tuple[Shown, Bounds]]:
        """What the exposures say by day; variants that are new are added to the texts."""
        columns = ("subject", "time", "flag", "flag_set", "variant")
        self._view("daily_raw", [EXPOSURE], paths, columns, days, None)
        rows = self._arrays(
            f'SELECT {_KEY}, low, high, epoch_us("first") AS first, epoch_us("last") AS last, outside, "day"'
            f" FROM ({_shown_query(self.asked)})"
        )
        low, high = (_coded(rows[name], texts) for name in ("low", "high"))
        none = np.ma.getmaskarray(rows["first"])
        first, last = (np.ma.filled(rows[name], NEVER) for name in ("first", "last"))
        shown = Shown(np.asarray(rows["key"]).view(np.int64), np.asarray(rows["check"]), low, high, first)
        found: dict[int, tuple[Shown, Bounds]] = {}
        day = np.asarray(rows["day"])
        for one in np.unique(day).tolist():
            which = np.flatnonzero(day == one)
            which = which[np.argsort(shown.key[which], kind="stable")]
            seen = which[~none[which]]
            ends = (int(first[seen].min()), int(last[seen].max())) if len(seen) else (None, None)
            found[one] = shown.take(which), (*ends, int(np.sum(rows["outside"][which])))
        return found

    def latest(self, paths: Collection[str] | None) -> dict[int, int]:
        """The last moment of the exposures to the flag on each day, whoever they are of."""
        columns = ("subject", "time", "flag", "flag_set", "variant")
        self._view("daily_raw", [EXPOSURE], paths, columns, None, None, of_anybody=True)
        rows = self._arrays(f'SELECT "day", epoch_us(latest) AS latest FROM ({_latest_query(self.asked)})')
        return dict(zip(rows["day"].tolist(), rows["latest"].tolist(), strict=True))

    def last(self, paths: Collection[str] | None) -> int | None:
        """The last moment of the metrics' events, whoever they are of; none where there are none."""
        self._view("daily_raw", self.layout.types, paths, ("time",), None, None, of_anybody=True)
        return cast("int | None", self.con.execute("SELECT max(epoch_us(time)) FROM daily_raw").fetchone()[0])

    def _view(
        self, name: str, types: Sequence[str], paths: Collection[str] | None, columns: Sequence[str],
        days: Collection[int] | None, since: int | None, *, of_anybody: bool = False,
    ) -> None:  # fmt: skip
        listed = ", ".join(columns)
        if paths is None:
            self.con.register("daily_tail", self.snapshot.waiting_rows(types))
            source = "daily_tail"
        else:
            source = f"read_parquet([{', '.join(map(self._path, paths))}], hive_partitioning=false)"
        where = ["true" if of_anybody else "subject IS NOT NULL"]
        if days is not None:
            where.append(f"{_DAY} IN ({', '.join(map(str, sorted(days)))})")
        if since is not None:
            where.append(f"epoch_us(time) >= {since * DAY}")
        self.con.execute(
            f'CREATE OR REPLACE TEMP VIEW {name} AS SELECT {listed}, {_DAY} AS "day" FROM {source} WHERE {" AND ".join(where)}'
        )

    def _path(self, path: str) -> str:
        file = self.snapshot.folder / path
        if not file.exists():  # DuckDB would take a name with a star in it for a pattern
            raise WorkspaceError(
                f"The journal's file {file} is missing; restore it from a backup. `counterpoint doctor` lists all."
            )
        return _text(str(file))

    def _arrays(self, query: str) -> dict[str, Any]:
        return dict(self.con.execute(query).fetchnumpy())


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _coded(values: Any, texts: list[str]) -> Any:
    """Places of texts, −1 of none."""
    plain: list[str | None] = values.tolist()  # what is masked is None there
    known: dict[str | None, int] = {text: place for place, text in enumerate(texts)}
    for text in sorted({each for each in plain if each is not None} - known.keys()):
        known[text] = len(texts)
        texts.append(text)
    known[None] = -1
    return np.array([known[each] for each in plain], dtype=np.int32)


def _raw(**columns: str) -> ibis.Table:
    """The view that a query is planned for."""
    return ibis.table(
        {"subject": "string", "time": "timestamp('UTC', 6)", **columns, "day": "int64"}, name="daily_raw"
    )


@lru_cache(maxsize=64)
def _numbers_query(fields: tuple[str, ...]) -> str:
    raw = _raw(type="string", value="float64", data="string")
    numbers: dict[str, Any] = {}
    for place, field in enumerate(fields):
        number = raw.value if field == "value" else number_in(raw, field, "A metric")
        numbers[f"field{place}"] = number.fill_null(float("nan"))
    return str(ibis.to_sql(raw.select("subject", "time", "type", **numbers), dialect="duckdb"))


@lru_cache(maxsize=64)
def _shown_query(asked: _Asked) -> str:
    plan = cast("Experiment", asked)
    raw = _raw(flag="string", flag_set="string", variant="string")
    expression = shown_expression(plan, exposures_of(plan, raw), by=("subject", "day"))
    return str(ibis.to_sql(expression, dialect="duckdb"))


@lru_cache(maxsize=64)
def _latest_query(asked: _Asked) -> str:
    raw = _raw(flag="string", flag_set="string", variant="string")
    shown = exposures_of(cast("Experiment", asked), raw)
    return str(ibis.to_sql(shown.group_by("day").aggregate(latest=shown.time.max()), dialect="duckdb"))
