"""Every operation of the catalog API with its parameters, in one table."""

from counterpoint.catalog.api.router import Operation
from counterpoint.catalog.api.writes import WRITES

__all__ = ["OPERATIONS"]

OPERATIONS: tuple[Operation, ...] = (*WRITES,)
