"""Sums and moments of users as arrays: what `aggregation` does in an engine, for users whose sums are kept.

A user's sums only grow by addition. Moments are kept as sums over users of values around a fixed centre, so that
whoever changes is taken out as before and put in as now; they are added up in twice the precision of a float, so
that this leaves no trace. They are computed anew, around the mean of then, once the mean has moved far from the
centre or what was taken out is so large that digits may be lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from counterpoint.experiments.aggregation import EARLY_DAYS
from counterpoint.experiments.measures import ADDED, Metric, Span, slots_of
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.totals import cross_name, origin_of
from counterpoint.moments import to_micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["DAY", "Events", "Figures", "Layout", "Pooled", "added_up", "matches"]

DAY: Final = 86_400_000_000
"""Microseconds."""
FAR_FROM_CENTRE: Final = 1e3
"""Variances between the mean and the centre, squared, beyond which six more digits of squares would be lost."""
TAKEN_OUT: Final = 2.0**45
"""How much larger than what is left everything may be that was ever put in or taken out: 2^-106 of it is the error."""


@dataclass(frozen=True)
class Events:
    """Events of metrics, in the order of `key`."""

    key: "Ints"
    check: "NDArray[np.uint32]"
    time: "Ints"
    """Microseconds since 1970."""
    which: "NDArray[Any]"
    """Place of the type among the layout's."""
    fields: "tuple[Floats, ...]"
    """The numbers that metrics are made of, NaN where there is none."""

    def take(self, which: Any) -> "Events":
        return Events(
            self.key[which], self.check[which], self.time[which], self.which[which],
            tuple(field[which] for field in self.fields),
        )  # fmt: skip


