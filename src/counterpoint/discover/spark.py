"""Fitting on Spark, on this machine or a cluster: factors by MLlib, co-occurrences by a join. The models are the same.

What comes back are arrays of an `Als` or an `ItemGraph`, so that ranking, folding in, reasons and files are those of
a model that was fitted in this process; only the fit is elsewhere. Interactions go to Spark through this process.

MLlib minimises (Hu, Koren and Volinsky 2008; Zhou et al. 2008 for the ridge by frequency)

    Σ over all of c (p - xy)² + r (Σ n_u |x|² + Σ n_i |y|²),    c = 1 + a where p = 1, else 1

which over a is our objective with α0 = 1/a and the ridge r n / a of a row with n interactions. That is ours, λ (n + c · α0 ·
the other side) ** ν, where c = 0 and ν = 1: then both find the same but for chance. Otherwise only the product of both
sides' ridges matters to a ranking, so r is what makes the two products equal for the rows and items that the mean
interaction is of, the factors of items are scaled so that the ridge of such a row is ours, and `ROUNDS` rounds of our own
in this process go from there to our objective. MLlib's ridge holds back popular items more than rare ones, ours all
alike, which no other r undoes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from counterpoint.discover.als import Als, AlsOptions
from counterpoint.discover.graph import pairs, strongest
from counterpoint.discover.interactions import Matrix, interactions, presence
from counterpoint.discover.item_graph import KEPT_PAIRS, ItemGraph, ItemGraphOptions
from counterpoint.discover.joining import entries_of, one_sided, pairs_of, strongest_of, symmetric, weights_of
from counterpoint.discover.ranking import Floats
from counterpoint.engine import EngineAddress

if TYPE_CHECKING:
    from counterpoint.journal.engines.spark import SparkEngine

__all__ = ["als_on", "item_graph_on"]

Said = Callable[[str], None]
ROUNDS = 3
"""Rounds of our own objective after MLlib's, where that is another one."""
BLOCKS = 10
"""Blocks of rows and of items of a small fit, as MLlib has it."""
BLOCK = 2_000_000
"""Interactions of a block beyond those. The number of blocks hangs on the data alone, since MLlib's chance does on it."""


def als_on(
    address: EngineAddress,
    matrix: Matrix,
    options: AlsOptions | None = None,
    *,
    seed: int = 0,
    said: Said = lambda _: None,
) -> Als:
    """Alternating least squares by MLlib; chance is by seed, sums are in the order in which Spark's tasks end.

    Raises:
        WorkspaceError: PySpark or Java is missing, or Spark does not answer.
    """
    options = options or AlsOptions()
    read = presence(interactions(matrix))
    ridge, scale = _ridge(read, options)
    with _engine(address) as engine:
        from pyspark.ml.recommendation import ALS

        said(f"{options.iterations} iterations of {read.nnz:,} interactions on Spark at {address.shown}")
        blocks = BLOCKS + read.nnz // BLOCK
        entries = engine.frame(engine.tail(entries_of(read, np.ones(read.shape[0], dtype=np.float32))))
        model = ALS(
            implicitPrefs=True,
            rank=options.factors,
            maxIter=options.iterations,
            alpha=1 / options.unobserved,
            regParam=ridge,
            seed=seed % 2**63,
            numUserBlocks=blocks,
            numItemBlocks=blocks,
            userCol="row",
            itemCol="item",
            ratingCol="share",
        ).fit(entries)
        found = model.itemFactors.toArrow()
    factors = np.zeros((read.shape[1], options.factors), dtype=np.float32)
    values = found["features"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    factors[found["id"].to_numpy()] = scale * values.reshape(-1, options.factors)
    made = Als(options, factors)
    if options.constant == 0 and options.frequency == 1:
        return made
    said(f"{ROUNDS} rounds here, by our own ridge")
    return made.refined(read, ROUNDS)


def item_graph_on(
    address: EngineAddress,
    matrix: Matrix,
    options: ItemGraphOptions | None = None,
    *,
    seed: int = 0,
    said: Said = lambda _: None,
) -> ItemGraph:
    """The item graph with its co-occurrences by a join on Spark; the low-rank filter is found in this process.

    Where co-occurrences are too many to be kept, each item's strongest neighbours alone come back.

    Raises:
        WorkspaceError: PySpark or Java is missing, or Spark does not answer.
    """

    def joined(
        read: Matrix, shares: Floats, sides: tuple[Floats, Floats], count: int
    ) -> tuple[sp.csr_matrix | None, sp.csr_matrix]:
        left, right = sides
        few = min(pairs(read), read.shape[1] ** 2) <= 2 * KEPT_PAIRS
        with _engine(address) as engine:
            said(f"{pairs(read) // 2:,} pairs of items by a join on Spark at {address.shown}")
            met = pairs_of(engine.tail(entries_of(read, shares)))
            if few:
                together = symmetric(met.to_pyarrow(), read.shape[1])
            else:
                found = strongest_of(met, engine.tail(weights_of(right)), count)
                together = one_sided(found.to_pyarrow(), read.shape[1])
        kept = together if few and together.nnz <= KEPT_PAIRS else None
        return kept, strongest(together, count, left=left, right=right)

    return ItemGraph.fit(matrix, options, seed=seed, said=said, neighbourhood=joined)


@contextmanager
def _engine(address: EngineAddress) -> Iterator["SparkEngine"]:
    """The process' Spark, what it says in words, and its views dropped at the end."""
    from counterpoint.journal.engines import spoken
    from counterpoint.journal.engines.spark import SparkEngine

    engine = SparkEngine(Path(), address, None)
    try:
        with spoken(engine):
            yield engine
    finally:
        engine.close()


def _ridge(read: Matrix, options: AlsOptions) -> tuple[float, float]:
    """MLlib's ridge for our options, and what the factors of items are scaled by."""
    means, ours = [], []
    for axis, others in ((1, read.shape[1]), (0, read.shape[0])):
        lengths = np.asarray(read.sum(axis=axis), dtype=np.float64).ravel()
        means.append(float((lengths**2).sum() / lengths.sum()))
        ours.append(float(options.ridge_of(means[-1], others)))
    theirs = float(np.sqrt(ours[0] * ours[1] / (means[0] * means[1])))
    return theirs / options.unobserved, float(np.sqrt(ours[0] / (theirs * means[0])))
