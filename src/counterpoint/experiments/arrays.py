"""Sums and moments of users as arrays: what `aggregation` does in an engine, for users whose sums are kept.

A user's sums only grow by addition. Moments are kept as sums over users of values around a fixed centre, so that
whoever changes is taken out as before and put in as now; they are added up in twice the precision of a float, so
that this leaves no trace. They are computed anew, around the mean of then, once the mean has moved far from the
centre or what was taken out is so large that digits may be lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from counterpoint.experiments.aggregation import EARLY_DAYS
from counterpoint.experiments.measures import ADDED, Metric
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.totals import cross_name
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
        self.metrics = plan.metrics
        self.end = None if plan.end is None else to_micros(plan.end)
        self.types = sorted({metric.event for metric in plan.metrics})
        numbered = (metric.field for metric in plan.metrics if metric.aggregation != "count")
        self.fields = tuple(dict.fromkeys(numbered))
        self.columns = (
            "early",
            "late",
            *(name for _, slot, metric, _ in self._slots() for name in _names(metric, slot)),
        )
        self.measured = tuple(measured for measured, *_ in self._slots())
        self.counted = (
            "early", "late", *(f"events{i}" for i in range(len(plan.metrics))),
            *(f"known{i}" for i, metric in enumerate(plan.metrics) if metric.aggregation in ADDED),
        )  # fmt: skip
        self.crossed = tuple(i for i, metric in enumerate(plan.metrics) if metric.covariate_days)

    def _slots(self) -> Iterator[tuple[str, str, Metric, int]]:
        """The number that is measured, its slot, and the days before the first exposure that it is made of."""
        for i, metric in enumerate(self.metrics):
            yield f"m{i}", str(i), metric, 0
            if metric.covariate_days:
                yield f"x{i}", f"_before{i}", metric, metric.covariate_days

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
        places: dict[tuple[int, int], NDArray[Any]] = {}
        for _, slot, metric, days in self._slots():
            which = self.types.index(metric.event)
            if (which, days) not in places:
                where = before & (events.time >= begin - days * DAY) if days else counts
                places[which, days] = np.flatnonzero(ours[which] & where)
            self._add(sums, metric, slot, user, events, places[which, days])

    def _add(
        self, sums: "Floats", metric: Metric, slot: str, user: "Ints", events: Events, place: "Ints"
    ) -> None:
        users = user[place]
        if f"events{slot}" in self._place:
            self._count(sums, f"events{slot}", users)
        if metric.aggregation == "count":
            return
        field = events.fields[self.fields.index(metric.field)][place]
        blank = np.isnan(field)
        if metric.aggregation == "any":
            self._count(sums, f"hits{slot}", users[blank | (field != 0)])
            return
        self._count(sums, f"known{slot}", users[~blank])
        with np.errstate(all="ignore"):  # what is not finite is told by whoever reads the totals
            np.add.at(sums[self._place[f"sum{slot}"]], users[~blank], field[~blank])

    def _count(self, sums: "Floats", name: str, users: "Ints") -> None:
        np.add.at(sums[self._place[name]], users, 1.0)

    @property
    def _place(self) -> dict[str, int]:
        if "_places" not in self.__dict__:
            self._places = {name: place for place, name in enumerate(self.columns)}
        return self._places

    def values(self, sums: "Floats") -> "Floats":
        """The users' numbers, one row for each that is measured."""
        rows = [self._value(metric, slot, sums) for _, slot, metric, _ in self._slots()]
        return np.array(rows).reshape(len(self.measured), sums.shape[1])

    def _value(self, metric: Metric, slot: str, sums: "Floats") -> "Floats":
        if metric.aggregation == "count":
            value = sums[self._place[f"events{slot}"]]
        elif metric.aggregation == "any":
            value = sums[self._place[f"hits{slot}"]] > 0
        else:
            value = sums[self._place[f"sum{slot}"]]
            if metric.aggregation == "mean":
                value = value / np.maximum(sums[self._place[f"known{slot}"]], 1)
        return np.asarray(value, dtype=np.float64)

    def parts(self, sums: "Floats", centres: "Floats") -> "Floats":
        """What is summed over users: one row each of users, counts, values around the centres, squares, products."""
        away = self.values(sums) - centres[:, None]
        counts = sums[[self._place[name] for name in self.counted]]
        crossed = [
            away[self.measured.index(f"m{i}")] * away[self.measured.index(f"x{i}")] for i in self.crossed
        ]
        return np.concatenate(
            [np.ones((1, sums.shape[1])), counts, away, away * away, *(each[None] for each in crossed)]
        )