class Layout:
    """Which sums a plan's metrics are made of, and what is summed over users."""

    def __init__(self, plan: Experiment) -> None:
        self.slots = slots_of(plan.metrics)
        parts = self.slots.parts
        self.end = None if plan.end is None else to_micros(plan.end)
        self.types = sorted({part.event for part in parts})
        numbered = (part.field for part in parts if part.aggregation in {"mean", "sum", "any"})
        self.fields = tuple(dict.fromkeys(numbered))
        self.columns = (
            "early",
            "late",
            *(name for slot, part, _ in self._placed() for name in self._names(slot, part)),
        )
        self.base, self.measured = tuple(self.slots.base()), tuple(self.slots.columns())
        self.windows = {i: part.days * DAY for i, part in enumerate(parts) if part.days is not None}
        """By slot, the microseconds after the first exposure at which a user's value is known."""
        self.counted = (
            "early", "late", *(f"events{i}" for i in range(len(parts)) if self.slots.first_of_span(i) == i),
            *(f"known{i}" for i, part in enumerate(parts) if part.aggregation in ADDED),
        )  # fmt: skip
        self.crossed = tuple(self.slots.pairs(plan.metrics))

    def _placed(self) -> Iterator[tuple[str, Metric, int]]:
        """The name of each sum's place, what is summed there, and the days before the first exposure that it is of."""
        for i, part in enumerate(self.slots.parts):
            yield str(i), part, 0
            if part.covariate_days:
                yield f"_before{i}", part, part.covariate_days

    def _names(self, slot: str, part: Metric) -> list[str]:
        """The number of events is shown for each span of events, but not for what was before."""
        if slot.startswith("_"):
            counted = part.aggregation in {"count", "retention"}
        else:
            counted = self.slots.first_of_span(int(slot)) == int(slot)
        names = [f"events{slot}"] if counted else []
        if part.aggregation == "any":
            names.append(f"hits{slot}")
        elif part.aggregation in ADDED:
            names += [
                f"sum{slot}",
                f"known{slot}",
                *([f"sum_raw{slot}"] if part.event_cap is not None else []),
            ]
        return names

    def add(self, sums: "Floats", first: "Ints", user: "Ints", events: Events) -> None:
        """Add events to the sums (one row of them for each of `columns`), the n-th to the user at `user[n]`."""
        begin = first[user]
        before = events.time < begin
        self._count(sums, "early", user[before & (events.time >= begin - EARLY_DAYS * DAY)])
        counts = ~before
        if self.end is not None:
            after = events.time > self.end
            self._count(sums, "late", user[counts & after])
            counts &= ~after
        ours = [events.which == place for place in range(len(self.types))]
        places: dict[tuple[Span, int], NDArray[Any]] = {}
        for slot, part, days in self._placed():
            key = (Span(part.event, 0, None), days) if days else (part.span, 0)
            if key not in places:
                where = (
                    before & (events.time >= begin - days * DAY)
                    if days
                    else counts & _within(part, begin, events)
                )
                places[key] = np.flatnonzero(ours[self.types.index(part.event)] & where)
            self._add(sums, part, slot, user, events, places[key])

    def _add(
        self, sums: "Floats", part: Metric, slot: str, user: "Ints", events: Events, place: "Ints"
    ) -> None:
        users = user[place]
        if f"events{slot}" in self._place:
            self._count(sums, f"events{slot}", users)
        if part.aggregation not in {"mean", "sum", "any"}:
            return
        field = events.fields[self.fields.index(part.field)][place]
        blank = np.isnan(field)
        if part.aggregation == "any":
            self._count(sums, f"hits{slot}", users[blank | (field != 0)])
            return
        self._count(sums, f"known{slot}", users[~blank])
        users, field = users[~blank], field[~blank]
        with np.errstate(all="ignore"):  # what is not finite is told by whoever reads the totals
            if part.event_cap is not None:
                np.add.at(sums[self._place[f"sum_raw{slot}"]], users, field)
                field = np.minimum(field, part.event_cap)
            np.add.at(sums[self._place[f"sum{slot}"]], users, field)

    def _count(self, sums: "Floats", name: str, users: "Ints") -> None:
        np.add.at(sums[self._place[name]], users, 1.0)

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.columns)}

    def values(self, sums: "Floats") -> "Floats":
        """The users' numbers, one row for each that is measured but the forms of ratios, which come of these."""
        rows = [self._value(name[0], int(name[1:]), sums) for name in self.base]
        return np.array(rows).reshape(len(self.base), sums.shape[1])

    def _distances(self, sums: "Floats", centres: "Floats") -> "Floats":
        """How far the users' numbers lie from the centres; forms lie around 0."""
        values = self.values(sums)
        place = {name: at for at, name in enumerate(self.base)}
        rows = [values - centres[: len(self.base), None]]
        for form, (one, other) in self.slots.forms.items():
            origin = origin_of(*(float(centres[place[name]]) for name in self.slots.origin_of(form)))
            rows.append((values[place[one]] - origin * values[place[other]])[None])
        return np.concatenate(rows)

    def _value(self, kind: str, number: int, sums: "Floats") -> "Floats":
        """The value of a slot (m), that without its limits (r), or its covariate (x), as `user_sums.value_of` has them."""
        part = self.slots.parts[number]
        slot = f"_before{number}" if kind == "x" else str(number)
        if part.aggregation in {"count", "retention"}:
            of = slot if kind == "x" else str(self.slots.first_of_span(number))
            value = sums[self._place[f"events{of}"]]
            if part.aggregation == "retention":
                value = value > 0
        elif part.aggregation == "any":
            value = sums[self._place[f"hits{slot}"]] > 0
        else:
            raw = "_raw" if kind == "r" and part.event_cap is not None else ""
            value = sums[self._place[f"sum{raw}{slot}"]]
            if part.aggregation == "mean":
                value = value / np.maximum(sums[self._place[f"known{slot}"]], 1)
        value = np.asarray(value, dtype=np.float64)
        return value if part.cap is None or kind == "r" else np.minimum(value, part.cap)

    def over(self, first: "Ints", reach: int | None) -> "NDArray[np.bool_]":
        """Of whom each slot's value is known, whose events are known up to `reach`: one row for each that is measured."""
        found = np.ones((len(self.measured), len(first)), dtype=bool)
        for row, name in enumerate(self.measured):
            if (window := self.windows.get(self.slots.slot_of(name))) is not None:
                found[row] = False if reach is None else first <= reach - window
        return found

    def parts(self, sums: "Floats", centres: "Floats", over: "NDArray[np.bool_]") -> "Floats":
        """What is summed over users: one row each of users, counts, values around the centres, squares, products."""
        away = np.where(over, self._distances(sums, centres), 0.0)
        counts = sums[[self._place[name] for name in self.counted]]
        known = over[[self.measured.index(f"m{i}") for i in self.windows]]
        crossed = [
            away[self.measured.index(one)] * away[self.measured.index(two)] for one, two in self.crossed
        ]
        return np.concatenate(
            [np.ones((1, sums.shape[1])), counts, known, away, away * away, *(each[None] for each in crossed)]
        )

    @cached_property
    def names(self) -> list[str]:
        """The names of `parts`, as `aggregation.summary_expression` has them."""
        return [
            "users", *self.counted, *(f"n{i}" for i in self.windows), *(f"sum_{name}" for name in self.measured),
            *(f"square_{name}" for name in self.measured), *(cross_name(one, two) for one, two in self.crossed),
        ]  # fmt: skip


