"""Ibis' ClickHouse backend with our dialect, and with Arrow instead of Python objects in between."""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from ibis.backends.clickhouse import Backend
from ibis.expr import types as ir

from counterpoint.journal.engines.dialects import ClickHouseSQL

__all__ = ["ClickHouseBackend"]


class ClickHouseBackend(Backend):  # type: ignore[misc]  # Ibis has no types
    """Ibis' backend over one of our clients."""

    compiler = ClickHouseSQL()
    external: Callable[[], Mapping[str, pa.Table]]

    def to_pyarrow(
        self,
        expr: ir.Expr,
        /,
        *,
        params: Mapping[Any, Any] | None = None,
        limit: int | str | None = None,
        **_: Any,
    ) -> Any:
        """The rows of an expression. ClickHouse's numbers are cast to the expression's types."""
        table = expr.as_table()
        found = self.con.arrow(self.compile(table, params=params, limit=limit), self.external())
        schema = table.schema().to_pyarrow()
        return expr.__pyarrow_result__(schema.empty_table() if found is None else found.cast(schema))
