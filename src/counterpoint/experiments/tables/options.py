"""The options of `experiments analyze --table`."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

__all__ = ["TABLE", "Options"]

TABLE = Group("A table instead of a workspace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a table holds and how it is to be judged."""

    table: Annotated[str | None, Parameter(help="CSV or Parquet file with users in rows, or a pattern such as 'day-*.parquet'.")] = None  # fmt: skip
    subject: Annotated[str | None, Parameter(help="Column that says who the user is.")] = None
    variant: Annotated[str | None, Parameter(help="Column that says which variant the user got.")] = None
    time: Annotated[str | None, Parameter(help="Column with the moment of the row, if there is one.")] = None
    control: Annotated[str | None, Parameter(help="The variant that others are compared with.")] = None
    treatment: Annotated[tuple[str, ...], Parameter(negative="", help="A variant to compare; the other one, where there are two.")] = ()  # fmt: skip
    metric: Annotated[
        tuple[str, ...],
        Parameter(
            negative="",
            help="Success metric: NAME, NAME=COLUMN, or NAME=COLUMN/COLUMN for a ratio; then :decrease where less is better,"
            " :any, :sum, :mean or :count for several rows of a user (sum), and :cap99% to limit the largest values.",
        ),
    ] = ()
    guardrail: Annotated[tuple[str, ...], Parameter(negative="", help="Metric that must not get worse: as --metric, with its margin after it, such as rounds:2%.")] = ()  # fmt: skip
    covariate: Annotated[tuple[str, ...], Parameter(negative="", help="METRIC=COLUMN: a number known before the experiment, which makes the interval narrower.")] = ()  # fmt: skip
    share: Annotated[tuple[str, ...], Parameter(negative="", help="VARIANT=SHARE that was planned; equal where nothing is said.")] = ()  # fmt: skip
    segment: Annotated[tuple[str, ...], Parameter(negative="", help="Column, such as the country, by whose values sizes and effects are told too; never part of the verdict.")] = ()  # fmt: skip
    alpha: Annotated[float, Parameter(help="One-sided level of the decision.")] = 0.05
    srm_threshold: Annotated[float, Parameter(help="The sample ratio is a mismatch below this p; 0.01 is in use as well.")] = 0.001  # fmt: skip
    units_per_arm: Annotated[int | None, Parameter(help="Users that each arm should have before the result is read, as it was planned.")] = None  # fmt: skip
    end: Annotated[str | None, Parameter(help="Day of the planned end, such as 2026-05-31; a table is read once, after it. Rows after it do not count, where --time is said.")] = None  # fmt: skip
    explore: Annotated[bool, Parameter(negative="", help="Look at a table without a declared end: no evidence, and nothing ships.")] = False  # fmt: skip
    acknowledged: Annotated[bool, Parameter(negative="", help="Show the figures of an invalid experiment; they are no evidence.")] = False  # fmt: skip
    delimiter: Annotated[str | None, Parameter(help="Of CSV, such as ';'; found from the first line if not said.")] = None  # fmt: skip
    decimal: Annotated[str, Parameter(help="Sign before the decimals in CSV.")] = "."
    encoding: Annotated[str, Parameter(help="Of CSV: utf-8, latin-1 or utf-16.")] = "utf-8"
    one_row_per_user: Annotated[bool, Parameter(negative="", help="Refuse users with several rows.")] = False
    write: Annotated[Path | None, Parameter(help="Write the experiment and its metrics as a descriptor for `import catalog`.")] = None  # fmt: skip

    record_to: Annotated[
        Path | None, Parameter(help="Write the decision record as Markdown into a file.")
    ] = None
    owner: Annotated[str, Parameter(help="The squad that owns what --write writes.")] = "my-squad"

    def given(self) -> list[str]:
        """Names of the options that were said, as they are written."""
        return [
            each.name.replace("_", "-") for each in fields(self) if getattr(self, each.name) != each.default
        ]
