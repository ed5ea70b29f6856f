"""Ibis' DuckDB backend without pandas, which its `to_pyarrow` imports for 0.3 s of CPU and does not use."""

from typing import Any

import pyarrow as pa
from ibis.backends.duckdb import Backend
from ibis.expr import types as ir
from ibis.formats.pyarrow import PyArrowData

__all__ = ["DuckDBBackend"]


class _Columns(PyArrowData):  # type: ignore[misc]  # Ibis has no types
    """DuckDB gives whole numbers where nothing but null is known of a column."""

    @classmethod
    def convert_scalar(cls, scalar: Any, dtype: Any) -> Any:
        return pa.scalar(None) if dtype.is_null() else super().convert_scalar(scalar, dtype)

    @classmethod
    def convert_column(cls, column: Any, dtype: Any) -> Any:
        return pa.nulls(len(column)) if dtype.is_null() else super().convert_column(column, dtype)


class DuckDBBackend(Backend):  # type: ignore[misc]  # as above
    """Ibis' backend; `DuckDBBackend().connect(...)` takes what `ibis.duckdb.connect` does."""

    def to_pyarrow(self, expr: ir.Expr, /, **options: Any) -> Any:
        """The rows of an expression."""
        found = self._to_duckdb_relation(expr, **options).to_arrow_table()
        return expr.__pyarrow_result__(found, data_mapper=_Columns)
