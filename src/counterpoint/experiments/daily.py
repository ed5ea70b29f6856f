"""An experiment's totals out of kept sums by user and day, so that a result after a new day costs the new day.

A user gets a number with the first exposure, and another one if an earlier exposure comes to light, so that sums of
the old one no longer meet anybody. Sums are kept by number and day. What is new since they were computed:

- events in new segments, which are summed for the users known before;
- users who are new or whose first exposure is another one: their events are summed over all segments that can matter;
- segments that are gone (merged, or rewritten because a person was forgotten): their days are summed again.

Events that are still in the intake are added to what is kept for one result, and not kept.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import ibis
import msgspec
from msgspec.structs import replace

from counterpoint.experiments.aggregation import exposures_of, reach_days, shown_expression, sums_expression
from counterpoint.experiments.arrays import add_up, summary_rows
from counterpoint.experiments.kept_tables import (
    DAY,
    KeptTables,
    Spans,
    days_gone,
    days_of,
    spans,
    united,
    usable,
    without,
)
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.totals import Totals, totals_of
from counterpoint.journal.daily import Kept, Rows, State
from counterpoint.moments import to_datetime

if TYPE_CHECKING:
    from ibis import Table

    from counterpoint.journal import Snapshot

__all__ = ["LEAST_EVENTS", "daily_totals", "key_of", "pays"]

EXPOSURE: Final = "feature_flag.evaluation"
VERSION: Final = 1
"""Of what is kept; another one computes all again."""
LEAST_EVENTS: Final = 500_000
"""Events in segments below which all are read each time, which is as fast."""
OPEN_DAYS: Final = 2
"""The newest days are not merged with what came before, since their segments are still being merged."""
MOST_PARTS: Final = 40
"""Files of sums, or of exposures, beyond which the smaller ones become one."""


USER: Final = 'uid, subject, low, high, "first", "last", outside'
_EXPOSED: Final = "NULL::VARCHAR AS low, NULL::VARCHAR AS high, NULL::TIMESTAMPTZ AS first, NULL::TIMESTAMPTZ AS last, 0::BIGINT AS outside"
EMPTY_SHOWN: Final = f'NULL::VARCHAR AS subject, NULL::BIGINT AS "day", {_EXPOSED}'
EMPTY_USERS: Final = f"NULL::BIGINT AS uid, NULL::VARCHAR AS subject, {_EXPOSED}, NULL::BIGINT AS before"


def key_of(plan: Experiment) -> str:
    """What is kept is the same for all plans that ask for the same sums."""
    metrics = [
        (metric.event, metric.aggregation, metric.field, metric.covariate_days) for metric in plan.metrics
    ]
    asked = (VERSION, plan.flag, plan.flag_set, plan.start, plan.end, metrics)
    return blake2b(msgspec.json.encode(asked), digest_size=16).hexdigest()


def pays(plan: Experiment, snapshot: "Snapshot") -> bool:
    """Whether there is so much in files that sums are worth keeping, and the engine is the embedded one."""
    if snapshot.connection.name != "duckdb" or not all(metric.simple for metric in plan.metrics):
        return False  # sums of days hold no windows, limits, ratios or times
    types = {EXPOSURE, *(metric.event for metric in plan.metrics)}
    return sum(segment.events for segment in snapshot.segments if segment.type in types) >= LEAST_EVENTS


def daily_totals(
    plan: Experiment, snapshot: "Snapshot", kept: Kept, *, holds: Callable[[Collection[str]], bool]
) -> Totals:
    """The totals of a plan: the same as those of the whole expression, but for the rounding of sums.

    Args:
        plan: What is asked.
        snapshot: The journal, on DuckDB.
        kept: Where the sums of `key_of(plan)` are kept.
        holds: Whether the journal still names these segments; if not, nothing is kept.

    Raises:
        InputError: a metric's values are not all finite numbers.
    """
    with kept.alone():
        try:
            return _Sums(plan, snapshot, kept).totals(holds)
        except Exception as error:
            if str(kept.folder) not in str(error):
                raise
            kept.save(State())  # a file of it cannot be read; the journal has all that is needed
        return _Sums(plan, snapshot, kept).totals(holds)


class _Sums(KeptTables):
    """The kept sums of one plan, brought up to one snapshot in tables of its connection."""

    def __init__(self, plan: Experiment, snapshot: "Snapshot", kept: Kept) -> None:
        super().__init__(snapshot, kept)
        self.plan = plan
        self.types = sorted({metric.event for metric in plan.metrics})
        self.exposures = spans(snapshot.segments, [EXPOSURE])
        self.events = spans(snapshot.segments, self.types)
        self.state = usable(kept.load(), self.exposures, self.events)
        self.stage = 0
        """How often users and sums were brought forward; the tables of a stage carry its number."""
        self.loose: list[str] = []
        """Tables of sums that no file has."""

    def totals(self, holds: Callable[[Collection[str]], bool]) -> Totals:
        """Bring what is kept up to the snapshot and keep it; add the intake, and read the totals."""
        self._call("daily_live0", self._kept_users())
        if (self.state.exposures, self.state.events) != (self.exposures, self.events):
            self._add_segments(keep=holds(self.exposures.keys() | self.events.keys()))
        if not self.snapshot.waiting.isdisjoint({EXPOSURE, *self.types}):
            self._add_intake()
        self.kept.touch()
        return self._read()

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the sums."""
        return tuple(name for name in self._no_sums().columns if name not in ("uid", "day"))

    def _users(self, name: str, condition: str) -> "Table":
        return self._view(f'SELECT uid, subject, "first" FROM {name} WHERE {condition}')

    def _no_sums(self) -> "Table":
        """A table of sums without a row."""
        users = self._view(f"SELECT {EMPTY_USERS} LIMIT 0")
        return self._sums_of(users, self._table(self.types, []))

    def _add_segments(self, *, keep: bool) -> None:
        before = self.state
        again = days_gone(before.exposures, self.exposures), days_gone(before.events, self.events)
        self.state = replace(
            before,
            exposures=self.exposures,
            events=self.events,
            shown=without(before.shown, again[0]),
            sums=without(before.sums, again[1]),
            merged=None if any(day <= before.merged_to for day in again[1]) else before.merged,
        )
        shown = self._new([EXPOSURE], before.exposures, self.exposures, again[0])
        events = self._new(self.types, before.events, self.events, again[1])
        self._forward(shown, events, self.events.keys(), tail=False, rebuild=bool(again[0]))
        if keep:
            self._keep(rebuilt=bool(again[0]))

    def _add_intake(self) -> None:
        waiting = self.snapshot.waiting
        shown = self._table([EXPOSURE], None) if EXPOSURE in waiting else None
        events = self._table(self.types, None) if not waiting.isdisjoint(self.types) else None
        self._forward(shown, events, self.events.keys(), tail=True)

    def _new(
        self, types: Sequence[str], before: Collection[str], now: Spans, again: frozenset[int]
    ) -> "Table | None":
        """The events of new segments, and those of all segments on the days that have lost one."""
        parts = []
        if added := [path for path in now if path not in before and not again.issuperset(days_of(now[path]))]:
            table = self._table(types, added)
            parts.append(table.filter(table.day.notin(sorted(again))) if again else table)
        touched = [path for path, (first, last) in now.items() if any(first <= day <= last for day in again)]
        if touched:
            table = self._table(types, touched)
            parts.append(table.filter(table.day.isin(sorted(again))))
        return ibis.union(*parts) if len(parts) > 1 else next(iter(parts), None)

    def _forward(
        self,
        shown: "Table | None",
        events: "Table | None",
        segments: Collection[str],
        *,
        tail: bool,
        rebuild: bool = False,
    ) -> None:
        """Make the users and the sums of the next stage out of exposures and events that are new."""
        stage, next_uid = self.stage + 1, self.state.next_uid
        self._make(f"daily_touched{stage}", self._touched(shown, rebuild=rebuild))
        self._call(f"daily_live{stage}", self._live_after(stage, rebuild=rebuild))
        touched, first = self._one(
            f'SELECT count(*), min(epoch_us("first")) FILTER (uid >= {next_uid}) FROM daily_touched{stage}'
        )
        self.stage = stage
        self.state = replace(self.state, next_uid=next_uid + touched)
        parts: list[Table] = []
        if events is not None and next_uid:
            parts.append(self._sums_of(self._users(f"daily_live{stage}", f"uid < {next_uid}"), events))
        if first is not None:
            since = first // DAY - reach_days(self.plan) - 1
            near = [path for path in segments if self.events[path][1] >= since]
            history = [self._table(self.types, near)] if near else []
            if tail:
                history.append(self._table(self.types, None))
            if history:
                users = self._users(f"daily_touched{stage}", f"uid >= {next_uid}")
                parts.append(self._sums_of(users, *history))
        if parts:
            self._make(f"daily_rows{stage}", united([self._compiled(part) for part in parts]))
            self.loose.append(f"daily_rows{stage}")

    def _touched(self, shown: "Table | None", *, rebuild: bool) -> str:
        """SQL for the users whose exposures have changed, merged with what was known of them; all users to rebuild."""
        stage = self.stage + 1
        known = f"daily_live{self.stage}"
        if shown is not None:
            expression = shown_expression(self.plan, exposures_of(self.plan, shown), by=("subject", "day"))
            self._make(f"daily_shown{stage}", self._compiled(expression))
        else:
            self._make(f"daily_shown{stage}", f"SELECT {EMPTY_SHOWN} LIMIT 0")
        sources = [f"FROM daily_shown{stage}"]
        if rebuild:
            sources += [self._rows_of(part) for part in self.state.shown]
        else:
            sources.append(
                f"SELECT subject, NULL::BIGINT AS day, low, high, first, last, outside FROM {known}"
                f" WHERE subject IN (SELECT subject FROM daily_shown{stage})"
            )
        union = " UNION ALL BY NAME ".join(f"({source})" for source in sources)
        return (
            f"SELECT CASE WHEN k.uid IS NOT NULL AND k.first IS NOT DISTINCT FROM s.first THEN k.uid"
            f" ELSE {self.state.next_uid} + row_number() OVER () - 1 END AS uid,"
            " k.uid AS was, k.before AS before, s.* FROM ("
            "SELECT subject, min(low) AS low, max(high) AS high, min(first) AS first, max(last) AS last,"
            f" sum(outside)::BIGINT AS outside FROM ({union}) GROUP BY subject"
            f") s LEFT JOIN {known} k ON s.subject = k.subject"
        )

    def _live_after(self, stage: int, *, rebuild: bool) -> str:
        touched = f"SELECT {USER}, before FROM daily_touched{stage}"
        if rebuild:
            return touched
        return (
            f"SELECT {USER}, before FROM daily_live{stage - 1} k"
            f" ANTI JOIN daily_touched{stage} t ON k.uid = t.was UNION ALL {touched}"
        )

    def _kept_users(self) -> str:
        """SQL for the users of the files: uid, what is known of the exposures, and the row of `users` that has them."""
        if self.state.users is None:
            return f"SELECT {EMPTY_USERS} LIMIT 0"
        users = f"SELECT {USER}, uid AS before FROM {self._file(self.state.users)} u"
        if self.state.changed is None:
            return users
        changed = self._file(self.state.changed)
        return f"{users} ANTI JOIN {changed} c ON u.uid = c.before UNION ALL SELECT {USER}, before FROM {changed}"

    def _keep(self, *, rebuilt: bool) -> None:
        """Write what this stage has, merge where it pays, and make it the state."""
        stage, state = self.stage, self.state
        if shown := self._write(f"FROM daily_shown{stage}"):
            state = replace(state, shown=(*state.shown, shown))
        changes = f"SELECT {USER}, before FROM daily_touched{stage}"
        if state.changed and not rebuilt:
            changes = (
                f"SELECT {USER}, before FROM {self._file(state.changed)} c"
                f" ANTI JOIN daily_touched{stage} t ON c.uid = t.was UNION ALL {changes}"
            )
        many = self._one(f"SELECT count(*) FROM ({changes})")[0]
        if rebuilt or state.users is None or 2 * many > state.users.rows:
            state = replace(state, users=self._write(f"SELECT {USER} FROM daily_live{stage}"), changed=None)
        elif many:
            state = replace(state, changed=self._write(changes))
        if self.loose and (rows := self._write(f'FROM {self.loose.pop()} ORDER BY "day"')):
            state = replace(state, sums=(*state.sums, rows))
        self.state = self._tidied(self._merged(state))
        self.kept.save(self.state)
        # The files that the view was made of may be gone now.
        self._call(f"daily_live{stage}", self._kept_users())

    def _merged(self, state: State) -> State:
        """Merge the sums of each user once those that are not merged are many."""
        apart = sum(part.rows for part in state.sums[state.merged_parts if state.merged else 0 :])
        parts = len(state.sums) - state.merged_parts
        if state.merged and apart <= state.merged.rows and parts <= MOST_PARTS:
            return state
        if not state.sums:
            return state
        upto = max((last for _, last in state.events.values()), default=0) - OPEN_DAYS
        upto = max(upto, state.merged_to) if state.merged else upto
        sources = [f'SELECT * FROM ({source}) WHERE "day" <= {upto}' for source in self._day_sources(state)]
        if state.merged:
            sources.append(f"FROM {self._file(state.merged)}")
        merged = self._write_sums(self._user_sums(sources, state.next_uid))
        return (
            replace(state, merged=merged, merged_parts=len(state.sums), merged_to=upto) if merged else state
        )

    def _write_sums(self, sums: "dict[str, Any]") -> Rows | None:
        """Write the sums of the users who count and have any."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        uid = self._columns(f"SELECT uid FROM daily_live{self.stage} ORDER BY uid")["uid"]
        uid = uid[np.any([values[uid] != 0 for values in sums.values()], axis=0)]
        if not len(uid):
            return None
        columns = {
            name: values[uid] if name.startswith(("sum", "any")) else values[uid].astype(np.int64)
            for name, values in sums.items()
        }
        path = self.kept.file()
        pq.write_table(pa.table({"uid": uid, **columns}), path, compression="zstd")
        return Rows(path.name, len(uid))

    def _tidied(self, state: State) -> State:
        """Make few files of many small ones."""
        if len(state.shown) > MOST_PARTS:
            one = self._write(united([self._rows_of(part) for part in state.shown]))
            state = replace(state, shown=(one,) if one else ())
        if len(state.sums) > MOST_PARTS and state.merged_parts == len(state.sums):
            whole = united([self._rows_of(part) for part in state.sums])
            live = f"(SELECT uid FROM daily_live{self.stage})"
            one = self._write(
                f'SELECT uid, "day", {self._added()} FROM ({whole}) WHERE uid IN {live} GROUP BY uid, "day" ORDER BY "day"'
            )
            state = replace(state, sums=(one,) if one else (), merged_parts=1 if one else 0)
        return state

    def _day_sources(self, state: State) -> list[str]:
        """SQL for the rows of each file of sums that are not in the merged ones."""
        sources = []
        for index, part in enumerate(state.sums):
            rows = self._rows_of(part)
            contained = state.merged is not None and index < state.merged_parts
            sources.append(f'SELECT * FROM ({rows}) WHERE "day" > {state.merged_to}' if contained else rows)
        return sources

    def _read(self) -> Totals:
        """The totals of all users; few numbers of each leave the engine, and none this process."""
        live, groups = f"daily_live{self.stage}", "daily_groups"
        self._make(
            groups,
            "SELECT *, row_number() OVER () - 1 AS code FROM ("
            "SELECT low, coalesce(low <> high, FALSE) AS mixed, first IS NOT NULL AS seen, count(*) AS users,"
            ' epoch_us(min("first")) AS first, epoch_us(max("last")) AS last, sum(outside)::BIGINT AS outside'
            f" FROM {live} GROUP BY 1, 2, 3)",
        )
        query = f"SELECT low, mixed, users, first, last, outside FROM {groups} ORDER BY code"
        known = [
            {
                "variant": low, "mixed": mixed, "users": users, "outside": outside,
                "first": None if first is None else to_datetime(first),
                "last": None if last is None else to_datetime(last),
            }
            for low, mixed, users, first, last, outside in self.backend.con.execute(query).fetchall()
        ]  # fmt: skip
        of = self._columns(
            f"SELECT uid, code FROM {live} l JOIN {groups} g ON l.low IS NOT DISTINCT FROM g.low"
            " AND coalesce(l.low <> l.high, FALSE) = g.mixed AND (l.first IS NOT NULL) = g.seen"
        )
        sources = [*self._day_sources(self.state), *(f"FROM {table}" for table in self.loose)]
        if self.state.merged:
            sources.append(f"FROM {self._file(self.state.merged)}")
        sums = self._user_sums(sources, self.state.next_uid)
        return totals_of(self.plan, summary_rows(self.plan, sums, known, of))

    def _user_sums(self, sources: Sequence[str], users: int) -> "dict[str, Any]":
        """Every sum by number of the user."""
        filled = ", ".join(f"coalesce({name}, 0)::DOUBLE AS {name}" for name in self.columns)
        parts = (self._columns(f"SELECT uid, {filled} FROM ({source})") for source in sources)
        return add_up(self.columns, users, parts)

    def _sums_of(self, users: "Table", *events: "Table") -> "Table":
        table = ibis.union(*events) if len(events) > 1 else events[0]
        return sums_expression(self.plan, users, table, by=("uid", "day"))

    def _table(self, types: Sequence[str], paths: Collection[str] | None) -> "Table":
        """Events of some segments, or of the intake, with the day of each."""
        events = self.snapshot.events(*types, only=paths or (), tail=paths is None)
        at = "epoch_us(time)"
        day = f"({at} - (({at} % {DAY}) + {DAY}) % {DAY}) // {DAY}"
        return self._view(f'SELECT *, {day} AS "day" FROM ({self._compiled(events)})')

    def _added(self) -> str:
        """SQL that adds the sums up."""
        return ", ".join(
            f"max({name}) AS {name}"
            if name.startswith("any")
            else f"sum({name}) AS {name}"
            if name.startswith("sum")
            else f"sum({name})::BIGINT AS {name}"
            for name in self.columns
        )
