"""Our own evaluation of compositions, beside flagd-core of npm (v2) and flagd-core of PyPI (v3)."""

from collections.abc import Mapping, Sequence
from typing import Any

from counterpoint.flags import FlagSet
from counterpoint.flags.composition import compiled, read_composition
from tests.flags.engines import NOW, Context, Npm, Pypi

__all__ = ["NOW", "Npm", "Pypi", "compile_plans", "ours", "users"]


def users(count: int, **attributes: Any) -> list[dict[str, Any]]:
    """Contexts of so many users."""
    return [{"targetingKey": f"user-{number}", **attributes} for number in range(count)]


def compile_plans(
    plans: Mapping[str, Any], bucketing: Any = "v2", definition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What plans, written as a document, compile to."""
    return compiled(definition or {"flags": {}}, read_composition(plans), bucketing)


def ours(
    definition: Mapping[str, Any], key: str, contexts: Sequence[Context], *, now: int = NOW, v: Any = "v2"
) -> list[str | None]:
    """The variant of each context by our own evaluation, and the error code in its place where there is one."""
    flags = FlagSet.from_flagd(definition, v)
    found = (flags.evaluate(key, context, now=now) for context in contexts)
    return [each.error_code or each.variant for each in found]
