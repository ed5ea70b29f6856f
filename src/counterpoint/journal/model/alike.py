"""Rows of events that are alike but for id, subject and time, made without a document for each. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from counterpoint.journal.model.event import MAX_DATA, Event, Refusal, is_attribute, read_event
from counterpoint.journal.model.row import Row, identity, row_of

__all__ = ["AlikeEvents"]

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode


class AlikeEvents:
    """What events of one kind have in common. Their rows are those that their documents would become."""

    def __init__(self, document: Mapping[str, Any], *, subject_key: str) -> None:
        """Take any one of the documents; `subject_key` is the last key of its data, which repeats the subject."""
        example = {**document, "subject": "x", "data": {**document["data"], subject_key: ""}}
        found = read_event(example, received=_NEVER)
        row = row_of(found) if isinstance(found, Event) else found
        self.refusal = row if isinstance(row, Refusal) else None
        """Why none of them is an event, whatever its subject."""
        if isinstance(row, Refusal):
            return
        self._source: str = row[0]
        self._type: str = row[2]
        self._named: Row = row[6:10]
        self._data: str = row[10].removesuffix('""}')

    def row(self, id: str, subject: str, *, time: int, received: int) -> Row | None:  # noqa: A002 - CloudEvents' word
        """One event's columns and identity; times in microseconds since 1970. None where it is no event."""
        if self.refusal or not is_attribute(subject):
            return None
        data = f"{self._data}{_encode(subject).decode()}}}"
        if len(data) > MAX_DATA:
            return None
        source = self._source
        return (
            source, id, self._type, subject, time, received, *self._named,
            data, None, identity(source, id),
        )  # fmt: skip
