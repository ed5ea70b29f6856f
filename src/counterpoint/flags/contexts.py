"""What the server adds to the context of an evaluation: attributes of its own, and headers of the request."""

from collections.abc import Mapping
from typing import Any

__all__ = ["Additions"]


class Additions:
    """Attributes that go over those of the body, as in flagd: a header's over the setting's over the client's."""

    def __init__(self, fixed: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        """Take the attributes that are always the same, and the attribute that each header gives."""
        self._fixed = dict(fixed)
        self._by_header = {name.lower().encode(): attribute for name, attribute in headers.items()}
        self.headers = frozenset(self._by_header)
        """The headers that are read, in small letters."""

    def to(self, context: dict[str, Any], headers: Mapping[bytes, str]) -> dict[str, Any]:
        """The context with what is added; a header that the request has not leaves its attribute alone."""
        if not (self._fixed or self._by_header):
            return context
        found = {attribute: headers[name] for name, attribute in self._by_header.items() if headers.get(name)}
        return {**context, **self._fixed, **found}
