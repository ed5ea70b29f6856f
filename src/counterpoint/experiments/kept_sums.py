"""What is kept of one plan's users, brought up to one snapshot: see `daily`."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime
from functools import partial, reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from counterpoint.experiments.aggregation import reach_days
from counterpoint.experiments.arrays import DAY, Events, Figures, Layout, Pooled, matches
from counterpoint.experiments.kept_changes import (
    Spans,
    by_day,
    changes,
    days_gone,
    days_gone_of,
    differing,
    other_events,
    spans,
    united_events,
    wider,
)
from counterpoint.experiments.kept_days import days_of_kept
from counterpoint.experiments.kept_levels import level_rows, values_of
from counterpoint.experiments.kept_reading import EXPOSURE, KEY, Bounds, Reader
from counterpoint.experiments.kept_tables import (
    NEVER,
    Shown,
    Tables,
    Touched,
    Users,
    combined,
    same_checks,
)
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.totals import Totals, totals_of
from counterpoint.journal.daily import Kept, State
from counterpoint.moments import to_datetime, to_micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from counterpoint.journal import Snapshot

    Ints = NDArray[np.int64]

__all__ = ["Sums"]

MOST_PARTS: Final = 8
"""Files of one day beyond which they become one."""
MOST_DAYS: Final = 1_000
"""Days of segments that are gone beyond which all is computed again."""
CHUNK: Final = 2_000_000
"""Events that are read at a time, about."""
BLOCK: Final = 1_000_000
"""Users whose sums are computed anew at a time."""


class Sums:
    """What is kept of one plan, brought up to one snapshot."""

    def __init__(self, plan: Experiment, snapshot: "Snapshot", kept: Kept, as_of: datetime | None) -> None:
        self.plan, self.snapshot, self.kept = plan, snapshot, kept
        self.bound = min((to_micros(each) for each in (as_of, plan.end) if each is not None), default=None)
        self.layout = Layout(plan)
        self.reach = reach_days(plan)
        self.reader = Reader(plan, snapshot, self.layout)
        state = kept.load()
        self.exposures = spans(snapshot.segments, [EXPOSURE])
        self.all_events = spans(snapshot.segments, self.layout.types)
        if days_gone_of(state, self.exposures | self.all_events) > MOST_DAYS:
            state = State()
        self.state = state
        self.tables = Tables(kept, self.layout, state.users)
        self.texts = list(state.texts)
        self.since = state.since
        self.shown: dict[int, list[str | Shown]] = {day: list(names) for day, names in state.shown.items()}
        self.happened: dict[int, list[str | Events]] = {
            day: list(names) for day, names in state.happened.items()
        }
        figures = msgspec.json.decode(state.figures, type=Figures | None)
        self.bounds: dict[int, Bounds] = dict(state.bounds)
        self.latest = dict(state.latest)
        self.pooled: Pooled | None = None if figures is None else Pooled.of(self.layout, figures, state.reach)
        self.touched = Touched(len(self.layout.columns))
        self.keep = True
        self.until = state.reach
        self.last = state.last
        """The last moment of exposures and events in files; none where it is to be read."""

    def totals(self, holds: Callable[[Collection[str]], bool]) -> Totals:
        """Bring what is kept up to the snapshot and keep it; add the intake, and read the totals."""
        before = self.state
        fresh = self.exposures != before.exposures or self._events_now() != before.events or before.stale
        if fresh:
            self.last = None
            self._add_segments()
        moved = self._advance()
        if fresh or moved:
            self._mend()
            self._save(holds)
        self.keep = False
        waiting = self.snapshot.waiting
        if not waiting.isdisjoint({EXPOSURE, *self.layout.types}):
            shown = self.reader.shown(None, None, self.texts) if EXPOSURE in waiting else {}
            afresh = self._add_shown(shown, {})
            self._reach_back(afresh)
            if not waiting.isdisjoint(self.layout.types):
                self._add_events(self.reader.events(None, None, self._floor()))
            self._settle()
            self._advance()
            self._mend()
        self.kept.touch()
        self.kept.tidy(self.state)
        return self._read()

    # From segments --------------------------------------------------------------------------------------------

    def _events_now(self) -> Spans:
        """The segments that the kept events should come from."""
        since = self._floor()
        return {path: span for path, span in self.all_events.items() if span[1] >= since}

    def _floor(self) -> int:
        """The first day of which events are kept; so far in the future that there is none where nobody was exposed."""
        return 10**6 if self.since is None else self.since

    def _add_segments(self) -> None:
        before = self.state
        again = days_gone(before.exposures, self.exposures) | frozenset(before.stale)
        added, paths = changes(before.exposures, self.exposures, again)
        shown = self.reader.shown(added, None, self.texts) if added else {}
        shown = {day: each for day, each in shown.items() if day not in again}
        renewed = self.reader.shown(paths, again, self.texts) if paths else {}
        empty: tuple[Shown, Bounds] = (Shown.none(), (None, None, 0))
        first = self._add_shown(shown, {day: renewed.get(day, empty) for day in again})
        if self.layout.windows:
            for day in again:
                self.latest.pop(day, None)
            if read := list(dict.fromkeys((*added, *paths))):
                for day, moment in self.reader.latest(read).items():
                    self.latest[day] = max(moment, self.latest.get(day, moment))

        known = self._events_now()
        again = frozenset(day for day in days_gone(before.events, self.all_events) if day >= self._floor())
        added, paths = changes(before.events, known, again)
        self._reach_back(first, beside=added)
        if again:
            self._renew_events(self.reader.events(paths, again, self._floor()) if paths else None, again)
        for chunk in self._chunks(added):
            self._add_events(self.reader.events(chunk, None, self._floor()), but=again)
        self._settle()

    def _chunks(self, paths: Collection[str]) -> Iterator[list[str]]:
        """Segments whose events fit into memory together, those with the earliest events first."""
        many = {segment.path: segment.events for segment in self.snapshot.segments}
        chunk: list[str] = []
        for path in sorted(paths, key=lambda path: self.all_events[path]):
            if chunk and sum(many[each] for each in chunk) + many[path] > CHUNK:
                yield chunk
                chunk = []
            chunk.append(path)
        if chunk:
            yield chunk

    def _reach_back(self, first: int | None, *, beside: Collection[str] = ()) -> None:
        """Keep the events of earlier days too where somebody's first exposure asks for them.

        `beside` are segments that are read from the new first day on anyway.
        """
        if first is None or (since := first // DAY - self.reach) >= self._floor():
            return
        until, self.since = self._floor(), since
        older = [
            p
            for p, (low, high) in self.all_events.items()
            if high >= since and low < until and p not in beside
        ]
        for chunk in self._chunks(older):
            events = self.reader.events(chunk, None, since)
            self._keep_events(events.take(events.time < until * DAY))

    # Exposures ------------------------------------------------------------------------------------------------

    def _add_shown(
        self, added: Mapping[int, tuple[Shown, Bounds]], renewed: Mapping[int, tuple[Shown, Bounds]]
    ) -> int | None:
        """Take exposures in; gives the earliest first exposure of those whose sums are to be computed anew."""
        differ: list[Shown] = []
        for day, (new, bounds) in renewed.items():
            old = combined([self.tables.read_shown(part) for part in self.shown.pop(day, [])], self.texts)
            differ.append(differing(old, new))
            self.bounds[day] = bounds
            if len(new.key):
                self.shown[day] = [self._put_shown(new)]
        for day, (new, bounds) in added.items():
            self.bounds[day] = wider(self.bounds.get(day), bounds)
            self.shown.setdefault(day, []).append(self._put_shown(new))
        again = combined(differ, self.texts)
        news = combined([new for new, _ in added.values()], self.texts)
        news = combined([news.take(~np.isin(news.key, again.key)), *self._shown_of(again)], self.texts)
        known = self.tables.find(news.key, news.check)
        now = combined([news, known.shown.take(~np.isin(news.key, again.key))], self.texts)
        other = now.first != known.shown.first
        changed = other | (now.low != known.shown.low) | (now.high != known.shown.high)
        afresh = other & (now.first != NEVER)
        self.touched.add(Users(now, np.where(other, 0.0, known.sums)).take(changed), afresh[changed])
        return int(now.first[afresh].min()) if afresh.any() else None

    def _shown_of(self, users: Shown) -> list[Shown]:
        """All that is kept of some users' exposures."""
        if not len(users.key):
            return []
        parts = [self.tables.read_shown(part) for names in self.shown.values() for part in names]
        return [users, *(part.take(matches(users.key, part.key)[1]) for part in parts)]

    def _put_shown(self, shown: Shown) -> str | Shown:
        return self.tables.write_shown(shown) if self.keep else shown

    # Events ---------------------------------------------------------------------------------------------------

    def _renew_events(self, events: Events | None, days: Collection[int]) -> None:
        """Put what these days hold now in the place of what was kept of them."""
        now = dict(by_day(events)) if events is not None else {}
        for day in sorted(days):
            old = [self.tables.read_events(part) for part in self.happened.pop(day, [])]
            new = now.get(day)
            if new is not None:
                self._keep_events(new)
            key, check = other_events(old, [] if new is None else [new])
            self.touched.afresh |= np.isin(self.touched.users.key, key) & self.touched.users.alive
            self._touch(key, check, afresh=True)

    def _add_events(self, events: Events, *, but: Collection[int] = ()) -> None:
        """Take events in that are new, but for those of some days; the sums of users who are known grow."""
        if len(but):
            events = events.take(~np.isin(events.time // DAY, list(but)))
        self._keep_events(events)
        starts = (
            np.flatnonzero(np.r_[True, events.key[1:] != events.key[:-1]])
            if len(events.key)
            else np.zeros(0, int)
        )
        self._touch(events.key[starts], events.check[starts], afresh=False)
        self._grow(np.flatnonzero(~self.touched.afresh & self.touched.users.alive), events)

    def _touch(self, key: "Ints", check: "NDArray[np.uint32]", *, afresh: bool) -> None:
        """Touch those who are known and not touched yet."""
        missing = ~np.isin(key, self.touched.users.key)
        users = self.tables.find(key[missing], check[missing])
        users = users.take(users.alive)
        self.touched.add(users, np.full(len(users.key), afresh))

    def _grow(self, which: "Ints", events: Events) -> None:
        """Add the events of some of those who are touched to their sums."""
        shown = self.touched.users.shown.take(which)
        place, row = matches(shown.key, events.key)
        if len(place):
            found = events.take(row)
            same_checks(found.check, shown.check[place])
            self.layout.add(self.touched.users.sums, self.touched.users.shown.first, which[place], found)

    def _keep_events(self, events: Events) -> None:
        for day, part in by_day(events):
            parts = self.happened.setdefault(day, [])
            parts.append(self.tables.write_events(part) if self.keep else part)
            if self.keep and len(parts) > MOST_PARTS:
                whole = united_events([self.tables.read_events(each) for each in parts])
                self.happened[day] = [self.tables.write_events(whole)]

    def _settle(self) -> None:
        """Compute the sums anew of whom it is due, and let all who are touched count as they are now."""
        touched = self.touched
        due = np.flatnonzero(touched.afresh)
        if len(due):
            touched.users.sums[:, due] = 0.0
        for start in range(0, len(due), BLOCK):
            block = due[start : start + BLOCK]
            begin = int(touched.users.shown.first[block].min()) // DAY - self.reach
            for day in sorted(day for day in self.happened if day >= begin):
                for part in self.happened[day]:
                    self._grow(block, self.tables.read_events(part))
        if len(touched.users.key):
            old = self.tables.find(touched.users.key, touched.users.shown.check)
            if self.pooled is not None:
                for users, sign in ((old, -1.0), (touched.users, 1.0)):
                    alive = users.take(users.alive)
                    self.pooled.put(alive.code, alive.shown.first, alive.sums, sign)
            self.tables.add_users(touched.users, keep=self.keep)
        self.touched = Touched(len(self.layout.columns))

    # Windows --------------------------------------------------------------------------------------------------

    def _known_until(self) -> int | None:
        """The moment up to which events are known, as `aggregation.users_until` has it; none without windows or events."""
        if not self.layout.windows:
            return None
        if self.last is None:
            self.last = self._last_event(max(self.latest.values(), default=-NEVER))
        found = [self.last]
        waiting: Collection[str] = () if self.keep else self.snapshot.waiting
        if EXPOSURE in waiting:
            found += self.reader.latest(None).values()
        if not set(waiting).isdisjoint(self.layout.types) and (last := self.reader.last(None)) is not None:
            found.append(last)
        last = max(found)
        return None if last == -NEVER else last if self.bound is None else min(last, self.bound)

    def _last_event(self, last: int) -> int:
        """The last event in files, if it is later; only files that may hold a later one are read."""
        days: dict[int, list[str]] = {}
        for path, (_, high) in self.all_events.items():
            days.setdefault(high, []).append(path)
        for day in sorted(days, reverse=True):
            if last >= (day + 1) * DAY:
                break
            if (found := self.reader.last(days[day])) is not None:
                last = max(last, found)
        return last

    def _advance(self) -> bool:
        """Let those count whose windows are over by now; says whether anything has changed."""
        before, self.until = self.until, self._known_until()
        if self.pooled is None or before == self.until:
            return self.pooled is None
        if before is None or self.until is None or self.until < before:
            self.pooled = None
            return True
        windows = sorted(set(self.layout.windows.values()))
        ends = [(before - window, self.until - window) for window in windows]
        days = [day for day in self.shown if any(low // DAY <= day <= high // DAY for low, high in ends)]
        shown = combined(
            [self.tables.read_shown(part) for day in days for part in self.shown[day]], self.texts
        )
        users = self.tables.find(shown.key, shown.check)
        first = users.shown.first
        due = reduce(or_, [(first > low) & (first <= high) for low, high in ends])
        users = users.take(due & users.alive)
        self.pooled.put(users.code, users.shown.first, users.sums, -1.0)
        self.pooled.reach = self.until
        self.pooled.put(users.code, users.shown.first, users.sums)
        return True

    # Over all users -------------------------------------------------------------------------------------------

    def _mend(self) -> None:
        """Sum over all users anew where digits may be lost, or where that was never done."""
        if self.pooled is not None and self.pooled.is_sound():
            return
        base = len(self.layout.base)
        count, total = (np.zeros(base) for _ in range(2))
        with np.errstate(all="ignore"):
            for users in self.tables.all_users():
                over = self.layout.over(users.shown.first, self.until)[:base]
                count = count + over.sum(axis=1)
                total = total + np.where(over, self.layout.values(users.sums), 0.0).sum(axis=1)
        centres = np.zeros(len(self.layout.measured))  # forms lie around 0
        centres[:base] = total / np.maximum(count, 1)
        self.pooled = Pooled(self.layout, np.where(np.isfinite(centres), centres, 0.0), {}, reach=self.until)
        for users in self.tables.all_users():
            self.pooled.put(users.code, users.shown.first, users.sums)

    def _save(self, holds: Callable[[Collection[str]], bool]) -> None:
        """Keep all of this, unless the journal has let go a segment that it came from."""
        events = self._events_now()
        if not holds(self.exposures.keys() | events.keys()):
            return
        state = State(
            exposures=self.exposures,
            events=events,
            since=self.since,
            shown=self._few_shown(),
            happened={day: tuple(map(str, parts)) for day, parts in self.happened.items()},
            users=tuple(self.tables.files),
            texts=tuple(self.texts),
            bounds=self.bounds,
            latest=self.latest,
            last=self.last,
            reach=self.until,
            figures=msgspec.Raw(msgspec.json.encode(self.pooled.figures if self.pooled else None)),
        )
        self.kept.save(state)
        self.state = state

    def _few_shown(self) -> dict[int, tuple[str, ...]]:
        for day, parts in self.shown.items():
            if len(parts) > MOST_PARTS:
                whole = combined([self.tables.read_shown(part) for part in parts], self.texts)
                self.shown[day] = [self.tables.write_shown(whole)]
        return {day: tuple(map(str, parts)) for day, parts in self.shown.items()}

    def _read(self) -> Totals:
        firsts = [first for first, _, _ in self.bounds.values() if first is not None]
        lasts = [last for _, last, _ in self.bounds.values() if last is not None]
        times = {
            "first": to_datetime(min(firsts)) if firsts else None,
            "last": to_datetime(max(lasts)) if lasts else None,
        }
        # Each group is given the first and the last exposure of all: those of its own users are not kept, and nothing
        # that is shown asks for them.
        found = self.pooled.rows(self.texts) if self.pooled else []
        rows = [{**row, **times, "outside": 0} for row in (*found, *self._levels())]
        outside = sum(outside for *_, outside in self.bounds.values())
        rows.append({"variant": None, "mixed": False, "first": None, "last": None, "outside": outside})
        return totals_of(self.plan, rows)

    def _levels(self) -> list[dict[str, Any]]:
        """The rows of each value of the plan's segments, for which exposures are read."""
        if not self.plan.segments or self.pooled is None:
            return []
        values = [values_of(self.plan, self.snapshot, name, KEY) for name in self.plan.segments]
        return level_rows(self.pooled, self.texts, self.tables.all_users(), values)

    def days(self) -> list[tuple[date, Totals]]:
        """The totals at the end of each day."""
        if self.pooled is None:
            return []
        happened = {day: partial(map, self.tables.read_events, parts) for day, parts in self.happened.items()}
        return days_of_kept(self.plan, self.pooled, self.texts, self.tables.all_users(), happened)
