"""Where Ibis' SQL for Spark and ClickHouse would answer otherwise than its SQL for DuckDB, and what to write instead.

Both: a field of JSON text is a number only where JSON has a number, true and false only where it has
those; text that looks like one is neither. ClickHouse: literals of time beyond the years 1900 to 2299
are given as microseconds, because texts of them would be moved into that range; what it counts or ranks
roughly, or by sums of squares, is asked for exactly; seconds may lie before 1970 and after 2106.
"""

from datetime import datetime
from typing import Any, ClassVar

import ibis.expr.datatypes as dt
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.clickhouse import ClickHouseCompiler
from ibis.backends.sql.compilers.pyspark import PySparkCompiler

from counterpoint.moments import to_micros

__all__ = ["ClickHouseSQL", "SparkSQL"]


class SparkSQL(PySparkCompiler):  # type: ignore[misc]  # Ibis has no types
    """Spark's dialect; JSON is read as Spark's VARIANT, which knows types, instead of by Python on its machines."""

    __slots__ = ()
    SIMPLE_OPS: ClassVar[dict[Any, str]] = {}  # Ibis would put those of the parent over the methods below

    def visit_Cast(self, op: Any, *, arg: Any, to: dt.DataType) -> Any:
        if to.is_json() and op.arg.dtype.is_string():
            return self.f.anon.try_parse_json(arg)
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_JSONGetItem(self, op: Any, *, arg: Any, index: Any) -> Any:
        path = "$" + "".join(f"[{key}]" if isinstance(key, int) else _quoted(key) for key in _keys(op))
        return self.f.anon.try_variant_get(arg, sge.convert(path), sge.convert("variant"))

    def visit_UnwrapJSONFloat64(self, op: Any, *, arg: Any) -> Any:
        kind = self.f.anon.schema_of_variant(arg)
        number = sge.RegexpLike(this=kind, expression=sge.convert("^(BIGINT|DOUBLE|DECIMAL)"))
        return self.if_(number, self._from_variant(arg, "double"), sge.null())

    def visit_UnwrapJSONInt64(self, op: Any, *, arg: Any) -> Any:
        kind = self.f.anon.schema_of_variant(arg)
        return self.if_(kind.eq(sge.convert("BIGINT")), self._from_variant(arg, "bigint"), sge.null())

    def visit_UnwrapJSONBoolean(self, op: Any, *, arg: Any) -> Any:
        kind = self.f.anon.schema_of_variant(arg)
        return self.if_(kind.eq(sge.convert("BOOLEAN")), self._from_variant(arg, "boolean"), sge.null())

    def visit_UnwrapJSONString(self, op: Any, *, arg: Any) -> Any:
        kind = self.f.anon.schema_of_variant(arg)
        return self.if_(kind.eq(sge.convert("STRING")), self._from_variant(arg, "string"), sge.null())

    def _from_variant(self, arg: Any, kind: str) -> Any:
        return self.f.anon.try_variant_get(arg, sge.convert("$"), sge.convert(kind))


class ClickHouseSQL(ClickHouseCompiler):  # type: ignore[misc]  # Ibis has no types
    """ClickHouse's dialect; JSON stays the text that it is, and a part of it is a text of JSON too."""

    __slots__ = ()
    SIMPLE_OPS: ClassVar[dict[Any, str]] = {}  # as above

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: dt.DataType) -> Any:
        if dtype.is_timestamp() and isinstance(value, datetime) and value.tzinfo is not None:
            return self.f.anon.fromUnixTimestamp64Micro(
                self.f.toInt64(to_micros(value)), dtype.timezone or "UTC"
            )
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_Cast(self, op: Any, *, arg: Any, to: dt.DataType) -> Any:
        if to.is_json() and op.arg.dtype.is_string():
            return arg
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_JSONGetItem(self, op: Any, *, arg: Any, index: Any) -> Any:
        keys = (key + 1 if isinstance(key, int) else key for key in _keys(op))  # ClickHouse counts from 1
        return self.f.nullIf(self.f.anon.JSONExtractRaw(self.f.ifNull(arg, ""), *map(sge.convert, keys)), "")

    def visit_CountDistinct(self, op: Any, *, arg: Any, where: Any) -> Any:
        return self.agg.uniqExact(arg, where=where)

    def visit_Quantile(self, op: Any, *, arg: Any, quantile: Any, where: Any) -> Any:
        return self._visit_quantile("quantileExactInclusive", arg, quantile, where)

    def visit_StandardDev(self, op: Any, *, arg: Any, how: str, where: Any) -> Any:
        return self.agg["stddevPopStable" if how == "pop" else "stddevSampStable"](arg, where=where)

    def visit_Variance(self, op: Any, *, arg: Any, how: str, where: Any) -> Any:
        return self.agg["varPopStable" if how == "pop" else "varSampStable"](arg, where=where)

    def visit_ExtractEpochSeconds(self, op: Any, *, arg: Any) -> Any:
        micros = self.f.anon.toUnixTimestamp64Micro(arg)
        whole = sge.Paren(this=sge.Sub(this=micros, expression=self.f.anon.positiveModulo(micros, 1_000_000)))
        return self.f.anon.intDiv(whole, 1_000_000)

    def visit_UnwrapJSONFloat64(self, op: Any, *, arg: Any) -> Any:
        return self._typed(arg, "JSONExtractFloat", "Int64", "UInt64", "Double")

    def visit_UnwrapJSONInt64(self, op: Any, *, arg: Any) -> Any:
        return self._typed(arg, "JSONExtractInt", "Int64", "UInt64")

    def visit_UnwrapJSONBoolean(self, op: Any, *, arg: Any) -> Any:
        return self._typed(arg, "JSONExtractBool", "Bool")

    def visit_UnwrapJSONString(self, op: Any, *, arg: Any) -> Any:
        return self._typed(arg, "JSONExtractString", "String")

    def _typed(self, arg: Any, function: str, *kinds: str) -> Any:
        text = self.f.ifNull(arg, "")
        fits = self.f.toString(self.f.anon.JSONType(text)).isin(*map(sge.convert, kinds))
        return self.if_(fits, self.f.anon[function](text), sge.null())


def _keys(op: Any) -> list[int | str]:
    """The way into JSON; a dot in a name goes one level down, as in DuckDB's paths."""
    key = op.index.value
    if isinstance(key, int):
        return [key]
    return [*str(key).split(".")]


def _quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{escaped}"]'
