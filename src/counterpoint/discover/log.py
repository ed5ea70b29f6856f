"""A log of who took what, when, as a matrix: future and doubled entries out, robots bounded, old ones worth less. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.interactions import Matrix
from counterpoint.errors import InputError
from counterpoint.stats.checks import numbers, positive

__all__ = ["Log", "log_of"]

Names = NDArray[np.object_]
DAY = 86_400.0
MOST = 50.0
"""What one listener can say of one item at most, so that a million plays of a song are no taste of their own."""

LEAST = 1e-30
"""What an entry says at least, however old it is: it was heard, so that it is no news."""


@dataclass(frozen=True, slots=True)
class Log:
    """Listeners by items, with the names of both."""

    matrix: Matrix
    moments: Matrix | None
    """The newest moment of each cell in seconds since 1970; None where the log has no times."""
    listeners: Names
    items: Names
    left_out: Mapping[str, int]
    """Entries that were left out, by reason."""

    def rows(self, names: Sequence[str]) -> NDArray[np.intp]:
        """The rows of listeners. Raises `InputError` for one that is not there."""
        return _found("listener", self.listeners, names)


def log_of(
    listeners: Sequence[Any],
    items: Sequence[Any],
    *,
    weights: Sequence[float] | None = None,
    times: Sequence[float] | None = None,
    now: float | None = None,
    half_life: float | None = None,
) -> Log:
    """A log out of one value for each entry. Names are texts of any script; numbers become texts.

    `times` and `now` are seconds since 1970, `half_life` is in seconds. What is later than `now` is left out,
    as is an entry that is there twice (same listener, item and time), and one without a name, or with a weight
    that is not above 0 and finite. Raises `InputError` where lengths differ or nothing is left.
    """
    count = len(listeners)
    for name, values in (("items", items), ("weights", weights), ("times", times)):
        if values is not None and len(values) != count:
            raise InputError(f"{name} has {len(values)} entries, must have {count} as listeners has")
    who, what = _texts(listeners), _texts(items)
    weight = np.ones(count) if weights is None else numbers("weights", weights)
    when = np.full(count, np.nan) if times is None else numbers("times", times)
    kept = np.ones(count, dtype=bool)
    left_out: dict[str, int] = {}

    def without(reason: str, wrong: NDArray[np.bool_]) -> None:
        nonlocal kept
        left_out[reason] = int((kept & wrong).sum())
        kept &= ~wrong

    without("no name", (who == "") | (what == ""))
    without("weight not above 0", ~(np.isfinite(weight) & (weight > 0)))
    if times is not None:
        without("no time", ~np.isfinite(when))
        if now is not None:
            without("in the future", when > now)
    rows, row_of = np.unique(who[kept], return_inverse=True)
    columns, column_of = np.unique(what[kept], return_inverse=True)
    weight, when = weight[kept], when[kept]
    if not len(rows):
        reasons = (
            ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count) or "it is empty"
        )
        raise InputError(f"nothing is left of the log: {reasons}")
    if times is not None:
        _, first = np.unique(np.stack([row_of, column_of, when]), axis=1, return_index=True)
        left_out["there twice"] = len(when) - len(first)
        row_of, column_of, weight, when = row_of[first], column_of[first], weight[first], when[first]
    if half_life is not None:
        positive("half_life", half_life)
    if half_life is not None and times is not None:
        newest = float(when.max() if now is None else now)
        weight = weight * 0.5 ** ((newest - when) / half_life)
    shape = (len(rows), len(columns))
    matrix = sp.csr_matrix((weight, (row_of, column_of)), shape=shape)
    matrix.data = np.clip(matrix.data, LEAST, MOST)
    moments = None if times is None else _newest(row_of, column_of, when, shape)
    return Log(
        matrix.astype(np.float32),
        moments,
        rows,
        columns,
        {each: count for each, count in left_out.items() if count},
    )


def _newest(
    rows: NDArray[np.intp], columns: NDArray[np.intp], when: NDArray[np.float64], shape: tuple[int, int]
) -> Matrix:
    """The newest moment of each cell; a moment of 0 is kept, though a sparse matrix would not see it."""
    order = np.lexsort((when, columns, rows))
    rows, columns, when = rows[order], columns[order], when[order]
    last = (
        np.append((rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1]), True)
        if len(rows)
        else np.empty(0, bool)
    )
    starts = np.concatenate(([0], np.cumsum(np.bincount(rows[last], minlength=shape[0]))))
    return sp.csr_matrix((when[last], columns[last], starts), shape=shape)


def _texts(values: Sequence[Any]) -> Names:
    texts = np.empty(len(values), dtype=object)
    texts[:] = ["" if each is None else str(each).strip() for each in values]
    return texts


def _found(what: str, names: Names, wanted: Sequence[str]) -> NDArray[np.intp]:
    at = np.searchsorted(names, np.array(wanted, dtype=object)) if len(wanted) else np.empty(0, dtype=np.intp)
    for name, place in zip(wanted, at, strict=True):
        if place >= len(names) or names[place] != name:
            raise InputError(f'there is no {what} "{name}" among the {len(names):,} of the log')
    return np.asarray(at, dtype=np.intp)
