"""Ibis' Spark backend with our dialect, and with Arrow instead of pandas in between."""

from collections.abc import Mapping
from typing import Any

from ibis.backends.pyspark import Backend
from ibis.expr import types as ir

from counterpoint.journal.engines.dialects import SparkSQL

__all__ = ["SparkBackend"]


class SparkBackend(Backend):  # type: ignore[misc]  # Ibis has no types
    """Ibis' backend over the process' session."""

    compiler = SparkSQL()

    def to_pyarrow(
        self,
        expr: ir.Expr,
        /,
        *,
        params: Mapping[Any, Any] | None = None,
        limit: int | str | None = None,
        **_: Any,
    ) -> Any:
        """The rows of an expression. pandas would refuse times beyond the years 1677 to 2262."""
        table = expr.as_table()
        found = self._session.sql(self.compile(table, params=params, limit=limit)).toArrow()
        return expr.__pyarrow_result__(found.cast(table.schema().to_pyarrow()))