def _within(part: Metric, begin: "Ints", events: Events) -> "NDArray[np.bool_]":
    """Whether events after the first exposure lie in a metric's window."""
    found = events.time >= begin + part.offset_days * DAY
    return found if part.days is None else found & (events.time < begin + part.days * DAY)


class Figures(msgspec.Struct):
    """What is summed over all users, as it is kept."""

    centres: list[float]
    groups: dict[int, list[list[float]]]
    moved: list[float]


class Pooled:
    """The sums over the users of each group, in twice the precision: groups by code, [high, low] for each part."""

    def __init__(
        self, layout: Layout, centres: "Floats", groups: "dict[int, Floats]", *,
        moved: "Floats | None" = None, reach: int | None = None,
    ) -> None:  # fmt: skip
        self.layout = layout
        self.centres = centres
        self.groups = groups
        self.moved = np.zeros(len(layout.measured)) if moved is None else moved
        """Squares that were ever put in or taken out."""
        self.reach = reach
        """The moment up to which events are known, which windows are compared with."""

    @classmethod
    def of(cls, layout: Layout, figures: Figures, reach: int | None) -> "Pooled":
        """What was kept."""
        groups = {code: np.array(group) for code, group in figures.groups.items()}
        return cls(layout, np.array(figures.centres), groups, moved=np.array(figures.moved), reach=reach)

    @property
    def figures(self) -> Figures | None:
        """What is kept; none where there are other things than numbers, which JSON does not have."""
        if not self.is_finite():
            return None
        groups = {code: group.tolist() for code, group in self.groups.items()}
        return Figures(self.centres.tolist(), groups, self.moved.tolist())

    def empty(self, reach: int | None = None) -> "Pooled":
        """The same of nobody; with another moment up to which events are known, where that is given."""
        return Pooled(self.layout, self.centres, {}, reach=self.reach if reach is None else reach)

    def put(self, code: "Ints", first: "Ints", sums: "Floats", sign: float = 1.0) -> None:
        """Put users into their groups, or (−1) take them out."""
        with np.errstate(all="ignore"):
            parts = self.layout.parts(sums, self.centres, self.layout.over(first, self.reach))
            self.moved = self.moved + parts[self._rows("square_")].sum(axis=1)
            for group in np.unique(code):
                high, low = added_up(parts[:, code == group])
                old = self.groups.get(int(group), np.zeros((2, len(parts))))
                self.groups[int(group)] = np.array(_sum(old[0], old[1], sign * high, sign * low))

    def join(self, other: "Pooled") -> None:
        """Add what another one holds of other users, around the same centres."""
        for group, (high, low) in other.groups.items():
            old = self.groups.get(group, np.zeros_like(other.groups[group]))
            self.groups[group] = np.array(_sum(old[0], old[1], high, low))

    def _rows(self, beginning: str) -> slice:
        """Which of the parts these are, one for each that is measured."""
        begin = (
            self.layout.names.index(f"{beginning}{self.layout.measured[0]}") if self.layout.measured else 0
        )
        return slice(begin, begin + len(self.layout.measured))

    def is_finite(self) -> bool:
        """Whether there are numbers only."""
        whole = (self.moved, self.centres, *self.groups.values())
        return all(bool(np.isfinite(each).all()) for each in whole)

    def is_sound(self) -> bool:
        """Whether all digits can be trusted; if not, it is to be computed anew around other centres."""
        if not self.is_finite():
            return False
        whole = sum((group[0] for group in self.groups.values()), np.zeros(len(self.layout.names)))
        named = dict(zip(self.layout.names, whole.tolist(), strict=True))
        slots = [self.layout.slots.slot_of(name) for name in self.layout.measured]
        users = np.array([named.get(f"n{slot}", named["users"]) for slot in slots])
        users = np.maximum(users, 1.0)
        mean = whole[self._rows("sum_")] / users
        squares = whole[self._rows("square_")]
        spread = np.maximum(squares - users * mean**2, 0.0)
        rounding = users * (8 * np.finfo(float).eps * (np.abs(self.centres) + np.abs(mean))) ** 2
        near = users * mean**2 <= FAR_FROM_CENTRE * spread + rounding
        kept = self.moved <= TAKEN_OUT * spread + rounding
        return bool((near & kept).all())

    def rows(self, variants: "list[str]") -> list[dict[str, Any]]:
        """The rows of `aggregation.summary_expression`, but for what is known of exposures."""
        found, layout = [], self.layout
        whole = {"users", *layout.counted, *(f"n{i}" for i in layout.windows)}
        for code, (high, low) in self.groups.items():
            if high[0] <= 0:
                continue
            total = dict(zip(layout.names, (high + low).tolist(), strict=True))
            row: dict[str, Any] = {
                "variant": variants[code // 2 - 1] if code > 1 else None, "mixed": bool(code % 2)
            }  # fmt: skip
            row |= {name: round(each) if name in whole else each for name, each in total.items()}
            row |= {f"centre_{name}": float(c) for name, c in zip(layout.measured, self.centres, strict=True)}
            found.append(row)
        return found


def added_up(rows: "Floats") -> "tuple[Floats, Floats]":
    """The sums of each row's numbers, with what rounding loses of them (Knuth's TwoSum over a tree)."""
    high, low = rows, np.zeros_like(rows)
    while high.shape[1] > 1:
        if high.shape[1] % 2:
            high, low = (np.concatenate([part, np.zeros((len(part), 1))], axis=1) for part in (high, low))
        high, lost = _two_sum(high[:, 0::2], high[:, 1::2])
        low = low[:, 0::2] + low[:, 1::2] + lost
    return _two_sum(high[:, 0], low[:, 0])


def _two_sum(a: "Floats", b: "Floats") -> "tuple[Floats, Floats]":
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _sum(high: "Floats", low: "Floats", further: "Floats", lower: "Floats") -> "tuple[Floats, Floats]":
    total, lost = _two_sum(high, further)
    return _two_sum(total, low + lower + lost)


def matches(wanted: "Ints", keys: "Ints") -> "tuple[Ints, Ints]":
    """Pairs of places in `wanted` (ascending, each once) and in `keys` (ascending) that hold the same number."""
    if len(wanted) * 8 < len(keys):
        begin = np.searchsorted(keys, wanted, "left")
        many = np.searchsorted(keys, wanted, "right") - begin
        place = np.repeat(np.arange(len(wanted)), many)
        within = np.arange(len(place)) - np.repeat(np.cumsum(many) - many, many)
        return place, begin[place] + within
    place = np.searchsorted(wanted, keys)
    place[place == len(wanted)] = 0
    hit = np.flatnonzero(wanted[place] == keys) if len(wanted) else np.zeros(0, dtype=np.int64)
    return place[hit], hit
