"""Reading whose flags a definition in flagd's format holds, without evaluating any."""

from collections.abc import Mapping
from typing import Any

__all__ = ["flags_by_key"]


def flags_by_key(definition: object) -> dict[str, Mapping[str, Any]]:
    """The flags of a definition: an object of flags by key, or a list of flags that carry theirs as `key`.

    What is no flag is left out, so that a definition that is partly broken still shows the rest.
    """
    flags = definition.get("flags") if isinstance(definition, Mapping) else None
    if isinstance(flags, Mapping):
        return {str(key): flag for key, flag in flags.items() if isinstance(flag, Mapping)}
    listed = flags if isinstance(flags, list) else []
    return {str(flag["key"]): flag for flag in listed if isinstance(flag, Mapping) and "key" in flag}
