"""A model: a method chosen for the data, fitted, asked for rankings, and kept. Pure.

>>> import numpy as np
>>> from counterpoint.discover import Model
>>> plays = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 1]])
>>> model = Model("neighbours").fit(plays)
>>> model.recommend(plays[:1], 2).of(0)
[2, 3]
"""

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.checkpoints import NOWHERE, Checkpoints
from counterpoint.discover.devices import DEVICES, Asked, device_of
from counterpoint.discover.interactions import Matrix, bounded, interactions, times
from counterpoint.discover.item_graph import ItemGraph
from counterpoint.discover.methods import fitted, method_of
from counterpoint.discover.ranking import Ranking
from counterpoint.discover.recommender import Recommender
from counterpoint.discover.search import Search, search
from counterpoint.engine import DUCKDB, EngineAddress, read_engine
from counterpoint.errors import InputError
from counterpoint.stats.checks import choice, whole

__all__ = ["Model"]

MOST_ITEMS_OF_A_ROW = 20_000
"""What one row may say: more is a robot's, and costs its square."""


class Model:
    """A recommender for whatever has rows of who and columns of what.

    `method` is one of `counterpoint.discover.METHODS`, or `auto`: the one that does best on a held-out
    slice of the data within `budget` CPU seconds, with the options that were found (`search` tells what
    was tried). `options` are the method's own. The same data, method and seed give the same rankings.
    With an `engine` such as `spark://local[2]` or `spark://host:7077` the last fit is Spark's, of methods
    that it has; the choice is made in this process. `device` is where dense parts of the last fit are computed: `auto`
    takes a GPU where CuPy or PyTorch finds one, `gpu` says where there is none, `cpu` takes none.
    """

    def __init__(
        self,
        method: str = "auto",
        *,
        options: Mapping[str, Any] | None = None,
        seed: int = 0,
        budget: float = 120.0,
        engine: str | EngineAddress = DUCKDB,
        device: Asked = "auto",
    ) -> None:
        if method != "auto":
            method_of(method)
        elif options:
            raise InputError(
                f'options are those of a method, but method == "auto" chooses; got {", ".join(options)}'
            )
        if options is not None and not isinstance(options, Mapping):
            raise InputError(f"options == {options!r}, must be names of options with their values")
        whole("seed", seed)
        self.method = method
        self.options: Mapping[str, Any] = dict(options or {})
        self.seed = int(seed)
        self.budget = budget
        self.engine = _engine(engine)
        choice("device", device, DEVICES)
        self.device = device
        self.search: Search | None = None
        self._fitted: Recommender | None = None

    def fit(
        self,
        matrix: Matrix,
        *,
        moments: Matrix | None = None,
        said: Callable[[str], None] = lambda _: None,
        checkpoints: Checkpoints = NOWHERE,
    ) -> Self:
        """Fits to a matrix (SciPy sparse or NumPy; values above 0), and returns itself.

        `moments` has the time of each cell, in any unit; with it a search validates on what came last. `checkpoints`
        keeps how far the last fit is: given again with the same data, method, options and seed, it goes on from there.
        Raises `InputError` for what is no such matrix.
        """
        read = interactions(matrix)
        if moments is None:
            read = bounded(read, MOST_ITEMS_OF_A_ROW)
        if not read.nnz:
            raise InputError("matrix is empty: no row has any item, so there is nothing to fit")
        if moments is not None:
            moments = times(moments)
        method, options = self.method, self.options
        if method == "auto":
            self.search = search(read, moments=moments, budget=self.budget, seed=self.seed, said=said)
            method, options = self.search.best.method, self.search.best.options
        read = bounded(read, MOST_ITEMS_OF_A_ROW)
        try:
            self._fitted = fitted(
                method,
                read,
                options,
                seed=self.seed,
                said=said,
                engine=self.engine,
                checkpoints=checkpoints,
                device=device_of(self.device, said),
            )
        except MemoryError as error:
            raise InputError(
                f'method "{method}" needs more memory for {read.shape[1]:,} items than there is: {error};'
                " take smaller options, or the item graph"
            ) from error
        return self

    @property
    def fitted(self) -> Recommender:
        """The fitted method. Raises `InputError` before `fit`."""
        if self._fitted is None:
            raise InputError("the model is not fitted; call fit(matrix) first")
        return self._fitted

    def recommend(
        self,
        history: Matrix,
        count: int = 20,
        *,
        known: bool = False,
        weighted: bool = False,
        hidden: Matrix | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Ranking:
        """The `count` best items for each row of `history`, which need not have been fitted on.

        `known` lets items of the history come back; `weighted` takes the values for how much each counts; `hidden` has a value where an item must not come;
        `allowed` is one truth for each item.
        """
        return self.fitted.rank(
            history, count, known=known, weighted=weighted, hidden=hidden, allowed=allowed
        )

    def added(self, matrix: Matrix) -> Self:
        """A model that has these new rows too, without fitting again. Only the item graph can do that."""
        if not isinstance(self.fitted, ItemGraph):
            raise InputError(
                f'method "{self.fitted.name}" takes new rows only by fitting again; the item graph can'
            )
        more = type(self)(
            self.fitted.name,
            options=self.options if self.method != "auto" else None,
            seed=self.seed,
            engine=self.engine,
            device=self.device,
        )
        more.search, more._fitted = self.search, self.fitted.added(matrix)
        return more


def _engine(asked: str | EngineAddress) -> EngineAddress:
    if isinstance(asked, EngineAddress):
        return asked
    try:
        return read_engine(asked)
    except ValueError as error:
        raise InputError(f"engine: {error}") from error
