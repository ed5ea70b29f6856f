"""Co-occurrences as a join of interactions with themselves: one Ibis expression, for engines larger than this process.

Entries are rows of who (`row`), what (`item`) and what the row says of each pair of it (`share`). Items i and j come
together by the sum of `share` over the rows that have both, so that the join costs as many rows as there are pairs:
the sum over rows of the square of their length, halved, since (i, j) is (j, i).
"""

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from counterpoint.discover.interactions import Matrix
from counterpoint.discover.ranking import Floats

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

__all__ = ["entries_of", "one_sided", "pairs_of", "strongest_of", "symmetric", "weights_of"]


def entries_of(matrix: Matrix, shares: Floats) -> "pa.Table":
    """The cells of a matrix as `row`, `item`, `share`; `shares` has one number for each row."""
    import pyarrow as pa

    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return pa.table(
        {
            "row": rows,
            "item": matrix.indices.astype(np.int64),
            "share": shares.astype(np.float64)[rows],
        }
    )


def weights_of(weights: Floats) -> "pa.Table":
    """One weight for each item as `item`, `weight`."""
    import pyarrow as pa

    return pa.table({"item": np.arange(len(weights), dtype=np.int64), "weight": weights.astype(np.float64)})


def pairs_of(entries: "ibis.Table") -> "ibis.Table":
    """`item`, `other` above it, and `together`, once for each pair."""
    met = entries.join(entries.view(), "row").filter(lambda pair: pair.item < pair.item_right)
    found: ibis.Table = (
        met.group_by(["item", "item_right"])
        .agg(together=lambda pair: pair.share.sum())
        .rename(other="item_right")
    )
    return found


def strongest_of(pairs: "ibis.Table", liked: "ibis.Table", count: int) -> "ibis.Table":
    """The strongest `count` others of each item: `item`, `other`, `together`.

    `liked` has the weight of each `item` as an answer; strongest is the largest together · weight, and among equals
    the lower number, as `graph.strongest` has it.
    """
    import ibis

    mirrored = pairs.select(item=pairs.other, other=pairs.item, together=pairs.together)
    both = pairs.select("item", "other", "together").union(mirrored)
    weighed = both.join(liked.select(other=liked.item, weight=liked.weight), "other")
    place = ibis.row_number().over(
        ibis.window(
            group_by=weighed.item, order_by=[ibis.desc(weighed.together * weighed.weight), weighed.other]
        )
    )
    found: ibis.Table = (
        weighed.mutate(place=place)
        .filter(lambda each: each.place < count)
        .select("item", "other", "together")
    )
    return found


def symmetric(pairs: "pa.Table", items: int) -> sp.csr_matrix:
    """Items by items out of pairs that are there once."""
    half = one_sided(pairs, items)
    return sp.csr_matrix(half + half.T)


def one_sided(pairs: "pa.Table", items: int) -> sp.csr_matrix:
    """Items by items out of pairs as they are."""
    values, rows, columns = (pairs[name].to_numpy() for name in ("together", "item", "other"))
    return sp.csr_matrix((values, (rows, columns)), shape=(items, items), dtype=np.float32)