def _names(metric: Metric, slot: str) -> list[str]:
    """The number of events is shown for every metric, but not for what was before."""
    names = [f"events{slot}"] if not slot.startswith("_") or metric.aggregation == "count" else []
    if metric.aggregation == "any":
        names.append(f"hits{slot}")
    elif metric.aggregation != "count":
        names += [f"sum{slot}", f"known{slot}"]
    return names


class Figures(msgspec.Struct):
    """What is summed over all users, as it is kept."""

    centres: list[float]
    groups: dict[int, list[list[float]]]
    moved: list[float]


class Pooled:
    """The sums over the users of each group, in twice the precision: groups by code, [high, low] for each part."""

    def __init__(
        self, layout: Layout, centres: "Floats", groups: "dict[int, Floats]", moved: "Floats | None" = None
    ) -> None:
        self.layout = layout
        self.centres = centres
        self.groups = groups
        self.moved = np.zeros(len(layout.measured)) if moved is None else moved
        """Squares that were ever put in or taken out."""

    @classmethod
    def of(cls, layout: Layout, figures: Figures) -> "Pooled":
        """What was kept."""
        groups = {code: np.array(group) for code, group in figures.groups.items()}
        return cls(layout, np.array(figures.centres), groups, np.array(figures.moved))

    @property
    def figures(self) -> Figures | None:
        """What is kept; none where there are other things than numbers, which JSON does not have."""
        if not self.is_finite():
            return None
        groups = {code: group.tolist() for code, group in self.groups.items()}
        return Figures(self.centres.tolist(), groups, self.moved.tolist())

    def put(self, code: "Ints", sums: "Floats", sign: float = 1.0) -> None:
        """Put users into their groups, or (−1) take them out."""
        with np.errstate(all="ignore"):
            parts = self.layout.parts(sums, self.centres)
            self.moved = self.moved + parts[self._squares].sum(axis=1)
            for group in np.unique(code):
                high, low = added_up(parts[:, code == group])
                old = self.groups.get(int(group), np.zeros((2, len(parts))))
                self.groups[int(group)] = np.array(_sum(old[0], old[1], sign * high, sign * low))

    def join(self, other: "Pooled") -> None:
        """Add what another one holds of other users, around the same centres."""
        for group, (high, low) in other.groups.items():
            old = self.groups.get(group, np.zeros_like(other.groups[group]))
            self.groups[group] = np.array(_sum(old[0], old[1], high, low))

    @property
    def _squares(self) -> slice:
        begin = 1 + len(self.layout.counted) + len(self.layout.measured)
        return slice(begin, begin + len(self.layout.measured))

    def is_finite(self) -> bool:
        """Whether there are numbers only."""
        whole = (self.moved, self.centres, *self.groups.values())
        return all(bool(np.isfinite(each).all()) for each in whole)

    def is_sound(self) -> bool:
        """Whether all digits can be trusted; if not, it is to be computed anew around other centres."""
        if not self.is_finite():
            return False
        measured = len(self.layout.measured)
        whole = sum(
            (group[0] for group in self.groups.values()),
            np.zeros(self._squares.stop + len(self.layout.crossed)),
        )
        users = max(whole[0], 1.0)
        mean = whole[self._squares.start - measured : self._squares.start] / users
        squares = whole[self._squares]
        spread = np.maximum(squares - users * mean**2, 0.0)
        rounding = users * (8 * np.finfo(float).eps * (np.abs(self.centres) + np.abs(mean))) ** 2
        near = users * mean**2 <= FAR_FROM_CENTRE * spread + rounding
        kept = self.moved <= TAKEN_OUT * spread + rounding
        return bool((near & kept).all())

    def rows(self, variants: "list[str]") -> list[dict[str, Any]]:
        """The rows of `aggregation.summary_expression`, but for what is known of exposures."""
        found = []
        for code, (high, low) in self.groups.items():
            if high[0] <= 0:
                continue
            total = dict(zip(self._names, (high + low).tolist(), strict=True))
            row: dict[str, Any] = {
                "variant": variants[code // 2 - 1] if code > 1 else None, "mixed": bool(code % 2)
            }  # fmt: skip
            row |= {name: round(total[name]) for name in ("users", *self.layout.counted)}
            row |= {name: total[name] for name in self._names if name not in row}
            row |= {
                f"centre_{name}": float(c) for name, c in zip(self.layout.measured, self.centres, strict=True)
            }
            found.append(row)
        return found

    @property
    def _names(self) -> list[str]:
        measured = self.layout.measured
        return [
            "users", *self.layout.counted, *(f"sum_{name}" for name in measured),
            *(f"square_{name}" for name in measured), *(cross_name(f"m{i}", f"x{i}") for i in self.layout.crossed),
        ]  # fmt: skip


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
